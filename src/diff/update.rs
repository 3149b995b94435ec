//! One object before and after, as trees of the same API version with CAPI's defaults filled in: what the server compares.

use serde_json::Value as Json;

use super::json::{self, Side, Step};
use super::{defaults, noise};
use crate::object::Object;
use crate::report::Place;

/// An object that is in both releases.
#[derive(Debug)]
pub struct Update<'r, 'a> {
    /// In the old release.
    pub old: &'r Object<'a>,
    /// In the new release.
    pub new: &'r Object<'a>,
    /// The old object's tree.
    pub before: Json,
    /// The new object's tree.
    pub after: Json,
}

impl<'r, 'a> Update<'r, 'a> {
    /// Reads both sides.
    pub fn new(old: &'r Object<'a>, new: &'r Object<'a>) -> Self {
        let (mut before, mut after) = (tree(old, new), tree(new, old));
        if old.version() != new.version() && versions_are_equivalent(old) {
            json::remove(&mut before, &["apiVersion"]);
            json::remove(&mut after, &["apiVersion"]);
        }
        // Helm 4 writes manifests anew and may add or drop line ends behind a block of text. Where such a text ends up in a
        // machine it counts all the same.
        if !versions_are_equivalent(new) {
            noise::trim_ends(&mut before);
            noise::trim_ends(&mut after);
        }
        defaults::fill(&mut before, old, None);
        defaults::fill(&mut after, new, Some(&before));
        Self { old, new, before, after }
    }

    /// The values at a chain of keys, before and after.
    pub fn both(&self, keys: &[&str]) -> (Option<&Json>, Option<&Json>) {
        (json::at(&self.before, keys), json::at(&self.after, keys))
    }

    /// Whether the value at a chain of keys changed.
    pub fn changed(&self, keys: &[&str]) -> bool {
        let (before, after) = self.both(keys);
        !json::same(before, after)
    }

    /// The texts at a chain of keys, where both are there.
    pub fn texts(&self, keys: &[&str]) -> Option<(&str, &str)> {
        Some((json::text_at(&self.before, keys)?, json::text_at(&self.after, keys)?))
    }

    /// Where a path stands in the new release, or the nearest value above it.
    pub fn place(&self, keys: &[&str]) -> Place {
        place(self.new, &steps(keys), Side::New)
    }
}

/// A chain of keys as a path.
pub fn steps(keys: &[&str]) -> Vec<Step> {
    keys.iter().map(|key| Step::Key((*key).to_owned())).collect()
}

/// Where a path stands in an object, or the nearest value above it.
pub fn place(object: &Object<'_>, path: &[Step], side: Side) -> Place {
    let value = json::locate(object.root, path, side);
    if value.is_map() || value.is_seq() { object.key_place(value) } else { object.place(value) }
}

/// The object as a tree without noise; in v1beta2 where the other side is.
fn tree(object: &Object<'_>, other: &Object<'_>) -> Json {
    if object.version() != other.version() {
        return in_v1beta2(object);
    }
    let mut tree = object.root.to_json();
    noise::strip(&mut tree);
    json::drop_nulls(&mut tree);
    tree
}

/// The object as v1beta2 has it, without noise and with defaults; as it is where it cannot be converted.
pub fn in_v1beta2(object: &Object<'_>) -> Json {
    let mut tree = crate::migrate::meaning(object.root).unwrap_or_else(|| object.root.to_json());
    noise::strip(&mut tree);
    json::drop_nulls(&mut tree);
    tree
}

/// Kinds whose versions say the same in other words.
fn versions_are_equivalent(object: &Object<'_>) -> bool {
    object.group().ends_with("cluster.x-k8s.io")
}
