//! Kubernetes' own kinds: the fields that the API server freezes.

use serde_json::Value as Json;

use super::{IMMUTABLE_FIELD, Verdict};
use crate::diff::json;
use crate::diff::update::Update;

/// Group, kind, and what must not change.
const FROZEN: &[(&str, &str, &[&[&str]])] = &[
    ("apps", "Deployment", &[&["spec", "selector"]]),
    ("apps", "DaemonSet", &[&["spec", "selector"]]),
    ("apps", "ReplicaSet", &[&["spec", "selector"]]),
    (
        "apps",
        "StatefulSet",
        &[
            &["spec", "selector"],
            &["spec", "serviceName"],
            &["spec", "volumeClaimTemplates"],
            &["spec", "podManagementPolicy"],
        ],
    ),
    ("batch", "Job", &[&["spec", "selector"], &["spec", "template"], &["spec", "completionMode"]]),
    ("rbac.authorization.k8s.io", "RoleBinding", &[&["roleRef"]]),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &[&["roleRef"]]),
    (
        "storage.k8s.io",
        "StorageClass",
        &[&["provisioner"], &["parameters"], &["reclaimPolicy"], &["volumeBindingMode"]],
    ),
    ("scheduling.k8s.io", "PriorityClass", &[&["value"], &["preemptionPolicy"]]),
    ("", "Secret", &[&["type"]]),
];

/// Judges an object of a built-in kind.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let object = update.new;
    let rows = FROZEN.iter().filter(|(group, kind, _)| object.is(group, kind));
    let mut refused: Vec<&[&str]> =
        rows.flat_map(|(_, _, fields)| fields.iter().copied()).filter(|keys| update.changed(keys)).collect();
    if object.is("", "ConfigMap") || object.is("", "Secret") {
        let sealed = json::at(&update.before, &["immutable"]) == Some(&Json::Bool(true));
        let data: [&[&str]; 4] = [&["data"], &["stringData"], &["binaryData"], &["immutable"]];
        refused.extend(data.into_iter().filter(|keys| sealed && update.changed(keys)));
    }
    for keys in refused {
        let message =
            format!("{} of a {} must not change: the API server refuses the update", keys.join("."), object.kind);
        let help = "take the change back, or give the object a new name so that it is made anew";
        verdict.say(update, &IMMUTABLE_FIELD, keys, message, help);
    }
}
