//! What differs between two renderings without meaning anything to the cluster: marks of origin and Helm's own labels.

use serde_json::Value as Json;

use super::json;
use crate::release::HELM4_ORIGIN;

/// Labels that charts stamp on every object, with the chart's or the tool's version in them.
const LABELS: &[&str] =
    &["helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "chart", "heritage", "release"];

/// Annotations that tools leave.
const ANNOTATIONS: &[&str] = &[
    HELM4_ORIGIN,
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// Fields of `metadata` that the server keeps.
const SERVER_FIELDS: &[&str] =
    &["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];

/// Takes the noise out of an object.
pub fn strip(object: &mut Json) {
    for label in LABELS {
        json::remove(object, &["metadata", "labels", label]);
    }
    for annotation in ANNOTATIONS {
        json::remove(object, &["metadata", "annotations", annotation]);
    }
    for field in SERVER_FIELDS {
        json::remove(object, &["metadata", field]);
    }
    json::remove(object, &["status"]);
    for map in ["labels", "annotations"] {
        if json::at(object, &["metadata", map]).is_some_and(json::is_empty) {
            json::remove(object, &["metadata", map]);
        }
    }
}

/// References within an object whose API version alone differs: made the same. What a reference names hangs on group, kind and
/// name; the version only says how to read it.
pub fn even_references(before: &mut Json, after: &Json) {
    match (before, after) {
        (Json::Object(old), Json::Object(new)) => {
            for (key, value) in old.iter_mut() {
                let Some(other) = new.get(key) else { continue };
                if is_same_reference(value, other) {
                    *value = other.clone();
                } else {
                    even_references(value, other);
                }
            }
        }
        (Json::Array(old), Json::Array(new)) if old.len() == new.len() => {
            for (value, other) in old.iter_mut().zip(new) {
                even_references(value, other);
            }
        }
        _ => {}
    }
}

/// Two mappings that name the same object of the same kind in versions of one group.
fn is_same_reference(a: &Json, b: &Json) -> bool {
    let (Some(left), Some(right)) = (a.as_object(), b.as_object()) else { return false };
    let group = |map: &serde_json::Map<String, Json>| {
        let (group, _) = map.get("apiVersion")?.as_str()?.split_once('/')?;
        Some(group.to_owned()).filter(|group| group.ends_with("cluster.x-k8s.io"))
    };
    left.contains_key("kind")
        && left.contains_key("name")
        && left.len() == right.len()
        && group(left).is_some_and(|own| group(right) == Some(own))
        && left.iter().all(|(key, value)| key == "apiVersion" || right.get(key) == Some(value))
}

/// Takes blanks and line ends off the end of texts of several lines.
pub fn trim_ends(value: &mut Json) {
    match value {
        Json::Object(map) => map.values_mut().for_each(trim_ends),
        Json::Array(list) => list.iter_mut().for_each(trim_ends),
        Json::String(text) if text.trim_end().contains('\n') => text.truncate(text.trim_end().len()),
        _ => {}
    }
}
