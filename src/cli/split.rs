//! `capi-lint split`: a rendered stream as folders for another engine.

use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};

use super::Outcome;
use super::common::{self, ChartArgs, JudgeArgs};
use crate::plan::waves;
use crate::release::Release;
use crate::rules::view::{Circumstances, View};
use crate::split::layout::{Engine, Layout};
use crate::split::write::{self, Edited};
use crate::split::{self, By, Options};
use crate::stream;

/// Arguments of `split`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every document keeps its bytes and stands in exactly one file. Only files that capi-lint wrote, and that nobody \
changed since, are overwritten or removed.\nExit codes: 0 split, 2 capi-lint could not do its work; then nothing was written."
)]
pub struct Args {
    /// Files, folders, charts, or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What makes a folder
    #[arg(long, value_enum)]
    by: By,
    /// Where the folders go
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    layout: Layout,
    /// What makes a wave: environment, region, label=KEY, percent=10,30,100, size=N; may be repeated [default: environment]
    #[arg(long, value_name = "WHAT")]
    waves: Vec<waves::By>,
    /// Management clusters, for --by shard
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000), required_if_eq("by", "shard"))]
    shards: Option<u16>,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
    /// Overwrite and remove files of an earlier run though somebody changed them
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
}

/// How the engine finds the folders.
#[derive(Clone, Debug, Default, clap::Args)]
struct EngineArgs {
    /// Begins the names of the engine's objects
    #[arg(long, value_name = "NAME", default_value = "fleet", help_heading = "Argo CD and Flux")]
    name: String,
    /// The Git repository that Argo CD reads
    #[arg(long, value_name = "URL", required_if_eq("layout", "argocd"), help_heading = "Argo CD and Flux")]
    repo: Option<String>,
    /// The branch, tag or commit that Argo CD reads
    #[arg(long, value_name = "REVISION", default_value = "HEAD", help_heading = "Argo CD and Flux")]
    revision: String,
    /// Where DIR stands in the repository [default: DIR as given]
    #[arg(long, value_name = "PATH", help_heading = "Argo CD and Flux")]
    repo_path: Option<String>,
    /// The GitRepository that Flux reads
    #[arg(long, value_name = "NAME", default_value = "flux-system", help_heading = "Argo CD and Flux")]
    source: String,
}

/// Splits.
///
/// # Errors
/// Sources that cannot be used or split without a loss, a folder with other people's files.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    let charts = args.charts.options(namespace, args.judge.jobs());
    let engine = engine(args, namespace)?;
    let groups = common::sources(&args.paths, &charts, false)?;
    let sources: Vec<_> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams = stream::parse(&sources, args.judge.jobs());
    let release = Release::new(&streams, namespace);
    let view = View::new(&release, &Circumstances::of(&settings));
    let options = Options {
        by: args.by,
        layout: args.layout,
        waves: args.waves.clone(),
        shards: args.shards.map_or(1, usize::from),
        engine,
    };
    let files = split::files(&view, &options)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.dry_run {
        for (path, bytes) in &files {
            writeln!(out, "{path} ({} bytes)", bytes.len())?;
        }
    } else {
        let edited = if args.force { Edited::Overwrite } else { Edited::Refuse };
        let done = write::write(&args.output, &files, edited)
            .with_context(|| format!("cannot split into {}", args.output.display()))?;
        for path in &done.removed {
            writeln!(out, "removed {path}")?;
        }
        writeln!(
            out,
            "capi-lint: {} objects in {} files under {}: {} written, {} unchanged, {} removed",
            release.objects.len(),
            files.len(),
            args.output.display(),
            done.written.len(),
            done.unchanged,
            done.removed.len()
        )?;
    }
    out.flush()?;
    Ok(Outcome::Clean)
}

fn engine(args: &Args, namespace: &str) -> anyhow::Result<Engine> {
    let path = match &args.engine.repo_path {
        Some(path) => Path::new(path).to_path_buf(),
        None => args.output.clone(),
    };
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let names: Option<Vec<&str>> = parts
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let path = match names {
        Some(names) => names.join("/"),
        None if args.layout.has_waves() => {
            bail!("say with --repo-path where {} stands in the repository", args.output.display())
        }
        None => String::new(),
    };
    Ok(Engine {
        name: args.engine.name.clone(),
        repository: args.engine.repo.clone().unwrap_or_default(),
        revision: args.engine.revision.clone(),
        path,
        source: args.engine.source.clone(),
        namespace: namespace.to_owned(),
    })
}
