//! The topology of a Cluster, alone and against its ClusterClass where the release has it.

use std::collections::HashSet;

use crate::object::{CLUSTER_GROUP, Object};
use crate::yaml::{Once, Value};

use super::check::{Check, field, filled, is_set, is_true, items, text};
use super::machine::{AUTOSCALER, rolling_update};
use super::rules::{DUPLICATE_ENTRY, INVALID_REPLICAS, MISSING_SETTING, UNKNOWN_CLASS};
use super::taint::Bearer;
use super::{Gate, health_check, metadata, taint, variable_value};

/// The two kinds of workers: their list and how a message calls them.
const WORKERS: [(&str, &str); 2] = [("machineDeployments", "MachineDeployment"), ("machinePools", "MachinePool")];

/// Judges `spec.topology`.
pub fn judge<'a>(check: &mut Check<'_, 'a>, topology: Value<'a>) {
    if !is_set(Some(topology)) && check.since(11) {
        return;
    }
    if !check.gate(Gate::ClusterTopology, topology, "`spec.topology`") {
        return;
    }
    let class: &[&str] = if check.is_old() { &["class"] } else { &["classRef", "name"] };
    if let Some(empty) = field(topology, class).filter(|class| class.as_str().is_some_and(|class| class.is_empty())) {
        let message = "no name of a ClusterClass: the webhook refuses the Cluster";
        check.refuse(&MISSING_SETTING, empty, message, "name the ClusterClass");
    }
    check.needed_version(field(topology, &["version"]));
    if let Some(plane) = field(topology, &["controlPlane"]) {
        metadata::judge(check, field(plane, &["metadata"]));
        taint::judge(check, field(plane, &["taints"]), Bearer::Any);
    }
    for (list, what) in WORKERS {
        let mut names = HashSet::new();
        for entry in items(topology, Once(&["workers", list])) {
            worker(check, entry, list == "machineDeployments");
            unique(check, entry, &mut names, what);
        }
    }
    if let Some(class) = find_class(check.object, check.peers, topology) {
        against_class(check, topology, class);
    }
}

fn worker<'a>(check: &mut Check<'_, 'a>, entry: Value<'a>, is_deployment: bool) {
    metadata::judge(check, field(entry, &["metadata"]));
    taint::judge(check, field(entry, &["taints"]), Bearer::Any);
    if !is_deployment {
        return;
    }
    let strategy: &[&str] = if check.is_old() { &["strategy"] } else { &["rollout", "strategy"] };
    rolling_update(check, field(entry, strategy), false);
    if let Some(replicas) = field(entry, &["replicas"])
        && is_autoscaled(entry)
    {
        let message = "`replicas` beside the autoscaler's annotations: both would decide, and the webhook refuses it";
        check.refuse(&INVALID_REPLICAS, replicas, message, "drop `replicas`");
    }
}

fn is_autoscaled(entry: Value<'_>) -> bool {
    AUTOSCALER.iter().any(|key| entry.below(&["metadata", "annotations", key]).is_some())
}

fn unique<'a>(check: &mut Check<'_, 'a>, entry: Value<'a>, names: &mut HashSet<String>, what: &str) {
    let Some(at) = field(entry, &["name"]) else { return };
    let Some(name) = at.as_str() else { return };
    if name.is_empty() {
        let message = format!("a {what} topology without name: the webhook refuses the Cluster");
        check.refuse(&MISSING_SETTING, at, message, "give it a name");
    } else if !names.insert(name.to_string()) {
        let message = format!("two {what} topologies are called {name:?}: the webhook refuses the Cluster");
        check.refuse(&DUPLICATE_ENTRY, at, message, "give one of them another name");
    }
}

/// The ClusterClass of a topology, where the release has it.
fn find_class<'p>(object: &Object<'_>, peers: &'p dyn super::Peers, topology: Value<'_>) -> Option<&'p Object<'p>> {
    let is_old = object.version() != "v1beta2";
    let (name, space): (&[&str], &[&str]) =
        if is_old { (&["class"], &["classNamespace"]) } else { (&["classRef", "name"], &["classRef", "namespace"]) };
    let namespace = filled(topology, space);
    peers.find(object, CLUSTER_GROUP, "ClusterClass", namespace.as_deref(), &filled(topology, name)?)
}

/// The classes of workers in a ClusterClass.
fn class_named<'c>(class: &Object<'c>, list: &str, name: &str) -> Option<Value<'c>> {
    items(class.root, Once(&["spec", "workers", list])).find(|entry| text(*entry, &["class"]).as_deref() == Some(name))
}

fn against_class<'a>(check: &mut Check<'_, 'a>, topology: Value<'a>, class: &Object<'_>) {
    let class_is_old = class.version() != "v1beta2";
    version_in_class(check, topology, class);
    let health: &str = if check.is_old() { "machineHealthCheck" } else { "healthCheck" };
    let class_health: &str = if class_is_old { "machineHealthCheck" } else { "healthCheck" };
    if let Some(own) = field(topology, Once(&["controlPlane", health])) {
        let reference = if class_is_old { "ref" } else { "templateRef" };
        let machines = field(class.root, Once(&["spec", "controlPlane", "machineInfrastructure", reference]));
        if health_check::is_defined(own) && !is_set(machines) {
            let message = format!(
                "a health check for a control plane of which ClusterClass {} has no machines \
                                   (machineInfrastructure): the webhook refuses it",
                class.name
            );
            check.refuse(&UNKNOWN_CLASS, own, message, "drop it, or give the class `machineInfrastructure`");
        }
        if health_check::is_defined(own) {
            health_check::nested(check, own, false);
        }
        enabled(check, own, field(class.root, Once(&["spec", "controlPlane", class_health])), &class.name);
    }
    for (list, what) in WORKERS {
        for entry in items(topology, Once(&["workers", list])) {
            let Some(at) = field(entry, &["class"]) else { continue };
            let Some(name) = at.as_str() else { continue };
            let definition = class_named(class, list, &name);
            if definition.is_none() {
                let message = format!(
                    "ClusterClass {} has no {what} class {name:?}: the webhook refuses the Cluster",
                    class.name
                );
                let known: Vec<_> = items(class.root, Once(&["spec", "workers", list]))
                    .filter_map(|entry| text(entry, &["class"]))
                    .collect();
                let fix = if known.is_empty() {
                    "the class has none of them".to_owned()
                } else {
                    format!("it has {}", known.join(", "))
                };
                check.refuse(&UNKNOWN_CLASS, at, message, fix);
            }
            if list == "machineDeployments" {
                deployment_against_class(check, entry, definition, (health, class_health), &class.name);
            }
        }
    }
    variable_value::judge(check, topology, class);
}

fn deployment_against_class<'a>(
    check: &mut Check<'_, 'a>,
    entry: Value<'a>,
    definition: Option<Value<'_>>,
    (health, class_health): (&str, &str),
    class: &str,
) {
    if let Some(own) = field(entry, health) {
        if health_check::is_defined(own) {
            health_check::nested(check, own, true);
        }
        if let Some(definition) = definition {
            enabled(check, own, field(definition, class_health), class);
        }
    }
    // In v1beta1 the metadata of a class stands in its template.
    let is_scaled_by_class = definition.is_some_and(|definition| {
        is_autoscaled(definition) || field(definition, &["template"]).is_some_and(is_autoscaled)
    });
    if let Some(replicas) = field(entry, &["replicas"]).filter(|_| is_scaled_by_class) {
        let message =
            format!("`replicas` although ClusterClass {class} hands them to the autoscaler: the webhook refuses it");
        check.refuse(&INVALID_REPLICAS, replicas, message, "drop `replicas`");
    }
}

fn enabled<'a>(check: &mut Check<'_, 'a>, own: Value<'a>, of_class: Option<Value<'_>>, class: &str) {
    let key = if check.is_old() { "enable" } else { "enabled" };
    if is_true(own, key) && !health_check::is_defined(own) && !of_class.is_some_and(health_check::is_defined) {
        let message = format!(
            "switches on a health check that neither the Cluster nor ClusterClass {class} defines: the \
                               webhook refuses it"
        );
        check.refuse(
            &UNKNOWN_CLASS,
            field(own, key).unwrap_or(own),
            message,
            "define `checks` beside it, or in the class",
        );
    }
}

fn version_in_class<'a>(check: &mut Check<'_, 'a>, topology: Value<'a>, class: &Object<'_>) {
    let mut known =
        items(class.root, &["spec", "kubernetesVersions"]).filter_map(|version| version.as_str()).peekable();
    let Some(at) = field(topology, &["version"]) else { return };
    let Some(version) = at.as_str() else { return };
    if known.peek().is_none() || !check.since(12) {
        return;
    }
    let asked = if version.starts_with('v') { version.to_string() } else { format!("v{version}") };
    let known: Vec<_> = known.collect();
    if !known.iter().any(|version| *version == asked) {
        let message = format!("ClusterClass {} does not list {asked}: the webhook refuses the Cluster", class.name);
        check.refuse(&UNKNOWN_CLASS, at, message, format!("it lists {}", known.join(", ")));
    }
}
