//! The references of a release as a graph: which object leads to which, and what is not there.
//!
//! Built from what the rules see, so that the picture and the findings say the same. It draws (Mermaid, Graphviz, [`svg`]) and
//! judges nothing.

pub mod svg;

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::glob::Glob;
use crate::release::Membership;
use crate::rules::view::View;

/// What is drawn: nodes by label, in groups, and edges between them.
#[derive(Debug)]
pub struct Graph {
    /// The objects, and what is referred to and absent.
    pub nodes: Vec<Node>,
    /// From and to, as numbers of nodes.
    pub edges: Vec<(usize, usize)>,
}

/// One object.
#[derive(Clone, Debug)]
pub struct Node {
    /// Kind and name.
    pub label: [String; 2],
    /// The title of its cluster; `None` where it belongs to none or to several.
    pub cluster: Option<String>,
    /// The number of that cluster in the release.
    pub owner: Option<u32>,
    /// Referred to, and not in the release.
    pub absent: bool,
}

impl Graph {
    /// The references of a release; of some of its clusters where `only` says so.
    pub fn new(view: &View<'_, '_>, only: Option<&Glob>) -> Self {
        let mut bearers: BTreeMap<&str, usize> = BTreeMap::new();
        for cluster in &view.clusters {
            *bearers.entry(&cluster.cluster.name).or_default() += 1;
        }
        let name_of = |object: u32| match view.release.membership().get(object as usize) {
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
        let owner_of = |object: u32| match view.release.membership().get(object as usize) {
            Some(Membership::One(number)) => Some(*number),
            _ => None,
        };
        let wanted =
            |object: u32| only.is_none_or(|glob| name_of(object).is_some_and(|cluster| glob.matches(&cluster.name)));
        let mut graph = Self { nodes: Vec::new(), edges: Vec::new() };
        let mut present: BTreeMap<u32, usize> = BTreeMap::new();
        let mut absent: BTreeMap<(String, String), usize> = BTreeMap::new();
        for link in view.release.links.iter().filter(|link| wanted(link.from)) {
            let mut node = |number: u32, graph: &mut Self| {
                *present.entry(number).or_insert_with(|| {
                    let label = view
                        .object(number)
                        .map_or_else(Default::default, |object| [object.kind.to_string(), object.name.to_string()]);
                    graph.nodes.push(Node {
                        label,
                        cluster: cluster_of(number),
                        owner: owner_of(number),
                        absent: false,
                    });
                    graph.nodes.len() - 1
                })
            };
            let from = node(link.from, &mut graph);
            let to = match link.target() {
                Some(target) => node(target, &mut graph),
                None => *absent.entry((link.to.kind.to_string(), link.name(view.release).into_owned())).or_insert_with(
                    || {
                        let label = [link.to.kind.to_string(), link.name(view.release).into_owned()];
                        graph.nodes.push(Node {
                            label,
                            cluster: cluster_of(link.from),
                            owner: owner_of(link.from),
                            absent: true,
                        });
                        graph.nodes.len() - 1
                    },
                ),
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

    /// The graph of each cluster by itself: its nodes and those that they lead to or from, whoever these belong to.
    pub fn by_cluster(&self, clusters: usize) -> Vec<Self> {
        let mut graphs: Vec<Self> = (0..clusters).map(|_| Self { nodes: Vec::new(), edges: Vec::new() }).collect();
        let mut numbers: Vec<BTreeMap<usize, usize>> = vec![BTreeMap::new(); clusters];
        let mut number_in = |cluster: usize, node: usize, graph: &mut Self| {
            let number = *numbers.get_mut(cluster)?.entry(node).or_insert_with(|| {
                graph.nodes.extend(self.nodes.get(node).cloned());
                graph.nodes.len() - 1
            });
            Some(number)
        };
        for (from, to) in &self.edges {
            let owner = |node: usize| self.nodes.get(node).and_then(|node| node.owner);
            let owners = [owner(*from), owner(*to).filter(|second| owner(*from) != Some(*second))];
            for cluster in owners.into_iter().flatten().map(|number| number as usize) {
                let Some(graph) = graphs.get_mut(cluster) else { continue };
                let (Some(from), Some(to)) = (number_in(cluster, *from, graph), number_in(cluster, *to, graph)) else {
                    continue;
                };
                graph.edges.push((from, to));
            }
        }
        graphs
    }

    /// Whether an edge leads out of the release.
    pub fn is_broken(&self, edge: (usize, usize)) -> bool {
        self.nodes.get(edge.1).is_some_and(|node| node.absent)
    }

    /// Writes it as Mermaid, which GitHub and GitLab draw.
    pub fn mermaid(&self, out: &mut dyn Write) -> io::Result<()> {
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

    /// Writes it for Graphviz.
    pub fn dot(&self, out: &mut dyn Write) -> io::Result<()> {
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
