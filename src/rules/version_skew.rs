//! Workers and their control plane at versions that do not go together.

use super::view::{ClusterView, MachineSource, Part, Version, View};
use crate::report::{Finding, Severity};

crate::rule! {
    /// Workers are newer than their control plane, or too old for it.
    ///
    /// Kubernetes takes kubelets of the control plane's minor version and of three minors below, never newer ones. The server
    /// accepts the objects; then the preflight checks of Cluster API hold the machines back for ever. With kubeadm, new workers can
    /// join only at the control plane's own minor: a MachineDeployment that is behind keeps its machines but gets no new ones
    /// (a **warning**, since that is how an upgrade looks on its way).
    ///
    /// ## Example
    ///
    /// A KubeadmControlPlane at `v1.33.2` and a MachineDeployment at `v1.34.0`.
    ///
    /// ## Fix
    ///
    /// Upgrade the control plane first, wait, then the workers. The annotation
    /// `machineset.cluster.x-k8s.io/skip-preflight-checks` switches the check off, and this rule down to a warning.
    pub VERSION_SKEW = "version-skew", Error, Controller;
}

/// Minors that a kubelet may be behind.
const OLDEST: i64 = 3;
const SKIP: &str = "machineset.cluster.x-k8s.io/skip-preflight-checks";

/// Compares the workers of each cluster with its control plane.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for cluster in &view.clusters {
        let Some(plane) = cluster.version().and_then(|(_, version)| version.as_str()) else { continue };
        for source in cluster.machine_sources().filter(|source| source.part != Part::ControlPlane) {
            out.extend(judge(cluster, &plane, &source));
        }
    }
}

fn judge(cluster: &ClusterView<'_, '_>, plane: &str, source: &MachineSource<'_, '_>) -> Option<Finding> {
    let value = source.version?;
    let worker = value.as_str()?;
    // Nearly always.
    if worker == plane {
        return None;
    }
    let (worker, plane) = (Version::parse(&worker)?, Version::parse(plane)?);
    let ahead = worker.minors_ahead_of(plane)?;
    let object = source.object;
    let skipped = object.annotation(SKIP).is_some_and(|checks| {
        checks.split(',').any(|check| matches!(check.trim(), "All" | "KubernetesVersionSkew" | "KubeadmVersionSkew"))
    });
    let held_back = matches!(&*object.kind, "MachineDeployment" | "MachineSet") && !skipped;
    let severity = if held_back { Severity::Error } else { Severity::Warning };
    let (severity, message, help) = if ahead > 0 {
        let message = format!(
            "the workers are at {worker}, newer than the control plane of '{}' at {plane}: Kubernetes does not support that, and \
             no machine is made until the control plane has caught up",
            cluster.cluster.name
        );
        (
            severity,
            message,
            format!("upgrade the control plane to {} first, or write version: {plane}", worker.minor_text()),
        )
    } else if -ahead > OLDEST {
        let message = format!(
            "the workers are at {worker}, {} minors behind the control plane of '{}' at {plane}: Kubernetes supports {OLDEST}, and \
             no machine is made",
            -ahead, cluster.cluster.name
        );
        (severity, message, format!("version: {plane}"))
    } else if ahead < 0 && !skipped && is_kubeadm(source) {
        let message = format!(
            "the workers are at {worker} and the control plane of '{}' at {plane}: with kubeadm no new worker can join until they \
             follow",
            cluster.cluster.name
        );
        (Severity::Warning, message, format!("version: {plane}, once the control plane is there"))
    } else {
        return None;
    };
    Some(object.finding(&VERSION_SKEW, value, message).severity(severity).suggest(help))
}

fn is_kubeadm(source: &MachineSource<'_, '_>) -> bool {
    let kind = source.object.at(&["spec", "template", "spec", "bootstrap", "configRef", "kind"]);
    kind.and_then(|kind| kind.as_str()).is_some_and(|kind| kind.starts_with("KubeadmConfig"))
}
