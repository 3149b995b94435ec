//! Which changes make the machines of a worker group outdated: what the table [`fields`](super::fields) says, looked up.

use serde_json::Value as Json;

use super::fields::{self, Effect};
use super::{Fleet, OwnerKind, times};
use crate::diff::json;
use crate::diff::matching::Pair;
use crate::diff::update::Update;
use crate::object::Reference;

const TEMPLATE: [&str; 3] = ["spec", "template", "spec"];

/// Paths of the changes that replace the machines of a group; none where it does not roll.
pub fn outdated(kind: OwnerKind, before: &Json, after: &Json) -> Vec<String> {
    let mut causes = Vec::new();
    for (row, effect) in fields::table(kind) {
        let keys: Vec<&str> = std::iter::once("spec").chain(row.split('.')).collect();
        let (old, new) = (json::at(before, &keys), json::at(after, &keys));
        let rolls = match effect {
            Effect::Rolls => !json::same(old, new) && text(old) != text(new),
            Effect::RollsByName => reference(old) != reference(new),
            Effect::Time => {
                let version = json::text_at(before, &[TEMPLATE[0], TEMPLATE[1], TEMPLATE[2], "version"]);
                times::finds_machines(old, new, version)
            }
            _ => false,
        };
        if rolls {
            causes.push(keys.join("."));
        }
    }
    causes
}

/// A text; an empty one is none.
fn text(value: Option<&Json>) -> Option<&str> {
    value.and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// Group, kind and name; an API version counts by its group.
pub fn reference(value: Option<&Json>) -> Option<[String; 3]> {
    let value = value?;
    let text = |key: &str| json::text_at(value, &[key]).unwrap_or_default().to_owned();
    let group = match (text("apiGroup"), text("apiVersion")) {
        (group, api) if group.is_empty() => api.split_once('/').map_or(String::new(), |(group, _)| group.to_owned()),
        (group, _) => group,
    };
    Some([group, text("kind"), text("name")])
}

/// When, and how, the machines are exchanged.
pub fn notes(after: &Json, outdated: u64, causes: &[String], notes: &mut Vec<String>) {
    if outdated == 0 {
        return;
    }
    notes.extend(times::note(causes));
    if is_on_delete(after) {
        notes.push("strategy OnDelete: machines are replaced only as somebody deletes them".into());
        return;
    }
    let replicas = json::at(after, &["spec", "replicas"]).and_then(Json::as_u64).unwrap_or(1);
    let (surge, unavailable) = pace(after, replicas);
    notes.push(format!("up to {surge} more than wanted, up to {unavailable} fewer at a time"));
}

/// Whether outdated machines wait to be deleted by hand.
pub fn is_on_delete(tree: &Json) -> bool {
    json::text_at(tree, &["spec", "rollout", "strategy", "type"]) == Some("OnDelete")
}

/// `maxSurge` and `maxUnavailable` in machines.
pub fn pace(tree: &Json, replicas: u64) -> (u64, u64) {
    let limit = |key: &str, up: bool| -> Option<u64> {
        let value = json::at(tree, &["spec", "rollout", "strategy", "rollingUpdate", key])?;
        if let Some(percent) = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<u32>().ok()) {
            let share = replicas.saturating_mul(percent.into());
            return Some(if up { share.div_ceil(100) } else { share / 100 });
        }
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).map(|limit| limit.min(u32::MAX.into()))
    };
    let surge = limit("maxSurge", true).unwrap_or(1);
    let unavailable = limit("maxUnavailable", false).unwrap_or(0);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// Paths of the changes that make a provider replace the instances of a machine pool: its template's, and those of the
/// infrastructure object that it refers to (scaling and tags apart).
pub fn pool_causes(fleet: Fleet<'_, '_>, pair: Pair<'_, '_>, before: &Json, after: &Json) -> Vec<String> {
    let mut causes = outdated(OwnerKind::MachinePool, before, after);
    let keys = [&TEMPLATE[..], &["infrastructureRef"]].concat();
    let target = |side: Option<&_>, release: &crate::release::Release<'_>| {
        let object: &crate::object::Object<'_> = side?;
        let reference = object.below(&keys).and_then(Reference::from_value)?;
        let namespace = release.namespace_of(object).to_owned();
        Some((reference.group().to_owned(), reference.kind.to_string(), namespace, reference.name.to_string()))
    };
    let (Some(old), Some(new)) = (target(pair.old, fleet.old), target(pair.new, fleet.new)) else { return causes };
    let find = |release, of: &(String, String, String, String)| {
        crate::release::Release::find(release, &of.0, &of.1, &of.2, &of.3)
    };
    if let (true, Some(old), Some(new)) = (old == new, find(fleet.old, &old), find(fleet.new, &new)) {
        let update = Update::new(old, new, fleet.reading);
        let mut paths = Vec::new();
        let (before, after) = update.both(&["spec"]);
        json::leaf_differences(before, after, &mut vec!["spec".to_owned()], &mut paths);
        let rolls = |path: &&Vec<String>| {
            !path.iter().any(|key| {
                ["minSize", "maxSize", "additionalTags", "providerIDList", "providerID", "scaling"]
                    .contains(&key.as_str())
            })
        };
        causes.extend(paths.iter().filter(rolls).map(|path| format!("{} {}: {}", new.kind, new.name, path.join("."))));
    }
    causes
}
