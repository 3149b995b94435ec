//! Production without a backup.

use super::view::{Environment, View};
use crate::object::Object;
use crate::release::Membership;
use crate::report::Finding;
use crate::yaml::Value;

crate::rule! {
    /// A production cluster lies in a namespace that no Velero Schedule of the release saves.
    ///
    /// The Cluster and its machines are objects of the management cluster: when it is lost, so is the way to reach, upgrade and repair
    /// the cluster. A Schedule saves them if its `includedNamespaces` hold the Cluster's namespace, or if it belongs to the
    /// cluster itself (label `cluster.x-k8s.io/cluster-name`).
    ///
    /// Silent where the release holds no Schedule: then backups are somebody else's.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Schedule
    /// spec:
    ///   schedule: 0 3 * * *
    ///   template:
    ///     includedNamespaces: [fleet-dev]    # the production clusters lie in fleet-prod
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the namespace, or a Schedule for it.
    pub MISSING_BACKUP = "missing-backup", Info, Advice;
}

/// Compares production clusters with the schedules.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let schedules: Vec<&Object<'_>> = view.release.of_kind("velero.io", "Schedule").collect();
    if schedules.is_empty() {
        return;
    }
    for (number, cluster) in view.clusters.iter().enumerate() {
        let Some(object) = cluster.object.filter(|_| cluster.environment == Environment::Production) else { continue };
        let namespace = &*cluster.cluster.namespace;
        let is_saved = schedules.iter().any(|schedule| match view.release.membership().get(schedule.number as usize) {
            Some(Membership::One(of)) => *of as usize == number,
            _ => namespace.is_empty() || saves(schedule, namespace),
        });
        if !is_saved {
            let message = format!(
                "production cluster '{}' lies in namespace '{namespace}', which no Velero Schedule of this release saves",
                cluster.cluster.name
            );
            let value = object.at(&["metadata", "name"]).unwrap_or(object.root);
            out.push(
                object.finding(&MISSING_BACKUP, value, message).suggest(format!("includedNamespaces: [{namespace}]")),
            );
        }
    }
}

/// Whether a schedule saves a namespace.
fn saves(schedule: &Object<'_>, namespace: &str) -> bool {
    let list = |key: &str| -> Vec<String> {
        let list = schedule.below(&["spec", "template", key]);
        list.iter().flat_map(Value::items).filter_map(|value| Some(value.as_str()?.into_owned())).collect()
    };
    let (included, excluded) = (list("includedNamespaces"), list("excludedNamespaces"));
    let is_paused = schedule.at(&["spec", "paused"]).and_then(|value| value.as_bool()) == Some(true);
    let holds = |names: &[String]| names.iter().any(|name| name == namespace || name == "*");
    !is_paused && (included.is_empty() || holds(&included)) && !holds(&excluded)
}
