//! Values of topology variables against the schemas that the ClusterClass gives them.

use std::collections::HashSet;

use crate::object::Object;
use crate::schema::validate::rules::RULE_NOT_CHECKED;
use crate::yaml::{Once, Value};

use super::check::{Check, field, items, text};
use super::rules::INVALID_VARIABLE;
use super::variable::{self, Variable};

/// Judges all variables of a topology.
pub fn judge<'a>(check: &mut Check<'_, 'a>, topology: Value<'a>, class: &Object<'_>) {
    let definitions = variable::of_class(class);
    // Runtime extensions may define more variables than the class shows.
    let is_closed = items(class.root, &["spec", "patches"])
        .all(|patch| field(patch, &["external", "discoverVariablesExtension"]).is_none());
    let own = field(topology, &["variables"]);
    let known = Definitions { list: &definitions, is_closed, class: &class.name };
    list(check, own, &known);
    let given: HashSet<String> =
        items(topology, &["variables"]).filter_map(|value| Some(text(value, &["name"])?.into_owned())).collect();
    for definition in definitions.iter().filter(|definition| definition.is_required && !definition.has_default) {
        let name = &definition.name;
        if !given.contains(name) {
            let message =
                format!("ClusterClass {} requires the variable {name:?}: the webhook refuses the Cluster", class.name);
            let fix = format!("add `- name: {name}` with a value to spec.topology.variables");
            check.absent(&INVALID_VARIABLE, topology, &["variables"], message, fix);
        }
    }
    list(check, field(topology, &["controlPlane", "variables", "overrides"]), &known);
    for workers in ["machineDeployments", "machinePools"] {
        for entry in items(topology, Once(&["workers", workers])) {
            list(check, field(entry, &["variables", "overrides"]), &known);
        }
    }
}

struct Definitions<'d> {
    list: &'d [Variable],
    is_closed: bool,
    class: &'d str,
}

fn list<'a>(check: &mut Check<'_, 'a>, values: Option<Value<'a>>, known: &Definitions<'_>) {
    let mut names = HashSet::new();
    for variable in values.into_iter().flat_map(|list| list.items()) {
        let Some(name) = text(variable, &["name"]) else { continue };
        let at = field(variable, &["name"]).unwrap_or(variable);
        if !names.insert(name.to_string()) {
            let message = format!("the variable {name:?} is set twice: the webhook refuses the Cluster");
            check.refuse(&INVALID_VARIABLE, at, message, "keep one of them");
        }
        let definition = known.list.iter().find(|definition| definition.name == name);
        let Some(definition) = definition else {
            if known.is_closed {
                let message = format!(
                    "ClusterClass {} defines no variable {name:?}: the webhook refuses the Cluster",
                    known.class
                );
                let names: Vec<_> = known.list.iter().map(|definition| definition.name.as_str()).collect();
                let fix = if names.is_empty() {
                    "it defines none".to_owned()
                } else {
                    format!("it defines {}", names.join(", "))
                };
                check.refuse(&INVALID_VARIABLE, at, message, fix);
            }
            continue;
        };
        if let Some(value) = field(variable, &["value"]) {
            fits(check, definition, value, known.class);
        }
    }
}

/// Judges a value by its definition.
fn fits<'a>(check: &mut Check<'_, 'a>, definition: &Variable, value: Value<'a>, class: &str) {
    let Some(schema) = definition.schema() else { return };
    for mut finding in definition.judge(check.object, value, schema) {
        if finding.rule.name != RULE_NOT_CHECKED.name {
            finding.message = format!(
                "the variable {:?} does not fit its definition in ClusterClass {class}: {}; the webhook refuses the Cluster",
                definition.name,
                Variable::words(&finding),
            );
            finding.rule = &INVALID_VARIABLE;
            finding.severity = INVALID_VARIABLE.severity;
            finding.suggestion.get_or_insert_with(|| "give a value that fits the variable's schema".to_owned());
        }
        check.out.push(finding);
    }
}
