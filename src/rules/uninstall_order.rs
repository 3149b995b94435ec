//! What an uninstall takes away too early.

use rustc_hash::FxHashMap;

use super::view::{Role, View, is_capi_group};
use crate::object::Object;
use crate::report::Finding;

crate::rule! {
    /// Helm deletes a Secret or Namespace of the release before the clusters that still need it.
    ///
    /// On uninstall Helm removes Namespaces, Secrets and RBAC first and custom resources last. The provider has then lost the
    /// credentials it needs to remove machines and load balancers: the deletion of the cluster hangs, and what it made in the cloud
    /// stays and costs. The same happens to objects that a rollback drops.
    ///
    /// Only streams that Helm rendered are looked at.
    ///
    /// ## Example
    ///
    /// A Secret `aws-credentials` beside the AWSClusterStaticIdentity that refers to it, in one chart.
    ///
    /// ## Fix
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     helm.sh/resource-policy: keep
    /// ```
    ///
    /// or a release of its own for what the clusters stand on.
    pub UNINSTALL_ORDER = "uninstall-order", Warning, Controller;
}

/// Keeps an object when its release goes.
pub const KEEP: &str = "helm.sh/resource-policy";

/// Looks at the Secrets of identities, and at the Namespaces of clusters.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for secret in view.of_kind("", "Secret") {
        let identity = view.leading_to(secret).find(|link| link.role == Role::Identity);
        out.extend(identity.and_then(|link| judge(view, secret, view.object(link.from)?)));
    }
    let mut namespaces = view.of_kind("", "Namespace").peekable();
    if namespaces.peek().is_none() {
        return;
    }
    let mut inside: FxHashMap<&str, &Object<'_>> = FxHashMap::default();
    for object in view.of_kinds(|group, _| is_capi_group(group)) {
        inside.entry(view.release.namespace_of(object)).or_insert(object);
    }
    for namespace in namespaces {
        out.extend(inside.get(&*namespace.name).and_then(|user| judge(view, namespace, user)));
    }
}

fn judge(view: &View<'_, '_>, object: &Object<'_>, user: &Object<'_>) -> Option<Finding> {
    let is_kept = object.annotation(KEEP).is_some_and(|policy| policy == "keep");
    if is_kept || object.is_hook() || view.release.template_of(object.document).is_none() {
        return None;
    }
    let name = object.at(&["metadata", "name"])?;
    let message = format!(
        "on uninstall Helm deletes {} '{}' before {} '{}', which still needs it: the deletion of the cluster hangs",
        object.kind, object.name, user.kind, user.name
    );
    Some(object.finding(&UNINSTALL_ORDER, name, message).suggest("annotation helm.sh/resource-policy: keep"))
}
