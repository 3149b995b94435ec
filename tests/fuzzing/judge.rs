//! Every verdict comes to an end, at any number of threads the same, prints in every format, and what post-render hands on is no
//! worse than what came in.

use capi_lint::input::Source;
use capi_lint::judge::{self, Options};
use capi_lint::migrate;
use capi_lint::output::locate::Locator;
use capi_lint::output::{self, Format, Report, Style};
use capi_lint::release::Release;
use capi_lint::report::{self, Severity};
use capi_lint::rules::view::Delivery;
use capi_lint::stream::Stream;
use capi_lint::transform::{self, dedupe};
use clap::ValueEnum;

use super::engine::{Shape, Target};
use super::{judged, seeds};

#[derive(Default)]
pub struct Judge {
    options: Option<[Options; 3]>,
}

/// One thread, three, and what post-render is asked for.
fn all() -> [Options; 3] {
    let mut three = Options::default();
    three.jobs = 3;
    let mut rendering = Options::default();
    rendering.delivery = Delivery::Helm;
    [Options::default(), three, rendering]
}

impl Target for Judge {
    fn name(&self) -> &'static str {
        "judge"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = seeds::short_streams(4000);
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/judge"), &["txt"], 8000));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        seeds::MANIFEST
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let [alone, together, rendering] = self.options.get_or_insert_with(all);
        let source = Source { name: "in".into(), bytes: input.to_vec() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "default");
        let mut findings = judge::unmerged(&release, alone, dedupe::findings(&release));
        let parallel = judge::unmerged(&release, together, dedupe::findings(&release));
        if format!("{findings:?}") != format!("{parallel:?}") {
            return Err("other findings on three threads".into());
        }
        let rules: Vec<(&str, Severity)> =
            findings.iter().map(|finding| (finding.rule.name, finding.severity)).collect();
        migrate::suggestion::add(&release, &mut findings);
        let report = Report {
            objects: release.objects.len(),
            findings: Locator::new(&release).locate(report::merged(findings)),
        };
        for format in Format::value_variants() {
            let mut out = Vec::new();
            output::write(&report, *format, Style::default(), &mut out).map_err(|error| error.to_string())?;
            if std::str::from_utf8(&out).is_err() {
                return Err(format!("{format:?} is no UTF-8"));
            }
            let is_json = matches!(format, Format::Json | Format::Sarif | Format::Gitlab);
            if is_json && serde_json::from_slice::<serde_json::Value>(&out).is_err() {
                return Err(format!("{format:?} is no JSON"));
            }
        }
        let options = transform::Options::default();
        let plan = transform::plan(&release, &options);
        let output = transform::write(&release, &plan).map_err(|error| format!("broken edit: {}", error.what))?;
        let bytes: Vec<u8> = output.to_bytes();
        let before = judge::unmerged(&release, rendering, dedupe::findings(&release));
        judged::is_no_worse(&before, &judged::findings(&bytes, rendering))?;
        let mut classes = rules;
        classes.sort_unstable();
        classes.dedup();
        Ok(Shape::of(classes))
    }
}
