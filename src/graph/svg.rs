//! The picture as SVG: one file without anything from elsewhere. Each cluster has a frame; in it references lead from left to
//! right, in layers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Graph, Node};

/// Widths and heights in pixels.
const LETTER: usize = 7;
const PADDING: usize = 10;
const NODE_HEIGHT: usize = 40;
const BETWEEN_NODES: usize = 14;
const BETWEEN_LAYERS: usize = 64;
const BETWEEN_GROUPS: usize = 28;
const TITLE: usize = 30;
const MARGIN: usize = 24;
/// Letters of a name that are shown; the rest is in the tooltip.
const LONGEST: usize = 44;

const STYLE: &str = "text{font-family:ui-sans-serif,system-ui,Helvetica,Arial,sans-serif;fill:#1f2933}\
.frame{fill:#f7f9fb;stroke:#c3ccd5}.title{font-size:14px;font-weight:600}\
.node{fill:#fff;stroke:#52708c}.kind{font-size:10px;fill:#5b6b7a}.name{font-size:12px}\
.edge{fill:none;stroke:#7b8ea1;stroke-width:1.3}\
.absent .node,.broken{stroke:#c62828;stroke-dasharray:5 3}.absent .kind{fill:#c62828}";

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: usize,
    /// From the left edge to the right one.
    pub width: usize,
}

/// One frame with its nodes.
struct Frame<'g> {
    title: Option<&'g str>,
    width: usize,
    height: usize,
    /// Nodes and their places within the frame.
    nodes: Vec<(usize, Place)>,
}

/// The places of all nodes in one frame without a title, for those who draw it themselves.
pub fn places(graph: &Graph) -> Vec<Place> {
    let nodes: Vec<(usize, &Node)> = graph.nodes.iter().enumerate().collect();
    let frame = frame(None, &nodes, graph, &Edges::new(graph));
    let mut places = vec![Place::default(); graph.nodes.len()];
    for (id, place) in frame.nodes {
        if let Some(slot) = places.get_mut(id) {
            *slot = Place { y: place.y - TITLE, ..place };
        }
    }
    places
}

/// Draws.
///
/// # Errors
/// When the writer fails.
pub fn write(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    let edges = Edges::new(graph);
    let frames: Vec<Frame<'_>> =
        graph.groups().into_iter().map(|(title, nodes)| frame(title, &nodes, graph, &edges)).collect();
    let mut places = vec![Place::default(); graph.nodes.len()];
    let mut drawn = String::new();
    let (width, height) = arrange(&frames, &mut places, &mut drawn);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>References of the release</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path d=\"M0 0L8 4L0 8z\" fill=\"#7b8ea1\"/></marker>\
         <marker id=\"cut\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path d=\"M0 0L8 4L0 8z\" fill=\"#c62828\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{drawn}"
    )?;
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (places.get(edge.0), places.get(edge.1)) else { continue };
        writeln!(out, "{}", curve(*from, *to, graph.is_broken(*edge)))?;
    }
    for (node, place) in graph.nodes.iter().zip(&places) {
        writeln!(out, "{}", boxed(node, *place))?;
    }
    writeln!(out, "</svg>")
}

/// Who refers to whom, both ways.
struct Edges {
    out: Vec<Vec<usize>>,
    inward: Vec<Vec<usize>>,
}

impl Edges {
    fn new(graph: &Graph) -> Self {
        let mut edges = Self { out: vec![Vec::new(); graph.nodes.len()], inward: vec![Vec::new(); graph.nodes.len()] };
        for (from, to) in graph.edges.iter().filter(|(from, to)| from != to) {
            edges.out[*from].push(*to);
            edges.inward[*to].push(*from);
        }
        edges
    }
}

/// The layer of each node of a group: one behind the furthest that refers to it. Circles end where they began.
fn layers(nodes: &[(usize, &Node)], edges: &Edges) -> BTreeMap<usize, usize> {
    let has_cluster = nodes.iter().any(|(_, node)| node.label[0] == "Cluster");
    // What only says to which cluster it belongs stands where the cluster's own parts do.
    let first = |node: &Node| usize::from(has_cluster && node.label[0] != "Cluster");
    let mut layers: BTreeMap<usize, usize> = nodes.iter().map(|(id, node)| (*id, first(node))).collect();
    for _ in 0..nodes.len().min(32) {
        let mut moved = false;
        for (id, _) in nodes {
            let from = layers.get(id).copied().unwrap_or(0);
            for to in &edges.out[*id] {
                if let Some(layer) = layers.get_mut(to).filter(|layer| **layer <= from && from < nodes.len()) {
                    *layer = from + 1;
                    moved = true;
                }
            }
        }
        if !moved {
            break;
        }
    }
    layers
}

fn frame<'g>(title: Option<&'g str>, nodes: &[(usize, &Node)], graph: &Graph, edges: &Edges) -> Frame<'g> {
    let mut columns: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (id, layer) in layers(nodes, edges) {
        columns.entry(layer).or_default().push(id);
    }
    let mut row: BTreeMap<usize, usize> = BTreeMap::new();
    let mut frame = Frame { title, width: PADDING, height: 0, nodes: Vec::new() };
    for column in columns.values_mut() {
        // Beside those that refer to them, so that few arrows cross.
        column.sort_by_key(|id| {
            let rows: Vec<usize> = edges.inward[*id].iter().filter_map(|from| row.get(from)).copied().collect();
            (rows.iter().sum::<usize>() * 100 / rows.len().max(1), *id)
        });
        let width = column.iter().map(|id| width_of(&graph.nodes[*id])).max().unwrap_or(0);
        for (position, id) in column.iter().enumerate() {
            row.insert(*id, position);
            let y = TITLE + PADDING + position * (NODE_HEIGHT + BETWEEN_NODES);
            frame.nodes.push((*id, Place { x: frame.width, y, width }));
            frame.height = frame.height.max(y + NODE_HEIGHT + PADDING);
        }
        frame.width += width + BETWEEN_LAYERS;
    }
    frame.width = (frame.width - BETWEEN_LAYERS.min(frame.width) + PADDING)
        .max(title.map_or(0, |title| title.chars().count() * (LETTER + 1) + 2 * PADDING));
    frame
}

fn width_of(node: &Node) -> usize {
    let longest = node.label.iter().map(|text| text.chars().count().min(LONGEST)).max().unwrap_or(0);
    let marked = if node.absent { (node.label[0].chars().count().min(LONGEST) + 22) * 6 / 7 } else { 0 };
    longest.max(marked).max(8) * LETTER + 2 * PADDING
}

/// Puts the frames into columns of about the same height and draws them; the size of the picture.
fn arrange(frames: &[Frame<'_>], places: &mut [Place], drawn: &mut String) -> (usize, usize) {
    let columns = if frames.len() <= 4 { 1 } else { (frames.len() as f64 / 2.0).sqrt().round().max(1.0) as usize };
    let width = frames.iter().map(|frame| frame.width).max().unwrap_or(0);
    let mut bottoms = vec![MARGIN; columns];
    for frame in frames {
        let Some((column, top)) = bottoms.iter().copied().enumerate().min_by_key(|(_, bottom)| *bottom) else { break };
        let left = MARGIN + column * (width + BETWEEN_GROUPS);
        if let Some(title) = frame.title {
            let _ = writeln!(
                drawn,
                "<rect class=\"frame\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"8\"/>\
                 <text class=\"title\" x=\"{}\" y=\"{}\">{}</text>",
                frame.width,
                frame.height,
                left + PADDING,
                top + 20,
                escaped(title)
            );
        }
        for (id, place) in &frame.nodes {
            if let Some(slot) = places.get_mut(*id) {
                *slot = Place { x: left + place.x, y: top + place.y, ..*place };
            }
        }
        bottoms[column] = top + frame.height + BETWEEN_GROUPS;
    }
    let height = bottoms.iter().max().copied().unwrap_or(0) + MARGIN - BETWEEN_GROUPS.min(MARGIN);
    (2 * MARGIN + columns * (width + BETWEEN_GROUPS) - BETWEEN_GROUPS, height)
}

fn curve(from: Place, to: Place, broken: bool) -> String {
    let (x1, y1) = (from.x + from.width, from.y + NODE_HEIGHT / 2);
    let (x2, y2) = (to.x, to.y + NODE_HEIGHT / 2);
    let bend = (x2.abs_diff(x1) / 2).clamp(24, 160);
    let (class, marker) = if broken { ("edge broken", "cut") } else { ("edge", "arrow") };
    format!(
        "<path class=\"{class}\" d=\"M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}\" marker-end=\"url(#{marker})\"/>",
        x1 + bend,
        x2.saturating_sub(bend)
    )
}

fn boxed(node: &Node, place: Place) -> String {
    let [kind, name] = &node.label;
    let (class, mark) = if node.absent { (" class=\"absent\"", " · not in this release") } else { ("", "") };
    let Place { x, y, width } = place;
    format!(
        "<g{class}><title>{} {}{mark}</title><rect class=\"node\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{NODE_HEIGHT}\" rx=\"5\"/>\
         <text class=\"kind\" x=\"{}\" y=\"{}\">{}{mark}</text><text class=\"name\" x=\"{}\" y=\"{}\">{}</text></g>",
        escaped(kind),
        escaped(name),
        x + PADDING,
        y + 15,
        escaped(&shortened(kind)),
        x + PADDING,
        y + 31,
        escaped(&shortened(name))
    )
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // What XML has no way to write.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
