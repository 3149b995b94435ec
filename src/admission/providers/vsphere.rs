//! The vSphere provider.

use serde_json::json;

use crate::go_template::Functions;
use crate::yaml::{Once, Value};

use super::super::check::{Check, field, filled, is_set, items, text, whole};
use super::super::cluster::cidr;
use super::super::quantity::duration;
use super::super::rules::{CONFLICTING_FIELDS, DUPLICATE_ENTRY, INVALID_NAME, MALFORMED_VALUE, MISSING_SETTING};
use super::super::{Gate, go_names};
use super::{durations, machine_spec, not_in_template};

/// Judges an object of the vSphere provider; its supervisor mode has kinds of the same names in a group of their own.
pub fn judge(check: &mut Check<'_, '_>) {
    let is_supervisor = check.object.group() == "vmware.infrastructure.cluster.x-k8s.io";
    match &*check.object.kind {
        "VSphereFailureDomain" => failure_domain(check),
        "VSphereCluster" if is_supervisor => {
            if let Some(at) = check.at(&["spec", "network", "nsxVPC", "createSubnetSet"]) {
                check.gate(Gate::MultiNetworks, at, "`createSubnetSet`");
            }
        }
        "VSphereMachine" | "VSphereVM" | "VSphereMachineTemplate" => {
            let Some((spec, is_template)) = machine_spec(check) else { return };
            if is_supervisor {
                supervisor_machine(check, spec);
            } else {
                machine(check, spec, is_template);
            }
        }
        _ => {}
    }
}

/// A machine of the supervisor mode: its networks, and the template for names where it is one.
fn supervisor_machine<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    naming(check, spec);
    let Some(interfaces) = field(spec, &["network", "interfaces"]).filter(|at| is_set(Some(*at))) else { return };
    if !check.gate(Gate::MultiNetworks, interfaces, "`interfaces`") {
        return;
    }
    // The primary interface goes by this name.
    let mut names = std::collections::HashSet::from(["eth0".to_owned()]);
    for interface in items(interfaces, &["secondary"]) {
        let name = text(interface, &["name"]).unwrap_or_default();
        if !names.insert(name.to_string()) {
            let at = field(interface, &["name"]).unwrap_or(interface);
            let message = format!("another interface is called {name:?}: the webhook refuses it");
            check.refuse(&DUPLICATE_ENTRY, at, message, "use another name; eth0 is the primary interface");
        }
    }
}

fn machine<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    for device in items(spec, &["network", "devices"]) {
        if is_template {
            not_in_template(check, device, &["ipAddrs"]);
        } else if check.creates() || &*check.object.kind != "VSphereVM" {
            for address in items(device, &["ipAddrs"]) {
                cidr(check, address);
            }
        }
    }
    let timeout =
        ["guestSoftPowerOffTimeout", "guestSoftPowerOffTimeoutSeconds"].iter().find_map(|key| field(spec, *key));
    durations(check, spec, &[&["guestSoftPowerOffTimeout"]]);
    // 0 counts as not given.
    let timeout = timeout.filter(|at| {
        let seconds = at.as_str().map_or_else(|| whole(*at).map(|seconds| seconds as f64), |text| duration(&text));
        seconds.is_some_and(|seconds| seconds.trunc() != 0.0)
    });
    if let Some(at) = timeout.filter(|_| text(spec, &["powerOffMode"]).as_deref() != Some("trySoft")) {
        let message = "a time for a soft power-off while powerOffMode is not trySoft: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, at, message, "set `powerOffMode: trySoft`, or drop the time");
    }
    if check.object.kind != "VSphereVM" {
        for device in items(spec, &["pciDevices"]) {
            let has = |key: &str| is_set(field(device, key));
            let (profile, ids) = (has("vGPUProfile"), (has("deviceId"), has("vendorId")));
            if !matches!((profile, ids), (true, (false, false)) | (false, (true, true))) {
                let message = "a PCI device is named by vGPUProfile, or by deviceId and vendorId: the webhook refuses anything else";
                check.refuse(&CONFLICTING_FIELDS, device, message, "give `vGPUProfile` alone, or both ids");
            }
        }
    }
    if check.object.kind == "VSphereVM"
        && text(spec, &["os"]).as_deref() == Some("Windows")
        && check.name().len() > 15
        && let Some(at) = check.at(&["metadata", "name"])
    {
        let message = "Windows knows names of at most 15 characters: the webhook refuses it";
        check.refuse(&INVALID_NAME, at, message, "use a shorter name");
    }
    if is_template {
        template(check, spec);
    }
}

fn template<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    not_in_template(check, spec, &["providerID"]);
    if let Some(at) = field(spec, &["hardwareVersion"])
        && let Some(text) = at.as_str().filter(|text| !text.is_empty())
        && !text.strip_prefix("vmx-").is_some_and(|number| {
            !number.starts_with('0')
                && (1..=2).contains(&number.len())
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    {
        let message = format!("{text:?} is no hardware version: the webhook refuses it");
        check.refuse(&MALFORMED_VALUE, at, message, "write vmx-N, N from 1 to 99, such as vmx-19");
    }
    naming(check, spec);
}

fn naming<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    for path in [["naming", "template"], ["namingStrategy", "template"]] {
        let Some(at) = field(spec, Once(&path)) else { continue };
        let data = json!({"machine": {"name": "machine"}});
        go_names::judge_with(check, at, &data, "{{ .machine.name }}", Functions::HermeticSprig);
    }
}

fn failure_domain(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let Some(spec) = field(root, &["spec"]) else { return };
    let topology = field(spec, &["topology"]);
    let has = |key: &str| topology.is_some_and(|topology| is_set(field(topology, key)));
    let is = |part: &str, ty: &str| text(spec, Once(&[part, "type"])).as_deref() == Some(ty);
    let needs_compute = has("hosts") || is("region", "ComputeCluster") || is("zone", "ComputeCluster");
    if needs_compute && !has("computeCluster") {
        let message = "hosts and regions or zones of type ComputeCluster need `computeCluster`: the webhook refuses it";
        check.absent(&MISSING_SETTING, spec, &["topology", "computeCluster"], message, "name the compute cluster");
    }
    if is("region", "HostGroup")
        && let Some(at) = field(spec, &["region", "type"])
    {
        check.refuse(
            &CONFLICTING_FIELDS,
            at,
            "a host group is no region: the webhook refuses it",
            "use Datacenter or ComputeCluster",
        );
    }
    if is("zone", "HostGroup") && !has("hosts") {
        let message = "a zone of type HostGroup needs `topology.hosts`: the webhook refuses it";
        check.absent(&MISSING_SETTING, spec, &["topology", "hosts"], message, "name the VM group and host group");
    }
    let Some(topology) = topology else { return };
    if let Some(at) =
        field(topology, &["networkConfigurations"]).filter(|_| has("networks") && has("networkConfigurations"))
    {
        let message = "both `networks` and `networkConfigurations`: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, at, message, "keep `networkConfigurations`");
    }
    for configuration in items(topology, &["networkConfigurations"]) {
        if filled(configuration, &["networkName"]).is_none() {
            let message = "a network configuration without a name: the webhook refuses it";
            check.absent(&MISSING_SETTING, configuration, &["networkName"], message, "add `networkName`");
        }
    }
}
