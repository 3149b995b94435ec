//! `capi-lint hook`: what pre-commit calls with the files of a commit.
//!
//! pre-commit hands over whatever changed, and nothing else: values files, templates, other people's YAML. So a hook passes
//! over what is none of its business, and knows the rest of the folder: an object is not missing because it did not change.

use std::collections::HashSet;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Subcommand;

use super::Outcome;
use super::common::{self, ChartArgs, FormatTarget, JudgeArgs, ReportArgs};
use crate::config::Settings;
use crate::input::{self, ChartOptions, Source, SourceGroup};
use crate::judge;
use crate::output::Report;
use crate::output::locate::Locator;
use crate::release::Release;
use crate::report::{self, Finding};
use crate::stream::{self, Stream};
use crate::transform::dedupe;

/// Arguments of `hook`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

/// What is looked at.
#[derive(Debug, Subcommand)]
enum What {
    /// Lint the files that hold manifests; references are looked up in the whole folder
    Manifests(HookArgs),
    /// Render and lint the charts that the files belong to: with each ci/*-values.yaml, or else with the defaults
    Charts(HookArgs),
}

#[derive(Debug, clap::Args)]
struct HookArgs {
    /// Files that changed
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The folder that holds what the files refer to
    #[arg(long, value_name = "DIR", default_value = ".")]
    context: PathBuf,
    /// How findings are printed: text, compact, github, …; FORMAT=FILE writes a file; may be repeated [default: text]
    #[arg(long, value_name = "FORMAT[=FILE]", help_heading = "Report")]
    format: Vec<FormatTarget>,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// Lints what changed.
///
/// # Errors
/// Files or settings that cannot be used, charts that do not render, output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (What::Manifests(hook) | What::Charts(hook)) = &args.what;
    if let Some(folder) = hook.files.iter().find(|file| file.is_dir()) {
        bail!("{0} is a folder, and a hook takes files. For all that is in it: capi-lint lint {0}", folder.display());
    }
    match &args.what {
        What::Manifests(args) => manifests(args),
        What::Charts(args) => charts(args),
    }
}

fn manifests(args: &HookArgs) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let options = common::judge_options(&args.judge, &settings)?;
    let changed: Vec<PathBuf> =
        args.files.iter().filter(|file| input::is_manifest(file) && chart_of(file).is_none()).cloned().collect();
    if changed.is_empty() {
        return Ok(Outcome::Clean);
    }
    let mut sources: Vec<Source> = input::read(&changed, &ChartOptions::default())?
        .into_iter()
        .flat_map(|group| group.sources)
        .filter(|source| is_manifest(&source.bytes))
        .collect();
    let given = sources.len();
    let known: HashSet<PathBuf> = changed.iter().filter_map(|file| fs::canonicalize(file).ok()).collect();
    let others = input::manifests(&args.context)?.into_iter().filter(|source| {
        is_manifest(&source.bytes) && !fs::canonicalize(&source.name).is_ok_and(|file| known.contains(&file))
    });
    sources.extend(others);
    let streams = stream::parse(&sources, options.jobs);
    let namespace = args.judge.namespace(&settings);
    // What a file has alone and among all: what the others supply is not missing, and what they do wrong is not new.
    let all = Release::new(&streams, namespace);
    let among_all = judge::unmerged(&all, &options, Vec::new());
    let stands: HashSet<Key<'_>> = among_all.iter().map(|finding| key(&all, finding)).collect();
    let mut report = Report::default();
    let alone: Vec<Release<'_>> =
        streams.iter().take(given).map(|stream| Release::new(std::slice::from_ref(stream), namespace)).collect();
    for release in &alone {
        let mut findings = judge::unmerged(release, &options, dedupe::findings(release));
        findings.retain(|finding| {
            // That an object stands twice in one file is the file's own affair.
            [dedupe::DUPLICATE_OBJECT.name, dedupe::CONFLICTING_DUPLICATE.name].contains(&finding.rule.name)
                || stands.contains(&key(release, finding))
        });
        report.objects += release.objects.len();
        report.findings.append(Locator::new(release).locate(report::merged(findings)));
    }
    finish(args, &settings, &report)
}

/// A finding, whatever else is in the release.
#[derive(PartialEq, Eq, Hash)]
enum Key<'r> {
    /// Its rule, its file, the document in that, the offset in that.
    At(&'static str, &'r str, u32, u32),
    /// About the whole: its rule and its words.
    Whole(&'static str, String),
}

fn key<'r>(release: &Release<'r>, finding: &Finding) -> Key<'r> {
    let rule = finding.rule.name;
    let at = finding.place.and_then(|place| {
        let origin = release.origin_of(place.document)?;
        let stream = release.streams.get(origin.stream as usize)?;
        Some(Key::At(rule, &stream.name, origin.document, place.span.start))
    });
    at.unwrap_or_else(|| Key::Whole(rule, finding.message.clone()))
}

fn charts(args: &HookArgs) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let options = common::judge_options(&args.judge, &settings)?;
    let namespace = args.judge.namespace(&settings);
    let mut charts: Vec<PathBuf> = args.files.iter().filter_map(|file| chart_of(file)).collect();
    charts.sort_unstable();
    charts.dedup();
    charts.retain(|chart| !is_library(chart));
    let (mut groups, mut broken) = (Vec::new(), 0);
    for chart in &charts {
        for values in values_of(chart) {
            let mut how = args.charts.options(namespace, args.judge.jobs());
            how.values.extend(values.clone());
            match input::read(std::slice::from_ref(chart), &how) {
                Ok(mut rendered) => {
                    name_after(&mut rendered, values.as_deref());
                    groups.extend(rendered);
                }
                Err(error) => {
                    broken += 1;
                    let _ = writeln!(io::stderr(), "capi-lint: {error}");
                }
            }
        }
    }
    let streams: Vec<Vec<Stream>> = groups.iter().map(|group| stream::parse(&group.sources, options.jobs)).collect();
    let releases: Vec<Release<'_>> = streams.iter().map(|streams| Release::new(streams, namespace)).collect();
    let mut report = Report::default();
    for release in &releases {
        let findings = judge::judge(release, &options, dedupe::findings(release));
        report.objects += release.objects.len();
        report.findings.append(Locator::new(release).locate(findings));
    }
    let outcome = finish(args, &settings, &report)?;
    if broken > 0 {
        bail!("{broken} renderings of charts that changed failed");
    }
    Ok(outcome)
}

/// The values files with which a chart is tried: chart-testing's `ci/*-values.yaml`, or none, which are the defaults.
fn values_of(chart: &Path) -> Vec<Option<PathBuf>> {
    let files = fs::read_dir(chart.join("ci")).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<Option<PathBuf>> =
        files.filter(|file| file.to_str().is_some_and(|name| name.ends_with("-values.yaml"))).map(Some).collect();
    files.sort_unstable();
    if files.is_empty() { vec![None] } else { files }
}

/// A chart that is rendered more than once: its findings say with which values.
fn name_after(groups: &mut [SourceGroup], values: Option<&Path>) {
    let Some(values) = values.and_then(Path::file_name) else { return };
    for source in groups.iter_mut().flat_map(|group| &mut group.sources) {
        source.name = format!("{} (ci/{})", source.name, values.display());
    }
}

/// The outermost chart that a file belongs to.
fn chart_of(file: &Path) -> Option<PathBuf> {
    let here = |folder: &Path| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_path_buf() };
    file.ancestors().skip(1).map(here).filter(|folder| input::is_chart(folder)).last()
}

/// A library chart renders nothing by itself: it is tried with the charts that use it.
fn is_library(chart: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Chart {
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    let text = fs::read_to_string(chart.join("Chart.yaml")).unwrap_or_default();
    serde_yaml::from_str::<Chart>(&text).is_ok_and(|chart| chart.kind.as_deref() == Some("library"))
}

/// Whether a file holds objects for a server, by its words: broken ones count too. What kustomize, kind and others keep for
/// themselves in that shape is told by its group.
fn is_manifest(bytes: &[u8]) -> bool {
    const OF_TOOLS: [&str; 4] = ["kustomize.config.k8s.io/", "kind.x-k8s.io/", "skaffold/", "ctlptl.dev/"];
    const KUBECONFIG: &str = "Config";
    let text = String::from_utf8_lossy(bytes);
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let line = line.trim_start_matches([' ', '{', '-', '"']);
            let rest = line.strip_prefix(name)?.trim_start_matches('"').trim_start();
            rest.strip_prefix(':').map(|value| value.trim_start_matches([' ', '"', '\'']).to_owned())
        })
    };
    let is_of_tool = |version: &String| OF_TOOLS.iter().any(|group| version.starts_with(group));
    value("kind").is_some_and(|kind| kind.trim_end_matches(['"', '\'', ',']) != KUBECONFIG)
        && value("apiVersion").is_some_and(|version| !is_of_tool(&version))
}

fn finish(args: &HookArgs, settings: &Settings, report: &Report<'_>) -> anyhow::Result<Outcome> {
    let threshold = args.report.threshold(settings);
    common::print(report, &args.format, args.report.style(io::stdout().is_terminal(), threshold, args.judge.jobs()))?;
    Ok(if report.reaches(threshold) { Outcome::Findings } else { Outcome::Clean })
}
