//! What an uninstall does: Helm's order replayed over the references, to find what gets stuck and what is orphaned.
//!
//! Helm deletes by kind, the reverse of its install order, and waits for nothing: Secrets, accounts, roles and Namespaces go
//! before custom resources, whose controllers still need them to delete machines.

use std::borrow::Cow;

use super::changes::{Change, Kind};
use super::json::Side;
use super::verdict::{Verdict, is_deleted};
use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;
use crate::report::Finding;

crate::rule! {
    /// An uninstall deletes what a controller still needs to delete machines, so that the deletion gets stuck.
    ///
    /// Helm deletes Secrets, accounts, roles and Namespaces before custom resources, and waits for none of them. A provider
    /// whose credentials are gone cannot delete machines any more: clusters stay in Deleting, and machines cost money. A
    /// `ClusterClass` is deleted right behind its Clusters, which are there until their last machine is gone: the webhook
    /// refuses, and the uninstall ends with an error and leaves the class behind.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Secret
    /// metadata:
    ///   name: cloud-credentials   # the identity of clusters of the same release
    /// ```
    ///
    /// ## Fix
    ///
    /// Annotate it with `helm.sh/resource-policy: keep` and delete it when the clusters are gone, or put it in a release of
    /// its own.
    pub STUCK_UNINSTALL = "stuck-uninstall", Error, Controller;

    /// An uninstall leaves an object behind.
    ///
    /// `helm.sh/resource-policy: keep` makes Helm leave it alone, and what belongs to it goes or stays with it.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// metadata:
    ///   annotations:
    ///     helm.sh/resource-policy: keep
    /// ```
    ///
    /// ## Fix
    ///
    /// Delete it by hand once nobody needs it; keep what it refers to as well.
    pub ORPHANED = "orphaned", Warning, Advice;
}

/// Kinds that Helm deletes before custom resources because it installs them after: none are known to it but these, which it
/// deletes in this order; custom resources and all others come first or last by their name.
const UNINSTALL_ORDER: &[&str] = &[
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "PriorityClass",
    "Namespace",
];

/// Where in Helm's order an object goes: kinds it knows first, all others behind them.
fn position(object: &Object<'_>) -> usize {
    UNINSTALL_ORDER.iter().position(|kind| *kind == object.kind).unwrap_or(UNINSTALL_ORDER.len())
}

/// One step of the uninstall.
#[derive(Debug)]
pub struct Step<'r, 'a> {
    /// What goes.
    pub object: &'r Object<'a>,
}

/// What Helm deletes, in its order.
pub fn order<'r, 'a>(release: &'r Release<'a>) -> Vec<Step<'r, 'a>> {
    let mut steps: Vec<Step<'r, 'a>> =
        release.objects.iter().filter(|object| is_deleted(object)).map(|object| Step { object }).collect();
    steps.sort_by(|a, b| {
        let key = |step: &Step<'_, '_>| (position(step.object), step.object.kind.to_string());
        key(a).cmp(&key(b))
    });
    steps
}

/// What gets stuck and what stays.
pub fn judge(release: &Release<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let deleted: Vec<&Object<'_>> = release.objects.iter().filter(|object| is_deleted(object)).collect();
    let needs_controller =
        |object: &Object<'_>| object.group().ends_with("cluster.x-k8s.io") && !object.kind.ends_with("Template");
    for object in &deleted {
        match &*object.kind {
            "Secret" | "ServiceAccount" => {
                let user = deleted.iter().find(|other| needs_controller(other) && names(other, object));
                if let Some(user) = user {
                    stuck(object, user, &mut verdict);
                }
            }
            "Namespace" => {
                let inside =
                    |other: &&&Object<'_>| needs_controller(other) && object.name == release.namespace_of(other);
                if let Some(user) = deleted.iter().find(inside) {
                    stuck(object, user, &mut verdict);
                }
            }
            "ClusterClass" if object.group() == CLUSTER_GROUP => class_in_use(release, object, &deleted, &mut verdict),
            _ if needs_controller(object) => templates_first(release, object, &mut verdict),
            _ => {}
        }
    }
    for object in release.objects.iter().filter(|object| !object.is_hook() && !is_deleted(object)) {
        orphan(release, object, &mut verdict);
    }
    verdict
}

fn stuck(object: &Object<'_>, user: &Object<'_>, verdict: &mut Verdict) {
    let message = format!(
        "Helm deletes it before {} {}, whose controller still needs it to delete machines: the cluster stays in Deleting",
        user.kind, user.name
    );
    let help =
        "annotate it with helm.sh/resource-policy: keep, or put it in a release of its own that is uninstalled later";
    let finding = Finding::new(&STUCK_UNINSTALL, message).at(object.key_place(object.root)).suggest(help);
    verdict.add(finding, Side::Old, object, "metadata");
}

/// A class whose Clusters have only begun to go when its turn comes.
fn class_in_use(release: &Release<'_>, class: &Object<'_>, deleted: &[&Object<'_>], verdict: &mut Verdict) {
    let text = |object: &Object<'_>, paths: [&[&str]; 2]| {
        paths.into_iter().find_map(|path| object.at(&["spec", "topology"])?.below(path)?.as_str().map(Cow::into_owned))
    };
    let is_user = |object: &&&Object<'_>| {
        let name = text(object, [&["classRef", "name"], &["class"]]);
        let namespace = text(object, [&["classRef", "namespace"], &["classNamespace"]]);
        let namespace = namespace.unwrap_or_else(|| release.namespace_of(object).to_owned());
        object.is(CLUSTER_GROUP, "Cluster")
            && name.is_some_and(|name| class.name == name)
            && namespace == release.namespace_of(class)
    };
    let Some(user) = deleted.iter().find(is_user) else { return };
    let message = format!(
        "Helm deletes it right behind Cluster {}, which is there until its last machine is gone: the webhook refuses to \
         delete a ClusterClass in use, and the uninstall ends with an error",
        user.name
    );
    let help = "delete the Clusters first (kubectl delete cluster), wait, then uninstall; or put the class in a release of its own";
    let finding = Finding::new(&STUCK_UNINSTALL, message).at(class.key_place(class.root)).suggest(help);
    verdict.add(finding, Side::Old, class, "metadata");
}

/// Control planes and worker groups of a Cluster that are deleted by themselves, before the Cluster has told its own to go.
fn templates_first(release: &Release<'_>, object: &Object<'_>, verdict: &mut Verdict) {
    if !object.is(CLUSTER_GROUP, "Cluster") {
        return;
    }
    let infrastructure =
        object.references().find(|reference| object.path(reference.value.index()) == "spec.infrastructureRef");
    let Some(target) = infrastructure.and_then(|reference| release.resolve(object, &reference)) else { return };
    if is_deleted(target) {
        let message = format!(
            "{} {} is deleted at the same time as its Cluster: a provider that does not wait for the machines takes the \
             network away under them",
            target.kind, target.name
        );
        let help = "delete the Cluster first (kubectl delete cluster), wait, then uninstall; or keep it with helm.sh/resource-policy";
        let finding = Finding::new(&STUCK_UNINSTALL, message)
            .severity(crate::report::Severity::Warning)
            .at(target.key_place(target.root))
            .suggest(help);
        verdict.add(finding, Side::Old, target, "metadata");
    }
}

fn orphan(release: &Release<'_>, object: &Object<'_>, verdict: &mut Verdict) {
    let lost = object
        .references()
        .find_map(|reference| release.resolve(object, &reference).filter(|target| is_deleted(target)));
    let message = match lost {
        Some(target) => format!("stays behind, while {} {} that it refers to is deleted", target.kind, target.name),
        None => "stays behind: helm.sh/resource-policy: keep".to_owned(),
    };
    let finding = Finding::new(&ORPHANED, message)
        .at(object.key_place(object.root))
        .suggest("delete it by hand once nobody needs it");
    verdict.add(finding, Side::Old, object, "metadata");
}

/// Whether an object's spec speaks of another one by its name (in a reference or a `…SecretName`).
fn names(object: &Object<'_>, target: &Object<'_>) -> bool {
    let Some(spec) = object.spec() else { return false };
    let document = spec.document();
    (spec.index()..spec.end_index()).filter_map(|index| document.value(index)).any(|value| {
        let key = value.key();
        let is_name = key.is_some_and(|key| {
            let key = key.to_ascii_lowercase();
            key == "name" || key.contains("secret") || key.contains("account")
        });
        is_name && value.as_str().is_some_and(|text| text == target.name)
    })
}

/// What an uninstall takes away, in Helm's order.
pub fn changes<'r, 'a>(release: &'r Release<'a>) -> Vec<Change<'r, 'a>> {
    order(release)
        .into_iter()
        .map(|step| Change { kind: Kind::Removed, old: Some(step.object), new: None, paths: Vec::new() })
        .collect()
}
