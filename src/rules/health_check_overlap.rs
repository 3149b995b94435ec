//! Machines that two MachineHealthChecks watch.

use rustc_hash::FxHashSet;

use super::view::{Selector, View};
use crate::object::{CLUSTER_GROUP, Object};
use crate::report::Finding;

crate::rule! {
    /// Two MachineHealthChecks watch the same machines.
    ///
    /// Both count them against their own limits, and either may remove them: the limit that was to stop a cascade of removals
    /// holds no more.
    ///
    /// ## Example
    ///
    /// One health check for `cluster.x-k8s.io/cluster-name: demo`, another for one deployment of the same cluster.
    ///
    /// ## Fix
    ///
    /// Selectors that leave each other's machines out.
    pub HEALTH_CHECK_OVERLAP = "health-check-overlap", Warning, Controller;
}

/// Looks for machines that fit several health checks of their cluster.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    if view.of_kind(CLUSTER_GROUP, "MachineHealthCheck").next().is_none() {
        return;
    }
    let twins = view.release.twins();
    for cluster in &view.clusters {
        let checks: Vec<(&Object<'_>, Selector<'_>)> = cluster
            .members
            .iter()
            .filter(|object| object.is(CLUSTER_GROUP, "MachineHealthCheck"))
            .filter_map(|object| Some((*object, Selector::read(object.at(&["spec", "selector"])?)?)))
            .collect();
        if checks.len() < 2 {
            continue;
        }
        let (mut told, mut seen) = (FxHashSet::default(), FxHashSet::default());
        for source in cluster.machine_sources() {
            let labels = source.labels(cluster);
            let mut sorted: Vec<_> = labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            sorted.sort_unstable();
            if !seen.insert(sorted) {
                continue;
            }
            let mut watching = checks.iter().filter(|(_, selector)| selector.matches(&labels));
            let Some((first, _)) = watching.next() else { continue };
            // Where one stands twice, the server keeps one of the two.
            let is_same = |second: &Object<'_>| twins.first_of(second.number) == twins.first_of(first.number);
            for (second, _) in watching.filter(|(second, _)| !is_same(second)) {
                if !told.insert((first.number, second.number)) {
                    continue;
                }
                let Some(value) = second.at(&["spec", "selector"]) else { continue };
                let message = format!(
                    "MachineHealthChecks '{}' and '{}' both watch the machines of {} '{}': the limits of neither hold",
                    first.name, second.name, source.object.kind, source.object.name
                );
                out.push(second.finding(&HEALTH_CHECK_OVERLAP, value, message).suggest(
                    "let each select its own, by cluster.x-k8s.io/deployment-name or cluster.x-k8s.io/control-plane",
                ));
            }
        }
    }
}
