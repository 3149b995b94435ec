//! Fitting an object to the schemas: what the old version does not have, and what the new one does not take.
//!
//! The server drops unknown fields before it converts. The conversion webhook leaves out what is empty where v1beta2 takes
//! no empty value (v1beta1 took `files: []`, v1beta2 wants at least one). Both happen here in the text. `migrate` knows
//! nothing of bounds and names but what the bundled schemas say.

use std::sync::LazyLock;

use serde_json::Value as Json;

use super::change::Step;
use super::kinds::TARGET;
use super::tree::{Data, Entry, Tree};
use super::{Note, NoteKind};
use crate::schema::bundle::Schemas;
use crate::schema::suggest;
use crate::schema::table::{Additional, Kind, Schema, Type};
use crate::yaml::{Scalar, Value};

/// The newest release that is bundled: it still serves the older versions.
static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::default);

/// The schemas of a kind at the version it has, and at the one it is brought to.
pub(super) struct Fit<'t> {
    version: &'t str,
    old: Option<Schema<'static>>,
    new: Option<Schema<'static>>,
    /// Required fields that mutating webhooks fill in.
    filled_in: &'static [&'static str],
}

impl<'t> Fit<'t> {
    /// For a group, version and kind.
    pub fn of(group: &str, version: &'t str, kind: &str) -> Self {
        let schema = |version: &str| SCHEMAS.find(group, version, kind).map(Kind::schema);
        let filled_in = crate::admission::prefilled(group, kind, TARGET);
        Self { version, old: schema(version), new: schema(TARGET), filled_in }
    }

    /// Whether the object's version has a field.
    pub fn has(&self, path: &[Step]) -> bool {
        self.schema_of(path).is_some()
    }

    /// Whether the object's version has a field that takes a value of this sort.
    pub fn takes(&self, path: &[Step], value: Value<'_>) -> bool {
        self.schema_of(path).is_some_and(|schema| match schema.ty() {
            Type::Object => value.is_map(),
            Type::Array => value.is_seq(),
            Type::Any => true,
            Type::Boolean => value.as_bool().is_some(),
            Type::Integer | Type::Number => matches!(value.scalar(), Some(Scalar::Int(_) | Scalar::Float(_))),
            Type::String => value.as_str().is_some(),
            Type::IntOrString => !value.is_map() && !value.is_seq(),
        })
    }

    fn schema_of(&self, path: &[Step]) -> Option<Schema<'static>> {
        let step = |schema: Schema<'static>, step: &Step| match step {
            Step::Key(key) => inside(schema, key),
            Step::Item(_) => schema.items(),
        };
        self.old.and_then(|schema| path.iter().try_fold(schema, step))
    }

    /// Drops what the version of the object does not have, and says so.
    pub fn drop_unknown(&self, tree: &mut Tree<'_>, notes: &mut Vec<Note>) {
        let Some(schema) = self.old else { return };
        unknown(tree, schema, "", &mut |entry, path, schema| notes.push(drop_entry(entry, path, schema, self.version)));
    }

    /// Drops what is empty where v1beta2 takes no empty value, and mappings that the conversion emptied.
    pub fn drop_empty(&self, tree: &mut Tree<'_>) {
        drop_empty(tree, self.new);
    }

    /// The first field that v1beta2 does not have.
    pub fn unknown_after(&self, tree: &mut Tree<'_>) -> Option<String> {
        let mut first = None;
        unknown(tree, self.new?, "", &mut |_, path, _| {
            first.get_or_insert(path);
        });
        first
    }

    /// The paths of what the object lacks at its own version: nothing that a migration need speak of.
    pub fn missing_before(&self, tree: &Tree<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(schema) = self.old {
            self.missing(tree, schema, "", &mut notes);
        }
        notes.into_iter().map(|note| note.path).collect()
    }

    /// Says what v1beta2 requires and the object does not have, but for what it lacked before.
    pub fn missing_after(&self, tree: &Tree<'_>, before: &[String], notes: &mut Vec<Note>) {
        let mut found = Vec::new();
        if let Some(schema) = self.new {
            self.missing(tree, schema, "", &mut found);
        }
        notes.extend(found.into_iter().filter(|note| !before.contains(&note.path)));
    }

    fn fills_in(&self, path: &str) -> bool {
        let item = |part: &str| part.split_once('[').map_or_else(|| part.to_owned(), |(key, _)| format!("{key}[*]"));
        let path = path.split('.').map(item).collect::<Vec<_>>().join(".");
        self.filled_in.contains(&path.as_str())
    }

    fn missing(&self, tree: &Tree<'_>, schema: Schema<'_>, path: &str, notes: &mut Vec<Note>) {
        match &tree.data {
            Data::Map(_) => {
                for name in schema.required() {
                    let at = join(path, name);
                    let value = tree.get(name).filter(|value| !value.is_null());
                    let message = match value {
                        None if self.fills_in(&at) => continue,
                        None => {
                            format!("{TARGET} requires {at}, which is not set here; the server will refuse the object")
                        }
                        Some(value) if inside(schema, name).is_some_and(|schema| refuses_empty(schema, value)) => {
                            format!(
                                "{TARGET} takes no empty {at}; the server will refuse the object. Set any field in it"
                            )
                        }
                        Some(_) => continue,
                    };
                    let offset = tree.origin.map_or(0, |origin| origin.span().range().start);
                    notes.push(Note { kind: NoteKind::Missing, offset, path: at, message });
                }
                for entry in tree.entries() {
                    if let Some(schema) = inside(schema, &entry.key) {
                        self.missing(&entry.value, schema, &join(path, &entry.key), notes);
                    }
                }
            }
            Data::Seq(items) => {
                if let Some(schema) = schema.items() {
                    for (number, item) in items.iter().enumerate() {
                        self.missing(&item.value, schema, &format!("{path}[{number}]"), notes);
                    }
                }
            }
            Data::Scalar(_) => {}
        }
    }
}

/// Drops the keywords that Cluster API does not know from a schema within the schema of a class's variable.
pub(super) fn drop_unknown_keywords(tree: &mut Tree<'_>, path: &str, notes: &mut Vec<Note>) {
    const OF_A_VARIABLE: [&str; 4] = ["spec", "variables", "schema", "openAPIV3Schema"];
    let class = SCHEMAS.find("cluster.x-k8s.io", "v1beta1", "ClusterClass").map(Kind::schema);
    let keywords = OF_A_VARIABLE.iter().try_fold(class, |schema, key| {
        let schema = inside(schema?, key)?;
        Some(Some(schema.items().unwrap_or(schema)))
    });
    if let Some(schema) = keywords.flatten() {
        unknown(tree, schema, path, &mut |entry, path, schema| notes.push(drop_entry(entry, path, schema, "v1beta1")));
    }
}

/// Takes an entry away that the version does not have.
fn drop_entry(entry: &mut Entry<'_>, path: String, schema: Schema<'_>, version: &str) -> Note {
    entry.gone = true;
    let known = schema.properties().map(|(name, _)| name);
    let hint = suggest::nearest(&entry.key, known)
        .map_or_else(String::new, |near| format!(". If {near} was meant, add it by that name"));
    Note {
        kind: NoteKind::Removed,
        offset: entry.lead.map_or(0, |value| value.key_span().range().start),
        path,
        message: format!("{version} has no such field, so the server dropped it{hint}"),
    }
}

type Found<'f, 'a> = &'f mut dyn FnMut(&mut Entry<'a>, String, Schema<'_>);

fn unknown<'a>(tree: &mut Tree<'a>, schema: Schema<'_>, path: &str, found: Found<'_, 'a>) {
    match &mut tree.data {
        Data::Map(entries) => {
            for entry in entries.iter_mut().filter(|entry| !entry.gone) {
                // Metadata has no schema of its own in a CRD, and is the same in all versions.
                if path.is_empty() && entry.key == "metadata" {
                    continue;
                }
                let at = join(path, &entry.key);
                match inside(schema, &entry.key) {
                    Some(schema) => unknown(&mut entry.value, schema, &at, found),
                    None if takes_any(schema) => {}
                    None => found(entry, at, schema),
                }
            }
        }
        Data::Seq(items) => {
            if let Some(schema) = schema.items() {
                for (number, item) in items.iter_mut().enumerate() {
                    unknown(&mut item.value, schema, &format!("{path}[{number}]"), found);
                }
            }
        }
        Data::Scalar(_) => {}
    }
}

fn drop_empty(tree: &mut Tree<'_>, schema: Option<Schema<'_>>) {
    match &mut tree.data {
        Data::Map(entries) => {
            for entry in entries.iter_mut().filter(|entry| !entry.gone) {
                let property = schema.and_then(|schema| schema.property(&entry.key));
                let child = schema.and_then(|schema| inside(schema, &entry.key));
                drop_empty(&mut entry.value, child);
                entry.gone = match child {
                    Some(schema) => {
                        !property.is_some_and(|property| property.required) && refuses_empty(schema, &entry.value)
                    }
                    // What v1beta2 does not have, it can do without where it says nothing.
                    None => {
                        entry.value.was_emptied()
                            || schema.is_some_and(|schema| !takes_any(schema) && schema.properties().next().is_some())
                                && says_nothing(&entry.value)
                    }
                };
            }
        }
        Data::Seq(items) => {
            let schema = schema.and_then(Schema::items);
            for item in items {
                drop_empty(&mut item.value, schema);
            }
        }
        Data::Scalar(_) => {}
    }
}

/// Whether a value is null, or a mapping that is empty once the server has dropped its nulls.
fn says_nothing(value: &Tree<'_>) -> bool {
    match &value.data {
        Data::Map(_) => value.entries().all(|entry| entry.value.is_null()),
        Data::Scalar(json) => json.is_null(),
        Data::Seq(_) => false,
    }
}

/// Whether a value is empty and the schema takes no empty one.
fn refuses_empty(schema: Schema<'_>, value: &Tree<'_>) -> bool {
    let checks = schema.checks();
    let at_least_one = |least: Option<u32>| least.is_some_and(|least| least > 0);
    let listed = |zero: Json| checks.enumeration().is_none_or(|mut values| values.any(|value| value.to_json() == zero));
    match &value.data {
        Data::Map(_) => says_nothing(value) && at_least_one(checks.min_properties()),
        Data::Seq(items) => items.is_empty() && at_least_one(checks.min_items()),
        Data::Scalar(Json::String(text)) => {
            text.is_empty() && (at_least_one(checks.min_length()) || !listed(Json::from("")))
        }
        Data::Scalar(Json::Number(number)) => {
            number.as_f64() == Some(0.0) && checks.minimum().is_some_and(|least| least > 0.0)
        }
        Data::Scalar(_) => false,
    }
}

/// The schema of what stands under a key.
fn inside<'t>(schema: Schema<'t>, key: &str) -> Option<Schema<'t>> {
    schema.property(key).map(|property| property.schema).or(match schema.additional() {
        Additional::Schema(schema) => Some(schema),
        _ => None,
    })
}

fn takes_any(schema: Schema<'_>) -> bool {
    schema.preserve_unknown() || schema.additional() == Additional::Any
}

fn join(path: &str, key: &str) -> String {
    let mut joined = path.to_owned();
    crate::yaml::tape::push_key(&mut joined, key);
    joined
}
