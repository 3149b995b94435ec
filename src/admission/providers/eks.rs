//! Managed control planes of AWS.

use crate::yaml::Value;

use super::super::check::{Check, field, filled, is_set, is_true, items, text};
use super::super::rules::{CONFLICTING_FIELDS, INVALID_VERSION, MISSING_SETTING};
use super::super::semver;
use super::aws;

/// Judges an `AWSManagedControlPlane`.
pub fn judge<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let version = field(spec, &["version"]);
    let parsed = filled(spec, &["version"]).and_then(|version| semver::tolerant(&version));
    if let Some(at) = version.filter(|at| parsed.is_none() && is_set(Some(*at))) {
        let text = at.as_str().unwrap_or_default();
        let message = format!("{text:?} is no version: the webhook refuses it");
        check.refuse(&INVALID_VERSION, at, message, "write MAJOR.MINOR, such as v1.34");
    }
    let is_older = |minor: u64| parsed.is_some_and(|version| version.major == 1 && version.minor < minor);
    if let Some(at) = field(spec, &["addons"]).filter(|at| is_set(Some(*at)) && is_older(18)) {
        check.refuse(
            &CONFLICTING_FIELDS,
            at,
            "addons need Kubernetes 1.18: the webhook refuses them",
            "use a newer version",
        );
    }
    aws::tags(check, spec);
    aws::optional_cidr(check, field(spec, &["secondaryCidrBlock"]));
    disabled_addons(check, spec);
    access(check, spec);
    let has_private = items(spec, &["network", "subnets"]).any(|subnet| !is_true(subnet, &["isPublic"]));
    if let Some(at) = field(spec, &["restrictPrivateSubnets"])
        && at.as_bool() == Some(true)
        && field(spec, &["network", "subnets"]).is_some()
        && !has_private
    {
        let message = "restrictPrivateSubnets without a private subnet: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, at, message, "add a private subnet, or drop the field");
    }
}

/// What is switched off cannot be an addon too.
fn disabled_addons<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    for (path, addon) in [(["vpcCni", "disable"], "vpc-cni"), (["kubeProxy", "disable"], "kube-proxy")] {
        let is_listed = items(spec, &["addons"]).any(|entry| text(entry, &["name"]).as_deref() == Some(addon));
        if let Some(at) = field(spec, &path).filter(|at| at.as_bool() == Some(true) && is_listed) {
            let message = format!("{addon} is disabled and listed as an addon: the webhook refuses it");
            check.refuse(&CONFLICTING_FIELDS, at, message, "drop the addon, or leave it on");
        }
    }
}

fn access<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let mode = text(spec, &["accessConfig", "authenticationMode"]).unwrap_or_default();
    let stays = field(spec, &["accessConfig", "bootstrapClusterCreatorAdminPermissions"]);
    if let Some(at) = stays.filter(|at| at.as_bool() == Some(false) && mode == "config_map") {
        let message = "with config_map the creator must stay administrator: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, at, message, "use api or api_and_config_map");
    }
    let Some(entries) = field(spec, &["accessEntries"]).filter(|entries| is_set(Some(*entries))) else { return };
    if !matches!(&*mode, "api" | "api_and_config_map") {
        let message = "access entries need authenticationMode api or api_and_config_map: the webhook refuses them";
        check.refuse(&CONFLICTING_FIELDS, entries, message, "set `accessConfig.authenticationMode: api`");
    }
    for entry in entries.items() {
        access_entry(check, entry);
    }
}

fn access_entry<'a>(check: &mut Check<'_, 'a>, entry: Value<'a>) {
    let is_ec2 = text(entry, &["type"]).is_some_and(|ty| ty.to_ascii_lowercase().starts_with("ec2"));
    if is_ec2 {
        for key in ["kubernetesGroups", "accessPolicies"] {
            if let Some(at) = field(entry, &[key]).filter(|at| is_set(Some(*at))) {
                let message = format!("an entry for machines takes no {key}: the webhook refuses it");
                check.refuse(&CONFLICTING_FIELDS, at, message, "drop them");
            }
        }
    }
    for policy in items(entry, &["accessPolicies"]) {
        let is_scoped = text(policy, &["accessScope", "type"]).as_deref() == Some("namespace");
        if is_scoped && items(policy, &["accessScope", "namespaces"]).next().is_none() {
            let message = "a policy for namespaces that names none: the webhook refuses it";
            check.absent(&MISSING_SETTING, policy, &["accessScope", "namespaces"], message, "list the namespaces");
        }
    }
}
