//! The OpenStack provider.

use crate::yaml::Value;

use super::super::check::{Check, field, is_set, items, text};
use super::super::rules::CONFLICTING_FIELDS;
use super::{machine_spec, of_one_machine};

/// Judges an object of the OpenStack provider.
pub fn judge(check: &mut Check<'_, '_>) {
    match &*check.object.kind {
        "OpenStackCluster" => {
            if let Some(groups) = check.at(&["spec", "managedSecurityGroups"]).filter(|_| check.creates()) {
                rules(check, groups);
            }
        }
        "OpenStackMachine" | "OpenStackServer" => {
            if let Some((spec, _)) = machine_spec(check) {
                machine(check, spec);
            }
        }
        "OpenStackMachineTemplate" => {
            // A pointer: empty text is there too.
            if let Some(at) = machine_spec(check).and_then(|(spec, _)| field(spec, &["providerID"])) {
                of_one_machine(check, at);
            }
        }
        _ => {}
    }
}

/// A rule admits from one kind of source.
fn rules<'a>(check: &mut Check<'_, 'a>, groups: Value<'a>) {
    let is_first = check.object.version() == "v1beta1";
    // Of v1beta1 the webhook reads only the rules for all nodes.
    let is_judged = |key: &str| key == "allNodesSecurityGroupRules" || !is_first && key.ends_with("Rules");
    for list in groups.entries().filter(|list| list.key().is_some_and(|key| is_judged(&key))) {
        for rule in list.items() {
            let sources = ["remoteManagedGroups", "remoteGroupID", "remoteIPPrefix"];
            if sources.iter().filter(|key| field(rule, **key).is_some()).count() > 1 {
                let message = "a rule with more than one kind of source: the webhook refuses it";
                check.refuse(&CONFLICTING_FIELDS, rule, message, "make a rule for each source");
            }
        }
    }
}

fn machine<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    if is_set(field(spec, &["rootVolume"])) {
        for device in items(spec, &["additionalBlockDevices"]) {
            if let Some(at) = field(device, &["name"]).filter(|_| text(device, &["name"]).as_deref() == Some("root")) {
                let message = "a block device called `root` beside the root volume: the webhook refuses it";
                check.refuse(&CONFLICTING_FIELDS, at, message, "give it another name");
            }
        }
    }
    for port in items(spec, &["ports"]) {
        let is_open = ["enablePortSecurity", "disablePortSecurity"]
            .iter()
            .any(|key| field(port, *key).and_then(|value| value.as_bool()) == Some(key.starts_with("disable")));
        if let Some(groups) = field(port, &["securityGroups"]).filter(|groups| is_set(Some(*groups)) && is_open) {
            let message = "security groups on a port without port security: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, groups, message, "drop them, or leave port security on");
        }
    }
}
