//! What conversion between the versions of CAPI's own API refuses, before any schema or webhook looks at the object.
//!
//! Since CAPI 1.11 objects are stored as v1beta2. References of v1beta1 are converted there by API group and back by asking
//! for the CRD of group and kind, which fails where one of them is missing. Durations are read by Go in every release.

use crate::yaml::Value;

use super::check::{Check, field, filled, items};
use super::quantity::duration;
use super::rules::{INCOMPLETE_REFERENCE, INVALID_DURATION, MALFORMED_VALUE};

/// Judges what conversion, or the first decoding by a webhook, would refuse.
pub fn judge(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    match check.object.group() {
        "cluster.x-k8s.io" | "controlplane.cluster.x-k8s.io" | "bootstrap.cluster.x-k8s.io" => {}
        "infrastructure.cluster.x-k8s.io" => return docker(check),
        _ => return,
    }
    let kind = check.object.kind.clone();
    let kubeadm = kubeadm_spec(&kind);
    if let Some(path) = kubeadm {
        each(root, path, &mut |spec| {
            each(spec, &[&["initConfiguration", "bootstrapTokens"], &["token"]], &mut |token| {
                bootstrap_token(check, token);
            });
        });
    }
    if !check.is_old() {
        return;
    }
    if check.since(11) {
        for path in references(&kind) {
            if let Some(reference) = field(root, *path) {
                judge_reference(check, reference);
            }
        }
    }
    let of_kubeadm = kubeadm.map(|base| (base, &KUBEADM[..]));
    for (base, fields) in durations(&kind).iter().copied().chain(of_kubeadm) {
        each(root, base, &mut |value| all_below(check, value, fields));
    }
}

/// Judges durations below a value.
fn all_below<'a>(check: &mut Check<'_, 'a>, value: Value<'a>, fields: &[Steps]) {
    for path in fields {
        each(value, path, &mut |value| judge_duration(check, value));
    }
}

/// The durations of the Docker and Dev kinds, which are texts in every version. Before 1.11 nothing decoded all of them, and
/// before 1.13 nothing decoded a DockerMachine of v1beta2.
fn docker(check: &mut Check<'_, '_>) {
    const BACKEND: [Steps; 5] = [
        &[&["docker", "bootstrapTimeout"]],
        &[&["inMemory", "vm", "provisioning", "startupDuration"]],
        &[&["inMemory", "node", "provisioning", "startupDuration"]],
        &[&["inMemory", "apiServer", "provisioning", "startupDuration"]],
        &[&["inMemory", "etcd", "provisioning", "startupDuration"]],
    ];
    let kind = &*check.object.kind;
    let is_decoded = check.since(11) && (check.is_old() || kind != "DockerMachine" || check.since(13));
    let (base, fields): Durations = match kind {
        "DockerMachine" => (&[&["spec"]], &[&[&["bootstrapTimeout"]]]),
        "DockerMachineTemplate" => (&[&["spec", "template", "spec"]], &[&[&["bootstrapTimeout"]]]),
        "DevMachine" => (&[&["spec", "backend"]], &BACKEND),
        "DevMachineTemplate" => (&[&["spec", "template", "spec", "backend"]], &BACKEND),
        _ => return,
    };
    if is_decoded {
        each(check.object.root, base, &mut |value| all_below(check, value, fields));
    }
}

fn references(kind: &str) -> &'static [&'static [&'static str]] {
    match kind {
        "Cluster" => &[&["spec", "controlPlaneRef"], &["spec", "infrastructureRef"]],
        "Machine" => &[&["spec", "bootstrap", "configRef"], &["spec", "infrastructureRef"]],
        "MachineSet" | "MachineDeployment" | "MachinePool" => &[
            &["spec", "template", "spec", "bootstrap", "configRef"],
            &["spec", "template", "spec", "infrastructureRef"],
        ],
        "KubeadmControlPlane" => &[&["spec", "machineTemplate", "infrastructureRef"]],
        _ => &[],
    }
}

fn judge_reference<'a>(check: &mut Check<'_, 'a>, reference: Value<'a>) {
    let api = filled(reference, &["apiVersion"]).unwrap_or_default();
    let group = api.split_once('/').map_or("", |(group, _)| group);
    let kind = filled(reference, &["kind"]).unwrap_or_default();
    let name = filled(reference, &["name"]).unwrap_or_default();
    if api.matches('/').count() > 1 {
        let message = format!("apiVersion {api:?} has more than one `/`: the object cannot be converted to v1beta2");
        let at = field(reference, &["apiVersion"]).unwrap_or(reference);
        check.refuse(&INCOMPLETE_REFERENCE, at, message, "write GROUP/VERSION");
        return;
    }
    // Nothing but a namespace counts as no reference at all.
    if group.is_empty() && kind.is_empty() && name.is_empty() {
        return;
    }
    let why = "the object cannot be converted to v1beta2, and the server refuses it";
    if group.is_empty() {
        let fix = group_of(&kind).map_or_else(
            || "add `apiVersion: GROUP/VERSION`, such as infrastructure.cluster.x-k8s.io/v1beta1".to_owned(),
            |group| format!("add `apiVersion: {group}/v1beta1`"),
        );
        if let Some(at) = field(reference, &["apiVersion"]) {
            check.refuse(&INCOMPLETE_REFERENCE, at, format!("apiVersion {api:?} names no API group: {why}"), fix);
        } else {
            let message = format!("a reference without apiVersion: {why}");
            check.absent(&INCOMPLETE_REFERENCE, reference, &["apiVersion"], message, fix);
        }
    }
    if kind.is_empty() {
        let message = format!("a reference without kind: {why}");
        check.absent(&INCOMPLETE_REFERENCE, reference, &["kind"], message, "add `kind`");
    }
}

/// The group of a kind that only one provider has.
fn group_of(kind: &str) -> Option<&'static str> {
    if kind.ends_with("ControlPlane") {
        Some("controlplane.cluster.x-k8s.io")
    } else if kind.ends_with("Config") || kind.ends_with("ConfigTemplate") {
        Some("bootstrap.cluster.x-k8s.io")
    } else if kind.ends_with("Cluster") || kind.ends_with("MachineTemplate") || kind.ends_with("MachinePool") {
        Some("infrastructure.cluster.x-k8s.io")
    } else {
        None
    }
}

/// Where a kind holds the settings of kubeadm; nowhere where it holds none.
fn kubeadm_spec(kind: &str) -> Option<Steps> {
    match kind {
        "KubeadmConfig" => Some(&[&["spec"]]),
        "KubeadmConfigTemplate" => Some(&[&["spec", "template", "spec"]]),
        "KubeadmControlPlane" => Some(&[&["spec", "kubeadmConfigSpec"]]),
        "KubeadmControlPlaneTemplate" => Some(&[&["spec", "template", "spec", "kubeadmConfigSpec"]]),
        _ => None,
    }
}

/// Where values stand: all keys but the last ones lead to lists, of which each item counts.
type Steps = &'static [&'static [&'static str]];

/// A base, and the values below it that are durations.
type Durations = (Steps, &'static [Steps]);

const MACHINE: [Steps; 3] = [&[&["nodeDrainTimeout"]], &[&["nodeVolumeDetachTimeout"]], &[&["nodeDeletionTimeout"]]];
const HEALTH: [Steps; 3] = [
    &[&["nodeStartupTimeout"]],
    &[&["unhealthyConditions"], &["timeout"]],
    &[&["unhealthyMachineConditions"], &["timeout"]],
];
const REMEDIATION: [Steps; 2] = [&[&["retryPeriod"]], &[&["minHealthyPeriod"]]];
const KUBEADM: [Steps; 3] = [
    &[&["clusterConfiguration", "apiServer", "timeoutForControlPlane"]],
    &[&["initConfiguration", "bootstrapTokens"], &["ttl"]],
    &[&["joinConfiguration", "discovery", "timeout"]],
];

/// The durations of a kind besides those of kubeadm.
fn durations(kind: &str) -> &'static [Durations] {
    match kind {
        "Machine" => &[(&[&["spec"]], &MACHINE)],
        "MachineSet" | "MachineDeployment" | "MachinePool" => &[(&[&["spec", "template", "spec"]], &MACHINE)],
        "MachineHealthCheck" => &[(&[&["spec"]], &HEALTH)],
        "Cluster" => &[
            (&[&["spec", "topology", "controlPlane"]], &MACHINE),
            (&[&["spec", "topology", "controlPlane", "machineHealthCheck"]], &HEALTH),
            (&[&["spec", "topology", "workers", "machineDeployments"], &[]], &MACHINE),
            (&[&["spec", "topology", "workers", "machineDeployments"], &["machineHealthCheck"]], &HEALTH),
            (&[&["spec", "topology", "workers", "machinePools"], &[]], &MACHINE),
            (&[&["spec", "topology", "workers", "machinePools"], &["machineHealthCheck"]], &HEALTH),
        ],
        "ClusterClass" => &[
            (&[&["spec", "controlPlane"]], &MACHINE),
            (&[&["spec", "controlPlane", "machineHealthCheck"]], &HEALTH),
            (&[&["spec", "workers", "machineDeployments"], &[]], &MACHINE),
            (&[&["spec", "workers", "machineDeployments"], &["machineHealthCheck"]], &HEALTH),
            (&[&["spec", "workers", "machinePools"], &[]], &MACHINE),
            (&[&["spec", "workers", "machinePools"], &["machineHealthCheck"]], &HEALTH),
        ],
        "KubeadmControlPlane" => {
            &[(&[&["spec", "machineTemplate"]], &MACHINE), (&[&["spec", "remediationStrategy"]], &REMEDIATION)]
        }
        "KubeadmControlPlaneTemplate" => &[
            (&[&["spec", "template", "spec", "machineTemplate"]], &MACHINE),
            (&[&["spec", "template", "spec", "remediationStrategy"]], &REMEDIATION),
        ],
        _ => &[],
    }
}

/// Judges a text that Go reads as a duration when it decodes the object.
pub fn judge_duration<'a>(check: &mut Check<'_, 'a>, value: Value<'a>) {
    let Some(text) = value.as_str().filter(|text| duration(text).is_none()) else { return };
    let fix = match text.trim().strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        Some(days) => format!("write {}h", u64::from(days) * 24),
        None if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => format!("write {text}s"),
        None => "write hours, minutes and seconds, such as 1h30m".to_owned(),
    };
    let message = format!("{text:?} is no duration for Go: the server cannot decode the object and refuses it");
    check.refuse(&INVALID_DURATION, value, message, fix);
}

fn bootstrap_token<'a>(check: &mut Check<'_, 'a>, token: Value<'a>) {
    // The schema of v1beta2 refuses an empty one itself.
    let Some(text) = token.as_str().filter(|text| check.is_old() || !text.is_empty()) else { return };
    let part = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !text.split_once('.').is_some_and(|(id, secret)| part(id, 6) && part(secret, 16)) {
        // The token is a secret: it stays out of the message.
        let message = "no bootstrap token: the webhook cannot read it and refuses the object";
        let fix = "write 6 and 16 lower-case letters or digits with a dot between, as `kubeadm token generate` does";
        check.refuse(&MALFORMED_VALUE, token, message, fix);
    }
}

/// Hands on each value that stands there.
fn each<'a>(value: Value<'a>, steps: Steps, found: &mut dyn FnMut(Value<'a>)) {
    match steps {
        [] => {}
        [keys] => {
            if let Some(value) = field(value, *keys) {
                found(value);
            }
        }
        [list, rest @ ..] => items(value, *list).for_each(|item| each(item, rest, found)),
    }
}
