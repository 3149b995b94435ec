//! Which clusters exist besides those of the release: Cluster objects, contexts of kubeconfig files, Argo CD's cluster Secrets,
//! and the objects under which the other layers know a cluster.
//!
//! Only what names and reaches a cluster is kept; certificates, tokens and passwords are not read.

pub mod contexts;
pub mod kubeconfig;

use std::collections::BTreeMap;

use crate::base64;
use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;
use crate::stream::StreamDocument;
use crate::yaml::{PerForm, Value};
use kubeconfig::Kubeconfig;

/// The label of the Secrets in which Argo CD keeps its clusters.
pub const ARGO_SECRET_LABEL: &str = "argocd.argoproj.io/secret-type";

/// By what a cluster is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Cluster API's Cluster, or an object from which one is made (Rancher's).
    Capi,
    /// A context of a kubeconfig.
    Context,
    /// A Secret of Argo CD.
    Argo,
    /// KubeFed's KubeFedCluster.
    KubeFed,
    /// Rancher Fleet's Cluster.
    Fleet,
    /// Karmada's Cluster.
    Karmada,
    /// Open Cluster Management's ManagedCluster.
    Ocm,
    /// Sveltos' SveltosCluster.
    Sveltos,
}

/// A cluster as somebody knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// By what.
    pub origin: Origin,
    /// The namespace of the object; empty for what has none.
    pub namespace: String,
    /// The name by which that layer calls it.
    pub name: String,
    /// The labels by which that layer selects it.
    pub labels: BTreeMap<String, String>,
    /// The URL of its API server, where it is said.
    pub server: Option<String>,
}

/// All that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// In order of appearance.
    pub entries: Vec<Entry>,
    /// The kubeconfig files among the sources.
    pub kubeconfigs: Vec<Kubeconfig>,
}

impl Inventory {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether any cluster is known by this origin.
    pub fn has(&self, origin: Origin) -> bool {
        self.of(origin).next().is_some()
    }

    /// The clusters known by an origin.
    pub fn of(&self, origin: Origin) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.origin == origin)
    }

    /// Adds the clusters that objects speak of, and those of kubeconfig files.
    pub fn add(&mut self, release: &Release<'_>) {
        let objects = release.objects.iter().filter(|object| !release.twins().is_copy(object.number));
        self.entries.extend(objects.filter_map(|object| entry(release, object)));
        // Keys are the same in all documents of a form.
        let mut forms = PerForm::default();
        for stream in release.streams {
            for document in stream.documents.iter().filter_map(StreamDocument::parsed) {
                let Some(root) = document.root() else { continue };
                if *forms.get(document, || Kubeconfig::may_be(root))
                    && let Some(config) = Kubeconfig::read(&stream.name, root)
                {
                    self.add_kubeconfig(config);
                }
            }
        }
    }

    fn add_kubeconfig(&mut self, config: Kubeconfig) {
        for context in &config.contexts {
            let server = config.endpoint(&context.cluster).map(|endpoint| endpoint.server.clone());
            let names = [&context.name, &context.cluster];
            for name in names.into_iter().take(if context.name == context.cluster { 1 } else { 2 }) {
                self.entries.push(Entry {
                    origin: Origin::Context,
                    namespace: String::new(),
                    name: name.clone(),
                    labels: BTreeMap::new(),
                    server: server.clone(),
                });
            }
        }
        self.kubeconfigs.push(config);
    }
}

/// The cluster that an object stands for.
fn entry(release: &Release<'_>, object: &Object<'_>) -> Option<Entry> {
    let (origin, name, server) = match (object.group(), &*object.kind) {
        (CLUSTER_GROUP, "Cluster") => (Origin::Capi, object.name.to_string(), endpoint(object)),
        ("provisioning.cattle.io", "Cluster") => (Origin::Capi, object.name.to_string(), None),
        ("", "Secret") if object.label(ARGO_SECRET_LABEL).as_deref() == Some("cluster") => {
            (Origin::Argo, secret_text(object, "name")?, secret_text(object, "server"))
        }
        ("core.kubefed.io", "KubeFedCluster") => {
            (Origin::KubeFed, object.name.to_string(), text(object, &["spec", "apiEndpoint"]))
        }
        ("fleet.cattle.io", "Cluster") => (Origin::Fleet, object.name.to_string(), None),
        ("cluster.karmada.io", "Cluster") => {
            (Origin::Karmada, object.name.to_string(), text(object, &["spec", "apiEndpoint"]))
        }
        ("cluster.open-cluster-management.io", "ManagedCluster") => (Origin::Ocm, object.name.to_string(), None),
        ("lib.projectsveltos.io", "SveltosCluster") => (Origin::Sveltos, object.name.to_string(), None),
        _ => return None,
    };
    let labels = object.at(&["metadata", "labels"]);
    let labels = labels
        .iter()
        .flat_map(Value::entries)
        .filter_map(|label| Some((label.key()?.into_owned(), label.as_str()?.into_owned())));
    Some(Entry { origin, namespace: release.namespace_of(object).to_owned(), name, labels: labels.collect(), server })
}

fn text(object: &Object<'_>, keys: &[&str]) -> Option<String> {
    Some(object.below(keys)?.as_str()?.into_owned())
}

/// `https://host:port` of a Cluster whose endpoint is stated.
fn endpoint(object: &Object<'_>) -> Option<String> {
    let endpoint = object.at(&["spec", "controlPlaneEndpoint"])?;
    let host = endpoint.get("host")?.as_str().filter(|host| !host.is_empty())?;
    let port = endpoint.get("port").and_then(|port| port.as_i64()).filter(|port| *port > 0).unwrap_or(6443);
    Some(format!("https://{host}:{port}"))
}

/// A name or URL in a Secret. Only these two are ever read.
fn secret_text(object: &Object<'_>, key: &str) -> Option<String> {
    if let Some(plain) = text(object, &["stringData", key]) {
        return Some(plain);
    }
    String::from_utf8(base64::decode(text(object, &["data", key])?.as_bytes())?).ok()
}
