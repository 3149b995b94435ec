//! The sums: objects, machines, clusters, as numbers and as a share of the fleet.

use std::collections::HashSet;

use serde::Serialize;

use super::changes::{Change, Kind};
use super::rollout::{Fleet, Row};
use super::verdict::Verdict;
use crate::fleet::machines;
use crate::release::Release;

/// The blast radius.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Objects that are new.
    pub added: usize,
    /// Objects that are gone.
    pub removed: usize,
    /// Objects that differ.
    pub changed: usize,
    /// Objects under another name.
    pub renamed: usize,
    /// Why the server would refuse it.
    pub refusals: usize,
    /// What is accepted and still worth knowing.
    pub warnings: usize,
    /// Clusters of which machines move.
    pub clusters_touched: usize,
    /// Clusters of which machines are replaced.
    pub clusters_rolled: usize,
    /// Clusters in both releases together.
    pub clusters: usize,
    /// Machines replaced.
    pub machines_replaced: u64,
    /// Machines added.
    pub machines_added: u64,
    /// Machines removed.
    pub machines_removed: u64,
    /// Machines of the old release.
    pub machines: u64,
    /// Control planes and worker groups that wait for something.
    pub blocked: usize,
}

impl Summary {
    /// Adds up.
    pub fn of(fleet: Fleet<'_, '_>, changes: &[Change<'_, '_>], verdict: &Verdict, rows: &[Row]) -> Self {
        let count = |kind: Kind| changes.iter().filter(|change| change.kind == kind).count();
        let clusters = |wanted: &dyn Fn(&&Row) -> bool| {
            rows.iter().filter(wanted).map(|row| row.cluster.as_str()).collect::<HashSet<_>>().len()
        };
        let all: HashSet<(String, String)> = names(fleet.old).chain(names(fleet.new)).collect();
        Self {
            added: count(Kind::Added),
            removed: count(Kind::Removed),
            changed: count(Kind::Changed),
            renamed: count(Kind::Renamed),
            refusals: verdict.refusals.len(),
            warnings: verdict.warnings.len(),
            clusters_touched: clusters(&|row| row.machines.touched() > 0),
            clusters_rolled: clusters(&|row| row.machines.replaced > 0),
            clusters: all.len(),
            machines_replaced: rows.iter().map(|row| row.machines.replaced).sum(),
            machines_added: rows.iter().map(|row| row.machines.added).sum(),
            machines_removed: rows.iter().map(|row| row.machines.removed).sum(),
            machines: machines::expected(fleet.old).iter().map(|machines| machines.total()).sum(),
            blocked: rows.iter().filter(|row| row.blocked.is_some()).count(),
        }
    }

    /// Whether anything differs.
    pub fn has_changes(&self) -> bool {
        self.added + self.removed + self.changed + self.renamed > 0
    }
}

fn names<'x>(release: &'x Release<'_>) -> impl Iterator<Item = (String, String)> + 'x {
    release.clusters.iter().map(|cluster| (cluster.namespace.to_string(), cluster.name.to_string()))
}

/// `3 of 10 (30 %)`.
pub fn share(part: u64, whole: u64) -> String {
    match (part * 100).checked_div(whole) {
        None => part.to_string(),
        Some(percent) => format!("{part} of {whole} ({percent} %)"),
    }
}
