//! Objects that are alike: a fleet renders one template a thousand times, with other names in it.
//!
//! Where an object passed without a word, another one of its kind with the same keys, lists and nulls can only differ from it
//! in what its differing scalars do. So those are judged, and with them everything around them that looks at more than one
//! value: mappings and lists with rules, alternatives, sets, keyed lists, enums. All else has been judged already.
//!
//! What was judged is compared byte for byte, never by a hash; what is remembered is bounded. The findings are the same with
//! and without, and in the same order: a test holds the two together.

use std::ops::Range;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Client, Compiled, Judge, Options, judge};
use crate::object::Object;
use crate::report::Finding;
use crate::schema::table::{Additional, Kind as TableKind, ListType, Schema};
use crate::yaml::{Kind, PerForm, Value};

/// Objects that passed, by kind.
#[derive(Default)]
pub struct Passed<'s, 'a> {
    /// The same once more by the forms of their documents, by which they are found at once.
    forms: PerForm<'a, Option<Shape<'s, 'a>>>,
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
#[derive(Clone)]
struct Shape<'s, 'a> {
    root: Value<'a>,
    plan: Rc<Plan<'s>>,
}

/// What must be judged of objects of a shape. Nodes count from the root.
struct Plan<'s> {
    kind: u32,
    /// For each of its nodes.
    nodes: Vec<Node<'s>>,
    /// Those of the metadata.
    metadata: Range<u32>,
    /// The name, where it is given and no beginning of one; else [`NOBODY`].
    name: u32,
    /// Whether the kind says more of the metadata than holds for all objects.
    describes_metadata: bool,
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
    let differing = &mut passed.differing;
    // Two tables may use one number; their schemas are never equal.
    let mut has_shape = |shape: &&Shape<'s, 'a>| {
        differing.clear();
        let plan = &*shape.plan;
        plan.kind == kind.number()
            && plan.nodes.first().is_some_and(|node| node.schema == schema)
            && root.has_shape_of(shape.root, differing)
    };
    let document = root.document();
    let mut of_form = (root.index() == 0 && document.has_form()).then(|| passed.forms.get(document, || None));
    let before = out.len();
    let again = |shape: &Shape<'s, 'a>, differing: &[u32], out: &mut Vec<Finding>| {
        let mut judge = Judge { prefilled, ..Judge::new(object, Some(kind), compiled, options, out) };
        judge.object_again(schema, &shape.plan, differing);
    };
    if let Some(shape) = of_form.as_deref().and_then(Option::as_ref).filter(&mut has_shape) {
        return again(shape, &passed.differing, out);
    }
    let shapes = passed.kinds.entry(kind.number()).or_default();
    // Documents of one form are quickly compared.
    let is_like = |shape: &&Shape<'s, 'a>| shape.root.document().is_like(document);
    let alike = shapes.known.iter().filter(is_like).find(&mut has_shape);
    let alike = alike.or_else(|| shapes.known.iter().filter(|shape| !is_like(shape)).find(has_shape));
    if let Some(shape) = alike {
        shapes.misses = 0;
        again(shape, &passed.differing, out);
        if let Some(of_form) = of_form.filter(|_| out.len() == before) {
            let root = if is_like(&shape) { shape.root } else { root };
            *of_form = Some(Shape { root, plan: Rc::clone(&shape.plan) });
        }
        return;
    }
    judge(object, kind, compiled, options, prefilled, out);
    shapes.misses = shapes.misses.saturating_add(1);
    if out.len() == before && (shapes.misses <= PATIENCE || shapes.misses.is_multiple_of(PATIENCE)) {
        let shape = Shape { root, plan: Rc::new(Plan::of(object, kind)) };
        if let Some(of_form) = of_form.take() {
            *of_form = Some(shape.clone());
        }
        shapes.remember(shape);
    }
}

impl<'s, 'a> Shapes<'s, 'a> {
    fn remember(&mut self, shape: Shape<'s, 'a>) {
        if self.known.len() < SHAPES {
            self.known.push(shape);
        } else {
            self.known[self.oldest] = shape;
            self.oldest = (self.oldest + 1) % SHAPES;
        }
    }
}

impl<'s> Plan<'s> {
    fn of(object: &Object<'_>, kind: TableKind<'s>) -> Self {
        let (root, schema) = (object.root, kind.schema());
        let from_root = |value: Value<'_>| value.index() - root.index();
        let metadata = object.metadata();
        let name = metadata.filter(|metadata| metadata.get("generateName").is_none());
        let mut plan = Self {
            kind: kind.number(),
            nodes: vec![Node { schema, judged: NOBODY }; (root.end_index() - root.index()) as usize],
            metadata: metadata.map_or(0..0, |metadata| from_root(metadata)..metadata.end_index() - root.index()),
            name: name.and_then(|metadata| metadata.get("name")).map_or(NOBODY, from_root),
            describes_metadata: schema
                .property("metadata")
                .is_some_and(|metadata| metadata.schema.property_count() > 0),
        };
        for entry in root.entries() {
            let Some(key) = entry.key() else { continue };
            // Metadata is judged anew for each object, and a status is dropped.
            let is_apart = super::walk::is_meta_key(&key) || kind.status_subresource() && key == "status";
            if !is_apart {
                plan.child(root, schema, entry, &key);
            }
        }
        plan
    }

    fn child(&mut self, root: Value<'_>, schema: Schema<'s>, entry: Value<'_>, key: &str) {
        match (schema.property(key), schema.additional()) {
            (Some(property), _) => self.describe(root, property.schema, entry),
            (None, Additional::Schema(values)) => self.describe(root, values, entry),
            _ => {} // nothing describes it
        }
    }

    fn describe(&mut self, root: Value<'_>, schema: Schema<'s>, value: Value<'_>) {
        let own = value.index() - root.index();
        let node = Node { schema, judged: own };
        if looks_around(schema, value) {
            let all = own as usize..(value.end_index() - root.index()) as usize;
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
                self.child(root, schema, entry, &key);
            }
        }
        if let Some(items) = schema.items() {
            value.items().for_each(|item| self.describe(root, items, item));
        }
    }

    /// Whether no other part of the metadata than the name differs.
    fn is_only_name(&self, differing: &[u32]) -> bool {
        differing.iter().all(|node| *node == self.name || !self.metadata.contains(node))
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

impl Judge<'_, '_> {
    /// Judges an object that differs from one that passed in these scalars only.
    fn object_again(&mut self, schema: Schema<'_>, plan: &Plan<'_>, differing: &[u32]) {
        let (object, root) = (self.object, self.object.root);
        match root.document().value(root.index().saturating_add(plan.name)) {
            // Nothing else of the metadata differs from that of an object that passed.
            Some(value) if plan.is_only_name(differing) && !object.name.is_empty() => {
                self.object_name(value, &object.name);
            }
            _ => self.object_metadata(),
        }
        let before = self.blocking;
        if let Some(metadata) = object.metadata().filter(|_| plan.describes_metadata) {
            self.described_metadata(schema.property("metadata"), "metadata", metadata);
        }
        let mut last = NOBODY;
        for offset in differing {
            let Some(judged) = plan.nodes.get(*offset as usize).map(|node| node.judged) else { continue };
            if judged == NOBODY || judged == last {
                continue;
            }
            last = judged;
            let value = root.document().value(root.index() + judged);
            if let (Some(value), Some(node)) = (value, plan.nodes.get(judged as usize)) {
                self.value(node.schema, value);
            }
        }
        self.whole_object(schema, before);
    }
}
