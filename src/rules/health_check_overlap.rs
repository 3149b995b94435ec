//! Machines that two MachineHealthChecks watch.

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
        let mut told: Vec<(u32, u32)> = Vec::new();
        for source in cluster.machine_sources() {
            let labels = source.labels(cluster);
            let mut watching = checks.iter().filter(|(_, selector)| selector.matches(&labels));
            let Some((first, _)) = watching.next() else { continue };
            for (second, _) in watching {
                let Some(value) = second.at(&["spec", "selector"]) else { continue };
                if told.contains(&(first.number, second.number)) {
                    continue;
                }
                told.push((first.number, second.number));
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
