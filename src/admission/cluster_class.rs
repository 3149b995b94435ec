//! ClusterClasses; their variables and patches are next door.

use std::collections::HashSet;

use crate::yaml::{Once, Value};

use super::Gate;
use super::check::{Check, field, filled, is_set, items};
use super::go_names::{self, DEPLOYMENT, POOL};
use super::machine::{namespace, rolling_update};
use super::rules::{DUPLICATE_ENTRY, INCOMPLETE_REFERENCE, INVALID_VERSION, UNKNOWN_CLASS, VERSION_ORDER};
use super::taint::Bearer;
use super::{health_check, metadata, patch, semver, taint, variable_schema};

/// Judges a ClusterClass.
pub fn judge(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    if !check.gate(Gate::ClusterTopology, field(root, &["kind"]).unwrap_or(root), "a ClusterClass") {
        return;
    }
    let is_old = check.is_old();
    if let Some(infrastructure) = field(root, &["spec", "infrastructure"]) {
        reference(check, infrastructure);
        go_names::judge(check, naming(infrastructure, is_old), None);
    }
    if is_old {
        go_names::judge(check, field(root, &["spec", "infrastructureNamingStrategy", "template"]), None);
        parts(check);
    }
    if let Some(plane) = field(root, &["spec", "controlPlane"]) {
        control_plane(check, plane);
    }
    for (list, what) in [("machineDeployments", "MachineDeployment"), ("machinePools", "MachinePool")] {
        let mut names = HashSet::new();
        for class in workers(root, list) {
            if let Some(at) = field(class, &["class"])
                && let Some(name) = at.as_str()
                && !names.insert(name.to_string())
            {
                let message = format!("two {what} classes are called {name:?}: the webhook refuses the ClusterClass");
                check.refuse(&DUPLICATE_ENTRY, at, message, "give one of them another name");
            }
            worker(check, class, list == "machineDeployments");
        }
    }
    versions(check);
    variable_schema::judge(check);
    patch::judge(check);
}

/// Both parts of a class need a template; the schema of v1beta1 asks for neither.
fn parts(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    for part in ["infrastructure", "controlPlane"] {
        if check.since(11) && field(root, Once(&["spec", part])).is_none() {
            let message = format!("a ClusterClass without `{part}`: the webhook refuses it");
            check.absent(&INCOMPLETE_REFERENCE, root, &["spec", part, "ref"], message, "refer to a template");
        }
    }
}

/// The classes of workers.
pub fn workers<'a>(root: Value<'a>, list: &str) -> impl Iterator<Item = Value<'a>> + use<'a> {
    items(root, Once(&["spec", "workers", list]))
}

/// The reference to a template in a part of a class.
pub fn template(part: Value<'_>, is_old: bool) -> Option<Value<'_>> {
    field(part, Once(&[if is_old { "ref" } else { "templateRef" }]))
}

fn naming(part: Value<'_>, is_old: bool) -> Option<Value<'_>> {
    field(part, Once(&[if is_old { "namingStrategy" } else { "naming" }, "template"]))
}

/// Judges the reference to a template.
fn reference<'a>(check: &mut Check<'_, 'a>, part: Value<'a>) {
    let Some(reference) = template(part, check.is_old()) else { return };
    namespace(check, Some(reference));
    let fix = "name apiVersion, kind and name of a template";
    for key in ["apiVersion", "kind", "name"] {
        if filled(reference, key).is_none() {
            let message = format!("a reference to a template without {key}: the webhook refuses the ClusterClass");
            check.absent(&INCOMPLETE_REFERENCE, reference, &[key], message, fix);
        }
    }
    if let Some(at) = field(reference, &["kind"])
        && let Some(kind) =
            at.as_str().filter(|kind| !kind.is_empty() && (!kind.ends_with("Template") || *kind == "Template"))
    {
        let message = format!("{kind:?} is no kind of template: the webhook refuses the ClusterClass");
        check.refuse(
            &INCOMPLETE_REFERENCE,
            at,
            message,
            format!("write {}Template", kind.trim_end_matches("Template")),
        );
    }
    if let Some(at) = field(reference, &["apiVersion"])
        && let Some(api) = at.as_str().filter(|api| api.matches('/').count() > 1)
    {
        let message = format!("{api:?} is no API version: the webhook refuses the ClusterClass");
        check.refuse(&INCOMPLETE_REFERENCE, at, message, "write GROUP/VERSION");
    }
}

fn control_plane<'a>(check: &mut Check<'_, 'a>, plane: Value<'a>) {
    let is_old = check.is_old();
    reference(check, plane);
    // A reference of v1beta1 that names nothing is none in v1beta2.
    let names_something = |part: &Value<'_>| {
        let is_filled = |key: &&str| template(*part, is_old).is_some_and(|it| filled(it, *key).is_some());
        !(is_old && check.since(11)) || ["apiVersion", "kind", "name"].iter().any(is_filled)
    };
    let machines = field(plane, &["machineInfrastructure"]).filter(names_something);
    if let Some(machines) = machines {
        reference(check, machines);
    }
    metadata::judge(check, field(plane, &["metadata"]));
    taint::judge(check, field(plane, &["taints"]), Bearer::Any);
    go_names::judge(check, naming(plane, is_old), None);
    if let Some(health) = field(plane, Once(&[if is_old { "machineHealthCheck" } else { "healthCheck" }])) {
        if health_check::is_defined(health) && !is_set(machines) {
            let message = "a health check for a control plane without `machineInfrastructure`: the webhook refuses the \
                           ClusterClass";
            check.refuse(&UNKNOWN_CLASS, health, message, "drop it, or add `machineInfrastructure`");
        }
        health_check::nested(check, health, false);
    }
}

fn worker<'a>(check: &mut Check<'_, 'a>, class: Value<'a>, is_deployment: bool) {
    let is_old = check.is_old();
    // In v1beta1 metadata and references stand in `template`.
    let nested = if is_old { field(class, &["template"]) } else { Some(class) };
    if let Some(nested) = nested {
        metadata::judge(check, field(nested, &["metadata"]));
        for part in ["bootstrap", "infrastructure"] {
            if let Some(part) = field(nested, part) {
                reference(check, part);
            }
        }
    }
    taint::judge(check, field(class, &["taints"]), Bearer::Any);
    go_names::judge(check, naming(class, is_old), Some(if is_deployment { &DEPLOYMENT } else { &POOL }));
    if !is_deployment {
        return;
    }
    let strategy: &[&str] = if is_old { &["strategy"] } else { &["rollout", "strategy"] };
    rolling_update(check, field(class, strategy), false);
    if let Some(health) = field(class, Once(&[if is_old { "machineHealthCheck" } else { "healthCheck" }])) {
        health_check::nested(check, health, true);
    }
}

/// The path of upgrades: ascending, without a hole.
fn versions(check: &mut Check<'_, '_>) {
    if !check.since(12) {
        return;
    }
    let mut last: Option<semver::Version> = None;
    for at in items(check.object.root, &["spec", "kubernetesVersions"]) {
        let Some(text) = at.as_str() else { continue };
        let Some(version) = semver::tolerant(&text) else {
            let message = format!("{text:?} is no version: the webhook refuses the ClusterClass");
            check.refuse(&INVALID_VERSION, at, message, semver::suggestion(&text));
            continue;
        };
        if let Some(last) = last {
            let is_skipping = version.major == last.major && version.minor > last.minor + 1;
            if version <= last {
                let message =
                    format!("{text} is not newer than the version before it: the webhook refuses the ClusterClass");
                check.refuse(&VERSION_ORDER, at, message, "list the versions in ascending order, each once");
            } else if is_skipping {
                let message = format!(
                    "from 1.{} to {text} skips a minor release: the webhook refuses the ClusterClass",
                    last.minor
                );
                check.refuse(
                    &VERSION_ORDER,
                    at,
                    message,
                    format!("list a version of 1.{} between them", last.minor + 1),
                );
            }
        }
        last = Some(version);
    }
}
