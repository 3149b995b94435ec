//! Small views on JSON values: the shape in which two releases are compared.
//!
//! The tape keeps positions and is for reading once; comparing two documents of different API versions needs trees that can
//! be rewritten. Nothing here knows Kubernetes.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::yaml::Value;
use crate::yaml::tape::push_key;

/// One step of a path; items of lists have a number on each side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of a mapping.
    Key(String),
    /// An item of a list, by its number before and after.
    Item(Option<usize>, Option<usize>),
}

/// Which of two releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before.
    Old,
    /// After.
    New,
}

/// The dotted text of a path: `spec.template.spec.volumes[0].name`. Items carry their new number, else the old one.
pub fn text(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) => push_key(&mut text, key),
            Step::Item(old, new) => {
                let _ = write!(text, "[{}]", new.or(*old).unwrap_or_default());
            }
        }
    }
    text
}

/// The value at the end of a path on one side, or the nearest one above it.
pub fn locate<'a>(root: Value<'a>, path: &[Step], side: Side) -> Value<'a> {
    let mut value = root;
    for step in path {
        let next = match (step, side) {
            (Step::Key(key), _) => value.get(key),
            (Step::Item(Some(number), _), Side::Old) | (Step::Item(_, Some(number)), Side::New) => {
                value.items().nth(*number)
            }
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => break,
        }
    }
    value
}

/// The value at a chain of keys; `None` where it is absent or null.
pub fn at<'j>(value: &'j Json, keys: &[&str]) -> Option<&'j Json> {
    keys.iter().try_fold(value, |value, key| value.get(key)).filter(|value| !value.is_null())
}

/// The text at a chain of keys, where it is there and not empty.
pub fn text_at<'j>(value: &'j Json, keys: &[&str]) -> Option<&'j str> {
    at(value, keys)?.as_str().filter(|text| !text.is_empty())
}

/// The items of the list at a chain of keys.
pub fn items<'j>(value: &'j Json, keys: &[&str]) -> &'j [Json] {
    at(value, keys).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Takes the value at a chain of keys out of the tree.
pub fn remove(value: &mut Json, keys: &[&str]) -> Option<Json> {
    let (last, above) = keys.split_last()?;
    above.iter().try_fold(value, |value, key| value.get_mut(key))?.as_object_mut()?.shift_remove(*last)
}

/// Takes the values at a chain of keys out of the tree; `*` stands for each item of a list.
pub fn remove_each(value: &mut Json, keys: &[&str]) {
    match keys.split_first() {
        Some((&"*", rest)) => {
            for item in value.as_array_mut().into_iter().flatten() {
                remove_each(item, rest);
            }
        }
        Some((key, [])) => {
            if let Some(map) = value.as_object_mut() {
                map.shift_remove(*key);
            }
        }
        Some((key, rest)) => {
            if let Some(below) = value.get_mut(*key) {
                remove_each(below, rest);
            }
        }
        None => {}
    }
}

/// The paths that a JSON merge patch from one tree to the other speaks of: what is gone is named where it was, not below.
pub fn merge_patch_paths(before: &Json, after: &Json, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    let (Json::Object(old), Json::Object(new)) = (before, after) else {
        if !equal(before, after) {
            out.push(path.clone());
        }
        return;
    };
    let empty = Json::Object(serde_json::Map::new());
    let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
    for key in keys {
        path.push(key.clone());
        match (old.get(key), new.get(key)) {
            (Some(before), Some(after)) => merge_patch_paths(before, after, path, out),
            (None, Some(after)) if after.is_object() => merge_patch_paths(&empty, after, path, out),
            _ => out.push(path.clone()),
        }
        path.pop();
    }
}

/// Puts a value at a chain of keys, making the mappings above it.
pub fn insert(value: &mut Json, keys: &[&str], new: Json) {
    let Some((last, above)) = keys.split_last() else {
        *value = new;
        return;
    };
    let mut here = value;
    for key in above {
        if !here.is_object() {
            *here = Json::Object(serde_json::Map::new());
        }
        let Some(map) = here.as_object_mut() else { return };
        here = map.entry((*key).to_owned()).or_insert(Json::Null);
    }
    if !here.is_object() {
        *here = Json::Object(serde_json::Map::new());
    }
    if let Some(map) = here.as_object_mut() {
        map.insert((*last).to_owned(), new);
    }
}

/// Whether nothing is there: null, or a mapping or list with nothing in it.
pub fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Object(map) => map.values().all(is_empty),
        Json::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Whether a mapping has no key.
pub fn is_bare(value: &Json) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Takes out keys whose value is null: the server drops them.
pub fn drop_nulls(value: &mut Json) {
    match value {
        Json::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Json::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Takes out keys below which nothing stands; `keep` names keys whose empty list has a meaning.
pub fn drop_empty(value: &mut Json, keep: &[&str]) {
    match value {
        Json::Object(map) => {
            map.values_mut().for_each(|value| drop_empty(value, keep));
            map.retain(|key, value| {
                !is_empty(value) && value.as_str() != Some("") || keep.contains(&key.as_str()) && value.is_array()
            });
        }
        Json::Array(list) => list.iter_mut().for_each(|value| drop_empty(value, keep)),
        _ => {}
    }
}

/// Whether two trees are the same, whatever the order of keys; a key that holds null is as good as absent.
pub fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            let there = |(_, value): &(&String, &Json)| !value.is_null();
            a.iter().filter(there).count() == b.iter().filter(there).count()
                && a.iter().filter(there).all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        _ => a == b,
    }
}

/// The same for values that may be absent.
pub fn same(a: Option<&Json>, b: Option<&Json>) -> bool {
    equal(a.unwrap_or(&Json::Null), b.unwrap_or(&Json::Null))
}

/// The paths at which two trees differ, down to leaves and whole lists.
pub fn leaf_differences(a: Option<&Json>, b: Option<&Json>, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    let empty = serde_json::Map::new();
    let map = |value: Option<&'_ Json>| matches!(value, None | Some(Json::Null | Json::Object(_)));
    if map(a) && map(b) {
        let of = |value: Option<&Json>| value.and_then(Json::as_object).cloned().unwrap_or_else(|| empty.clone());
        let (left, right) = (of(a), of(b));
        let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
        for key in keys {
            path.push(key.clone());
            leaf_differences(left.get(key), right.get(key), path, out);
            path.pop();
        }
    } else if !same(a, b) {
        out.push(path.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_is_as_good_as_absent() {
        assert!(equal(&json!({"a": 1, "b": null}), &json!({"a": 1})));
        assert!(!equal(&json!({"a": {}}), &json!({})));
        let mut tree = json!({"a": {"b": []}, "taints": [], "c": ""});
        drop_empty(&mut tree, &["taints"]);
        assert_eq!(tree, json!({"taints": []}));
    }

    #[test]
    fn a_merge_patch_names_what_is_gone_as_a_whole() {
        let (a, b) = (json!({"a": {"b": 1}, "c": [1], "d": {"e": 1}}), json!({"c": [2], "d": {"e": 1, "f": {"g": 2}}}));
        let mut out = Vec::new();
        merge_patch_paths(&a, &b, &mut Vec::new(), &mut out);
        let paths: Vec<String> = out.iter().map(|path| path.join(".")).collect();
        assert_eq!(paths, ["a", "c", "d.f.g"]);
        let mut tree = json!({"ports": [{"a": 1, "b": 2}, {"a": 3}]});
        remove_each(&mut tree, &["ports", "*", "a"]);
        assert_eq!(tree, json!({"ports": [{"b": 2}, {}]}));
    }

    #[test]
    fn leaves_that_differ() {
        let (a, b) = (json!({"a": {"b": 1, "c": [1]}}), json!({"a": {"b": 1, "c": [2], "d": {"e": 1}}}));
        let mut out = Vec::new();
        leaf_differences(Some(&a), Some(&b), &mut Vec::new(), &mut out);
        let paths: Vec<String> = out.iter().map(|path| path.join(".")).collect();
        assert_eq!(paths, ["a.c", "a.d.e"]);
    }
}
