//! CRDs and `OpenAPI` documents into facts.
//!
//! What comes in is what a person has at hand: a CRD, a file of several, `kubectl get crd -o json|yaml` (a `kind: List`), or
//! facts that were imported before. This module reads values, not files, and takes over no text of upstream.

use serde_json::{Value as Json, json};

use super::facts::{Facts, FactsError, KindFacts, Scope, Type};
use crate::yaml::Value;

/// Why a document gave no facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// The CRD's name, where it has one.
    pub crd: String,
    /// What is wrong.
    pub problem: String,
}

impl std::fmt::Display for ImportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.crd.is_empty() { f.write_str(&self.problem) } else { write!(f, "{}: {}", self.crd, self.problem) }
    }
}

impl std::error::Error for ImportError {}

/// Whether a document may be worth a look: most documents among CRDs are others, and some are large.
pub fn may_hold_kinds(root: Value<'_>) -> bool {
    let kind = root.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default();
    root.is_seq()
        || ["CustomResourceDefinition", "CustomResourceDefinitionList", "List"].contains(&&*kind)
        || root.get("schema").is_some() && root.get("group").is_some()
}

/// The kinds of one document: a CRD, a list of them, facts. Another one gives none.
pub fn document(document: &Json) -> Result<Vec<KindFacts>, ImportError> {
    if let Some(items) = document.as_array() {
        let kinds: Result<Vec<_>, _> = items.iter().map(list_item).collect();
        return kinds.map(|kinds| kinds.into_iter().flatten().collect());
    }
    let kind = document.get("kind").and_then(Json::as_str).unwrap_or_default();
    let api_version = document.get("apiVersion").and_then(Json::as_str).unwrap_or_default();
    match (api_version, kind) {
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => crd(document),
        ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition") => crd(&as_v1(document)),
        ("v1", "List") | (_, "CustomResourceDefinitionList") => {
            let items = document.get("items").and_then(Json::as_array);
            let kinds: Result<Vec<_>, _> = items.into_iter().flatten().map(list_item).collect();
            kinds.map(|kinds| kinds.into_iter().flatten().collect())
        }
        ("", _) if document.get("schema").is_some() && document.get("group").is_some() => {
            let problem = |error: FactsError| ImportError { crd: kind.to_owned(), problem: error.to_string() };
            KindFacts::from_json(document).map(|kind| vec![kind]).map_err(problem)
        }
        _ => Ok(Vec::new()),
    }
}

/// The items of a `CustomResourceDefinitionList` carry no kind of their own.
fn list_item(item: &Json) -> Result<Vec<KindFacts>, ImportError> {
    if item.get("kind").is_none() && item.pointer("/spec/versions").is_some() { crd(item) } else { document(item) }
}

fn crd_name(crd: &Json) -> String {
    crd.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// A CRD of the first API version as the server would convert it: what stands beside the versions holds for each of them, and
/// nothing is pruned unless it says so.
fn as_v1(old: &Json) -> Json {
    let mut crd = old.clone();
    let Some(spec) = crd.get_mut("spec").and_then(Json::as_object_mut) else { return crd };
    let for_all = |name: &str| spec.get(name).filter(|value| !value.is_null()).cloned();
    let (schema, subresources) = (for_all("validation"), for_all("subresources"));
    let keeps_all = for_all("preserveUnknownFields") != Some(Json::Bool(false));
    let single = json!([{"name": for_all("version"), "served": true, "storage": true}]);
    spec.entry("scope").or_insert_with(|| "Namespaced".into());
    let versions = spec.entry("versions").or_insert(single);
    for version in versions.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
        if let Some(schema) = &schema {
            version.entry("schema").or_insert_with(|| schema.clone());
        }
        if let Some(subresources) = &subresources {
            version.entry("subresources").or_insert_with(|| subresources.clone());
        }
        if let Some(schema) = version.get_mut("schema").and_then(|schema| schema.get_mut("openAPIV3Schema")) {
            if keeps_all {
                keep_everything(schema);
            }
            // The root of an object is one, whether its schema says so or not.
            if let Some(root) = schema.as_object_mut() {
                root.entry("type").or_insert_with(|| "object".into());
            }
        }
    }
    crd
}

fn keep_everything(schema: &mut Json) {
    let Some(keywords) = schema.as_object_mut() else { return };
    if keywords.get("additionalProperties").is_none_or(|additional| !additional.is_object()) {
        keywords.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
    }
    for keyword in ["items", "additionalProperties"] {
        keywords.get_mut(keyword).into_iter().for_each(keep_everything);
    }
    let properties = keywords.get_mut("properties").and_then(Json::as_object_mut);
    properties.into_iter().flat_map(|map| map.values_mut()).for_each(keep_everything);
}

fn crd(crd: &Json) -> Result<Vec<KindFacts>, ImportError> {
    let fail = |problem: String| ImportError { crd: crd_name(crd), problem };
    let text = |pointer: &str| {
        let text = crd.pointer(pointer).and_then(Json::as_str);
        text.map(str::to_owned).ok_or_else(|| fail(format!("{} is missing", pointer[1..].replace('/', "."))))
    };
    let versions = crd.pointer("/spec/versions").and_then(Json::as_array);
    let versions = versions.ok_or_else(|| fail("spec.versions is missing".into()))?;
    let mut kinds = Vec::with_capacity(versions.len());
    for version in versions {
        let switch = |name: &str| version.get(name).and_then(Json::as_bool).unwrap_or_default();
        let name = version.get("name").and_then(Json::as_str).unwrap_or_default();
        let mut schema = match version.pointer("/schema/openAPIV3Schema") {
            Some(schema) => Facts::from_json(schema).map_err(|error| fail(format!("version {name}: {error}")))?,
            None => Facts { ty: Type::Object, preserve_unknown: true, ..Facts::default() },
        };
        if let Some(path) = version.pointer("/subresources/scale/specReplicasPath").and_then(Json::as_str) {
            bound_replicas(&mut schema, path);
        }
        kinds.push(KindFacts {
            group: text("/spec/group")?,
            kind: text("/spec/names/kind")?,
            plural: text("/spec/names/plural")?,
            version: name.to_owned(),
            scope: if text("/spec/scope")? == "Cluster" { Scope::Cluster } else { Scope::Namespaced },
            served: switch("served"),
            storage: switch("storage"),
            deprecated: switch("deprecated"),
            native: false,
            status_subresource: version.pointer("/subresources/status").is_some_and(Json::is_object),
            schema: with_identity(schema),
        });
    }
    Ok(kinds)
}

/// A scale subresource makes the server refuse a count of replicas that is negative or no `int32`, whatever the schema says.
fn bound_replicas(schema: &mut Facts, path: &str) {
    let keys = path.split('.').filter(|key| !key.is_empty());
    let Some(replicas) = keys.into_iter().try_fold(schema, |schema, key| schema.properties.get_mut(key)) else {
        return;
    };
    if replicas.ty == Type::Integer {
        let within = |bound: f64| bound.clamp(0.0, f64::from(i32::MAX));
        replicas.minimum = Some(within(replicas.minimum.unwrap_or_default()));
        replicas.format = Some("int32".into());
    }
}

/// Every object may say what it is, whether its schema names the fields or not.
pub(super) fn with_identity(mut schema: Facts) -> Facts {
    for (name, ty) in [("apiVersion", Type::String), ("kind", Type::String), ("metadata", Type::Object)] {
        schema.properties.entry(name.to_owned()).or_insert_with(|| Facts { ty, ..Facts::default() });
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widget() -> Json {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.org"},
            "spec": {
                "group": "example.org", "scope": "Cluster",
                "names": {"kind": "Widget", "plural": "widgets"},
                "versions": [
                    {"name": "v1", "served": false, "storage": false, "deprecated": true},
                    {"name": "v2", "served": true, "storage": true, "subresources": {"status": {}},
                     "schema": {"openAPIV3Schema": {"type": "object", "description": "prose", "properties": {"spec": {"type": "object"}}}}},
                ],
            },
        })
    }

    #[test]
    fn a_crd_gives_its_versions() {
        let kinds = document(&widget()).unwrap();
        let [v1, v2] = &kinds[..] else { panic!("{kinds:?}") };
        assert_eq!((v1.version.as_str(), v1.served, v1.deprecated, v1.scope), ("v1", false, true, Scope::Cluster));
        assert!(v1.schema.preserve_unknown, "a version without schema keeps everything");
        assert_eq!(v2.schema.properties.keys().collect::<Vec<_>>(), ["apiVersion", "kind", "metadata", "spec"]);
        assert!(v2.status_subresource && v2.storage && !v1.status_subresource);
    }

    #[test]
    fn lists_of_kubectl_are_read() {
        let list =
            json!({"apiVersion": "v1", "kind": "List", "items": [widget(), {"apiVersion": "v1", "kind": "Pod"}]});
        assert_eq!(document(&list).unwrap().len(), 2);
        assert_eq!(document(&json!([widget(), {"kind": "Pod"}])).unwrap().len(), 2);
        let mut bare = widget();
        bare.as_object_mut().unwrap().retain(|key, _| key == "spec" || key == "metadata");
        let list =
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinitionList", "items": [bare]});
        assert_eq!(document(&list).unwrap().len(), 2);
    }

    #[test]
    fn crds_of_the_first_version_are_read() {
        let mut old = widget();
        old["apiVersion"] = json!("apiextensions.k8s.io/v1beta1");
        old["spec"]["versions"] = json!([{"name": "v1", "served": true, "storage": true}]);
        old["spec"]["validation"] = json!({"openAPIV3Schema": {"properties": {"spec": {"type": "object"}}}});
        old["spec"]["subresources"] = json!({"status": {}});
        let kinds = document(&old).unwrap();
        let [v1] = &kinds[..] else { panic!("{kinds:?}") };
        assert!(v1.status_subresource && v1.schema.preserve_unknown && v1.schema.properties["spec"].preserve_unknown);
        old["spec"]["preserveUnknownFields"] = json!(false);
        assert!(!document(&old).unwrap()[0].schema.preserve_unknown);
        old["spec"].as_object_mut().unwrap().remove("versions");
        old["spec"]["version"] = json!("v2");
        assert_eq!(document(&old).unwrap()[0].version, "v2");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut crd = widget();
        crd["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["properties"]["spec"]["type"] = json!("map");
        let error = document(&crd).unwrap_err().to_string();
        assert_eq!(
            error,
            "widgets.example.org: version v2: properties.spec.type: expected object, array, string, integer, number or boolean"
        );
        crd["apiVersion"] = json!("v1");
        assert_eq!(document(&crd), Ok(vec![]));
    }
}
