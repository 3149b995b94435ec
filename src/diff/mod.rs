//! Two releases: what changes, what the server would refuse, which machines roll.
//!
//! In the order of the work: [`matching`] finds what belongs together, [`changes`] what differs, [`verdict`] what the server
//! would say to it, [`rollout`] and [`topology`] what the controllers would make of it, [`uninstall`] what goes wrong when the
//! release is taken away. [`output`] prints it. Nothing here reads files or runs anything.

use crate::judge;
use crate::release::Release;
use crate::schema::validate::Client;
use crate::transform::compare;

pub mod changes;
mod defaults;
pub mod helm_release;
pub mod json;
pub mod matching;
mod noise;
pub mod output;
pub mod rollout;
pub mod summary;
pub mod topology;
pub mod uninstall;
pub mod update;
pub mod verdict;
mod version;

use changes::{Change, Kind};
use matching::Pair;
use rollout::{Fleet, Row};
use summary::Summary;
use verdict::Verdict;

/// What a comparison is asked for.
#[derive(Debug)]
pub struct Options {
    /// Clusters that may be deleted: `name` or `namespace/name`.
    pub allow_delete: Vec<String>,
    /// How objects of the new release are judged for themselves.
    pub judge: judge::Options,
}

impl Default for Options {
    /// Nothing may be deleted; Helm 3 sends the objects.
    fn default() -> Self {
        let mut judge = judge::Options::default();
        judge.client = Client::Warn;
        Self { allow_delete: Vec::new(), judge }
    }
}

/// What became of a release.
#[derive(Debug)]
pub struct Diff<'r, 'a> {
    /// Before.
    pub old: &'r Release<'a>,
    /// After.
    pub new: &'r Release<'a>,
    /// What changed, in the order of the new release; what is gone comes last.
    pub changes: Vec<Change<'r, 'a>>,
    /// What the server would say.
    pub verdict: Verdict,
    /// Which machines move, cluster by cluster.
    pub rollout: Vec<Row>,
    /// The sums.
    pub summary: Summary,
}

impl Diff<'_, '_> {
    /// Whether the upgrade goes through.
    pub fn is_accepted(&self) -> bool {
        self.verdict.refusals.is_empty()
    }
}

/// Compares two releases.
pub fn diff<'r, 'a>(old: &'r Release<'a>, new: &'r Release<'a>, options: &Options) -> Diff<'r, 'a> {
    let mut pairs = matching::pairs(old, new);
    let fleet = Fleet { old, new };
    let mut verdict = Verdict::default();
    let class_templates = topology::class_templates(fleet);
    let releases = verdict::Releases { old, new, class_templates: &class_templates };
    let mut changes = Vec::new();
    for pair in &mut pairs {
        let Some(change) = change(*pair, releases, &mut verdict) else { continue };
        if pair.is_renamed() {
            verdict::rotation(*pair, releases, &mut verdict);
        }
        pair.is_changed = true;
        changes.push(change);
    }
    verdict::reverted(fleet, &pairs, &mut verdict);
    verdict::deletions(&pairs, new, options, &mut verdict);
    verdict::invalid(old, new, &changes, &options.judge, &mut verdict);
    let mut rollout = rollout::bill(fleet, &pairs);
    rollout.extend(topology::bill(fleet, &pairs, &mut verdict));
    if !verdict.refusals.is_empty() {
        // Helm stops at a refusal; what it did before is not this bill's to say.
        for row in &mut rollout {
            row.notes.push("only once nothing is refused any more".into());
        }
    }
    rollout::sort(&mut rollout);
    let summary = Summary::of(fleet, &changes, &verdict, &rollout);
    Diff { old, new, changes, verdict, rollout, summary }
}

/// The change of a pair, judged on the way; `None` where both sides say the same.
fn change<'r, 'a>(
    pair: Pair<'r, 'a>,
    releases: verdict::Releases<'_, 'a>,
    verdict: &mut Verdict,
) -> Option<Change<'r, 'a>> {
    let (old, new) = match (pair.old, pair.new) {
        (Some(old), Some(new)) => (old, new),
        (old, new) => {
            let kind = if old.is_none() { Kind::Added } else { Kind::Removed };
            return Some(Change { kind, old, new, paths: Vec::new() });
        }
    };
    if compare::equal(old.root, new.root) {
        return None;
    }
    let update = update::Update::new(old, new);
    let paths = changes::of(&update);
    if pair.is_renamed() {
        return Some(Change { kind: Kind::Renamed, old: Some(old), new: Some(new), paths });
    }
    if paths.is_empty() {
        return None;
    }
    if !new.is_hook() {
        verdict::update(&update, releases, verdict);
    }
    Some(Change { kind: Kind::Changed, old: Some(old), new: Some(new), paths })
}
