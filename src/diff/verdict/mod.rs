//! Will the server take it: each update judged as the API server and CAPI's webhooks judge it, each object of the new release
//! on its own, and what a deletion leaves behind.
//!
//! One file a family of kinds. What a controller would stumble over later is said here too, as a warning or a controller
//! error; it does not make an upgrade refused.

use serde_json::Value as Json;

use super::json::{self, Side};
use super::rollout::Fleet;
use super::topology::{TOPOLOGY_STUCK, TemplateNames};
use super::uninstall::{ORPHANED, STUCK_UNINSTALL};
use super::update::{self, Update};
use crate::object::{CLUSTER_GROUP, Object};
use crate::report::{Finding, Provenance, Rule, Severity};
use crate::secrets;

mod built_in;
mod cluster;
mod cluster_class;
mod control_plane;
mod core_dns;
mod deletions;
mod fields;
mod frozen;
mod invalid;
mod machines;
mod structs;
mod templates;

pub use cluster::{NOT_IN_CLASS, REFERENCE_REMOVED, TOPOLOGY_REMOVED};
pub use cluster_class::{CLASS_CHANGED, CLASS_STILL_USED};
pub use control_plane::{CORE_DNS_MIGRATION, refuses as control_plane_refuses};
pub use deletions::{CLUSTER_DELETED, KEEP, STILL_NEEDED, is_deleted};
pub use fields::IMMUTABLE_FIELD;
pub use machines::REPLICAS_DROPPED;
pub use templates::{IMMUTABLE_TEMPLATE, NEEDLESS_ROTATION, ROTATION_REVERTED, TEMPLATE_EDITED_IN_PLACE};

crate::rule! {
    /// A version goes up by more than one minor release at once.
    ///
    /// Kubernetes control planes go up one minor release at a time, and CAPI's webhooks refuse anything else: the whole
    /// upgrade fails at this object.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// spec:
    ///   version: v1.34.1   # was v1.32.8
    /// ```
    ///
    /// ## Fix
    ///
    /// Go through each minor release in between, one upgrade each.
    pub VERSION_SKIP = "version-skip", Error, Admission;

    /// A version goes down.
    ///
    /// A topology (`spec.topology.version`) refuses it. A `KubeadmControlPlane` accepts it and rolls every control plane machine
    /// back, which etcd and the API server do not support.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// spec:
    ///   version: v1.31.9   # was v1.32.8
    /// ```
    ///
    /// ## Fix
    ///
    /// Stay at the version; restore from a backup where you must go back.
    pub VERSION_DOWNGRADE = "version-downgrade", Error, Admission;
}

/// The rules on updates.
pub static RULES: &[&Rule] = &[
    &IMMUTABLE_TEMPLATE,
    &IMMUTABLE_FIELD,
    &VERSION_SKIP,
    &VERSION_DOWNGRADE,
    &CORE_DNS_MIGRATION,
    &REFERENCE_REMOVED,
    &TOPOLOGY_REMOVED,
    &NOT_IN_CLASS,
    &CLASS_CHANGED,
    &CLASS_STILL_USED,
    &CLUSTER_DELETED,
    &STILL_NEEDED,
    &TOPOLOGY_STUCK,
    &REPLICAS_DROPPED,
    &TEMPLATE_EDITED_IN_PLACE,
    &NEEDLESS_ROTATION,
    &ROTATION_REVERTED,
    &STUCK_UNINSTALL,
    &ORPHANED,
];

/// Something to say about one object.
#[derive(Debug)]
pub struct Said {
    /// What.
    pub finding: Finding,
    /// In which release its place is.
    pub side: Side,
    /// `Kind namespace/name`.
    pub object: String,
    /// The field.
    pub path: String,
}

/// What the server would say to an upgrade.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Why it would be refused.
    pub refusals: Vec<Said>,
    /// What is accepted, and still wrong or worth knowing.
    pub warnings: Vec<Said>,
}

impl Verdict {
    /// Takes in a finding: a refusal where the server or a client would refuse it, else a warning.
    pub fn add(&mut self, mut finding: Finding, side: Side, object: &Object<'_>, path: &str) {
        secrets::Values::of(object).scrub_finding(&mut finding);
        let refused = finding.severity == Severity::Error
            && matches!(finding.rule.provenance, Provenance::Admission | Provenance::Client);
        let said = Said { finding, side, object: describe(object), path: path.to_owned() };
        (if refused { &mut self.refusals } else { &mut self.warnings }).push(said);
    }

    /// Takes in another verdict.
    pub fn append(&mut self, mut other: Self) {
        self.refusals.append(&mut other.refusals);
        self.warnings.append(&mut other.warnings);
    }

    /// Whether an object of the new release is refused.
    pub fn refuses(&self, object: &Object<'_>) -> bool {
        self.refusals.iter().any(|said| {
            said.side == Side::New && said.finding.place.is_some_and(|place| place.object == Some(object.number))
        })
    }

    /// Whether an object is refused already at a path or above it.
    pub fn has_refused(&self, object: &Object<'_>, path: &str) -> bool {
        self.refusals.iter().any(|said| {
            let same =
                said.side == Side::New && said.finding.place.is_some_and(|place| place.object == Some(object.number));
            same && path
                .strip_prefix(said.path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// A document of the new release that is no object: nothing of the release is applied.
    pub fn refuse_document(&mut self, finding: Finding) {
        self.refusals.push(Said { finding, side: Side::New, object: "document".to_owned(), path: String::new() });
    }

    /// A finding about a field of an updated object.
    pub fn say(&mut self, update: &Update<'_, '_>, rule: &'static Rule, keys: &[&str], message: String, help: &str) {
        self.say_as(rule.severity, update, rule, keys, message, help);
    }

    /// The same, with another severity than the rule's own.
    pub fn say_as(
        &mut self,
        severity: Severity,
        update: &Update<'_, '_>,
        rule: &'static Rule,
        keys: &[&str],
        message: String,
        help: &str,
    ) {
        let path = json::text(&update::steps(keys));
        let mut finding =
            Finding::new(rule, message).severity(severity).at(update.place(keys)).path(path.clone()).suggest(help);
        secrets::Values::of(update.old).scrub_finding(&mut finding);
        self.add(finding, Side::New, update.new, &path);
    }
}

/// What judging an update may look at besides the object itself.
#[derive(Clone, Copy, Debug)]
pub struct Releases<'r, 'a> {
    /// Both releases.
    pub fleet: Fleet<'r, 'a>,
    /// Templates that ClusterClasses refer to.
    pub class_templates: &'r TemplateNames,
}

impl Releases<'_, '_> {
    /// Whether a topology's objects are made from this template.
    pub fn is_of_class(&self, object: &Object<'_>) -> bool {
        self.class_templates.names(object)
    }
}

/// Judges an object that is in both releases and differs.
pub fn update(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    templates::judge(update, releases, verdict);
    control_plane::judge(update, verdict);
    cluster::judge(update, releases, verdict);
    cluster_class::judge(update, releases, verdict);
    machines::judge(update, verdict);
    fields::judge(update, verdict);
    built_in::judge(update, verdict);
}

/// Whether a webhook refuses a change in which nothing seems to change: a mapping or list with nothing in it that comes or
/// goes, where pointers and lists of Go know it from absence.
pub fn is_refused_unseen(update: &Update<'_, '_>) -> bool {
    let object = update.new;
    match (object.group(), &*object.kind) {
        (CLUSTER_GROUP, "MachineDeployment" | "MachineSet") => machines::takes_labels_away(update),
        ("addons.cluster.x-k8s.io", "ClusterResourceSet") if object.version() == "v1beta2" => {
            update.changed(&["spec", "clusterSelector"])
        }
        (group, kind) if templates::held_as(kind).is_some() => {
            frozen::template(group, kind).is_some_and(|known| !templates::refused_paths(known, update).is_empty())
        }
        _ => fields::comes_or_goes(update),
    }
}

pub use deletions::{judge as deletions, lost_namespaces};
pub use invalid::{judge as invalid, release};
pub use templates::{reverted, rotation};

/// `Kind namespace/name`.
pub fn describe(object: &Object<'_>) -> String {
    match object.namespace() {
        Some(namespace) => format!("{} {namespace}/{}", object.kind, object.name),
        None => format!("{} {}", object.kind, object.name),
    }
}

/// A value for a message, cut where it is long.
fn quoted(value: Option<&Json>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Json::String(text)) if text.chars().count() <= 40 => format!("'{text}'"),
        Some(Json::Number(number)) => number.to_string(),
        Some(Json::Bool(truth)) => truth.to_string(),
        Some(_) => "another value".to_owned(),
    }
}
