//! A class's patches: which template each selects, whether it is enabled, and the JSON patch that comes of it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::class::{Slot, TemplateRef, Workers};
use crate::diff::json;
use crate::go_template::{self, Failure, Functions, Missing};
use crate::yaml;

/// For whom a template is patched.
#[derive(Clone, Copy, Debug)]
pub enum Target<'t> {
    /// The control plane and its machines.
    ControlPlane,
    /// Workers of a class.
    Workers(Workers, &'t str),
}

type Variables = BTreeMap<String, Json>;

/// Applies one patch to a template where it selects it. What cannot be worked out is noted with everything that it depends
/// on, so that a change of that shows.
///
/// # Errors
/// In words: the controller fails at this patch.
pub fn apply(
    patch: &Json,
    template: &mut Json,
    of: &TemplateRef,
    slot: &Slot,
    target: Target<'_>,
    variables: &Variables,
    uncertain: &mut Vec<String>,
) -> Result<(), String> {
    let name = json::text_at(patch, &["name"]).unwrap_or_default();
    let fault = |what: &str| format!("the patch '{name}' of the class fails: {what}");
    if let Some(external) = patch.get("external").filter(|external| !external.is_null()) {
        uncertain.push(format!("{name}: {external} {}", dependencies(&external.to_string(), variables, true)));
        return Ok(());
    }
    let selected: Vec<&Json> = json::items(patch, &["definitions"])
        .iter()
        .filter(|definition| selects(definition, of, slot, target))
        .collect();
    if selected.is_empty() {
        return Ok(());
    }
    if let Some(condition) = json::text_at(patch, &["enabledIf"]) {
        match render(condition, variables) {
            Ok(text) if text.trim() == "true" => {}
            Ok(_) => return Ok(()),
            Err(Failure::Unknown(_)) => {
                uncertain.push(format!("{name}: {condition} {}", dependencies(condition, variables, false)));
                return Ok(());
            }
            Err(Failure::Refused(error)) => return Err(fault(&error)),
        }
    }
    for operation in selected.iter().flat_map(|definition| json::items(definition, &["jsonPatches"])) {
        let op = json::text_at(operation, &["op"]).unwrap_or_default();
        let path = json::text_at(operation, &["path"]).unwrap_or_default();
        let value = if op == "remove" {
            None
        } else {
            value(operation, variables, name, uncertain).map_err(|error| fault(&error))?
        };
        if op == "remove" || value.is_some() {
            operate(template, op, path, value).map_err(|error| fault(&error))?;
        }
    }
    Ok(())
}

/// Renders a template of a patch with the variables as its data.
fn render(template: &str, variables: &Variables) -> Result<String, Failure> {
    let parsed = go_template::parse(template, Functions::HermeticSprig).map_err(|error| Failure::Refused(error.0))?;
    let data = Json::Object(variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect());
    parsed.evaluate(&data, Missing::IsNothing)
}

/// Everything that a text of a patch may depend on; for an extension that is all there is.
fn dependencies(text: &str, variables: &Variables, all: bool) -> String {
    let used = variables.iter().filter(|(name, _)| all || text.contains(name.as_str()));
    used.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

fn selects(definition: &Json, of: &TemplateRef, slot: &Slot, target: Target<'_>) -> bool {
    let api = json::text_at(definition, &["selector", "apiVersion"]);
    if json::text_at(definition, &["selector", "kind"]) != Some(&of.kind) || api != Some(&of.api) {
        return false;
    }
    let Some(resources) = json::at(definition, &["selector", "matchResources"]) else { return false };
    let flag = |key: &str| resources.get(key) == Some(&Json::Bool(true));
    match (slot, target) {
        (Slot::Infrastructure, _) => flag("infrastructureCluster"),
        (Slot::ControlPlane | Slot::MachineInfrastructure, _) => flag("controlPlane"),
        (_, Target::Workers(workers, class)) => json::items(resources, &[workers.selector_key(), "names"])
            .iter()
            .filter_map(Json::as_str)
            .any(|pattern| matches_class(pattern, class)),
        (_, Target::ControlPlane) => false,
    }
}

/// `*` alone, in front or behind.
fn matches_class(pattern: &str, class: &str) -> bool {
    pattern == "*"
        || pattern == class
        || pattern.strip_prefix('*').is_some_and(|end| class.ends_with(end))
        || pattern.strip_suffix('*').is_some_and(|start| class.starts_with(start))
}

/// The value of an operation; `None` where it cannot be worked out.
fn value(
    operation: &Json,
    variables: &Variables,
    patch: &str,
    uncertain: &mut Vec<String>,
) -> Result<Option<Json>, String> {
    if let Some(value) = operation.get("value") {
        return Ok(Some(value.clone()));
    }
    if let Some(variable) = json::text_at(operation, &["valueFrom", "variable"]) {
        let found = variable_value(variables, variable);
        return found.map(Some).ok_or_else(|| format!("the variable {variable} has no value"));
    }
    let Some(template) = json::text_at(operation, &["valueFrom", "template"]) else {
        return Err("an operation has neither value nor valueFrom".into());
    };
    match render(template, variables) {
        Ok(text) => Ok(Some(parse(&text)?)),
        Err(Failure::Unknown(_)) => {
            uncertain.push(format!("{patch}: {template} {}", dependencies(template, variables, false)));
            Ok(None)
        }
        Err(Failure::Refused(error)) => Err(error),
    }
}

/// `httpProxy.url`, `builtin.cluster.name`, `list[0]`.
fn variable_value(variables: &Variables, path: &str) -> Option<Json> {
    let mut keys = path.split('.');
    let (first, index) = indexed(keys.next()?);
    let mut value = variables.get(first)?;
    for number in index {
        value = value.get(number)?;
    }
    for key in keys {
        let (key, index) = indexed(key);
        value = value.get(key)?;
        for number in index {
            value = value.get(number)?;
        }
    }
    Some(value.clone())
}

fn indexed(key: &str) -> (&str, Vec<usize>) {
    let Some((name, rest)) = key.split_once('[') else { return (key, Vec::new()) };
    (name, rest.split('[').filter_map(|number| number.trim_end_matches(']').parse().ok()).collect())
}

/// What a rendered template means.
fn parse(text: &str) -> Result<Json, String> {
    let parsed = yaml::parse(text).map_err(|error| format!("a rendered value is no YAML: {error}"))?;
    Ok(parsed.root().map_or(Json::Null, |root| root.to_json()))
}

/// One operation of a JSON patch (RFC 6902).
fn operate(tree: &mut Json, op: &str, path: &str, value: Option<Json>) -> Result<(), String> {
    let keys: Vec<String> = path.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let missing = || format!("{op} {path}: there is no such path");
    let (last, above) = keys.split_last().ok_or_else(missing)?;
    let mut parent = tree;
    for key in above {
        parent = match parent {
            Json::Object(map) => map.get_mut(key),
            Json::Array(list) => key.parse::<usize>().ok().and_then(|number| list.get_mut(number)),
            _ => None,
        }
        .ok_or_else(missing)?;
    }
    match (parent, op, value) {
        (Json::Object(map), "add", Some(value)) => {
            map.insert(last.clone(), value);
        }
        (Json::Object(map), "replace", Some(value)) => {
            *map.get_mut(last).ok_or_else(missing)? = value;
        }
        (Json::Object(map), "remove", _) => {
            map.shift_remove(last).ok_or_else(missing)?;
        }
        (Json::Array(list), "add", Some(value)) if last == "-" => list.push(value),
        (Json::Array(list), "add", Some(value)) => {
            let number = last.parse::<usize>().ok().filter(|number| *number <= list.len()).ok_or_else(missing)?;
            list.insert(number, value);
        }
        (Json::Array(list), "replace", Some(value)) => {
            *last.parse::<usize>().ok().and_then(|number| list.get_mut(number)).ok_or_else(missing)? = value;
        }
        _ => return Err(missing()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_change_trees() {
        let mut tree = json!({"spec": {"a": 1, "list": [1]}});
        operate(&mut tree, "add", "/spec/b", Some(json!(2))).unwrap();
        operate(&mut tree, "add", "/spec/list/0", Some(json!(0))).unwrap();
        operate(&mut tree, "add", "/spec/list/-", Some(json!(9))).unwrap();
        operate(&mut tree, "remove", "/spec/a", None).unwrap();
        assert_eq!(tree, json!({"spec": {"b": 2, "list": [0, 1, 9]}}));
        assert!(operate(&mut tree, "add", "/spec/c/d", Some(json!(1))).is_err());
        assert!(operate(&mut tree, "replace", "/spec/c", Some(json!(1))).is_err());
    }

    #[test]
    fn names_of_classes_may_hold_a_star() {
        assert!(matches_class("*", "worker") && matches_class("*ker", "worker") && matches_class("wor*", "worker"));
        assert!(!matches_class("other", "worker"));
    }
}
