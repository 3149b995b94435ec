//! What changed in an object: paths with the values before and after, lists matched by what names their items.

use std::collections::HashSet;
use std::fmt::Write;

use serde_json::Value as Json;
use similar::{Algorithm, DiffOp};

use super::json::{self, Side, Step};
use super::update::{self, Update};
use crate::object::Object;
use crate::report::Place;
use crate::schema::table::{Additional, Schema};
use crate::secrets;

pub use crate::secrets::HIDDEN;

/// How an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Only in the new release.
    Added,
    /// Only in the old release.
    Removed,
    /// In both, and not the same.
    Changed,
    /// In both under different names.
    Renamed,
}

/// A change of one object.
#[derive(Debug)]
pub struct Change<'r, 'a> {
    /// What became of it.
    pub kind: Kind,
    /// In the old release.
    pub old: Option<&'r Object<'a>>,
    /// In the new release.
    pub new: Option<&'r Object<'a>>,
    /// Where the two differ.
    pub paths: Vec<PathChange>,
}

/// A change of one value.
#[derive(Debug)]
pub struct PathChange {
    /// Its path, as text.
    pub path: String,
    /// Before; `None` where it was absent. Secrets are masked.
    pub old: Option<Json>,
    /// After.
    pub new: Option<Json>,
    /// Where it stood.
    pub old_place: Place,
    /// Where it stands, or where it would.
    pub new_place: Place,
}

/// What differs between the two sides of an update, the name apart.
pub fn of(update: &Update<'_, '_>) -> Vec<PathChange> {
    let mut walk = Walk { path: Vec::new(), found: Vec::new() };
    walk.values(&update.before, &update.after, update.schema);
    let name = [Step::Key("metadata".into()), Step::Key("name".into())];
    walk.found
        .into_iter()
        .filter(|(path, _, _)| path[..] != name)
        .map(|(path, old, new)| {
            let text = json::text(&path);
            PathChange {
                old: old.map(|value| {
                    masked(update.old, &text, &value, is_beside_telling(&update.before, &path, Side::Old))
                }),
                new: new
                    .map(|value| masked(update.new, &text, &value, is_beside_telling(&update.after, &path, Side::New))),
                old_place: update::place(update.old, &path, Side::Old),
                new_place: update::place(update.new, &path, Side::New),
                path: text,
            }
        })
        .collect()
}

/// A value as it may be printed: what must not be shown is masked, key names stay.
pub fn shown(object: &Object<'_>, path: &str, value: &Json) -> Json {
    masked(object, path, value, false)
}

/// `hidden`: what stands above or beside it says so.
fn masked(object: &Object<'_>, path: &str, value: &Json, hidden: bool) -> Json {
    let below = |step: &Step| {
        let mut path = path.to_owned();
        match step {
            Step::Key(key) => crate::yaml::tape::push_key(&mut path, key),
            Step::Item(_, number) => {
                let _ = write!(path, "[{}]", number.unwrap_or_default());
            }
        }
        path
    };
    let is_hidden = || hidden || secrets::hides(object, path);
    match value {
        Json::Object(map) => {
            // A mapping below a telling name is a secret, unless it says itself which part of it is.
            let all = !map.keys().any(|key| secrets::is_telling(key)) && is_hidden();
            let entry = |(key, inner): (&String, &Json)| {
                let hidden = all || key == "value" && secrets::has_telling_name(value);
                (key.clone(), masked(object, &below(&Step::Key(key.clone())), inner, hidden))
            };
            Json::Object(map.iter().map(entry).collect())
        }
        Json::Array(list) => {
            let all = is_hidden();
            let item = |(number, inner): (usize, &Json)| {
                let hidden = all || secrets::follows_telling_flag(list, number);
                masked(object, &below(&Step::Item(None, Some(number))), inner, hidden)
            };
            Json::Array(list.iter().enumerate().map(item).collect())
        }
        // What is true or false gives nothing away, but in a Secret.
        Json::Bool(_) | Json::Null if !object.is("", "Secret") => value.clone(),
        _ if is_hidden() => HIDDEN.into(),
        Json::String(text) => secrets::masked(text).into_owned().into(),
        other => other.clone(),
    }
}

/// Whether what stands beside a changed value says that it is a secret.
fn is_beside_telling(tree: &Json, path: &[Step], side: Side) -> bool {
    let number = |step: &Step| match (step, side) {
        (Step::Item(old, _), Side::Old) => *old,
        (Step::Item(_, new), Side::New) => *new,
        (Step::Key(_), _) => None,
    };
    let Some((last, above)) = path.split_last() else { return false };
    let parent = above.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.get(key),
        item @ Step::Item(..) => value.get(number(item)?),
    });
    match (parent, last) {
        (Some(parent), Step::Key(key)) => key == "value" && secrets::has_telling_name(parent),
        (Some(Json::Array(list)), item) => number(item).is_some_and(|at| secrets::follows_telling_flag(list, at)),
        _ => false,
    }
}

type Found = (Vec<Step>, Option<Json>, Option<Json>);

struct Walk {
    path: Vec<Step>,
    found: Vec<Found>,
}

/// Fields of providers that switch something on by being there: `spotMarketOptions: {}` makes spot machines.
const SWITCHES: [&str; 2] = ["spotMarketOptions", "spotVMOptions"];

/// An empty list that says something else than none: kubeadm then gives a node no taint, not those of its role.
const TELLING_LIST: [&str; 2] = ["nodeRegistration", "taints"];

impl Walk {
    /// Whether the mapping or list at hand counts though nothing stands in it.
    fn is_switch(&self, value: &Json) -> bool {
        if json::is_bare(value) {
            return matches!(self.path.last(), Some(Step::Key(key)) if SWITCHES.contains(&key.as_str()));
        }
        let is_key = |(step, name): (&Step, &str)| matches!(step, Step::Key(key) if key == name);
        value.is_array()
            && self.path.len() >= TELLING_LIST.len()
            && self.path[self.path.len() - TELLING_LIST.len()..].iter().zip(TELLING_LIST).all(is_key)
    }

    fn values(&mut self, old: &Json, new: &Json, schema: Option<Schema<'_>>) {
        match (old, new) {
            (Json::Object(before), Json::Object(after)) => {
                let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
                for key in keys.filter(|key| before.get(*key) != after.get(*key)) {
                    let schema = schema.and_then(|schema| child(schema, key));
                    self.below(Step::Key(key.clone()), before.get(key), after.get(key), schema);
                }
            }
            (Json::Array(before), Json::Array(after)) => match item_names(before, after, schema) {
                Some((left, right)) => self.named(before, after, &left, &right, schema),
                None => self.ordered(before, after, schema),
            },
            _ if json::equal(old, new) => {}
            _ => self.found.push((self.path.clone(), Some(old.clone()), Some(new.clone()))),
        }
    }

    fn below(&mut self, step: Step, old: Option<&Json>, new: Option<&Json>, schema: Option<Schema<'_>>) {
        self.path.push(step);
        match (old, new) {
            (Some(old), Some(new)) => self.values(old, new, schema),
            (None, None) => {}
            // An empty mapping or list that appears says nothing, but where being there is what counts.
            (Some(only), None) | (None, Some(only))
                if !self.is_switch(only) && (json::is_bare(only) || only.as_array().is_some_and(Vec::is_empty)) => {}
            _ => self.found.push((self.path.clone(), old.cloned(), new.cloned())),
        }
        self.path.pop();
    }

    /// Lists whose items have names.
    fn named(&mut self, old: &[Json], new: &[Json], left: &[String], right: &[String], schema: Option<Schema<'_>>) {
        let items = schema.and_then(Schema::items);
        for (number, name) in left.iter().enumerate() {
            let other = right.iter().position(|other| other == name);
            self.below(Step::Item(Some(number), other), old.get(number), other.and_then(|at| new.get(at)), items);
        }
        for (number, _) in right.iter().enumerate().filter(|(_, name)| !left.contains(name)) {
            self.below(Step::Item(None, Some(number)), None, new.get(number), items);
        }
        let kept = |names: &[String], others: &[String]| {
            names.iter().filter(|name| others.contains(name)).cloned().collect::<Vec<_>>()
        };
        if kept(left, right) != kept(right, left) {
            let list = |names: &[String]| Some(Json::from(names.to_vec()));
            self.found.push((self.path.clone(), list(left), list(right)));
        }
    }

    /// Lists whose items have none: the shortest way from one to the other.
    fn ordered(&mut self, old: &[Json], new: &[Json], schema: Option<Schema<'_>>) {
        let items = schema.and_then(Schema::items);
        let text = |list: &[Json]| list.iter().map(Json::to_string).collect::<Vec<_>>();
        for op in similar::capture_diff_slices(Algorithm::Myers, &text(old), &text(new)) {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let (left, right) = (op.old_range(), op.new_range());
            for offset in 0..left.len().max(right.len()) {
                let before = Some(left.start + offset).filter(|at| left.contains(at));
                let after = Some(right.start + offset).filter(|at| right.contains(at));
                let item = Step::Item(before, after);
                self.below(item, before.and_then(|at| old.get(at)), after.and_then(|at| new.get(at)), items);
            }
        }
    }
}

fn child<'t>(schema: Schema<'t>, key: &str) -> Option<Schema<'t>> {
    let property = schema.property(key).map(|property| property.schema);
    property.or_else(|| match schema.additional() {
        Additional::Schema(values) => Some(values),
        _ => None,
    })
}

/// What names the items of a list, in the order in which it is tried.
const NAMES: &[&str] = &["name", "key", "class", "path", "id", "device", "topologyKey", "type"];

/// The names of the items on both sides, where all have one and none has it twice: by the keys that the schema names, else by
/// what usually is a name.
fn item_names(old: &[Json], new: &[Json], schema: Option<Schema<'_>>) -> Option<(Vec<String>, Vec<String>)> {
    let keys: Vec<&str> = schema.map(|schema| schema.list_map_keys().collect()).unwrap_or_default();
    // Of several keys one alone may do: then a change of the other is a change, not another item.
    let alone = NAMES.iter().filter(|name| keys.contains(name)).find_map(|key| both(old, new, &[key]));
    let by_schema = alone.or_else(|| Some(&keys).filter(|keys| !keys.is_empty()).and_then(|keys| both(old, new, keys)));
    by_schema.or_else(|| NAMES.iter().find_map(|key| both(old, new, &[key])))
}

fn both(old: &[Json], new: &[Json], keys: &[&str]) -> Option<(Vec<String>, Vec<String>)> {
    let names = |list: &[Json]| -> Option<Vec<String>> {
        let name = |item: &Json| -> Option<String> {
            let parts: Vec<String> = keys
                .iter()
                .filter_map(|key| item.get(key))
                .filter(|part| !part.is_object() && !part.is_array())
                .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                .collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        };
        let names: Vec<String> = list.iter().map(name).collect::<Option<_>>()?;
        let distinct: HashSet<&String> = names.iter().collect();
        (distinct.len() == names.len()).then_some(names)
    };
    Some((names(old)?, names(new)?))
}
