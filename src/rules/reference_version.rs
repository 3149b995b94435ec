//! References by another version than the object's own.

use super::view::View;
use crate::report::Finding;

crate::rule! {
    /// A reference names another API version than the object it leads to.
    ///
    /// Up to v1.10 Cluster API asks the server for the version that the reference names, and fails once that version is no longer
    /// served; from v1.11 on it drops the version. Two versions of one kind in one release are mostly a migration that was left
    /// half done.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// infrastructureRef:
    ///   apiVersion: infrastructure.cluster.x-k8s.io/v1alpha4    # the object is written as v1beta1
    ///   kind: DockerCluster
    ///   name: demo
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the version of the object, or move to v1beta2, whose references name the group alone.
    pub REFERENCE_VERSION = "reference-version", Warning, Controller;
}

/// Compares versions along references.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for link in &view.links {
        let (Some(from), Some(version)) = (view.object(link.from), &link.version) else { continue };
        let Some(target) = link.target.and_then(|target| view.object(target)) else { continue };
        if target.version() == version {
            continue;
        }
        let Some(value) = link.value.get("apiVersion") else { continue };
        let message = format!(
            "the reference names {}/{version}, and the {} in this release is written as {}: one of them is behind",
            link.group,
            link.kind,
            target.version()
        );
        out.push(
            from.finding(&REFERENCE_VERSION, value, message).suggest(format!("apiVersion: {}", target.api_version)),
        );
    }
}
