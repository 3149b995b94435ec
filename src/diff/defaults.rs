//! What CAPI's webhooks fill in before anything is compared: a `v` before a version, replicas that nobody set.

use serde_json::{Value as Json, json};

use super::json;
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object};
use crate::schema::table::{self, Schema};

/// The group of KubeadmControlPlane.
pub const CONTROL_PLANE_GROUP: &str = "controlplane.cluster.x-k8s.io";

const INFRASTRUCTURE_GROUP: &str = "infrastructure.cluster.x-k8s.io";
const AUTOSCALER_MIN: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size";
const AUTOSCALER_MAX: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size";

/// Fills in the defaults of a kind's schema.
pub fn of_schema(tree: &mut Json, schema: Schema<'_>) {
    if !schema.has_defaults_within() {
        return;
    }
    match tree {
        Json::Object(map) => {
            for (name, property) in schema.properties() {
                if let (None, Some(value)) = (map.get(name), property.schema.default()) {
                    map.insert(name.to_owned(), plain(value));
                }
                if let Some(value) = map.get_mut(name) {
                    of_schema(value, property.schema);
                }
            }
            if let table::Additional::Schema(values) = schema.additional() {
                let extra = map.iter_mut().filter(|(name, _)| schema.property(name).is_none());
                extra.for_each(|(_, value)| of_schema(value, values));
            }
        }
        Json::Array(list) => {
            if let Some(items) = schema.items() {
                for item in list {
                    of_schema(item, items);
                }
            }
        }
        _ => {}
    }
}

/// A value of a schema as a tree.
fn plain(value: table::Json<'_>) -> Json {
    match value {
        table::Json::Null => Json::Null,
        table::Json::Bool(truth) => truth.into(),
        table::Json::Int(number) => number.into(),
        table::Json::UInt(number) => number.into(),
        table::Json::Float(number) => number.into(),
        table::Json::Str(text) => text.into(),
        table::Json::Array(items) => items.items().map(plain).collect(),
        table::Json::Object(entries) => {
            Json::Object(entries.entries().map(|(key, value)| (key.to_owned(), plain(value))).collect())
        }
    }
}

/// Fills in the defaults of an object; `before` is the object it replaces, where there is one.
pub fn fill(tree: &mut Json, object: &Object<'_>, before: Option<&Json>) {
    belonging(tree, object);
    match (object.group(), &*object.kind) {
        (CLUSTER_GROUP, "Cluster") => prefix_version(tree, &["spec", "topology", "version"]),
        (CLUSTER_GROUP, "MachineDeployment" | "MachineSet" | "MachinePool") => {
            prefix_version(tree, &["spec", "template", "spec", "version"]);
            let replicas = worker_replicas(tree, before);
            json::insert(tree, &["spec", "replicas"], json!(replicas));
            if &*object.kind == "MachineDeployment" {
                machine_deployment(tree, object);
            }
            if &*object.kind == "MachinePool" {
                deletion_timeout(tree, &["spec", "template", "spec"]);
            }
        }
        (INFRASTRUCTURE_GROUP, "AWSCluster") => aws_cluster(tree),
        (CLUSTER_GROUP, "Machine") => {
            prefix_version(tree, &["spec", "version"]);
            deletion_timeout(tree, &["spec"]);
        }
        (CLUSTER_GROUP, "MachineHealthCheck") if !is_v1beta1(tree, &["spec", "nodeStartupTimeout"]) => {
            default(tree, &["spec", "checks", "nodeStartupTimeoutSeconds"], json!(600));
        }
        (CLUSTER_GROUP, "MachineHealthCheck") => default(tree, &["spec", "nodeStartupTimeout"], json!("10m0s")),
        ("addons.cluster.x-k8s.io", "ClusterResourceSet") => resource_set(tree, object),
        (CONTROL_PLANE_GROUP, "KubeadmControlPlane") => {
            prefix_version(tree, &["spec", "version"]);
            default(tree, &["spec", "replicas"], json!(1));
            let strategy = strategy(tree, ["rollout", "rolloutStrategy"]);
            json::insert(tree, &[&strategy[..], &["type"]].concat(), json!("RollingUpdate"));
            default(tree, &[&strategy[..], &["rollingUpdate", "maxSurge"]].concat(), json!(1));
        }
        (INFRASTRUCTURE_GROUP, kind) if kind.starts_with("Dev") || kind.starts_with("Docker") => docker(tree, kind),
        _ => {}
    }
}

/// The strategy of a ClusterResourceSet; on its way through v1beta2 its selector loses what is empty.
fn resource_set(tree: &mut Json, object: &Object<'_>) {
    if json::text_at(tree, &["spec", "strategy"]).is_none() {
        json::insert(tree, &["spec", "strategy"], json!("ApplyOnce"));
    }
    for part in ["matchLabels", "matchExpressions"] {
        let keys = ["spec", "clusterSelector", part];
        if object.version() != "v1beta2" && json::at(tree, &keys).is_some_and(json::is_empty) {
            json::remove(tree, &keys);
        }
    }
}

/// The Docker and Dev provider: the backend, the port, and which failure domains are for control planes.
fn docker(tree: &mut Json, kind: &str) {
    let spec: &[&str] = if kind.ends_with("Template") { &["spec", "template", "spec"] } else { &["spec"] };
    let below = |keys: &[&'static str]| [spec, keys].concat();
    let is_cluster = matches!(kind, "DevCluster" | "DevClusterTemplate" | "DockerCluster" | "DockerClusterTemplate");
    let is_dev = is_cluster && kind.starts_with("Dev") || matches!(kind, "DevMachine" | "DevMachineTemplate");
    if is_dev && ["docker", "inMemory"].iter().all(|name| json::at(tree, &below(&["backend", name])).is_none()) {
        json::insert(tree, &below(&["backend", "docker"]), json!({}));
    }
    let docker = if is_dev { below(&["backend", "docker"]) } else { below(&[]) };
    if is_cluster && (!is_dev || json::at(tree, &docker).is_some()) {
        let port = below(&["controlPlaneEndpoint", "port"]);
        if json::at(tree, &port).is_none_or(|port| port.as_i64() == Some(0)) {
            json::insert(tree, &port, json!(6443));
        }
        let domains = docker.iter().try_fold(&mut *tree, |value, key| value.get_mut(key));
        let domains = domains.and_then(|docker| docker.get_mut("failureDomains"));
        for domain in domains.and_then(Json::as_array_mut).into_iter().flatten() {
            default(domain, &["controlPlane"], json!(false));
        }
    }
    // Where nothing is written the webhook sees an empty text.
    let image = if is_dev { below(&["backend", "docker", "customImage"]) } else { below(&["customImage"]) };
    if json::at(tree, &image).and_then(Json::as_str) == Some("") {
        json::remove(tree, &image);
    }
}

/// Whether a tree is in v1beta1: by its version, or by a field that only v1beta1 has.
fn is_v1beta1(tree: &Json, telling: &[&str]) -> bool {
    json::text_at(tree, &["apiVersion"]).is_some_and(|version| version.ends_with("/v1beta1"))
        || json::at(tree, telling).is_some()
}

/// Where a strategy stands in the version of an object's tree.
fn strategy<'k>(tree: &Json, [new, old]: [&'k str; 2]) -> Vec<&'k str> {
    if is_v1beta1(tree, &["spec", old]) { vec!["spec", old] } else { vec!["spec", new, "strategy"] }
}

/// The label that says to which cluster an object belongs.
fn belonging(tree: &mut Json, object: &Object<'_>) {
    let is_labelled = object.group() == CLUSTER_GROUP
        && matches!(
            &*object.kind,
            "Machine" | "MachineSet" | "MachineDeployment" | "MachinePool" | "MachineHealthCheck"
        );
    if let Some(cluster) = json::at(tree, &["spec", "clusterName"]).filter(|_| is_labelled).cloned() {
        json::insert(tree, &["metadata", "labels", CLUSTER_NAME_LABEL], cluster);
    }
}

fn deletion_timeout(tree: &mut Json, spec: &[&str]) {
    if is_v1beta1(tree, &[spec, &["nodeDeletionTimeout"]].concat()) {
        default(tree, &[spec, &["nodeDeletionTimeout"]].concat(), json!("10s"));
    } else {
        default(tree, &[spec, &["deletion", "nodeDeletionTimeoutSeconds"]].concat(), json!(10));
    }
}

/// Strategy and selector of a machine deployment as the webhook stores them.
fn machine_deployment(tree: &mut Json, object: &Object<'_>) {
    let strategy = strategy(tree, ["rollout", "strategy"]);
    default(tree, &[&strategy[..], &["type"]].concat(), json!("RollingUpdate"));
    if json::text_at(tree, &[&strategy[..], &["type"]].concat()) == Some("RollingUpdate") {
        default(tree, &[&strategy[..], &["rollingUpdate", "maxSurge"]].concat(), json!(1));
        default(tree, &[&strategy[..], &["rollingUpdate", "maxUnavailable"]].concat(), json!(0));
    }
    let selector = json::at(tree, &["spec", "selector"]);
    let is_empty = selector.is_none_or(|selector| {
        ["matchLabels", "matchExpressions"].iter().all(|key| selector.get(key).is_none_or(json::is_empty))
    });
    let name = json!(*object.name);
    let cluster = json::at(tree, &["spec", "clusterName"]).cloned();
    for labels in [&["spec", "selector", "matchLabels"][..], &["spec", "template", "metadata", "labels"]] {
        if is_empty {
            json::insert(tree, &[labels, &["cluster.x-k8s.io/deployment-name"]].concat(), name.clone());
        }
        if let Some(cluster) = &cluster {
            json::insert(tree, &[labels, &[CLUSTER_NAME_LABEL]].concat(), cluster.clone());
        }
    }
}

fn aws_cluster(tree: &mut Json) {
    let identity = json!({"kind": "AWSClusterControllerIdentity", "name": "default"});
    default(tree, &["spec", "identityRef"], identity);
    default(tree, &["spec", "controlPlaneLoadBalancer"], json!({"scheme": "internet-facing"}));
    default(tree, &["spec", "controlPlaneLoadBalancer", "loadBalancerType"], json!("classic"));
    if json::at(tree, &["spec", "secondaryControlPlaneLoadBalancer"]).is_some() {
        default(tree, &["spec", "secondaryControlPlaneLoadBalancer", "loadBalancerType"], json!("nlb"));
        default(tree, &["spec", "secondaryControlPlaneLoadBalancer", "scheme"], json!("internal"));
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

/// Where neither manifest states the replicas, Helm's patch does not speak of them, and the number on the server stays.
pub fn keep_replicas(before: &Json, after: &mut Json, old: &Object<'_>, new: &Object<'_>) {
    const REPLICAS: [&str; 2] = ["spec", "replicas"];
    let is_stated = |object: &Object<'_>| object.at(&REPLICAS).is_some_and(|value| !value.is_null());
    if let Some(kept) = json::at(before, &REPLICAS).filter(|_| !is_stated(old) && !is_stated(new)) {
        json::insert(after, &REPLICAS, kept.clone());
    }
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
