//! OpenAPI documents of API servers into facts: the kinds that Go code defines instead of CRDs.
//!
//! What such a document says is less than the server knows: names, types, `required`, a few enums. The rest is judged by Go
//! code. References are written out; one that refers back to itself (`JSONSchemaProps`) becomes "anything".

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::facts::{Facts, FactsError, KindFacts, Scope};
use super::import::with_identity;

/// One OpenAPI document: version 3 (`components.schemas`) or 2 (`definitions`).
#[derive(Clone, Copy, Debug)]
pub struct OpenApi<'a> {
    document: &'a Json,
    schemas: &'a Map<String, Json>,
}

/// How a kind is reached.
struct Route {
    plural: String,
    scope: Scope,
    status: bool,
}

type Key<'a> = (&'a str, &'a str, &'a str);

impl<'a> OpenApi<'a> {
    /// The view of a document; `None` where it holds no schemas.
    pub fn new(document: &'a Json) -> Option<Self> {
        let schemas = document.pointer("/components/schemas").or_else(|| document.get("definitions"))?.as_object()?;
        Some(Self { document, schemas })
    }

    /// The kinds that the document's paths lead to.
    pub fn kinds(self) -> Result<Vec<KindFacts>, FactsError> {
        let routes = self.routes();
        let mut kinds = Vec::new();
        for schema in self.schemas.values() {
            for key in keys(schema) {
                if let Some(route) = routes.get(&key).filter(|_| self.is_object(schema)) {
                    kinds.push(self.kind(key, &route.plural, route.scope, route.status, schema)?);
                }
            }
        }
        Ok(kinds)
    }

    /// One kind of a document without paths.
    pub fn kind_of(self, key: (&str, &str, &str), plural: &str, scope: Scope) -> Option<Result<KindFacts, FactsError>> {
        let schema = self.schemas.values().find(|schema| keys(schema).any(|found| found == key))?;
        Some(self.kind(key, plural, scope, true, schema))
    }

    fn kind(self, key: Key, plural: &str, scope: Scope, status: bool, schema: &Json) -> Result<KindFacts, FactsError> {
        let (group, version, kind) = key;
        Ok(KindFacts {
            group: group.into(),
            kind: kind.into(),
            plural: plural.into(),
            version: version.into(),
            scope,
            served: true,
            storage: true,
            deprecated: false,
            native: true,
            status_subresource: status,
            schema: with_identity(Facts::from_json(&self.written_out(schema, &mut Vec::new()))?),
        })
    }

    /// Lists and options of calls have no `ObjectMeta`.
    fn is_object(self, schema: &Json) -> bool {
        let metadata = schema.pointer("/properties/metadata");
        metadata.and_then(|metadata| self.target(metadata)).is_some_and(|(name, _)| name.ends_with(".ObjectMeta"))
    }

    /// The schema that a reference leads to: `$ref`, or an `allOf` with nothing but one.
    fn target(self, schema: &'a Json) -> Option<(&'a str, &'a Json)> {
        let one = schema.get("allOf").and_then(Json::as_array).filter(|all| all.len() == 1).and_then(|all| all.first());
        let reference = schema.get("$ref").or_else(|| one?.get("$ref"))?.as_str()?;
        let name = reference.rsplit('/').next()?;
        Some((name, self.schemas.get(name)?))
    }

    /// The schema with its references written out and Kubernetes' own notation for what Go decodes in its own way.
    fn written_out(self, schema: &Json, open: &mut Vec<String>) -> Json {
        let Some(keywords) = schema.as_object() else { return schema.clone() };
        let mut out = Map::new();
        if let Some((name, target)) = self.reborrow(schema) {
            if open.iter().any(|seen| seen == name) {
                return serde_json::json!({"x-kubernetes-preserve-unknown-fields": true});
            }
            open.push(name.to_owned());
            if let Json::Object(target) = self.written_out(target, open) {
                out = target;
            }
            open.pop();
            if name.ends_with(".Quantity") {
                out.insert("format".into(), "quantity".into());
            }
        }
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                ("$ref" | "allOf", _) => {}
                // The zero values of Go's types: absent and empty are one to it, and nothing is defaulted.
                ("default", value) if is_zero(value) => {}
                ("properties", Json::Object(properties)) => {
                    let properties =
                        properties.iter().map(|(name, value)| (name.clone(), self.written_out(value, open)));
                    out.insert(keyword.clone(), properties.collect());
                }
                ("items" | "additionalProperties", value) => {
                    out.insert(keyword.clone(), self.written_out(value, open));
                }
                (_, value) => {
                    out.insert(keyword.clone(), value.clone());
                }
            }
        }
        decoded_by_go(&mut out);
        Json::Object(out)
    }

    fn reborrow<'s>(self, schema: &'s Json) -> Option<(&'s str, &'s Json)>
    where
        'a: 's,
    {
        OpenApi::<'s> { document: self.document, schemas: self.schemas }.target(schema)
    }

    fn routes(self) -> BTreeMap<Key<'a>, Route> {
        let mut routes = BTreeMap::new();
        let paths = self.document.get("paths").and_then(Json::as_object);
        for (path, methods) in paths.into_iter().flatten() {
            let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
            let behind_version = if segments[0] == "api" { 2 } else { 3 };
            let (scope, plural) = match segments.get(behind_version..).unwrap_or_default() {
                [plural] => (Scope::Cluster, plural),
                ["namespaces", "{namespace}", plural] => (Scope::Namespaced, plural),
                _ => continue,
            };
            let called = methods.as_object().into_iter().flatten();
            let keys = called.filter_map(|(_, call)| key(call.get("x-kubernetes-group-version-kind")?));
            let status = paths.is_some_and(|paths| paths.contains_key(&format!("{path}/{{name}}/status")));
            for key in keys {
                let route = routes.entry(key).or_insert(Route { plural: (*plural).to_owned(), scope, status });
                // A namespaced kind can be listed over all namespaces too.
                if scope == Scope::Namespaced {
                    *route = Route { plural: (*plural).to_owned(), scope, status };
                }
            }
        }
        routes
    }
}

fn key(key: &Json) -> Option<Key<'_>> {
    let text = |name| key.get(name).and_then(Json::as_str);
    Some((text("group")?, text("version")?, text("kind")?))
}

fn keys(schema: &Json) -> impl Iterator<Item = Key<'_>> {
    let keys = schema.get("x-kubernetes-group-version-kind").and_then(Json::as_array);
    keys.into_iter().flatten().filter_map(key)
}

fn is_zero(value: &Json) -> bool {
    match value {
        Json::Bool(truth) => !truth,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

/// Int-or-string in Kubernetes' notation; objects of which nothing is said hold anything.
fn decoded_by_go(schema: &mut Map<String, Json>) {
    if schema.get("format").and_then(Json::as_str) == Some("int-or-string") {
        schema.retain(|keyword, _| keyword != "format" && keyword != "oneOf");
        schema.insert("x-kubernetes-int-or-string".into(), true.into());
    }
    let is_object = schema.get("type").is_none_or(|ty| ty == "object");
    let says_more = ["properties", "additionalProperties", "oneOf", "x-kubernetes-int-or-string"];
    if is_object && !says_more.iter().any(|keyword| schema.contains_key(*keyword)) {
        schema.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::facts::Type;
    use super::*;

    fn document() -> Json {
        let key = json!({"group": "example.org", "version": "v1", "kind": "Widget"});
        json!({
            "paths": {
                "/apis/example.org/v1/widgets": {"get": {"x-kubernetes-group-version-kind": key}},
                "/apis/example.org/v1/namespaces/{namespace}/widgets": {"post": {"x-kubernetes-group-version-kind": key}},
                "/apis/example.org/v1/namespaces/{namespace}/widgets/{name}/status": {},
            },
            "components": {"schemas": {
                "Widget": {"type": "object", "x-kubernetes-group-version-kind": [key], "properties": {
                    "metadata": {"allOf": [{"$ref": "#/components/schemas/meta.ObjectMeta"}], "default": {}},
                    "port": {"allOf": [{"$ref": "#/components/schemas/IntOrString"}]},
                    "tree": {"$ref": "#/components/schemas/Tree"},
                    "size": {"$ref": "#/components/schemas/api.Quantity"},
                }},
                "WidgetList": {"x-kubernetes-group-version-kind": [key], "properties": {"metadata": {"type": "object"}}},
                "meta.ObjectMeta": {"type": "object", "properties": {"name": {"type": "string", "default": ""}}},
                "IntOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
                "api.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
                "Tree": {"type": "object", "properties": {"leaf": {"type": "object"}, "tree": {"$ref": "#/components/schemas/Tree"}}},
            }},
        })
    }

    #[test]
    fn references_are_written_out_and_end_where_they_come_back() {
        let document = document();
        let kinds = OpenApi::new(&document).unwrap().kinds().unwrap();
        let [widget] = &kinds[..] else { panic!("{kinds:?}") };
        assert_eq!((widget.plural.as_str(), widget.scope, widget.native), ("widgets", Scope::Namespaced, true));
        assert!(widget.status_subresource);
        let property = |name: &str| &widget.schema.properties[name];
        assert_eq!(property("metadata").properties["name"].ty, Type::String);
        assert_eq!(property("metadata").properties["name"].default, None);
        assert_eq!(property("port").ty, Type::IntOrString);
        assert_eq!((property("size").one_of.len(), property("size").format.as_deref()), (2, Some("quantity")));
        let tree = property("tree");
        assert!(tree.properties["tree"].preserve_unknown && tree.properties["tree"].ty == Type::Any);
        assert!(tree.properties["leaf"].preserve_unknown);
    }
}
