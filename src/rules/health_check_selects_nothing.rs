//! MachineHealthChecks that watch no machine.

use super::view::{Labels, MachineSource, Selector, View};
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL};
use crate::report::Finding;

crate::rule! {
    /// A MachineHealthCheck whose selector fits no machine of its cluster.
    ///
    /// The server accepts it, and it watches nothing: broken machines stay broken.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineHealthCheck
    /// spec:
    ///   clusterName: demo
    ///   selector:
    ///     matchLabels: {nodepool: workers}    # no MachineDeployment has this label in spec.template.metadata.labels
    /// ```
    ///
    /// ## Fix
    ///
    /// Select `cluster.x-k8s.io/deployment-name: <deployment>` or `cluster.x-k8s.io/control-plane: ""`, or put the label into
    /// `spec.template.metadata.labels` of the deployment.
    pub HEALTH_CHECK_SELECTS_NOTHING = "health-check-selects-nothing", Warning, Controller;
}

/// Labels that controllers put on machines, with values that nobody can foresee.
const UNFORESEEN: &[&str] = &["cluster.x-k8s.io/set-name", "machine-template-hash", "pod-template-hash"];

/// Compares each health check with the machines of its cluster.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    if view.of_kind(CLUSTER_GROUP, "MachineHealthCheck").next().is_none() {
        return;
    }
    for cluster in &view.clusters {
        let mut checks =
            cluster.members.iter().filter(|object| object.is(CLUSTER_GROUP, "MachineHealthCheck")).peekable();
        if checks.peek().is_none() {
            continue;
        }
        let sources: Vec<_> = cluster.machine_sources().collect();
        let carried: Vec<Labels<'_>> = sources.iter().map(|source| source.labels(cluster)).collect();
        for object in checks {
            let Some(value) = object.at(&["spec", "selector"]) else { continue };
            let Some(selector) = Selector::read(value).filter(|selector| !selector.is_empty()) else { continue };
            if sources.is_empty()
                || cannot_tell(&selector, &sources, cluster.has_topology())
                || carried.iter().any(|labels| selector.matches(labels))
            {
                continue;
            }
            let message = format!(
                "the selector of MachineHealthCheck '{}' fits no machine of cluster '{}' in this release: it watches nothing",
                object.name, cluster.cluster.name
            );
            let labels = carried.iter().flatten().filter(|(key, _)| *key != CLUSTER_NAME_LABEL);
            let mut known: Vec<String> = labels.map(|(key, text)| format!("{key}: {text:?}")).collect();
            known.sort();
            known.dedup();
            known.truncate(6);
            out.push(
                object
                    .finding(&HEALTH_CHECK_SELECTS_NOTHING, value, message)
                    .suggest(format!("its machines carry {}", known.join(", "))),
            );
        }
    }
}

/// Whether labels may come from a class, or from a control plane that is not here.
fn cannot_tell(selector: &Selector<'_>, sources: &[MachineSource<'_, '_>], has_topology: bool) -> bool {
    let of_capi = |key: &str| key.split('/').next().is_some_and(|prefix| prefix.ends_with("cluster.x-k8s.io"));
    let has_plane = sources.iter().any(|source| source.part == super::view::Part::ControlPlane);
    selector.keys().any(|key| UNFORESEEN.contains(&key) || has_topology && !of_capi(key))
        || !has_plane && selector.keys().any(|key| key.starts_with("cluster.x-k8s.io/control-plane"))
}
