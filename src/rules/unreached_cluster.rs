//! Clusters that were forgotten.

use std::collections::BTreeMap;

use super::view::View;
use crate::layers::{Fate, Layer, Role, Target};
use crate::report::Finding;

crate::rule! {
    /// No layer puts anything on a cluster, though all its peers get something.
    ///
    /// It comes up, and stays empty: somebody added a cluster to the fleet and forgot it in a list of names or a label. Peers are all
    /// clusters of the release, or those of the same environment; there must be at least three, and at most a tenth of them (at
    /// least one) may be left out.
    ///
    /// Silent where manifests do not tell whom some placement reaches (a git generator with the destination in the repository).
    ///
    /// ## Example
    ///
    /// Applications for `app-dev` and `app-staging`, and none for `app-prod`.
    ///
    /// ## Fix
    ///
    /// Place the applications there too; or an ignore with the reason why this cluster is to stay empty.
    pub UNREACHED_CLUSTER = "unreached-cluster", Warning, Advice;
}

/// Clusters from which on one can speak of peers.
const LEAST: usize = 3;

/// Compares clusters with their peers.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let layers = view.layers();
    // Cluster API's own add-ons bring the network: a cluster with nothing else is empty all the same.
    let places = |target: &&Target<'_, '_>| target.role == Role::Places && target.layer != Layer::Addons;
    let placing = || layers.targets.iter().filter(places);
    if placing().any(|target| target.fate == Fate::Unknown) || placing().all(|target| target.clusters.is_empty()) {
        return;
    }
    let mut reached = vec![false; view.clusters.len()];
    for number in placing().flat_map(|target| &target.clusters) {
        if let Some(slot) = reached.get_mut(*number) {
            *slot = true;
        }
    }
    let all: Vec<usize> = (0..view.clusters.len())
        .filter(|number| view.clusters.get(*number).is_some_and(|c| c.object.is_some()))
        .collect();
    if tell(view, &all, &reached, "the release", out) {
        return;
    }
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for number in &all {
        let environment = view.clusters.get(*number).and_then(|cluster| cluster.environment_name.as_deref());
        groups.entry(environment.unwrap_or_default()).or_default().push(*number);
    }
    for (environment, members) in groups.iter().filter(|(environment, _)| !environment.is_empty()) {
        tell(view, members, &reached, environment, out);
    }
}

/// Tells of the members that are left out; whether there were any to tell of.
fn tell(view: &View<'_, '_>, members: &[usize], reached: &[bool], group: &str, out: &mut Vec<Finding>) -> bool {
    let left: Vec<usize> = members.iter().copied().filter(|number| reached.get(*number) == Some(&false)).collect();
    if members.len() < LEAST || left.is_empty() || left.len() > (members.len() / 10).max(1) {
        return false;
    }
    for cluster in left.iter().filter_map(|number| view.clusters.get(*number)) {
        let Some(object) = cluster.object else { continue };
        let message = format!(
            "nothing is placed on cluster '{}', though all {} others of {group} get something",
            cluster.cluster.name,
            members.len() - left.len()
        );
        let finding =
            object.finding(&UNREACHED_CLUSTER, object.at(&["metadata", "name"]).unwrap_or(object.root), message);
        out.push(finding.suggest("place the applications there too, or ignore it with the reason"));
    }
    true
}
