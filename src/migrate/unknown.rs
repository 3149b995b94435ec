//! Fields that a version does not have: the server drops them from a v1beta1 object before it converts it, and would drop
//! them from the migrated one.

use std::sync::LazyLock;

use super::tree::{Data, Entry, Tree};
use super::{Note, NoteKind};
use crate::schema::bundle::Schemas;
use crate::schema::suggest;
use crate::schema::table::{Additional, Kind, Schema};

/// The newest release that is bundled: it still serves the older versions.
static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::default);

fn kind(group: &str, version: &str, kind: &str) -> Option<Kind<'static>> {
    SCHEMAS.find(group, version, kind)
}

/// Drops what the version of the object does not have, and says so.
pub(super) fn drop_from(tree: &mut Tree<'_>, group: &str, version: &str, name: &str, notes: &mut Vec<Note>) {
    if let Some(kind) = kind(group, version, name) {
        walk(tree, kind.schema(), "", &mut |entry, path, schema| {
            entry.gone = true;
            let known = schema.properties().map(|(name, _)| name);
            let hint = suggest::nearest(&entry.key, known).map_or_else(
                || "it never had an effect".to_owned(),
                |near| format!("it never had an effect. Was {near} meant?"),
            );
            notes.push(Note {
                kind: NoteKind::Removed,
                offset: entry.lead.map_or(0, |value| value.key_span().range().start),
                path,
                message: format!("{version} has no such field, so the server drops it: {hint}"),
            });
        });
    }
}

/// The first field that the version does not have.
pub(super) fn first_in(tree: &mut Tree<'_>, group: &str, version: &str, name: &str) -> Option<String> {
    let mut first = None;
    if let Some(kind) = kind(group, version, name) {
        walk(tree, kind.schema(), "", &mut |_, path, _| {
            first.get_or_insert(path);
        });
    }
    first
}

type Found<'f, 'a> = &'f mut dyn FnMut(&mut Entry<'a>, String, Schema<'_>);

fn walk<'a>(tree: &mut Tree<'a>, schema: Schema<'_>, path: &str, found: Found<'_, 'a>) {
    match &mut tree.data {
        Data::Map(entries) => {
            for entry in entries.iter_mut().filter(|entry| !entry.gone) {
                // Metadata has no schema of its own in a CRD, and is the same in all versions.
                if path.is_empty() && entry.key == "metadata" {
                    continue;
                }
                let mut at = path.to_owned();
                crate::yaml::tape::push_key(&mut at, &entry.key);
                match (schema.property(&entry.key), schema.additional()) {
                    (Some(property), _) => walk(&mut entry.value, property.schema, &at, found),
                    (None, Additional::Schema(schema)) => walk(&mut entry.value, schema, &at, found),
                    (None, Additional::Any) => {}
                    (None, Additional::Absent | Additional::Forbidden) if schema.preserve_unknown() => {}
                    (None, Additional::Absent | Additional::Forbidden) => found(entry, at, schema),
                }
            }
        }
        Data::Seq(items) => {
            if let Some(schema) = schema.items() {
                for (number, item) in items.iter_mut().enumerate() {
                    walk(&mut item.value, schema, &format!("{path}[{number}]"), found);
                }
            }
        }
        Data::Scalar(_) => {}
    }
}
