//! What an upgrade deletes: clusters, and objects that others still need.

use std::collections::{HashMap, HashSet};

use super::Verdict;
use crate::diff::Options;
use crate::diff::json::Side;
use crate::diff::matching::Pair;
use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;
use crate::report::Finding;

crate::rule! {
    /// A Cluster is in the old release and not in the new one: the upgrade deletes it, with all its machines.
    ///
    /// Nobody asks again. capi-lint refuses until the deletion is allowed by name.
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

/// Judges what is gone.
pub fn judge(pairs: &[Pair<'_, '_>], new: &Release<'_>, options: &Options, verdict: &mut Verdict) {
    let gone: Vec<&Object<'_>> = pairs
        .iter()
        .filter(|pair| pair.new.is_none() || pair.is_renamed())
        .filter_map(|pair| pair.old)
        .filter(|object| is_deleted(object))
        .collect();
    for object in gone.iter().filter(|object| object.is(CLUSTER_GROUP, "Cluster")) {
        let names =
            [object.name.to_string(), format!("{}/{}", object.namespace.as_deref().unwrap_or_default(), object.name)];
        if options.allow_delete.iter().any(|allowed| names.contains(allowed)) {
            continue;
        }
        let message = format!("the upgrade deletes the cluster {} with all its machines", object.name);
        let help = format!("put the Cluster back, or say --allow-delete {} where it is meant to go", object.name);
        let finding = Finding::new(&CLUSTER_DELETED, message).at(object.key_place(object.root)).suggest(help);
        verdict.add(finding, Side::Old, object, "");
    }
    if !gone.is_empty() {
        needed(&gone, new, verdict);
    }
}

fn needed(gone: &[&Object<'_>], new: &Release<'_>, verdict: &mut Verdict) {
    let by_name: HashMap<(&str, &str, &str), &Object<'_>> =
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
