//! Add-ons for no cluster.

use super::view::View;
use crate::report::Finding;
use crate::schema::suggest;
use crate::yaml::Value;

crate::rule! {
    /// A ClusterResourceSet or HelmChartProxy selects none of the clusters in the release.
    ///
    /// The server accepts it, and it is applied nowhere: clusters come up without network, and their nodes never become ready.
    ///
    /// Silent where the release holds no Cluster: the add-on may be for clusters of other releases.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: ClusterResourceSet
    /// spec:
    ///   clusterSelector:
    ///     matchLabels: {cni: calico}     # the Clusters carry no label cni
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the label on the Clusters (`labels.clusters` in the settings does it while post-rendering), or correct the selector. It
    /// finds Clusters of its own namespace only.
    pub ADDON_SELECTS_NOTHING = "addon-selects-nothing", Warning, Controller;
}

/// Looks at every add-on.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let Some(some_cluster) = view.clusters.iter().find_map(|cluster| cluster.object) else { return };
    for addon in view.addons.iter().filter(|addon| addon.clusters.is_empty()) {
        // The labels that post-render adds to Clusters are not in the manifests yet.
        let added = &view.settings.labels;
        if addon.selector.keys().any(|key| added.clusters.contains_key(key) || added.all.contains_key(key)) {
            continue;
        }
        let object = addon.object;
        let message = format!(
            "{} '{}' selects none of the clusters of this release: it is applied nowhere",
            object.kind, object.name
        );
        let finding = object.finding(&ADDON_SELECTS_NOTHING, addon.value, message);
        let labels = some_cluster.at(&["metadata", "labels"]);
        let keys: Vec<String> =
            labels.iter().flat_map(Value::entries).filter_map(|entry| Some(entry.key()?.into_owned())).collect();
        let near = addon.selector.keys().find_map(|key| suggest::nearest(key, keys.iter().map(String::as_str)));
        out.push(match (near, addon.selector.keys().next()) {
            (Some(near), _) => {
                let value = labels.and_then(|labels| labels.get(near)?.as_str()).unwrap_or_default();
                finding.suggest(format!("Cluster '{}' carries {near}: {value:?}", some_cluster.name))
            }
            (None, Some(key)) => finding.suggest(format!("put the label {key} on the Clusters it is for")),
            (None, None) => finding,
        });
    }
}
