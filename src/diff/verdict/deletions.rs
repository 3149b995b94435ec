//! What an upgrade deletes: clusters, and objects that others still need.

use std::collections::{HashMap, HashSet};

use super::Verdict;
use crate::diff::Options;
use crate::diff::json::Side;
use crate::diff::matching::Pair;
use crate::diff::rollout::Fleet;
use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;
use crate::report::Finding;

crate::rule! {
    /// A Cluster is in the old release and not in the new one: the upgrade deletes it, with all its machines.
    ///
    /// Nobody asks again. capi-lint refuses until the deletion is allowed by name. A Namespace that the upgrade deletes takes the
    /// clusters in it along.
    ///
    /// ## Example
    ///
    /// ```sh
    /// capi-lint diff old.yaml new.yaml --allow-delete prod-eu
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the Cluster back; or, where it is meant to go, pass `--allow-delete NAME`. The annotation
    /// `helm.sh/resource-policy: keep` makes Helm leave it alone.
    pub CLUSTER_DELETED = "cluster-deleted", Error, Admission;

    /// An object is deleted that another object of the new release still refers to.
    ///
    /// The deletion goes through, and the controller of the one that refers to it is stuck: no new machine can be made.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineDeployment
    /// spec:
    ///   template:
    ///     spec:
    ///       infrastructureRef:
    ///         name: prod-workers   # the upgrade deletes this template
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep the object, or refer to its successor.
    pub STILL_NEEDED = "deleted-but-needed", Error, Controller;
}

/// Helm's word that an object stays when the release no longer has it.
pub const KEEP: &str = "helm.sh/resource-policy";

/// Whether Helm deletes an object that is gone from a release.
pub fn is_deleted(object: &Object<'_>) -> bool {
    object.annotation(KEEP).is_none_or(|policy| policy.trim() != "keep") && !object.is_hook()
}

/// Namespaces that the upgrade deletes.
pub fn lost_namespaces(pairs: &[Pair<'_, '_>]) -> HashSet<String> {
    let gone = pairs.iter().filter(|pair| pair.new.is_none()).filter_map(|pair| pair.old);
    gone.filter(|object| object.is("", "Namespace") && is_deleted(object))
        .map(|object| object.name.to_string())
        .collect()
}

/// Judges what is gone.
pub fn judge<'a>(pairs: &[Pair<'_, 'a>], fleet: Fleet<'_, 'a>, options: &Options, verdict: &mut Verdict) {
    let gone: Vec<&Object<'a>> = pairs
        .iter()
        .filter(|pair| pair.new.is_none() || pair.is_renamed())
        .filter_map(|pair| pair.old)
        .filter(|object| is_deleted(object))
        .collect();
    let is_allowed = |object: &Object<'a>, release: &Release<'a>| {
        let names = [object.name.to_string(), format!("{}/{}", release.namespace_of(object), object.name)];
        options.allow_delete.iter().any(|allowed| names.contains(allowed))
    };
    for object in gone.iter().filter(|object| object.is(CLUSTER_GROUP, "Cluster")) {
        if !is_allowed(object, fleet.old) {
            let message = format!("the upgrade deletes the cluster {} with all its machines", object.name);
            cluster(object, Side::Old, message, verdict);
        }
    }
    let mut along: HashMap<&str, usize> = HashMap::new();
    for pair in pairs.iter().filter(|_| !fleet.lost_namespaces.is_empty()) {
        let stays = pair.new.is_some() || pair.old.is_some_and(|old| !is_deleted(old));
        let Some(object) = pair.object().filter(|object| stays && !object.is_hook() && fleet.is_lost(object)) else {
            continue;
        };
        let (side, release) = if pair.new.is_some() { (Side::New, fleet.new) } else { (Side::Old, fleet.old) };
        let namespace = release.namespace_of(object);
        *along.entry(namespace).or_default() += 1;
        if object.is(CLUSTER_GROUP, "Cluster") && !is_allowed(object, release) {
            let message = format!(
                "the upgrade deletes the Namespace {namespace}, and with it the cluster {} with all its machines",
                object.name
            );
            cluster(object, side, message, verdict);
        }
    }
    for object in gone.iter().filter(|object| object.is("", "Namespace")) {
        if let Some(number) = along.get(&*object.name) {
            let name = &object.name;
            let message =
                format!("the upgrade deletes the Namespace, and {number} objects that stay in the release with it");
            let help =
                format!("keep the Namespace {name} in the release, or annotate it with helm.sh/resource-policy: keep");
            let finding = Finding::new(&STILL_NEEDED, message).at(object.key_place(object.root)).suggest(help);
            verdict.add(finding, Side::Old, object, "");
        }
    }
    if !gone.is_empty() {
        needed(&gone, fleet.new, verdict);
    }
}

fn cluster(object: &Object<'_>, side: Side, message: String, verdict: &mut Verdict) {
    let help = format!("put it back, or say --allow-delete {} where the cluster is meant to go", object.name);
    let finding = Finding::new(&CLUSTER_DELETED, message).at(object.key_place(object.root)).suggest(help);
    verdict.add(finding, side, object, "");
}

fn needed<'a>(gone: &[&Object<'a>], new: &Release<'a>, verdict: &mut Verdict) {
    let by_name: HashMap<(&str, &str, &str), &Object<'a>> =
        gone.iter().map(|object| ((object.group(), &*object.kind, &*object.name), *object)).collect();
    let kinds: HashSet<&str> = gone.iter().map(|object| &*object.kind).collect();
    for object in &new.objects {
        for reference in object.references().filter(|reference| kinds.contains(&*reference.kind)) {
            let Some(target) = by_name.get(&(reference.group(), &*reference.kind, &*reference.name)) else { continue };
            if new.resolve(object, &reference).is_some() {
                continue;
            }
            let path = object.path(reference.value.index());
            let message = format!(
                "refers to {} {}, which this upgrade deletes: nothing can be made from it any more",
                target.kind, target.name
            );
            let finding = Finding::new(&STILL_NEEDED, message)
                .at(object.place(reference.value))
                .path(path.clone())
                .suggest(format!("keep {} {}, or refer to its successor", target.kind, target.name));
            verdict.add(finding, Side::New, object, &path);
        }
    }
}
