//! `capi-lint count`: kinds per cluster, machines expected, totals; with `--expect` a gate for CI.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use super::Outcome;
use super::common::{self, ChartArgs, JudgeArgs};
use crate::fleet::count::{Count, Kinds, count};
use crate::input::Source;
use crate::output::table;
use crate::release::Release;
use crate::rules::view::{Circumstances, View};
use crate::stream;

/// Arguments of `count`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, folders, charts, or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
    /// Fail unless there are exactly N objects of a kind, such as Cluster=3; may be repeated
    #[arg(long, value_name = "KIND=N", value_parser = expectation)]
    expect: Vec<(String, usize)>,
    /// Fail unless every cluster has exactly N objects
    #[arg(long, value_name = "N")]
    expect_per_cluster: Option<usize>,
    /// Fail unless exactly N machines are expected
    #[arg(long, value_name = "N")]
    expect_machines: Option<u64>,
    /// And what the layers above Cluster API put on each cluster
    #[arg(long)]
    apps: bool,
    /// An empty standard input is fine
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
}

/// A format of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum TableFormat {
    /// Aligned columns.
    #[default]
    Table,
    /// One document for programs.
    Json,
    /// Comma-separated, with a header.
    Csv,
    /// For a pull request or a step summary.
    Markdown,
}

fn expectation(text: &str) -> Result<(String, usize), String> {
    let (kind, number) = text.split_once('=').ok_or("write KIND=N, such as Cluster=3")?;
    let number = number.parse().map_err(|_| format!("'{number}' is no number"))?;
    Ok((kind.to_owned(), number))
}

/// Counts.
///
/// # Errors
/// Sources that cannot be used, output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    let charts = args.charts.options(namespace, args.judge.jobs());
    let groups = common::sources(&args.paths, &charts, args.allow_empty)?;
    let sources: Vec<Source> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams = stream::parse(&sources, args.judge.jobs());
    let release = Release::new(&streams, namespace);
    let mut count = count(&release);
    if args.apps {
        let apps = View::new(&release, &Circumstances::of(&settings)).layers().apps(release.clusters.len());
        count.clusters.iter_mut().zip(apps).for_each(|(cluster, apps)| cluster.apps = apps);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        TableFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &count)?;
            writeln!(out)?;
        }
        TableFormat::Table => table::aligned(&rows(&count, args.apps), table::numbers_behind_a_name, &mut out)?,
        TableFormat::Csv => rows(&count, args.apps).iter().try_for_each(|row| writeln!(out, "{}", table::csv(row)))?,
        TableFormat::Markdown => table::markdown(&rows(&count, args.apps), table::numbers_behind_a_name, &mut out)?,
    }
    if args.apps && args.format == TableFormat::Table {
        for cluster in &count.clusters {
            let apps = if cluster.apps.is_empty() { "nothing".to_owned() } else { cluster.apps.join(", ") };
            writeln!(out, "{}: {apps}", cluster.name)?;
        }
    }
    out.flush()?;
    // Documents that are no objects are not in the counts: that must not pass for a full count.
    let broken = common::unreadable(&release, "are not counted");
    let failed = unmet(args, &count).into_iter().chain(broken).fold(false, |_, message| {
        let _ = writeln!(io::stderr(), "capi-lint: {message}");
        true
    });
    Ok(if failed { Outcome::Findings } else { Outcome::Clean })
}

fn unmet(args: &Args, count: &Count) -> Vec<String> {
    let mut unmet = Vec::new();
    for (kind, expected) in &args.expect {
        let found = count.of_kind(kind);
        if found != *expected {
            unmet.push(format!("expected {expected} {kind}, found {found}"));
        }
    }
    if let Some(expected) = args.expect_per_cluster {
        let others = count.clusters.iter().filter(|cluster| cluster.objects != expected);
        unmet.extend(
            others.map(|cluster| {
                format!("expected {expected} objects a cluster, {} has {}", cluster.name, cluster.objects)
            }),
        );
    }
    if let Some(expected) = args.expect_machines.filter(|expected| *expected != count.total.machines) {
        unmet.push(format!("expected {expected} machines, found {}", count.total.machines));
    }
    unmet
}

/// The table as text: a header, a row a cluster, rows for what belongs to none, the total.
fn rows(count: &Count, with_apps: bool) -> Vec<Vec<String>> {
    let kinds = count.kinds();
    let cells = |kinds_of: &Kinds| {
        kinds.iter().map(|kind| kinds_of.get(*kind).map_or_else(String::new, ToString::to_string)).collect::<Vec<_>>()
    };
    let mut header = vec!["CLUSTER".to_owned()];
    header.extend(kinds.iter().map(ToString::to_string));
    header.extend(["OBJECTS", "CONTROL PLANE", "WORKERS", "MACHINES"].map(str::to_owned));
    let mut rows = vec![header];
    for cluster in &count.clusters {
        let name = if cluster.namespace.is_empty() {
            cluster.name.clone()
        } else {
            format!("{}/{}", cluster.namespace, cluster.name)
        };
        let mut row = vec![name];
        row.extend(cells(&cluster.kinds));
        let machines = cluster.machines;
        row.push(cluster.objects.to_string());
        row.extend([machines.control_plane, machines.workers, machines.total()].map(|number| number.to_string()));
        rows.push(row);
    }
    for (name, kinds_of) in
        [("(shared)", &count.shared), ("(unassigned)", &count.unassigned), ("(hooks)", &count.hooks)]
    {
        if !kinds_of.is_empty() {
            let mut row = vec![name.to_owned()];
            row.extend(cells(kinds_of));
            row.push(kinds_of.values().sum::<usize>().to_string());
            row.extend([String::new(), String::new(), String::new()]);
            rows.push(row);
        }
    }
    let mut total = vec!["TOTAL".to_owned()];
    total.extend(kinds.iter().map(|kind| count.of_kind(kind).to_string()));
    total.push(count.total.objects.to_string());
    let machines = count.clusters.iter().fold((0, 0), |(control_plane, workers), cluster| {
        (control_plane + cluster.machines.control_plane, workers + cluster.machines.workers)
    });
    total.extend([machines.0, machines.1, count.total.machines].map(|number| number.to_string()));
    rows.push(total);
    if with_apps {
        let placed = count.clusters.iter().map(|cluster| cluster.apps.len().to_string());
        let cells = std::iter::once("APPS".to_owned()).chain(placed).chain(std::iter::repeat(String::new()));
        rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    }
    rows
}
