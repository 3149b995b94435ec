use serde_json::{Value, json};

use super::super::facts::{Facts, KindFacts, Scope};
use super::super::pack::{ReleaseFacts, pack};
use super::*;

fn kind(version: &str, schema: &Value) -> KindFacts {
    KindFacts {
        group: "example.org".into(),
        kind: "Widget".into(),
        plural: "widgets".into(),
        version: version.into(),
        scope: Scope::Cluster,
        served: true,
        storage: version == "v2",
        deprecated: version == "v1",
        native: false,
        status_subresource: true,
        schema: Facts::from_json(schema).unwrap(),
    }
}

fn table(kinds: Vec<KindFacts>) -> Table {
    let release = ReleaseFacts {
        provider: "example".into(),
        version: "v2.1.0".into(),
        repository: "example/widgets".into(),
        ..ReleaseFacts::default()
    };
    Table::open(pack(&[(release, kinds)]).leak()).unwrap()
}

fn schema(schema: &Value) -> (Table, u32) {
    let table = table(vec![kind("v2", schema)]);
    let number = table.kinds().next().unwrap().schema().number();
    (table, number)
}

#[test]
fn a_schema_reads_as_it_was_packed() {
    let (table, node) = schema(&json!({
        "type": "object",
        "description": "never kept",
        "required": ["size", "absent"],
        "minProperties": 1,
        "properties": {
            "size": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 9.5, "exclusiveMaximum": true, "multipleOf": 3},
            "name": {"type": "string", "minLength": 2, "maxLength": 63, "pattern": "^a", "default": "abc", "enum": ["abc", "a\"b"]},
            "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            "tags": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key", "value"],
                     "minItems": 1, "maxItems": 4, "nullable": true,
                     "items": {"type": "object", "additionalProperties": {"type": "string"},
                               "x-kubernetes-validations": [{"rule": "self.size() > 0", "message": "never kept", "fieldPath": ".key"}]}},
            "any": {"x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-embedded-resource": true,
                    "not": {"type": "string"}, "default": {"b": [1, -2, 1.5, true, null], "a": u64::MAX}},
        },
    }));
    let root = Schema::new(&table, node);
    assert_eq!((root.ty(), root.property_count(), root.required_count()), (Type::Object, 5, 1));
    assert_eq!(root.required().collect::<Vec<_>>(), ["size", "absent"]);
    assert_eq!(root.checks().min_properties(), Some(1));
    assert_eq!(root.properties().map(|(name, _)| name).collect::<Vec<_>>(), ["any", "name", "port", "size", "tags"]);
    assert!(root.has_rules_within() && !root.has_rules() && root.has_child_defaults());
    assert!(root.property("description").is_none() && root.property("key").is_none());

    let size = root.property("size").unwrap();
    assert!(size.required && size.schema.has_checks());
    let checks = size.schema.checks();
    assert_eq!((checks.minimum(), checks.maximum(), checks.multiple_of()), (Some(1.0), Some(9.5), Some(3.0)));
    assert_eq!((checks.exclusive_minimum(), checks.exclusive_maximum()), (false, true));
    assert_eq!(checks.format(), Some("int32"));

    let name = root.property("name").unwrap().schema;
    assert_eq!((name.checks().min_length(), name.checks().max_length()), (Some(2), Some(63)));
    assert_eq!(name.checks().pattern(), Some(Pattern { number: 0, text: "^a" }));
    assert_eq!(name.default(), Some(Json::Str("abc")));
    assert_eq!(name.checks().enumeration().unwrap().collect::<Vec<_>>(), [Json::Str("abc"), Json::Str("a\"b")]);

    let port = root.property("port").unwrap().schema;
    assert_eq!((port.ty(), port.is_composed(), port.has_checks()), (Type::IntOrString, false, false));

    let tags = root.property("tags").unwrap().schema;
    assert_eq!((tags.ty(), tags.list_type(), tags.nullable()), (Type::Array, ListType::Map, true));
    assert_eq!(tags.list_map_keys().collect::<Vec<_>>(), ["key", "value"]);
    assert_eq!((tags.checks().min_items(), tags.checks().max_items()), (Some(1), Some(4)));
    let item = tags.items().unwrap();
    assert!(matches!(item.additional(), Additional::Schema(text) if text.ty() == Type::String));
    let rule = item.rules().next().unwrap();
    assert_eq!((rule.number, rule.rule, rule.field_path, rule.reason), (0, "self.size() > 0", Some(".key"), None));

    let any = root.property("any").unwrap().schema;
    assert!(any.preserve_unknown() && any.embedded_resource() && any.is_composed());
    assert_eq!(any.not().unwrap().ty(), Type::String);
    assert_eq!(any.default().unwrap().to_json(), json!({"a": u64::MAX, "b": [1, -2, 1.5, true, null]}));
}

#[test]
fn wide_mappings_find_each_property_and_no_other() {
    let names: Vec<String> = (0..200).map(|number| format!("{}property{number}", "long".repeat(number % 7))).collect();
    let properties: Value =
        names.iter().map(|name| (name.clone(), json!({"type": "string", "maxLength": name.len()}))).collect();
    let (table, node) = schema(&json!({"type": "object", "properties": properties}));
    let root = Schema::new(&table, node);
    for name in &names {
        assert_eq!(root.property(name).unwrap().schema.checks().max_length(), Some(name.len() as u32));
        assert!(root.property(&format!("{name}x")).is_none());
    }
    assert!(root.property("").is_none());
}

#[test]
fn kinds_are_found_with_all_their_versions() {
    let table = table(vec![kind("v2", &json!({"type": "object"})), kind("v1", &json!({"type": "object"}))]);
    let versions: Vec<_> =
        table.kind("example.org", "Widget").map(|kind| (kind.version(), kind.deprecated())).collect();
    assert_eq!(versions, [("v1", true), ("v2", false)]);
    assert_eq!(table.kind("example.org", "widget").len(), 0);
    assert_eq!(table.kind("example.net", "Widget").len(), 0);
    assert!(table.knows_group("example.org") && !table.knows_group("Widget"));
    let widget = table.kind("example.org", "Widget").next().unwrap();
    assert_eq!((widget.scope(), widget.plural(), widget.release().provider()), (Scope::Cluster, "widgets", "example"));
    let same: Vec<_> = table.kinds().map(Kind::schema).collect();
    assert_eq!(same[0], same[1], "equal schemas are one node");
}

#[test]
fn damaged_bytes_never_panic() {
    let mut bytes =
        pack(&[(ReleaseFacts::default(), vec![kind("v1", &json!({"type": "object", "properties": {"a": {}}}))])]);
    for at in 4..bytes.len() {
        bytes[at] ^= 0x55;
        if let Some(table) = Table::open(bytes.clone().leak()) {
            for kind in table.kinds().take(3) {
                let _ = (kind.group(), kind.schema().property("a"), kind.schema().required().next());
            }
        }
        bytes[at] ^= 0x55;
    }
    assert!(Table::open(b"short").is_none());
}
