//! What live objects say of themselves, in the words of both contract versions.
//!
//! v1beta2 has `status.conditions` and `status.initialization`; v1beta1 has booleans at the top of `status`, conditions of its
//! own, and from CAPI 1.9 on the new ones under `status.v1beta2`.

use std::borrow::Cow;

use crate::fleet::machines;
use crate::object::Object;
use crate::yaml::Value;

/// Conditions that are good news when they are not true.
const NEGATIVE: &[&str] = &["RollingOut", "Remediating", "ScalingDown", "ScalingUp", "Deleting", "Paused"];

/// One condition.
#[derive(Clone, Debug)]
pub struct Condition<'a> {
    /// Its type.
    pub kind: Cow<'a, str>,
    /// Whether its status is `True`.
    pub is_true: bool,
    /// Why, in one word.
    pub reason: Cow<'a, str>,
    /// Why, in words.
    pub message: Cow<'a, str>,
}

impl Condition<'_> {
    /// Whether something is amiss, or not done yet.
    pub fn is_bad(&self) -> bool {
        self.is_true == NEGATIVE.contains(&&*self.kind)
    }

    /// Type and message, or the reason where there is none.
    pub fn text(&self) -> String {
        let said = if self.message.trim().is_empty() { &self.reason } else { &self.message };
        format!("{}: {}", self.kind, said.trim())
    }
}

/// All conditions, those of v1beta2 first; none twice.
pub fn conditions<'a>(object: &Object<'a>) -> Vec<Condition<'a>> {
    let mut all: Vec<Condition<'a>> = Vec::new();
    let lists: [&[&str]; 2] = [&["status", "v1beta2", "conditions"], &["status", "conditions"]];
    for list in lists.into_iter().filter_map(|keys| object.at(keys)) {
        for item in list.items() {
            let text = |key: &str| item.get(key).and_then(|value| value.as_str()).unwrap_or_default();
            let kind = text("type");
            if !kind.is_empty() && !all.iter().any(|known| known.kind == kind) {
                all.push(Condition {
                    kind,
                    is_true: text("status") == "True",
                    reason: text("reason"),
                    message: text("message"),
                });
            }
        }
    }
    all
}

/// The first condition of these types.
pub fn condition<'a>(object: &Object<'a>, kinds: &[&str]) -> Option<Condition<'a>> {
    let all = conditions(object);
    kinds.iter().find_map(|kind| all.iter().find(|condition| condition.kind == *kind).cloned())
}

fn is_true(object: &Object<'_>, keys: &[&str]) -> bool {
    object.below(keys).and_then(|value| value.as_bool()) == Some(true)
}

/// `status.phase`.
pub fn phase<'a>(object: &Object<'a>) -> Option<Cow<'a, str>> {
    object.at(&["status", "phase"])?.as_str().filter(|phase| !phase.is_empty())
}

/// Whether it is on its way out.
pub fn is_deleted(object: &Object<'_>) -> bool {
    object.at(&["metadata", "deletionTimestamp"]).is_some_and(|value| !value.is_null())
}

/// Whether its controllers are told to leave it alone.
pub fn is_paused(object: &Object<'_>) -> bool {
    is_true(object, &["spec", "paused"]) || object.annotation("cluster.x-k8s.io/paused").is_some()
}

/// Whether the controller has not seen the newest version of it.
pub fn is_behind(object: &Object<'_>) -> bool {
    let number = |keys: &[&str]| object.below(keys).and_then(|value| value.as_i64());
    match (number(&["metadata", "generation"]), number(&["status", "observedGeneration"])) {
        (Some(written), Some(seen)) => seen < written,
        _ => false,
    }
}

/// Whether the infrastructure of a Cluster stands.
pub fn is_provisioned(cluster: &Object<'_>) -> bool {
    match phase(cluster) {
        Some(phase) => phase == "Provisioned",
        None => {
            is_true(cluster, &["status", "initialization", "infrastructureProvisioned"])
                || is_true(cluster, &["status", "infrastructureReady"])
        }
    }
}

/// How far a control plane has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlPlane {
    /// Its API answers, and as many machines as needed are healthy.
    Available,
    /// Its API has answered once.
    Initialized,
    /// Not yet.
    NotInitialized,
}

/// How far the control plane of a Cluster has come.
pub fn control_plane(cluster: &Object<'_>) -> ControlPlane {
    let initialized = is_true(cluster, &["status", "initialization", "controlPlaneInitialized"])
        || is_true(cluster, &["status", "controlPlaneReady"])
        || condition(cluster, &["ControlPlaneInitialized"]).is_some_and(|condition| condition.is_true);
    match condition(cluster, &["ControlPlaneAvailable", "ControlPlaneReady"]) {
        Some(condition) if condition.is_true => ControlPlane::Available,
        None if is_true(cluster, &["status", "controlPlaneReady"]) => ControlPlane::Available,
        _ if initialized => ControlPlane::Initialized,
        _ => ControlPlane::NotInitialized,
    }
}

/// A number of replicas in `status`.
fn replicas(object: &Object<'_>, fields: &[&str]) -> Option<u64> {
    let status = object.at(&["status"])?;
    let number = |field: &&str| status.get(field).as_ref().and_then(Value::as_i64);
    fields.iter().find_map(number).filter(|number| *number >= 0).map(machines::count)
}

/// Replicas that are ready, as an owner of machines tells.
pub fn ready_replicas(object: &Object<'_>) -> u64 {
    replicas(object, &["readyReplicas"]).unwrap_or(0)
}

/// Replicas of an older shape that are still to be replaced.
pub fn outdated_replicas(object: &Object<'_>) -> u64 {
    let all = replicas(object, &["replicas"]).unwrap_or(0);
    replicas(object, &["upToDateReplicas", "updatedReplicas"]).map_or(0, |current| all.saturating_sub(current))
}
