//! What a schema declares to the CEL rules on it, and the server's check of all rules of a schema: types and costs.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::cel::CelError;
use super::cel::check::declared::{Declared, MAX_REQUEST, escape};
use super::cel::check::types::Type as CelType;
use super::cel::check::{Checker, OldSelf, RULE_LIMIT, SCHEMA_LIMIT};
use super::table::{Additional, ListType, Schema, Type};

/// The most bytes of a duration, a time and a date in a request.
const TIME_SIZE: u64 = 32;
const DATE_SIZE: u64 = 12;

/// What rules see of a value of this schema; nothing where it has no type. `is_resource`: it is an object of its own, with
/// `apiVersion`, `kind` and `metadata`.
pub fn declared(schema: Schema<'_>, is_resource: bool) -> Option<Rc<Declared>> {
    let checks = schema.checks();
    let characters = || checks.max_length().map(|most| u64::from(most) * 4);
    let declared = match schema.ty() {
        Type::IntOrString => Declared::plain(CelType::Dyn, 1, characters().unwrap_or(MAX_REQUEST - 2)),
        Type::Any => return None,
        Type::Boolean => Declared::plain(CelType::Bool, 4, 0),
        Type::Integer => Declared::plain(CelType::Int, 1, 0),
        Type::Number => Declared::plain(CelType::Double, 1, 0),
        Type::String => text(schema, characters()),
        // The server's way to make a resource of a schema loses the items of a list.
        Type::Array if is_resource => return None,
        Type::Array => {
            let items = schema.items()?;
            Declared::list(declared(items, items.embedded_resource())?, checks.max_items().map(u64::from))
        }
        Type::Object => match schema.additional() {
            Additional::Schema(values) if !is_resource || schema.property_count() == 0 => {
                let values = declared(values, values.embedded_resource())?;
                Declared::map(values, checks.max_properties().map(u64::from))
            }
            _ => object(schema, is_resource),
        },
    };
    Some(Rc::new(declared))
}

fn text(schema: Schema<'_>, characters: Option<u64>) -> Declared {
    let checks = schema.checks();
    match checks.format() {
        Some("byte") => Declared::plain(CelType::Bytes, 2, checks.max_length().map_or(MAX_REQUEST - 2, u64::from)),
        Some("duration") => Declared::plain(CelType::Duration, 3, TIME_SIZE),
        Some("date") => Declared::plain(CelType::Timestamp, DATE_SIZE, DATE_SIZE),
        Some("date-time") => Declared::plain(CelType::Timestamp, 21, TIME_SIZE),
        _ => {
            let longest = || {
                let values = checks.enumeration()?;
                values.map(|value| value.to_json().as_str().map_or(0, str::len) as u64).max()
            };
            Declared::text(characters.or_else(longest))
        }
    }
}

fn object(schema: Schema<'_>, is_resource: bool) -> Declared {
    let mut fields = BTreeMap::new();
    let mut size = 2;
    for (name, property) in schema.properties() {
        let Some(field) = declared(property.schema, property.schema.embedded_resource()) else { continue };
        if property.required && property.schema.default().is_none() {
            size += name.len() as u64 + field.min_size + 4;
        }
        if let Some(name) = escape(name) {
            fields.insert(name, field);
        }
    }
    if is_resource {
        let text = || Rc::new(Declared::text(None));
        let names = [("name".to_owned(), text()), ("generateName".to_owned(), text())];
        fields.insert("apiVersion".to_owned(), text());
        fields.insert("kind".to_owned(), text());
        let has_names = schema.property("metadata").is_some_and(|metadata| {
            ["name", "generateName"].iter().all(|name| metadata.schema.property(name).is_some())
        });
        if !has_names {
            fields.insert("metadata".to_owned(), Rc::new(Declared::object(names.into(), 2)));
        }
    }
    Declared::object(fields, size)
}

/// A rule that a server does not take.
#[derive(Clone, Debug)]
pub struct BadRule {
    /// The schema that it stands at ([`Schema::number`]).
    pub schema: u32,
    /// The number of the rule in its table; all rules together where there is none.
    pub rule: Option<u32>,
    /// Which expression of the rule it is.
    pub part: RulePart,
    /// Why it is not taken.
    pub error: CelError,
}

/// An expression of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePart {
    /// `rule`.
    Rule,
    /// `messageExpression`.
    Message,
}

impl std::fmt::Display for BadRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.part {
            RulePart::Rule => self.error.fmt(f),
            RulePart::Message => write!(f, "its `messageExpression`: {}", self.error),
        }
    }
}

/// Where in a schema a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How often such a value can stand in an object, where that is bounded.
    count: Option<u64>,
    /// Below a list without keys: what an item was before cannot be told.
    no_past: bool,
}

impl Default for Scope {
    /// The root of a schema.
    fn default() -> Self {
        Self { count: Some(1), no_past: false }
    }
}

impl Scope {
    fn times(self, most: Option<u32>) -> Option<u64> {
        Some(self.count?.saturating_mul(u64::from(most?)))
    }

    /// The fields of an object, or the values of a map.
    #[must_use]
    pub fn fields(self, schema: Option<Schema<'_>>) -> Self {
        match schema {
            Some(schema) if schema.additional() != Additional::Absent => {
                Self { count: self.times(schema.checks().max_properties()), ..self }
            }
            _ => self,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn items(self, schema: Option<Schema<'_>>) -> Self {
        let most = schema.and_then(|schema| schema.checks().max_items());
        let has_keys = schema.is_some_and(|schema| schema.list_type() == ListType::Map);
        Self { count: self.times(most), no_past: self.no_past || !has_keys }
    }

    /// Checks a rule that stands here; gives what it may cost in an object.
    pub fn rule(self, checker: &Checker, text: &str, old: OldSelf, declared: &Rc<Declared>) -> Result<u64, CelError> {
        let checked = checker.rule(text, declared, old)?;
        let cost = checked.max_cost.saturating_mul(self.count.unwrap_or_else(|| declared.cardinality()));
        if cost > RULE_LIMIT {
            return Err(CelError::TooCostly { cost, limit: RULE_LIMIT });
        }
        match (checked.uses_old_self, old) {
            (true, _) if self.no_past => Err(CelError::Type(
                "`oldSelf` has no meaning below a list without keys; put the rule on the list".to_owned(),
            )),
            (false, OldSelf::Optional) => {
                Err(CelError::Type("`optionalOldSelf` without `oldSelf` in the rule".to_owned()))
            }
            _ => Ok(cost),
        }
    }
}

/// Checks the expression of a rule's message; gives what it may cost.
pub fn message(checker: &Checker, text: &str, old: OldSelf, declared: &Rc<Declared>) -> Result<u64, CelError> {
    match checker.message(text, declared, old)?.max_cost {
        cost if cost > RULE_LIMIT => Err(CelError::TooCostly { cost, limit: RULE_LIMIT }),
        cost => Ok(cost),
    }
}

/// All rules of a schema that a server would not take with the CRD.
pub fn check_all(schema: Schema<'_>, is_resource: bool) -> Vec<BadRule> {
    let mut walk = Walk { checker: Checker::new(), root: schema.number(), bad: Vec::new(), total: 0 };
    walk.schema(schema, Scope::default(), is_resource);
    if is_too_costly(walk.total) {
        let error = CelError::TooCostly { cost: walk.total, limit: SCHEMA_LIMIT };
        walk.bad.push(BadRule { schema: schema.number(), rule: None, part: RulePart::Rule, error });
    }
    walk.bad
}

struct Walk {
    checker: Checker,
    root: u32,
    bad: Vec<BadRule>,
    total: u64,
}

impl Walk {
    fn schema(&mut self, schema: Schema<'_>, scope: Scope, is_resource: bool) {
        if schema.has_rules() {
            let declared = declared(schema, is_resource);
            for rule in schema.rules().filter(|rule| !rule.rule.trim().is_empty()) {
                let old = if rule.optional_old_self { OldSelf::Optional } else { OldSelf::Value };
                let checked = match &declared {
                    Some(declared) => scope.rule(&self.checker, rule.rule, old, declared),
                    None => Err(CelError::Type("the schema has no type that rules could see".to_owned())),
                };
                self.take(schema, rule.number, RulePart::Rule, checked);
                if let (Some(text), Some(declared)) = (rule.message_expression, &declared) {
                    let checked = message(&self.checker, text, old, declared);
                    self.take(schema, rule.number, RulePart::Message, checked);
                }
            }
        }
        if schema.is_composed() {
            let not = schema.not();
            let parts = schema.all_of().chain(schema.any_of()).chain(schema.one_of()).chain(not);
            parts.for_each(|part| self.below_junctor(part));
        }
        for (_, property) in schema.properties() {
            let inner = property.schema;
            self.schema(inner, scope.fields(Some(schema)), inner.embedded_resource());
        }
        if let Additional::Schema(values) = schema.additional() {
            self.schema(values, scope.fields(Some(schema)), values.embedded_resource());
        }
        if let Some(items) = schema.items() {
            self.schema(items, scope.items(Some(schema)), items.embedded_resource());
        }
    }

    fn take(&mut self, schema: Schema<'_>, rule: u32, part: RulePart, checked: Result<u64, CelError>) {
        match checked {
            Ok(cost) => self.total = self.total.saturating_add(cost),
            Err(error) => self.bad.push(BadRule { schema: schema.number(), rule: Some(rule), part, error }),
        }
    }

    /// The server takes no CRD with rules there, so that none of them ever runs.
    fn below_junctor(&mut self, schema: Schema<'_>) {
        for rule in schema.rules() {
            let error = CelError::Type("the server takes no rules below allOf, anyOf, oneOf and not".to_owned());
            self.bad.push(BadRule { schema: self.root, rule: Some(rule.number), part: RulePart::Rule, error });
        }
        let values = match schema.additional() {
            Additional::Schema(values) => Some(values),
            _ => None,
        };
        let parts = schema.all_of().chain(schema.any_of()).chain(schema.one_of()).chain(schema.not());
        let children = schema.properties().map(|(_, property)| property.schema);
        parts.chain(children).chain(values).chain(schema.items()).for_each(|part| self.below_junctor(part));
    }
}

/// Whether all rules of a schema together cost more than the server takes.
pub fn is_too_costly(total: u64) -> bool {
    total > SCHEMA_LIMIT
}

/// Checks the `fieldPath` of a rule: `.a.b` and `['a']` from the schema of the rule on.
pub fn field_path(schema: Schema<'_>, path: &str) -> Result<(), String> {
    let mut at = schema;
    let mut rest = path;
    while !rest.is_empty() {
        let (name, after) = if let Some(after) = rest.strip_prefix("['") {
            after.split_once("']").ok_or_else(|| "has a `[` that is not closed".to_owned())?
        } else if let Some(after) = rest.strip_prefix('.') {
            after.split_at(after.find(['.', '[', ']']).unwrap_or(after.len()))
        } else {
            return Err(format!("has {rest:?} where `.` or `['` is wanted"));
        };
        at = match (at.property(name), at.additional()) {
            (Some(property), _) => property.schema,
            (None, Additional::Schema(values)) if at.property_count() == 0 => values,
            _ => return Err(format!("names {name:?}, which is no field")),
        };
        rest = after;
    }
    Ok(())
}
