//! What somebody may have meant: the nearest known name, and where else in a kind a field lives.
//!
//! It looks at names alone and judges nothing.

use super::table::{Additional, Schema};
use crate::text;

/// The known name nearest to a written one, if it is near enough to be a slip. Case does not count as a difference of its own.
pub fn nearest<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = match written.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        6..=11 => 3,
        _ => 4,
    };
    let lower = written.to_lowercase();
    let known: Vec<&str> = known.filter(|name| *name != written).collect();
    let mut longer = known.iter().filter(|name| is_begun(name, written));
    if let (Some(name), None) = (longer.next(), longer.next()) {
        return Some(name);
    }
    known
        .into_iter()
        .filter_map(|name| Some((text::distance(&lower, &name.to_lowercase(), allowed)?, name)))
        .filter(|(distance, name)| *distance * 2 <= name.chars().count().max(2))
        .min()
        .map(|(_, name)| name)
}

/// Whether a name is another one with a word behind it: `classRef` for `class`.
fn is_begun(name: &str, beginning: &str) -> bool {
    beginning.len() >= 4
        && name.strip_prefix(beginning).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The known name that a written one begins with, a word behind it: `network` for `networkSpec`. Of several the longest.
pub fn beginning<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known.filter(|name| is_begun(written, name)).max_by_key(|name| name.len())
}

/// Whether a place is one step aside from a path, below what stands beside it, and all others are further away:
/// `spec.identityRef.cloudName` for `spec.cloudName`.
pub fn is_beside(place: &str, path: &str, others: &[String]) -> bool {
    let depth = |path: &str| path.matches('.').count();
    let parent = |path: &str| path.rsplit_once('.').map_or(String::new(), |(parent, _)| parent.to_owned());
    parent(&parent(place)) == parent(path) && others.iter().all(|other| other == place || depth(other) > depth(place))
}

/// Fewer letters in common say nothing.
const FEWEST_COMMON: usize = 3;

/// What a field is called in one version that has another name in another: of the names that only the one has, the one that
/// begins or ends as it does (`class` for `classRef`, `machineHealthCheck` for `healthCheck`).
pub fn renamed<'t>(written: &str, here: Schema<'t>, other: Schema<'_>) -> Option<&'t str> {
    let only_here = here.properties().map(|(name, _)| name).filter(|name| other.property(name).is_none());
    only_here
        .map(|name| (common(name, written), name))
        .filter(|(letters, _)| *letters >= FEWEST_COMMON)
        .max_by_key(|(letters, name)| (*letters, std::cmp::Reverse(name.len())))
        .map(|(_, name)| name)
}

/// How many letters two names begin or end with alike.
fn common(a: &str, b: &str) -> usize {
    let alike = |(x, y): &(u8, u8)| x.eq_ignore_ascii_case(y);
    let beginning = a.bytes().zip(b.bytes()).take_while(alike).count();
    let end = a.bytes().rev().zip(b.bytes().rev()).take_while(alike).count();
    beginning.max(end)
}

/// Names that stand in so many places that their place says nothing about what was meant.
pub fn is_common_name(name: &str) -> bool {
    matches!(
        name,
        "apiVersion"
            | "kind"
            | "metadata"
            | "name"
            | "namespace"
            | "labels"
            | "annotations"
            | "type"
            | "id"
            | "key"
            | "value"
    )
}

/// How deep a schema is searched for a field's name.
const SEARCH_DEPTH: usize = 12;

/// Places below a schema that have a field of this name, as dotted paths (`spec.topology.classRef`), nearest to the root first;
/// where there is none, those whose name begins with it (`nodeDrainTimeoutSeconds`). `status` is not searched: nobody writes it.
pub fn places_of(name: &str, root: Schema<'_>) -> Vec<String> {
    let mut found = Vec::new();
    search(&|key| key == name, root, &mut String::new(), 0, &mut found);
    if found.is_empty() {
        search(&|key| is_begun(key, name), root, &mut String::new(), 0, &mut found);
    }
    found.sort_by_key(|path: &String| (path.matches('.').count(), path.clone()));
    found
}

fn search(wanted: &dyn Fn(&str) -> bool, schema: Schema<'_>, path: &mut String, depth: usize, found: &mut Vec<String>) {
    if depth > SEARCH_DEPTH {
        return;
    }
    let length = path.len();
    for (key, property) in schema.properties() {
        if depth == 0 && matches!(key, "status" | "metadata" | "apiVersion" | "kind") {
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        if wanted(key) {
            found.push(path.clone());
        }
        search(wanted, property.schema, path, depth + 1, found);
        path.truncate(length);
    }
    if let Some(items) = schema.items() {
        path.push_str("[*]");
        search(wanted, items, path, depth + 1, found);
        path.truncate(length);
    }
    if let Additional::Schema(values) = schema.additional() {
        path.push_str("[*]");
        search(wanted, values, path, depth + 1, found);
        path.truncate(length);
    }
}

/// The schema at the end of a path as [`crate::object::Object::path`] writes it: keys and list positions.
pub fn schema_at<'t>(root: Schema<'t>, path: &str) -> Option<Schema<'t>> {
    let mut schema = root;
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        schema = if let Some(inside) = step.strip_suffix(']') {
            match (schema.items(), schema.additional()) {
                (Some(items), _) if inside.bytes().all(|b| b.is_ascii_digit()) => items,
                (_, Additional::Schema(values)) => values,
                _ => return None,
            }
        } else {
            match (schema.property(step), schema.additional()) {
                (Some(property), _) => property.schema,
                (None, Additional::Schema(values)) => values,
                _ => return None,
            }
        };
    }
    Some(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let known = ["replicas", "selector", "template", "clusterName"];
        assert_eq!(nearest("replica", known.into_iter()), Some("replicas"));
        assert_eq!(nearest("repilcas", known.into_iter()), Some("replicas"));
        assert_eq!(nearest("clustername", known.into_iter()), Some("clusterName"));
        assert_eq!(nearest("nodeDrainTimeout", known.into_iter()), None);
        assert_eq!(nearest("x", known.into_iter()), None);
    }

    #[test]
    fn a_word_too_many_is_taken_off() {
        assert_eq!(beginning("networkSpec", ["network", "net", "networking"].into_iter()), Some("network"));
        assert_eq!(beginning("networks", ["network"].into_iter()), None);
    }

    #[test]
    fn a_place_beside_is_told_from_one_far_away() {
        let places = ["spec.identityRef.cloudName".to_owned(), "spec.bastion.spec.identityRef.cloudName".to_owned()];
        assert!(is_beside(&places[0], "spec.cloudName", &places));
        assert!(!is_beside(&places[1], "spec.cloudName", &places));
        assert!(!is_beside(&places[0], "spec.template.cloudName", &places));
    }

    #[test]
    fn renamed_fields_begin_or_end_alike() {
        assert_eq!(common("classRef", "class"), 5);
        assert_eq!(common("machineHealthCheck", "healthCheck"), 11);
        assert!(
            common("templateRef", "ref") >= FEWEST_COMMON && common("deletion", "nodeDrainTimeout") < FEWEST_COMMON
        );
    }
}
