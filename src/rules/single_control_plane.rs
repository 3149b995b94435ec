//! Production on one control plane machine.

use super::view::{Environment, View};
use crate::report::Finding;
use crate::yaml::Value;

crate::rule! {
    /// A cluster of production with a single control plane machine.
    ///
    /// When that machine goes, so does the API server, and with stacked etcd all of the cluster's state. Three machines carry on
    /// without one of them, and can be upgraded one by one.
    ///
    /// Production is what the label `environment` says, else a part of the cluster's name (`app-prod-eu`); both can be set under
    /// `environments`.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: KubeadmControlPlane
    /// spec:
    ///   replicas: 1
    /// ```
    ///
    /// ## Fix
    ///
    /// `replicas: 3`
    pub SINGLE_CONTROL_PLANE = "single-control-plane", Warning, Advice;
}

/// Looks at the control planes of production.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for cluster in view.clusters.iter().filter(|cluster| cluster.environment == Environment::Production) {
        let message = format!(
            "cluster '{}' is production and has a single control plane machine: without it there is no API server, and no etcd",
            cluster.cluster.name
        );
        let is_one = |value: &Value<'_>| value.as_i64() == Some(1);
        let of_topology = cluster.object.and_then(|object| {
            let replicas = object.at(&["spec", "topology", "controlPlane", "replicas"]).filter(is_one)?;
            Some(object.finding(&SINGLE_CONTROL_PLANE, replicas, message.clone()))
        });
        let of_plane = cluster.control_plane.and_then(|plane| {
            // Hosted control planes have no machines of their own.
            plane.at(&["spec", "machineTemplate"])?;
            match plane.at(&["spec", "replicas"]) {
                Some(replicas) if is_one(&replicas) => Some(plane.finding(&SINGLE_CONTROL_PLANE, replicas, message)),
                Some(_) => None,
                None => Some(plane.missing(&SINGLE_CONTROL_PLANE, &["spec", "replicas"], message)),
            }
        });
        out.extend(of_topology.or(of_plane).map(|finding| finding.suggest("replicas: 3")));
    }
}
