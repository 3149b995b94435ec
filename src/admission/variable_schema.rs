//! The definitions of a ClusterClass's variables: each has a schema, which must be as sound as that of a CRD.

use std::cell::LazyCell;
use std::collections::HashSet;

use crate::schema::cel::check::{Checker, OldSelf};
use crate::schema::cel::{CelError, Program};
use crate::schema::declare::{self, Scope};
use crate::schema::pattern::{GoPattern, PatternError};
use crate::schema::table::{Additional, Schema};
use crate::schema::validate::rules::{CEL_RULE, RULE_NOT_CHECKED, UNKNOWN_FIELD};
use crate::yaml::{Scalar, Value};

use super::check::{Check, field, filled, is_set, items, text, whole};
use super::metadata;
use super::rules::{DUPLICATE_ENTRY, INVALID_NAME, INVALID_VARIABLE_SCHEMA};
use super::variable::{self, Variable};

const TYPES: [&str; 6] = ["object", "array", "string", "number", "integer", "boolean"];
const REASONS: [&str; 4] = ["FieldValueRequired", "FieldValueForbidden", "FieldValueInvalid", "FieldValueDuplicate"];
/// What may stand only in the structural part of a schema, not below `allOf`, `anyOf`, `oneOf` and `not`.
const STRUCTURAL: [&str; 8] = [
    "type",
    "default",
    "additionalProperties",
    "nullable",
    "title",
    "description",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// Judges `spec.variables` of a ClusterClass.
pub fn judge(check: &mut Check<'_, '_>) {
    let mut names = HashSet::new();
    let known = variable::of_class(check.object);
    // Few variables have rules.
    let checker: LazyCell<Checker> = LazyCell::new(Checker::new);
    for variable in items(check.object.root, &["spec", "variables"]) {
        name(check, variable, &mut names);
        for key in ["metadata", "deprecatedV1Beta1Metadata"] {
            metadata::judge(check, field(variable, key));
        }
        if let Some(schema) = field(variable, &["schema", "openAPIV3Schema"]) {
            if !form(check, schema) {
                continue;
            }
            let name = text(variable, &["name"]).unwrap_or_default();
            let definition = known.iter().find(|definition| definition.name == name);
            let mut judge = SchemaJudge { check, checker: &checker, definition, total: 0 };
            let packed = definition.and_then(Variable::schema);
            judge.node(schema, packed, Below::default());
            if declare::is_too_costly(judge.total) {
                let why = "the CEL rules of the variable together may cost more than the API server allows";
                let fix = "bound the lists, maps and texts that they look through (maxItems, maxProperties, maxLength)";
                refuse(check, schema, why, fix);
            }
        }
    }
}

/// What Go holds a field of a schema as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Truth,
    Whole,
    Texts,
    Mapping,
    Schema,
    Schemas,
    SchemaByName,
}

impl Form {
    /// The form of a known field; what may be anything, and what the CRD's own schema looks at, has none.
    fn of(field: &str) -> Option<Self> {
        Some(match field {
            "type" | "format" | "pattern" | "description" => Self::Text,
            "uniqueItems"
            | "exclusiveMaximum"
            | "exclusiveMinimum"
            | "x-kubernetes-preserve-unknown-fields"
            | "x-kubernetes-int-or-string" => Self::Truth,
            "maxProperties" | "minProperties" | "maxItems" | "minItems" | "maxLength" | "minLength" | "maximum"
            | "minimum" => Self::Whole,
            "required" => Self::Texts,
            "x-metadata" => Self::Mapping,
            "additionalProperties" | "items" | "not" => Self::Schema,
            "allOf" | "anyOf" | "oneOf" => Self::Schemas,
            "properties" => Self::SchemaByName,
            _ => return None,
        })
    }

    fn fits(self, value: Value<'_>) -> bool {
        let is_text = |value: Value<'_>| value.is_null() || matches!(value.scalar(), Some(Scalar::Str(_)));
        match self {
            Self::Text => is_text(value),
            Self::Truth => value.as_bool().is_some(),
            Self::Whole => whole(value).is_some(),
            Self::Texts => value.is_seq() && value.items().all(is_text),
            Self::Mapping | Self::Schema | Self::SchemaByName => value.is_map(),
            Self::Schemas => value.is_seq(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Truth => "true or false",
            Self::Whole => "a whole number",
            Self::Texts => "a list of texts",
            Self::Mapping | Self::Schema => "a mapping",
            Self::Schemas => "a list of schemas",
            Self::SchemaByName => "a mapping of schemas",
        }
    }
}

/// Whether Go can decode the schema: below its first level the CRD looks at nothing. Says so where it cannot.
fn form<'a>(check: &mut Check<'_, 'a>, schema: Value<'a>) -> bool {
    if schema.is_null() {
        return true;
    }
    if !schema.is_map() {
        let message = "no schema but a plain value: the ClusterClass cannot be decoded, and the server refuses it";
        check.refuse(&INVALID_VARIABLE_SCHEMA, schema, message, "write a mapping with `type` and the like");
        return false;
    }
    let mut fits = true;
    for value in schema.entries().filter(|value| !value.is_null()) {
        let name = value.key().unwrap_or_default();
        let Some(known) = Form::of(&name) else { continue };
        if !known.fits(value) {
            let message = format!(
                "`{name}` is not {}: the ClusterClass cannot be decoded, and the server refuses it",
                known.name()
            );
            check.refuse(&INVALID_VARIABLE_SCHEMA, value, message, format!("write {}", known.name()));
            fits = false;
            continue;
        }
        match known {
            Form::Schema => fits &= form(check, value),
            Form::Schemas => value.items().for_each(|part| fits &= form(check, part)),
            Form::SchemaByName => value.entries().for_each(|part| fits &= form(check, part)),
            _ => {}
        }
    }
    fits
}

/// The schema of one variable under judgement.
struct SchemaJudge<'j, 'r, 'a> {
    check: &'j mut Check<'r, 'a>,
    checker: &'j LazyCell<Checker>,
    definition: Option<&'j Variable>,
    /// What all rules may cost together.
    total: u64,
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
    /// How often such a value can stand in a variable, and whether it has a past.
    scope: Scope,
    /// Below the root, which the webhook takes for an object of Kubernetes: it has `metadata`, and no rules where it is a list.
    within: bool,
    /// Below `allOf` and the like.
    junctor: bool,
    /// Of a schema with `x-kubernetes-int-or-string`.
    int_or_string: bool,
}

fn refuse<'a>(check: &mut Check<'_, 'a>, value: Value<'a>, why: &str, fix: &str) {
    let message = format!("{why}: the webhook refuses the ClusterClass");
    check.refuse(&INVALID_VARIABLE_SCHEMA, value, message, fix);
}

impl<'a> SchemaJudge<'_, '_, 'a> {
    /// Judges a node, with its packed form where there is one.
    fn node(&mut self, schema: Value<'a>, packed: Option<Schema<'_>>, below: Below) {
        let is_int_or_string = super::check::is_true(schema, &["x-kubernetes-int-or-string"]);
        if !types(self.check, schema, below, is_int_or_string) {
            return;
        }
        if let Some(meta) = field(schema, &["x-metadata"]) {
            metadata::judge(self.check, Some(meta));
        }
        if let (Some(additional), true) =
            (field(schema, &["additionalProperties"]), is_set(field(schema, &["properties"])))
        {
            refuse(self.check, additional, "both `properties` and `additionalProperties`", "keep one of them");
        }
        if let Some(pattern) = field(schema, &["pattern"])
            && let Some(Err(PatternError::Syntax(why))) = pattern.as_str().map(|text| GoPattern::compile(&text))
        {
            refuse(self.check, pattern, &format!("no regular expression: {why}"), "correct the pattern (Go's syntax)");
        }
        if let Some(packed) = packed {
            self.samples(schema, packed);
        }
        self.rules(schema, packed, below);
        self.children(schema, packed, Below { int_or_string: is_int_or_string, ..below });
    }

    fn children(&mut self, schema: Value<'a>, packed: Option<Schema<'_>>, here: Below) {
        let here = Below { within: true, ..here };
        let fields = Below { scope: here.scope.fields(packed), int_or_string: false, ..here };
        for property in field(schema, &["properties"]).iter().flat_map(Value::entries) {
            let name = property.key().unwrap_or_default();
            let inner = packed.and_then(|packed| packed.property(&name)).map(|property| property.schema);
            self.node(property, inner, fields);
        }
        if let Some(additional) = field(schema, &["additionalProperties"]).filter(Value::is_map) {
            let inner = packed.and_then(|packed| match packed.additional() {
                Additional::Schema(values) => Some(values),
                _ => None,
            });
            self.node(additional, inner, fields);
        }
        if let Some(items) = field(schema, &["items"]) {
            let below = Below { scope: here.scope.items(packed), int_or_string: false, ..here };
            self.node(items, packed.and_then(Schema::items), below);
        }
        let inner = Below { junctor: true, ..here };
        for key in ["allOf", "anyOf", "oneOf"] {
            for part in items(schema, key) {
                self.node(part, None, inner);
            }
        }
        if let Some(not) = field(schema, &["not"]) {
            self.node(not, None, inner);
        }
    }

    /// Defaults, examples and enum values must themselves fit the schema. Only a default is held against the known fields, and
    /// only where the schema has rules itself are those asked about an example.
    fn samples(&mut self, schema: Value<'a>, packed: Schema<'_>) {
        let Some(definition) = self.definition else { return };
        let mut values: Vec<(Value<'a>, &str)> = Vec::new();
        values.extend(field(schema, &["default"]).map(|value| (value, "the default")));
        values.extend(field(schema, &["example"]).map(|value| (value, "the example")));
        values.extend(items(schema, &["enum"]).map(|value| (value, "an enum value")));
        for (value, what) in values {
            for mut finding in definition.judge(self.check.object, value, packed) {
                let is = |rule: &crate::report::Rule| finding.rule.name == rule.name;
                let is_default = what == "the default";
                if is(&RULE_NOT_CHECKED) || !is_default && (is(&UNKNOWN_FIELD) || is(&CEL_RULE) && !packed.has_rules())
                {
                    continue;
                }
                let words = Variable::words(&finding);
                finding.message =
                    format!("{what} does not fit its own schema: {words}: the webhook refuses the ClusterClass");
                finding.rule = &INVALID_VARIABLE_SCHEMA;
                finding.suggestion = Some("let the value fit the schema, or the schema the value".to_owned());
                self.check.out.push(finding);
            }
        }
    }

    fn rules(&mut self, schema: Value<'a>, packed: Option<Schema<'_>>, below: Below) {
        let declared = packed.filter(|_| !below.junctor).and_then(|packed| declare::declared(packed, !below.within));
        for rule in items(schema, &["x-kubernetes-validations"]) {
            let at = field(rule, &["rule"]).unwrap_or(rule);
            let expression = text(rule, &["rule"]).unwrap_or_default();
            if expression.trim().is_empty() {
                refuse(self.check, at, "a validation without rule", "write a CEL expression, or drop the validation");
                continue;
            }
            message(self.check, rule, expression.trim());
            reason(self.check, rule);
            if let (Some(packed), Some(path)) = (packed, field(rule, &["fieldPath"]))
                && let Some(why) = path.as_str().and_then(|path| declare::field_path(packed, &path).err())
            {
                refuse(
                    self.check,
                    path,
                    &format!("`fieldPath` {why}"),
                    "write it as in `.spec.name`, from this schema on",
                );
            }
            let checked = match &declared {
                Some(declared) => below.scope.rule(self.checker, &expression, OldSelf::Value, declared),
                None if packed.is_none() => Program::compile(&expression).map(|_| 0),
                None if below.within => Err(CelError::Type("the schema has no type that rules could see".to_owned())),
                None => Err(CelError::Type(
                    "the variable is a list, on which the webhook takes no rules; put it into an object".to_owned(),
                )),
            };
            match checked {
                Ok(cost) => self.total = self.total.saturating_add(cost),
                Err(error) => self.bad_rule(at, &error),
            }
            if let (Some(at), Some(declared)) = (field(rule, &["messageExpression"]), &declared) {
                let text = at.as_str().unwrap_or_default();
                match declare::message(self.checker, &text, OldSelf::Value, declared) {
                    Ok(cost) => self.total = self.total.saturating_add(cost),
                    Err(error) => self.bad_rule(at, &error),
                }
            }
        }
    }

    fn bad_rule(&mut self, at: Value<'a>, error: &CelError) {
        if !error.is_certain() {
            let message = format!("the CEL expression is not checked: {error}");
            self.check.out.push(self.check.object.finding(&RULE_NOT_CHECKED, at, message));
            return;
        }
        let (why, fix) = match error {
            CelError::TooCostly { .. } => {
                (format!("the CEL rule costs too much: {error}"), "bound what it looks through")
            }
            _ => (format!("the CEL rule does not compile: {error}"), "correct the expression"),
        };
        refuse(self.check, at, &why, fix);
    }
}

fn reason<'a>(check: &mut Check<'_, 'a>, rule: Value<'a>) {
    if let Some(reason) = field(rule, &["reason"])
        && let Some(text) = reason.as_str().filter(|text| !REASONS.contains(&&**text))
    {
        refuse(check, reason, &format!("{text:?} is no reason"), &format!("use one of {}", REASONS.join(", ")));
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
            if let Some(at) = field(schema, key).filter(|_| !(key == "type" && below.int_or_string)) {
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
