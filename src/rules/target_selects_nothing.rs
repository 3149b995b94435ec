//! Applications for no cluster.

use super::view::{Selector, View};
use crate::layers::{Aim, Fate, Layer, Role};
use crate::report::Finding;

crate::rule! {
    /// A placement of a layer above Cluster API selects no cluster.
    ///
    /// The server accepts it, and nothing is placed anywhere. Looked at are the cluster generator of Argo CD's ApplicationSet,
    /// KubeFed's `placement` (without `clusters` and `clusterSelector` it selects nobody), Fleet's targets and ClusterGroups,
    /// Karmada's affinities, Open Cluster Management's Placements and Sveltos' profiles.
    ///
    /// Layers select by the labels of their own objects for clusters (Argo CD's cluster Secrets, KubeFedCluster, …); Sveltos and
    /// Fleet by those of the Cluster. Silent where these objects are neither in the release nor in the inventory.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// metadata: {name: app-dev, labels: {environment: dev}}
    /// ---
    /// kind: ClusterProfile
    /// spec:
    ///   clusterSelector:
    ///     matchLabels: {env: dev}
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the selector, or put the label on the clusters.
    pub TARGET_SELECTS_NOTHING = "target-selects-nothing", Warning, Controller;
}

/// Looks at every selector.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let layers = view.layers();
    for target in &layers.targets {
        let is_selector = matches!(target.aim, Aim::Selector | Aim::All);
        // Cluster API's own add-ons have a rule of their own.
        if target.fate != Fate::Nobody || !is_selector || target.role != Role::Places || target.layer == Layer::Addons {
            continue;
        }
        let object = target.object;
        let message = format!(
            "{} '{}' selects none of the clusters that {} knows: nothing is placed anywhere",
            object.kind,
            object.name,
            target.layer.name()
        );
        let finding = object.finding(&TARGET_SELECTS_NOTHING, target.value, message);
        let selector = Selector::read(target.value).unwrap_or_default();
        let known = selector.keys().find_map(|key| {
            let values = layers.universe.values_of(key);
            (!values.is_empty()).then(|| format!("clusters carry {key}: {}", values.join(", ")))
        });
        out.push(match (known, selector.keys().next()) {
            (Some(values), _) => finding.suggest(values),
            (None, Some(key)) => finding.suggest(format!("no cluster carries the label {key}")),
            (None, None) => finding.suggest("say which clusters are meant"),
        });
    }
}
