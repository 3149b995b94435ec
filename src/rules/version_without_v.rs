//! Kubernetes versions without their `v`.

use super::view::{Version, View};
use crate::object::CLUSTER_GROUP;
use crate::report::Finding;

crate::rule! {
    /// A Kubernetes version without the leading `v`.
    ///
    /// Cluster API's webhooks put the `v` in where they run, so that what is stored differs from what the chart says, and every
    /// diff shows it. Where they do not run, machines wait for an image of that name and never come up.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// version: 1.34.0
    /// ```
    ///
    /// ## Fix
    ///
    /// ```yaml
    /// version: v1.34.0
    /// ```
    pub VERSION_WITHOUT_V = "version-without-v", Warning, Controller;
}

/// Looks at the versions of core objects and kubeadm control planes; other providers have forms of their own.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for object in view.of_kinds(|group, kind| path(group, kind).is_some()) {
        let Some(path) = path(object.group(), &object.kind) else { continue };
        let Some((value, text)) = object.at(path).and_then(|value| Some((value, value.as_str()?))) else { continue };
        if text.starts_with('v') || Version::parse(&text).is_none() || text.split('.').count() < 3 {
            continue;
        }
        let message = format!(
            "the version {text} has no leading v: the server stores v{text}, and without its webhook no machine comes up"
        );
        out.push(object.finding(&VERSION_WITHOUT_V, value, message).suggest(format!("version: v{text}")));
    }
}

/// Where a kind has its version.
fn path(group: &str, kind: &str) -> Option<&'static [&'static str]> {
    match (group, kind) {
        (CLUSTER_GROUP, "MachineDeployment" | "MachineSet" | "MachinePool") => {
            Some(&["spec", "template", "spec", "version"])
        }
        (CLUSTER_GROUP, "Cluster") => Some(&["spec", "topology", "version"]),
        (CLUSTER_GROUP, "Machine") | ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane") => {
            Some(&["spec", "version"])
        }
        _ => None,
    }
}
