//! The bill: how many machines each control plane and worker group loses, gains and swaps, and which change causes it.
//!
//! Counted from the two releases alone: what the controllers would do once the update is accepted. Where the answer depends on
//! something that no manifest shows, the row says so.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;

use super::defaults::CONTROL_PLANE_GROUP;
use super::json;
use super::matching::Pair;
use super::update::{self, Reading, Update};
use super::verdict;
use crate::fleet::machines;
use crate::object::{CLUSTER_GROUP, Object, Reference};
use crate::release::{Membership, Release};

mod blocked;
pub mod control_plane;
pub mod fields;
mod times;
pub mod workers;

pub use blocked::{PAUSED, paused};
use fields::Effect;

/// Who owns machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    /// A control plane.
    ControlPlane,
    /// A `MachineDeployment`.
    MachineDeployment,
    /// A `MachinePool`.
    MachinePool,
    /// A `MachineSet` that nobody owns.
    MachineSet,
    /// A `Machine` that nobody owns.
    Machine,
}

/// The name of the control plane in the bill; a cluster has one.
pub const CONTROL_PLANE: &str = "control-plane";

/// One line of the bill.
#[derive(Clone, Debug)]
pub struct Row {
    /// `namespace/name`, or the name alone.
    pub cluster: String,
    /// `control-plane`, or the worker group's name (in a topology its name there).
    pub owner: String,
    /// What the owner is.
    pub kind: OwnerKind,
    /// What happens to its machines.
    pub machines: Moves,
    /// Paths of the changes that cause it.
    pub causes: Vec<String>,
    /// Why machines that ought to move do not.
    pub blocked: Option<String>,
    /// How the exchange goes, and what depends on what no manifest shows.
    pub notes: Vec<String>,
}

impl Row {
    /// Whether there is anything to say.
    pub fn is_worth_a_line(&self) -> bool {
        self.machines != Moves::default() || self.blocked.is_some() || !self.notes.is_empty()
    }
}

/// Machines replaced, added, removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// One goes, another comes for it.
    pub replaced: u64,
    /// More than before.
    pub added: u64,
    /// Fewer than before.
    pub removed: u64,
}

impl Moves {
    /// From a number of machines to another, where some of the old ones are outdated. Outdated ones go first.
    pub fn between(old: u64, new: u64, outdated: u64) -> Self {
        let kept = old.saturating_sub(outdated).min(new);
        let (made, deleted) = (new - kept, old - kept);
        let replaced = made.min(deleted);
        Self { replaced, added: made - replaced, removed: deleted - replaced }
    }

    /// All machines that are touched.
    pub fn touched(self) -> u64 {
        self.replaced + self.added + self.removed
    }
}

/// Both releases, with what the bill needs to look up.
#[derive(Clone, Copy, Debug)]
pub struct Fleet<'r, 'a> {
    /// Before.
    pub old: &'r Release<'a>,
    /// After.
    pub new: &'r Release<'a>,
    /// How objects are read.
    pub reading: &'r Reading<'r>,
    /// Namespaces that the upgrade deletes, with everything in them.
    pub lost_namespaces: &'r HashSet<String>,
}

impl<'r, 'a> Fleet<'r, 'a> {
    /// Whether an object goes because its namespace goes.
    pub fn is_lost(&self, object: &Object<'a>) -> bool {
        !self.lost_namespaces.is_empty() && self.lost_namespaces.contains(self.new.namespace_of(object))
    }

    /// `namespace/name` of the cluster that an object belongs to; empty where none is known.
    pub fn cluster_name(release: &Release<'_>, object: &Object<'_>) -> String {
        let cluster = match release.membership().get(object.number as usize) {
            Some(Membership::One(number)) => release.clusters.get(*number as usize),
            _ => None,
        };
        cluster.map_or_else(String::new, |cluster| {
            if cluster.namespace.is_empty() {
                cluster.name.to_string()
            } else {
                format!("{}/{}", cluster.namespace, cluster.name)
            }
        })
    }

    /// The Cluster object in the new release of an object there.
    pub fn new_cluster(&self, object: &Object<'_>) -> Option<&'r Object<'a>> {
        let cluster = match self.new.membership().get(object.number as usize)? {
            Membership::One(number) => self.new.clusters.get(*number as usize)?,
            _ => return None,
        };
        self.new.objects.get(cluster.object? as usize)
    }

    /// The control plane that a Cluster of the new release refers to.
    pub fn new_control_plane(&self, cluster: &Object<'a>) -> Option<&'r Object<'a>> {
        let reference = cluster.at(&["spec", "controlPlaneRef"]).and_then(Reference::from_value)?;
        self.new.resolve(cluster, &reference)
    }
}

/// The lines of a pair outside topologies; `update` where both sides are one object to the server and differ.
pub fn rows(fleet: Fleet<'_, '_>, pair: Pair<'_, '_>, update: Option<&Update<'_, '_>>) -> Vec<Row> {
    if pair.is_renamed() {
        // The server sees one object go and another come.
        let (gone, made) = (Pair { new: None, ..pair }, Pair { old: None, ..pair });
        return [gone, made].into_iter().filter_map(|pair| one(fleet, pair, None)).collect();
    }
    if pair.new.is_some_and(|new| fleet.is_lost(new)) {
        return one(fleet, Pair { new: None, ..pair }, None).into_iter().collect();
    }
    // A machine pool also rolls when what it refers to changes.
    let concerns = pair.old.is_none()
        || pair.new.is_none()
        || update.is_some()
        || pair.new.is_some_and(|new| new.is(CLUSTER_GROUP, "MachinePool"));
    if concerns { one(fleet, pair, update).into_iter().collect() } else { Vec::new() }
}

fn one(fleet: Fleet<'_, '_>, pair: Pair<'_, '_>, update: Option<&Update<'_, '_>>) -> Option<Row> {
    let object = pair.object().filter(|object| !object.is_hook())?;
    let kind = owner_kind(object)?;
    let stays = |old: &Object<'_>| !verdict::is_deleted(old) && !fleet.is_lost(old);
    if is_owned(object) || pair.new.is_none() && pair.old.is_none_or(stays) {
        return None;
    }
    let release = if pair.new.is_some() { fleet.new } else { fleet.old };
    let (before, after) = if let Some(update) = update {
        let (before, after) = update.in_v1beta2();
        (Some(before), Some(after))
    } else {
        let before = pair.old.map(|old| Cow::Owned(update::with_defaults(old, None)));
        let after = pair.new.map(|new| Cow::Owned(update::with_defaults(new, before.as_deref())));
        (before, after)
    };
    let owner = if kind == OwnerKind::ControlPlane { CONTROL_PLANE.to_owned() } else { object.name.to_string() };
    let mut row = Row {
        cluster: Fleet::cluster_name(release, object),
        owner,
        kind,
        machines: Moves::default(),
        causes: Vec::new(),
        blocked: None,
        notes: Vec::new(),
    };
    fill(&mut row, fleet, pair, before.as_deref(), after.as_deref());
    row.is_worth_a_line().then_some(row)
}

fn fill(row: &mut Row, fleet: Fleet<'_, '_>, pair: Pair<'_, '_>, before: Option<&Json>, after: Option<&Json>) {
    let count = |tree: Option<&Json>| tree.map_or(0, |tree| replicas(tree, row.kind));
    let (old, new) = (count(before), count(after));
    let mut outdated = 0;
    match (before, after, row.kind) {
        (Some(before), Some(after), OwnerKind::ControlPlane) => {
            let found = control_plane::outdated(before, after, old);
            outdated = found.machines;
            row.causes = found.causes;
            row.notes = found.notes;
        }
        (Some(before), Some(after), OwnerKind::MachineDeployment) => {
            let found = workers::outdated(row.kind, before, after);
            outdated = if found.is_empty() { 0 } else { old };
            row.causes = found;
            workers::notes(after, outdated, &row.causes, &mut row.notes);
            if outdated > 0 && pair.new.is_some_and(|new| blocked::waits_for_control_plane(fleet, new)) {
                row.notes.push("starts when the control plane is through".into());
            }
        }
        (Some(before), Some(after), OwnerKind::MachinePool) => {
            row.causes = workers::pool_causes(fleet, pair, before, after);
            outdated = if row.causes.is_empty() { 0 } else { old };
            if outdated > 0 {
                row.notes
                    .push("the provider of the pool replaces its instances; how many at once, its settings say".into());
            }
        }
        (None, Some(_), _) => row.causes.push("added".into()),
        (Some(_), None, _) => row.causes.push("removed".into()),
        _ => {}
    }
    if let (Some(before), Some(after)) = (before, after) {
        if old != new {
            row.causes.push("spec.replicas".into());
        }
        if outdated == 0 {
            harmless(row, before, after);
        }
    }
    row.machines = Moves::between(old, new, outdated);
    blocked::apply(row, fleet, pair, after, (old, new, outdated));
}

/// Paths that one note names.
const NAMED_PATHS: usize = 4;

/// Accepted, and nothing rolls: what becomes of the changes.
fn harmless(row: &mut Row, before: &Json, after: &Json) {
    let found = fields::harmless(row.kind, before, after);
    let time = ["spec", "rollout", "after"];
    let version = match row.kind {
        OwnerKind::ControlPlane => json::text_at(before, &["spec", "version"]),
        _ => json::text_at(before, &["spec", "template", "spec", "version"]),
    };
    let is_new = !json::same(json::at(before, &time), json::at(after, &time));
    if is_new && times::is_before_release(json::at(after, &time), version) {
        row.notes
            .push(format!("{}: older than the Kubernetes that machines run, and so than each machine", time.join(".")));
    }
    for (effect, what) in [
        (Effect::InPlace, "machines that run take it over, none is replaced"),
        (Effect::NextMachine, "accepted, but no running machine takes it up; only machines made later do"),
        (
            Effect::Certificates,
            "machines whose certificates expire within that time are replaced, which no manifest shows",
        ),
        (Effect::Pace, "says how machines are exchanged; none is for it"),
    ] {
        let paths: Vec<&str> = found.iter().filter(|(_, of)| *of == effect).map(|(path, _)| path.as_str()).collect();
        if !paths.is_empty() {
            let more = paths.len().saturating_sub(NAMED_PATHS);
            let named = paths.iter().take(NAMED_PATHS).copied().collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            row.notes.push(format!("{named}{more}: {what}"));
        }
    }
}

fn owner_kind(object: &Object<'_>) -> Option<OwnerKind> {
    match (object.group(), &*object.kind) {
        (CLUSTER_GROUP, "MachineDeployment") => Some(OwnerKind::MachineDeployment),
        (CLUSTER_GROUP, "MachinePool") => Some(OwnerKind::MachinePool),
        (CLUSTER_GROUP, "MachineSet") => Some(OwnerKind::MachineSet),
        (CLUSTER_GROUP, "Machine") => Some(OwnerKind::Machine),
        (CONTROL_PLANE_GROUP, kind) if !kind.ends_with("Template") && has_machines(object) => {
            Some(OwnerKind::ControlPlane)
        }
        _ => None,
    }
}

/// Control planes that run machines have a template for them; hosted ones have none.
fn has_machines(object: &Object<'_>) -> bool {
    let spec = |key: &str| object.below(&["spec", key]).is_some();
    spec("machineTemplate") || spec("infrastructureTemplate") || spec("infrastructureRef")
}

fn is_owned(object: &Object<'_>) -> bool {
    object.at(&["metadata", "ownerReferences"]).is_some_and(|owners| owners.items().next().is_some())
}

fn replicas(tree: &Json, kind: OwnerKind) -> u64 {
    if kind == OwnerKind::Machine {
        return 1;
    }
    json::at(tree, &["spec", "replicas"]).and_then(Json::as_i64).map_or(1, machines::count)
}

/// Rows by cluster in the order of first appearance, the control plane first: the order in which machines move.
pub fn sort(rows: &mut [Row]) {
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter() {
        let next = order.len();
        order.entry(row.cluster.clone()).or_insert(next);
    }
    rows.sort_by_key(|row| (order.get(&row.cluster).copied(), row.kind));
}

#[cfg(test)]
mod tests {
    use super::Moves;

    #[test]
    fn outdated_machines_go_first() {
        let moves = |replaced, added, removed| Moves { replaced, added, removed };
        assert_eq!(Moves::between(2, 4, 2), moves(2, 2, 0));
        assert_eq!(Moves::between(3, 3, 2), moves(2, 0, 0));
        assert_eq!(Moves::between(3, 1, 2), moves(0, 0, 2));
        assert_eq!(Moves::between(3, 1, 3), moves(1, 0, 2));
        assert_eq!(Moves::between(1, 3, 0), moves(0, 2, 0));
    }
}
