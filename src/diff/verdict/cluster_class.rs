//! `ClusterClass`: templates may be rotated, but not become something else; what clusters use must stay.

use std::collections::BTreeMap;

use super::{Releases, Verdict};
use crate::diff::json;
use crate::diff::topology::class::{self, Slot, Workers};
use crate::diff::update::Update;
use crate::object::CLUSTER_GROUP;

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

    /// A worker class is taken out of a ClusterClass while a Cluster of the release uses it.
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
    templates(update, verdict);
    worker_classes(update, releases, verdict);
}

fn templates(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let before: BTreeMap<Slot, _> = class::templates(&update.before).into_iter().collect();
    let after: BTreeMap<Slot, _> = class::templates(&update.after).into_iter().collect();
    for (slot, old) in before.iter().filter(|(slot, _)| !matches!(slot, Slot::Bootstrap(..))) {
        let keys = keys_of(slot);
        match after.get(slot) {
            Some(new) if (&new.group, &new.kind) != (&old.group, &old.kind) => {
                let message = format!(
                    "the template of {} goes from {} to {}: its kind must stay, and the webhook of ClusterClass refuses that",
                    keys.join("."),
                    old.kind,
                    new.kind
                );
                verdict.say(update, &CLASS_CHANGED, keys, message, "make a new ClusterClass");
            }
            None if *slot == Slot::MachineInfrastructure => machine_infrastructure(update, verdict),
            _ => {}
        }
    }
    if after.contains_key(&Slot::MachineInfrastructure) && !before.contains_key(&Slot::MachineInfrastructure) {
        machine_infrastructure(update, verdict);
    }
}

fn machine_infrastructure(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let message =
        "spec.controlPlane.machineInfrastructure comes or goes: the webhook of ClusterClass refuses that".to_owned();
    verdict.say(update, &CLASS_CHANGED, keys_of(&Slot::MachineInfrastructure), message, "make a new ClusterClass");
}

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

fn worker_classes(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    for workers in Workers::ALL {
        let kept: Vec<&str> = class::worker_classes(&update.after, workers).map(|(name, _)| name).collect();
        for (gone, _) in class::worker_classes(&update.before, workers).filter(|(name, _)| !kept.contains(name)) {
            let users = releases.new.of_kind(CLUSTER_GROUP, "Cluster").filter(|cluster| {
                let tree = cluster.root.to_json();
                let of_class =
                    class::find(releases.new, cluster, &tree).is_some_and(|class| class.number == update.new.number);
                of_class
                    && json::items(&tree, &["spec", "topology", "workers", workers.key()])
                        .iter()
                        .any(|item| json::text_at(item, &["class"]) == Some(gone))
            });
            let users: Vec<String> = users.map(|cluster| cluster.name.to_string()).take(3).collect();
            if !users.is_empty() {
                let message = format!(
                    "the worker class '{gone}' is taken away while clusters use it ({}): the webhook of ClusterClass refuses \
                     that",
                    users.join(", ")
                );
                let help = "move the clusters to another worker class first, in an upgrade of their own";
                verdict.say(update, &CLASS_STILL_USED, &["spec", "workers", workers.key()], message, help);
            }
        }
    }
}
