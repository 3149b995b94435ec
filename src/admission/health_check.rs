//! MachineHealthChecks, the same settings inside topologies, and MachineDrainRules.

use crate::yaml::{Once, Value};

use super::check::{Check, field, filled, items, text, whole};
use super::quantity::{duration, int_or_percent};
use super::rules::{CLUSTER_NAME_MISMATCH, CONFLICTING_FIELDS, INVALID_ROLLOUT, INVALID_SELECTOR, OUT_OF_RANGE};
use super::selector;

/// Machines are given this long at least to become Nodes.
const SHORTEST_STARTUP: f64 = 30.0;

/// Judges a MachineHealthCheck.
pub fn judge(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let chosen = check.at(&["spec", "selector"]);
    if selector::is_empty(chosen) {
        let message = "an empty selector: the webhook refuses it, since it would watch every machine";
        let fix = "name a label of the machines to watch: `matchLabels: {nodepool: workers}`";
        match chosen {
            Some(chosen) => check.refuse(&INVALID_SELECTOR, chosen, message, fix),
            None => check.absent(&INVALID_SELECTOR, root, &["spec", "selector"], message, fix),
        }
    }
    check.selector(chosen);
    let cluster = text(root, &["spec", "clusterName"]).unwrap_or_default();
    let label = check.at(&["spec", "selector", "matchLabels", crate::object::CLUSTER_NAME_LABEL]);
    if let Some(label) = label.filter(|label| label.as_str().as_ref() != Some(&cluster)) {
        let message =
            format!("selects machines of another cluster than spec.clusterName {cluster:?}: the webhook refuses it");
        check.refuse(&CLUSTER_NAME_MISMATCH, label, message, format!("write {cluster:?}, or drop the label"));
    }
    if check.is_old() {
        startup(check, check.at(&["spec", "nodeStartupTimeout"]));
        share(check, check.at(&["spec", "maxUnhealthy"]), "maxUnhealthy");
    } else {
        settings(check, check.at(&["spec"]));
    }
}

/// Judges the settings of a health check in v1beta2 form: of a MachineHealthCheck or inside a topology or class.
fn settings<'a>(check: &mut Check<'_, 'a>, settings: Option<Value<'a>>) {
    let Some(settings) = settings else { return };
    startup(check, field(settings, &["checks", "nodeStartupTimeoutSeconds"]));
    let limit = field(settings, &["remediation", "triggerIf", "unhealthyLessThanOrEqualTo"]);
    share(check, limit, "unhealthyLessThanOrEqualTo");
}

/// Judges a health check inside a topology or class; `is_worker` where `maxInFlight` has a meaning.
pub fn nested<'a>(check: &mut Check<'_, 'a>, health: Value<'a>, is_worker: bool) {
    if check.is_old() {
        startup(check, field(health, &["nodeStartupTimeout"]));
        share(check, field(health, &["maxUnhealthy"]), "maxUnhealthy");
    } else {
        settings(check, Some(health));
        if is_worker {
            share(check, field(health, &["remediation", "maxInFlight"]), "maxInFlight");
        }
    }
}

/// Whether a health check says more than `enabled`.
pub fn is_defined(health: Value<'_>) -> bool {
    health
        .entries()
        .any(|entry| !entry.key_is("enabled") && !entry.key_is("enable") && super::check::is_set(Some(entry)))
}

/// Judges a limit that is an integer or a share.
pub fn share<'a>(check: &mut Check<'_, 'a>, limit: Option<Value<'a>>, name: &str) {
    let Some(limit) = limit.filter(|limit| limit.as_str().is_some() && int_or_percent(*limit).is_none()) else {
        return;
    };
    let text = limit.as_str().unwrap_or_default();
    let message = format!("{name} {text:?} is neither an integer nor a share: the webhook refuses it");
    let fix = if text.parse::<u32>().is_ok() {
        format!("write {text} without quotes, or {text}%")
    } else {
        "write an integer such as 1, or a share such as 40%".to_owned()
    };
    check.refuse(&INVALID_ROLLOUT, limit, message, fix);
}

fn startup<'a>(check: &mut Check<'_, 'a>, timeout: Option<Value<'a>>) {
    let Some(timeout) = timeout else { return };
    let seconds = match timeout.as_str() {
        Some(text) if check.is_old() => duration(&text),
        _ => whole(timeout).map(|seconds| seconds as f64),
    };
    let Some(seconds) = seconds else { return };
    // Conversion keeps whole seconds.
    let seconds = if check.since(11) { seconds.trunc() } else { seconds };
    if seconds != 0.0 && seconds < SHORTEST_STARTUP {
        let message = format!("gives machines {seconds} s to become Nodes; the webhook refuses less than 30 s");
        check.refuse(
            &OUT_OF_RANGE,
            timeout,
            message,
            "use 30 s or more (10 minutes is the default), or 0 to switch it off",
        );
    }
}

/// Judges a MachineDrainRule.
pub fn judge_drain_rule(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let behavior = filled(root, &["spec", "drain", "behavior"]);
    if let (Some("Skip" | "WaitCompleted"), Some(order)) = (behavior.as_deref(), check.at(&["spec", "drain", "order"]))
    {
        let message =
            format!("`order` has no meaning with behavior {}: the webhook refuses it", behavior.unwrap_or_default());
        check.refuse(&CONFLICTING_FIELDS, order, message, "drop `order`, or use behavior Drain");
    }
    for (list, selectors) in
        [("machines", ["selector", "clusterSelector"]), ("pods", ["selector", "namespaceSelector"])]
    {
        for item in items(root, Once(&["spec", list])) {
            for name in selectors {
                check.selector(field(item, name));
            }
        }
    }
}
