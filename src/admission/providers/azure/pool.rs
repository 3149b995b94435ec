//! Pools of machines in AKS and their templates.

use crate::admission::check::{Check, field, filled, is_true, items, number, text};
use crate::admission::rules::{INVALID_METADATA, INVALID_NAME, OUT_OF_RANGE};
use crate::yaml::Value;

use super::formats::is_uuid;
use super::{clash, malformed, within};

/// Judges an `AzureManagedMachinePool` or its template.
pub fn judge<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    within(check, field(spec, &["maxPods"]), &(10..=250));
    let os = filled(spec, &["osType"]).unwrap_or_else(|| "Linux".into());
    if let Some(at) =
        field(spec, &["osType"]).filter(|_| text(spec, &["mode"]).as_deref() == Some("System") && os != "Linux")
    {
        clash(check, at, "a system pool runs on Linux", "write Linux, or `mode: User`");
    }
    name(check, spec, if os == "Windows" { 6 } else { 12 });
    for label in field(spec, &["nodeLabels"]).into_iter().flat_map(|labels| labels.entries()) {
        if label.key().is_some_and(|key| key.starts_with("kubernetes.azure.com")) {
            let message = "labels of kubernetes.azure.com belong to Azure: the webhook refuses it";
            check.refuse(&INVALID_METADATA, label, message, "use a prefix of your own");
        }
    }
    if let Some(at) = field(spec, &["nodePublicIPPrefixID"]) {
        if !at.as_str().is_some_and(|id| is_prefix_id(&id)) {
            let fix = "write /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Network/publicIPPrefixes/NAME";
            malformed(check, at, "no id of a prefix of public addresses", fix);
        }
        if !is_true(spec, &["enableNodePublicIP"]) {
            clash(check, at, "a prefix of public addresses for nodes without them", "set `enableNodePublicIP: true`");
        }
    }
    if check.object.kind == "AzureManagedMachinePool"
        && let Some(at) = field(spec, &["subnetName"])
        && !at.as_str().is_some_and(|name| is_subnet_name(&name))
    {
        let message = "no name of a subnet: the webhook refuses it";
        check.refuse(&INVALID_NAME, at, message, "use 2 to 80 letters, digits, `-`, `.` and `_`");
    }
    kubelet(check, spec);
    system(check, spec);
}

/// Without a name of its own the pool is called like the object.
fn name<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, longest: usize) {
    let given = field(spec, &["name"]).filter(|at| at.as_str().is_some_and(|name| !name.is_empty()));
    let name = given.and_then(|at| at.as_str()).unwrap_or_else(|| check.name().into());
    let is_name = name.len() <= longest
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if let Some(at) = given.or(check.at(&["metadata", "name"])).filter(|_| !is_name && !name.is_empty()) {
        let message = format!("{name:?} is no name of an AKS pool: the webhook refuses it");
        let fix = format!("set `name` to at most {longest} lower-case letters and digits, beginning with a letter");
        check.refuse(&INVALID_NAME, at, message, fix);
    }
}

fn is_prefix_id(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let parts: Vec<&str> = lower.strip_prefix('/').unwrap_or(&lower).split('/').collect();
    matches!(
        parts.as_slice(),
        ["subscriptions", id, "resourcegroups", group, "providers", "microsoft.network", "publicipprefixes", name]
            if is_uuid(id) && !group.is_empty() && !name.is_empty()
    )
}

fn is_subnet_name(name: &str) -> bool {
    (2..=80).contains(&name.len())
        && super::formats::is_word(name, b"")
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn kubelet<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(kubelet) = field(spec, &["kubeletConfig"]) else { return };
    if let Some(at) = field(kubelet, &["cpuCfsQuotaPeriod"])
        && at.as_str().is_some_and(|text| !text.ends_with("ms"))
    {
        malformed(check, at, "a period without milliseconds", "write it such as 100ms");
    }
    let threshold = |key: &str| number(kubelet, key);
    if let (Some(low), Some(high)) = (threshold("imageGcLowThreshold"), threshold("imageGcHighThreshold"))
        && low > high
        && let Some(at) = field(kubelet, &["imageGcLowThreshold"])
    {
        let message = "the low threshold lies above the high one: the webhook refuses it";
        check.refuse(&OUT_OF_RANGE, at, message, format!("use {high} at most"));
    }
    for at in items(kubelet, &["allowedUnsafeSysctls"]) {
        let text = at.as_str().unwrap_or_default();
        let is_below = |prefix: &str| text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
        if text != "kernel.sem" && !["kernel.shm", "kernel.msg", "fs.mqueue.", "net."].iter().any(|p| is_below(p)) {
            malformed(
                check,
                at,
                &format!("AKS does not allow {text:?}"),
                "use kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.* or net.*",
            );
        }
    }
}

/// Settings of Linux.
fn system<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(linux) = field(spec, &["linuxOSConfig"]) else { return };
    let fails = field(spec, &["kubeletConfig", "failSwapOn"]).and_then(|at| at.as_bool());
    if let Some(at) = field(linux, &["swapFileSizeMB"]).filter(|_| fails != Some(false)) {
        clash(check, at, "swap while the kubelet fails on it", "set `kubeletConfig.failSwapOn: false`");
    }
    let Some(at) = field(linux, &["sysctls", "netIpv4IPLocalPortRange"]) else { return };
    let text = at.as_str().unwrap_or_default();
    let is_digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let ports = text.split_once(' ').filter(|(first, last)| is_digits(first) && is_digits(last));
    let ports = ports.map(|(first, last)| (first.parse::<u32>().unwrap_or(0), last.parse::<u32>().unwrap_or(0)));
    let is_range = ports.is_some_and(|(first, last)| {
        (1024..=60999).contains(&first) && (32768..=65000).contains(&last) && first <= last
    });
    if !is_range {
        let fix = "write two ports, the first of 1024 to 60999, the last of 32768 to 65000: \"32768 60999\"";
        malformed(check, at, &format!("{text:?} is no range of local ports"), fix);
    }
}
