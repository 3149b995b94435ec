//! Fields that the manifest sets and that are otherwise on the management cluster.
//!
//! Only what the manifest says counts: what the server, webhooks and controllers add is theirs. Both sides are compared in one
//! API version, with CAPI's defaults, by the same code that compares two releases.

use serde_json::Value as Json;

use crate::diff::changes::{self, PathChange};
use crate::diff::update::{Reading, Update};
use crate::object::Object;

/// Marks that the autoscaler sets the number of replicas.
const AUTOSCALER_MAX: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size";

/// Longest value that a message quotes.
const QUOTED: usize = 60;

/// A field that is not as the manifest has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Drift {
    /// `Kind/name`.
    pub object: String,
    /// The field.
    pub path: String,
    /// In the manifest; what is secret is masked.
    pub expected: Json,
    /// Live; `None` where it is absent.
    pub live: Option<Json>,
}

impl Drift {
    /// In one line.
    pub fn text(&self) -> String {
        let live = self.live.as_ref().map_or_else(|| "absent".to_owned(), quote);
        format!("{} {}: {live}, the manifest says {}", self.object, self.path, quote(&self.expected))
    }
}

fn quote(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() <= QUOTED { text } else { text.chars().take(QUOTED).chain(['…']).collect() }
}

/// Where a live object differs from what was rendered.
pub fn of(expected: &Object<'_>, live: &Object<'_>, reading: &Reading<'_>) -> Vec<Drift> {
    // Versions whose difference nobody knows here: the server says the same in other words.
    let is_known =
        |object: &Object<'_>| object.version() == "v1beta2" || crate::migrate::meaning(object.root).is_some();
    if expected.version() != live.version() && !(is_known(expected) && is_known(live)) {
        return Vec::new();
    }
    let update = Update::new(live, expected, reading);
    let is_autoscaled = [expected, live].iter().any(|object| object.annotation(AUTOSCALER_MAX).is_some());
    // As the manifest says it, without the defaults that the comparison fills in: those are nobody's wish.
    let differ = expected.version() != live.version();
    let migrated = if differ { crate::migrate::meaning(expected.root) } else { None };
    let stated = migrated.unwrap_or_else(|| expected.root.to_json());
    changes::of(&update)
        .into_iter()
        .filter(|change| is_drift(expected, change) && is_set(&stated, change))
        .filter(|change| !(is_autoscaled && change.path == "spec.replicas"))
        .map(|change| Drift {
            object: format!("{}/{}", expected.kind, expected.name),
            path: change.path,
            // An item of a list that somebody added has no counterpart.
            expected: change.new.unwrap_or(Json::Null),
            live: change.old,
        })
        .collect()
}

fn is_drift(expected: &Object<'_>, change: &PathChange) -> bool {
    // Secrets are nobody's business, and `stringData` never comes back.
    if expected.is("", "Secret") && !change.path.starts_with("metadata") {
        return false;
    }
    if ["metadata.namespace", "apiVersion", "kind"].contains(&change.path.as_str()) {
        return false;
    }
    match (&change.old, &change.new) {
        (_, Some(new)) if change.old.is_none() => !is_zero(new),
        (_, Some(_)) => true,
        // A list of plain values is set as a whole; mappings in lists are merged with what controllers add.
        (Some(old), None) => change.path.ends_with(']') && !old.is_object() && !old.is_array() && is_item(&change.path),
        (None, None) => false,
    }
}

/// Whether the manifest sets the field; of an item that somebody added to a list, whether it sets the list.
fn is_set(stated: &Json, change: &PathChange) -> bool {
    let path = if change.new.is_some() {
        change.path.as_str()
    } else {
        change.path.rsplit_once('[').map_or("", |(list, _)| list)
    };
    at(stated, path).is_some()
}

/// The value at a path as reports write it: `spec.taints[0].key`, `metadata.labels["a.b/c"]`.
fn at<'j>(tree: &'j Json, path: &str) -> Option<&'j Json> {
    let (mut value, mut rest) = (tree, path);
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (key, behind) = quoted.split_once("\"]")?;
            value = value.get(key)?;
            rest = behind;
        } else if let Some(number) = rest.strip_prefix('[') {
            let (number, behind) = number.split_once(']')?;
            value = value.get(number.parse::<usize>().ok()?)?;
            rest = behind;
        } else {
            let name = rest.trim_start_matches('.');
            let end = name.find(['.', '[']).unwrap_or(name.len());
            value = value.get(name.get(..end)?)?;
            rest = name.get(end..)?;
        }
    }
    Some(value)
}

/// Whether a path ends with a number in brackets, and not with a key in them.
fn is_item(path: &str) -> bool {
    path.rsplit('[').next().is_some_and(|end| end.trim_end_matches(']').bytes().all(|byte| byte.is_ascii_digit()))
}

/// What the server does not keep: it says the same as nothing.
fn is_zero(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(truth) => !truth,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(list) => list.is_empty(),
        Json::Object(map) => map.values().all(is_zero),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_followed() {
        let tree = serde_json::json!({"spec": {"taints": [{"key": "a"}]}, "metadata": {"labels": {"a.b/c": "x"}}});
        assert_eq!(at(&tree, "spec.taints[0].key"), Some(&"a".into()));
        assert_eq!(at(&tree, "metadata.labels[\"a.b/c\"]"), Some(&"x".into()));
        assert_eq!(at(&tree, "spec.taints[1].key"), None);
        assert_eq!(at(&tree, "spec.replicas"), None);
    }
}
