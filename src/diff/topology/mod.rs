//! What the topology controller would make of a Cluster before and after, and what that does to its machines.
//!
//! A class's templates are patched per cluster; what is made from them is rotated only when the result differs. So a class's
//! template under a new name with the same content rolls nothing, unlike outside a topology.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value as Json;

use super::json;
use super::matching::Pair;
use super::rollout::{self, CONTROL_PLANE, Fleet, Moves, OwnerKind, Row};
use super::update;
use super::verdict::{self, Verdict};
use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;
use crate::report::Finding;

mod blueprint;
pub mod class;
mod desired;
mod patches;
mod sequence;
mod variables;

use blueprint::Blueprint;
use desired::{Desired, Owned};
use sequence::{CONTROL_PLANE_VERSION, WORKERS_VERSION};

crate::rule! {
    /// A topology is accepted, and then its controller fails at it: nothing of the cluster is changed any more.
    ///
    /// The webhook of Cluster does not look at what the topology controller makes of it. The controller's own update is then
    /// refused again and again, and every later change of this cluster waits behind it.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// spec:
    ///   topology:
    ///     controlPlane:
    ///       replicas: 2   # an even number of members with stacked etcd
    /// ```
    ///
    /// ## Fix
    ///
    /// Write what the control plane accepts: here 1 or 3.
    pub TOPOLOGY_STUCK = "topology-stuck", Error, Controller;
}

/// The cause of a row whose machines take up another Kubernetes version.
const TOPOLOGY_VERSION: &str = "spec.topology.version";

/// The classes and templates that a bill of topologies needs, read once.
struct Classes<'r, 'a> {
    fleet: Fleet<'r, 'a>,
    /// By the class's number before and after.
    known: HashMap<(Option<u32>, Option<u32>), Change>,
}

/// A class with its templates, before and after.
struct Change {
    before: Option<Blueprint>,
    after: Option<Blueprint>,
    is_same: bool,
}

impl<'a> Classes<'_, 'a> {
    fn of(&mut self, old: Option<&Object<'a>>, new: Option<&Object<'a>>) -> &Change {
        let fleet = self.fleet;
        self.known.entry((old.map(|class| class.number), new.map(|class| class.number))).or_insert_with(|| {
            let before = old.map(|class| Blueprint::of(fleet.old, class));
            let after = new
                .map(|class| Blueprint::of(fleet.new, class).with_leftovers(fleet.old, fleet.new.namespace_of(class)));
            let is_same = match (&before, &after) {
                (Some(before), Some(after)) => after.deleted.is_none() && before.says_the_same(after),
                _ => false,
            };
            Change { before, after, is_same }
        })
    }
}

/// The names of all templates that ClusterClasses of either release refer to: group, kind, name.
#[derive(Debug, Default)]
pub struct TemplateNames(HashSet<(String, String, String)>);

impl TemplateNames {
    /// Those of two releases.
    pub fn of(old: &Release<'_>, new: &Release<'_>) -> Self {
        let classes = [old, new].into_iter().flat_map(|release| release.of_kind(CLUSTER_GROUP, "ClusterClass"));
        let names = classes
            .flat_map(|object| class::templates(&object.root.to_json()))
            .map(|(_, of)| (of.group, of.kind, of.name));
        Self(names.collect())
    }

    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a class names an object.
    pub fn names(&self, object: &Object<'_>) -> bool {
        !self.is_empty()
            && self.0.contains(&(object.group().to_owned(), object.kind.to_string(), object.name.to_string()))
    }
}

/// The bill for topologies.
pub fn bill<'r, 'a>(fleet: Fleet<'r, 'a>, pairs: &[Pair<'r, 'a>], verdict: &mut Verdict) -> Vec<Row> {
    let mut classes = Classes { fleet, known: HashMap::new() };
    let mut rows = Vec::new();
    for pair in pairs {
        let has_topology =
            |object: Option<&Object<'_>>| object.is_some_and(|object| object.at(&["spec", "topology"]).is_some());
        let is_cluster = pair.object().is_some_and(|object| object.is(CLUSTER_GROUP, "Cluster") && !object.is_hook());
        if is_cluster && (has_topology(pair.old) || has_topology(pair.new)) {
            rows.extend(cluster(fleet, &mut classes, pair, verdict));
        }
    }
    rows
}

fn cluster<'r, 'a>(
    fleet: Fleet<'r, 'a>,
    classes: &mut Classes<'r, 'a>,
    pair: &Pair<'r, 'a>,
    verdict: &mut Verdict,
) -> Vec<Row> {
    if pair.new.is_none() && !pair.old.is_some_and(|old| verdict::is_deleted(old) || fleet.is_lost(old)) {
        return Vec::new();
    }
    let tree = |object| update::with_defaults(object, None);
    let pair = &Pair { new: pair.new.filter(|new| !fleet.is_lost(new)), ..*pair };
    let (before, after) = (pair.old.map(tree), pair.new.map(tree));
    let old_class = pair.old.zip(before.as_ref()).and_then(|(object, tree)| class::find(fleet.old, object, tree));
    let new_class = pair.new.zip(after.as_ref()).and_then(|(object, tree)| class::find(fleet.new, object, tree));
    let change = classes.of(old_class, new_class);
    if !pair.is_changed && (change.is_same || old_class.is_none() && new_class.is_none()) {
        return Vec::new();
    }
    let stored = variables::stored(before.as_ref(), change.before.as_ref());
    let given =
        variables::given(after.as_ref(), &stored, change.before.as_ref(), change.after.as_ref(), pair.is_changed);
    let namespace = |release: &Release<'_>, object: Option<&Object<'_>>| {
        object.map(|object| release.namespace_of(object).to_owned()).unwrap_or_default()
    };
    let (old_namespace, new_namespace) = (namespace(fleet.old, pair.old), namespace(fleet.new, pair.new));
    let made_before = before.as_ref().map(|tree| Desired::of(tree, &old_namespace, change.before.as_ref(), &stored));
    let made_after = after.as_ref().map(|tree| Desired::of(tree, &new_namespace, change.after.as_ref(), &given));
    let Some(object) = pair.object() else { return Vec::new() };
    let release = if pair.new.is_some() { fleet.new } else { fleet.old };
    let mut rows = compare(&Fleet::cluster_name(release, object), made_before.as_ref(), made_after.as_ref());
    let sources =
        Sources { before: change.before.as_ref(), after: change.after.as_ref(), stored: &stored, given: &given };
    for row in &mut rows {
        sources.explain(row);
    }
    // Where the Cluster itself is refused, its controller never gets to see it.
    let is_refused = pair.new.is_some_and(|cluster| verdict.refuses(cluster));
    let stuck = new_class
        .filter(|class| !verdict.refuses(class))
        .and_then(|_| without_template(change))
        .or_else(|| stuck(made_before.as_ref(), made_after.as_ref(), &given, change.after.as_ref()).map(Stuck::AtOnce));
    if let Some(stuck) = stuck.filter(|_| !is_refused) {
        block_all(pair.new, &mut rows, &stuck, verdict);
    } else if let Some(reason) = pair.new.and_then(|cluster| rollout::paused(cluster, Some(cluster))) {
        for row in rows.iter_mut().filter(|row| row.machines != Moves::default()) {
            row.machines = Moves::default();
            row.blocked = Some(reason.clone());
        }
    }
    rows.retain(Row::is_worth_a_line);
    rows
}

/// Why the topology controller fails, by when.
enum Stuck {
    /// As soon as it sees the change.
    AtOnce(String),
    /// Once the upgrade's deletions are through; what it does before that is done.
    AfterDeletions(String),
}

/// Stuck without a template that the class names, where until now all came with the release: the controller reads them all
/// before it looks at anything.
fn without_template(change: &Change) -> Option<Stuck> {
    let (before, after) = (change.before.as_ref()?, change.after.as_ref()?);
    let missing = |blueprint: &Blueprint| {
        let mut templates = blueprint.templates.values();
        templates.find(|(_, template)| template.is_none()).map(|(of, _)| of.clone())
    };
    if missing(before).is_some() {
        return None;
    }
    let names = |of: &class::TemplateRef| format!("the ClusterClass {} names {} {}", after.name, of.kind, of.name);
    let never_there = missing(after).map(|of| Stuck::AtOnce(format!("{}, which is not in the release", names(&of))));
    never_there.or_else(|| {
        let of = after.deleted.as_ref()?;
        Some(Stuck::AfterDeletions(format!("{}, which this upgrade deletes", names(of))))
    })
}

/// Why the controller cannot carry out what the Cluster says.
fn stuck(
    before: Option<&Desired>,
    after: Option<&Desired>,
    given: &BTreeMap<String, Json>,
    blueprint: Option<&Blueprint>,
) -> Option<String> {
    let after = after?;
    if let Some(error) = after.errors.first() {
        return Some(error.clone());
    }
    if let Some(blueprint) = blueprint
        && let Some(name) = given.keys().find(|name| !blueprint.defines(name))
    {
        return Some(format!(
            "the variable {name} is stored in the Cluster, and the ClusterClass {} no longer defines it",
            blueprint.name
        ));
    }
    let made = after.owners.get(CONTROL_PLANE)?;
    let was = before.and_then(|before| before.owners.get(CONTROL_PLANE));
    if was.is_some_and(|was| json::equal(&was.tree, &made.tree)) {
        return None;
    }
    let (reason, _) = verdict::control_plane_refuses(was.map(|was| &was.tree), &made.tree)?;
    Some(format!("the control plane's webhook refuses {reason}"))
}

fn block_all(cluster: Option<&Object<'_>>, rows: &mut [Row], stuck: &Stuck, verdict: &mut Verdict) {
    let (Stuck::AtOnce(reason) | Stuck::AfterDeletions(reason)) = stuck;
    let upgrades = rows.iter().any(|row| row.causes.iter().any(|cause| cause == TOPOLOGY_VERSION));
    for row in rows.iter_mut().filter(|row| !row.causes.is_empty()) {
        // Workers take up a version, and new ones come, when the control plane has it: long after the deletions.
        let waits = |cause: &String| cause == TOPOLOGY_VERSION || upgrades && cause == "added";
        let is_late = row.kind != OwnerKind::ControlPlane && row.causes.iter().any(waits);
        if matches!(stuck, Stuck::AfterDeletions(_)) && !is_late {
            row.notes.push(format!("only if the topology controller is faster than the deletions: {reason}"));
            continue;
        }
        row.machines = Moves::default();
        row.blocked = Some(format!("the topology controller is stuck: {reason}"));
    }
    let Some(cluster) = cluster else { return };
    let path = ["spec", "topology"];
    let place = update::place(cluster, &update::steps(&path), json::Side::New);
    let message = format!(
        "accepted, and then the topology controller fails: {reason}. Nothing of this cluster changes any more until that is \
         mended"
    );
    let finding = Finding::new(&TOPOLOGY_STUCK, message).at(place).path(path.join(".")).suggest("take the change back");
    verdict.add(finding, json::Side::New, cluster, &path.join("."));
}

fn compare(cluster: &str, before: Option<&Desired>, after: Option<&Desired>) -> Vec<Row> {
    let empty = BTreeMap::new();
    let old = before.map_or(&empty, |desired| &desired.owners);
    let new = after.map_or(&empty, |desired| &desired.owners);
    let names: Vec<&String> = new.keys().chain(old.keys().filter(|name| !new.contains_key(*name))).collect();
    let mut rows: Vec<Row> =
        names.into_iter().filter_map(|name| row(cluster, name, old.get(name), new.get(name))).collect();
    sequence::hold(&mut rows, before, after);
    rows
}

fn row(cluster: &str, name: &str, old: Option<&Owned>, new: Option<&Owned>) -> Option<Row> {
    let kind = new.or(old)?.kind;
    let mut row = Row {
        cluster: cluster.to_owned(),
        owner: name.to_owned(),
        kind,
        machines: Moves::default(),
        causes: Vec::new(),
        blocked: None,
        notes: Vec::new(),
    };
    let count = |owned: Option<&Owned>| owned.map_or(0, |owned| owned.replicas);
    let (was, mut will) = (count(old), count(new));
    let mut outdated = 0;
    match (old, new) {
        (Some(before), Some(after)) => {
            if kind == OwnerKind::ControlPlane {
                let found = rollout::control_plane::outdated(&before.tree, &after.tree, before.replicas);
                (outdated, row.causes, row.notes) = (found.machines, found.causes, found.notes);
            } else {
                row.causes = rollout::workers::outdated(kind, &before.tree, &after.tree);
                outdated = if row.causes.is_empty() { 0 } else { before.replicas };
                rollout::workers::notes(&after.tree, outdated, &row.causes, &mut row.notes);
                if outdated > 0 && row.causes.iter().any(|cause| cause == WORKERS_VERSION) {
                    row.notes.push(
                        "after the control plane; one worker group at a time unless the annotation upgrade-concurrency \
                         says more"
                            .into(),
                    );
                }
            }
            will = after.replicas_after(before);
            if was != will {
                row.causes.push("spec.replicas".into());
            }
            if outdated > 0 && kind == OwnerKind::MachineDeployment && rollout::workers::is_on_delete(&after.tree) {
                outdated = 0;
                row.notes.clear();
                row.blocked = Some("strategy OnDelete: the old machines stay until somebody deletes them".into());
            }
            if before.uncertain != after.uncertain {
                row.notes.push(
                    "may roll: a patch of the class could not be worked out here, and what it is made from changed"
                        .into(),
                );
            }
        }
        (None, Some(_)) => row.causes.push("added".into()),
        _ => row.causes.push("removed".into()),
    }
    row.machines = Moves::between(was, will, outdated);
    Some(row)
}

/// Where a computed change comes from.
struct Sources<'s> {
    before: Option<&'s Blueprint>,
    after: Option<&'s Blueprint>,
    stored: &'s BTreeMap<String, Json>,
    given: &'s BTreeMap<String, Json>,
}

impl Sources<'_> {
    /// Puts what somebody wrote in place of what the controller computed.
    fn explain(&self, row: &mut Row) {
        let computed = std::mem::take(&mut row.causes);
        for cause in computed {
            match cause.as_str() {
                CONTROL_PLANE_VERSION | WORKERS_VERSION => row.causes.push(TOPOLOGY_VERSION.into()),
                "spec.replicas" if row.kind == OwnerKind::ControlPlane => {
                    row.causes.push("spec.topology.controlPlane.replicas".into());
                }
                "spec.replicas" => row.causes.push("spec.topology.workers.replicas".into()),
                "added" | "removed" => row.causes.push(cause),
                _ => row.causes.extend(self.of_content(&cause, row.kind == OwnerKind::ControlPlane)),
            }
        }
        let mut known = HashSet::new();
        row.causes.retain(|cause| known.insert(cause.clone()));
    }

    /// Templates, variables and patches that changed.
    fn of_content(&self, cause: &str, is_control_plane: bool) -> Vec<String> {
        let (Some(before), Some(after)) = (self.before, self.after) else { return vec![cause.to_owned()] };
        let mut found = before.changed_templates(after, is_control_plane);
        let names = self.stored.keys().chain(self.given.keys().filter(|name| !self.stored.contains_key(*name)));
        for name in names.filter(|name| self.stored.get(*name) != self.given.get(*name)) {
            if after.patches_mention(name) || before.patches_mention(name) {
                found.push(format!("spec.topology.variables[{name:?}]"));
            }
        }
        if before.patches() != after.patches() {
            found.push(format!("ClusterClass {}: spec.patches", after.name));
        }
        if found.is_empty() { vec![cause.to_owned()] } else { found }
    }
}
