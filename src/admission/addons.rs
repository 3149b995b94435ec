//! ClusterResourceSets: which clusters get the resources.

use super::check::Check;
use super::rules::INVALID_SELECTOR;
use super::selector;

/// Judges a ClusterResourceSet.
pub fn judge(check: &mut Check<'_, '_>) {
    if check.object.kind != "ClusterResourceSet" {
        return;
    }
    let chosen = check.at(&["spec", "clusterSelector"]);
    if selector::is_empty(chosen) {
        let message = "an empty cluster selector: the webhook refuses it, lest the resources go to every cluster";
        let fix = "name a label of the clusters that shall get the resources: `matchLabels: {cni: calico}`";
        match chosen {
            Some(chosen) => check.refuse(&INVALID_SELECTOR, chosen, message, fix),
            None => check.absent(&INVALID_SELECTOR, check.object.root, &["spec", "clusterSelector"], message, fix),
        }
    }
    check.selector(chosen);
}
