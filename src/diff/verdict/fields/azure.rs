//! What the Azure provider's webhooks hold together when an object changes.

use serde_json::Value as Json;

use super::{HELP, IMMUTABLE_FIELD, generated, managed_version, refuse};
use crate::diff::json;
use crate::diff::update::Update;
use crate::diff::verdict::{Verdict, quoted};

/// Judges an object of the provider.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    match &*update.new.kind {
        "AzureCluster" => cluster(update, verdict),
        "AzureManagedControlPlane" => {
            managed_version(update, &["spec", "version"], verdict);
            extensions(update, &["spec", "extensions"], verdict);
        }
        "AzureManagedControlPlaneTemplate" => {
            extensions(update, &["spec", "template", "spec", "extensions"], verdict);
        }
        _ => {}
    }
}

/// Names below the network of an AzureCluster; subnets are told by theirs.
fn cluster(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let name = &update.new.name;
    let balancer = |tree: &Json| {
        let is_internal = json::text_at(tree, &["spec", "networkSpec", "apiServerLB", "type"]) == Some("Internal");
        format!("{name}-{}-lb", if is_internal { "internal" } else { "public" })
    };
    let default = Some(balancer(&update.before)).filter(|before| *before == balancer(&update.after));
    generated(update, &["spec", "networkSpec", "apiServerLB", "name"], default.as_deref(), verdict);
    outbound(update, verdict);
    let keys = ["spec", "networkSpec", "subnets"];
    for after in json::items(&update.after, &keys) {
        let same = |before: &&Json| before.get("name").is_some() && before.get("name") == after.get("name");
        let Some(before) = json::items(&update.before, &keys).iter().find(same) else { continue };
        for part in ["routeTable", "natGateway", "securityGroup"] {
            let named = |subnet: &Json| json::text_at(subnet, &[part, "name"]).map(str::to_owned);
            // Without a name the webhook makes one from cluster and role; a name that is taken away may come back as it was.
            if let (Some(old), Some(new)) = (named(before), named(after))
                && old != new
            {
                let message = format!(
                    "the {part} of the subnet {} must not get another name (from {old:?} to {new:?}): the webhook refuses \
                     the update",
                    quoted(after.get("name"))
                );
                verdict.say(update, &IMMUTABLE_FIELD, &keys, message, HELP);
            }
        }
    }
}

/// Extensions of AKS, told by their names (release 1.26.0). The webhook compares where two scopes stand in memory, so that no scope
/// is ever the same: an extension that has one freezes its whole object.
fn extensions(update: &Update<'_, '_>, keys: &[&'static str], verdict: &mut Verdict) {
    for after in json::items(&update.after, keys) {
        let same = |before: &&Json| before.get("name") == after.get("name");
        let Some(before) = json::items(&update.before, keys).iter().rfind(same) else { continue };
        let name = quoted(after.get("name"));
        if before.get("scope").is_some() || after.get("scope").is_some() {
            let message = format!(
                "the extension {name} has a scope: the webhook of {} takes no update of an object with such an extension, \
                 whatever changes in it",
                update.new.kind
            );
            let help = "give the extension another name, so that it is made anew, or leave the object as it is";
            verdict.say(update, &IMMUTABLE_FIELD, keys, message, help);
        }
        let of = |side: &Json, part: &str| side.get(part).filter(|value| !json::is_empty(value)).cloned();
        let is_other = |part: &&&str| match (of(before, part), of(after, part)) {
            (Some(before), Some(after)) => !json::equal(&before, &after),
            (before, after) => **part == "identity" && before != after,
        };
        for part in ["extensionType", "plan", "releaseTrain", "version", "identity"].iter().filter(is_other) {
            let message = format!("{part} of the extension {name} must not change: the webhook refuses the update");
            verdict.say(update, &IMMUTABLE_FIELD, keys, message, HELP);
        }
    }
}

/// The load balancers of an AzureCluster for what goes out. Their type and sku are the webhook's own, whatever is written; that of
/// the nodes is looked at where a subnet of theirs has addresses of IPv6.
fn outbound(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let name = &update.new.name;
    let filled = |tree: &Json, balancer: &str, default: &str| {
        let mut found = json::at(tree, &["spec", "networkSpec", balancer])?.as_object()?.clone();
        found.retain(|key, value| !(matches!(key.as_str(), "sku" | "type") || json::is_empty(value)));
        let defaults = [("name", default.into()), ("idleTimeoutInMinutes", 4.into()), ("frontendIPsCount", 1.into())];
        for (key, value) in defaults {
            found.entry(key).or_insert(value);
        }
        Some(Json::Object(found))
    };
    let both = |balancer: &str, default: &str| {
        (filled(&update.before, balancer, default), filled(&update.after, balancer, default))
    };
    let (before, after) = both("controlPlaneOutboundLB", &format!("{name}-outbound-lb"));
    if !json::same(before.as_ref(), after.as_ref()) {
        refuse(update, &["spec", "networkSpec", "controlPlaneOutboundLB"], verdict);
    }
    let is_asked_for = json::items(&update.after, &["spec", "networkSpec", "subnets"]).iter().any(|subnet| {
        matches!(json::text_at(subnet, &["role"]), Some("node" | "cluster"))
            && json::items(subnet, &["cidrBlocks"])
                .iter()
                .any(|block| block.as_str().is_some_and(|at| at.contains(':')))
    });
    if let ((Some(before), Some(after)), true) = (both("nodeOutboundLB", name), is_asked_for) {
        for part in ["name", "id", "idleTimeoutInMinutes"] {
            if before.get(part) != after.get(part) {
                refuse(update, &["spec", "networkSpec", "nodeOutboundLB", part], verdict);
            }
        }
    }
}
