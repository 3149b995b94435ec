//! Objects that are alike: a fleet renders one template a thousand times, with other names in it.
//!
//! Where an object passed without a word, another one of its kind with the same keys, lists and nulls can only differ from it
//! in what its differing scalars do. So those are judged, and with them everything around them that looks at more than one
//! value: mappings and lists with rules, alternatives, sets, keyed lists, enums. All else has been judged already.
//!
//! What was judged is compared byte for byte, never by a hash; what is remembered is bounded. The findings are the same with
//! and without, and in the same order: a test holds the two together.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::{Client, Compiled, Judge, Options, judge};
use crate::object::Object;
use crate::report::Finding;
use crate::schema::table::{Additional, Kind as TableKind, ListType, Schema};
use crate::yaml::{Kind, Value};

/// Objects that passed, by kind.
#[derive(Default)]
pub struct Passed<'s, 'a> {
    kinds: FxHashMap<u32, Shapes<'s, 'a>>,
    /// Room for the scalars in which two objects differ.
    differing: Vec<u32>,
}

/// How many objects are remembered of a kind: charts render few shapes of one.
const SHAPES: usize = 4;

/// Objects with more nodes are judged in full.
const LARGEST: u32 = 2000;

/// After so many remembered objects that were of no use, only every so-many-th is remembered.
const PATIENCE: u32 = 8;

#[derive(Default)]
struct Shapes<'s, 'a> {
    known: Vec<Shape<'s, 'a>>,
    /// Which one makes room next.
    oldest: usize,
    /// Objects of another shape since one was of use.
    misses: u32,
}

/// An object that passed.
struct Shape<'s, 'a> {
    root: Value<'a>,
    /// For each of its nodes, counted from the root.
    nodes: Vec<Node<'s>>,
}

/// What must be judged when a node differs.
#[derive(Clone, Copy)]
struct Node<'s> {
    schema: Schema<'s>,
    /// The node to be judged, counted from the root: this one, or one around it; `NOBODY` where nothing looks at it.
    judged: u32,
}

const NOBODY: u32 = u32::MAX;

/// As [`judge`], remembering what passed. All objects must be judged with the same options, and `prefilled` be the same for
/// all objects of a kind.
pub fn judge_alike<'s, 'a>(
    object: &Object<'a>,
    kind: TableKind<'s>,
    compiled: &Compiled,
    options: Options,
    prefilled: &[&str],
    passed: &mut Passed<'s, 'a>,
    out: &mut Vec<Finding>,
) {
    let root = object.root;
    if options.client == Client::Apply || root.end_index() - root.index() > LARGEST {
        return judge(object, kind, compiled, options, prefilled, out);
    }
    let schema = kind.schema();
    let shapes = passed.kinds.entry(kind.number()).or_default();
    // Two tables may use one number; their schemas are never equal.
    let mut has_shape = |shape: &&Shape<'s, 'a>| {
        passed.differing.clear();
        shape.nodes.first().is_some_and(|node| node.schema == schema)
            && root.has_shape_of(shape.root, &mut passed.differing)
    };
    // Documents of one form are quickly compared.
    let is_like = |shape: &&Shape<'s, 'a>| shape.root.document().is_like(root.document());
    let alike = shapes.known.iter().filter(is_like).find(&mut has_shape);
    let alike = alike.or_else(|| shapes.known.iter().filter(|shape| !is_like(shape)).find(has_shape));
    if let Some(shape) = alike {
        shapes.misses = 0;
        let mut judge = Judge { prefilled, ..Judge::new(object, Some(kind), compiled, options, out) };
        return judge.object_again(schema, shape, &passed.differing);
    }
    let before = out.len();
    judge(object, kind, compiled, options, prefilled, out);
    shapes.misses = shapes.misses.saturating_add(1);
    if out.len() == before && (shapes.misses <= PATIENCE || shapes.misses.is_multiple_of(PATIENCE)) {
        let shape = Shape::of(root, schema, kind.status_subresource());
        if shapes.known.len() < SHAPES {
            shapes.known.push(shape);
        } else {
            shapes.known[shapes.oldest] = shape;
            shapes.oldest = (shapes.oldest + 1) % SHAPES;
        }
    }
}

impl<'s, 'a> Shape<'s, 'a> {
    fn of(root: Value<'a>, schema: Schema<'s>, drops_status: bool) -> Self {
        let count = (root.end_index() - root.index()) as usize;
        let mut shape = Self { root, nodes: vec![Node { schema, judged: NOBODY }; count] };
        for entry in root.entries() {
            let Some(key) = entry.key() else { continue };
            // Metadata is judged anew for each object, and a status is dropped.
            let is_apart = super::walk::is_meta_key(&key) || drops_status && key == "status";
            if !is_apart {
                shape.child(schema, entry, &key);
            }
        }
        shape
    }

    fn child(&mut self, schema: Schema<'s>, entry: Value<'a>, key: &str) {
        match (schema.property(key), schema.additional()) {
            (Some(property), _) => self.describe(property.schema, entry),
            (None, Additional::Schema(values)) => self.describe(values, entry),
            _ => {} // nothing describes it
        }
    }

    fn describe(&mut self, schema: Schema<'s>, value: Value<'a>) {
        let own = value.index() - self.root.index();
        let node = Node { schema, judged: own };
        if looks_around(schema, value) {
            let all = own as usize..(value.end_index() - self.root.index()) as usize;
            if let Some(nodes) = self.nodes.get_mut(all) {
                nodes.fill(node);
            }
            return;
        }
        if let Some(slot) = self.nodes.get_mut(own as usize) {
            *slot = node;
        }
        for entry in value.entries() {
            if let Some(key) = entry.key() {
                self.child(schema, entry, &key);
            }
        }
        if let Some(items) = schema.items() {
            value.items().for_each(|item| self.describe(items, item));
        }
    }
}

/// Whether the verdict on a collection depends on more of its content than each value by itself.
fn looks_around(schema: Schema<'_>, value: Value<'_>) -> bool {
    let of_list = matches!(schema.list_type(), ListType::Set | ListType::Map) || schema.checks().unique_items();
    schema.has_rules()
        || schema.is_composed()
        || schema.embedded_resource()
        || (value.is_seq() && of_list)
        || (value.kind() != Kind::Scalar && schema.has_checks() && schema.checks().enumeration().is_some())
}

impl<'a> Judge<'_, 'a> {
    /// Judges an object that differs from one that passed in these scalars only.
    fn object_again(&mut self, schema: Schema<'_>, shape: &Shape<'_, 'a>, differing: &[u32]) {
        let root = self.object.root;
        match self.only_name(differing) {
            Some((value, name)) => self.object_name(value, &name),
            None => self.object_metadata(),
        }
        let before = self.blocking;
        if let Some(metadata) = self.object.metadata() {
            self.described_metadata(schema.property("metadata"), "metadata", metadata);
        }
        let mut last = NOBODY;
        for offset in differing {
            let Some(judged) = shape.nodes.get(*offset as usize).map(|node| node.judged) else { continue };
            if judged == NOBODY || judged == last {
                continue;
            }
            last = judged;
            let value = root.document().value(root.index() + judged);
            if let (Some(value), Some(node)) = (value, shape.nodes.get(judged as usize)) {
                self.value(node.schema, value);
            }
        }
        self.whole_object(schema, before);
    }

    /// The name, where nothing else of the metadata differs from that of an object that passed.
    fn only_name(&self, differing: &[u32]) -> Option<(Value<'a>, Cow<'a, str>)> {
        let metadata = self.object.metadata()?;
        let value = metadata.get("name")?;
        let nodes = differing.iter().map(|offset| self.object.root.index() + offset);
        let mut own = nodes.filter(|node| (metadata.index()..metadata.end_index()).contains(node));
        let is_all = own.all(|node| node == value.index()) && metadata.get("generateName").is_none();
        let name = value.as_str().filter(|name| is_all && !name.is_empty())?;
        Some((value, name))
    }
}
