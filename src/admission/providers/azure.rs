//! The Azure provider: the rows that hold for an object as written, without the provider's many defaults.

use std::collections::HashSet;

use crate::yaml::Value;

use super::super::Gate;
use super::super::check::{Check, field, filled, is_set, is_true, items, number, text};
use super::super::rules::{
    CONFLICTING_FIELDS, DUPLICATE_ENTRY, INVALID_NAME, MALFORMED_VALUE, MISSING_SETTING, OUT_OF_RANGE,
};
use super::machine_spec;

/// Judges an object of the Azure provider.
pub fn judge(check: &mut Check<'_, '_>) {
    match &*check.object.kind {
        "AzureCluster" => cluster(check),
        "AzureMachine" | "AzureMachineTemplate" => {
            if let Some((spec, _)) = machine_spec(check) {
                machine(check, spec);
            }
        }
        _ => {}
    }
}

fn cluster(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let name = &check.object.name;
    let is_name = name.len() <= 44 && super::super::selector::is_dns1123_label(name);
    if let Some(at) = field(root, &["metadata", "name"]).filter(|_| !is_name) {
        let message = "no name for an AzureCluster: the webhook refuses it";
        check.refuse(&INVALID_NAME, at, message, "use at most 44 lower-case letters, digits and `-`");
    }
    let Some(spec) = field(root, &["spec"]) else { return };
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
    if let Some(location) = field(spec, &["extendedLocation"]) {
        check.gate(Gate::EdgeZone, location, "`extendedLocation`");
    }
    if let Some(bastion) = field(spec, &["bastionSpec", "azureBastion"])
        && is_true(bastion, &["enableTunneling"])
        && text(bastion, &["sku"]).as_deref() != Some("Standard")
    {
        let message = "tunneling needs the Standard sku: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, bastion, message, "set `sku: Standard`");
    }
    if let Some(balancer) = field(spec, &["networkSpec", "apiServerLB"]) {
        load_balancer(check, balancer);
    }
    for key in ["apiServerLB", "nodeOutboundLB", "controlPlaneOutboundLB"] {
        if let Some(at) = field(spec, &["networkSpec", key, "idleTimeoutInMinutes"])
            && super::super::check::whole(at).is_some_and(|minutes| !(4..=30).contains(&minutes))
        {
            check.refuse(&OUT_OF_RANGE, at, "the webhook takes an idle timeout of 4 to 30 minutes", "use 4 to 30");
        }
    }
}

fn load_balancer<'a>(check: &mut Check<'_, 'a>, balancer: Value<'a>) {
    for (key, known) in [("sku", &["Standard"][..]), ("type", &["Public", "Internal"])] {
        if let Some(at) = field(balancer, &[key])
            && let Some(text) = at.as_str().filter(|text| !text.is_empty() && !known.contains(&&**text))
        {
            let message = format!("{key} {text:?} of the API server's load balancer: the webhook refuses it");
            check.refuse(&MALFORMED_VALUE, at, message, format!("use {}", known.join(" or ")));
        }
    }
    let is_internal = text(balancer, &["type"]).as_deref() == Some("Internal");
    for address in items(balancer, &["frontendIPs"]) {
        if is_internal && let Some(at) = field(address, &["publicIP"]) {
            check.refuse(
                &CONFLICTING_FIELDS,
                at,
                "an internal load balancer has no public address: the webhook refuses it",
                "drop it",
            );
        }
        if !is_internal
            && filled(address, &["privateIP"]).is_some()
            && let Some(at) = field(address, &["privateIP"])
        {
            check.gate(Gate::ApiServerIlb, at, "a private address of a public API server");
        }
    }
}

fn machine<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    if let Some(disk) = field(spec, &["osDisk"]) {
        os_disk(check, disk);
    }
    data_disks(check, spec);
    image(check, spec);
    let identity = text(spec, &["identity"]).unwrap_or_default();
    let assigned = field(spec, &["userAssignedIdentities"]).filter(|list| is_set(Some(*list)));
    match (&*identity == "UserAssigned", assigned) {
        (true, None) => {
            let message = "identity UserAssigned without a list of identities: the webhook refuses it";
            check.absent(&MISSING_SETTING, spec, &["userAssignedIdentities"], message, "list the identities");
        }
        (false, Some(list)) => {
            let message = "a list of identities while `identity` is not UserAssigned: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, list, message, "set `identity: UserAssigned`, or drop the list");
        }
        _ => {}
    }
    if let Some(at) =
        field(spec, &["systemAssignedIdentityRole"]).filter(|at| is_set(Some(*at)) && identity != "SystemAssigned")
    {
        let message = "a role while `identity` is not SystemAssigned: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, at, message, "set `identity: SystemAssigned`, or drop the role");
    }
    if let Some(at) = field(spec, &["networkInterfaces"]).filter(|at| is_set(Some(*at))) {
        if filled(spec, &["subnetName"]).is_some() || field(spec, &["acceleratedNetworking"]).is_some() {
            let message = "networkInterfaces beside subnetName or acceleratedNetworking: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, at, message, "say it in `networkInterfaces` only");
        }
        for interface in at.items() {
            if let Some(at) = field(interface, &["privateIPConfigs"])
                && super::super::check::whole(at).is_some_and(|count| count < 1)
            {
                check.refuse(
                    &OUT_OF_RANGE,
                    at,
                    "no address for the interface: the webhook refuses it",
                    "use 1 or more",
                );
            }
        }
    }
    if let Some(at) =
        field(spec, &["vmExtensions"]).filter(|at| is_set(Some(*at)) && is_true(spec, &["disableExtensionOperations"]))
    {
        let message = "vmExtensions while extension operations are disabled: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, at, message, "drop one of them");
    }
}

const CACHING: [&str; 3] = ["None", "ReadOnly", "ReadWrite"];

fn caching<'a>(check: &mut Check<'_, 'a>, disk: Value<'a>) {
    if let Some(at) = field(disk, &["cachingType"])
        && let Some(text) = at.as_str().filter(|text| !text.is_empty() && !CACHING.contains(&&**text))
    {
        let message = format!("{text:?} is no kind of caching: the webhook refuses it");
        check.refuse(&MALFORMED_VALUE, at, message, format!("use {}", CACHING.join(", ")));
    }
}

fn os_disk<'a>(check: &mut Check<'_, 'a>, disk: Value<'a>) {
    if filled(disk, &["osType"]).is_none() {
        check.absent(
            &MISSING_SETTING,
            disk,
            &["osType"],
            "no osType: the webhook refuses it",
            "write Linux or Windows",
        );
    }
    if let Some(at) = field(disk, &["diskSizeGB"])
        && super::super::check::whole(at).is_some_and(|size| !(1..=2048).contains(&size))
    {
        check.refuse(&OUT_OF_RANGE, at, "the webhook takes 1 to 2048 GB for the system's disk", "use 1 to 2048");
    }
    caching(check, disk);
    if let Some(at) = field(disk, &["managedDisk", "storageAccountType"])
        && at.as_str().as_deref() == Some("UltraSSD_LRS")
    {
        check.refuse(
            &CONFLICTING_FIELDS,
            at,
            "no ultra disk can hold the system: the webhook refuses it",
            "use Premium_LRS",
        );
    }
    let is_local = text(disk, &["diffDiskSettings", "option"]).as_deref() == Some("Local");
    if is_local && let Some(at) = field(disk, &["managedDisk", "diskEncryptionSet"]) {
        check.refuse(
            &CONFLICTING_FIELDS,
            at,
            "an ephemeral disk cannot be encrypted so: the webhook refuses it",
            "drop it",
        );
    }
}

fn data_disks<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let (mut suffixes, mut units) = (HashSet::new(), HashSet::new());
    for disk in items(spec, &["dataDisks"]) {
        if let Some(at) = field(disk, &["diskSizeGB"])
            && super::super::check::whole(at).is_some_and(|size| !(4..=32767).contains(&size))
        {
            check.refuse(&OUT_OF_RANGE, at, "the webhook takes 4 to 32767 GB for a data disk", "use 4 to 32767");
        }
        match filled(disk, &["nameSuffix"]) {
            None => {
                let message = "a data disk without nameSuffix: the webhook refuses it";
                check.absent(&MISSING_SETTING, disk, &["nameSuffix"], message, "give it one");
            }
            Some(suffix) if !suffixes.insert(suffix.to_string()) => {
                check.refuse(
                    &DUPLICATE_ENTRY,
                    disk,
                    "two disks with one nameSuffix: the webhook refuses them",
                    "rename one",
                );
            }
            Some(_) => {}
        }
        if let (Some(unit), Some(at)) = (number(disk, &["lun"]), field(disk, &["lun"])) {
            if !(0..=63).contains(&unit) {
                check.refuse(&OUT_OF_RANGE, at, "the webhook takes a LUN of 0 to 63", "use 0 to 63");
            } else if !units.insert(unit) {
                check.refuse(&DUPLICATE_ENTRY, at, "two disks with one LUN: the webhook refuses them", "renumber one");
            }
        }
        caching(check, disk);
    }
}

fn image<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(image) = field(spec, &["image"]) else { return };
    let sources = ["id", "marketplace", "sharedGallery", "computeGallery"];
    if sources.iter().filter(|key| field(image, &[key]).is_some()).count() != 1 {
        let message =
            "an image comes from just one of id, marketplace, sharedGallery, computeGallery: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, image, message, "keep one of them");
    }
    let needed: [(&str, &[&str]); 2] = [
        ("marketplace", &["publisher", "offer", "sku", "version"]),
        ("sharedGallery", &["subscriptionID", "resourceGroup", "gallery", "name", "version"]),
    ];
    for (source, keys) in needed {
        let Some(chosen) = field(image, &[source]) else { continue };
        for key in keys.iter().filter(|key| filled(chosen, &[key]).is_none()) {
            let message = format!("{source} without {key}: the webhook refuses it");
            check.absent(&MISSING_SETTING, chosen, &[key], message, format!("add `{key}`"));
        }
    }
}
