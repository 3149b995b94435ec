//! CRDs among the manifests: what the API server refuses of a kind's definition before there is an object of it.
//!
//! The schema of the CRD kind itself says little; the server's own code says the rest: the schemas inside must be structural, and
//! their rules must compile, fit the fields and stay within their budget. This module judges definitions, no objects.

use std::collections::HashSet;

use super::cel::CelError;
use super::cel::check::{Checker, OldSelf};
use super::declare::{self, Scope};
use super::facts::{Facts, KindFacts};
use super::import::with_identity;
use super::pack::{ReleaseFacts, pack};
use super::pattern::{GoPattern, PatternError};
use super::table::{Additional, Kind, Schema, Table};
use super::validate::rules::RULE_NOT_CHECKED;
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::Value;

crate::rule! {
    /// A CustomResourceDefinition that the API server does not take.
    ///
    /// Without the definition there is no kind, and every object of it fails too. The schema of each version must be structural
    /// (every field has a type, every list says what its items are), and its rules in CEL must compile, name fields that are there,
    /// and cost no more than the server allows, whatever the object.
    ///
    /// ```yaml
    /// x-kubernetes-validations:
    /// - rule: self.replica > 0                # replicas
    ///   messageExpression: self.replicas      # yields a number where text is wanted
    /// ```
    ///
    /// Fix: as the finding says. Definitions are mostly generated: mend the markers in the source, and generate them anew.
    ///
    /// Who says so: the API server, when the definition is created.
    pub INVALID_DEFINITION = "invalid-definition", Error, Admission;
}

const TYPES: [&str; 6] = ["object", "array", "string", "number", "integer", "boolean"];
/// What may stand only in the structural part of a schema, not below `allOf`, `anyOf`, `oneOf` and `not`.
const STRUCTURAL: [&str; 7] = [
    "default",
    "additionalProperties",
    "nullable",
    "title",
    "description",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];
const REASONS: [&str; 4] = ["FieldValueRequired", "FieldValueForbidden", "FieldValueInvalid", "FieldValueDuplicate"];

/// Whether this is a definition that [`judge`] knows.
pub fn is_definition(object: &Object<'_>) -> bool {
    object.is("apiextensions.k8s.io", "CustomResourceDefinition") && object.version() == "v1"
}

/// Judges a definition.
pub fn judge(object: &Object<'_>, out: &mut Vec<Finding>) {
    let mut walk = Walk { object, checker: Checker::new(), total: 0, out };
    walk.names();
    walk.versions();
    for version in items(object.root, &["spec", "versions"]) {
        match field(version, &["schema", "openAPIV3Schema"]) {
            Some(schema) => walk.schema(schema),
            None => walk.refuse(version, "a version without schema", "write its `schema.openAPIV3Schema`"),
        }
    }
}

/// A field below a value; null counts as absent.
fn field<'a>(value: Value<'a>, keys: &[&str]) -> Option<Value<'a>> {
    value.below(keys).filter(|value| !value.is_null())
}

fn text<'a>(value: Value<'a>, keys: &[&str]) -> Option<std::borrow::Cow<'a, str>> {
    field(value, keys)?.as_str()
}

fn items<'a>(value: Value<'a>, keys: &[&str]) -> impl Iterator<Item = Value<'a>> + use<'a> {
    field(value, keys).into_iter().flat_map(|list| list.items())
}

fn is_true(value: Value<'_>, key: &str) -> bool {
    field(value, &[key]).and_then(|value| value.as_bool()) == Some(true)
}

/// A label of DNS that begins with a letter.
fn is_label(name: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= 63
        && name.bytes().all(is_inner)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
}

/// Where in a schema a node stands.
#[derive(Clone, Copy)]
struct Spot {
    scope: Scope,
    /// The root is an object of Kubernetes, with `metadata` and a type.
    is_root: bool,
}

struct Walk<'w, 'a> {
    object: &'w Object<'a>,
    checker: Checker,
    /// What all rules of a version may cost together.
    total: u64,
    out: &'w mut Vec<Finding>,
}

impl<'a> Walk<'_, 'a> {
    fn refuse(&mut self, value: Value<'a>, why: &str, fix: &str) {
        let message = format!("{why}: the API server refuses the definition");
        self.out.push(self.object.finding(&INVALID_DEFINITION, value, message).suggest(fix));
    }

    fn names(&mut self) {
        let root = self.object.root;
        let (group, plural) = (text(root, &["spec", "group"]), text(root, &["spec", "names", "plural"]));
        if let (Some(group), Some(plural), Some(name)) = (group, plural, field(root, &["metadata", "name"])) {
            let wanted = format!("{plural}.{group}");
            if name.as_str().is_none_or(|name| *name != wanted) {
                self.refuse(name, "the name is not made of the plural name and the group", &wanted);
            }
        }
        if let Some(at) = field(root, &["spec", "scope"])
            && at.as_str().is_some_and(|scope| !matches!(&*scope, "Cluster" | "Namespaced"))
        {
            self.refuse(at, "no scope", "write Namespaced or Cluster");
        }
        for (key, what) in [("kind", "kind"), ("listKind", "kind"), ("plural", "plural"), ("singular", "singular")] {
            let Some(at) = field(root, &["spec", "names", key]) else { continue };
            let is_kind = what == "kind";
            let fits = |name: &str| is_label(&if is_kind { name.to_lowercase() } else { name.to_owned() });
            if at.as_str().is_some_and(|name| !name.is_empty() && !fits(&name)) {
                self.refuse(
                    at,
                    &format!("no name of a {what}"),
                    "use letters and digits, lower-case ones but for kinds",
                );
            }
        }
        if let Some(at) = field(root, &["spec", "preserveUnknownFields"]).filter(|at| at.as_bool() == Some(true)) {
            let fix = "drop it; write `x-kubernetes-preserve-unknown-fields: true` where the schema is open";
            self.refuse(at, "`preserveUnknownFields: true`, which only definitions of v1beta1 could have", fix);
        }
    }

    fn versions(&mut self) {
        let Some(versions) = field(self.object.root, &["spec", "versions"]) else { return };
        let mut names = HashSet::new();
        for version in versions.items() {
            if let Some(at) = field(version, &["name"])
                && !at.as_str().is_some_and(|name| is_label(&name))
            {
                self.refuse(at, "no name of a version", "write it as in `v1beta2`: lower-case letters, digits, `-`");
            }
            if let Some(name) = text(version, &["name"]).filter(|name| !names.insert(name.to_string())) {
                self.refuse(version, &format!("the version {name} stands twice"), "keep one");
            }
        }
        let stored = versions.items().filter(|version| is_true(*version, "storage")).count();
        if stored != 1 {
            let why = format!("{stored} versions with `storage: true`, where it is exactly one");
            self.refuse(versions, &why, "choose the version that objects are stored in");
        }
    }

    fn schema(&mut self, schema: Value<'a>) {
        let facts = Facts::from_json(&schema.to_json());
        if let Err(error) = &facts {
            let message = format!("the rules of this schema are not checked: {error}");
            self.out.push(self.object.finding(&RULE_NOT_CHECKED, schema, message));
        }
        let table = facts.ok().and_then(|facts| {
            let kind = KindFacts { schema: with_identity(facts), ..KindFacts::default() };
            Table::open(pack(&[(ReleaseFacts::default(), vec![kind])]).leak())
        });
        let packed = table.as_ref().and_then(|table| table.kinds().next()).map(Kind::schema);
        self.total = 0;
        if text(schema, &["type"]).is_none_or(|ty| ty != "object") {
            self.refuse(schema, "the schema's root is no object", "write `type: object`");
        }
        self.node(schema, packed, Spot { scope: Scope::default(), is_root: true });
        if declare::is_too_costly(self.total) {
            let why = "its rules together may cost more than the server allows";
            let fix = "bound the lists, maps and texts that they look through (maxItems, maxProperties, maxLength)";
            self.refuse(schema, why, fix);
        }
    }

    fn node(&mut self, schema: Value<'a>, packed: Option<Schema<'_>>, spot: Spot) {
        self.structure(schema, spot);
        if let Some(pattern) = field(schema, &["pattern"])
            && let Some(Err(PatternError::Syntax(why))) = pattern.as_str().map(|text| GoPattern::compile(&text))
        {
            self.refuse(pattern, &format!("no regular expression: {why}"), "correct the pattern (Go's syntax)");
        }
        let is_resource = spot.is_root || packed.is_some_and(Schema::embedded_resource);
        self.rules(schema, packed, spot.scope, is_resource);
        let below = |scope| Spot { scope, is_root: false };
        for property in field(schema, &["properties"]).iter().flat_map(Value::entries) {
            let name = property.key().unwrap_or_default();
            if is_resource && matches!(&*name, "apiVersion" | "kind" | "metadata") {
                continue; // the server knows them
            }
            let inner = packed.and_then(|packed| packed.property(&name)).map(|property| property.schema);
            self.node(property, inner, below(spot.scope.fields(packed)));
        }
        if let Some(additional) = field(schema, &["additionalProperties"]).filter(Value::is_map) {
            let inner = packed.and_then(|packed| match packed.additional() {
                Additional::Schema(values) => Some(values),
                _ => None,
            });
            self.node(additional, inner, below(spot.scope.fields(packed)));
        }
        if let Some(items) = field(schema, &["items"]).filter(Value::is_map) {
            self.node(items, packed.and_then(Schema::items), below(spot.scope.items(packed)));
        }
        let has_types = is_true(schema, "x-kubernetes-int-or-string");
        for key in ["allOf", "anyOf", "oneOf"] {
            items(schema, &[key]).for_each(|part| self.junctor(part, has_types));
        }
        if let Some(not) = field(schema, &["not"]) {
            self.junctor(not, has_types);
        }
    }

    /// What makes a schema structural, and what the server has no time for.
    fn structure(&mut self, schema: Value<'a>, spot: Spot) {
        let ty = text(schema, &["type"]).unwrap_or_default();
        let is_open =
            is_true(schema, "x-kubernetes-int-or-string") || is_true(schema, "x-kubernetes-preserve-unknown-fields");
        if ty.is_empty() && !is_open && !spot.is_root {
            let fix = "add `type`, or `x-kubernetes-preserve-unknown-fields: true` where anything may stand";
            self.refuse(schema, "a field without `type`", fix);
        }
        if let Some(at) = field(schema, &["type"]).filter(|_| !ty.is_empty() && !TYPES.contains(&&*ty)) {
            self.refuse(at, &format!("{ty:?} is no type"), &format!("use one of {}", TYPES.join(", ")));
        }
        if ty == "array" && field(schema, &["items"]).is_none() {
            self.refuse(schema, "a list without `items`", "say what its items are");
        }
        if let (Some(at), Some(_)) = (field(schema, &["additionalProperties"]), field(schema, &["properties"])) {
            self.refuse(at, "both `properties` and `additionalProperties`", "keep one of them");
        }
        if let Some(at) = field(schema, &["uniqueItems"]).filter(|at| at.as_bool() == Some(true)) {
            self.refuse(at, "`uniqueItems: true`", "write `x-kubernetes-list-type: set`");
        }
        if let Some(at) = field(schema, &["$ref"]) {
            self.refuse(at, "`$ref`", "write out what it refers to");
        }
        match text(schema, &["x-kubernetes-list-type"]).as_deref() {
            Some("map") => self.keys(schema),
            Some("set") => {
                let item = field(schema, &["items"]);
                let is_atomic = |item| text(item, &["x-kubernetes-map-type"]).is_some_and(|ty| ty == "atomic");
                let is_object = |item| text(item, &["type"]).is_some_and(|ty| ty == "object");
                if let Some(item) = item.filter(|item| is_object(*item) && !is_atomic(*item)) {
                    let fix = "add `x-kubernetes-map-type: atomic` to the items";
                    self.refuse(item, "a set of objects that are not atomic", fix);
                }
            }
            _ => {}
        }
    }

    /// The keys of a list with keys: there are some, and each item has them.
    fn keys(&mut self, schema: Value<'a>) {
        let mut count = 0;
        for at in items(schema, &["x-kubernetes-list-map-keys"]) {
            count += 1;
            let Some(key) = at.as_str() else { continue };
            let item = field(schema, &["items"]);
            let is_required =
                item.is_some_and(|item| items(item, &["required"]).any(|name| name.as_str().is_some_and(|n| n == key)));
            let property = item.and_then(|item| field(item, &["properties", &*key]));
            match property {
                None => self.refuse(at, &format!("the items have no field `{key}` to be the list's key"), "define it"),
                Some(property) if !is_required && field(property, &["default"]).is_none() => {
                    let why = format!("the key `{key}` of the list is neither required nor has it a default");
                    self.refuse(at, &why, "add it to the items' `required`");
                }
                Some(_) => {}
            }
        }
        if count == 0 {
            let fix = "name the keys in `x-kubernetes-list-map-keys`";
            self.refuse(schema, "`x-kubernetes-list-type: map` without keys", fix);
        }
    }

    /// Below allOf, anyOf, oneOf and not there are only bounds. `has_types`: those of int-or-string are written there.
    fn junctor(&mut self, schema: Value<'a>, has_types: bool) {
        let keys = STRUCTURAL.into_iter().chain((!has_types).then_some("type"));
        for (key, at) in keys.filter_map(|key| Some((key, field(schema, &[key])?))) {
            let is_said = at.as_bool() != Some(false) && at.as_str().is_none_or(|text| !text.is_empty());
            if is_said {
                let why = format!("`{key}` below allOf, anyOf, oneOf or not");
                self.refuse(at, &why, "move it beside the junctor");
            }
        }
        for property in field(schema, &["properties"]).iter().flat_map(Value::entries) {
            self.junctor(property, false);
        }
        if let Some(items) = field(schema, &["items"]).filter(Value::is_map) {
            self.junctor(items, false);
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            items(schema, &[key]).for_each(|part| self.junctor(part, has_types));
        }
    }

    fn rules(&mut self, schema: Value<'a>, packed: Option<Schema<'_>>, scope: Scope, is_resource: bool) {
        for rule in items(schema, &["x-kubernetes-validations"]) {
            let at = field(rule, &["rule"]).unwrap_or(rule);
            let expression = text(rule, &["rule"]).unwrap_or_default();
            if expression.trim().is_empty() {
                self.refuse(at, "a validation without rule", "write a CEL expression, or drop the validation");
                continue;
            }
            self.words(rule, expression.trim());
            let Some(packed) = packed else { continue };
            if let Some(path) = field(rule, &["fieldPath"])
                && let Some(why) = path.as_str().and_then(|path| declare::field_path(packed, &path).err())
            {
                self.refuse(path, &format!("`fieldPath` {why}"), "write it as in `.spec.name`, from this schema on");
            }
            let old = if is_true(rule, "optionalOldSelf") { OldSelf::Optional } else { OldSelf::Value };
            let Some(declared) = declare::declared(packed, is_resource) else {
                self.refuse(
                    at,
                    "a rule on a value that has no type which rules could see",
                    "put it on the field above",
                );
                continue;
            };
            let checked = scope.rule(&self.checker, &expression, old, &declared);
            self.take(at, "the rule", checked);
            if let Some(at) = field(rule, &["messageExpression"]) {
                let text = at.as_str().unwrap_or_default();
                if text.is_empty() {
                    continue;
                }
                let checked = declare::message(&self.checker, &text, old, &declared);
                self.take(at, "the `messageExpression`", checked);
            }
        }
    }

    fn take(&mut self, at: Value<'a>, what: &str, checked: Result<u64, CelError>) {
        match checked {
            Ok(cost) => self.total = self.total.saturating_add(cost),
            Err(error) if !error.is_certain() => {
                let message = format!("{what} is not checked: {error}");
                self.out.push(self.object.finding(&RULE_NOT_CHECKED, at, message));
            }
            Err(error @ CelError::TooCostly { .. }) => {
                self.refuse(at, &format!("{what} costs too much: {error}"), "bound what it looks through");
            }
            Err(error) => self.refuse(at, &format!("{what} does not compile: {error}"), "correct the expression"),
        }
    }

    /// The words that a rule comes with.
    fn words(&mut self, rule: Value<'a>, expression: &str) {
        let given = field(rule, &["message"]);
        let text = given.and_then(|message| message.as_str()).unwrap_or_default();
        let trimmed = text.trim();
        let at = given.unwrap_or(rule);
        if !text.is_empty() && trimmed.is_empty() {
            self.refuse(at, "an empty message", "write one, or drop the field");
        } else if trimmed.contains('\n') {
            self.refuse(at, "a message of several lines", "write it on one line");
        } else if expression.contains('\n') && trimmed.is_empty() {
            self.refuse(at, "a rule of several lines without message", "add `message`");
        }
        if let Some(at) = field(rule, &["reason"])
            && let Some(reason) = at.as_str().filter(|reason| !REASONS.contains(&&**reason))
        {
            self.refuse(at, &format!("{reason:?} is no reason"), &format!("use one of {}", REASONS.join(", ")));
        }
    }
}
