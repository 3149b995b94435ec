//! Templates: which kinds the server refuses to change, what an accepted edit in place does (nothing), and rotations.

use serde_json::Value as Json;

use super::{Releases, Verdict};
use crate::diff::changes;
use crate::diff::defaults::CONTROL_PLANE_GROUP;
use crate::diff::json::{self, Side};
use crate::diff::matching::Pair;
use crate::diff::rollout::Fleet;
use crate::diff::update::Update;
use crate::object::{CLUSTER_GROUP, Object};
use crate::report::{Finding, Severity};

crate::rule! {
    /// A template is changed in place, and its kind is immutable.
    ///
    /// The webhook refuses any change of the template's spec, and Helm stops in the middle of the upgrade: objects before it
    /// are changed already, those behind it are not. This one mistake breaks most upgrades of fleets.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: AWSMachineTemplate
    /// metadata:
    ///   name: prod-workers
    /// spec:
    ///   template:
    ///     spec:
    ///       instanceType: m6i.xlarge   # was m6i.large
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the template a new name on every change, such as a suffix with a hash of its content, and refer to that name.
    pub IMMUTABLE_TEMPLATE = "immutable-template", Error, Admission;

    /// A template is changed in place, is accepted, and no machine is replaced for it.
    ///
    /// Machines that run keep what they were made with; only machines made later get the change, so that machines of one
    /// pool differ without anybody noticing.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: KubeadmConfigTemplate
    /// metadata:
    ///   name: prod-workers
    /// spec:
    ///   template:
    ///     spec:
    ///       preKubeadmCommands: [new command]
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the template a new name and refer to it: then machines roll.
    pub TEMPLATE_EDITED_IN_PLACE = "template-edited-in-place", Warning, Controller;

    /// A template gets a new name with the same content, and machines roll for nothing.
    ///
    /// Machines are replaced because the name changed. The usual cause is a hash over more than the content, such as the
    /// chart's version or labels.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// infrastructureRef:
    ///   name: prod-workers-3f9a   # was prod-workers-81bc, with the same content
    /// ```
    ///
    /// ## Fix
    ///
    /// Compute the suffix from the template's spec alone.
    pub NEEDLESS_ROTATION = "needless-rotation", Warning, Advice;

    /// A reference goes back to a template that the old release already had beside the one in use.
    ///
    /// It is accepted, and machines roll back to the older template.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// infrastructureRef:
    ///   name: prod-workers-v1   # was prod-workers-v2
    /// ```
    ///
    /// ## Fix
    ///
    /// Nothing where this is the rollback that was meant.
    pub ROTATION_REVERTED = "rotation-reverted", Warning, Advice;
}

/// What of a template must not change.
#[derive(Clone, Copy)]
enum Frozen {
    /// `spec.template.spec`.
    TemplateSpec,
    /// `spec` as a whole.
    Spec,
}

/// Kinds whose webhook or schema refuses a change, by group.
const IMMUTABLE: &[(&str, &[(&str, Frozen)])] = &[
    ("controlplane.cluster.x-k8s.io", &[("KubeadmControlPlaneTemplate", Frozen::TemplateSpec)]),
    (
        "infrastructure.cluster.x-k8s.io",
        &[
            ("AWSClusterTemplate", Frozen::Spec),
            ("AWSMachineTemplate", Frozen::TemplateSpec),
            ("AzureClusterTemplate", Frozen::TemplateSpec),
            ("AzureMachineTemplate", Frozen::TemplateSpec),
            ("CloudStackMachineTemplate", Frozen::TemplateSpec),
            ("DOClusterTemplate", Frozen::Spec),
            ("DOMachineTemplate", Frozen::Spec),
            ("DevClusterTemplate", Frozen::TemplateSpec),
            ("DevMachineTemplate", Frozen::TemplateSpec),
            ("DockerClusterTemplate", Frozen::TemplateSpec),
            ("DockerMachineTemplate", Frozen::TemplateSpec),
            ("GCPClusterTemplate", Frozen::Spec),
            ("GCPMachineTemplate", Frozen::TemplateSpec),
            ("HCloudMachineTemplate", Frozen::Spec),
            ("HetznerBareMetalMachineTemplate", Frozen::Spec),
            ("HetznerClusterTemplate", Frozen::Spec),
            ("KubevirtMachineTemplate", Frozen::Spec),
            ("OpenStackClusterTemplate", Frozen::TemplateSpec),
            ("OpenStackMachineTemplate", Frozen::TemplateSpec),
            ("PacketMachineTemplate", Frozen::Spec),
            ("ProxmoxMachineTemplate", Frozen::Spec),
            ("VSphereClusterTemplate", Frozen::TemplateSpec),
            ("VSphereMachineTemplate", Frozen::TemplateSpec),
        ],
    ),
    ("vmware.infrastructure.cluster.x-k8s.io", &[("VSphereMachineTemplate", Frozen::TemplateSpec)]),
    ("bootstrap.cluster.x-k8s.io", &[("TalosConfigTemplate", Frozen::Spec)]),
];

/// Templates that may be edited: machines that run do not take it up.
const MUTABLE: &[&str] =
    &["KubeadmConfigTemplate", "Metal3MachineTemplate", "RKE2ConfigTemplate", "KThreesConfigTemplate"];

/// Judges a template that is in both releases.
pub fn judge(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    let object = update.new;
    if !object.kind.ends_with("Template") || !object.group().ends_with("cluster.x-k8s.io") {
        return;
    }
    let Some(frozen) = frozen(object) else {
        // A topology's controller sees the change and rotates what it made from the template.
        if !releases.is_of_class(object) {
            accepted_edit(update, verdict);
        }
        return;
    };
    let keys: &[&str] = match frozen {
        Frozen::TemplateSpec => &["spec", "template", "spec"],
        Frozen::Spec => &["spec"],
    };
    let (mut before, mut after) = (update.before.clone(), update.after.clone());
    exceptions(object, &mut before, &mut after);
    if json::same(json::at(&before, keys), json::at(&after, keys)) {
        return;
    }
    let first = first_difference(update, keys);
    let path = keys.join(".");
    let message = format!(
        "the template is changed in place ({first}), and {} is immutable: its webhook refuses any change of {path}, and the \
         upgrade stops here, half done",
        object.kind
    );
    let help = "rotate the name: give the changed template a new name (a suffix with a hash of its content) and refer to that; \
                the old one may go once no machine is left from it";
    verdict.say(update, &IMMUTABLE_TEMPLATE, keys, message, help);
}

fn frozen(object: &Object<'_>) -> Option<Frozen> {
    let (_, kinds) = IMMUTABLE.iter().find(|(group, _)| *group == object.group())?;
    kinds.iter().find(|(kind, _)| *kind == object.kind).map(|(_, frozen)| *frozen)
}

/// Fields that may change although their kind is immutable: made the same on both sides.
fn exceptions(object: &Object<'_>, before: &mut Json, after: &mut Json) {
    const SPEC: [&str; 3] = ["spec", "template", "spec"];
    let below = |key: &'static str| [SPEC[0], SPEC[1], SPEC[2], key];
    match &*object.kind {
        // Set by the webhook since a later release: what was unset may become set.
        "AWSMachineTemplate" if json::at(before, &below("instanceMetadataOptions")).is_none() => {
            json::remove(after, &below("instanceMetadataOptions"));
        }
        "OpenStackMachineTemplate" => {
            for tree in [before, after] {
                let ports = SPEC.iter().chain(&["ports"]).try_fold(tree, |tree, key| tree.get_mut(*key));
                for port in ports.and_then(Json::as_array_mut).into_iter().flatten() {
                    json::remove(port, &["allowedAddressPairs"]);
                }
            }
        }
        // Old defaults are evened out.
        "KubeadmControlPlaneTemplate" => {
            for tree in [before, after] {
                let config = ["spec", "template", "spec", "kubeadmConfigSpec", "format"];
                if json::text_at(tree, &config) == Some("cloud-config") {
                    json::remove(tree, &config);
                }
            }
        }
        _ => {}
    }
}

/// The first path below these keys that changed.
fn first_difference(update: &Update<'_, '_>, keys: &[&str]) -> String {
    let prefix = keys.join(".");
    let all = changes::of(update);
    let found = all.iter().find(|change| change.path.starts_with(&prefix));
    found.map_or(prefix, |change| change.path.clone())
}

/// A template that may be changed, or of which nothing is known.
fn accepted_edit(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let object = update.new;
    let is_known = MUTABLE.contains(&&*object.kind);
    let is_machine = object.kind.ends_with("MachineTemplate") || object.kind.ends_with("ConfigTemplate");
    if !update.changed(&["spec"]) || !(is_known || is_machine) {
        return;
    }
    let first = first_difference(update, &["spec"]);
    let message = if is_known {
        format!(
            "the template is changed in place ({first}): accepted, but no running machine takes it up; only machines made \
             later do"
        )
    } else {
        format!(
            "the template is changed in place ({first}). capi-lint does not know the webhook of {}: most providers refuse \
             this, the others accept it and no machine rolls",
            object.kind
        )
    };
    let help = "rotate the name: give the changed template a new name and refer to that, and machines roll";
    verdict.say(update, &TEMPLATE_EDITED_IN_PLACE, &["spec"], message, help);
}

/// A template under a new name: needless where the content is the same.
pub fn rotation(pair: Pair<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    let (Some(old), Some(new)) = (pair.old, pair.new) else { return };
    if !new.kind.ends_with("Template") || releases.is_of_class(new) {
        return;
    }
    let update = Update::new(old, new);
    if !update.changed(&["spec"]) {
        let message = format!(
            "renamed from {} with the same content: the name alone makes every machine that comes from it be replaced",
            old.name
        );
        let help = format!("keep the name {}, or compute its suffix from the template's spec alone", old.name);
        let place = update.place(&["metadata", "name"]);
        let finding = Finding::new(&NEEDLESS_ROTATION, message).severity(Severity::Warning).at(place).suggest(help);
        verdict.add(finding, Side::New, new, "metadata.name");
    }
}

/// References that go back to a template which the old release had, unused, beside the one in use.
pub fn reverted(fleet: Fleet<'_, '_>, pairs: &[Pair<'_, '_>], verdict: &mut Verdict) {
    let updates = pairs
        .iter()
        .filter_map(Pair::update)
        .filter(|(old, new)| makes_machines(new) && old.root.raw() != new.root.raw());
    for (old, new) in updates {
        for reference in new.references().filter(|reference| reference.kind.ends_with("Template")) {
            let path = new.path(reference.value.index());
            let Some(target) = fleet.new.resolve(new, &reference) else { continue };
            let namespace = fleet.new.namespace_of(target);
            let was_there = fleet.old.find(target.group(), &target.kind, namespace, &target.name).is_some();
            let was_named = old.references().any(|other| other.kind == reference.kind && other.name == reference.name);
            if was_there && !was_named {
                let message = format!(
                    "goes over to {} {}, which the old release already has: a rotation is taken back, and machines roll back \
                     to the older template",
                    target.kind, target.name
                );
                let finding = Finding::new(&ROTATION_REVERTED, message)
                    .at(new.place(reference.value))
                    .path(path.clone())
                    .suggest("nothing to do where this is the rollback that was meant");
                verdict.add(finding, Side::New, new, &path);
            }
        }
    }
}

/// Kinds whose references to templates decide about machines.
fn makes_machines(object: &Object<'_>) -> bool {
    object.is(CLUSTER_GROUP, "MachineDeployment")
        || object.group() == CONTROL_PLANE_GROUP && !object.kind.ends_with("Template")
}
