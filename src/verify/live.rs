//! What `kubectl get … -o json` printed: one List, several of them one behind the other, single objects, or YAML.
//!
//! Secrets are looked at by name and label alone. Nothing here runs kubectl or waits.

use serde::de::IgnoredAny;

use crate::input::Source;
use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;

/// The type of the Secrets that Helm keeps its releases in.
const HELM_TYPE: &str = "helm.sh/release.v1";

/// Takes kubectl's output apart: each JSON document becomes a source of its own. Anything but JSON is read as YAML, whole.
///
/// # Errors
/// JSON that breaks off: a kubectl that was cut short must not pass for a cluster with fewer objects.
pub fn sources(name: &str, bytes: Vec<u8>) -> Result<Vec<Source>, String> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[')) {
        return Ok(vec![Source { name: name.to_owned(), bytes }]);
    }
    let mut sources = Vec::new();
    let mut documents = serde_json::Deserializer::from_slice(&bytes).into_iter::<IgnoredAny>();
    let mut from = 0;
    while let Some(document) = documents.next() {
        document.map_err(|error| format!("{name} is no complete JSON: {error}"))?;
        let to = documents.byte_offset();
        sources.push(Source { name: name.to_owned(), bytes: bytes.get(from..to).unwrap_or_default().to_vec() });
        from = to;
    }
    Ok(sources)
}

/// Which objects the live data would hold if they existed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Somebody's file: a kind that it does not hold was perhaps never asked for.
    Unknown,
    /// All kinds of the release were asked for.
    Asked,
}

/// A Secret, without what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it says of a Helm release, where it holds one.
    pub helm: Option<HelmRelease>,
}

/// A revision of a Helm release.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct HelmRelease {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// `deployed`, `failed`, `superseded`, `pending-upgrade`, ….
    pub status: String,
    /// Its number.
    pub revision: u64,
}

impl Secret {
    /// A Secret from its type and Helm's labels.
    pub fn new(namespace: &str, name: &str, kind: &str, labels: [&str; 3]) -> Self {
        let [release, status, revision] = labels;
        let helm = (kind == HELM_TYPE).then(|| HelmRelease {
            name: release.to_owned(),
            namespace: namespace.to_owned(),
            status: status.to_owned(),
            revision: revision.parse().unwrap_or(0),
        });
        Self { namespace: namespace.to_owned(), name: name.to_owned(), helm }
    }
}

/// What was found on the management cluster.
#[derive(Debug)]
pub struct Live<'r, 'a> {
    /// The objects.
    pub release: &'r Release<'a>,
    /// How much silence means.
    pub scope: Scope,
    /// The Secrets; `None` where nobody asked for them.
    pub secrets: Option<Vec<Secret>>,
}

impl<'r, 'a> Live<'r, 'a> {
    /// The objects of a file, and the Secrets among them.
    pub fn of_file(release: &'r Release<'a>) -> Self {
        let secrets: Vec<Secret> = release.of_kind("", "Secret").map(|object| secret(release, object)).collect();
        Self { release, scope: Scope::Unknown, secrets: (!secrets.is_empty()).then_some(secrets) }
    }

    /// Whether silence about this kind means that there is no such object.
    pub fn tells_of(&self, group: &str, kind: &str) -> bool {
        self.scope == Scope::Asked
            || (group, kind) == (CLUSTER_GROUP, "Cluster")
            || self.release.of_kind(group, kind).next().is_some()
    }
}

fn secret(release: &Release<'_>, object: &Object<'_>) -> Secret {
    let label = |key: &str| object.label(key).unwrap_or_default();
    let kind = object.at(&["type"]).and_then(|value| value.as_str()).unwrap_or_default();
    let labels = [&*label("name"), &*label("status"), &*label("version")].map(str::to_owned);
    let labels = [labels[0].as_str(), labels[1].as_str(), labels[2].as_str()];
    Secret::new(release.namespace_of(object), &object.name, &kind, labels)
}

/// The namespace in which objects without one were installed, as far as the live Clusters tell.
///
/// # Errors
/// Clusters of these names live in several namespaces.
pub fn namespace(expected: &Release<'_>, live: &Release<'_>) -> Result<Option<String>, String> {
    let is_open = |object: &&Object<'_>| object.namespace().is_none();
    let names: std::collections::HashSet<&str> =
        expected.of_kind(CLUSTER_GROUP, "Cluster").filter(is_open).map(|object| &*object.name).collect();
    let mut found: Vec<&str> = live
        .of_kind(CLUSTER_GROUP, "Cluster")
        .filter(|object| names.contains(&*object.name))
        .filter_map(|object| object.namespace())
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).to_owned())),
        several => Err(format!(
            "clusters of these names live in several namespaces ({}); say which with -n",
            several.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_documents_are_taken_apart_and_broken_ones_refused() {
        let parts = sources("live", b"{\"a\": \"}{\"}\n{\"b\": 1}\n".to_vec()).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1].bytes, b"\n{\"b\": 1}");
        assert!(sources("live", b"{\"items\": [".to_vec()).is_err());
        assert_eq!(sources("live", b"kind: List\n".to_vec()).unwrap().len(), 1);
    }

    #[test]
    fn secrets_of_helm_say_what_became_of_the_release() {
        let secret = Secret::new("dev", "sh.helm.release.v1.dev.v2", HELM_TYPE, ["dev", "failed", "2"]);
        assert_eq!(secret.helm.map(|helm| (helm.status, helm.revision)), Some(("failed".to_owned(), 2)));
        assert_eq!(Secret::new("dev", "one-kubeconfig", "Opaque", ["", "", ""]).helm, None);
    }
}
