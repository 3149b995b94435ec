//! CRDs and OpenAPI documents into facts.
//!
//! What comes in is what a person has at hand: a CRD, a file of several, `kubectl get crd -o json|yaml` (a `kind: List`), or
//! facts that were imported before. This module reads values, not files, and takes over no text of upstream.

use serde_json::Value as Json;

use super::facts::{Facts, FactsError, KindFacts, Scope, Type};

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

/// The kinds of one document. A document that is no CRD and no list of CRDs gives none.
pub fn document(document: &Json) -> Result<Vec<KindFacts>, ImportError> {
    let kind = document.get("kind").and_then(Json::as_str).unwrap_or_default();
    let api_version = document.get("apiVersion").and_then(Json::as_str).unwrap_or_default();
    match (api_version, kind) {
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => crd(document),
        ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition") => Err(ImportError {
            crd: crd_name(document),
            problem:
                "apiextensions.k8s.io/v1beta1 was removed in Kubernetes 1.22; give the CRD as apiextensions.k8s.io/v1"
                    .into(),
        }),
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
    use serde_json::json;

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
        let mut bare = widget();
        bare.as_object_mut().unwrap().retain(|key, _| key == "spec" || key == "metadata");
        let list =
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinitionList", "items": [bare]});
        assert_eq!(document(&list).unwrap().len(), 2);
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
        crd["apiVersion"] = json!("apiextensions.k8s.io/v1beta1");
        assert!(document(&crd).unwrap_err().to_string().contains("removed in Kubernetes 1.22"));
        crd["apiVersion"] = json!("v1");
        assert_eq!(document(&crd), Ok(vec![]));
    }
}
