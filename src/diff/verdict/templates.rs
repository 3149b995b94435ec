//! Templates: which kinds the server refuses to change, what an accepted edit in place does (nothing), and rotations.

use serde_json::Value as Json;

use super::frozen::{self, Template};
use super::structs::{self, Types};
use super::{Releases, Verdict};
use crate::diff::changes;
use crate::diff::defaults::CONTROL_PLANE_GROUP;
use crate::diff::json::{self, Side};
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

/// Judges a template that is in both releases.
pub fn judge(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    let object = update.new;
    if !object.kind.ends_with("Template") || !object.group().ends_with("cluster.x-k8s.io") {
        return;
    }
    let known = frozen::template(object.group(), &object.kind);
    let refused = known.map(|known| refused_paths(known, update)).unwrap_or_default();
    let Some(path) = refused.first() else {
        // A topology's controller sees the change and rotates what it made from the template.
        if !releases.is_of_class(object) && !matches!(known, Some(Template::Below(..))) {
            accepted_edit(update, known.is_some(), verdict);
        }
        if &*object.kind == "OpenStackMachineTemplate" {
            address_pairs(update, verdict);
        }
        return;
    };
    let first = first_difference(update, path);
    if is_in_doubt(update, path) {
        let message = format!(
            "the template is changed in place ({first}), but for 0 and false it stays what it was: the webhook of {} may take that \
             for a change of an immutable template and refuse it",
            object.kind
        );
        let help = "leave out what says 0 or false and was not there before, or rotate the name";
        return verdict.say(update, &TEMPLATE_EDITED_IN_PLACE, path, message, help);
    }
    let message = format!(
        "the template is changed in place ({first}), and {} is immutable: its webhook refuses any change of {}, and the \
         upgrade stops here, half done",
        object.kind,
        path.join(".")
    );
    let help = "rotate the name: give the changed template a new name (a suffix with a hash of its content) and refer to that; \
                the old one may go once no machine is left from it";
    verdict.say(update, &IMMUTABLE_TEMPLATE, path, message, help);
}

/// Whether nothing but 0 and false comes or goes, of a kind whose types nobody wrote down: only they tell whether that is a change.
fn is_in_doubt(update: &Update<'_, '_>, path: &[&str]) -> bool {
    let kind = &update.new.kind;
    if held_as(kind).is_some() || structs::plain_fields(kind).is_some() {
        return false;
    }
    let without = |tree: &Json| {
        let mut part = json::at(tree, path).cloned().unwrap_or(Json::Null);
        structs::drop_zeros(&mut part, &|_| true);
        part
    };
    json::equal(&without(&update.before), &without(&update.after))
}

/// Frozen paths of a template that changed.
pub fn refused_paths(known: Template, update: &Update<'_, '_>) -> Vec<frozen::Path> {
    match known {
        Template::Nothing => Vec::new(),
        Template::Fields(always, once) => {
            let was_set = |path: &&frozen::Path| update.both(path).0.is_some_and(|value| !json::is_empty(value));
            let changed = |path: &frozen::Path| update.changed(path);
            always.iter().chain(once.iter().filter(was_set)).copied().filter(changed).collect()
        }
        Template::Below(above, except) => {
            let held = held_as(&update.new.kind);
            let (mut before, mut after) = if held.is_some() {
                let (before, after) = update.in_v1beta2();
                let (mut before, mut after) = (before.into_owned(), after.into_owned());
                if held == Some(Types::Kubeadm) {
                    keep_empty_environments(update.old, &mut before);
                    keep_empty_environments(update.new, &mut after);
                }
                (before, after)
            } else {
                (update.before.clone(), update.after.clone())
            };
            for tree in [&mut before, &mut after] {
                for path in except {
                    json::remove_each(tree, &[above, *path].concat());
                }
            }
            exceptions(update, &mut before, &mut after);
            if let Some(plain) = structs::plain_fields(&update.new.kind) {
                structs::drop_zeros(&mut before, &|key| plain.contains(&key));
                structs::drop_zeros(&mut after, &|key| plain.contains(&key));
            }
            if let Some(types) = held {
                // What both releases write alike is not sent: an empty list that conversion took away stays away.
                let is_converted = [update.old, update.new].iter().any(|object| object.version() == "v1beta1");
                structs::as_held(&mut before, types, is_converted);
                structs::as_held(&mut after, types, is_converted);
            }
            let same = json::same(json::at(&before, above), json::at(&after, above));
            if same { Vec::new() } else { vec![above] }
        }
    }
}

/// The environments of v1beta1's components are lists, those of v1beta2 pointers to lists: one with nothing in it comes through
/// the conversion as something, where every other empty list is lost.
fn keep_empty_environments(object: &Object<'_>, tree: &mut Json) {
    const CONFIGURATION: [&str; 5] = ["spec", "template", "spec", "kubeadmConfigSpec", "clusterConfiguration"];
    const COMPONENTS: [&[&str]; 4] = [&["apiServer"], &["controllerManager"], &["scheduler"], &["etcd", "local"]];
    if object.version() != "v1beta1" {
        return;
    }
    for component in COMPONENTS {
        let keys = [&CONFIGURATION[..], component, &["extraEnvs"]].concat();
        if object.below(&keys).is_some_and(|list| list.is_seq() && list.items().next().is_none()) {
            json::insert(tree, &keys, Json::Array(Vec::new()));
        }
    }
}

/// The structs in which a kind's webhook compares old and new, where it does so deeply.
pub fn held_as(kind: &str) -> Option<Types> {
    match kind {
        "KubeadmControlPlaneTemplate" => Some(Types::Kubeadm),
        "DevClusterTemplate" | "DevMachineTemplate" | "DockerClusterTemplate" | "DockerMachineTemplate" => {
            Some(Types::Docker)
        }
        _ => None,
    }
}

/// Defaults that the webhook evens out before it compares: made the same on both sides.
fn exceptions(update: &Update<'_, '_>, before: &mut Json, after: &mut Json) {
    const SPEC: [&str; 3] = ["spec", "template", "spec"];
    let below = |keys: &[&'static str]| [&SPEC[..], keys].concat();
    match &*update.new.kind {
        // Set by the webhook since a later release: what was unset may become set.
        "AWSMachineTemplate" if json::at(before, &below(&["instanceMetadataOptions"])).is_none() => {
            json::remove(after, &below(&["instanceMetadataOptions"]));
        }
        "KubeadmControlPlaneTemplate" => {
            const OLD_DEFAULTS: [(&[&str], &str); 4] = [
                (&["kubeadmConfigSpec", "format"], "cloud-config"),
                (&["kubeadmConfigSpec", "initConfiguration", "nodeRegistration", "imagePullPolicy"], "IfNotPresent"),
                (&["kubeadmConfigSpec", "joinConfiguration", "nodeRegistration", "imagePullPolicy"], "IfNotPresent"),
                (
                    &[
                        "kubeadmConfigSpec",
                        "joinConfiguration",
                        "discovery",
                        "file",
                        "kubeConfig",
                        "user",
                        "exec",
                        "apiVersion",
                    ],
                    "client.authentication.k8s.io/v1",
                ),
            ];
            for tree in [&mut *before, &mut *after] {
                for (keys, value) in OLD_DEFAULTS {
                    if json::text_at(tree, &below(keys)) == Some(value) {
                        json::remove(tree, &below(keys));
                    }
                }
            }
            // The schema of v1beta1 filled the strategy in where none was stated, and a change of it goes on top of that.
            let is_unstated = |object: &Object<'_>| {
                object.version() == "v1beta1"
                    && object.below(&below(&["rolloutStrategy"])).is_none_or(|value| value.is_null())
            };
            if is_unstated(update.old) && update.new.version() == "v1beta1" {
                for tree in [&mut *before, &mut *after] {
                    let strategy = below(&["rollout", "strategy"]);
                    for (keys, value) in
                        [(&["type"][..], "RollingUpdate".into()), (&["rollingUpdate", "maxSurge"], 1.into())]
                    {
                        let keys = [&strategy, keys].concat();
                        if json::at(tree, &keys).is_none() {
                            json::insert(tree, &keys, value);
                        }
                    }
                }
            }
            for strategy in [&["rollout", "strategy"][..], &["rolloutStrategy"]] {
                let was_default = json::at(before, &below(strategy)).is_some_and(|strategy| {
                    json::text_at(strategy, &["type"]) == Some("RollingUpdate")
                        && json::at(strategy, &["rollingUpdate", "maxSurge"]).and_then(Json::as_i64) == Some(1)
                });
                if was_default && json::at(after, &below(strategy)).is_none_or(json::is_empty) {
                    json::remove(after, &below(strategy));
                    json::remove(before, &below(strategy));
                }
            }
        }
        _ => {}
    }
}

/// Accepted since a release of the provider that not everybody has.
fn address_pairs(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "template", "spec", "ports"];
    if update.changed(&keys) {
        let message =
            "ports[].allowedAddressPairs are changed in place: OpenStack's provider accepts that since v0.15, older \
                       releases refuse it; no running machine takes it up"
                .to_owned();
        let help = "rotate the name where the provider is older, or where machines should roll";
        verdict.say(update, &TEMPLATE_EDITED_IN_PLACE, &keys, message, help);
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
fn accepted_edit(update: &Update<'_, '_>, is_known: bool, verdict: &mut Verdict) {
    let object = update.new;
    let is_machine = object.kind.ends_with("MachineTemplate") || object.kind.ends_with("ConfigTemplate");
    if !update.changed(&["spec"]) || !is_machine {
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
pub fn rotation(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    let (old, new) = (update.old, update.new);
    if !new.kind.ends_with("Template") || releases.is_of_class(new) || update.changed(&["spec"]) {
        return;
    }
    let message = format!(
        "renamed from {} with the same content: the name alone makes every machine that comes from it be replaced",
        old.name
    );
    let help = format!("keep the name {}, or compute its suffix from the template's spec alone", old.name);
    let place = update.place(&["metadata", "name"]);
    let finding = Finding::new(&NEEDLESS_ROTATION, message).severity(Severity::Warning).at(place).suggest(help);
    verdict.add(finding, Side::New, new, "metadata.name");
}

/// References that go back to a template which the old release had, unused, beside the one in use.
pub fn reverted(update: &Update<'_, '_>, fleet: Fleet<'_, '_>, verdict: &mut Verdict) {
    let (old, new) = (update.old, update.new);
    if !makes_machines(new) {
        return;
    }
    for reference in new.references().filter(|reference| reference.kind.ends_with("Template")) {
        let was_named = old.references().any(|other| other.kind == reference.kind && other.name == reference.name);
        if was_named {
            continue;
        }
        let Some(target) = fleet.new.resolve(new, &reference) else { continue };
        let namespace = fleet.new.namespace_of(target);
        if fleet.old.find(target.group(), &target.kind, namespace, &target.name).is_some() {
            let path = new.path(reference.value.index());
            let message = format!(
                "goes over to {} {}, which the old release already has: a rotation is taken back, and machines roll back to \
                 the older template",
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

/// Kinds whose references to templates decide about machines.
fn makes_machines(object: &Object<'_>) -> bool {
    object.is(CLUSTER_GROUP, "MachineDeployment")
        || object.group() == CONTROL_PLANE_GROUP && !object.kind.ends_with("Template")
}
