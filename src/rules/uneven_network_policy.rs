//! Network policies that some clusters lack.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::view::View;
use crate::layers::{Fate, Role};
use crate::release::Membership;
use crate::report::Finding;

crate::rule! {
    /// A cluster lacks a NetworkPolicy that all its peers have.
    ///
    /// Traffic that is closed everywhere else is open there. Looked at are NetworkPolicies that belong to a cluster (label
    /// `cluster.x-k8s.io/cluster-name`) and KubeFed's FederatedNetworkPolicies; policies are the same where their namespaces and
    /// names are. There must be at least three clusters, and at most a tenth of them (at least one) may lack it.
    ///
    /// ## Example
    ///
    /// FederatedNetworkPolicy `default-deny` with `placement.clusters` of `app-dev` and `app-staging`, and not `app-prod`.
    ///
    /// ## Fix
    ///
    /// Place the policy on all clusters: `placement: {clusterSelector: {}}`.
    pub UNEVEN_NETWORK_POLICY = "uneven-network-policy", Warning, Advice;
}

/// Clusters from which on one can speak of peers.
const LEAST: usize = 3;

/// Compares clusters by their policies.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut policies: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let key = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
    for policy in view.release.of_kind("networking.k8s.io", "NetworkPolicy") {
        if let Some(Membership::One(cluster)) = view.release.membership().get(policy.number as usize) {
            // Names often begin with the cluster's own.
            let cluster = *cluster as usize;
            let of = view.clusters.get(cluster).map_or("", |cluster| &*cluster.cluster.name);
            let name = policy.name.strip_prefix(of).map_or(&*policy.name, |rest| rest.trim_start_matches('-'));
            policies.entry(key("", name)).or_default().push(cluster);
        }
    }
    let mut open = false;
    for target in &view.layers().targets {
        if target.object.kind == "FederatedNetworkPolicy" && target.role == Role::Places {
            open |= target.fate == Fate::Unknown;
            let namespace = view.release.namespace_of(target.object);
            policies.entry(key(namespace, &target.object.name)).or_default().extend(&target.clusters);
        }
    }
    let all: Vec<usize> = (0..view.clusters.len())
        .filter(|number| view.clusters.get(*number).is_some_and(|c| c.object.is_some()))
        .collect();
    if open || all.len() < LEAST {
        return;
    }
    for ((_, policy), holders) in policies {
        let holders: FxHashSet<usize> = holders.into_iter().collect();
        let left: Vec<usize> = all.iter().copied().filter(|number| !holders.contains(number)).collect();
        if left.len() > (all.len() / 10).max(1) {
            continue;
        }
        for cluster in left.iter().filter_map(|number| view.clusters.get(*number)) {
            let Some(object) = cluster.object else { continue };
            let message = format!(
                "cluster '{}' lacks the NetworkPolicy '{policy}', which its {} peers have",
                cluster.cluster.name,
                all.len() - left.len()
            );
            let value = object.at(&["metadata", "name"]).unwrap_or(object.root);
            out.push(
                object.finding(&UNEVEN_NETWORK_POLICY, value, message).suggest("place the policy on all clusters"),
            );
        }
    }
}
