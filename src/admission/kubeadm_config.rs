//! The settings of kubeadm: KubeadmConfig, its template, and what control planes hold of them.

use std::collections::HashSet;

use crate::yaml::{Once, Value};

use super::Gate;
use super::check::{Check, field, filled, is_set, is_true, items, number, text};
use super::metadata;
use super::rules::{CONFLICTING_FIELDS, DUPLICATE_ENTRY, MALFORMED_VALUE, MISSING_SETTING, OUT_OF_RANGE};

/// Judges a KubeadmConfig or KubeadmConfigTemplate.
pub fn judge(check: &mut Check<'_, '_>) {
    match &*check.object.kind {
        "KubeadmConfig" => spec(check, check.at(&["spec"])),
        "KubeadmConfigTemplate" => {
            metadata::judge(check, check.at(&["spec", "template", "metadata"]));
            spec(check, check.at(&["spec", "template", "spec"]));
        }
        _ => {}
    }
}

/// Judges the settings of kubeadm.
pub fn spec<'a>(check: &mut Check<'_, 'a>, spec: Option<Value<'a>>) {
    let Some(spec) = spec else { return };
    files(check, spec);
    for user in items(spec, &["users"]) {
        either_source(check, user, "passwd", "passwdFrom");
    }
    ignition(check, spec);
    partitions(check, spec);
    let user = field(spec, &["joinConfiguration", "discovery", "file", "kubeConfig", "user"]);
    if let Some(user) = user
        && let (Some(_), Some(exec)) = (field(user, &["authProvider"]), field(user, &["exec"]))
    {
        let message = "both `authProvider` and `exec`: the webhook refuses the object";
        check.refuse(&CONFLICTING_FIELDS, exec, message, "keep one of them");
    }
}

fn files<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let mut seen = HashSet::new();
    for file in items(spec, &["files"]) {
        either_source(check, file, "content", "contentFrom");
        let path = text(file, &["path"]).unwrap_or_default().into_owned();
        if !path.is_empty() && !seen.insert(path.clone()) {
            let at = field(file, &["path"]).unwrap_or(file);
            let message = format!("{path} is written twice: the webhook refuses the object");
            check.refuse(&DUPLICATE_ENTRY, at, message, "merge the two files, or give one another path");
        }
    }
}

/// A file's content and a user's password stand here or in a Secret, not in both.
fn either_source<'a>(check: &mut Check<'_, 'a>, entry: Value<'a>, inline: &str, from: &str) {
    let Some(source) = field(entry, from) else { return };
    if !is_set(Some(source)) && check.since(11) {
        return;
    }
    if filled(entry, inline).is_some() {
        let message = format!("both `{inline}` and `{from}`: the webhook refuses the object");
        check.refuse(&CONFLICTING_FIELDS, source, message, format!("keep `{inline}` or `{from}`"));
    }
    for key in ["name", "key"] {
        if filled(source, Once(&["secret", key])).is_none() {
            let message = format!("a Secret without `{key}`: the webhook refuses the object");
            let parent = field(source, &["secret"]).unwrap_or(source);
            let keys: &[&str] = if parent.index() == source.index() { &["secret", key] } else { &[key] };
            check.absent(&MISSING_SETTING, parent, keys, message, "name the Secret and its key");
        }
    }
}

fn ignition<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let is_ignition = text(spec, &["format"]).as_deref() == Some("ignition");
    // Of v1beta1 a switch that is off does not get into v1beta2.
    let says_something = |block: &Value<'a>| {
        is_set(Some(*block)) && !(check.is_old() && super::decoding::holds_nothing(*block)) || !check.since(11)
    };
    let block = field(spec, &["ignition"]).filter(says_something);
    if is_ignition && let Some(format) = field(spec, &["format"]) {
        check.gate(Gate::KubeadmBootstrapFormatIgnition, format, "`format: ignition`");
    }
    if let Some(block) = block {
        check.gate(Gate::KubeadmBootstrapFormatIgnition, block, "an `ignition` block");
        if !is_ignition {
            let message = "an `ignition` block while `format` is not ignition: the webhook refuses the object";
            check.refuse(&CONFLICTING_FIELDS, block, message, "set `format: ignition`, or drop the block");
        }
    }
    if is_ignition {
        not_with_ignition(check, spec);
    }
}

/// What cloud-init can and Ignition cannot.
fn not_with_ignition<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let mut found: Vec<(Value<'a>, &str)> = Vec::new();
    for user in items(spec, &["users"]).filter(|user| is_true(*user, &["inactive"])) {
        found.extend(field(user, &["inactive"]).map(|at| (at, "inactive users")));
    }
    for file in items(spec, &["files"]) {
        if matches!(text(file, &["encoding"]).as_deref(), Some("gzip" | "gzip+base64")) {
            found.extend(field(file, &["encoding"]).map(|at| (at, "compressed files")));
        }
    }
    if let Some(commands) = field(spec, &["bootCommands"])
        && (commands.items().next().is_some() || !check.since(11))
    {
        found.push((commands, "boot commands"));
    }
    for partition in items(spec, &["diskSetup", "partitions"]) {
        let table =
            field(partition, &["tableType"]).filter(|table| !matches!(table.as_str().as_deref(), Some("gpt" | "")));
        found.extend(table.map(|at| (at, "partition tables other than gpt")));
    }
    for system in items(spec, &["diskSetup", "filesystems"]) {
        for key in ["replaceFS", "partition"] {
            let at = field(system, key).filter(|value| is_set(Some(*value)) || !check.since(11));
            found.extend(at.map(|at| (at, "`replaceFS` and `partition` of filesystems")));
        }
    }
    for (at, what) in found {
        let message = format!("Ignition knows no {what}: the webhook refuses the object");
        check.refuse(&CONFLICTING_FIELDS, at, message, "drop it, or use `format: cloud-config`");
    }
}

fn partitions<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    for partition in items(spec, &["diskSetup", "partitions"]) {
        let Some(layout) = field(partition, &["diskLayout"]) else { continue };
        let percentages = layout.items().filter_map(|part| number(part, &["percentage"]));
        let sum = percentages.fold(0, i64::saturating_add);
        if sum > 100 {
            let message = format!("partitions of {sum} % of the disk: the webhook refuses the object");
            check.refuse(&OUT_OF_RANGE, layout, message, "let the percentages add up to 100 at most");
        }
    }
}

/// Judges `clusterConfiguration` as the control plane's webhook does.
pub fn cluster_configuration<'a>(check: &mut Check<'_, 'a>, kubeadm: Value<'a>) {
    let Some(cluster) = field(kubeadm, &["clusterConfiguration"]) else { return };
    let is_tag = |tag: &str| {
        tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) && !tag.is_empty()
    };
    if let Some(tag) = field(cluster, &["dns", "imageTag"])
        && let Some(text) = tag.as_str().filter(|tag| !tag.is_empty())
        && (!is_tag(&text) || super::semver::tolerant(&text.replace('_', "+")).is_none())
    {
        let message = format!("{text:?} is no version of CoreDNS: the webhook refuses it");
        check.refuse(&MALFORMED_VALUE, tag, message, "write a tag that begins with a version, such as v1.12.1");
    }
    if let Some(tag) = field(cluster, &["etcd", "local", "imageTag"])
        && let Some(text) = tag.as_str().filter(|tag| !tag.is_empty() && !is_tag(tag))
    {
        let message = format!("{text:?} is no image tag: the webhook refuses it");
        check.refuse(&MALFORMED_VALUE, tag, message, "use letters, digits, `-`, `_` and `.`");
    }
    let is_given = |value: Option<Value<'_>>| if check.since(11) { is_set(value) } else { value.is_some() };
    if let Some(external) = field(cluster, &["etcd", "external"])
        && is_given(Some(external))
        && is_given(field(cluster, &["etcd", "local"]))
    {
        let message = "both a local and an external etcd: the webhook refuses the object";
        check.refuse(&CONFLICTING_FIELDS, external, message, "keep one of them");
    }
}
