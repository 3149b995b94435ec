//! Taints that Machines carry to their Nodes: a gate and a list of keys that others own.

use crate::yaml::Value;

use super::Gate;
use super::check::{Check, text};
use super::rules::INVALID_TAINT;
use crate::schema::validate::names::is_qualified_name;

/// Who will carry the taints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// A machine that may be one of a control plane.
    Any,
    /// A machine that is none.
    Worker,
}

/// Judges a list of taints.
pub fn judge<'a>(check: &mut Check<'_, 'a>, taints: Option<Value<'a>>, bearer: Bearer) {
    let Some(taints) = taints.filter(|taints| taints.items().next().is_some()) else { return };
    if !check.gate(Gate::MachineTaintPropagation, taints, "`taints`") {
        return;
    }
    for taint in taints.items() {
        let Some(key) = text(taint, &["key"]) else { continue };
        let at = taint.get("key").unwrap_or(taint);
        if !is_qualified_name(&key) {
            let message = format!("{key:?} is no taint key: the webhook refuses the object");
            check.refuse(
                &INVALID_TAINT,
                at,
                message,
                "write `name` or `domain/name` of letters, digits, `-`, `_` and `.`",
            );
        } else if let Some(owner) = owner(&key, bearer) {
            let message = format!("the taint {key} belongs to {owner}: the webhook refuses it here");
            check.refuse(&INVALID_TAINT, at, message, "drop it, or use a key of your own");
        }
    }
}

fn owner(key: &str, bearer: Bearer) -> Option<&'static str> {
    match key {
        "node.kubernetes.io/out-of-service" => None,
        "node.cluster.x-k8s.io/uninitialized" | "node.cluster.x-k8s.io/outdated-revision" => Some("Cluster API"),
        "node-role.kubernetes.io/master" => Some("old releases of kubeadm"),
        "node-role.kubernetes.io/control-plane" if bearer == Bearer::Worker => Some("control plane machines"),
        _ if key.starts_with("node.kubernetes.io/") => Some("the node lifecycle controller"),
        _ if key.starts_with("node.cloudprovider.kubernetes.io/") => Some("the cloud provider"),
        _ => None,
    }
}
