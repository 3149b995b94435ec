//! `MachineDeployment`, `MachineSet`, `MachinePool`, `Machine`: the cluster they belong to, and replicas that fall back to 1.

use super::{IMMUTABLE_FIELD, Verdict, quoted};
use crate::admission::SELECTOR_MISMATCH;
use crate::diff::defaults::CONTROL_PLANE_GROUP;
use crate::diff::json;
use crate::diff::update::Update;
use crate::object::{CLUSTER_GROUP, Object};
use crate::yaml::Value;

crate::rule! {
    /// `replicas` is no longer written, and falls back to 1.
    ///
    /// Helm's patch takes the field away, and the webhook fills in its default: 1. All other machines of the deployment, or of
    /// the control plane, are deleted. Only with both of the autoscaler's size annotations the number is kept within them.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineDeployment
    /// spec:
    ///   clusterName: prod   # replicas: 5 stood here
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep `replicas`, or add the annotations `cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size` and `-max-size`.
    pub REPLICAS_DROPPED = "replicas-dropped", Warning, Controller;
}

const LABELS: [&str; 4] = ["spec", "template", "metadata", "labels"];

/// Judges a kind that makes machines.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let object = update.new;
    if object.is(CONTROL_PLANE_GROUP, "KubeadmControlPlane") {
        replicas(update, verdict);
    }
    if object.group() != CLUSTER_GROUP {
        return;
    }
    if matches!(&*object.kind, "MachineDeployment" | "MachineSet" | "MachinePool" | "Machine") {
        let keys = ["spec", "clusterName"];
        if update.changed(&keys) {
            let (before, after) = update.both(&keys);
            let message = format!(
                "spec.clusterName goes from {} to {}: machines cannot move to another cluster, and the webhook refuses the \
                 update",
                quoted(before),
                quoted(after)
            );
            let help = "take the change back; for machines in the other cluster make another object with another name";
            verdict.say(update, &IMMUTABLE_FIELD, &keys, message, help);
        }
    }
    if matches!(&*object.kind, "MachineDeployment" | "MachineSet" | "MachinePool") {
        replicas(update, verdict);
    }
    if matches!(&*object.kind, "MachineDeployment" | "MachineSet") {
        labels(update, verdict);
    }
}

/// Whether the template's labels are taken away from under a selector that the webhook made. What it put into the selector on
/// creation stays there; what it put into the template's labels goes with them.
pub fn takes_labels_away(update: &Update<'_, '_>) -> bool {
    let stated = |object: &Object<'_>, keys: &[&str]| object.below(keys).is_some_and(|value| !value.is_null());
    let at = |object: &Object<'_>, depth: usize| LABELS.get(..depth).is_some_and(|keys| stated(object, keys));
    let goes = (3..=LABELS.len()).find(|depth| !at(update.new, *depth)).is_some_and(|depth| at(update.old, depth));
    // A selector that was stated and goes is made anew, and the labels with it.
    let selector = ["spec", "selector"];
    let is_made_anew = stated(update.old, &selector) && !stated(update.new, &selector);
    let is_chosen = |object: &Object<'_>| {
        let parts = ["matchLabels", "matchExpressions"].into_iter();
        parts.filter_map(|key| object.below(&["spec", "selector", key])).any(|value| value.children().next().is_some())
    };
    goes && !is_made_anew && !is_chosen(update.old) && !is_chosen(update.new)
}

fn labels(update: &Update<'_, '_>, verdict: &mut Verdict) {
    if takes_labels_away(update) {
        let message =
            "the template's labels are taken away, and with them the one that the webhook gave to template and \
                       selector; the selector keeps it, no longer fits, and the webhook refuses the update"
                .to_owned();
        let help = "keep the field (`metadata: {labels: {}}`), or write both selector and labels";
        verdict.say(update, &SELECTOR_MISMATCH, &LABELS, message, help);
    }
}

fn replicas(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "replicas"];
    let stated = |object: &crate::object::Object<'_>| object.below(&keys).and_then(|value: Value<'_>| value.as_i64());
    let (before, after) = (stated(update.old), json::at(&update.after, &keys).and_then(serde_json::Value::as_i64));
    if let (Some(before), None, Some(after)) = (before, stated(update.new), after)
        && before != after
    {
        let message =
            format!("spec.replicas is no longer written: {before} falls to {after}, and machines are deleted");
        let help = format!("write replicas: {before}, or leave the number to the autoscaler with its size annotations");
        verdict.say(update, &REPLICAS_DROPPED, &keys, message, &help);
    }
}
