//! Labels that name another cluster than the object belongs to.

use super::view::View;
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL};
use crate::report::Finding;

crate::rule! {
    /// The label `cluster.x-k8s.io/cluster-name` names another cluster than `spec.clusterName`.
    ///
    /// Cluster API overwrites the label, so tools that read the manifests see another cluster than those that read the server.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// metadata:
    ///   labels: {cluster.x-k8s.io/cluster-name: staging}
    /// spec:
    ///   clusterName: prod
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave the label out, or give it the cluster's name.
    pub CLUSTER_LABEL_MISMATCH = "cluster-label-mismatch", Warning, Controller;
}

/// Compares label and field of core objects, and of their templates.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for object in view.of_kinds(|group, kind| group == CLUSTER_GROUP && !matches!(kind, "Cluster" | "ClusterClass")) {
        let Some(cluster) = object.at(&["spec", "clusterName"]).and_then(|value| value.as_str()) else { continue };
        for path in [
            &["metadata", "labels", CLUSTER_NAME_LABEL][..],
            &["spec", "template", "metadata", "labels", CLUSTER_NAME_LABEL],
            &["spec", "selector", "matchLabels", CLUSTER_NAME_LABEL],
        ] {
            let Some(label) = object.at(path) else { continue };
            let Some(text) = label.as_str().filter(|text| *text != cluster) else { continue };
            // A health check whose selector names another cluster is refused: that is for `admission`.
            if object.kind == "MachineHealthCheck" && path.contains(&"selector") {
                continue;
            }
            let message = format!(
                "the label says cluster '{text}', spec.clusterName says '{cluster}': Cluster API overwrites the label with '{cluster}'"
            );
            out.push(
                object
                    .finding(&CLUSTER_LABEL_MISMATCH, label, message)
                    .suggest(format!("{CLUSTER_NAME_LABEL}: {cluster}")),
            );
        }
    }
}
