//! What a rule can cost at most, as the server estimates it before it takes a CRD: by the bounds that the schema gives lists,
//! maps and texts, and by what fits into a request where it gives none.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::parser::Constant;
use super::calls::Operand;
use super::declared::{Declared, Shape};
use super::expand::{Fold, Kind, Node};
use super::infer::Types;
use super::price::{LIST, MAP, Range};
use super::types::Type;

/// The most that the expression can cost.
pub(super) fn most(root: &Node, types: &Types, declared: &Rc<Declared>) -> u64 {
    let mut estimate = Estimate {
        types,
        declared,
        paths: HashMap::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
        locals: Vec::new(),
    };
    estimate.cost(root).max
}

/// The names that lead from the rule's value to a part of it.
type Path = Vec<String>;

/// The sizes of a list's or a map's keys and values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries {
    is_list: bool,
    keys: Range,
    values: Range,
}

impl Entries {
    fn union(self, other: Self) -> Self {
        Self { is_list: self.is_list, keys: self.keys.union(other.keys), values: self.values.union(other.values) }
    }
}

/// A variable of a macro.
struct Local {
    name: String,
    path: Path,
    size: Option<Range>,
    entries: Option<Entries>,
}

pub(super) struct Estimate<'e> {
    types: &'e Types,
    declared: &'e Rc<Declared>,
    paths: HashMap<usize, Path>,
    sizes: HashMap<usize, Range>,
    entries: HashMap<usize, Entries>,
    locals: Vec<Local>,
}

impl Estimate<'_> {
    fn ty(&self, node: &Node) -> &Type {
        self.types.of.get(node.id).unwrap_or(&Type::Dyn)
    }

    /// The name with dots that a node is, where it is one.
    fn dotted(&self, node: &Node) -> Option<&str> {
        self.types.dotted.get(node.id)?.as_deref()
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, node: &Node) -> Path {
        if let Kind::Name(name) = &node.kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&node.id).cloned().unwrap_or_default()
    }

    /// What the schema says of the size of the value at a path.
    pub(super) fn declared_size(&self, path: &[String]) -> Option<Range> {
        let mut at = self.declared;
        for name in path.get(1..)? {
            at = match (&at.shape, name.as_str()) {
                (Shape::List(inner) | Shape::Map(inner), "@items" | "@values") => inner,
                // The server has no bound for keys, and takes that for nothing at all.
                (Shape::Map(_), "@keys") => return Some(Range::NOTHING),
                (Shape::Object(fields), name) => fields.get(name)?,
                _ => return None,
            };
        }
        Some(Range { min: 0, max: at.max_elements })
    }

    /// The size of a node's value, where something is known of it.
    fn size(&mut self, node: &Node) -> Option<Range> {
        if let Some(size) = self.sizes.get(&node.id) {
            return Some(*size);
        }
        let own = match &node.kind {
            Kind::Literal(Constant::Str(text)) => Some(text.chars().count()),
            Kind::Literal(Constant::Bytes(bytes)) => Some(bytes.len()),
            Kind::Literal(_) => Some(1),
            Kind::List(elements) => Some(elements.len()),
            Kind::Map(entries) => Some(entries.len()),
            _ => None,
        };
        if let Some(own) = own {
            return Some(Range::fixed(own as u64));
        }
        if let Some(size) = self.declared_size(&self.path(node)) {
            self.sizes.insert(node.id, size);
            return Some(size);
        }
        if self.ty(node).is_scalar() {
            return Some(Range::fixed(1));
        }
        match &node.kind {
            Kind::Name(name) => self.local(name).and_then(|local| local.size),
            _ => None,
        }
    }

    fn size_or_unknown(&mut self, node: &Node) -> Range {
        self.size(node).unwrap_or(Range::UNKNOWN)
    }

    pub(super) fn entries_of(&self, node: &Node) -> Option<Entries> {
        self.entries.get(&node.id).copied().or_else(|| match &node.kind {
            Kind::Name(name) => self.local(name).and_then(|local| local.entries),
            _ => None,
        })
    }

    /// Notes that a call's result has the entries of both, where those of both are known.
    pub(super) fn merge_entries(&mut self, id: usize, a: &Node, b: &Node) {
        if let (Some(a), Some(b)) = (self.entries_of(a), self.entries_of(b)) {
            self.entries.insert(id, a.union(b));
        }
    }

    fn cost(&mut self, node: &Node) -> Range {
        match &node.kind {
            Kind::Literal(_) => Range::NOTHING,
            Kind::Name(name) => {
                let path = self.local(name).map_or_else(|| vec![name.clone()], |local| local.path.clone());
                self.paths.insert(node.id, path);
                Range::fixed(1)
            }
            Kind::Select { .. } if self.dotted(node).is_some() => {
                let name = self.dotted(node).unwrap_or_default().to_owned();
                self.paths.insert(node.id, vec![name]);
                Range::fixed(1)
            }
            Kind::Select { operand, test_only: true, .. } => self.cost(operand),
            Kind::Select { operand, field, .. } => {
                let has_fields = matches!(self.ty(operand), Type::Map(_) | Type::Object(_) | Type::Library(_));
                let cost = self.cost(operand).plus(Range::fixed(u64::from(has_fields)));
                let mut path = self.path(operand);
                path.push(field.clone());
                self.paths.insert(node.id, path);
                cost
            }
            Kind::OptionalSelect { operand, .. } => {
                let cost = self.cost(operand).plus(Range::fixed(1));
                if let Some(size) = self.size(node) {
                    self.sizes.insert(node.id, size);
                }
                cost
            }
            Kind::Call { target, function, arguments } => self.call(node, target.as_deref(), function, arguments),
            Kind::List(elements) => self.list(node, elements),
            Kind::Map(entries) => self.map(node, entries),
            Kind::Fold(fold) if fold.is_binding() => self.binding(node, fold),
            Kind::Fold(fold) => self.fold(node, fold),
        }
    }

    fn call(&mut self, node: &Node, target: Option<&Node>, function: &str, arguments: &[Node]) -> Range {
        if let ("dyn", [argument]) = (function, arguments) {
            let cost = self.cost(argument);
            self.copy(node, argument);
            return cost.plus(Range::fixed(1));
        }
        let costs: Vec<Range> = arguments.iter().map(|argument| self.cost(argument)).collect();
        let operands: Vec<Operand> = arguments.iter().map(|argument| self.operand(argument)).collect();
        let types = self.types;
        let dotted = types.dotted.get(node.id).and_then(Option::as_deref);
        let target = target.filter(|_| dotted.is_none());
        let function = dotted.unwrap_or(function);
        let target_cost = target.map_or(Range::NOTHING, |target| self.cost(target));
        let target = target.map(|target| self.operand(target));
        let mut cost: Option<Range> = None;
        let mut result: Option<Range> = None;
        for overload in self.types.overloads.get(node.id).into_iter().flatten() {
            let call =
                super::calls::Call { function, overload, target: target.as_ref(), operands: &operands, costs: &costs };
            let (price, size) = call.price(self);
            cost = Some(cost.map_or(price, |cost| cost.union(price)));
            if let Some(size) = size {
                result = Some(result.map_or(size, |result| result.union(size)));
            }
            self.follow(node, overload, arguments, &mut result);
            if result.is_none() {
                result = self.size(node);
            }
        }
        if let Some(size) = result {
            self.sizes.insert(node.id, size);
        }
        cost.map_or(Range::NOTHING, |cost| cost.plus(target_cost))
    }

    /// What an operator tells of its result beyond its size.
    fn follow(&mut self, node: &Node, overload: &str, arguments: &[Node], result: &mut Option<Range>) {
        match (overload, arguments) {
            ("index_list" | "index_map", [operand, ..]) => {
                *result = self.entries_of(operand).map(|entries| entries.values);
                let mut path = self.path(operand);
                path.push(if overload == "index_list" { "@items" } else { "@values" }.to_owned());
                self.paths.insert(node.id, path);
            }
            ("conditional", [_, then, otherwise]) => self.merge_entries(node.id, then, otherwise),
            ("add_string" | "add_bytes" | "add_list", [left, right]) => self.merge_entries(node.id, left, right),
            _ => {}
        }
    }

    fn operand(&mut self, node: &Node) -> Operand {
        let literal = match &node.kind {
            Kind::Literal(Constant::Int(number)) => Some(*number),
            _ => None,
        };
        Operand { path: self.path(node), ty: self.ty(node).clone(), size: self.size(node), literal }
    }

    fn copy(&mut self, to: &Node, from: &Node) {
        if let Some(size) = self.size(from) {
            self.sizes.insert(to.id, size);
        }
        if let Some(entries) = self.entries_of(from) {
            self.entries.insert(to.id, entries);
        }
    }

    fn list(&mut self, node: &Node, elements: &[(bool, Node)]) -> Range {
        let mut cost = Range::fixed(LIST);
        let mut values: Option<Range> = None;
        for (_, element) in elements {
            cost = cost.plus(self.cost(element));
            let size = self.size_or_unknown(element);
            values = Some(values.map_or(size, |values| values.union(size)));
        }
        let entries = Entries { is_list: true, keys: Range::fixed(1), values: values.unwrap_or(Range::NOTHING) };
        self.entries.insert(node.id, entries);
        cost
    }

    fn map(&mut self, node: &Node, entries: &[(bool, Node, Node)]) -> Range {
        let mut cost = Range::fixed(MAP);
        let mut sizes: Option<(Range, Range)> = None;
        for (_, key, value) in entries {
            cost = cost.plus(self.cost(key)).plus(self.cost(value));
            let size = (self.size_or_unknown(key), self.size_or_unknown(value));
            sizes = Some(sizes.map_or(size, |(k, v)| (k.union(size.0), v.union(size.1))));
        }
        let (keys, values) = sizes.unwrap_or((Range::NOTHING, Range::NOTHING));
        self.entries.insert(node.id, Entries { is_list: false, keys, values });
        cost
    }

    fn push(&mut self, name: &str, path: Path, size: Option<Range>, entries: Option<Entries>) {
        self.locals.push(Local { name: name.to_owned(), path, size, entries });
    }

    fn push_value(&mut self, name: &str, node: &Node) {
        let (path, size, entries) = (self.path(node), self.size(node), self.entries_of(node));
        self.push(name, path, size, entries);
    }

    fn push_loop_variables(&mut self, fold: &Fold) {
        let entries = self.entries_of(&fold.range);
        let is_list = entries.map_or_else(|| matches!(self.ty(&fold.range), Type::List(_)), |entries| entries.is_list);
        let path = self.path(&fold.range);
        let below = |step: &str| path.iter().cloned().chain([step.to_owned()]).collect::<Path>();
        let (keys, values) = (entries.map(|entries| entries.keys), entries.map(|entries| entries.values));
        match (&fold.second, is_list) {
            (None, true) => self.push(&fold.first, below("@items"), values, None),
            (None, false) => self.push(&fold.first, below("@keys"), keys, None),
            (Some(second), _) => {
                self.push(&fold.first, below(if is_list { "@indices" } else { "@keys" }), keys, None);
                self.push(second, below(if is_list { "@items" } else { "@values" }), values, None);
            }
        }
    }

    fn fold(&mut self, node: &Node, fold: &Fold) -> Range {
        let depth = self.locals.len();
        let before = self.cost(&fold.range).plus(self.cost(&fold.start));
        self.push_value(&fold.accumulator, &fold.start);
        self.push_loop_variables(fold);
        let turn = self.cost(&fold.condition).plus(self.cost(&fold.step));
        // What the last step makes is asked for while its variables are known.
        let made = self.entries_of(&fold.step);
        self.locals.truncate(depth + 1);
        let after = self.cost(&fold.result);
        self.locals.truncate(depth);
        let turns = self.size_or_unknown(&fold.range);
        match &fold.start.kind {
            Kind::List(_) | Kind::Map(_) => {
                self.sizes.insert(node.id, turns);
                if let Some(made) = made {
                    self.entries.insert(node.id, made);
                }
            }
            Kind::Literal(_) => {
                self.sizes.insert(node.id, Range::fixed(1));
            }
            _ => {}
        }
        before.plus(after).plus(turns.times(turn))
    }

    fn binding(&mut self, node: &Node, fold: &Fold) -> Range {
        let before = self.cost(&fold.range).plus(self.cost(&fold.start));
        self.push_value(&fold.accumulator, &fold.start);
        let after = self.cost(&fold.result);
        self.copy(node, &fold.result);
        self.locals.pop();
        before.plus(after)
    }
}
