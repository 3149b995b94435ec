//! Which rows of a topology wait: the control plane takes up another version first, then its worker groups in the order of the
//! list, and what stops one of them stops those behind it.

use super::desired::{Desired, Owned};
use crate::diff::rollout::{Moves, OwnerKind, PAUSED, Row};

/// The cause of a control plane that takes up another Kubernetes version.
pub const CONTROL_PLANE_VERSION: &str = "spec.version";
/// The cause of a worker group that takes up another Kubernetes version.
pub const WORKERS_VERSION: &str = "spec.template.spec.version";

/// Takes from the rows of one cluster what will not happen.
pub fn hold(rows: &mut [Row], before: Option<&Desired>, after: Option<&Desired>) {
    for row in rows.iter_mut() {
        let (old, new) = (owned(before, row), owned(after, row));
        if old.is_some() {
            put_off(row, new);
        }
        pause(row, new.or(old));
    }
    let stands_still = |row: &&Row| row.kind == OwnerKind::ControlPlane && has(row, CONTROL_PLANE_VERSION);
    if let Some(reason) = rows.iter().find(stands_still).and_then(|row| row.blocked.clone()) {
        let waits =
            |row: &&mut Row| row.kind != OwnerKind::ControlPlane && (has(row, WORKERS_VERSION) || has(row, "added"));
        for row in rows.iter_mut().filter(waits) {
            block(row, format!("workers wait for the control plane, and it waits itself: {reason}"));
        }
        return;
    }
    for kind in [OwnerKind::MachineDeployment, OwnerKind::MachinePool] {
        queue(rows, kind, before, after);
    }
}

fn owned<'d>(desired: Option<&'d Desired>, row: &Row) -> Option<&'d Owned> {
    desired?.owners.get(&row.owner)
}

fn has(row: &Row, cause: &str) -> bool {
    row.causes.iter().any(|known| known == cause)
}

fn block(row: &mut Row, reason: String) {
    row.machines = Moves::default();
    row.notes.clear();
    row.blocked = Some(reason);
}

/// A worker group whose upgrade somebody put off: until it has the topology's version, its controller changes nothing about
/// it at all, not even its number.
fn put_off(row: &mut Row, after: Option<&Owned>) {
    let Some(annotation) = after.and_then(|after| after.deferred) else { return };
    if has(row, WORKERS_VERSION) {
        block(
            row,
            format!("the annotation {annotation}: the upgrade, and every other change, waits until it is taken away"),
        );
    }
}

/// What the topology controller makes carries the annotations of the topology and its class, and one of them pauses.
fn pause(row: &mut Row, owned: Option<&Owned>) {
    let annotations = owned.and_then(|owned| owned.annotations.as_ref());
    if row.machines != Moves::default() && annotations.is_some_and(|annotations| annotations.get(PAUSED).is_some()) {
        block(row, format!("the annotation {PAUSED}: its controller does nothing until it is taken away"));
    }
}

/// So many groups at a time take up a version; one that does not come to an end keeps its turn.
fn queue(rows: &mut [Row], kind: OwnerKind, before: Option<&Desired>, after: Option<&Desired>) {
    let Some(after) = after else { return };
    let mut turns: Vec<(usize, &mut Row)> = rows
        .iter_mut()
        .filter(|row| row.kind == kind && has(row, WORKERS_VERSION))
        .filter_map(|row| {
            let group = after.owners.get(&row.owner).filter(|group| group.deferred.is_none())?;
            Some((group.place, row))
        })
        .collect();
    turns.sort_unstable_by_key(|(place, _)| *place);
    let mut stopped: Vec<String> = Vec::new();
    for (_, row) in turns {
        if stopped.len() >= after.concurrency {
            block(
                row,
                format!("the upgrade, and every other change, waits for the worker group {}", stopped.join(", ")),
            );
        } else if row.blocked.is_some() && owned(before, row).is_some_and(|group| group.replicas > 0) {
            stopped.push(row.owner.clone());
        }
    }
}
