//! The webhooks of infrastructure providers, one file each. What several of them check stands here.

use std::ops::RangeInclusive;

use crate::yaml::{Once, Value};

use super::check::{Check, field, whole};
use super::conversion::judge_duration;
use super::rules::{CONFLICTING_FIELDS, FIELD_IN_TEMPLATE, MALFORMED_VALUE, MISSING_SETTING, OUT_OF_RANGE};

mod aws;
mod azure;
mod metal3;
mod openstack;
mod vsphere;

/// Judges an object of an infrastructure provider; the prefix of a kind tells whose it is.
pub fn judge(check: &mut Check<'_, '_>) {
    let kind = &*check.object.kind;
    if kind.starts_with("AWS") {
        aws::judge(check);
    } else if kind.starts_with("Azure") {
        azure::judge(check);
    } else if kind.starts_with("VSphere") {
        vsphere::judge(check);
    } else if kind.starts_with("OpenStack") {
        openstack::judge(check);
    } else if kind.starts_with("Metal3") {
        metal3::judge(check);
    }
}

/// The spec that a template holds, or the object's own, and whether it is a template's.
fn machine_spec<'a>(check: &Check<'_, 'a>) -> Option<(Value<'a>, bool)> {
    let is_template = check.object.kind.ends_with("Template");
    let path: &[&str] = if is_template { &["spec", "template", "spec"] } else { &["spec"] };
    Some((check.at(path)?, is_template))
}

/// Refuses a field that belongs to one machine, in the template of many.
fn not_in_template<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, path: &[&str]) {
    let is_given = |value: &Value<'a>| super::check::is_set(Some(*value)) && whole(*value) != Some(0);
    if let Some(at) = field(spec, Once(path)).filter(is_given) {
        of_one_machine(check, at);
    }
}

/// Refuses what stands in the template of many and belongs to one machine, be it empty.
fn of_one_machine<'a>(check: &mut Check<'_, 'a>, at: Value<'a>) {
    let name = at.key().unwrap_or_default();
    let message = format!("`{name}` belongs to one machine: the webhook refuses it in a template");
    check.refuse(&FIELD_IN_TEMPLATE, at, message, "drop it");
}

/// Refuses settings that contradict each other.
fn clash<'a>(check: &mut Check<'_, 'a>, at: Value<'a>, why: &str, fix: impl Into<String>) {
    check.refuse(&CONFLICTING_FIELDS, at, format!("{why}: the webhook refuses it"), fix);
}

/// Refuses a value that the provider cannot read.
fn malformed<'a>(check: &mut Check<'_, 'a>, at: Value<'a>, why: &str, fix: impl Into<String>) {
    check.refuse(&MALFORMED_VALUE, at, format!("{why}: the webhook refuses it"), fix);
}

/// Refuses an object for what is absent below a value.
fn lacking<'a>(check: &mut Check<'_, 'a>, parent: Value<'a>, keys: &[&str], why: &str, fix: impl Into<String>) {
    check.absent(&MISSING_SETTING, parent, keys, format!("{why}: the webhook refuses it"), fix);
}

/// Refuses a number outside of a range; an absent one is fine.
fn within<'a>(check: &mut Check<'_, 'a>, at: Option<Value<'a>>, range: &RangeInclusive<i64>) {
    let Some((at, number)) = at.and_then(|at| Some((at, whole(at)?))) else { return };
    if !range.contains(&number) {
        let (least, most) = (range.start(), range.end());
        let message = format!("{number} is outside of {least} to {most}: the webhook refuses it");
        check.refuse(&OUT_OF_RANGE, at, message, format!("use {least} to {most}"));
    }
}

/// Judges durations, which no schema of a provider checks, but the decoder of its webhook.
fn durations<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, paths: &[&[&str]]) {
    for at in paths.iter().filter_map(|path| field(spec, Once(path))) {
        judge_duration(check, at);
    }
}
