//! What an uninstall takes away too early.

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
    let has_clusters = view.release.objects.iter().any(|object| is_capi_group(object.group()));
    for object in &view.release.objects {
        let needed_by = match (object.group(), &*object.kind) {
            ("", "Secret") => secret_user(view, object),
            ("", "Namespace") if has_clusters => {
                let mut lodgers = view.release.objects.iter().filter(|other| is_capi_group(other.group()));
                lodgers.find(|other| view.release.namespace_of(other) == object.name)
            }
            _ => None,
        };
        let Some(user) = needed_by else { continue };
        let is_kept = object.annotation(KEEP).is_some_and(|policy| policy == "keep");
        if is_kept || object.is_hook() || view.release.template_of(object.document).is_none() {
            continue;
        }
        let Some(name) = object.at(&["metadata", "name"]) else { continue };
        let message = format!(
            "on uninstall Helm deletes {} '{}' before {} '{}', which still needs it: the deletion of the cluster hangs",
            object.kind, object.name, user.kind, user.name
        );
        out.push(object.finding(&UNINSTALL_ORDER, name, message).suggest("annotation helm.sh/resource-policy: keep"));
    }
}

/// The identity or infrastructure that acts with the credentials of a Secret.
fn secret_user<'v, 'a>(view: &View<'v, 'a>, secret: &Object<'a>) -> Option<&'v Object<'a>> {
    let by_link =
        view.leading_to(secret).find(|link| link.role == Role::Identity).and_then(|link| view.object(link.from));
    by_link.or_else(|| {
        // Identities name their Secret in fields of their own: secretName, secretRef, clientSecret.
        let identities = view.release.objects.iter().filter(|object| object.kind.ends_with("Identity")).take(256);
        identities.into_iter().find(|identity| {
            let spec = identity.spec();
            let named = |key: &str| {
                let value = spec.and_then(|spec| spec.get(key));
                value
                    .and_then(|value| value.as_str().or_else(|| value.get("name")?.as_str()))
                    .is_some_and(|name| name == secret.name)
            };
            ["secretRef", "secretName", "clientSecret"].into_iter().any(named)
        })
    })
}
