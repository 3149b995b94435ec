//! `capi-lint diff`: what a release changes, what would be refused, which machines roll; with gates for CI.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;

use super::Outcome;
use super::common::{self, Color, HELM_PLUGIN, JudgeArgs};
use crate::diff::helm_release::{self, NotReadable};
use crate::diff::output::{self, Format, View};
use crate::diff::{self, Diff, Options, uninstall};
use crate::input::{self, ChartOptions, Input, Source, SourceGroup};
use crate::progress::{self, Phase};
use crate::release::Release;
use crate::schema::validate::Client;
use crate::stream;
use crate::threads;

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "OLD and NEW: a file, a folder, a chart, - for standard input, release:NAME[@REVISION] (asks Helm), or a \
Helm release Secret as JSON.\nExit codes: 0 accepted, 1 refused or a gate, 2 capi-lint could not do its work; with --exit-code \
3 where anything changes."
)]
pub struct Args {
    /// The release before
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The release after
    #[arg(value_name = "NEW", required_unless_present = "uninstall")]
    new: Option<PathBuf>,
    /// What an uninstall of OLD would leave stuck or orphaned
    #[arg(long, conflicts_with = "new")]
    uninstall: bool,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    gates: GateArgs,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    judge: JudgeArgs,
}

/// How the two releases are read.
#[derive(Clone, Debug, Default, clap::Args)]
struct SourceArgs {
    /// Values file for the chart OLD; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Charts")]
    old_values: Vec<PathBuf>,
    /// Values file for the chart NEW; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Charts")]
    new_values: Vec<PathBuf>,
    /// Values file for both charts; may be repeated
    #[arg(short = 'f', long = "values", value_name = "FILE", help_heading = "Charts")]
    values: Vec<PathBuf>,
    /// Set a value for both charts; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Charts")]
    set: Vec<String>,
    /// Name of the release [default: that of OLD, where it is an installed one]
    #[arg(long, value_name = "NAME", help_heading = "Charts")]
    release: Option<String>,
    /// Helm to render charts and read releases with [default: helm on PATH]
    #[arg(long, value_name = "FILE", help_heading = "Charts")]
    helm: Option<PathBuf>,
}

/// What makes the exit code 1.
#[derive(Clone, Debug, Default, clap::Args)]
struct GateArgs {
    /// Fail on refusals, on machines replaced or removed, on objects deleted [default: refused]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT", help_heading = "Gates")]
    fail_on: Vec<FailOn>,
    /// Fail when more machines are replaced
    #[arg(long, value_name = "N", help_heading = "Gates")]
    max_rolled_machines: Option<u64>,
    /// Fail when machines of more clusters are replaced; a number or a share of all
    #[arg(long, value_name = "N|P%", value_parser = limit, help_heading = "Gates")]
    max_rolled_clusters: Option<Limit>,
    /// A Cluster that may be deleted; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Gates")]
    allow_delete: Vec<String>,
    /// Exit with 3 where anything changes
    #[arg(long, help_heading = "Gates")]
    exit_code: bool,
}

/// How the comparison is printed.
#[derive(Clone, Debug, Default, clap::Args)]
struct ReportArgs {
    /// How the comparison is printed
    #[arg(long, value_enum, default_value_t, help_heading = "Report")]
    format: Format,
    /// Only what happens per cluster, and the sums
    #[arg(long, help_heading = "Report")]
    summary: bool,
    /// Lines around a change in a text of several lines
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Report")]
    context: usize,
    /// Only one cluster or one kind
    #[arg(long, value_name = "CLUSTER|KIND", help_heading = "Report")]
    only: Option<String>,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Report")]
    output: Option<PathBuf>,
    /// Colours; auto heeds NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_enum, default_value_t, help_heading = "Report")]
    color: Color,
}

/// What a gate closes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Anything that the server would refuse.
    Refused,
    /// Machines that are replaced or removed.
    Rollout,
    /// Objects that are deleted.
    Delete,
}

/// A number, or a share in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Number(u64),
    Percent(u64),
}

fn limit(text: &str) -> Result<Limit, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("'{text}' is no number; write 3 or 10%"));
    match text.strip_suffix('%') {
        Some(share) => number(share).map(Limit::Percent),
        None => number(text).map(Limit::Number),
    }
}

/// Compares.
///
/// # Errors
/// Sources or settings that cannot be used, output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    if args.new.as_deref().is_some_and(|new| new.as_os_str() == "-") && args.old.as_os_str() == "-" {
        bail!("OLD and NEW cannot both be standard input");
    }
    let release = release_of(&args.old);
    // Two charts are rendered at once, and what another program still writes is waited for beside the rest.
    let (old, new) = threads::both(
        args.judge.jobs(),
        || args.sources.read(&args.old, &args.sources.old_values, release.as_deref(), namespace),
        || match &args.new {
            Some(new) => args.sources.read(new, &args.sources.new_values, release.as_deref(), namespace),
            None => Ok(Input::Read(SourceGroup::default())),
        },
    );
    let (old, new) = (old?, new?);
    let streams = (stream::parse_input(old, args.judge.jobs())?, stream::parse_input(new, args.judge.jobs())?);
    let (before, after) = (Release::new(&streams.0, namespace), Release::new(&streams.1, namespace));
    let mut judge = common::judge_options(&args.judge, &settings)?;
    if args.judge.client.is_none() && settings.client.is_none() {
        judge.client = Client::Warn;
    }
    let mut allow_delete = args.gates.allow_delete.clone();
    if args.uninstall {
        // That clusters go is what an uninstall is for.
        allow_delete.extend(before.clusters.iter().map(|cluster| cluster.name.to_string()));
    }
    let options = Options { allow_delete, judge };
    progress::enter(Phase::Judging, format!("{} objects", before.objects.len() + after.objects.len()));
    let mut diff = diff::diff(&before, &after, &options);
    if args.uninstall {
        diff.verdict = uninstall::judge(&before);
        diff.summary.refusals = diff.verdict.refusals.len();
        diff.summary.warnings = diff.verdict.warnings.len();
        diff.changes = uninstall::changes(&before);
    }
    print(&diff, &args.report)?;
    if let Some(message) = common::unreadable(&before, "are not compared") {
        let _ = writeln!(io::stderr(), "capi-lint: of OLD, {message}");
        return Ok(Outcome::Findings);
    }
    for message in args.gates.closed(&diff, args.uninstall) {
        let _ = writeln!(io::stderr(), "capi-lint: {message}");
    }
    let outcome = args.gates.outcome(&diff, args.uninstall);
    common::leave(diff);
    common::leave((before, after));
    common::leave(streams);
    Ok(outcome)
}

fn print(diff: &Diff<'_, '_>, args: &ReportArgs) -> anyhow::Result<()> {
    progress::enter(Phase::Writing, "");
    let color = match &args.output {
        None => args.color.is_on(io::stdout().is_terminal()),
        Some(_) => args.color == Color::Always,
    };
    let view = View { summary: args.summary, context: args.context, only: args.only.clone(), color };
    if let Some(path) = &args.output {
        let mut text = Vec::new();
        output::write(diff, args.format, &view, &mut text)?;
        return common::write_report(path, &text);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    output::write(diff, args.format, &view, &mut out)?;
    Ok(out.flush()?)
}

impl GateArgs {
    fn outcome(&self, diff: &Diff<'_, '_>, is_uninstall: bool) -> Outcome {
        if !diff.is_accepted() || !self.closed(diff, is_uninstall).is_empty() {
            Outcome::Findings
        } else if self.exit_code && diff.summary.has_changes() {
            Outcome::Changes
        } else {
            Outcome::Clean
        }
    }

    /// The gates that are closed, in words.
    fn closed(&self, diff: &Diff<'_, '_>, is_uninstall: bool) -> Vec<String> {
        let summary = &diff.summary;
        let mut closed = Vec::new();
        if is_uninstall
            && diff.verdict.warnings.iter().any(|said| said.finding.severity == crate::report::Severity::Error)
        {
            closed.push("an uninstall would get stuck".to_owned());
        }
        let moved = summary.machines_replaced + summary.machines_removed;
        if self.fail_on.contains(&FailOn::Rollout) && moved > 0 {
            closed.push(format!("{moved} machines are replaced or removed (--fail-on rollout)"));
        }
        let gone = diff
            .changes
            .iter()
            .filter(|change| change.new.is_none() && change.old.is_some_and(diff::verdict::is_deleted))
            .count();
        if self.fail_on.contains(&FailOn::Delete) && gone > 0 {
            closed.push(format!("{gone} objects are deleted (--fail-on delete)"));
        }
        if let Some(most) = self.max_rolled_machines.filter(|most| summary.machines_replaced > *most) {
            closed.push(format!("{} machines are replaced, more than {most}", summary.machines_replaced));
        }
        let (rolled, all) = (summary.clusters_rolled as u64, summary.clusters as u64);
        let exceeds = |limit: &Limit| match limit {
            Limit::Number(most) => rolled > *most,
            Limit::Percent(share) => rolled * 100 > all * share,
        };
        if self.max_rolled_clusters.is_some_and(|limit| exceeds(&limit)) {
            closed.push(format!(
                "machines of {rolled} of {all} clusters are replaced, more than --max-rolled-clusters allows"
            ));
        }
        closed
    }
}

impl SourceArgs {
    /// One side; `release` is the installed one that the other side is compared with.
    fn read(&self, path: &PathBuf, own: &[PathBuf], release: Option<&str>, namespace: &str) -> anyhow::Result<Input> {
        let options = ChartOptions {
            values: self.values.iter().chain(own).cloned().collect(),
            set: self.set.clone(),
            release: self.release.clone().or_else(|| release.map(str::to_owned)),
            namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
            helm: common::helm(self.helm.as_ref()),
            jobs: 1,
        };
        read_side(path, &options)
    }
}

/// One side: files, a chart, an installed release, or a Secret that holds one.
pub(super) fn read_side(path: &PathBuf, options: &ChartOptions) -> anyhow::Result<Input> {
    if let Some((name, revision)) = installed(path) {
        if name.is_empty() {
            bail!("release: needs the name of a release: release:NAME or release:NAME@REVISION");
        }
        if let Some(revision) = revision.filter(|text| text.parse::<u32>().is_err()) {
            bail!("'{revision}' is no revision of release {name}: write a number, as helm history {name} shows it");
        }
        let source = input::helm_release(name, revision, options)?;
        return Ok(Input::Read(SourceGroup { sources: vec![source] }));
    }
    if path.as_os_str() != "-" && path.components().count() == 1 && path.extension().is_none() && !path.exists() {
        bail!("there is no file or folder {0}; an installed release is written release:{0}", path.display());
    }
    let mut side = SourceGroup::default();
    for input in common::inputs(std::slice::from_ref(path), options, true)? {
        match input {
            Input::Read(group) => side.sources.extend(group.sources),
            // No JSON, as a Secret that kubectl gives is, and alone.
            Input::Arriving(_) => return Ok(input),
        }
    }
    side.sources = side.sources.into_iter().map(unpacked).collect::<anyhow::Result<_>>()?;
    Ok(Input::Read(side))
}

/// `release:NAME[@REVISION]`; under Helm, as its plugin, `NAME[@REVISION]` will do where no file has that name.
fn installed(path: &Path) -> Option<(&str, Option<&str>)> {
    let text = path.to_str()?;
    let name = match text.strip_prefix("release:") {
        Some(name) => name,
        None if HELM_PLUGIN.is_on && text != "-" && !path.exists() && !text.contains(['/', '\\']) => text,
        None => return None,
    };
    Some(name.split_once('@').map_or((name, None), |(name, revision)| (name, Some(revision))))
}

/// The installed release that OLD names: the chart NEW is rendered under its name.
pub(super) fn release_of(old: &Path) -> Option<String> {
    installed(old).map(|(name, _)| name.to_owned())
}

/// A Helm release Secret becomes the manifests that it holds.
fn unpacked(source: Source) -> anyhow::Result<Source> {
    match helm_release::manifests(&source.bytes) {
        None => Ok(source),
        Some(Ok(text)) => Ok(Source { name: source.name, bytes: text.into_bytes() }),
        Some(Err(error @ NotReadable::NoRelease)) => bail!("{} is a list with no Secret in it: {error}", source.name),
        Some(Err(error)) => bail!("{} is a Helm release Secret that cannot be read: {error}", source.name),
    }
}
