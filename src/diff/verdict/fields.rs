//! Fields that webhooks freeze, judged by the table [`frozen`].

use serde_json::Value as Json;

use super::frozen::{self, When};
use super::{VERSION_DOWNGRADE, Verdict, quoted};
use crate::diff::json;
use crate::diff::update::Update;
use crate::diff::version::Version;
use crate::object::Object;

mod aws;
mod azure;
mod openstack;

crate::rule! {
    /// A field that must not change is changed.
    ///
    /// The server or a webhook refuses the update, and Helm stops in the middle of the upgrade: objects before it are changed
    /// already, those behind it are not.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineDeployment
    /// spec:
    ///   clusterName: prod-2   # was prod
    /// ```
    ///
    /// ## Fix
    ///
    /// Take the change back. Where it has to be, give the object a new name, so that it is made anew.
    pub IMMUTABLE_FIELD = "immutable-field", Error, Admission;
}

const HELP: &str = "take the change back, or give the object a new name so that it is made anew";

/// Judges an object of a kind with frozen fields.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let object = update.new;
    if !object.group().ends_with("cluster.x-k8s.io") {
        return;
    }
    for (when, keys) in frozen::fields(object.group(), &object.kind) {
        if is_refused(*when, update, keys) {
            refuse(update, keys, verdict);
        }
    }
    if let Some(allowed) = frozen::only(object.group(), &object.kind) {
        only(update, allowed, verdict);
    }
    if object.kind == "DevMachine" {
        dev_machine(update, verdict);
    }
    aws::judge(update, verdict);
    azure::judge(update, verdict);
    openstack::judge(update, verdict);
}

/// Whether a field comes or goes of which the webhook asks only whether it is there, be it empty.
pub fn comes_or_goes(update: &Update<'_, '_>) -> bool {
    let fields = frozen::fields(update.new.group(), &update.new.kind).iter();
    fields.filter(|(when, _)| *when == When::Presence).any(|(when, keys)| is_refused(*when, update, keys))
}

fn refuse(update: &Update<'_, '_>, keys: &[&str], verdict: &mut Verdict) {
    let (before, after) = update.both(keys);
    let (was, is) = (quoted(before), quoted(after));
    // Of two structures the changes say more.
    let change = if was == is { String::new() } else { format!(" (from {was} to {is})") };
    let message = format!(
        "{} must not change once {} is there{change}: the webhook refuses the update",
        keys.join("."),
        update.new.kind
    );
    verdict.say(update, &IMMUTABLE_FIELD, keys, message, HELP);
}

fn is_set(value: Option<&Json>) -> bool {
    value.is_some_and(|value| !json::is_empty(value) && value.as_str() != Some(""))
}

fn is_refused(when: When, update: &Update<'_, '_>, keys: &[&str]) -> bool {
    let (before, after) = update.both(keys);
    let differs = || {
        if update.new.group() != "ipam.cluster.x-k8s.io" {
            return !json::same(before, after);
        }
        // Its texts are no pointers in Go: empty is as good as absent.
        let held = |value: Option<&Json>| {
            let mut value = value.cloned().unwrap_or_default();
            json::drop_empty(&mut value, &[]);
            value
        };
        held(before) != held(after)
    };
    match when {
        When::Always => differs(),
        When::Plain => {
            let is_zero = |value: &&Json| value.as_f64() == Some(0.0) || value.as_bool() == Some(false);
            !json::same(before.filter(|value| !is_zero(value)), after.filter(|value| !is_zero(value)))
        }
        When::OnceSet => is_set(before) && differs(),
        When::NotRemoved => is_set(before) && !is_set(after),
        When::Presence => before.is_some() != after.is_some(),
        When::Replaced => is_set(before) && is_set(after) && differs(),
        When::WhileThere => {
            let above = keys.split_last().map_or(&[][..], |(_, above)| above);
            let (before, after) = update.both(above);
            before.is_some() && after.is_some() && differs()
        }
    }
}

/// Everything below `spec` is frozen but these paths.
fn only(update: &Update<'_, '_>, allowed: &[frozen::Path], verdict: &mut Verdict) {
    let spec = |tree: &Json| {
        let mut spec = json::at(tree, &["spec"]).cloned().unwrap_or(Json::Null);
        for path in allowed {
            json::remove_each(&mut spec, path);
        }
        // These webhooks compare what is written when nothing empty is.
        if matches!(&*update.new.kind, "AWSMachine" | "VSphereMachine" | "VSphereVM") {
            json::drop_empty(&mut spec, &[]);
        }
        spec
    };
    let (before, after) = (spec(&update.before), spec(&update.after));
    // What a field of its own says is not said again; where only its coming and going is frozen, what stands in it is too.
    let is_told = |keys: &[&str]| {
        let fields = frozen::fields(update.new.group(), &update.new.kind).iter();
        fields
            .filter(|(_, known)| keys.starts_with(known))
            .any(|(when, known)| !matches!(when, When::Presence | When::NotRemoved) || is_refused(*when, update, known))
    };
    let mut paths = Vec::new();
    json::leaf_differences(Some(&before), Some(&after), &mut vec!["spec".into()], &mut paths);
    for path in &paths {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        if !is_told(&keys) {
            let message =
                format!("{} of {} must not change: the webhook refuses the update", path.join("."), update.new.kind);
            verdict.say(update, &IMMUTABLE_FIELD, &keys, message, HELP);
        }
    }
}

/// The image of a machine that runs in Docker before and after; where no backend is chosen, the webhook chooses Docker.
fn dev_machine(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "backend", "docker", "customImage"];
    let image = |object: &Object<'_>, tree| {
        let has = |backend: &str| object.below(&["spec", "backend", backend]).is_some();
        (has("docker") || !has("inMemory")).then(|| json::text_at(tree, &keys).unwrap_or_default())
    };
    let images = (image(update.old, &update.before), image(update.new, &update.after));
    if let (Some(before), Some(after)) = images
        && before != after
    {
        refuse(update, &keys, verdict);
    }
}

/// A field that a webhook fills with a name of its own where nothing is written, and that must not change from then on.
fn generated(update: &Update<'_, '_>, keys: &[&str], default: Option<&str>, verdict: &mut Verdict) {
    let (before, after) = update.both(keys);
    let stored = |value: Option<&Json>| match value.and_then(Json::as_str).filter(|text| !text.is_empty()) {
        Some(written) => Some(written.to_owned()),
        None => default.map(str::to_owned),
    };
    // Where neither the name nor how it is made is known, nothing can be said.
    if let (Some(before), Some(after)) = (stored(before), stored(after))
        && before != after
    {
        refuse(update, keys, verdict);
    }
}

/// Managed control planes never go down.
fn managed_version(update: &Update<'_, '_>, keys: &[&'static str], verdict: &mut Verdict) {
    let Some((old, new)) = update.texts(keys) else { return };
    let parse = |text: &str| Version::parse(text).or_else(|| Version::parse(&format!("{text}.0")));
    let (Some(from), Some(to)) = (parse(old), parse(new)) else { return };
    if (to.major, to.minor) < (from.major, from.minor) {
        let message =
            format!("the version goes down from {old} to {new}: the webhook of {} refuses that", update.new.kind);
        verdict.say(update, &VERSION_DOWNGRADE, keys, message, &format!("stay at {old}"));
    }
}
