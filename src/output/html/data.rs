//! The fleet as data for the page: compact, since a thousand clusters say the same things.
//!
//! Texts stand once, in `strings`; the first is the empty one. Lists that grow with the fleet are columns of numbers.

use std::io;

use indexmap::IndexSet;
use serde::Serialize;
use serde_json::Value as Json;

use super::Page;
use crate::diff::output::{self as diff_output, Format, View as DiffView};
use crate::fleet::count::{self, ClusterCount, Kinds};
use crate::graph::{Graph, svg};
use crate::output::{Located, Location};
use crate::parted::Parted;
use crate::plan::waves;
use crate::release::Membership;
use crate::report::{Provenance, Severity};
use crate::rules::view::{ClusterView, Environment, Part};

/// Everything on the page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Data<'p> {
    tool: &'static str,
    as_of: Option<&'p str>,
    sources: Vec<&'p str>,
    objects: usize,
    clusters: Vec<Cluster>,
    /// Kinds of objects outside of any one cluster.
    beside: Vec<Beside>,
    rules: Vec<RuleData>,
    findings: Findings,
    outliers: Findings,
    rollout: Option<Json>,
    strings: IndexSet<String>,
}

/// One cluster; texts are numbers of `strings`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    name: u32,
    namespace: u32,
    environment: u32,
    /// For sorting: development first.
    stage: u8,
    region: u32,
    version: u32,
    /// Versions of workers that are not the cluster's own.
    worker_versions: Vec<u32>,
    control_plane: u64,
    workers: u64,
    infrastructure: u32,
    class: u32,
    /// Kind and number in turn.
    kinds: Vec<u32>,
    graph: GraphData,
}

#[derive(Serialize)]
struct Beside {
    name: &'static str,
    kinds: Vec<u32>,
}

/// A picture: columns of nodes with their places, edges as pairs.
#[derive(Serialize)]
struct GraphData {
    kind: Vec<u32>,
    name: Vec<u32>,
    /// Left, top, width in turn.
    place: Vec<usize>,
    /// Numbers of nodes that are not in the release.
    absent: Vec<usize>,
    /// From and to in turn.
    edges: Vec<usize>,
}

#[derive(Serialize)]
struct RuleData {
    name: &'static str,
    provenance: Provenance,
    about: &'static str,
}

/// Findings as columns; -1 where there is no cluster.
#[derive(Default, Serialize)]
struct Findings {
    rule: Vec<usize>,
    severity: Vec<u8>,
    message: Vec<u32>,
    suggestion: Vec<u32>,
    cluster: Vec<i64>,
    object: Vec<u32>,
    path: Vec<u32>,
    file: Vec<u32>,
    template: Vec<u32>,
    line: Vec<usize>,
    /// Where the mark begins in the excerpt, and how long it is.
    mark: Vec<usize>,
    width: Vec<usize>,
    source: Vec<u32>,
}

/// Texts by number.
struct Strings(IndexSet<String>);

impl Strings {
    fn number(&mut self, text: &str) -> u32 {
        let known = self.0.get_index_of(text);
        known.unwrap_or_else(|| self.0.insert_full(text.to_owned()).0) as u32
    }

    fn kinds(&mut self, kinds: &Kinds) -> Vec<u32> {
        kinds.iter().flat_map(|(kind, number)| [self.number(kind), *number as u32]).collect()
    }
}

/// Gathers the data of a page.
pub fn of<'p>(page: &Page<'p, '_, '_>) -> io::Result<Data<'p>> {
    let view = page.view;
    let mut strings = Strings(IndexSet::from([String::new()]));
    let count = count::count(view.release);
    let graphs = Graph::new(view, None).by_cluster(view.clusters.len());
    let clusters = view
        .clusters
        .iter()
        .zip(&count.clusters)
        .zip(&graphs)
        .map(|((cluster, count), graph)| one_cluster(cluster, count, graph, &mut strings))
        .collect();
    let beside = [("shared", &count.shared), ("unassigned", &count.unassigned), ("hooks", &count.hooks)]
        .into_iter()
        .filter(|(_, kinds)| !kinds.is_empty())
        .map(|(name, kinds)| Beside { name, kinds: strings.kinds(kinds) })
        .collect();
    let mut rules = IndexSet::new();
    let findings = columns(page, page.findings, &mut rules, &mut strings);
    let outliers = columns(page, page.outliers, &mut rules, &mut strings);
    let about = |name: &str| {
        let all = page.findings.iter().chain(page.outliers).map(|located| located.finding.rule);
        all.into_iter().find(|rule| rule.name == name)
    };
    Ok(Data {
        tool: concat!("capi-lint ", env!("CARGO_PKG_VERSION")),
        as_of: page.as_of,
        sources: view.release.streams.iter().map(|stream| stream.name.as_str()).collect(),
        objects: count.total.objects,
        clusters,
        beside,
        rules: rules
            .iter()
            .filter_map(|name| about(name))
            .map(|rule| RuleData {
                name: rule.name,
                provenance: rule.provenance,
                about: rule.manual.lines().next().unwrap_or_default().trim(),
            })
            .collect(),
        findings,
        outliers,
        rollout: page.rollout.map(rollout).transpose()?,
        strings: strings.0,
    })
}

fn one_cluster(view: &ClusterView<'_, '_>, count: &ClusterCount, graph: &Graph, strings: &mut Strings) -> Cluster {
    let version = view.version().and_then(|(_, value)| value.as_str()).unwrap_or_default();
    let mut worker_versions: Vec<String> = view
        .machine_sources()
        .filter(|source| source.part != Part::ControlPlane)
        .filter_map(|source| Some(source.version?.as_str()?.into_owned()))
        .filter(|worker| *worker != version)
        .collect();
    worker_versions.sort_unstable();
    worker_versions.dedup();
    let topology = view.object.and_then(|object| object.at(&["spec", "topology"]));
    let class = topology.and_then(|topology| topology.get("class").or_else(|| topology.at(&["classRef", "name"])));
    let mut number = |text: &str| strings.number(text);
    Cluster {
        name: number(&count.name),
        namespace: number(&count.namespace),
        environment: number(view.environment_name.as_deref().unwrap_or_default()),
        stage: match view.environment {
            Environment::Development => 0,
            Environment::Staging => 1,
            Environment::Production => 2,
            Environment::Other => 3,
            Environment::Unknown => 4,
        },
        region: number(&waves::region(view).unwrap_or_default()),
        version: number(&version),
        worker_versions: worker_versions.iter().map(|version| number(version)).collect(),
        control_plane: count.machines.control_plane,
        workers: count.machines.workers,
        infrastructure: number(view.infrastructure.map_or("", |object| &*object.kind)),
        class: number(&class.and_then(|class| class.as_str()).unwrap_or_default()),
        kinds: strings.kinds(&count.kinds),
        graph: picture(graph, strings),
    }
}

fn picture(graph: &Graph, strings: &mut Strings) -> GraphData {
    let places = svg::places(graph);
    let [kind, name] =
        [0, 1].map(|part| graph.nodes.iter().map(|node| strings.number(&node.label[part])).collect::<Vec<u32>>());
    GraphData {
        kind,
        name,
        place: places.iter().flat_map(|place| [place.x, place.y, place.width]).collect(),
        absent: graph.nodes.iter().enumerate().filter(|(_, node)| node.absent).map(|(number, _)| number).collect(),
        edges: graph.edges.iter().flat_map(|(from, to)| [*from, *to]).collect(),
    }
}

fn columns(
    page: &Page<'_, '_, '_>,
    all: &Parted<Located<'_>>,
    rules: &mut IndexSet<&'static str>,
    strings: &mut Strings,
) -> Findings {
    let mut columns = Findings::default();
    for located in all {
        let finding = &located.finding;
        let location = located.location.as_ref();
        let cluster =
            finding.place.and_then(|place| match page.view.release.membership().get(place.object? as usize) {
                Some(Membership::One(cluster)) => Some(i64::from(*cluster)),
                _ => None,
            });
        let mut text = |text: Option<&str>| strings.number(text.unwrap_or_default());
        columns.rule.push(rules.insert_full(finding.rule.name).0);
        columns.severity.push(match finding.severity {
            Severity::Info => 0,
            Severity::Warning => 1,
            Severity::Error => 2,
        });
        columns.message.push(text(Some(&finding.message)));
        columns.suggestion.push(text(finding.suggestion.as_deref()));
        columns.cluster.push(cluster.unwrap_or(-1));
        columns.object.push(text(location.map(Location::name).as_deref()));
        columns.path.push(text(location.map(|location| location.path.as_str())));
        columns.file.push(text(location.map(|location| location.file)));
        columns.template.push(text(location.and_then(|location| location.template)));
        columns.line.push(location.map_or(0, |location| location.line));
        let (source, mark, width) = location.map(excerpt).unwrap_or_default();
        columns.mark.push(mark);
        columns.width.push(width);
        columns.source.push(text(Some(&source)));
    }
    columns
}

/// The line around what is marked, where the mark begins in it, and how long the mark is; in UTF-16 units, as scripts count.
fn excerpt(location: &Location<'_>) -> (String, usize, usize) {
    const WIDTH: usize = 160;
    let units = |text: &str| text.encode_utf16().count();
    let column = location.column - 1;
    let from = if column > WIDTH * 3 / 4 { column - WIDTH / 2 } else { 0 };
    let part = |skipped: usize, length: usize| location.source.chars().skip(skipped).take(length).collect::<String>();
    let shown = part(from, WIDTH);
    let marked = part(column, location.width.min(WIDTH.saturating_sub(column - from)));
    (shown.trim_end().to_owned(), units(&part(from, column - from)), units(&marked))
}

/// The bill, as `capi-lint diff --summary --format json` has it.
fn rollout(diff: &crate::diff::Diff<'_, '_>) -> io::Result<Json> {
    let mut text = Vec::new();
    diff_output::write(diff, Format::Json, &DiffView { summary: true, ..DiffView::default() }, &mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
