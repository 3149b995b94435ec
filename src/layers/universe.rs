//! Which clusters there are, as each layer knows them: the release's own, and those of the inventory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::{Fate, Layer};
use crate::inventory::{Entry, Inventory, Origin};
use crate::rules::view::{Labels, Selector, View};

/// The clusters that anybody speaks of.
#[derive(Debug, Default)]
pub struct Universe {
    known: Inventory,
    /// For each entry: the Cluster of the release that it stands for.
    capi: Vec<Option<usize>>,
    by_name: FxHashMap<String, Vec<usize>>,
    /// By what clusters are known.
    origins: BTreeSet<Origin>,
    /// Whether the user said with an inventory what there is.
    pub is_stated: bool,
}

/// What a search gave.
#[derive(Clone, Debug)]
pub struct Found {
    /// What came of it.
    pub fate: Fate,
    /// Clusters of the release.
    pub clusters: Vec<usize>,
    /// Names, as the layer has them.
    pub names: Vec<String>,
}

impl Found {
    /// Manifests alone do not tell.
    pub fn unknown() -> Self {
        Self { fate: Fate::Unknown, clusters: Vec::new(), names: Vec::new() }
    }

    /// The cluster that the layer runs in.
    pub fn home() -> Self {
        Self { fate: Fate::Home, clusters: Vec::new(), names: Vec::new() }
    }

    /// Nobody.
    pub fn nobody() -> Self {
        Self { fate: Fate::Nobody, clusters: Vec::new(), names: Vec::new() }
    }
}

impl Universe {
    /// The clusters of a release, and of the inventory in the settings.
    pub fn new(view: &View<'_, '_>) -> Self {
        let mut known = view.settings.known_clusters.clone();
        let is_stated = !known.is_empty();
        known.add(view.release);
        let mut capi_names: FxHashMap<(&str, &str), usize> = FxHashMap::default();
        let mut capi_alone: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (number, cluster) in view.clusters.iter().enumerate() {
            if cluster.object.is_some() {
                capi_names.insert((&cluster.cluster.namespace, &cluster.cluster.name), number);
                capi_alone.entry(&cluster.cluster.name).or_default().push(number);
            }
        }
        let servers: FxHashMap<String, usize> = view
            .clusters
            .iter()
            .enumerate()
            .filter_map(|(number, cluster)| {
                let endpoint = cluster.object?.at(&["spec", "controlPlaneEndpoint"])?;
                let host = endpoint.get("host")?.as_str().filter(|host| !host.is_empty())?.into_owned();
                Some((host, number))
            })
            .collect();
        let capi = known.entries.iter().map(|entry| {
            let exact = capi_names.get(&(entry.namespace.as_str(), entry.name.as_str())).copied();
            if matches!(entry.origin, Origin::Capi | Origin::Fleet) {
                return exact;
            }
            // Other layers call it by its name, with the namespace before it where two bear the same.
            let alone = || capi_alone.get(entry.name.as_str()).filter(|all| all.len() == 1).and_then(|all| all.first());
            let admin = || {
                let (_, cluster) = entry.name.rsplit_once('@')?;
                capi_alone.get(cluster).filter(|all| all.len() == 1).and_then(|all| all.first())
            };
            let prefixed = || {
                let stem = entry.name.strip_prefix("cluster-").unwrap_or(&entry.name);
                let with_namespace = capi_names.iter().find(|((namespace, name), _)| {
                    stem.strip_prefix(*namespace).and_then(|rest| rest.strip_prefix(['-', '.'])) == Some(name)
                });
                with_namespace.map(|(_, number)| number).or_else(|| capi_alone.get(stem)?.first())
            };
            let by_server = || servers.get(host(entry.server.as_deref()?));
            exact.or_else(|| alone().or_else(admin).or_else(prefixed).or_else(by_server).copied())
        });
        let capi: Vec<Option<usize>> = capi.collect();
        let mut by_name: FxHashMap<String, Vec<usize>> = FxHashMap::default();
        for (number, entry) in known.entries.iter().enumerate() {
            by_name.entry(entry.name.clone()).or_default().push(number);
        }
        let origins = known.entries.iter().map(|entry| entry.origin).collect();
        Self { known, capi, by_name, origins, is_stated }
    }

    /// Whether anything is known at all.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// All names, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Whether a layer's own objects for clusters are here, so that their names and labels count and no others.
    pub fn has(&self, origin: Origin) -> bool {
        self.origins.contains(&origin)
    }

    fn found(&self, entries: &[usize]) -> Found {
        if entries.is_empty() {
            return Found::nobody();
        }
        let mut names: Vec<String> = entries
            .iter()
            .filter_map(|number| self.known.entries.get(*number))
            .map(|entry| entry.name.clone())
            .collect();
        names.sort_unstable();
        names.dedup();
        let clusters = entries.iter().filter_map(|number| self.capi.get(*number).copied().flatten()).collect();
        Found { fate: Fate::Found, clusters, names }
    }

    /// A cluster by name. Where the layer's own objects are here they decide; else every name that anybody knows counts, since
    /// clusters are registered under their own names as a rule.
    pub fn named(&self, layer: Layer, namespace: Option<&str>, name: &str) -> Found {
        if self.is_empty() {
            return Found::unknown();
        }
        let all = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let own = origin(layer).filter(|origin| self.has(*origin));
        let fits = |number: &&usize| {
            self.known.entries.get(**number).is_some_and(|entry| {
                let of_layer = own.is_none_or(|own| entry.origin == own || entry.origin == Origin::Capi);
                // A namespace that nobody states may be any.
                let there = namespace.is_none_or(|namespace| {
                    namespace.is_empty() || entry.namespace.is_empty() || entry.namespace == namespace
                });
                of_layer && there
            })
        };
        let entries: Vec<usize> = all.iter().filter(fits).copied().collect();
        if entries.is_empty() && layer == Layer::Argo {
            return self.by_derived_name(name);
        }
        self.found(&entries)
    }

    /// Operators that make Argo CD's Secrets from Clusters may put `cluster-` or the namespace before the name.
    fn by_derived_name(&self, name: &str) -> Found {
        let stem = name.strip_prefix("cluster-").unwrap_or(name);
        let entries: Vec<usize> = self
            .known
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.origin == Origin::Capi)
            .filter(|(_, entry)| {
                let prefixed = stem.strip_prefix(entry.namespace.as_str()).and_then(|rest| rest.strip_prefix('-'));
                entry.name == stem || prefixed == Some(entry.name.as_str())
            })
            .map(|(number, _)| number)
            .collect();
        self.found(&entries)
    }

    /// A cluster by the URL of its API server; unknown where no URL is known, or not every cluster has one.
    pub fn at_server(&self, url: &str) -> Found {
        let entries: Vec<usize> = self
            .known
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.server.as_deref().is_some_and(|server| same_server(server, url)))
            .map(|(number, _)| number)
            .collect();
        let complete = self.has(Origin::Argo) || self.is_stated && self.has(Origin::Context);
        if entries.is_empty() && !complete { Found::unknown() } else { self.found(&entries) }
    }

    /// Clusters by label, as a layer sees them; in a namespace where the layer looks no further.
    pub fn selected(&self, layer: Layer, namespace: Option<&str>, selector: &Selector<'_>) -> Found {
        let own = origin(layer).filter(|origin| self.has(*origin));
        let fits = |entry: &Entry| {
            let seen = match own {
                Some(Origin::Sveltos) => matches!(entry.origin, Origin::Sveltos | Origin::Capi),
                Some(own) => entry.origin == own,
                None => entry.origin == Origin::Capi,
            };
            let there = namespace.is_none_or(|namespace| {
                namespace.is_empty() || entry.namespace.is_empty() || entry.namespace == namespace
            });
            seen && there && selector.matches(&borrowed(&entry.labels))
        };
        let entries: Vec<usize> =
            self.known.entries.iter().enumerate().filter(|(_, entry)| fits(entry)).map(|(number, _)| number).collect();
        // Labels of a layer's own objects are not those of the Cluster, unless the layer looks at the Cluster itself.
        let can_tell = own.is_some() || matches!(layer, Layer::Sveltos | Layer::Addons) && !self.is_empty();
        if entries.is_empty() && !can_tell { Found::unknown() } else { self.found(&entries) }
    }

    /// The labels that clusters carry, for suggestions: of one key, the values in use.
    pub fn values_of(&self, key: &str) -> Vec<&str> {
        let mut values: Vec<&str> =
            self.known.entries.iter().filter_map(|entry| entry.labels.get(key)).map(String::as_str).collect();
        values.sort_unstable();
        values.dedup();
        values
    }
}

/// The objects under which a layer knows its clusters.
fn origin(layer: Layer) -> Option<Origin> {
    match layer {
        Layer::Argo => Some(Origin::Argo),
        Layer::KubeFed => Some(Origin::KubeFed),
        Layer::Fleet => Some(Origin::Fleet),
        Layer::Karmada => Some(Origin::Karmada),
        Layer::Ocm => Some(Origin::Ocm),
        Layer::Sveltos => Some(Origin::Sveltos),
        Layer::Flux | Layer::Addons => None,
    }
}

fn borrowed(labels: &BTreeMap<String, String>) -> Labels<'_> {
    labels.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Cow::Borrowed(value.as_str()))).collect()
}

fn same_server(a: &str, b: &str) -> bool {
    let plain = |url: &str| url.trim_end_matches('/').to_lowercase();
    plain(a) == plain(b)
}

/// `192.0.2.1` of `https://192.0.2.1:6443`.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or(rest);
    rest.rsplit_once(':').map_or(rest, |(host, _)| host)
}
