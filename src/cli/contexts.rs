//! `capi-lint contexts`: kubeconfig files as inventory: hub and spokes, and what is wrong with them.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::bail;

use super::Outcome;
use super::common::{self, ChartArgs, Color, JudgeArgs};
use crate::config::FailOn;
use crate::inventory::Inventory;
use crate::inventory::contexts::{self, Contexts, Fleet, Role};
use crate::object::CLUSTER_GROUP;
use crate::output::paint::Paint;
use crate::output::table;
use crate::release::Release;
use crate::stream;

/// Arguments of `contexts`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Certificates, tokens and passwords are neither read nor printed.\nExit codes: 0 nothing at or above --fail-on, \
1 remarks, 2 capi-lint could not do its work."
)]
pub struct Args {
    /// kubeconfig files, or - for standard input [default: those of KUBECONFIG, else ~/.kube/config]
    #[arg(value_name = "KUBECONFIG")]
    files: Vec<PathBuf>,
    /// The manifests of the fleet: files, folders, charts; may be repeated
    #[arg(long, value_name = "PATH")]
    manifests: Vec<PathBuf>,
    /// The context of the management cluster [default: one that is called so, else the current one]
    #[arg(long, value_name = "NAME")]
    hub: Option<String>,
    /// How the contexts are printed
    #[arg(long, value_enum, default_value_t)]
    format: ContextFormat,
    /// Least severity that makes the exit code 1 [default: error]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// Colours: by default where a terminal reads, and NO_COLOR is not set
    #[arg(long, value_enum, default_value_t)]
    color: Color,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ContextFormat {
    /// For people.
    #[default]
    Table,
    /// One document for programs.
    Json,
}

/// Looks through kubeconfig files.
///
/// # Errors
/// Files that cannot be read, or are no kubeconfig.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    let charts = args.charts.options(namespace, args.judge.jobs());
    let files = if args.files.is_empty() { default_files()? } else { args.files.clone() };
    let groups = common::sources(&files, &charts, false)?;
    let sources: Vec<_> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams = stream::parse(&sources, args.judge.jobs());
    let mut inventory = Inventory::default();
    inventory.add(&Release::new(&streams, ""));
    if inventory.kubeconfigs.is_empty() {
        bail!("there is no kubeconfig among the files: a document with contexts, clusters and users");
    }
    let clusters = clusters(args, &charts, namespace)?;
    let hub = args.hub.as_deref();
    let fleet = Fleet { clusters: &clusters, hub, naming: settings.naming.pattern.as_deref() };
    let all = contexts::contexts(&inventory.kubeconfigs, fleet);
    if let Some(hub) = hub.filter(|hub| !all.contexts.iter().any(|row| row.context == **hub)) {
        bail!("--hub {hub}: there is no such context");
    }
    print(&all, args)?;
    let threshold = args.fail_on.or(settings.fail_on).unwrap_or_default();
    let fails = all.remarks.iter().any(|remark| threshold.is_reached_by(remark.severity));
    Ok(if fails { Outcome::Findings } else { Outcome::Clean })
}

/// As kubectl has it.
fn default_files() -> anyhow::Result<Vec<PathBuf>> {
    if let Some(list) = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        let files: Vec<PathBuf> = std::env::split_paths(&list).filter(|path| path.exists()).collect();
        if !files.is_empty() {
            return Ok(files);
        }
    }
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube/config"));
    match home.filter(|path| path.is_file()) {
        Some(path) => Ok(vec![path]),
        None => bail!("there is no kubeconfig: KUBECONFIG names no file that exists, and ~/.kube/config is absent"),
    }
}

/// The clusters of the manifests: namespace and name.
fn clusters(
    args: &Args,
    charts: &crate::input::ChartOptions,
    namespace: &str,
) -> anyhow::Result<Vec<(String, String)>> {
    if args.manifests.is_empty() {
        return Ok(Vec::new());
    }
    let groups = common::sources(&args.manifests, charts, false)?;
    let sources: Vec<_> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams = stream::parse(&sources, args.judge.jobs());
    let release = Release::new(&streams, namespace);
    let clusters = release.of_kind(CLUSTER_GROUP, "Cluster");
    Ok(clusters.map(|object| (release.namespace_of(object).to_owned(), object.name.to_string())).collect())
}

fn print(all: &Contexts, args: &Args) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.format == ContextFormat::Json {
        serde_json::to_writer_pretty(&mut out, all)?;
        writeln!(out)?;
        return Ok(out.flush()?);
    }
    let color = args.color.is_on(io::stdout().is_terminal());
    let head = ["", "CONTEXT", "ROLE", "CLUSTER", "SERVER", "USER", "NAMESPACE"].map(str::to_owned).to_vec();
    let rows = all.contexts.iter().map(|row| {
        let role = match (row.role, &row.reaches) {
            (Role::Hub, _) => "hub".to_owned(),
            (Role::Spoke, Some(cluster)) => format!("spoke {cluster}"),
            _ => String::new(),
        };
        let current = if row.current { "*" } else { "" };
        let namespace = row.namespace.clone().unwrap_or_default();
        vec![
            current.to_owned(),
            row.context.clone(),
            role,
            row.cluster.clone(),
            row.server.clone(),
            row.user.clone(),
            namespace,
        ]
    });
    table::aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), |_| false, &mut out)?;
    let paint = Paint { color };
    for remark in &all.remarks {
        let severity = remark.severity.to_string();
        let severity = paint.severity(remark.severity, &severity);
        writeln!(out, "{severity}: {}: {}", remark.file, remark.message)?;
    }
    let spokes = all.contexts.iter().filter(|row| row.role == Role::Spoke).count();
    writeln!(out, "capi-lint: {} contexts, {spokes} spokes, {} remarks", all.contexts.len(), all.remarks.len())?;
    Ok(out.flush()?)
}
