//! kubeconfig files: contexts, and the clusters and users that they name. What a user or cluster holds to prove itself is not
//! read.

use crate::yaml::Value;

/// A kubeconfig file, as far as it says what can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubeconfig {
    /// Where it came from, as the user named it.
    pub file: String,
    /// `current-context`, where it is set.
    pub current: Option<String>,
    /// In order.
    pub contexts: Vec<Context>,
    /// In order.
    pub clusters: Vec<Endpoint>,
    /// Names of users, in order.
    pub users: Vec<String>,
}

/// A context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// The cluster that it names.
    pub cluster: String,
    /// The user that it names.
    pub user: String,
    /// The namespace that it sets.
    pub namespace: Option<String>,
}

/// A cluster of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// The URL of its API server.
    pub server: String,
    /// Whether anybody may pretend to be it.
    pub skips_verification: bool,
}

impl Kubeconfig {
    /// Whether the keys of a document are those of a kubeconfig.
    pub fn may_be(root: Value<'_>) -> bool {
        ["contexts", "clusters", "users"].iter().any(|key| root.get(key).is_some())
    }

    /// Reads a document; `None` where it is no kubeconfig. kubectl does not ask for `apiVersion` and `kind`.
    pub fn read(file: &str, root: Value<'_>) -> Option<Self> {
        let of_other_kind = |kind: Value<'_>| kind.as_str().is_some_and(|kind| !matches!(&*kind, "" | "Config"));
        if root.get("kind").is_some_and(of_other_kind) || !Self::may_be(root) {
            return None;
        }
        let items = |key: &str| root.get(key).map(|list| list.items().collect::<Vec<_>>()).unwrap_or_default();
        let contexts = items("contexts").into_iter().map(|item| {
            let inner = item.get("context").unwrap_or(item);
            Context {
                name: text(item, "name"),
                cluster: text(inner, "cluster"),
                user: text(inner, "user"),
                namespace: Some(text(inner, "namespace")).filter(|namespace| !namespace.is_empty()),
            }
        });
        let clusters = items("clusters").into_iter().map(|item| {
            let inner = item.get("cluster").unwrap_or(item);
            Endpoint {
                name: text(item, "name"),
                server: without_user(text(inner, "server")),
                skips_verification: inner.get("insecure-skip-tls-verify").and_then(|value| value.as_bool())
                    == Some(true),
            }
        });
        Some(Self {
            file: file.to_owned(),
            current: Some(text(root, "current-context")).filter(|name| !name.is_empty()),
            contexts: contexts.collect(),
            clusters: clusters.collect(),
            users: items("users").into_iter().map(|item| text(item, "name")).collect(),
        })
    }

    /// The cluster of a name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.clusters.iter().find(|cluster| cluster.name == name)
    }
}

/// A URL without the user and password that some write into it.
fn without_user(url: String) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{behind}"),
        None => url,
    }
}

fn text(value: Value<'_>, key: &str) -> String {
    value.get(key).and_then(|value| value.as_str()).unwrap_or_default().into_owned()
}
