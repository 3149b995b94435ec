//! The Azure provider. Its defaulting webhooks fill much before the validating ones look, so each rule speaks of what is
//! there after the filling.

use crate::yaml::Value;

use super::super::check::{Check, field, is_set, text};
use super::super::rules::{CONFLICTING_FIELDS, INVALID_NAME, MALFORMED_VALUE, MISSING_SETTING};
use super::{clash, lacking, machine_spec, malformed, within};

mod formats;
mod machine;
mod managed;
mod network;
mod pool;

/// Judges an object of the Azure provider.
pub fn judge(check: &mut Check<'_, '_>) {
    let kind = check.object.kind.to_string();
    let Some((spec, is_template)) = machine_spec(check) else { return };
    match kind.as_str() {
        "AzureCluster" => {
            name(check);
            identity_reference(check, spec);
            network::judge(check, spec, false);
        }
        "AzureClusterTemplate" => network::judge(check, spec, true),
        "AzureClusterIdentity" => identity(check, spec),
        "AzureMachine" | "AzureMachineTemplate" => machine::judge(check, spec, is_template),
        "AzureMachinePool" => machine::judge_pool(check, spec),
        "AzureManagedControlPlane" | "AzureManagedControlPlaneTemplate" => managed::judge(check, spec, is_template),
        "AzureManagedMachinePool" | "AzureManagedMachinePoolTemplate" => pool::judge(check, spec),
        _ => {}
    }
}

fn name(check: &mut Check<'_, '_>) {
    let name = check.name();
    // A single character does not suffice.
    let is_name = (2..=44).contains(&name.len()) && crate::schema::validate::names::is_dns_label(name);
    if let Some(at) = check.at(&["metadata", "name"]).filter(|_| !is_name) {
        let message = "no name for an AzureCluster: the webhook refuses it";
        check.refuse(&INVALID_NAME, at, message, "use 2 to 44 lower-case letters, digits and `-`");
    }
}

fn identity_reference<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    match field(spec, &["identityRef"]) {
        None => {
            let message = "no identity: the webhook refuses an AzureCluster without identityRef";
            let fix = "add `identityRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta1, kind: AzureClusterIdentity, name: …}`";
            check.absent(&MISSING_SETTING, spec, &["identityRef"], message, fix);
        }
        Some(identity) if text(identity, &["kind"]).as_deref() != Some("AzureClusterIdentity") => {
            let at = field(identity, &["kind"]).unwrap_or(identity);
            let message = "an identity of another kind: the webhook refuses it";
            check.refuse(&MALFORMED_VALUE, at, message, "write AzureClusterIdentity");
        }
        Some(_) => {}
    }
}

/// Judges an `AzureClusterIdentity`: some fields belong to one type of identity.
fn identity<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let ty = text(spec, &["type"]).unwrap_or_default();
    let owners = [
        ("resourceID", "UserAssignedMSI"),
        ("userAssignedIdentityCredentialsPath", "UserAssignedIdentityCredential"),
        ("userAssignedIdentityCredentialsCloudType", "UserAssignedIdentityCredential"),
    ];
    for (key, owner) in owners {
        if let Some(at) = field(spec, key).filter(|at| is_set(Some(*at)) && ty != owner) {
            let message = format!("`{key}` belongs to an identity of type {owner}: the webhook refuses it");
            check.refuse(&CONFLICTING_FIELDS, at, message, format!("use `type: {owner}`, or drop `{key}`"));
        }
    }
}
