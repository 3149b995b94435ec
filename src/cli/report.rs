//! `capi-lint report`: the fleet as one HTML file, for people who look at it together.

use std::io::{self, Write};
use std::path::PathBuf;

use super::common::{self, ChartArgs, JudgeArgs};
use super::{Outcome, diff as diff_command};
use crate::config::{FailOn, Preset, Settings};
use crate::diff;
use crate::ignores;
use crate::input::{ChartOptions, Input, Source, SourceGroup};
use crate::judge;
use crate::output::html::{self, Page};
use crate::output::locate::Locator;
use crate::progress::{self, Phase};
use crate::release::Release;
use crate::report::Finding;
use crate::rules::fleet_outlier;
use crate::rules::view::{Circumstances, View};
use crate::schema::validate::Client;
use crate::stream;
use crate::transform::dedupe;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "OLD: a file, a folder, a chart, release:NAME[@REVISION] (asks Helm), or a Helm release Secret as JSON.\n\
Exit codes: 0 written, 1 findings at or above --fail-on where it is given, 2 capi-lint could not do its work."
)]
pub struct Args {
    /// Files, folders, charts, or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The release before: the report says too what is refused and which machines roll
    #[arg(long, value_name = "OLD")]
    diff: Option<PathBuf>,
    /// Values file for the chart OLD, behind those of --values; may be repeated
    #[arg(long, value_name = "FILE", requires = "diff")]
    old_values: Vec<PathBuf>,
    /// The heading of the page [default: Fleet report]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Least severity that makes the exit code 1 [default: none]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// An empty standard input is fine
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
}

/// Reports.
///
/// # Errors
/// Sources or settings that cannot be used, output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    let options = common::judge_options(&args.judge, &settings)?;
    let mut charts = args.charts.options(namespace, args.judge.jobs());
    if charts.release.is_none() {
        charts.release = args.diff.as_deref().and_then(diff_command::release_of);
    }
    let groups = common::sources(&args.paths, &charts, args.allow_empty)?;
    let sources: Vec<Source> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams = stream::parse(&sources, options.jobs);
    let release = Release::new(&streams, namespace);
    progress::enter(Phase::Judging, format!("{} objects", release.objects.len()));
    let locator = Locator::new(&release);
    let findings = locator.locate(judge::unmerged(&release, &options, dedupe::findings(&release)));
    let like_a_fleet = Settings { extends: Preset::Fleet.into(), ..settings.clone() };
    let view = View::new(&release, &Circumstances::of(&like_a_fleet));
    let outliers = locator.locate(outliers(&view, &settings, args.judge.today.as_deref()));
    let old_streams = stream::parse_input(old_input(args, &charts)?, options.jobs)?;
    let before = Release::new(&old_streams, namespace);
    let rollout = match &args.diff {
        Some(_) => Some(diff::diff(&before, &release, &diff_options(args, &settings)?)),
        None => None,
    };
    let page = Page {
        title: args.title.as_deref().unwrap_or("Fleet report"),
        as_of: args.judge.today.as_deref(),
        view: &view,
        findings: &findings,
        outliers: &outliers,
        rollout: rollout.as_ref(),
    };
    print(&page, args.output.as_ref())?;
    let reaches = |threshold: FailOn| findings.iter().any(|located| threshold.is_reached_by(located.finding.severity));
    Ok(if args.fail_on.is_some_and(reaches) { Outcome::Findings } else { Outcome::Clean })
}

/// Clusters that are not like the others of their group, whether or not the settings ask for the rule: a report shows them
/// apart from the findings.
fn outliers(view: &View<'_, '_>, settings: &Settings, today: Option<&str>) -> Vec<Finding> {
    let mut outliers = Vec::new();
    fleet_outlier::check(view, &mut outliers);
    let mut outliers = ignores::settle(view.release, outliers, settings, today);
    outliers.retain(|finding| finding.rule.name == fleet_outlier::FLEET_OUTLIER.name);
    outliers
}

fn old_input(args: &Args, charts: &ChartOptions) -> anyhow::Result<Input> {
    let Some(old) = &args.diff else { return Ok(Input::Read(SourceGroup::default())) };
    let mut charts = charts.clone();
    charts.values.extend_from_slice(&args.old_values);
    diff_command::read_side(old, &charts)
}

fn diff_options(args: &Args, settings: &Settings) -> anyhow::Result<diff::Options> {
    let mut judge = common::judge_options(&args.judge, settings)?;
    if args.judge.client.is_none() && settings.client.is_none() {
        judge.client = Client::Warn;
    }
    Ok(diff::Options { allow_delete: Vec::new(), judge })
}

fn print(page: &Page<'_, '_, '_>, file: Option<&PathBuf>) -> anyhow::Result<()> {
    progress::enter(Phase::Writing, "");
    if let Some(path) = file {
        let mut text = Vec::new();
        html::write(page, &mut text)?;
        return common::write_report(path, &text);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    html::write(page, &mut out)?;
    Ok(out.flush()?)
}
