//! Which changes make the machines of a worker group outdated.
//!
//! A machine deployment rolls when its template's version, failure domain, or the group, kind or name of a reference changes;
//! everything else (labels, annotations, drain and deletion timeouts, readiness gates, taints) is changed on running machines.

use serde_json::Value as Json;

use super::Fleet;
use crate::diff::json;
use crate::diff::matching::Pair;
use crate::diff::update::Update;
use crate::object::Reference;

const TEMPLATE: [&str; 3] = ["spec", "template", "spec"];

/// Paths of the changes that roll a machine deployment; none where it does not roll.
pub fn outdated(before: &Json, after: &Json) -> Vec<String> {
    let mut causes = Vec::new();
    for field in ["version", "failureDomain"] {
        let keys = [TEMPLATE[0], TEMPLATE[1], TEMPLATE[2], field];
        if json::text_at(before, &keys) != json::text_at(after, &keys) {
            causes.push(keys.join("."));
        }
    }
    for field in [&["bootstrap", "configRef"][..], &["infrastructureRef"][..]] {
        let keys = [&TEMPLATE[..], field].concat();
        if reference(json::at(before, &keys)) != reference(json::at(after, &keys)) {
            causes.push(keys.join("."));
        }
    }
    let secret = [&TEMPLATE[..], &["bootstrap", "dataSecretName"]].concat();
    if json::text_at(before, &secret) != json::text_at(after, &secret) {
        causes.push(secret.join("."));
    }
    let time = ["spec", "rollout", "after"];
    if json::at(after, &time).is_some() && !json::same(json::at(before, &time), json::at(after, &time)) {
        causes.push(time.join("."));
    }
    causes
}

/// Group, kind and name; an API version counts by its group.
fn reference(value: Option<&Json>) -> Option<[String; 3]> {
    let value = value?;
    let text = |key: &str| json::text_at(value, &[key]).unwrap_or_default().to_owned();
    let group = match (text("apiGroup"), text("apiVersion")) {
        (group, api) if group.is_empty() => api.split_once('/').map_or(String::new(), |(group, _)| group.to_owned()),
        (group, _) => group,
    };
    Some([group, text("kind"), text("name")])
}

/// How the machines are exchanged.
pub fn notes(after: &Json, outdated: u64, notes: &mut Vec<String>) {
    if outdated == 0 {
        return;
    }
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
        if let Some(percent) = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<u64>().ok()) {
            let share = replicas * percent;
            return Some(if up { share.div_ceil(100) } else { share / 100 });
        }
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let surge = limit("maxSurge", true).unwrap_or(1);
    let unavailable = limit("maxUnavailable", false).unwrap_or(0);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// Paths of the changes that make a provider replace the instances of a machine pool: its template's, and those of the
/// infrastructure object that it refers to (scaling and tags apart).
pub fn pool_causes(fleet: Fleet<'_, '_>, pair: Pair<'_, '_>, before: &Json, after: &Json) -> Vec<String> {
    let mut causes = outdated(before, after);
    let keys = [&TEMPLATE[..], &["infrastructureRef"]].concat();
    let target = |side: Option<&_>, release: &crate::release::Release<'_>| {
        let object: &crate::object::Object<'_> = side?;
        let reference = object.at(&keys).and_then(Reference::from_value)?;
        let namespace = release.namespace_of(object).to_owned();
        Some((reference.group().to_owned(), reference.kind.to_string(), namespace, reference.name.to_string()))
    };
    let (Some(old), Some(new)) = (target(pair.old, fleet.old), target(pair.new, fleet.new)) else { return causes };
    let find = |release, of: &(String, String, String, String)| {
        crate::release::Release::find(release, &of.0, &of.1, &of.2, &of.3)
    };
    if let (true, Some(old), Some(new)) = (old == new, find(fleet.old, &old), find(fleet.new, &new)) {
        let update = Update::new(old, new);
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
