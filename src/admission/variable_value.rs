//! Values of topology variables against the schemas that the ClusterClass gives them.

use std::collections::HashSet;

use crate::object::Object;
use crate::schema::cel::Program;
use crate::schema::formats;
use crate::schema::pattern::GoPattern;
use crate::yaml::{Scalar, Value};

use super::check::{Check, field, is_true, items, number, text};
use super::rules::INVALID_VARIABLE;

/// A value that does not fit.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    /// The value, or the nearest one to what is absent.
    pub at: Value<'a>,
    /// What is wrong with it.
    pub why: String,
}

/// Judges all variables of a topology.
pub fn judge<'a>(check: &mut Check<'_, 'a>, topology: Value<'a>, class: &Object<'_>) {
    let definitions: Vec<Value<'_>> = items(class.root, &["spec", "variables"]).collect();
    // Runtime extensions may define more variables than the class shows.
    let is_closed = items(class.root, &["spec", "patches"])
        .all(|patch| field(patch, &["external", "discoverVariablesExtension"]).is_none());
    let own = field(topology, &["variables"]);
    let known = Definitions { list: &definitions, is_closed, class: &class.name };
    list(check, own, &known);
    let given: HashSet<String> =
        items(topology, &["variables"]).filter_map(|value| Some(text(value, &["name"])?.into_owned())).collect();
    for definition in definitions.iter().filter(|definition| is_true(**definition, &["required"])) {
        let name = text(*definition, &["name"]).unwrap_or_default();
        let has_default = field(*definition, &["schema", "openAPIV3Schema", "default"]).is_some();
        if !given.contains(&*name) && !has_default {
            let message =
                format!("ClusterClass {} requires the variable {name:?}: the webhook refuses the Cluster", class.name);
            let fix = format!("add `- name: {name}` with a value to spec.topology.variables");
            check.absent(&INVALID_VARIABLE, topology, &["variables"], message, fix);
        }
    }
    list(check, field(topology, &["controlPlane", "variables", "overrides"]), &known);
    for workers in ["machineDeployments", "machinePools"] {
        for entry in items(topology, &["workers", workers]) {
            list(check, field(entry, &["variables", "overrides"]), &known);
        }
    }
}

struct Definitions<'d, 'c> {
    list: &'d [Value<'c>],
    is_closed: bool,
    class: &'d str,
}

fn list<'a>(check: &mut Check<'_, 'a>, values: Option<Value<'a>>, known: &Definitions<'_, '_>) {
    let mut names = HashSet::new();
    for variable in values.into_iter().flat_map(|list| list.items()) {
        let Some(name) = text(variable, &["name"]) else { continue };
        let at = field(variable, &["name"]).unwrap_or(variable);
        if !names.insert(name.to_string()) {
            let message = format!("the variable {name:?} is set twice: the webhook refuses the Cluster");
            check.refuse(&INVALID_VARIABLE, at, message, "keep one of them");
        }
        let definition = known.list.iter().find(|definition| text(**definition, &["name"]).as_ref() == Some(&name));
        let Some(definition) = definition else {
            if known.is_closed {
                let message = format!(
                    "ClusterClass {} defines no variable {name:?}: the webhook refuses the Cluster",
                    known.class
                );
                let names: Vec<_> = known.list.iter().filter_map(|definition| text(*definition, &["name"])).collect();
                let fix = if names.is_empty() {
                    "it defines none".to_owned()
                } else {
                    format!("it defines {}", names.join(", "))
                };
                check.refuse(&INVALID_VARIABLE, at, message, fix);
            }
            continue;
        };
        let (Some(schema), Some(value)) =
            (field(*definition, &["schema", "openAPIV3Schema"]), field(variable, &["value"]))
        else {
            continue;
        };
        let mut problems = Vec::new();
        validate(schema, value, &mut problems);
        for problem in problems {
            let message = format!(
                "the variable {name:?} does not fit its definition in ClusterClass {}: {}; the webhook \
                                   refuses the Cluster",
                known.class, problem.why
            );
            check.refuse(&INVALID_VARIABLE, problem.at, message, "give a value that fits the variable's schema");
        }
    }
}

/// Finds all that is wrong with a value by a schema that stands in a manifest.
pub fn validate<'a>(schema: Value<'_>, value: Value<'a>, out: &mut Vec<Problem<'a>>) {
    let before = out.len();
    if value.is_null() {
        return;
    }
    if !is_of_type(schema, value) {
        let ty = text(schema, &["type"]).unwrap_or_else(|| "integer or string".into());
        out.push(Problem { at: value, why: format!("the schema wants {ty}") });
        return;
    }
    if field(schema, &["enum"]).is_some() {
        let json = value.to_json();
        if !items(schema, &["enum"]).any(|allowed| allowed.to_json() == json) {
            let allowed: Vec<_> = items(schema, &["enum"]).map(|allowed| allowed.to_json().to_string()).collect();
            out.push(Problem { at: value, why: format!("the schema takes only {}", allowed.join(", ")) });
        }
    }
    if value.is_map() {
        map(schema, value, out);
    } else if value.is_seq() {
        sequence(schema, value, out);
    } else if let Some(text) = value.as_str() {
        string(schema, value, &text, out);
    } else {
        bounds(schema, value, out);
    }
    junctors(schema, value, out);
    if out.len() == before {
        cel(schema, value, out);
    }
}

fn is_of_type(schema: Value<'_>, value: Value<'_>) -> bool {
    let is_int = super::check::whole(value).is_some();
    if is_true(schema, &["x-kubernetes-int-or-string"]) {
        return is_int || value.as_str().is_some();
    }
    match text(schema, &["type"]).as_deref() {
        Some("object") => value.is_map(),
        Some("array") => value.is_seq(),
        Some("string") => value.as_str().is_some(),
        Some("boolean") => value.as_bool().is_some(),
        Some("integer") => is_int,
        Some("number") => matches!(value.scalar(), Some(Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_))),
        _ => true,
    }
}

fn map<'a>(schema: Value<'_>, value: Value<'a>, out: &mut Vec<Problem<'a>>) {
    let properties = field(schema, &["properties"]);
    let additional = field(schema, &["additionalProperties"]);
    let is_open = is_true(schema, &["x-kubernetes-preserve-unknown-fields"])
        || additional.is_some()
        // Below a junctor only what is named is looked at.
        || field(schema, &["type"]).is_none();
    for entry in value.entries() {
        let key = entry.key().unwrap_or_default();
        match (properties.and_then(|properties| properties.get(&key)), additional) {
            (Some(property), _) => validate(property, entry, out),
            (None, Some(additional)) if additional.is_map() => validate(additional, entry, out),
            _ if is_open => {}
            _ => out.push(Problem { at: entry, why: format!("the schema knows no field {key:?}") }),
        }
    }
    for required in items(schema, &["required"]) {
        let Some(name) = required.as_str() else { continue };
        let has_default =
            properties.and_then(|map| map.get(&name)).is_some_and(|property| property.get("default").is_some());
        if value.get(&name).is_none() && !has_default {
            out.push(Problem { at: value, why: format!("the schema requires {name:?}") });
        }
    }
    count(schema, value, value.entries().count(), ["minProperties", "maxProperties"], "fields", out);
}

fn sequence<'a>(schema: Value<'_>, value: Value<'a>, out: &mut Vec<Problem<'a>>) {
    if let Some(item) = field(schema, &["items"]) {
        for entry in value.items() {
            validate(item, entry, out);
        }
    }
    count(schema, value, value.items().count(), ["minItems", "maxItems"], "items", out);
    if is_true(schema, &["uniqueItems"]) {
        let mut seen = HashSet::new();
        if let Some(twice) = value.items().find(|item| !seen.insert(item.to_json().to_string())) {
            out.push(Problem { at: twice, why: "the schema wants no item twice".to_owned() });
        }
    }
}

fn string<'a>(schema: Value<'_>, value: Value<'a>, content: &str, out: &mut Vec<Problem<'a>>) {
    count(schema, value, content.chars().count(), ["minLength", "maxLength"], "characters", out);
    if let Some(pattern) = text(schema, &["pattern"]).filter(|pattern| !pattern.is_empty())
        && let Ok(compiled) = GoPattern::compile(&pattern)
        && !compiled.is_match(content)
    {
        out.push(Problem { at: value, why: format!("the schema wants the pattern {pattern}") });
    }
    if let Some(format) = text(schema, &["format"]).filter(|format| !formats::check(format, content)) {
        out.push(Problem { at: value, why: format!("the schema wants the format {format}") });
    }
}

fn count<'a>(
    schema: Value<'_>,
    value: Value<'a>,
    count: usize,
    [least, most]: [&str; 2],
    what: &str,
    out: &mut Vec<Problem<'a>>,
) {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    if let Some(least) = number(schema, &[least]).filter(|least| count < *least) {
        out.push(Problem { at: value, why: format!("the schema wants {least} {what} at least") });
    }
    if let Some(most) = number(schema, &[most]).filter(|most| count > *most) {
        out.push(Problem { at: value, why: format!("the schema takes {most} {what} at most") });
    }
}

fn float(value: Value<'_>) -> Option<f64> {
    match value.scalar()? {
        Scalar::Int(number) => Some(number as f64),
        Scalar::UInt(number) => Some(number as f64),
        Scalar::Float(number) => Some(number),
        _ => None,
    }
}

fn bounds<'a>(schema: Value<'_>, value: Value<'a>, out: &mut Vec<Problem<'a>>) {
    let Some(given) = float(value) else { return };
    let bound = |key: &str| field(schema, &[key]).and_then(float);
    if let Some(least) = bound("minimum")
        && (given < least || is_true(schema, &["exclusiveMinimum"]) && given <= least)
    {
        out.push(Problem { at: value, why: format!("the schema wants {least} at least") });
    }
    if let Some(most) = bound("maximum")
        && (given > most || is_true(schema, &["exclusiveMaximum"]) && given >= most)
    {
        out.push(Problem { at: value, why: format!("the schema takes {most} at most") });
    }
    if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0 && (given / step).fract() != 0.0) {
        out.push(Problem { at: value, why: format!("the schema wants a multiple of {step}") });
    }
}

fn junctors<'a>(schema: Value<'_>, value: Value<'a>, out: &mut Vec<Problem<'a>>) {
    let fits = |part: Value<'_>| {
        let mut problems = Vec::new();
        validate(part, value, &mut problems);
        problems.is_empty()
    };
    for part in items(schema, &["allOf"]) {
        validate(part, value, out);
    }
    if field(schema, &["anyOf"]).is_some() && !items(schema, &["anyOf"]).any(fits) {
        out.push(Problem { at: value, why: "none of the schema's anyOf fits".to_owned() });
    }
    if field(schema, &["oneOf"]).is_some() && items(schema, &["oneOf"]).filter(|part| fits(*part)).count() != 1 {
        out.push(Problem { at: value, why: "not just one of the schema's oneOf fits".to_owned() });
    }
    if field(schema, &["not"]).is_some_and(fits) {
        out.push(Problem { at: value, why: "the schema's `not` fits".to_owned() });
    }
}

fn cel<'a>(schema: Value<'_>, value: Value<'a>, out: &mut Vec<Problem<'a>>) {
    // Rules see defaults, which stand only in the schema: without them they could be wrong.
    if field(schema, &["x-kubernetes-validations"]).is_none() || leaves_default(schema, value) {
        return;
    }
    for rule in items(schema, &["x-kubernetes-validations"]) {
        let Some(program) = text(rule, &["rule"]).and_then(|expression| Program::compile(&expression).ok()) else {
            continue;
        };
        if !program.uses_old_self() && program.evaluate(value, None) == Ok(false) {
            let why = text(rule, &["message"]).or_else(|| text(rule, &["rule"])).unwrap_or_default();
            out.push(Problem { at: value, why: why.trim().to_owned() });
        }
    }
}

/// Whether the schema holds a default for something that the value leaves out.
fn leaves_default(schema: Value<'_>, value: Value<'_>) -> bool {
    let in_properties = field(schema, &["properties"]).is_some_and(|properties| {
        properties.entries().any(|property| match value.get(&property.key().unwrap_or_default()) {
            Some(inner) => leaves_default(property, inner),
            None => value.is_map() && property.get("default").is_some(),
        })
    });
    let each = |part: Option<Value<'_>>, mut values: Box<dyn Iterator<Item = Value<'_>> + '_>| {
        part.is_some_and(|part| part.is_map() && values.any(|value| leaves_default(part, value)))
    };
    in_properties
        || each(field(schema, &["items"]), Box::new(value.items()))
        || each(field(schema, &["additionalProperties"]), Box::new(value.entries()))
}
