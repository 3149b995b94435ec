//! What the OpenStack provider's webhooks hold together when an object changes.

use serde_json::Value as Json;

use super::{IMMUTABLE_FIELD, is_set, refuse};
use crate::diff::json;
use crate::diff::update::Update;
use crate::diff::verdict::Verdict;

/// Judges an object of the provider.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    if &*update.new.kind == "OpenStackCluster" {
        cluster(update, verdict);
    }
}

/// What of an OpenStackCluster may change only in one direction, or only where the floating IP is off.
fn cluster(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let is_off = json::at(&update.before, &["spec", "disableAPIServerFloatingIP"]) == Some(&Json::Bool(true));
    for field in ["apiServerFixedIP", "apiServerPort"] {
        let keys = ["spec", field];
        if update.changed(&keys) && (!is_off || is_set(update.both(&keys).0)) {
            refuse(update, &keys, verdict);
        }
    }
    let (before, after) = update.both(&["spec", "bastion"]);
    let was_on = before.is_some_and(|bastion| bastion.get("enabled") != Some(&Json::Bool(false)));
    if was_on && after.is_none() {
        let message = "spec.bastion is taken away while it is on: the webhook refuses that".to_owned();
        let help = "first upgrade with bastion.enabled: false, then take it away";
        verdict.say(update, &IMMUTABLE_FIELD, &["spec", "bastion"], message, help);
    }
    let keys = ["spec", "managedSubnets"];
    let (before, after) = update.both(&keys);
    if let (Some(Json::Array(before)), Some(Json::Array(after))) = (before, after)
        && before.len() != after.len()
        && !verdict.has_refused(update.new, "spec.managedSubnets")
    {
        refuse(update, &keys, verdict);
    }
    // A filter may become the id that it resolved to; which that is, no manifest shows.
    let names_by_filter = |value: &Json| value.get("filter").is_some() && value.get("id").is_none();
    let is_resolved = |old: &Json, new: &Json| json::equal(old, new) || names_by_filter(old) && new.get("id").is_some();
    let fits = |old: Option<&Json>, new: Option<&Json>| match (old, new) {
        (Some(Json::Array(old)), Some(Json::Array(new))) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_resolved(old, new))
        }
        (Some(old), Some(new)) => is_resolved(old, new),
        (old, new) => json::same(old, new),
    };
    for field in ["network", "subnets"] {
        let keys = ["spec", field];
        let (before, after) = update.both(&keys);
        if !fits(before, after) {
            refuse(update, &keys, verdict);
        }
    }
}
