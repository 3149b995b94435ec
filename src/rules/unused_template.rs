//! Templates that nothing refers to.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::view::{View, is_capi_group};
use crate::report::Finding;

crate::rule! {
    /// A template that nothing in the release refers to, although other templates of its kind are in use.
    ///
    /// Nobody makes anything from it. Often a reference was meant for it and names another; or it is left over.
    ///
    /// ## Example
    ///
    /// A DockerMachineTemplate `demo-worker`, while the MachineDeployment refers to `demo-workers`.
    ///
    /// ## Fix
    ///
    /// Correct the reference, or remove the template. One that machines still roll away from stays on the server by
    /// `helm.sh/resource-policy: keep` and needs no place in the chart.
    pub UNUSED_TEMPLATE = "unused-template", Warning, Advice;
}

/// Looks at every template of a kind that is referred to.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut in_use: FxHashSet<(&str, &str)> = FxHashSet::default();
    // Mostly what they say stands once for all that say the same.
    let mut seen: FxHashSet<usize> = FxHashSet::default();
    for link in &view.release.links {
        if seen.insert(Arc::as_ptr(&link.to).addr()) {
            in_use.insert((&link.to.group, &link.to.kind));
        }
    }
    for object in view.of_kinds(|group, kind| kind.ends_with("Template") && is_capi_group(group)) {
        if object.name.is_empty() || !in_use.contains(&(object.group(), &*object.kind)) || view.is_referred_to(object) {
            continue;
        }
        let Some(name) = object.at(&["metadata", "name"]) else { continue };
        let message =
            format!("nothing in this release refers to {} '{}': no machine is made from it", object.kind, object.name);
        out.push(
            object
                .finding(&UNUSED_TEMPLATE, name, message)
                .suggest("correct the reference that was meant for it, or remove it"),
        );
    }
}
