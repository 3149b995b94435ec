//! Objects of a cluster that is not there.

use super::view::{ClusterView, View};
use crate::report::{Finding, Severity};
use crate::text;

crate::rule! {
    /// Objects belong, by `spec.clusterName`, to a cluster that the release does not hold, though it holds others.
    ///
    /// The server accepts them. The controller looks for the Cluster, does not find it, and makes no machine.
    ///
    /// It is an **error** where the release holds a Cluster whose name differs by a letter or two.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// metadata: {name: app-prod}
    /// ---
    /// kind: MachineDeployment
    /// spec: {clusterName: app-prd}
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the Cluster's name.
    pub UNKNOWN_CLUSTER = "unknown-cluster", Warning, Controller;
}

/// Names compared at most, so that the rule stays linear where nothing fits.
const COMPARISONS: usize = 1_000_000;

/// Looks at the clusters that only others speak of.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let known: Vec<&ClusterView<'_, '_>> = view.clusters.iter().filter(|cluster| cluster.object.is_some()).collect();
    if known.is_empty() {
        return;
    }
    let mut left = COMPARISONS;
    for cluster in view.clusters.iter().filter(|cluster| cluster.object.is_none()) {
        let (name, namespace) = (&cluster.cluster.name, &cluster.cluster.namespace);
        if view.is_external("cluster.x-k8s.io", "Cluster", namespace, name) {
            continue;
        }
        let mut near = known
            .iter()
            .filter(|other| {
                left = left.saturating_sub(1);
                left > 0 && other.cluster.namespace == *namespace && !is_sibling(name, &other.cluster.name)
            })
            .filter_map(|other| Some((text::distance(name, &other.cluster.name, 2)?, &other.cluster.name)))
            .collect::<Vec<_>>();
        near.sort();
        let elsewhere = view.release.named(name).take(256).find(|object| object.is("cluster.x-k8s.io", "Cluster"));
        // Without a namespace an object lands where the release is installed, which may be the other one's.
        if elsewhere.is_some_and(|other| namespace.is_empty() || view.release.namespace_of(other).is_empty()) {
            continue;
        }
        for object in cluster.members.iter() {
            let Some(value) = object.at(&["spec", "clusterName"]) else { continue };
            let finding = if let Some((_, meant)) = near.first() {
                let message = format!(
                    "{} '{}' belongs to a cluster '{name}', which this release does not hold, but it holds '{meant}'",
                    object.kind, object.name
                );
                object
                    .finding(&UNKNOWN_CLUSTER, value, message)
                    .severity(Severity::Error)
                    .suggest(format!("clusterName: {meant}"))
            } else if let Some(other) = elsewhere {
                let message = format!(
                    "{} '{}' belongs to the cluster '{name}' of its own namespace, but that Cluster is in namespace '{}'",
                    object.kind,
                    object.name,
                    view.release.namespace_of(other)
                );
                let finding = object.finding(&UNKNOWN_CLUSTER, value, message).severity(Severity::Error);
                finding.suggest("put both into one namespace")
            } else {
                let message = format!(
                    "{} '{}' belongs to a cluster '{name}', which this release does not hold",
                    object.kind, object.name
                );
                object.finding(&UNKNOWN_CLUSTER, value, message).suggest(
                    "check the name; a Cluster that exists already goes into the settings: external: [{kind: Cluster, name: …}]",
                )
            };
            out.push(finding);
        }
    }
}

/// `app-1` and `app-2`: two clusters, not a slip of the finger.
fn is_sibling(a: &str, b: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    letters(a) == letters(b)
}
