//! Proof of edits where the text is out of the ordinary.
//!
//! Anchors, tags, `? key`, keys that stand twice, tabs between words: each gives a change of text more to mean than what was
//! asked for, and there are more ways for that than anyone could list. So in documents that have any of it, an edit is made on
//! trial, and what it gives is read. All other documents pay nothing but for what is taken out.

use serde_json::Value as Json;

use super::{Edit, Edits, Uneditable, apply, parent};
use crate::yaml::value::Value;

/// Larger documents out of the ordinary are left alone: each of their edits would cost as much as reading them.
const MOST_NODES: usize = 1 << 16;

/// The edits, unless the document is out of the ordinary and they do anything but `change` to its tree at `value`.
pub(super) fn proven(value: Value<'_>, edits: Vec<Edit>, change: impl FnOnce(&mut Json)) -> Edits {
    let document = value.document();
    if !document.is_unusual() {
        return Ok(edits);
    }
    if document.len() > MOST_NODES { Err(Uneditable::Spelling) } else { tried(value, edits, change) }
}

/// As [`proven`], whatever the document is.
pub(super) fn tried(value: Value<'_>, edits: Vec<Edit>, change: impl FnOnce(&mut Json)) -> Edits {
    let is_fine = holds(value, &edits, change).unwrap_or_default();
    if is_fine { Ok(edits) } else { Err(Uneditable::Spelling) }
}

fn holds(value: Value<'_>, edits: &[Edit], change: impl FnOnce(&mut Json)) -> Option<bool> {
    let document = value.document();
    let mut expected = document.root()?.to_json();
    change(place_in(&mut expected, value)?);
    let text = apply(document.text(), edits).ok()?;
    let changed = crate::yaml::parse(&text).ok()?;
    Some(changed.root().map_or(Json::Null, |root| root.to_json()) == expected)
}

/// What a value is in its document's tree; nothing where a later key hides it.
fn place_in<'j>(tree: &'j mut Json, value: Value<'_>) -> Option<&'j mut Json> {
    let Some(parent) = parent(value) else { return Some(tree) };
    match place_in(tree, parent)? {
        Json::Object(entries) if !value.is_hidden() => entries.get_mut(&*value.key()?),
        Json::Array(items) => items.get_mut(parent.items().position(|item| item.index() == value.index())?),
        _ => None,
    }
}

/// Adds entries to a mapping, or to what is null so far.
pub(super) fn extend(tree: &mut Json, entries: impl IntoIterator<Item = (String, Json)>) {
    if tree.is_null() {
        *tree = Json::Object(serde_json::Map::new());
    }
    if let Json::Object(map) = tree {
        map.extend(entries);
    }
}

/// Gives an entry of a mapping another key.
pub(super) fn rename(tree: &mut Json, old: &str, new: &str) {
    if let Json::Object(map) = tree
        && let Some(value) = map.shift_remove(old)
    {
        map.insert(new.to_owned(), value);
    }
}

/// Takes children out of a mapping or a list.
pub(super) fn take_out(tree: &mut Json, parent: Value<'_>, gone: impl Fn(Value<'_>) -> bool) {
    match tree {
        Json::Object(map) => {
            for key in parent.children().filter(|child| gone(*child)).filter_map(|child| child.key()) {
                map.shift_remove(&*key);
            }
        }
        Json::Array(items) => {
            let mut children = parent.children();
            items.retain(|_| children.next().is_none_or(|child| !gone(child)));
        }
        _ => {}
    }
}
