//! Replicas beside an autoscaler.

use super::view::View;
use crate::object::CLUSTER_GROUP;
use crate::report::Finding;

crate::rule! {
    /// `replicas` is set on something that the cluster autoscaler scales.
    ///
    /// Every upgrade of the release sets the number back, and the autoscaler sets it again: machines go and come with each
    /// deployment, whatever runs on them.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size: "2"
    ///     cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "9"
    /// spec:
    ///   replicas: 3
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave `replicas` out: Cluster API starts with the minimum and keeps what the autoscaler made of it.
    pub AUTOSCALED_REPLICAS = "autoscaled-replicas", Warning, Controller;
}

const MIN_SIZE: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size";
const MAX_SIZE: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size";

/// Looks at deployments, sets and pools. (Within a topology the webhook refuses it.)
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let scales = |group: &str, kind: &str| {
        group == CLUSTER_GROUP && matches!(kind, "MachineDeployment" | "MachineSet" | "MachinePool")
    };
    for object in view.of_kinds(scales) {
        let Some(annotations) = object.at(&["metadata", "annotations"]) else { continue };
        if annotations.get(MIN_SIZE).is_none() && annotations.get(MAX_SIZE).is_none() {
            continue;
        }
        let Some(replicas) = object.at(&["spec", "replicas"]).filter(|value| value.as_i64().is_some()) else {
            continue;
        };
        let message = format!(
            "{} '{}' is scaled by the autoscaler and sets replicas too: every upgrade of the release undoes what the autoscaler did",
            object.kind, object.name
        );
        out.push(object.finding(&AUTOSCALED_REPLICAS, replicas, message).suggest("leave replicas out"));
    }
}
