//! `capi-lint graph`: the references of a release as a picture, broken ones marked.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;

use super::Outcome;
use super::common::{self, ChartArgs, JudgeArgs};
use crate::glob::Glob;
use crate::graph::{Graph, svg};
use crate::release::Release;
use crate::rules::view::{Circumstances, View};
use crate::schema::suggest::nearest;
use crate::stream;

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, folders, charts, or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How the picture is written
    #[arg(long, value_enum, default_value_t)]
    format: GraphFormat,
    /// Only clusters of this name, which may be a pattern such as app-prod-*
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    charts: ChartArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum GraphFormat {
    /// Mermaid, which GitHub and GitLab draw.
    #[default]
    Mermaid,
    /// Graphviz.
    Dot,
    /// A picture for browsers, in one file.
    Svg,
}

/// Draws.
///
/// # Errors
/// Sources or settings that cannot be used, output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let settings = args.judge.settings()?;
    let namespace = args.judge.namespace(&settings);
    let charts = args.charts.options(namespace, args.judge.jobs());
    let groups = common::sources(&args.paths, &charts, false)?;
    let sources: Vec<_> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams = stream::parse(&sources, args.judge.jobs());
    let release = Release::new(&streams, namespace);
    let view = View::new(&release, &Circumstances::of(&settings));
    let graph = Graph::new(&view, args.cluster.as_deref().map(Glob::new).as_ref());
    if let Some(name) = args.cluster.as_deref().filter(|_| graph.nodes.is_empty()) {
        let known = view.clusters.iter().map(|cluster| &*cluster.cluster.name);
        match nearest(name, known) {
            Some(near) => bail!("there is no cluster '{name}'; did you mean '{near}'?"),
            None => bail!("there is no cluster '{name}'; capi-lint count lists them"),
        }
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        GraphFormat::Mermaid => graph.mermaid(&mut out)?,
        GraphFormat::Dot => graph.dot(&mut out)?,
        GraphFormat::Svg => svg::write(&graph, &mut out)?,
    }
    out.flush()?;
    if let Some(message) = common::unreadable(&release, "are not in the picture") {
        let _ = writeln!(io::stderr(), "capi-lint: {message}");
        return Ok(Outcome::Findings);
    }
    Ok(Outcome::Clean)
}
