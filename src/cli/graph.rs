//! `capi-lint graph`: the references of a release as a picture, broken ones marked.

mod svg;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use super::common::{self, ChartArgs, JudgeArgs};
use super::{Outcome, lint};
use crate::glob::Glob;
use crate::release::{Membership, Release};
use crate::rules::view::{Circumstances, View};

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
    let charts = args.charts.options(Some(namespace).filter(|namespace| !namespace.is_empty()));
    let groups = common::sources(&args.paths, &charts, false)?;
    let sources: Vec<_> = groups.into_iter().flat_map(|group| group.sources).collect();
    let streams = lint::parse(&sources, args.judge.jobs());
    let release = Release::new(&streams, namespace);
    let view = View::new(&release, &Circumstances::of(&settings));
    let graph = Graph::new(&view, args.cluster.as_deref().map(Glob::new).as_ref());
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        GraphFormat::Mermaid => graph.mermaid(&mut out)?,
        GraphFormat::Dot => graph.dot(&mut out)?,
        GraphFormat::Svg => svg::write(&graph, &mut out)?,
    }
    out.flush()?;
    Ok(Outcome::Clean)
}

/// What is drawn: nodes by label, in groups, and edges between them.
struct Graph {
    nodes: Vec<Node>,
    edges: Vec<(usize, usize)>,
}

struct Node {
    label: [String; 2],
    cluster: Option<String>,
    absent: bool,
}

impl Graph {
    fn new(view: &View<'_, '_>, only: Option<&Glob>) -> Self {
        let mut bearers: BTreeMap<&str, usize> = BTreeMap::new();
        for cluster in &view.clusters {
            *bearers.entry(&cluster.cluster.name).or_default() += 1;
        }
        let name_of = |object: u32| match view.release.membership.get(object as usize) {
            Some(Membership::One(number)) => view.clusters.get(*number as usize).map(|view| view.cluster),
            _ => None,
        };
        // Two of one name are told apart by their namespaces.
        let cluster_of = |object: u32| {
            name_of(object).map(|cluster| match bearers.get(&*cluster.name) {
                Some(1) => cluster.name.to_string(),
                _ => format!("{}/{}", cluster.namespace, cluster.name),
            })
        };
        let wanted =
            |object: u32| only.is_none_or(|glob| name_of(object).is_some_and(|cluster| glob.matches(&cluster.name)));
        let mut graph = Self { nodes: Vec::new(), edges: Vec::new() };
        let mut present: BTreeMap<u32, usize> = BTreeMap::new();
        let mut absent: BTreeMap<(String, String), usize> = BTreeMap::new();
        for link in view.links.iter().filter(|link| wanted(link.from)) {
            let mut node = |number: u32, graph: &mut Self| {
                *present.entry(number).or_insert_with(|| {
                    let label = view
                        .object(number)
                        .map_or_else(Default::default, |object| [object.kind.to_string(), object.name.to_string()]);
                    graph.nodes.push(Node { label, cluster: cluster_of(number), absent: false });
                    graph.nodes.len() - 1
                })
            };
            let from = node(link.from, &mut graph);
            let to = match link.target {
                Some(target) => node(target, &mut graph),
                None => *absent.entry((link.kind.to_string(), link.name.to_string())).or_insert_with(|| {
                    let label = [link.kind.to_string(), link.name.to_string()];
                    graph.nodes.push(Node { label, cluster: cluster_of(link.from), absent: true });
                    graph.nodes.len() - 1
                }),
            };
            graph.edges.push((from, to));
        }
        graph
    }

    /// The nodes of each cluster, with their numbers; those of none or several first.
    fn groups(&self) -> BTreeMap<Option<&str>, Vec<(usize, &Node)>> {
        let mut groups: BTreeMap<Option<&str>, Vec<(usize, &Node)>> = BTreeMap::new();
        for (number, node) in self.nodes.iter().enumerate() {
            groups.entry(node.cluster.as_deref()).or_default().push((number, node));
        }
        groups
    }

    fn is_broken(&self, edge: (usize, usize)) -> bool {
        self.nodes.get(edge.1).is_some_and(|node| node.absent)
    }

    fn mermaid(&self, out: &mut dyn Write) -> io::Result<()> {
        let text = |text: &str| text.replace('"', "#quot;").replace(['<', '>'], " ");
        writeln!(out, "flowchart LR")?;
        for (number, (cluster, nodes)) in self.groups().into_iter().enumerate() {
            if let Some(cluster) = cluster {
                writeln!(out, "  subgraph c{number} [\"{}\"]", text(cluster))?;
            }
            for (id, Node { label: [kind, name], absent, .. }) in nodes {
                writeln!(
                    out,
                    "    n{id}[\"{}<br/>{}\"]{}",
                    text(kind),
                    text(name),
                    if *absent { ":::absent" } else { "" }
                )?;
            }
            if cluster.is_some() {
                writeln!(out, "  end")?;
            }
        }
        for edge in &self.edges {
            let arrow = if self.is_broken(*edge) { "-. not in this release .->" } else { "-->" };
            writeln!(out, "  n{} {arrow} n{}", edge.0, edge.1)?;
        }
        writeln!(out, "  classDef absent stroke:#c00,stroke-dasharray:4")
    }

    fn dot(&self, out: &mut dyn Write) -> io::Result<()> {
        let text = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(out, "digraph release {{\n  rankdir=LR;\n  node [shape=box];")?;
        for (number, (cluster, nodes)) in self.groups().into_iter().enumerate() {
            if let Some(cluster) = cluster {
                writeln!(out, "  subgraph cluster_{number} {{\n    label=\"{}\";", text(cluster))?;
            }
            for (id, Node { label: [kind, name], absent, .. }) in nodes {
                let style = if *absent { ", style=dashed, color=red" } else { "" };
                writeln!(out, "    n{id} [label=\"{}\\n{}\"{style}];", text(kind), text(name))?;
            }
            if cluster.is_some() {
                writeln!(out, "  }}")?;
            }
        }
        for edge in &self.edges {
            let style = if self.is_broken(*edge) { " [style=dashed, color=red]" } else { "" };
            writeln!(out, "  n{} -> n{}{style};", edge.0, edge.1)?;
        }
        writeln!(out, "}}")
    }
}
