//! Patches of a ClusterClass: whom they select and what they change.

use std::collections::HashSet;

use crate::go_template::{self, Functions};
use crate::yaml::{Once, Value};

use super::Gate;
use super::check::{Check, field, filled, is_true, items, text};
use super::cluster_class::{template, workers};
use super::rules::{DUPLICATE_ENTRY, INVALID_NAME, INVALID_PATCH};
use crate::schema::validate::names::is_qualified_name;

/// Names below `builtin.` that patches may use as variables.
const BUILTIN: &str = "cluster cluster.name cluster.namespace cluster.uid cluster.metadata.labels \
    cluster.metadata.annotations cluster.topology cluster.topology.classRef.name cluster.topology.classRef.namespace \
    cluster.topology.class cluster.topology.classNamespace cluster.topology.version cluster.network \
    cluster.network.serviceDomain cluster.network.services cluster.network.pods controlPlane controlPlane.name \
    controlPlane.replicas controlPlane.version controlPlane.metadata.labels controlPlane.metadata.annotations \
    controlPlane.machineTemplate.infrastructureRef.name machineDeployment machineDeployment.class machineDeployment.name \
    machineDeployment.replicas machineDeployment.topologyName machineDeployment.version machineDeployment.metadata.labels \
    machineDeployment.metadata.annotations machineDeployment.bootstrap.configRef.name \
    machineDeployment.infrastructureRef.name machinePool machinePool.class machinePool.name machinePool.replicas \
    machinePool.topologyName machinePool.version machinePool.metadata.labels machinePool.metadata.annotations \
    machinePool.bootstrap.configRef.name machinePool.infrastructureRef.name";

/// Judges `spec.patches` of a ClusterClass.
pub fn judge(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let variables: HashSet<String> = items(root, &["spec", "variables"])
        .filter_map(|variable| Some(text(variable, &["name"])?.into_owned()))
        .collect();
    let mut names = HashSet::new();
    for patch in items(root, &["spec", "patches"]) {
        name(check, patch, &mut names);
        if let Some(condition) = field(patch, &["enabledIf"]) {
            parsable(check, condition);
        }
        let (definitions, external) = (field(patch, &["definitions"]), field(patch, &["external"]));
        // Conversion to v1beta2, which the webhook reads since CAPI 1.11, drops an empty list.
        let is_lost = |list: &Value<'_>| check.is_old() && check.since(11) && list.items().next().is_none();
        let definitions = definitions.filter(|list| !is_lost(list));
        match (definitions, external) {
            (None, None) => {
                let message = "a patch with neither `definitions` nor `external`: the webhook refuses the ClusterClass";
                check.absent(&INVALID_PATCH, patch, &["definitions"], message, "add `definitions`");
            }
            (Some(_), Some(external)) => {
                refuse(check, external, "both `definitions` and `external`", "make two patches of it");
            }
            _ => {}
        }
        for definition in items(patch, &["definitions"]) {
            if let Some(selector) = field(definition, &["selector"]) {
                selects(check, selector);
            }
            for change in items(definition, &["jsonPatches"]) {
                json_patch(check, change, &variables);
            }
        }
        if let Some(external) = external {
            judge_external(check, external);
        }
    }
}

fn refuse<'a>(check: &mut Check<'_, 'a>, value: Value<'a>, why: &str, fix: &str) {
    check.refuse(&INVALID_PATCH, value, format!("{why}: the webhook refuses the ClusterClass"), fix);
}

fn name<'a>(check: &mut Check<'_, 'a>, patch: Value<'a>, names: &mut HashSet<String>) {
    let Some(at) = field(patch, &["name"]) else { return };
    let Some(name) = at.as_str() else { return };
    if name.is_empty() || name == "inline" {
        let message = format!("{name:?} cannot be the name of a patch: the webhook refuses the ClusterClass");
        check.refuse(&INVALID_NAME, at, message, "use a name other than `inline`");
    } else if !names.insert(name.to_string()) {
        let message = format!("two patches are called {name:?}: the webhook refuses the ClusterClass");
        check.refuse(&DUPLICATE_ENTRY, at, message, "give one of them another name");
    }
}

fn parsable<'a>(check: &mut Check<'_, 'a>, template: Value<'a>) {
    let Some(text) = template.as_str().filter(|text| !text.is_empty()) else { return };
    if let Err(error) = go_template::parse(&text, Functions::HermeticSprig) {
        refuse(check, template, &format!("no Go template: {error}"), "correct the template");
    }
}

fn judge_external<'a>(check: &mut Check<'_, 'a>, external: Value<'a>) {
    if !check.gate(Gate::RuntimeSdk, external, "an external patch") {
        return;
    }
    let keys = if check.is_old() {
        ["validateExtension", "generateExtension"]
    } else {
        ["validateTopologyExtension", "generatePatchesExtension"]
    };
    if keys.iter().all(|key| filled(external, *key).is_none()) {
        refuse(
            check,
            external,
            &format!("neither `{}` nor `{}`", keys[0], keys[1]),
            "name at least one of the extensions",
        );
    }
}

fn selects<'a>(check: &mut Check<'_, 'a>, selector: Value<'a>) {
    let root = check.object.root;
    let Some(chosen) = field(selector, &["matchResources"]) else {
        refuse(check, selector, "a selector that selects nothing", "set `matchResources`");
        return;
    };
    let is_on = |key: &str| is_true(chosen, key);
    let names = |key: &str| items(chosen, Once(&[key, "names"])).collect::<Vec<_>>();
    let (deployments, pools) = (names("machineDeploymentClass"), names("machinePoolClass"));
    if !is_on("infrastructureCluster") && !is_on("controlPlane") && deployments.is_empty() && pools.is_empty() {
        refuse(
            check,
            selector,
            "a selector that selects nothing",
            "set one of the `matchResources` to true, or name classes",
        );
        return;
    }
    let is_old = check.is_old();
    let matches = |reference: Option<Value<'_>>| {
        ["kind", "apiVersion"].iter().all(|key| {
            text(selector, *key).unwrap_or_default() == reference.and_then(|r| text(r, *key)).unwrap_or_default()
        })
    };
    let spec = field(root, &["spec"]).unwrap_or(root);
    let fix = "select by the apiVersion and kind of the template that the class refers to";
    let infrastructure = field(spec, &["infrastructure"]).and_then(|part| template(part, is_old));
    if is_on("infrastructureCluster") && !matches(infrastructure) {
        let at = field(chosen, &["infrastructureCluster"]).unwrap_or(chosen);
        refuse(
            check,
            at,
            "selects the infrastructure cluster by an apiVersion and kind that are not its template's",
            fix,
        );
    }
    let plane = field(spec, &["controlPlane"]);
    let own = plane.and_then(|part| template(part, is_old));
    let machines =
        plane.and_then(|part| field(part, &["machineInfrastructure"])).and_then(|part| template(part, is_old));
    if is_on("controlPlane") && !matches(own) && !(machines.is_some() && matches(machines)) {
        let at = field(chosen, &["controlPlane"]).unwrap_or(chosen);
        refuse(
            check,
            at,
            "selects the control plane by an apiVersion and kind that are neither its template's nor its machines'",
            fix,
        );
    }
    for (list, names) in [("machineDeployments", deployments), ("machinePools", pools)] {
        for at in names {
            let name = at.as_str().unwrap_or_default();
            if let Some(why) = wrong_name(&name) {
                refuse(check, at, why, "write a name, `prefix-*`, `*-suffix` or `*`");
                break;
            }
            let is_hit = workers(root, list).any(|class| {
                let nested = if is_old { field(class, &["template"]) } else { Some(class) };
                let part = |key: &str| nested.and_then(|n| field(n, key)).and_then(|part| template(part, is_old));
                name_fits(&name, &text(class, &["class"]).unwrap_or_default())
                    && (matches(part("infrastructure")) || matches(part("bootstrap")))
            });
            if !is_hit {
                let why = format!(
                    "no class that {name:?} names in {list} has a template of the selector's apiVersion and kind"
                );
                refuse(check, at, &why, fix);
            }
        }
    }
}

fn wrong_name(name: &str) -> Option<&'static str> {
    if !name.contains('*') {
        return None;
    }
    if name.matches('*').count() > 1 {
        Some("a name with more than one `*`")
    } else if !name.starts_with('*') && !name.ends_with('*') {
        Some("a name with `*` in the middle")
    } else if !is_qualified_name(&name.replace('*', "a")) {
        Some("no valid name of a class")
    } else {
        None
    }
}

fn name_fits(pattern: &str, class: &str) -> bool {
    pattern == class
        || pattern.strip_prefix('*').is_some_and(|end| class.ends_with(end))
        || pattern.strip_suffix('*').is_some_and(|start| class.starts_with(start))
}

fn json_patch<'a>(check: &mut Check<'_, 'a>, change: Value<'a>, variables: &HashSet<String>) {
    let op = text(change, &["op"]).unwrap_or_default();
    if !matches!(&*op, "add" | "replace" | "remove") {
        let at = field(change, &["op"]).unwrap_or(change);
        refuse(check, at, &format!("{op:?} is no operation"), "use add, replace or remove");
    }
    let at = field(change, &["path"]).unwrap_or(change);
    let path = text(change, &["path"]).unwrap_or_default();
    if !path.starts_with("/spec") {
        refuse(check, at, "a patch outside `/spec`", "patch below /spec: other fields belong to the topology");
    }
    for index in path.split('/').filter_map(|part| part.parse::<i64>().ok()) {
        if op == "add" && index != 0 {
            refuse(check, at, &format!("adds to a list at index {index}"), "add at index 0 or at the end (`-`)");
        } else if matches!(&*op, "replace" | "remove") {
            refuse(check, at, &format!("{op}s an item of a list"), "replace the whole list");
        }
    }
    if matches!(&*op, "add" | "replace") {
        value(check, change, variables);
    }
}

fn value<'a>(check: &mut Check<'_, 'a>, change: Value<'a>, variables: &HashSet<String>) {
    // `value: null` is no value: Go's decoder leaves the pointer alone.
    let (given, from) = (field(change, &["value"]), field(change, &["valueFrom"]));
    match (given, from) {
        (None, None) => refuse(check, change, "neither `value` nor `valueFrom`", "add one of them"),
        (Some(_), Some(from)) => refuse(check, from, "both `value` and `valueFrom`", "keep one of them"),
        _ => {}
    }
    let Some(from) = from else { return };
    let (template, variable) = (filled(from, &["template"]), filled(from, &["variable"]));
    match (&template, &variable) {
        (None, None) => refuse(check, from, "neither `template` nor `variable`", "add one of them"),
        (Some(_), Some(_)) => refuse(check, from, "both `template` and `variable`", "keep one of them"),
        _ => {}
    }
    if let Some(template) = field(from, &["template"]) {
        parsable(check, template);
    }
    let (Some(variable), Some(at)) = (variable, field(from, &["variable"])) else { return };
    if let Some(builtin) = variable.strip_prefix("builtin.") {
        if !BUILTIN.split_ascii_whitespace().any(|known| known == builtin) {
            refuse(check, at, &format!("there is no {variable}"), "use one of the builtin variables of ClusterClasses");
        }
        return;
    }
    let name = variable.split(['[', '.']).find(|part| !part.is_empty()).unwrap_or_default();
    if !variables.contains(name) {
        let fix = format!("define {name:?} in spec.variables, or use another");
        refuse(check, at, &format!("the class defines no variable {name:?}"), &fix);
    }
}
