//! `ClusterClass`: templates may be rotated, but not become something else; what clusters use must stay.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Releases, Verdict};
use crate::diff::json;
use crate::diff::topology::class::{self, Slot, Workers};
use crate::diff::update::{self, Update};
use crate::object::{CLUSTER_GROUP, Object};

crate::rule! {
    /// A ClusterClass gets a template of another group or kind, or gains or loses `machineInfrastructure`.
    ///
    /// The name (and the API version) of a template may change; what it is may not, the bootstrap templates apart. The
    /// webhook refuses the update.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: ClusterClass
    /// spec:
    ///   infrastructure:
    ///     templateRef:
    ///       kind: DevClusterTemplate   # was DockerClusterTemplate
    /// ```
    ///
    /// ## Fix
    ///
    /// Make a new ClusterClass.
    pub CLASS_CHANGED = "class-changed", Error, Admission;

    /// Something is taken out of a ClusterClass while a Cluster of the release uses it: a worker class, a health check that the
    /// Cluster only switches on, its version in `kubernetesVersions`.
    ///
    /// The webhook refuses the update of the ClusterClass.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: ClusterClass
    /// spec:
    ///   workers:
    ///     machineDeployments: []   # a Cluster still has one of class 'gpu'
    /// ```
    ///
    /// ## Fix
    ///
    /// Move the Clusters to another worker class first, in an upgrade of their own.
    pub CLASS_STILL_USED = "class-still-used", Error, Admission;
}

/// Judges a ClusterClass that is in both releases.
pub fn judge(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    if !update.new.is(CLUSTER_GROUP, "ClusterClass") {
        return;
    }
    for (slot, message) in incompatible(&update.before, &update.after) {
        verdict.say(update, &CLASS_CHANGED, keys_of(&slot), message, "make a new ClusterClass");
    }
    let users = Users::of(update, releases);
    worker_classes(update, &users, verdict);
    health_checks(update, &users, verdict);
    versions(update, &users, verdict);
    autoscaled(update, &users, verdict);
}

/// Where two classes, or one before and after, name templates that cannot follow one another.
pub fn incompatible(before: &Json, after: &Json) -> Vec<(Slot, String)> {
    let before: BTreeMap<Slot, _> = class::templates(before).into_iter().collect();
    let after: BTreeMap<Slot, _> = class::templates(after).into_iter().collect();
    let mut found = Vec::new();
    for (slot, old) in before.iter().filter(|(slot, _)| !matches!(slot, Slot::Bootstrap(..))) {
        match after.get(slot) {
            Some(new) if (&new.group, &new.kind) != (&old.group, &old.kind) => {
                let message = format!(
                    "the template of {} goes from {} to {}: its kind must stay, and the webhook refuses that",
                    keys_of(slot).join("."),
                    old.kind,
                    new.kind
                );
                found.push((slot.clone(), message));
            }
            None if *slot == Slot::MachineInfrastructure => found.push((slot.clone(), COMES_OR_GOES.to_owned())),
            _ => {}
        }
    }
    if after.contains_key(&Slot::MachineInfrastructure) && !before.contains_key(&Slot::MachineInfrastructure) {
        found.push((Slot::MachineInfrastructure, COMES_OR_GOES.to_owned()));
    }
    found
}

const COMES_OR_GOES: &str = "spec.controlPlane.machineInfrastructure comes or goes: the webhook refuses that";

fn keys_of(slot: &Slot) -> &'static [&'static str] {
    match slot {
        Slot::Infrastructure => &["spec", "infrastructure"],
        Slot::ControlPlane => &["spec", "controlPlane"],
        Slot::MachineInfrastructure => &["spec", "controlPlane", "machineInfrastructure"],
        Slot::Bootstrap(workers, _) | Slot::Machines(workers, _) => match workers {
            Workers::Deployments => &["spec", "workers", "machineDeployments"],
            Workers::Pools => &["spec", "workers", "machinePools"],
        },
    }
}

/// The Clusters of the new release that use a class: Helm has sent them already when the class comes.
struct Users(Vec<(String, Json)>);

impl Users {
    fn of(update: &Update<'_, '_>, releases: Releases<'_, '_>) -> Self {
        let new = releases.fleet.new;
        let uses = |cluster: &&Object<'_>| {
            let tree = cluster.root.to_json();
            class::find(new, cluster, &tree).is_some_and(|class| class.number == update.new.number)
        };
        let users = new.of_kind(CLUSTER_GROUP, "Cluster").filter(|cluster| cluster.at(&["spec", "topology"]).is_some());
        Self(
            users
                .filter(uses)
                .map(|cluster| (cluster.name.to_string(), update::with_defaults(cluster, None)))
                .collect(),
        )
    }

    /// The first few clusters for which something holds, in words.
    fn which(&self, holds: impl Fn(&Json) -> bool) -> Option<String> {
        let names: Vec<&str> =
            self.0.iter().filter(|(_, tree)| holds(tree)).map(|(name, _)| name.as_str()).take(3).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

fn entries<'j>(cluster: &'j Json, workers: Workers, class: &'j str) -> impl Iterator<Item = &'j Json> {
    let list = json::items(cluster, &["spec", "topology", "workers", workers.key()]);
    list.iter().filter(move |item| json::text_at(item, &["class"]) == Some(class))
}

fn worker_classes(update: &Update<'_, '_>, users: &Users, verdict: &mut Verdict) {
    for workers in Workers::ALL {
        let kept: Vec<&str> = class::worker_classes(&update.after, workers).map(|(name, _)| name).collect();
        for (gone, _) in class::worker_classes(&update.before, workers).filter(|(name, _)| !kept.contains(name)) {
            if let Some(names) = users.which(|tree| entries(tree, workers, gone).next().is_some()) {
                let message = format!(
                    "the worker class '{gone}' is taken away while clusters use it ({names}): the webhook of ClusterClass \
                     refuses that"
                );
                let help = "move the clusters to another worker class first, in an upgrade of their own";
                verdict.say(update, &CLASS_STILL_USED, &["spec", "workers", workers.key()], message, help);
            }
        }
    }
}

/// Whether a health check is more than switched on.
fn is_defined(check: Option<&Json>) -> bool {
    let own = check.and_then(Json::as_object);
    own.is_some_and(|check| check.iter().any(|(key, value)| key != "enabled" && !json::is_empty(value)))
}

/// A health check that goes out of a class while a cluster switches it on without one of its own.
fn health_checks(update: &Update<'_, '_>, users: &Users, verdict: &mut Verdict) {
    let (before, after) = update.in_v1beta2();
    let relies = |part: Option<&Json>| {
        let check = part.and_then(|part| json::at(part, &["healthCheck"]));
        check.and_then(|check| check.get("enabled")) == Some(&Json::Bool(true)) && !is_defined(check)
    };
    let mut say = |keys: &[&str], names: String| {
        let message = format!(
            "{}.healthCheck is taken away while clusters rely on it ({names}): the webhook of ClusterClass refuses that",
            keys.join(".")
        );
        let help = "give the clusters a health check of their own first, or switch theirs off";
        verdict.say(update, &CLASS_STILL_USED, keys, message, help);
    };
    let keys = ["spec", "controlPlane"];
    let check = |tree: &Json| is_defined(json::at(tree, &[&keys[..], &["healthCheck"]].concat()));
    if check(&before)
        && !check(&after)
        && let Some(names) = users.which(|tree| relies(json::at(tree, &["spec", "topology", "controlPlane"])))
    {
        say(&keys, names);
    }
    let workers = Workers::Deployments;
    for (name, new) in class::worker_classes(&after, workers) {
        let Some((_, old)) = class::worker_classes(&before, workers).find(|(known, _)| *known == name) else {
            continue;
        };
        if is_defined(json::at(old, &["healthCheck"]))
            && !is_defined(json::at(new, &["healthCheck"]))
            && let Some(names) = users.which(|tree| entries(tree, workers, name).any(|item| relies(Some(item))))
        {
            say(&["spec", "workers", workers.key()], names);
        }
    }
}

/// The class's list of versions must hold those of its clusters.
fn versions(update: &Update<'_, '_>, users: &Users, verdict: &mut Verdict) {
    let keys = ["spec", "kubernetesVersions"];
    let known: Vec<&str> = json::items(&update.after, &keys).iter().filter_map(Json::as_str).collect();
    if known.is_empty() || !update.changed(&keys) {
        return;
    }
    let lacks = |tree: &Json| {
        json::text_at(tree, &["spec", "topology", "version"]).is_some_and(|version| !known.contains(&version))
    };
    if let Some(names) = users.which(lacks) {
        let message = format!(
            "spec.kubernetesVersions lacks the version of clusters that use the class ({names}): the webhook of ClusterClass \
             refuses that"
        );
        verdict.say(update, &CLASS_STILL_USED, &keys, message, "keep a version until no cluster is at it any more");
    }
}

/// A worker class handed to the autoscaler while clusters state replicas.
fn autoscaled(update: &Update<'_, '_>, users: &Users, verdict: &mut Verdict) {
    let workers = Workers::Deployments;
    let annotated = |class: &Json| {
        let metadata = json::at(class, &["metadata"]).or_else(|| json::at(class, &["template", "metadata"]));
        let annotations = metadata.and_then(|metadata| json::at(metadata, &["annotations"]));
        annotations.is_some_and(|annotations| AUTOSCALER.iter().any(|key| annotations.get(key).is_some()))
    };
    for (name, _) in class::worker_classes(&update.after, workers).filter(|(_, class)| annotated(class)) {
        let before = class::worker_classes(&update.before, workers).find(|(known, _)| *known == name);
        if before.is_some_and(|(_, before)| annotated(before)) {
            continue;
        }
        let states = |tree: &Json| entries(tree, workers, name).any(|item| json::at(item, &["replicas"]).is_some());
        if let Some(names) = users.which(states) {
            let message = format!(
                "the worker class '{name}' gets the autoscaler's annotations while clusters state replicas for it ({names}): \
                 the webhook of ClusterClass refuses that"
            );
            let help = "take replicas out of the clusters first, in an upgrade of their own";
            verdict.say(update, &CLASS_STILL_USED, &["spec", "workers", workers.key()], message, help);
        }
    }
}

const AUTOSCALER: [&str; 2] = [
    "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size",
    "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size",
];
