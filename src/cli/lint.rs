//! `capi-lint lint`: judge manifests and say what is wrong.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::Context;

use super::Outcome;
use super::common::{self, ChartArgs, FormatTarget, JudgeArgs, ReportArgs};
use crate::baseline::Baseline;
use crate::file::{self, Lasting};
use crate::input::{Input, SourceGroup};
use crate::judge;
use crate::migrate;
use crate::output::Report;
use crate::output::locate::Locator;
use crate::progress::{self, Phase};
use crate::release::Release;
use crate::report;
use crate::stream;
use crate::transform::dedupe;

/// Arguments of `lint`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, folders, charts, or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How findings are printed: text, compact, json, jsonl, sarif, junit, github, gitlab, tap, markdown; FORMAT=FILE writes a
    /// file; may be repeated [default: text]
    #[arg(long, value_name = "FORMAT[=FILE]", help_heading = "Report")]
    format: Vec<FormatTarget>,
    /// Judge each file alone; by default files given together are one release
    #[arg(long)]
    each_file: bool,
    /// Write what was found to a file, to be given as --baseline from now on
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    write_baseline: Option<PathBuf>,
    /// An empty standard input is fine
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// Lints.
///
/// # Errors
/// Sources or settings that cannot be used, output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    let options = common::judge_options(&args.judge, &settings)?;
    let charts = args.charts.options(namespace, args.judge.jobs());
    let inputs = common::inputs(&args.paths, &charts, args.allow_empty)?;
    let inputs = if args.each_file { each_alone(inputs) } else { inputs };
    let streams =
        inputs.into_iter().map(|input| stream::parse_input(input, options.jobs)).collect::<Result<Vec<_>, _>>()?;
    let releases: Vec<Release<'_>> = streams.iter().map(|streams| Release::new(streams, namespace)).collect();
    let mut known = args.write_baseline.as_ref().map(|_| Baseline::default());
    let mut report = Report::default();
    for release in &releases {
        progress::enter(Phase::Judging, format!("{} objects", release.objects.len()));
        let duplicates = dedupe::findings(release);
        let mut findings = match &mut known {
            None => judge::judge(release, &options, duplicates),
            Some(known) => {
                let findings = judge::unmerged(release, &options, duplicates);
                known.add(release, &findings);
                report::merged(findings)
            }
        };
        migrate::suggestion::add(release, &mut findings);
        report.objects += release.objects.len();
        report.findings.append(Locator::new(release).locate(findings));
    }
    if let (Some(path), Some(known)) = (&args.write_baseline, known) {
        file::replace(path, known.to_text().as_bytes(), Lasting::Machine)
            .with_context(|| format!("cannot write the baseline to {}", path.display()))?;
    }
    let threshold = args.report.threshold(&settings);
    common::print(&report, &args.format, args.report.style(io::stdout().is_terminal(), threshold, options.jobs))?;
    let outcome = if report.reaches(threshold) { Outcome::Findings } else { Outcome::Clean };
    common::leave(report);
    common::leave(releases);
    common::leave(streams);
    Ok(outcome)
}

/// Each file as a release of its own.
fn each_alone(inputs: Vec<Input>) -> Vec<Input> {
    let alone = |source| Input::Read(SourceGroup { sources: vec![source] });
    let each = |input| match input {
        Input::Read(group) => group.sources.into_iter().map(alone).collect(),
        Input::Arriving(_) => vec![input],
    };
    inputs.into_iter().flat_map(each).collect()
}
