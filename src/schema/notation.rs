//! Facts as text: the notation of the files in `schemas/`.
//!
//! JSON in `OpenAPI`'s words, so that what is written is read by [`super::facts`] again. It is made for people and for diffs:
//! properties in order of name, small schemas on one line, the same text for the same facts.

use serde_json::{Map, Number, Value as Json};

use super::facts::{AdditionalFacts, Facts, KindFacts, ListType, MapType, RuleFacts, Type};

/// What fits into so many columns stays on one line.
const WIDTH: usize = 120;

/// The file of one kind and version.
pub fn kind(facts: &KindFacts) -> String {
    let mut file = Map::new();
    let texts = [
        ("group", &*facts.group),
        ("kind", &*facts.kind),
        ("plural", &*facts.plural),
        ("version", &*facts.version),
        ("scope", facts.scope.name()),
    ];
    for (name, text) in texts {
        file.insert(name.into(), text.into());
    }
    let switches = [
        ("served", facts.served),
        ("storage", facts.storage),
        ("deprecated", facts.deprecated),
        ("native", facts.native),
        ("statusSubresource", facts.status_subresource),
    ];
    // `served` is said always: its absence would be the surprise.
    for (name, on) in switches.into_iter().filter(|(name, on)| *on || *name == "served") {
        file.insert(name.into(), on.into());
    }
    file.insert("schema".into(), schema(&facts.schema));
    text(&Json::Object(file))
}

/// Any JSON in this notation.
pub fn text(value: &Json) -> String {
    let mut text = String::new();
    write(value, 0, 0, &mut text);
    text.push('\n');
    text
}

/// A schema in `OpenAPI`'s words.
pub fn schema(facts: &Facts) -> Json {
    let mut keywords = Keywords(Map::new());
    match facts.ty {
        Type::Any => {}
        Type::IntOrString => keywords.flag("x-kubernetes-int-or-string", true),
        ty => keywords.put("type", Some(ty.name())),
    }
    keywords.put("format", facts.format.clone());
    keywords.flag("nullable", facts.nullable);
    keywords.list("enum", facts.enumeration.clone());
    keywords.put("default", facts.default.clone());
    bounds(&mut keywords, facts);
    keywords.put("pattern", facts.pattern.clone());
    keywords.flag("uniqueItems", facts.unique_items);
    keywords.flag("x-kubernetes-preserve-unknown-fields", facts.preserve_unknown);
    keywords.flag("x-kubernetes-embedded-resource", facts.embedded_resource);
    keywords.put("x-kubernetes-list-type", list_type(facts.list_type));
    keywords.list("x-kubernetes-list-map-keys", facts.list_map_keys.iter().map(|key| key.as_str().into()).collect());
    keywords.put("x-kubernetes-map-type", map_type(facts.map_type));
    keywords.list("x-kubernetes-validations", facts.rules.iter().map(rule).collect());
    keywords.list("allOf", facts.all_of.iter().map(schema).collect());
    keywords.list("anyOf", facts.any_of.iter().map(schema).collect());
    keywords.list("oneOf", facts.one_of.iter().map(schema).collect());
    keywords.put("not", facts.not.as_deref().map(schema));
    keywords.list("required", facts.required.iter().map(|name| name.as_str().into()).collect());
    keywords.put("items", facts.items.as_deref().map(schema));
    keywords.put("additionalProperties", additional(&facts.additional));
    if !facts.properties.is_empty() {
        let properties = facts.properties.iter().map(|(name, property)| (name.clone(), schema(property)));
        keywords.put("properties", Some(Json::Object(properties.collect())));
    }
    Json::Object(keywords.0)
}

struct Keywords(Map<String, Json>);

impl Keywords {
    fn put(&mut self, keyword: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.0.insert(keyword.into(), value.into());
        }
    }

    fn flag(&mut self, keyword: &str, on: bool) {
        self.put(keyword, on.then_some(true));
    }

    fn list(&mut self, keyword: &str, items: Vec<Json>) {
        self.put(keyword, (!items.is_empty()).then_some(items));
    }
}

fn bounds(keywords: &mut Keywords, facts: &Facts) {
    keywords.put("minimum", facts.minimum.map(number));
    keywords.flag("exclusiveMinimum", facts.exclusive_minimum);
    keywords.put("maximum", facts.maximum.map(number));
    keywords.flag("exclusiveMaximum", facts.exclusive_maximum);
    keywords.put("multipleOf", facts.multiple_of.map(number));
    keywords.put("minLength", facts.min_length);
    keywords.put("maxLength", facts.max_length);
    keywords.put("minItems", facts.min_items);
    keywords.put("maxItems", facts.max_items);
    keywords.put("minProperties", facts.min_properties);
    keywords.put("maxProperties", facts.max_properties);
}

/// Whole numbers without a fraction, as they were written.
fn number(number: f64) -> Json {
    // Above 2^53 the fraction says nothing, and the whole number may be off by what f64 cannot hold.
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        Json::from(number as i64)
    } else {
        Number::from_f64(number).map_or(Json::Null, Json::Number)
    }
}

fn list_type(list_type: ListType) -> Option<&'static str> {
    match list_type {
        ListType::Absent => None,
        ListType::Atomic => Some("atomic"),
        ListType::Set => Some("set"),
        ListType::Map => Some("map"),
    }
}

fn map_type(map_type: MapType) -> Option<&'static str> {
    match map_type {
        MapType::Absent => None,
        MapType::Granular => Some("granular"),
        MapType::Atomic => Some("atomic"),
    }
}

fn additional(facts: &AdditionalFacts) -> Option<Json> {
    match facts {
        AdditionalFacts::Absent => None,
        AdditionalFacts::Forbidden => Some(false.into()),
        AdditionalFacts::Any => Some(true.into()),
        AdditionalFacts::Schema(facts) => Some(schema(facts)),
    }
}

fn rule(rule: &RuleFacts) -> Json {
    let mut keywords = Keywords(Map::new());
    keywords.put("rule", Some(rule.rule.clone()));
    keywords.put("fieldPath", rule.field_path.clone());
    keywords.put("reason", rule.reason.clone());
    keywords.flag("optionalOldSelf", rule.optional_old_self);
    Json::Object(keywords.0)
}

/// Writes a value that begins `used` columns into its line.
fn write(value: &Json, depth: usize, used: usize, out: &mut String) {
    let start = out.len();
    if write_flat(value, out, start + WIDTH.saturating_sub(used)) {
        return;
    }
    out.truncate(start);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth));
    };
    match value {
        Json::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { "," });
                line(out, depth + 1);
                write(item, depth + 1, depth + 2, out);
            }
            line(out, depth);
            out.push(']');
        }
        Json::Object(entries) => {
            out.push('{');
            for (number, (key, value)) in entries.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { "," });
                line(out, depth + 1);
                let key = Json::from(key.as_str()).to_string();
                out.push_str(&key);
                out.push_str(": ");
                write(value, depth + 1, depth + key.len() + 4, out);
            }
            line(out, depth);
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Writes a value on one line; false where it would reach beyond `limit` bytes of the output.
fn write_flat(value: &Json, out: &mut String, limit: usize) -> bool {
    match value {
        Json::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                if !write_flat(item, out, limit) {
                    return false;
                }
            }
            out.push(']');
        }
        Json::Object(entries) => {
            out.push('{');
            for (number, (key, value)) in entries.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push_str(": ");
                if !write_flat(value, out, limit) {
                    return false;
                }
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    out.len() <= limit
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let written = json!({
            "type": "object", "minProperties": 1, "required": ["a"], "x-kubernetes-map-type": "atomic",
            "x-kubernetes-validations": [{"rule": "has(self.a)", "fieldPath": ".a", "reason": "FieldValueInvalid", "optionalOldSelf": true}],
            "allOf": [{"not": {"required": ["b"]}}],
            "properties": {
                "a": {"type": "string", "format": "date-time", "enum": ["x", "ä"], "default": "x", "pattern": "^\\d+$"},
                "b": {"type": "array", "items": {"type": "number", "minimum": 0.5, "maximum": 9, "exclusiveMaximum": true},
                      "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "nullable": true},
                "c": {"x-kubernetes-int-or-string": true},
                "d": {"type": "object", "additionalProperties": {"type": "integer", "multipleOf": 2}},
                "e": {"type": "object", "additionalProperties": false},
                "f": {"x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-embedded-resource": true},
            },
        });
        let facts = Facts::from_json(&written).unwrap();
        assert_eq!(schema(&facts), written);
        let text = text(&schema(&facts));
        assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), written);
        assert!(text.contains("\n  \"e\": {\"type\": \"object\", \"additionalProperties\": false},\n"), "{text}");
    }
}
