//! The variables that a ClusterClass defines, with their schemas in the form in which those of CRDs are judged: Cluster API's
//! webhooks use the API server's own code for them, defaults and CEL included.
//!
//! Ten thousand Clusters have one class, so what is made of it is kept: by the class's own text, which is all that it depends on.
//! The tables live as long as the process, as that of the bundle does.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use serde_json::Value as Json;

use crate::object::Object;
use crate::report::Finding;
use crate::schema::facts::{Facts, KindFacts};
use crate::schema::pack::{ReleaseFacts, pack};
use crate::schema::table::{Additional, Schema, Table, Type};
use crate::schema::validate::{Compiled, judge_value, rules as schema_rules};
use crate::yaml::Value;

use super::check::{field, is_true, items, text};

/// The keywords of a variable's schema; others are no fields of a ClusterClass.
const KEYWORDS: [&str; 29] = [
    "type",
    "properties",
    "additionalProperties",
    "maxProperties",
    "minProperties",
    "required",
    "items",
    "maxItems",
    "minItems",
    "uniqueItems",
    "format",
    "maxLength",
    "minLength",
    "pattern",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "x-kubernetes-preserve-unknown-fields",
    "enum",
    "default",
    "example",
    "x-kubernetes-validations",
    "x-kubernetes-int-or-string",
    "x-metadata",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
];

/// A variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whether each Cluster must set it.
    pub is_required: bool,
    /// Whether it has a value where a Cluster sets none.
    pub has_default: bool,
    /// `None` where the schema is so wrong that nothing can be judged by it.
    schema: Option<Packed>,
}

#[derive(Debug)]
struct Packed {
    table: Table,
    compiled: Compiled,
}

/// The variables of a class, as often as it is asked for them.
pub fn of_class(class: &Object<'_>) -> Arc<Vec<Variable>> {
    type Kept = RwLock<HashMap<(String, u32), Arc<Vec<Variable>>>>;
    static KEPT: OnceLock<Kept> = OnceLock::new();
    let kept = KEPT.get_or_init(Kept::default);
    let key = (class.root.document().text().to_owned(), class.root.index());
    if let Ok(kept) = kept.read()
        && let Some(found) = kept.get(&key)
    {
        return Arc::clone(found);
    }
    let made: Arc<Vec<Variable>> =
        Arc::new(items(class.root, &["spec", "variables"]).filter_map(Variable::new).collect());
    if let Ok(mut kept) = kept.write() {
        kept.insert(key, Arc::clone(&made));
    }
    made
}

impl Variable {
    /// Reads a definition.
    pub fn new(definition: Value<'_>) -> Option<Self> {
        let mut schema =
            field(definition, &["schema", "openAPIV3Schema"]).map_or(Json::Null, |schema| schema.to_json());
        keep_keywords(&mut schema);
        Some(Self {
            name: text(definition, &["name"])?.into_owned(),
            is_required: is_true(definition, &["required"]),
            has_default: schema.get("default").is_some_and(|default| !default.is_null()),
            schema: Facts::from_json(&schema).ok().and_then(Packed::new),
        })
    }

    /// Its schema.
    pub fn schema(&self) -> Option<Schema<'_>> {
        Some(self.schema.as_ref()?.table.kinds().next()?.schema())
    }

    /// Finds all that is wrong with a value by a part of the schema. Findings are those of the API server's own check.
    pub fn judge<'a>(&self, object: &Object<'a>, value: Value<'a>, schema: Schema<'_>) -> Vec<Finding> {
        let mut found = Vec::new();
        let Some(packed) = self.schema.as_ref().filter(|_| !value.is_null()) else { return found };
        judge_value(object, value, schema, &packed.compiled, &mut found);
        nulls(object, value, schema, &mut found);
        found
    }

    /// What a finding says, in the words of somebody who writes a value: without the server.
    pub fn words(finding: &Finding) -> String {
        finding.message.replace("; the API server refuses the object", "")
    }
}

impl Packed {
    fn new(schema: Facts) -> Option<Self> {
        let kind = KindFacts { schema, ..KindFacts::default() };
        let table = Table::open(pack(&[(ReleaseFacts::default(), vec![kind])]).leak())?;
        Some(Self { compiled: Compiled::checked(&table, false), table })
    }
}

/// Takes away what is no keyword of a variable's schema: the server drops it, or refuses it elsewhere.
fn keep_keywords(schema: &mut Json) {
    let Some(keywords) = schema.as_object_mut() else { return };
    keywords.retain(|key, value| KEYWORDS.contains(&key.as_str()) && !value.is_null());
    if keywords.get("additionalProperties").is_some_and(|additional| !additional.is_object()) {
        keywords.remove("additionalProperties");
    }
    for (key, value) in keywords {
        match key.as_str() {
            "properties" => value.as_object_mut().into_iter().flatten().for_each(|(_, schema)| keep_keywords(schema)),
            "items" | "additionalProperties" | "not" => keep_keywords(value),
            "allOf" | "anyOf" | "oneOf" => value.as_array_mut().into_iter().flatten().for_each(keep_keywords),
            _ => {}
        }
    }
}

/// A null is a value here: nothing takes it away before the schema is looked at, unless a default takes its place.
fn nulls<'a>(object: &Object<'a>, value: Value<'a>, schema: Schema<'_>, out: &mut Vec<Finding>) {
    for entry in value.entries() {
        let key = entry.key().unwrap_or_default();
        let inner = match (schema.property(&key), schema.additional()) {
            (Some(property), _) => property.schema,
            (None, Additional::Schema(values)) => values,
            _ => continue,
        };
        if entry.is_null() && inner.ty() != Type::Any && inner.default().is_none() {
            let message = format!("`{}` is null where the schema wants a value", object.path(entry.index()));
            out.push(object.finding(&schema_rules::NULL_VALUE, entry, message).suggest("leave the field out"));
        }
        nulls(object, entry, inner, out);
    }
    for (item, items) in value.items().filter_map(|item| Some((item, schema.items()?))) {
        nulls(object, item, items, out);
    }
}
