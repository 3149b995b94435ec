//! Machines of Azure and their templates: disks, images, identities, interfaces, confidential computing.

use std::collections::HashSet;

use crate::admission::check::{Check, field, filled, is_set, is_true, items, number, text, whole};
use crate::admission::rules::{DUPLICATE_ENTRY, INVALID_ROLLOUT, OUT_OF_RANGE};
use crate::yaml::Value;

use super::formats::{is_resource_id, is_ssh_key, is_uuid};
use super::{clash, lacking, malformed, within};

/// Judges an `AzureMachine` or its template.
pub fn judge<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    if let Some(disk) = field(spec, &["osDisk"]) {
        system_disk(check, disk);
    }
    data_disks(check, spec);
    image(check, spec);
    confidential(check, spec);
    ssh_key(check, spec);
    users(check, spec);
    role(check, spec, is_template);
    diagnostics(check, spec);
    interfaces(check, spec);
    if let Some(at) = field(spec, &["capacityReservationGroupID"])
        && at.as_str().is_some_and(|id| !is_resource_id(&id))
    {
        malformed(check, at, "no id of an Azure resource", RESOURCE_ID);
    }
    if let Some(at) =
        field(spec, &["vmExtensions"]).filter(|at| is_set(Some(*at)) && is_true(spec, &["disableExtensionOperations"]))
    {
        clash(check, at, "vmExtensions while extension operations are disabled", "drop one of them");
    }
}

/// Judges an `AzureMachinePool`. Whether it fits its MachinePool is seen in the cluster only.
pub fn judge_pool<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    users(check, spec);
    role(check, spec, false);
    if let Some(at) = field(spec, &["strategy", "rollingUpdate"])
        && text(spec, &["strategy", "type"]).is_none_or(|ty| ty == "RollingUpdate")
        && ["maxSurge", "maxUnavailable"].iter().all(|key| number(at, *key) == Some(0))
    {
        let message = "maxSurge and maxUnavailable are both 0: nothing could ever roll, and the webhook refuses it";
        check.refuse(&INVALID_ROLLOUT, at, message, "use `maxSurge: 1`");
    }
    let Some(template) = field(spec, &["template"]) else { return };
    if let Some(disk) = field(template, &["osDisk"]) {
        storage(check, disk);
        system_only(check, disk);
        within(check, field(disk, &["diskSizeGB"]), &(1..=2048));
    }
    image(check, template);
    ssh_key(check, template);
    diagnostics(check, template);
    within(check, field(template, &["terminateNotificationTimeout"]), &(5..=15));
    if let Some(at) = field(template, &["networkInterfaces"])
        .filter(|at| is_set(Some(*at)) && filled(template, &["subnetName"]).is_some())
    {
        clash(check, at, "networkInterfaces beside subnetName", "say it in `networkInterfaces` only");
    }
}

const RESOURCE_ID: &str = "write /subscriptions/ID/resourceGroups/GROUP/providers/NAMESPACE/TYPE/NAME";

/// Judges an SSH key; an empty one is replaced by a new one.
pub fn ssh_key<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    if let Some(at) = field(spec, &["sshPublicKey"])
        && at.as_str().is_some_and(|key| !key.is_empty() && !is_ssh_key(&key))
    {
        let fix = "write the base64 of the public key's line: `base64 -w0 ~/.ssh/id_ed25519.pub`";
        malformed(check, at, "no base64 of an SSH public key", fix);
    }
}

const CACHING: [&str; 3] = ["None", "ReadOnly", "ReadWrite"];
const ULTRA: &str = "UltraSSD_LRS";
const STORAGE: [&str; 7] =
    ["Premium_LRS", "PremiumV2_LRS", "Premium_ZRS", "StandardSSD_LRS", "StandardSSD_ZRS", "Standard_LRS", ULTRA];

/// What both kinds of disks have: caching and a type of storage.
fn storage<'a>(check: &mut Check<'_, 'a>, disk: Value<'a>) {
    let managed = field(disk, &["managedDisk"]);
    let ty = managed.and_then(|managed| filled(managed, &["storageAccountType"]));
    if let Some(managed) = managed {
        match (&ty, field(managed, &["storageAccountType"])) {
            (None, _) => {
                let fix = format!("add it: one of {}", STORAGE.join(", "));
                lacking(check, managed, &["storageAccountType"], "a managed disk without storageAccountType", fix);
            }
            (Some(ty), Some(at)) if !STORAGE.contains(&&**ty) => {
                let fix = format!("use {}", STORAGE.join(", "));
                malformed(check, at, &format!("{ty:?} is no type of storage for disks"), fix);
            }
            _ => {}
        }
    }
    let Some(at) = field(disk, &["cachingType"]) else { return };
    let Some(caching) = at.as_str().filter(|text| !text.is_empty()) else { return };
    if !CACHING.contains(&&*caching) {
        malformed(check, at, &format!("{caching:?} is no kind of caching"), format!("use {}", CACHING.join(", ")));
    } else if ty.as_deref() == Some(ULTRA) && caching != "None" {
        clash(check, at, "an ultra disk cannot be cached", "write None");
    }
}

fn system_disk<'a>(check: &mut Check<'_, 'a>, disk: Value<'a>) {
    // An absent one the schema fills with Linux.
    if let Some(at) = field(disk, &["osType"]).filter(|at| at.as_str().is_some_and(|os| os.is_empty())) {
        malformed(check, at, "an empty osType", "write Linux or Windows, or drop it: Linux is the default");
    }
    within(check, field(disk, &["diskSizeGB"]), &(1..=2048));
    storage(check, disk);
    system_only(check, disk);
}

/// What holds for the system's disk alone: no ultra storage, no encryption set on an ephemeral one.
fn system_only<'a>(check: &mut Check<'_, 'a>, disk: Value<'a>) {
    if let Some(at) = field(disk, &["managedDisk", "storageAccountType"])
        && at.as_str().as_deref() == Some(ULTRA)
    {
        clash(check, at, "no ultra disk can hold the system", "use Premium_LRS");
    }
    let sealed = field(disk, &["managedDisk", "securityProfile"]);
    if let Some(profile) = sealed
        && let Some(at) = field(profile, &["diskEncryptionSet"])
        && text(profile, &["securityEncryptionType"]).as_deref() != Some("DiskWithVMGuestState")
    {
        let why = "an encryption set for the machine's state without encrypting the disk";
        clash(check, at, why, "set `securityEncryptionType: DiskWithVMGuestState`");
    }
    let Some(ephemeral) = field(disk, &["diffDiskSettings"]) else { return };
    if let Some(at) = field(disk, &["managedDisk", "diskEncryptionSet"]) {
        clash(check, at, "an ephemeral disk cannot be encrypted so", "drop it");
    }
    if let Some(at) =
        field(ephemeral, &["placement"]).filter(|_| text(ephemeral, &["option"]).as_deref() != Some("Local"))
    {
        clash(check, at, "a placement for a disk that is not Local", "set `option: Local`");
    }
}

fn data_disks<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let (mut suffixes, mut units) = (HashSet::new(), HashSet::new());
    for disk in items(spec, &["dataDisks"]) {
        within(check, field(disk, &["diskSizeGB"]), &(4..=32767));
        match filled(disk, &["nameSuffix"]) {
            None => lacking(check, disk, &["nameSuffix"], "a data disk without nameSuffix", "give it one"),
            Some(suffix) if !suffixes.insert(suffix.to_string()) => {
                let message = "two disks with one nameSuffix: the webhook refuses them";
                check.refuse(&DUPLICATE_ENTRY, disk, message, "rename one");
            }
            Some(_) => {}
        }
        let at = field(disk, &["lun"]);
        within(check, at, &(0..=63));
        if let (Some(unit), Some(at)) = (number(disk, &["lun"]), at)
            && !units.insert(unit)
        {
            let message = "two disks with one LUN: the webhook refuses them";
            check.refuse(&DUPLICATE_ENTRY, at, message, "renumber one, or leave LUNs to the webhook");
        }
        storage(check, disk);
    }
}

fn image<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(image) = field(spec, &["image"]) else { return };
    let sources = ["id", "marketplace", "sharedGallery", "computeGallery"];
    if sources.iter().filter(|key| field(image, **key).is_some()).count() != 1 {
        let why = "an image comes from just one of id, marketplace, sharedGallery, computeGallery";
        clash(check, image, why, "keep one of them");
    }
    if let Some(at) = field(image, &["id"]).filter(|at| at.as_str().is_some_and(|id| id.is_empty())) {
        malformed(check, at, "an image without id", "write the id of the image");
    }
    let needed: [(&str, &[&str]); 2] = [
        ("marketplace", &["publisher", "offer", "sku", "version"]),
        ("sharedGallery", &["subscriptionID", "resourceGroup", "gallery", "name", "version"]),
    ];
    for (source, keys) in needed {
        let Some(chosen) = field(image, source) else { continue };
        for key in keys.iter().filter(|key| filled(chosen, **key).is_none()) {
            lacking(check, chosen, &[key], &format!("{source} without {key}"), format!("add `{key}`"));
        }
    }
    let Some(gallery) = field(image, &["computeGallery"]) else { return };
    for (given, needed) in [("subscriptionID", "resourceGroup"), ("resourceGroup", "subscriptionID")] {
        if field(gallery, given).is_some() && field(gallery, needed).is_none() {
            lacking(check, gallery, &[needed], &format!("a gallery with {given} alone"), "give both, or none");
        }
    }
}

/// Machines whose memory nobody can read hang together with how their disk is encrypted.
fn confidential<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let encryption = filled(spec, &["osDisk", "managedDisk", "securityProfile", "securityEncryptionType"]);
    let (Some(encryption), Some(profile)) = (encryption, field(spec, &["securityProfile"])) else { return };
    if text(profile, &["securityType"]).as_deref() != Some("ConfidentialVM") {
        let at = field(profile, &["securityType"]).unwrap_or(profile);
        clash(check, at, "securityEncryptionType for a machine that is not confidential", "write ConfidentialVM");
    }
    match field(profile, &["uefiSettings"]) {
        None => {
            let fix = "add `uefiSettings: {vTpmEnabled: true, secureBootEnabled: true}`";
            lacking(check, profile, &["uefiSettings"], "a confidential machine without its own TPM", fix);
        }
        Some(uefi) if !is_true(uefi, &["vTpmEnabled"]) => {
            let at = field(uefi, &["vTpmEnabled"]).unwrap_or(uefi);
            clash(check, at, "a confidential machine without its own TPM", "set `vTpmEnabled: true`");
        }
        Some(uefi) if encryption == "DiskWithVMGuestState" && !is_true(uefi, &["secureBootEnabled"]) => {
            let at = field(uefi, &["secureBootEnabled"]).unwrap_or(uefi);
            clash(check, at, "DiskWithVMGuestState without secure boot", "set `secureBootEnabled: true`");
        }
        Some(_) => {}
    }
    if encryption == "DiskWithVMGuestState"
        && let Some(at) = field(profile, &["encryptionAtHost"]).filter(|at| at.as_bool() == Some(true))
    {
        clash(check, at, "DiskWithVMGuestState beside encryption at the host", "drop `encryptionAtHost`");
    }
}

fn users<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let is_user = text(spec, &["identity"]).as_deref() == Some("UserAssigned");
    let assigned = field(spec, &["userAssignedIdentities"]).filter(|list| is_set(Some(*list)));
    match (is_user, assigned) {
        (true, None) => {
            let why = "identity UserAssigned without a list of identities";
            lacking(check, spec, &["userAssignedIdentities"], why, "list the identities");
        }
        (false, Some(list)) => {
            let why = "a list of identities while `identity` is not UserAssigned";
            clash(check, list, why, "set `identity: UserAssigned`, or drop the list");
        }
        (true, Some(list)) => {
            for at in list.items().filter_map(|identity| field(identity, &["providerID"])) {
                if at.as_str().is_some_and(|id| !id.is_empty() && !is_resource_id(&id)) {
                    malformed(check, at, "no id of an Azure resource", RESOURCE_ID);
                }
            }
        }
        (false, None) => {}
    }
}

/// The role of an identity that Azure makes for the machine.
fn role<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    let is_system = text(spec, &["identity"]).as_deref() == Some("SystemAssigned");
    let role = field(spec, &["systemAssignedIdentityRole"]);
    let (old, new) = (field(spec, &["roleAssignmentName"]), role.and_then(|role| field(role, &["name"])));
    let names = [old, new].into_iter().flatten().filter(|at| is_set(Some(*at)));
    if let (false, Some(at), Some(_)) =
        (is_template, old.filter(|at| is_set(Some(*at))), new.filter(|at| is_set(Some(*at))))
    {
        clash(check, at, "two names for the assignment of the role", "keep `systemAssignedIdentityRole.name`");
    }
    if is_template {
        for at in names {
            let why = "the name of a role's assignment belongs to one machine";
            clash(check, at, why, "drop it: the webhook makes a name for each machine");
        }
        if let Some(role) = role.filter(|_| is_system) {
            for key in ["definitionID", "scope"] {
                if filled(role, key).is_none() {
                    lacking(check, role, &[key], &format!("a role without {key}"), format!("add `{key}`"));
                }
            }
        }
    } else {
        for at in names.filter(|at| is_system && !at.as_str().is_some_and(|name| is_uuid(&name))) {
            malformed(check, at, "the name of a role's assignment must be a UUID", "drop it, or write a UUID");
        }
    }
    if let Some(role) = role.filter(|_| !is_system) {
        let why = "a role while `identity` is not SystemAssigned";
        clash(check, role, why, "set `identity: SystemAssigned`, or drop the role");
    }
}

fn diagnostics<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(boot) = field(spec, &["diagnostics", "boot"]) else { return };
    let ty = text(boot, &["storageAccountType"]).unwrap_or_default();
    let address = field(boot, &["userManaged", "storageAccountURI"]).filter(|at| is_set(Some(*at)));
    match (&*ty, address) {
        ("UserManaged", None) => {
            let why = "diagnostics into a storage account of your own, without its URI";
            lacking(check, boot, &["userManaged", "storageAccountURI"], why, "add the URI of the account");
        }
        ("Managed" | "Disabled", Some(at)) => {
            let why = format!("a storage account of your own with type {ty}");
            clash(check, at, &why, "drop it, or write UserManaged");
        }
        _ => {}
    }
}

fn interfaces<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(at) = field(spec, &["networkInterfaces"]).filter(|at| is_set(Some(*at))) else { return };
    if filled(spec, &["subnetName"]).is_some() || field(spec, &["acceleratedNetworking"]).is_some() {
        let why = "networkInterfaces beside subnetName or acceleratedNetworking";
        clash(check, at, why, "say it in `networkInterfaces` only");
    }
    for interface in at.items() {
        // 0 counts as not given: the webhook makes 1 of it.
        if let Some(at) = field(interface, &["privateIPConfigs"])
            && whole(at).is_some_and(|count| count < 0)
        {
            let message = "fewer than one address for the interface: the webhook refuses it";
            check.refuse(&OUT_OF_RANGE, at, message, "use 1 or more");
        }
    }
}
