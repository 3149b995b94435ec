//! The definitions of a ClusterClass's variables: each has a schema, which must be as sound as that of a CRD.

use std::collections::HashSet;

use crate::schema::cel::Program;
use crate::yaml::Value;

use super::check::{Check, field, filled, is_set, items, text};
use super::metadata;
use super::rules::{DUPLICATE_ENTRY, INVALID_NAME, INVALID_VARIABLE_SCHEMA};
use super::variable_value::{Problem, validate};

const TYPES: [&str; 6] = ["object", "array", "string", "number", "integer", "boolean"];
const REASONS: [&str; 4] = ["FieldValueRequired", "FieldValueForbidden", "FieldValueInvalid", "FieldValueDuplicate"];
/// What may stand only in the structural part of a schema, not below `allOf`, `anyOf`, `oneOf` and `not`.
const STRUCTURAL: [&str; 7] = [
    "type",
    "default",
    "additionalProperties",
    "nullable",
    "title",
    "description",
    "x-kubernetes-preserve-unknown-fields",
];

/// Judges `spec.variables` of a ClusterClass.
pub fn judge(check: &mut Check<'_, '_>) {
    let mut names = HashSet::new();
    for variable in items(check.object.root, &["spec", "variables"]) {
        name(check, variable, &mut names);
        for key in ["metadata", "deprecatedV1Beta1Metadata"] {
            metadata::judge(check, field(variable, &[key]));
        }
        if let Some(schema) = field(variable, &["schema", "openAPIV3Schema"]) {
            node(check, schema, Below::default());
        }
    }
}

fn name<'a>(check: &mut Check<'_, 'a>, variable: Value<'a>, names: &mut HashSet<String>) {
    let Some(at) = field(variable, &["name"]) else { return };
    let Some(name) = at.as_str() else { return };
    if name.is_empty() || name == "builtin" || name.contains('.') {
        let message = format!("{name:?} cannot be the name of a variable: the webhook refuses the ClusterClass");
        check.refuse(&INVALID_NAME, at, message, "use a name without dots other than `builtin`");
    } else if !names.insert(name.to_string()) {
        let message = format!("two variables are called {name:?}: the webhook refuses the ClusterClass");
        check.refuse(&DUPLICATE_ENTRY, at, message, "give one of them another name");
    }
}

/// Where in a schema we are.
#[derive(Clone, Copy, Debug, Default)]
struct Below {
    /// Below a list: old and new items cannot be told which is which.
    list: bool,
    /// Below `allOf` and the like.
    junctor: bool,
    /// Of a schema with `x-kubernetes-int-or-string`.
    int_or_string: bool,
}

fn refuse<'a>(check: &mut Check<'_, 'a>, value: Value<'a>, why: &str, fix: &str) {
    let message = format!("{why}: the webhook refuses the ClusterClass");
    check.refuse(&INVALID_VARIABLE_SCHEMA, value, message, fix);
}

fn node<'a>(check: &mut Check<'_, 'a>, schema: Value<'a>, below: Below) {
    let is_int_or_string = super::check::is_true(schema, &["x-kubernetes-int-or-string"]);
    if !types(check, schema, below, is_int_or_string) {
        return;
    }
    if let Some(meta) = field(schema, &["x-metadata"]) {
        metadata::judge(check, Some(meta));
    }
    if let (Some(additional), true) = (field(schema, &["additionalProperties"]), is_set(field(schema, &["properties"])))
    {
        refuse(check, additional, "both `properties` and `additionalProperties`", "keep one of them");
    }
    samples(check, schema);
    rules(check, schema, below);
    let properties = field(schema, &["properties"]);
    for property in properties.iter().flat_map(Value::entries) {
        node(check, property, Below { int_or_string: false, ..below });
    }
    if let Some(additional) = field(schema, &["additionalProperties"]).filter(super::super::yaml::tape::Value::is_map) {
        node(check, additional, Below { int_or_string: false, ..below });
    }
    if let Some(items) = field(schema, &["items"]) {
        node(check, items, Below { list: true, int_or_string: false, ..below });
    }
    let inner = Below { junctor: true, int_or_string: is_int_or_string, ..below };
    for key in ["allOf", "anyOf", "oneOf"] {
        for part in items(schema, &[key]) {
            node(check, part, inner);
        }
    }
    if let Some(not) = field(schema, &["not"]) {
        node(check, not, inner);
    }
}

/// Judges the type and what must go with it; gives whether there is a point in going on.
fn types<'a>(check: &mut Check<'_, 'a>, schema: Value<'a>, below: Below, is_int_or_string: bool) -> bool {
    let ty = filled(schema, &["type"]);
    if let Some(ty) = ty.as_deref().filter(|ty| !TYPES.contains(ty)) {
        let at = field(schema, &["type"]).unwrap_or(schema);
        refuse(check, at, &format!("{ty:?} is no type"), &format!("use one of {}", TYPES.join(", ")));
        return false;
    }
    if below.junctor {
        for key in STRUCTURAL {
            if let Some(at) = field(schema, &[key]).filter(|_| !(key == "type" && below.int_or_string)) {
                let why = format!("`{key}` below allOf, anyOf, oneOf or not makes the schema non-structural");
                refuse(check, at, &why, "move it beside the junctor");
            }
        }
        return true;
    }
    let is_open = is_int_or_string || super::check::is_true(schema, &["x-kubernetes-preserve-unknown-fields"]);
    if ty.is_none() && !is_open {
        let message = "a schema without `type` is not structural: the webhook refuses the ClusterClass";
        check.absent(&INVALID_VARIABLE_SCHEMA, schema, &["type"], message, format!("add one of {}", TYPES.join(", ")));
    }
    if ty.as_deref() == Some("array") && field(schema, &["items"]).is_none() {
        let message = "an array without `items` is not structural: the webhook refuses the ClusterClass";
        check.absent(&INVALID_VARIABLE_SCHEMA, schema, &["items"], message, "say what the items are");
    }
    true
}

/// Defaults, examples and enum values must themselves fit the schema.
fn samples<'a>(check: &mut Check<'_, 'a>, schema: Value<'a>) {
    let mut values: Vec<(Value<'a>, &str)> = Vec::new();
    values.extend(field(schema, &["default"]).map(|value| (value, "the default")));
    values.extend(field(schema, &["example"]).map(|value| (value, "the example")));
    values.extend(items(schema, &["enum"]).map(|value| (value, "an enum value")));
    for (value, what) in values {
        if value.is_null() {
            continue;
        }
        let mut problems: Vec<Problem<'a>> = Vec::new();
        validate(schema, value, &mut problems);
        for problem in problems {
            let why = format!("{what} does not fit its own schema: {}", problem.why);
            refuse(check, problem.at, &why, "let the value fit the schema, or the schema the value");
        }
    }
}

fn rules<'a>(check: &mut Check<'_, 'a>, schema: Value<'a>, below: Below) {
    for rule in items(schema, &["x-kubernetes-validations"]) {
        let at = field(rule, &["rule"]).unwrap_or(rule);
        let expression = text(rule, &["rule"]).unwrap_or_default();
        if expression.trim().is_empty() {
            refuse(check, at, "a validation without rule", "write a CEL expression, or drop the validation");
            continue;
        }
        message(check, rule, expression.trim());
        if let Some(reason) = field(rule, &["reason"])
            && let Some(text) = reason.as_str().filter(|text| !REASONS.contains(&&**text))
        {
            refuse(check, reason, &format!("{text:?} is no reason"), &format!("use one of {}", REASONS.join(", ")));
        }
        match Program::compile(&expression) {
            Err(error) => {
                refuse(check, at, &format!("the CEL rule does not compile: {error}"), "correct the expression");
            }
            Ok(program) if program.uses_old_self() && below.list => {
                let fix = "drop the rule, or put it on the list's own schema";
                refuse(check, at, "`oldSelf` has no meaning below a list", fix);
            }
            Ok(_) => {}
        }
    }
}

fn message<'a>(check: &mut Check<'_, 'a>, rule: Value<'a>, expression: &str) {
    let given = field(rule, &["message"]);
    let text = given.and_then(|message| message.as_str()).unwrap_or_default();
    let trimmed = text.trim();
    let at = given.unwrap_or(rule);
    if !text.is_empty() && trimmed.is_empty() {
        refuse(check, at, "an empty message", "write one, or drop the field");
    } else if text.len() > 2048 {
        refuse(check, at, "a message of more than 2048 characters", "shorten it");
    } else if trimmed.contains(['\n', '\r']) {
        refuse(check, at, "a message of several lines", "write it on one line");
    } else if expression.contains(['\n', '\r']) && trimmed.is_empty() {
        refuse(check, at, "a rule of several lines without message", "add `message`");
    }
}
