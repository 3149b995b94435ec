//! What CAPI's webhooks fill in before anything is compared: a `v` before a version, replicas that nobody set.

use serde_json::{Value as Json, json};

use super::json;
use crate::object::{CLUSTER_GROUP, Object};

/// The group of KubeadmControlPlane.
pub const CONTROL_PLANE_GROUP: &str = "controlplane.cluster.x-k8s.io";

const BACKEND: [&str; 4] = ["spec", "template", "spec", "backend"];
const AUTOSCALER_MIN: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size";
const AUTOSCALER_MAX: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size";

/// Fills in the defaults of an object; `before` is the object it replaces, where there is one.
pub fn fill(tree: &mut Json, object: &Object<'_>, before: Option<&Json>) {
    match (object.group(), &*object.kind) {
        (CLUSTER_GROUP, "Cluster") => prefix_version(tree, &["spec", "topology", "version"]),
        (CLUSTER_GROUP, "MachineDeployment" | "MachineSet" | "MachinePool") => {
            prefix_version(tree, &["spec", "template", "spec", "version"]);
            let replicas = worker_replicas(tree, before);
            json::insert(tree, &["spec", "replicas"], json!(replicas));
        }
        (CLUSTER_GROUP, "Machine") => prefix_version(tree, &["spec", "version"]),
        ("addons.cluster.x-k8s.io", "ClusterResourceSet") => default(tree, &["spec", "strategy"], json!("ApplyOnce")),
        (CONTROL_PLANE_GROUP, "KubeadmControlPlane") => {
            prefix_version(tree, &["spec", "version"]);
            default(tree, &["spec", "replicas"], json!(1));
        }
        ("infrastructure.cluster.x-k8s.io", "DevMachineTemplate" | "DevClusterTemplate")
            if json::at(tree, &BACKEND).is_none_or(json::is_bare) =>
        {
            json::insert(tree, &BACKEND, json!({"docker": {}}));
        }
        _ => {}
    }
}

/// The replicas of a machine deployment, set or pool as the webhook stores them.
fn worker_replicas(tree: &Json, before: Option<&Json>) -> i64 {
    if let Some(stated) = json::at(tree, &["spec", "replicas"]).and_then(Json::as_i64) {
        return stated;
    }
    let old = before.and_then(|before| json::at(before, &["spec", "replicas"])).and_then(Json::as_i64);
    autoscaled(json::at(tree, &["metadata", "annotations"]), old).unwrap_or(1)
}

/// The replicas that the autoscaler's limits give where none are stated: the old number within them, else the smaller.
pub fn autoscaled(annotations: Option<&Json>, old: Option<i64>) -> Option<i64> {
    let limit = |key: &str| annotations?.get(key)?.as_str()?.parse::<i64>().ok();
    let (min, max) = (limit(AUTOSCALER_MIN)?, limit(AUTOSCALER_MAX)?);
    Some(old.map_or(min, |old| old.min(max).max(min)))
}

fn default(tree: &mut Json, keys: &[&str], value: Json) {
    if json::at(tree, keys).is_none() {
        json::insert(tree, keys, value);
    }
}

/// A version without its `v` gets one.
fn prefix_version(tree: &mut Json, keys: &[&str]) {
    if let Some(version) = json::text_at(tree, keys).filter(|version| !version.starts_with('v')) {
        let version = format!("v{version}");
        json::insert(tree, keys, version.into());
    }
}
