//! References across namespaces.

use super::view::{Role, View};
use crate::object::CLUSTER_GROUP;
use crate::report::{Finding, Severity};

crate::rule! {
    /// A reference that leads into another namespace.
    ///
    /// Cluster API looks for templates, control planes and infrastructure in the namespace of the object that refers to them; a
    /// `namespace` in the reference is refused by some webhooks up to v1.10 and dropped without a word from v1.11 on. The cluster
    /// then waits for an object that is somewhere else.
    ///
    /// It is a **warning** where one of the two objects names its namespace and the other leaves it to the release: that works
    /// only as long as the release is installed into that namespace. (A **note** for `default`, where clients put what names none.)
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// metadata: {name: demo, namespace: fleet}
    /// spec:
    ///   infrastructureRef:
    ///     apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
    ///     kind: DockerCluster
    ///     name: demo
    ///     namespace: default
    /// ```
    ///
    /// ## Fix
    ///
    /// Put all objects of a cluster into one namespace, and leave `namespace` out of references.
    pub REFERENCE_NAMESPACE = "reference-namespace", Error, Controller;
}

/// Looks at the references between the parts of clusters.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for link in view.release.links.iter().filter(|link| link.role == Role::Part) {
        let Some(from) = view.object(link.from) else { continue };
        let is_core =
            matches!(from.group(), CLUSTER_GROUP | "controlplane.cluster.x-k8s.io" | "bootstrap.cluster.x-k8s.io");
        if !is_core {
            continue;
        }
        let own = view.release.namespace_of(from);
        if let Some(named) = link.to.namespace.as_deref() {
            let Some(value) = link.value(from).get("namespace") else { continue };
            // A reference by group (v1beta2) has no namespace at all: the schema says so.
            if own.is_empty() || named == own || link.to.version.is_none() {
                continue;
            }
            let is_here = view.release.find(&link.to.group, &link.to.kind, own, &link.name(view.release)).is_some();
            let message = format!(
                "{} '{}' is in namespace '{own}' and refers to {} '{}' in '{named}': Cluster API looks in '{own}' only{}",
                from.kind,
                from.name,
                link.to.kind,
                link.name(view.release),
                if is_here { ", where one of that name stands too" } else { ", and never finds it" }
            );
            let severity = if is_here { Severity::Warning } else { Severity::Error };
            out.push(
                from.finding(&REFERENCE_NAMESPACE, value, message)
                    .severity(severity)
                    .suggest(format!("put the {} into namespace '{own}' and leave namespace out here", link.to.kind)),
            );
        } else if let Some(target) = link.target().and_then(|target| view.object(target)) {
            let theirs = view.release.namespace_of(target);
            if own == theirs {
                continue;
            }
            let (named, unnamed) = if own.is_empty() { (target, from) } else { (from, target) };
            let namespace = if own.is_empty() { theirs } else { own };
            let message = format!(
                "{} '{}' is in namespace '{namespace}', and {} '{}' names none: they find each other only if the release is installed \
                 into '{namespace}'",
                named.kind, named.name, unnamed.kind, unnamed.name
            );
            let severity = if namespace == "default" { Severity::Info } else { Severity::Warning };
            let finding = Finding::new(&REFERENCE_NAMESPACE, message).severity(severity).at(link.place(from));
            out.push(finding.suggest(format!(
                "write namespace: {namespace} on both, or on none; or tell capi-lint: --namespace {namespace}"
            )));
        }
    }
}
