//! MachineDeployments that claim each other's machines.

use super::view::{Labels, Selector, View, labels};
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object};
use crate::report::Finding;

crate::rule! {
    /// The selector of one MachineDeployment fits the machines of another one of the same cluster.
    ///
    /// Each then takes the other's MachineSets and machines for its own where they have no owner: counts are wrong, and orphans
    /// are adopted by whoever comes first. Cluster API puts a label of its own in only where the selector is empty.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// selector:
    ///   matchLabels:
    ///     cluster.x-k8s.io/cluster-name: demo    # in both deployments, and nothing else
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave the selector empty (`selector: {}`), or add `cluster.x-k8s.io/deployment-name: <name>` to it and to the template's
    /// labels.
    pub OVERLAPPING_SELECTORS = "overlapping-selectors", Warning, Controller;
}

/// Compares the deployments of each cluster.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let twins = view.release.twins();
    for cluster in &view.clusters {
        let is_deployment =
            |object: &&Object<'_>| object.kind == "MachineDeployment" && object.group() == CLUSTER_GROUP;
        let deployments: Vec<&Object<'_>> = cluster.members.iter().copied().filter(is_deployment).collect();
        if deployments.len() < 2 {
            continue;
        }
        let carried: Vec<Labels<'_>> = deployments
            .iter()
            .map(|object| {
                let mut labels = labels(object.at(&["spec", "template", "metadata", "labels"]));
                labels.insert(CLUSTER_NAME_LABEL.into(), cluster.cluster.name.to_cow());
                labels
            })
            .collect();
        for object in &deployments {
            let Some(value) = object.at(&["spec", "selector"]) else { continue };
            let Some(selector) = Selector::read(value).filter(|selector| !selector.is_empty()) else { continue };
            let mut others = deployments.iter().zip(&carried);
            // Where one stands twice, the server keeps one of the two.
            let is_same = |other: &Object<'_>| twins.first_of(other.number) == twins.first_of(object.number);
            let claimed = others.find(|(other, labels)| !is_same(other) && selector.matches(labels));
            if let Some((other, _)) = claimed {
                let message = format!(
                    "the selector of MachineDeployment '{}' fits the machines of MachineDeployment '{}' too",
                    object.name, other.name
                );
                out.push(
                    object
                        .finding(&OVERLAPPING_SELECTORS, value, message)
                        .suggest("selector: {} and let Cluster API fill in a label of its own, or add cluster.x-k8s.io/deployment-name to selector and template"),
                );
            }
        }
    }
}
