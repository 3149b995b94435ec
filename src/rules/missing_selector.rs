//! MachineDeployments without a selector.

use super::view::View;
use crate::object::CLUSTER_GROUP;
use crate::report::Finding;

crate::rule! {
    /// A MachineDeployment or MachineSet without `spec.selector`.
    ///
    /// The schema requires it. Cluster API's webhook fills it in before the schema is looked at, so the server accepts the
    /// object; without the webhook, and in every other validator, it is refused.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineDeployment
    /// spec:
    ///   clusterName: demo
    ///   template: {}
    /// ```
    ///
    /// ## Fix
    ///
    /// `selector: {}` is enough: the webhook puts in a label of the deployment's own.
    pub MISSING_SELECTOR = "missing-selector", Warning, Advice;
}

/// Looks at every MachineDeployment and MachineSet.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let has_selector =
        |group: &str, kind: &str| group == CLUSTER_GROUP && matches!(kind, "MachineDeployment" | "MachineSet");
    for object in view.of_kinds(has_selector) {
        if object.spec().is_some_and(|spec| spec.get("selector").is_none()) {
            let message = format!(
                "{} '{}' has no spec.selector: the schema requires it, and only Cluster API's webhook fills it in",
                object.kind, object.name
            );
            out.push(object.missing(&MISSING_SELECTOR, &["spec", "selector"], message).suggest("selector: {}"));
        }
    }
}
