//! Clusters whose network nobody installs.

use super::view::View;
use crate::report::Finding;

crate::rule! {
    /// A Cluster asks for a network by its label `cni`, and no add-on of the release answers to it.
    ///
    /// The machines come up, and their nodes stay `NotReady`: there is no pod network.
    ///
    /// Silent where no add-on of the release selects by `cni`.
    ///
    /// ## Example
    ///
    /// A Cluster with `cni: cilium` beside a ClusterResourceSet for `cni: calico`.
    ///
    /// ## Fix
    ///
    /// Give the Cluster the label of an add-on that is there, or add the add-on.
    pub CNI_NOT_SELECTED = "cni-not-selected", Warning, Controller;
}

const CNI: &str = "cni";

/// Looks at the Clusters with a label `cni`.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut served = vec![false; view.clusters.len()];
    let mut offered: Vec<&str> = Vec::new();
    for addon in view.addons.iter().filter(|addon| addon.selector.names(CNI)) {
        for number in &addon.clusters {
            if let Some(slot) = served.get_mut(*number) {
                *slot = true;
            }
        }
        offered.extend(addon.selector.allowed(CNI).map(|text| &**text));
    }
    if offered.is_empty() {
        return;
    }
    offered.sort_unstable();
    offered.dedup();
    for (cluster, served) in view.clusters.iter().zip(served) {
        let label = cluster.object.and_then(|object| Some((object, object.at(&["metadata", "labels", CNI])?)));
        let Some((object, label)) = label.filter(|_| !served) else { continue };
        let Some(wanted) = label.as_str() else { continue };
        let message = format!(
            "cluster '{}' asks for cni '{wanted}', and no add-on of this release selects it: its nodes get no network",
            cluster.cluster.name
        );
        out.push(
            object
                .finding(&CNI_NOT_SELECTED, label, message)
                .suggest(format!("there are add-ons for cni {}", offered.join(", "))),
        );
    }
}
