//! Pools of machines in AWS: autoscaling groups and EKS node groups.

use crate::admission::Gate;
use crate::admission::check::{Check, field, filled, is_set, is_true, items, number, text};
use crate::admission::quantity::duration;
use crate::admission::rules::OUT_OF_RANGE;
use crate::yaml::{Once, Value};

use super::machine::{Filters, THROUGHPUT, groups, market, reservation, volumes};
use super::{clash, durations, lacking, malformed, tags, within};

/// Judges an `AWSMachinePool`.
pub fn judge<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    tags(check, spec);
    durations(check, spec, &[&["defaultCoolDown"], &["defaultInstanceWarmup"]]);
    groups(check, spec, "subnets", Filters::Empty);
    hooks(check, spec);
    if let Some(template) = field(spec, &["awsLaunchTemplate"]) {
        groups(check, template, "additionalSecurityGroups", Filters::Empty);
        if check.creates() {
            volumes(check, template);
            within(check, field(template, &["rootVolume", "throughput"]), &THROUGHPUT);
            market(check, template);
            reservation(check, template);
            reserved_spot(check, template);
        }
        if let Some(at) =
            field(template, &["spotMarketOptions"]).filter(|_| field(spec, &["mixedInstancesPolicy"]).is_some())
        {
            clash(check, at, "both spotMarketOptions and mixedInstancesPolicy", "keep one of them");
        }
    }
    if let Some(ignition) = field(spec, &["ignition"]).filter(|_| check.creates()) {
        check.gate(Gate::BootstrapFormatIgnition, ignition, "`ignition`");
    }
    if let Some(at) = field(spec, &["defaultCoolDown"])
        && at.as_str().and_then(|text| duration(&text)).is_some_and(|seconds| seconds <= -1.0)
    {
        check.refuse(&OUT_OF_RANGE, at, "a negative cool-down: the webhook refuses it", "use 0s or more");
    }
    refresh(check, spec);
}

/// What is reserved cannot come from the spot market.
fn reserved_spot<'a>(check: &mut Check<'_, 'a>, template: Value<'a>) {
    if field(template, &["capacityReservationId"]).is_none() {
        return;
    }
    let market = field(template, &["marketType"]).filter(|at| at.as_str().as_deref() == Some("Spot"));
    if let Some(at) = market.or(field(template, &["spotMarketOptions"])) {
        clash(check, at, "the spot market beside the id of a reservation", "drop one of them");
    }
}

fn refresh<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(refresh) = field(spec, &["refreshPreferences"]) else { return };
    let share = |key: &str| number(refresh, key);
    let (Some(most), Some(at)) = (share("maxHealthyPercentage"), field(refresh, &["maxHealthyPercentage"])) else {
        return;
    };
    match share("minHealthyPercentage") {
        None => {
            let why = "maxHealthyPercentage without minHealthyPercentage";
            lacking(check, refresh, &["minHealthyPercentage"], why, "set both");
        }
        Some(least) if most.saturating_sub(least) > 100 => {
            let message = "more than 100 above the minimum: the webhook refuses it";
            check.refuse(&OUT_OF_RANGE, at, message, format!("use {} at most", least + 100));
        }
        Some(_) => {}
    }
}

/// Judges lifecycle hooks, which the page of facts knows for both kinds of pools.
fn hooks<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    const CHOICES: [(&str, [&str; 2]); 2] = [
        ("lifecycleTransition", ["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"]),
        ("defaultResult", ["CONTINUE", "ABANDON"]),
    ];
    for hook in items(spec, &["lifecycleHooks"]) {
        durations(check, hook, &[&["heartbeatTimeout"]]);
        if filled(hook, &["name"]).is_none() {
            lacking(check, hook, &["name"], "a lifecycle hook without name", "name it");
        }
        for (given, needed) in [("notificationTargetARN", "roleARN"), ("roleARN", "notificationTargetARN")] {
            if field(hook, given).is_some() && field(hook, needed).is_none() {
                lacking(check, hook, &[needed], &format!("a lifecycle hook with {given} alone"), "set both");
            }
        }
        for (key, known) in CHOICES {
            if let Some(at) = field(hook, key)
                && at.as_str().is_some_and(|text| !known.contains(&&*text))
            {
                malformed(check, at, &format!("no known {key}"), format!("use {}", known.join(" or ")));
            }
        }
        if let Some(at) = field(hook, &["heartbeatTimeout"])
            && at.as_str().and_then(|text| duration(&text)).is_some_and(|time| !(30.0..=172_800.0).contains(&time))
        {
            let message = "the webhook takes a heartbeat timeout of 30 s to 48 h";
            check.refuse(&OUT_OF_RANGE, at, message, "use 30s to 48h");
        }
    }
}

/// Judges an `AWSManagedMachinePool`.
pub fn judge_managed<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    tags(check, spec);
    hooks(check, spec);
    let size = |key: &str| number(spec, Once(&["scaling", key]));
    if let Some(at) = field(spec, &["scaling"]) {
        let (least, most) = (size("minSize"), size("maxSize"));
        let is_negative = [least, most].iter().any(|size| size.is_some_and(|size| size < 0));
        if is_negative || least.zip(most).is_some_and(|(least, most)| most < least) {
            let message = "a size below 0, or the smallest above the largest: the webhook refuses it";
            check.refuse(&OUT_OF_RANGE, at, message, "use 0 <= minSize <= maxSize");
        }
    }
    if let Some(update) = field(spec, &["updateConfig"]) {
        let has = |key: &str| field(update, key).is_some();
        if has("maxUnavailable") == has("maxUnavailablePercentage") {
            let why = "updateConfig takes just one of maxUnavailable and maxUnavailablePercentage";
            clash(check, update, why, "set one of them");
        }
    }
    if let Some(access) = field(spec, &["remoteAccess"]).filter(|access| is_true(*access, &["public"]))
        && is_set(field(access, &["sourceSecurityGroups"]))
    {
        clash(check, access, "public access with source security groups", "drop `public`, or the groups");
    }
    let Some(template) = field(spec, &["awsLaunchTemplate"]) else { return };
    for key in ["instanceType", "diskSize"] {
        if let Some(at) = field(spec, key) {
            clash(check, at, &format!("`{key}` beside a launch template"), "set it in the launch template");
        }
    }
    if let Some(at) = field(template, &["iamInstanceProfile"])
        && text(template, &["iamInstanceProfile"]).is_some_and(|profile| !profile.is_empty())
    {
        clash(check, at, "an IAM instance profile in the launch template of a node group", "use `roleName`");
    }
}
