//! Kinds per cluster, machines expected per cluster, totals: what `capi-lint count` shows.

use indexmap::IndexMap;
use serde::Serialize;

use super::machines::{self, Machines};
use crate::release::{Membership, Release};

/// Kind to number, in order of first appearance.
pub type Kinds = IndexMap<String, usize>;

/// The counts of one release.
#[derive(Debug, Serialize)]
pub struct Count {
    /// Of the JSON shape.
    pub version: u32,
    /// In the order of the release.
    pub clusters: Vec<ClusterCount>,
    /// Reached by several clusters.
    pub shared: Kinds,
    /// Of no cluster.
    pub unassigned: Kinds,
    /// Helm hooks, which are no part of the release's objects.
    pub hooks: Kinds,
    /// Over everything but hooks.
    pub total: Total,
}

/// One cluster's counts.
#[derive(Debug, Serialize)]
pub struct ClusterCount {
    /// Empty where the objects name none and the run has no default.
    pub namespace: String,
    /// The cluster's name.
    pub name: String,
    /// Its objects by kind.
    pub kinds: Kinds,
    /// Their sum.
    pub objects: usize,
    /// Machines expected.
    pub machines: Machines,
    /// What layers above Cluster API put on it, as `Kind/name`; empty where nobody asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
}

/// The sums.
#[derive(Debug, Default, Serialize)]
pub struct Total {
    /// Clusters.
    pub clusters: usize,
    /// Objects, hooks aside.
    pub objects: usize,
    /// Machines expected.
    pub machines: u64,
}

/// Counts a release.
pub fn count(release: &Release<'_>) -> Count {
    let mut clusters: Vec<ClusterCount> = release
        .clusters
        .iter()
        .zip(machines::expected(release))
        .map(|(cluster, machines)| ClusterCount {
            namespace: cluster.namespace.to_string(),
            name: cluster.name.to_string(),
            kinds: Kinds::new(),
            objects: 0,
            machines,
            apps: Vec::new(),
        })
        .collect();
    let (mut shared, mut unassigned, mut hooks) = (Kinds::new(), Kinds::new(), Kinds::new());
    for (object, membership) in release.objects.iter().zip(release.membership()) {
        let kinds = match membership {
            _ if object.is_hook() => &mut hooks,
            Membership::Unassigned => &mut unassigned,
            Membership::Shared => &mut shared,
            Membership::One(cluster) => match clusters.get_mut(*cluster as usize) {
                Some(cluster) => {
                    cluster.objects += 1;
                    &mut cluster.kinds
                }
                None => &mut unassigned,
            },
        };
        // Most kinds are known already: no allocation for them.
        if let Some(count) = kinds.get_mut(&*object.kind) {
            *count += 1;
        } else {
            kinds.insert(object.kind.to_string(), 1);
        }
    }
    let total = Total {
        clusters: clusters.len(),
        objects: release.objects.len() - hooks.values().sum::<usize>(),
        machines: clusters.iter().map(|cluster| cluster.machines.total()).sum(),
    };
    Count { version: 1, clusters, shared, unassigned, hooks, total }
}

impl Count {
    /// All kinds in order of first appearance over the whole table: its columns.
    pub fn kinds(&self) -> Vec<&str> {
        let mut order: IndexMap<&str, ()> = IndexMap::new();
        let rows =
            self.clusters.iter().map(|cluster| &cluster.kinds).chain([&self.shared, &self.unassigned, &self.hooks]);
        rows.flat_map(|kinds| kinds.keys()).for_each(|kind| {
            order.insert(kind, ());
        });
        order.into_keys().collect()
    }

    /// How many objects of a kind there are, hooks aside.
    pub fn of_kind(&self, kind: &str) -> usize {
        let rows = self.clusters.iter().map(|cluster| &cluster.kinds).chain([&self.shared, &self.unassigned]);
        rows.filter_map(|kinds| kinds.get(kind)).sum()
    }
}
