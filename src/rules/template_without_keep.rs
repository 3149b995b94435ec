//! Rotated templates that an upgrade deletes under running machines.

use super::uninstall_order::KEEP;
use super::view::{View, is_capi_group};
use crate::object::Object;
use crate::report::Finding;

crate::rule! {
    /// A template whose name changes with its content is not kept.
    ///
    /// When the name changes, Helm deletes the old template while machines still roll away from it. Until the rollout is done,
    /// Cluster API reads the old template for every machine that it compares or has to make again, and stops when it is gone.
    ///
    /// Only streams that Helm rendered are looked at, and names that end with a hash.
    ///
    /// ## Example
    ///
    /// A DockerMachineTemplate `demo-workers-18d8c942` without the annotation.
    ///
    /// ## Fix
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     helm.sh/resource-policy: keep
    /// ```
    pub TEMPLATE_WITHOUT_KEEP = "template-without-keep", Info, Advice;
}

/// Looks at every template of machines. One finding per kind: the message names no object.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let is_template = |group: &str, kind: &str| {
        is_capi_group(group) && (kind.ends_with("MachineTemplate") || kind.ends_with("ConfigTemplate"))
    };
    for object in view.of_kinds(is_template) {
        if !ends_with_hash(&object.name) || is_kept(object) {
            continue;
        }
        if view.release.template_of(object.document).is_none() {
            continue;
        }
        let Some(name) = object.at(&["metadata", "name"]) else { continue };
        let message = format!(
            "{}s are named by a hash and not kept: Helm deletes the old one while machines still roll away from it",
            object.kind
        );
        out.push(
            object.finding(&TEMPLATE_WITHOUT_KEEP, name, message).suggest("annotation helm.sh/resource-policy: keep"),
        );
    }
}

fn is_kept(object: &Object<'_>) -> bool {
    let policy = object.at(&["metadata", "annotations", KEEP]).and_then(|value| value.as_str());
    policy.is_some_and(|policy| policy == "keep")
}

/// Six or more hexadecimal digits behind the last `-`, among them a digit and a letter, or eight and more digits.
fn ends_with_hash(name: &str) -> bool {
    let Some((_, end)) = name.rsplit_once('-') else { return false };
    let is_hex = end.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digits = end.bytes().filter(u8::is_ascii_digit).count();
    is_hex && end.len() >= 6 && digits > 0 && (digits < end.len() || end.len() >= 8)
}
