//! What an uninstall takes away too early.

use std::borrow::Cow;

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
    let users = Users::new(view);
    for object in &view.release.objects {
        let needed_by = match (object.group(), &*object.kind) {
            ("", "Secret") => view
                .leading_to(object)
                .find(|link| link.role == Role::Identity)
                .and_then(|link| view.object(link.from))
                .or_else(|| users.of_secret.get(&*object.name).copied()),
            ("", "Namespace") => users.in_namespace.get(&*object.name).copied(),
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

/// Who needs what, beyond the references.
struct Users<'v, 'a> {
    /// Identities by the name of their Secret, which each kind has in a field of its own.
    of_secret: FxHashMap<Cow<'a, str>, &'v Object<'a>>,
    /// One Cluster API object of each namespace.
    in_namespace: FxHashMap<&'v str, &'v Object<'a>>,
}

impl<'v, 'a> Users<'v, 'a> {
    fn new(view: &View<'v, 'a>) -> Self {
        let mut users = Self { of_secret: FxHashMap::default(), in_namespace: FxHashMap::default() };
        for object in view.release.objects.iter().filter(|object| is_capi_group(object.group())) {
            users.in_namespace.entry(view.release.namespace_of(object)).or_insert(object);
            let Some(spec) = object.spec().filter(|_| object.kind.ends_with("Identity")) else { continue };
            for key in ["secretRef", "secretName", "clientSecret"] {
                let value = spec.get(key);
                let name = value.and_then(|value| value.as_str().or_else(|| value.get("name")?.as_str()));
                if let Some(name) = name {
                    users.of_secret.entry(name).or_insert(object);
                }
            }
        }
        users
    }
}
