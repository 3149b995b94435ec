//! What keeps machines from moving although the update is accepted: something paused, a template that is not there, or workers
//! that fail the checks before a machine is made.

use serde_json::Value as Json;

use super::{Fleet, Moves, OwnerKind, Row, workers};
use crate::diff::json;
use crate::diff::matching::Pair;
use crate::diff::verdict;
use crate::diff::version::Version;
use crate::object::{CLUSTER_GROUP, Object, Reference};
use crate::release::Release;

/// Stops the controller of the object that has it.
pub const PAUSED: &str = "cluster.x-k8s.io/paused";
const SKIP_CHECKS: &str = "machineset.cluster.x-k8s.io/skip-preflight-checks";

/// Takes from a row what will not happen; `(old, new, outdated)` machines.
pub fn apply<'a>(
    row: &mut Row,
    fleet: Fleet<'_, 'a>,
    pair: Pair<'_, 'a>,
    after: Option<&Json>,
    (old, new, outdated): (u64, u64, u64),
) {
    if row.machines == Moves::default() {
        return;
    }
    let Some((object, after)) = pair.new.zip(after) else {
        let reason = pair.old.filter(|_| pair.new.is_none()).and_then(|old| {
            paused(old, cluster_named(fleet, row, fleet.old.namespace_of(old)))
                .or_else(|| waits_for_workers(row, fleet, old))
        });
        halt(row, reason);
        return;
    };
    let cluster = fleet.new_cluster(object);
    let missing = || without_template(fleet, object, pair.old).filter(|_| !only_removes(row));
    let reason = paused(object, cluster).or_else(missing);
    if halt(row, reason) {
        return;
    }
    if row.kind != OwnerKind::MachineDeployment && row.kind != OwnerKind::MachineSet {
        return;
    }
    if json::at(after, &["spec", "paused"]) == Some(&Json::Bool(true)) && needs_machine_set(row) {
        // Measured with CAPI 1.13.5, whose controller crashes at a paused machine deployment without a machine set of its template.
        let reason = "spec.paused: with a template that no machine set has yet, the machine deployment neither rolls nor \
                      scales until it is false again";
        halt(row, Some(reason.into()));
        return;
    }
    let outdated = if outdated > 0 && workers::is_on_delete(after) {
        row.machines = Moves::between(old, new, 0);
        row.blocked = Some("strategy OnDelete: the old machines stay until somebody deletes them".into());
        0
    } else {
        outdated
    };
    if row.machines.replaced + row.machines.added > 0
        && let Some(reason) = preflight(fleet, object, after, cluster)
    {
        row.machines = without_new_machines(after, old, new, outdated);
        row.blocked = Some(reason);
    }
}

/// Nothing moves, for a reason; whether there is one.
fn halt(row: &mut Row, reason: Option<String>) -> bool {
    if reason.is_some() {
        row.machines = Moves::default();
        row.blocked = reason;
        return true;
    }
    false
}

/// Whether a machine deployment makes a machine set first: it is new, or its template is another.
fn needs_machine_set(row: &Row) -> bool {
    row.kind == OwnerKind::MachineDeployment && row.causes.iter().any(|cause| cause != "spec.replicas")
}

/// Whether workers only become fewer: a machine set that is there needs no template for that.
fn only_removes(row: &Row) -> bool {
    row.kind != OwnerKind::ControlPlane && !needs_machine_set(row) && row.machines.replaced + row.machines.added == 0
}

/// The Cluster of a row as it is after the upgrade, or as it was where it goes.
fn cluster_named<'r, 'a>(fleet: Fleet<'r, 'a>, row: &Row, namespace: &str) -> Option<&'r Object<'a>> {
    let name = row.cluster.rsplit('/').next().unwrap_or_default();
    let find = |release: &'r Release<'a>| release.find(CLUSTER_GROUP, "Cluster", namespace, name);
    find(fleet.new).or_else(|| find(fleet.old))
}

/// Where machines name their templates.
const TEMPLATES: [&[&str]; 4] = [
    &["spec", "machineTemplate", "spec", "infrastructureRef"],
    &["spec", "machineTemplate", "infrastructureRef"],
    &["spec", "template", "spec", "infrastructureRef"],
    &["spec", "template", "spec", "bootstrap", "configRef"],
];

/// A template that will not be there: this upgrade deletes it, or it never came with the release that brings the others. Its
/// owner then does nothing at all, not even scale. Of a template that neither release has ever had nothing is known.
fn without_template<'a>(fleet: Fleet<'_, 'a>, object: &Object<'a>, before: Option<&Object<'a>>) -> Option<String> {
    let named = |object: &Object<'a>, keys: &[&str]| object.below(keys).and_then(Reference::from_value);
    TEMPLATES.iter().find_map(|keys| {
        let reference = named(object, keys).filter(|reference| reference.kind.ends_with("Template"))?;
        if fleet.new.resolve(object, &reference).is_some() {
            return None;
        }
        let namespace = fleet.new.namespace_of(object);
        let gone = fleet.old.find(reference.group(), &reference.kind, namespace, &reference.name);
        let came_along = || {
            let before = before?;
            fleet.old.resolve(before, &named(before, keys)?)
        };
        let is_missing = gone.map_or_else(|| came_along().is_some(), verdict::is_deleted);
        is_missing.then(|| {
            let how = if gone.is_some() { "goes with this upgrade" } else { "is not in the release" };
            format!("{} {} {how}, and its owner does nothing without it", reference.kind, reference.name)
        })
    })
}

/// A control plane that is deleted under a cluster that stays waits until the last worker is gone.
fn waits_for_workers<'a>(row: &Row, fleet: Fleet<'_, 'a>, control_plane: &Object<'a>) -> Option<String> {
    if row.kind != OwnerKind::ControlPlane {
        return None;
    }
    let namespace = fleet.old.namespace_of(control_plane);
    let name = row.cluster.rsplit('/').next().unwrap_or_default();
    let cluster = fleet.new.find(CLUSTER_GROUP, "Cluster", namespace, name)?;
    if fleet.is_lost(cluster) {
        return None;
    }
    let is_worker = |object: &&Object<'_>| {
        matches!(&*object.kind, "MachineDeployment" | "MachineSet" | "MachinePool")
            && object.group() == CLUSTER_GROUP
            && fleet.new.namespace_of(object) == namespace
            && Fleet::cluster_name(fleet.new, object) == row.cluster
    };
    let worker = fleet.new.objects.iter().find(is_worker)?;
    Some(format!(
        "the deleted control plane waits for the last worker to go, and {} {} stays",
        worker.kind, worker.name
    ))
}

/// No machine can be made: what goes all the same.
fn without_new_machines(after: &Json, old: u64, new: u64, outdated: u64) -> Moves {
    let removed = if outdated == 0 {
        old.saturating_sub(new)
    } else {
        let (_, unavailable) = workers::pace(after, new);
        old.saturating_sub(new.saturating_sub(unavailable))
    };
    Moves { removed, ..Moves::default() }
}

/// Why the controller of an object does nothing: its own annotation, or its Cluster.
pub fn paused(object: &Object<'_>, cluster: Option<&Object<'_>>) -> Option<String> {
    let annotated = |object: &Object<'_>| {
        object.at(&["metadata", "annotations"]).is_some_and(|annotations| annotations.get(PAUSED).is_some())
    };
    if annotated(object) {
        return Some(format!("the annotation {PAUSED}: its controller does nothing until it is taken away"));
    }
    let cluster = cluster?;
    let is_paused = cluster.at(&["spec", "paused"]).and_then(|value| value.as_bool()) == Some(true);
    is_paused.then(|| format!("spec.paused of the Cluster {}: nothing happens until it is false again", cluster.name))
}

/// The checks before a machine is made: against the control plane as it will be.
fn preflight(fleet: Fleet<'_, '_>, object: &Object<'_>, after: &Json, cluster: Option<&Object<'_>>) -> Option<String> {
    let skipped = skipped(object);
    let skips = |check: &str| skipped.split(',').map(str::trim).any(|name| name == "All" || name == check);
    let cluster = fleet.new.objects.get(cluster?.number as usize)?;
    let control_plane = fleet.new_control_plane(cluster)?;
    let text = control_plane.at(&["spec", "version"])?.as_str()?.into_owned();
    let theirs = Version::parse(&text)?;
    let own = json::text_at(after, &["spec", "template", "spec", "version"])?;
    let version = Version::parse(own)?;
    let ahead = version.minors_above(&theirs)?;
    if !skips("ControlPlaneIsStable")
        && is_upgrading(fleet, control_plane, &text)
        && let Some(reason) =
            paused(control_plane, None).or_else(|| without_template(fleet, control_plane, before(fleet, control_plane)))
    {
        return Some(format!("workers wait for the control plane, and it waits itself: {reason}"));
    }
    if ahead > 0 && !skips("KubernetesVersionSkew") {
        return Some(format!(
            "workers at {own} are ahead of the control plane at {text}: no machine is made until the control plane is there"
        ));
    }
    if ahead < -3 && !skips("KubernetesVersionSkew") {
        return Some(format!(
            "workers at {own} are more than 3 minor releases behind the control plane at {text}: no machine is made"
        ));
    }
    let kubeadm = json::text_at(after, &["spec", "template", "spec", "bootstrap", "configRef", "kind"]);
    if ahead != 0 && kubeadm == Some("KubeadmConfigTemplate") && !skips("KubeadmVersionSkew") {
        return Some(format!(
            "workers at {own} and the control plane at {text} are not of one minor release, and kubeadm joins only such: no \
             machine is made"
        ));
    }
    None
}

/// Whether a machine deployment makes no machine before its control plane has taken up another version.
pub fn waits_for_control_plane<'a>(fleet: Fleet<'_, 'a>, object: &Object<'a>) -> bool {
    let skipped = skipped(object);
    let skips = skipped.split(',').map(str::trim).any(|name| name == "All" || name == "ControlPlaneIsStable");
    let upgrades = || {
        let control_plane = fleet.new_control_plane(fleet.new_cluster(object)?)?;
        let version = control_plane.at(&["spec", "version"])?.as_str()?;
        Some(is_upgrading(fleet, control_plane, &version))
    };
    !skips && upgrades() == Some(true)
}

/// Whether the control plane's version changes with this release.
fn is_upgrading(fleet: Fleet<'_, '_>, control_plane: &Object<'_>, version: &str) -> bool {
    let text = |before: &Object<'_>| before.at(&["spec", "version"])?.as_str().map(std::borrow::Cow::into_owned);
    before(fleet, control_plane).and_then(text).is_some_and(|before| before != version)
}

/// A control plane as it is in the old release.
fn before<'r, 'a>(fleet: Fleet<'r, 'a>, control_plane: &Object<'_>) -> Option<&'r Object<'a>> {
    let namespace = fleet.new.namespace_of(control_plane);
    fleet.old.find(control_plane.group(), &control_plane.kind, namespace, &control_plane.name)
}

/// The checks that an annotation of the machine deployment switches off; its machine sets take it over.
fn skipped(object: &Object<'_>) -> String {
    object.annotation(SKIP_CHECKS).map(|checks| checks.to_string()).unwrap_or_default()
}
