//! KubeadmControlPlane and its template.

use crate::yaml::{Once, Value};

use super::check::{Check, field, filled, is_set, number, whole};
use super::go_names::{self, CONTROL_PLANE};
use super::quantity::int_value;
use super::rules::{
    CONFLICTING_FIELDS, EVEN_CONTROL_PLANE, INCOMPLETE_REFERENCE, INVALID_REPLICAS, INVALID_ROLLOUT, OUT_OF_RANGE,
};
use super::taint::Bearer;
use super::{Gate, Judgement, kubeadm_config, machine, metadata, taint};

/// A CA made by kubeadm lives this long unless told otherwise.
const CA_DAYS: i64 = 3650;

/// The checks of a KubeadmControlPlane.
pub const JUDGEMENTS: &[Judgement] =
    &[|check| of_spec(check, replicas), |check| of_spec(check, infrastructure), |check| of_spec(check, settings)];

fn of_spec<'a>(check: &mut Check<'_, 'a>, judge: fn(&mut Check<'_, 'a>, Value<'a>)) {
    if let Some(spec) = check.at(&["spec"]) {
        judge(check, spec);
    }
}

fn settings<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    check.needed_version(field(spec, &["version"]));
    let replicas = field(spec, &["replicas"]).map_or(Some(1), whole);
    rollout(check, spec, replicas);
    common(check, spec);
}

/// Judges a KubeadmControlPlaneTemplate.
pub fn judge_template(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let at = field(root, &["kind"]).unwrap_or(root);
    if !check.gate(Gate::ClusterTopology, at, "a KubeadmControlPlaneTemplate") {
        return;
    }
    metadata::judge(check, check.at(&["spec", "template", "metadata"]));
    let Some(spec) = check.at(&["spec", "template", "spec"]) else { return };
    rollout(check, spec, None);
    common(check, spec);
}

fn replicas<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(at) = field(spec, &["replicas"]) else { return };
    let Some(replicas) = whole(at) else { return };
    let external = field(spec, &["kubeadmConfigSpec", "clusterConfiguration", "etcd", "external"]);
    let is_external = if check.since(11) { is_set(external) } else { external.is_some() };
    if replicas <= 0 {
        let message = format!("{replicas} replicas: a control plane needs a machine, and the webhook refuses it");
        check.refuse(&INVALID_REPLICAS, at, message, "use 1, 3 or 5");
    } else if replicas % 2 == 0 && !is_external {
        let message = format!(
            "{replicas} machines with etcd on them bear no more losses than {} would; the webhook refuses an even number",
            replicas - 1
        );
        check.refuse(&EVEN_CONTROL_PLANE, at, message, format!("use {} or {}", replicas - 1, replicas + 1));
    }
}

fn infrastructure<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let path: &[&str] = if check.is_old() {
        &["machineTemplate", "infrastructureRef"]
    } else {
        &["machineTemplate", "spec", "infrastructureRef"]
    };
    let reference = field(spec, path);
    machine::namespace(check, reference);
    let api = if check.is_old() { "apiVersion" } else { "apiGroup" };
    // Where conversion refuses the object first, it has spoken already.
    let is_spoken_of = check.is_old() && check.since(11) && machine::is_reference(reference);
    for key in [api, "kind", "name"] {
        if is_spoken_of && key != "name" || reference.is_some_and(|reference| filled(reference, key).is_some()) {
            continue;
        }
        let message = format!("the reference to the machine template lacks `{key}`: the webhook refuses it");
        let fix = "name apiVersion (v1beta2: apiGroup), kind and name of an infrastructure machine template";
        if let Some(reference) = reference {
            check.absent(&INCOMPLETE_REFERENCE, reference, &[key], message, fix);
        } else {
            let keys: Vec<&str> = path.iter().copied().chain([key]).collect();
            check.absent(&INCOMPLETE_REFERENCE, spec, &keys, message, fix);
        }
    }
}

/// Judges the rollout; `replicas` are unknown in a template.
fn rollout<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, replicas: Option<i64>) {
    let strategy: &[&str] = if check.is_old() { &["rolloutStrategy"] } else { &["rollout", "strategy"] };
    let surge = field(spec, strategy).and_then(|strategy| field(strategy, &["rollingUpdate", "maxSurge"]));
    if let Some(at) = surge
        && let Some(surge) = int_value(at)
    {
        if !(0..=1).contains(&surge) {
            let message = format!("maxSurge {surge}: the webhook takes only 0 or 1 for a control plane");
            check.refuse(&INVALID_ROLLOUT, at, message, "use 1: one machine more at a time");
        } else if let (0, Some(replicas)) = (surge, replicas.filter(|replicas| *replicas < 3)) {
            let message =
                format!("maxSurge 0 with {replicas} replicas would take etcd's majority away: the webhook refuses it");
            check.refuse(&INVALID_ROLLOUT, at, message, "use `maxSurge: 1`, or 3 replicas");
        }
    }
    let kubeadm = field(spec, &["kubeadmConfigSpec"]);
    let certificates =
        kubeadm.and_then(|kubeadm| field(kubeadm, &["clusterConfiguration", "certificateValidityPeriodDays"]));
    let days = certificates.and_then(whole).filter(|days| *days != 0);
    if let (Some(at), Some(days), true) = (certificates, days, check.since(11)) {
        let authority = kubeadm
            .and_then(|kubeadm| number(kubeadm, &["clusterConfiguration", "caCertificateValidityPeriodDays"]))
            .filter(|days| *days != 0)
            .unwrap_or(CA_DAYS);
        if days > authority {
            let message = format!("certificates for {days} days under a CA for {authority}: the webhook refuses it");
            check.refuse(&OUT_OF_RANGE, at, message, format!("use {authority} days at most"));
        }
    }
    let before: &[&str] = if check.is_old() { &["rolloutBefore"] } else { &["rollout", "before"] };
    let expiry = field(spec, before).and_then(|before| field(before, &["certificatesExpiryDays"]));
    if let (Some(at), Some(expiry), Some(days)) = (expiry, expiry.and_then(whole), days)
        && expiry >= days
    {
        let message = format!(
            "machines would be replaced {expiry} days before certificates of {days} days expire, \
                               which is always: the webhook refuses it"
        );
        check.refuse(&OUT_OF_RANGE, at, message, format!("use less than {days}"));
    }
}

/// What the control plane and its template share.
fn common<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let naming: &[&str] =
        if check.is_old() { &["machineNamingStrategy", "template"] } else { &["machineNaming", "template"] };
    go_names::judge_machines(check, field(spec, naming), &CONTROL_PLANE);
    metadata::judge(check, field(spec, &["machineTemplate", "metadata"]));
    taint::judge(check, field(spec, &["machineTemplate", "spec", "taints"]), Bearer::Any);
    taint::judge(check, field(spec, &["machineTemplate", "taints"]), Bearer::Any);
    let Some(kubeadm) = field(spec, &["kubeadmConfigSpec"]) else { return };
    kubeadm_config::spec(check, Some(kubeadm));
    kubeadm_config::cluster_configuration(check, kubeadm);
    if check.is_old() || !check.since(11) {
        // Conversion sets both of the following from one field.
        return;
    }
    let timeout = |part| field(kubeadm, Once(&[part, "timeouts", "controlPlaneComponentHealthCheckSeconds"]));
    let (init, join) = (timeout("initConfiguration"), timeout("joinConfiguration"));
    if let Some(at) = init.or(join)
        && init.and_then(whole) != join.and_then(whole)
    {
        let message = "controlPlaneComponentHealthCheckSeconds differs between initConfiguration and joinConfiguration: the \
                       webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, at, message, "write the same number in both `timeouts`");
    }
}
