//! What `clusterctl move` leaves behind.

use super::view::{Role, View};
use crate::object::CLUSTER_NAME_LABEL;
use crate::report::Finding;

crate::rule! {
    /// A Secret or ConfigMap that a cluster needs, and that `clusterctl move` does not take along.
    ///
    /// A move follows owner references. A Secret that objects only refer to by name stays behind, and the cluster cannot be managed
    /// from where it moved to.
    ///
    /// ## Example
    ///
    /// The Secret of an `identityRef`, without labels.
    ///
    /// ## Fix
    ///
    /// ```yaml
    /// metadata:
    ///   labels:
    ///     clusterctl.cluster.x-k8s.io/move: ""
    /// ```
    pub MOVE_LABEL = "move-label", Info, Advice;
}

const MOVE: &[&str] =
    &["clusterctl.cluster.x-k8s.io/move", "clusterctl.cluster.x-k8s.io/move-hierarchy", CLUSTER_NAME_LABEL];

/// Kinds whose controllers make themselves owners of what they refer to, so that it moves along.
const OWNERS: &[&str] = &["ClusterResourceSet", "VSphereCluster"];

/// Looks at the Secrets and ConfigMaps that are referred to.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for object in view.of_kinds(|group, kind| group.is_empty() && matches!(kind, "Secret" | "ConfigMap")) {
        let labels = object.at(&["metadata", "labels"]);
        let moves = labels.is_some_and(|labels| MOVE.iter().any(|key| labels.get(key).is_some()));
        let user = view
            .leading_to(object)
            .filter(|link| matches!(link.role, Role::Identity | Role::Data))
            .filter_map(|link| view.object(link.from))
            .find(|from| !OWNERS.contains(&&*from.kind));
        let (Some(user), false, Some(name)) = (user, moves, object.at(&["metadata", "name"])) else { continue };
        if object.is_hook() {
            continue;
        }
        let message = format!(
            "{} '{}' is needed by {} '{}', and clusterctl move leaves it behind",
            object.kind, object.name, user.kind, user.name
        );
        out.push(object.finding(&MOVE_LABEL, name, message).suggest("label clusterctl.cluster.x-k8s.io/move: \"\""));
    }
}
