//! What the AWS provider's webhooks hold together when an object changes.

use serde_json::Value as Json;

use super::{IMMUTABLE_FIELD, generated, is_refused, managed_version, refuse};
use crate::diff::update::Update;
use crate::diff::verdict::Verdict;
use crate::diff::verdict::frozen::When;

/// Judges an object of the provider.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    match &*update.new.kind {
        "AWSCluster" => {
            load_balancer(update, verdict);
            bastion(update, &["spec", "bastion"], verdict);
        }
        "AWSManagedControlPlane" => {
            authentication_mode(update, verdict);
            managed_version(update, &["spec", "version"], verdict);
            bastion(update, &["spec", "bastion"], verdict);
            generated(update, &["spec", "eksClusterName"], eks_name(update, 100).as_deref(), verdict);
        }
        "AWSManagedControlPlaneTemplate" => {
            managed_version(update, &["spec", "template", "spec", "version"], verdict);
            bastion(update, &["spec", "template", "spec", "bastion"], verdict);
        }
        "AWSManagedMachinePool" => {
            generated(update, &["spec", "eksNodegroupName"], eks_name(update, 64).as_deref(), verdict);
        }
        _ => {}
    }
}

/// What the AWS provider calls things in EKS that have no name, unless that is so long that it is hashed.
fn eks_name(update: &Update<'_, '_>, limit: usize) -> Option<String> {
    let name = format!("{}_{}", update.new.namespace()?, update.new.name.replace('.', "_"));
    (name.len() < limit).then_some(name)
}

fn load_balancer(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "controlPlaneLoadBalancer", "loadBalancerType"];
    let (before, after) = update.both(&keys);
    let is = |value: Option<&Json>, kind: &str| value.and_then(Json::as_str) == Some(kind);
    if is(before, "disabled") != is(after, "disabled") {
        refuse(update, &keys, verdict);
    }
    let protocol = ["spec", "controlPlaneLoadBalancer", "healthCheckProtocol"];
    if !is(before, "classic") && update.changed(&protocol) {
        refuse(update, &protocol, verdict);
    }
    let scheme = ["spec", "secondaryControlPlaneLoadBalancer", "scheme"];
    let is_new = update.both(&scheme[..2]).0.is_none() && update.both(&scheme[..2]).1.is_some();
    let chosen = update.both(&scheme).1.and_then(Json::as_str).unwrap_or("internet-facing");
    if is_new && !chosen.eq_ignore_ascii_case("internet-facing") {
        let message = format!(
            "a second load balancer that comes later must be internet-facing, not {chosen}: the webhook refuses the update"
        );
        verdict.say(update, &IMMUTABLE_FIELD, &scheme, message, "make the AWSCluster anew with both of them");
    }
    let annotation = ["metadata", "annotations", "cluster.x-k8s.io/managed-by"];
    if is_refused(When::NotRemoved, update, &annotation) {
        refuse(update, &annotation, verdict);
    }
}

/// Where nobody says who may reach the bastion, the webhook writes everybody down when the object is made, and no upgrade that does
/// not speak of it takes that back: then the bastion cannot lose its rules.
fn bastion(update: &Update<'_, '_>, keys: &[&'static str], verdict: &mut Verdict) {
    let (before, after) = update.both(keys);
    let has_none = |bastion: Option<&Json>| {
        bastion.and_then(|bastion| bastion.get("disableIngressRules")) == Some(&Json::Bool(true))
    };
    let is_open = |bastion: Option<&Json>| bastion.is_none_or(|bastion| bastion.get("allowedCIDRBlocks").is_none());
    if has_none(after) && !has_none(before) && is_open(before) && is_open(after) {
        let keys = [keys, &["allowedCIDRBlocks"]].concat();
        let message = format!(
            "{} was filled in when the {} was made, and is there still when disableIngressRules comes: the webhook refuses the two \
             together",
            keys.join("."),
            update.new.kind
        );
        verdict.say(update, &IMMUTABLE_FIELD, &keys, message, "write `allowedCIDRBlocks: []` beside it");
    }
}

/// EKS: the mode goes from `config_map` over `api_and_config_map` to `api`, never back.
fn authentication_mode(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "accessConfig", "authenticationMode"];
    let rank = |mode: &str| ["config_map", "api_and_config_map", "api"].iter().position(|known| *known == mode);
    let Some((old, new)) = update.texts(&keys) else { return };
    if rank(new) < rank(old) {
        refuse(update, &keys, verdict);
    }
}
