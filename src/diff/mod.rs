//! Two releases: what changes, what the server would refuse, which machines roll.
//!
//! In the order of the work: [`matching`] finds what belongs together, [`changes`] what differs, [`verdict`] what the server
//! would say to it, [`rollout`] and [`topology`] what the controllers would make of it, [`uninstall`] what goes wrong when the
//! release is taken away. [`output`] prints it. Nothing here reads files or runs anything.

use crate::judge;
use crate::release::Release;
use crate::schema::validate::Client;
use crate::threads;
use crate::yaml::compare;

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
use topology::TemplateNames;
use update::{Reading, Update};
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

/// Pairs below which a further thread costs more than it brings.
const PAIRS_PER_THREAD: usize = 500;

/// Compares two releases.
pub fn diff<'r, 'a>(old: &'r Release<'a>, new: &'r Release<'a>, options: &Options) -> Diff<'r, 'a> {
    let mut pairs = matching::pairs(old, new, options.judge.jobs);
    let class_templates = TemplateNames::of(old, new);
    let reading = Reading::new(new, &class_templates, &options.judge.schemas);
    let lost_namespaces = verdict::lost_namespaces(&pairs);
    let fleet = Fleet { old, new, reading: &reading, lost_namespaces: &lost_namespaces };
    let releases = verdict::Releases { fleet, class_templates: &class_templates };
    let mut found = compare_all(&pairs, releases, &options.judge);
    for number in &found.changed {
        pairs[*number].is_changed = true;
    }
    verdict::deletions(&pairs, fleet, options, &mut found.verdict);
    verdict::release(new, old, &mut found.verdict);
    found.rows.extend(topology::bill(fleet, &pairs, &mut found.verdict));
    let Found { changes, verdict, rows: mut rollout, .. } = found;
    rollout::sort(&mut rollout);
    let summary = Summary::of(fleet, &changes, &verdict, &rollout);
    Diff { old, new, changes, verdict, rollout, summary }
}

/// What comparing pairs brings.
#[derive(Default)]
struct Found<'r, 'a> {
    /// Numbers of the pairs that differ.
    changed: Vec<usize>,
    changes: Vec<Change<'r, 'a>>,
    verdict: Verdict,
    rows: Vec<Row>,
}

/// Compares pair by pair, on threads; the result is the same for any number of them.
fn compare_all<'r, 'a>(
    pairs: &[Pair<'r, 'a>],
    releases: verdict::Releases<'_, 'a>,
    options: &judge::Options,
) -> Found<'r, 'a> {
    let parts = threads::in_parts(pairs, options.jobs, PAIRS_PER_THREAD, |first, pairs| {
        compare(pairs, first, releases, options)
    });
    let mut all = Found::default();
    for part in parts {
        all.changed.extend(part.changed);
        all.changes.extend(part.changes);
        all.rows.extend(part.rows);
        all.verdict.append(part.verdict);
    }
    all
}

fn compare<'r, 'a>(
    pairs: &[Pair<'r, 'a>],
    first: usize,
    releases: verdict::Releases<'_, 'a>,
    options: &judge::Options,
) -> Found<'r, 'a> {
    let mut found = Found::default();
    // What differs in nothing but empty mappings and lists: no change to tell, and sent all the same.
    let mut silent = Vec::new();
    for (number, pair) in pairs.iter().enumerate() {
        let Some((change, update)) = change(*pair, releases.fleet) else {
            found.rows.extend(rollout::rows(releases.fleet, *pair, None));
            continue;
        };
        if let Some(update) = update.as_ref().filter(|_| change.paths.is_empty() && !pair.is_renamed())
            && !verdict::is_refused_unseen(update)
        {
            found.rows.extend(rollout::rows(releases.fleet, *pair, None));
            silent.push(change);
            continue;
        }
        match &update {
            Some(update) if pair.is_renamed() => verdict::rotation(update, releases, &mut found.verdict),
            Some(update) if !update.new.is_hook() => {
                verdict::update(update, releases, &mut found.verdict);
                verdict::reverted(update, releases.fleet, &mut found.verdict);
            }
            _ => {}
        }
        found.rows.extend(rollout::rows(releases.fleet, *pair, update.as_ref().filter(|_| !pair.is_renamed())));
        found.changed.push(first + number);
        found.changes.push(change);
    }
    verdict::invalid(releases.fleet, &found.changes, options, &mut found.verdict);
    verdict::invalid(releases.fleet, &silent, options, &mut found.verdict);
    found
}

/// The change of a pair, and both sides read, where there are two; `None` where both sides say the same.
fn change<'r, 'u, 'a>(pair: Pair<'r, 'a>, fleet: Fleet<'u, 'a>) -> Option<(Change<'r, 'a>, Option<Update<'u, 'a>>)>
where
    'r: 'u,
{
    let (old, new) = match (pair.old, pair.new) {
        (Some(old), Some(new)) => (old, new),
        (old, new) => {
            let kind = if old.is_none() { Kind::Added } else { Kind::Removed };
            return Some((Change { kind, old, new, paths: Vec::new() }, None));
        }
    };
    // Documents of one object, of which the texts need not be put together.
    let is_same = || old.root.document().has_text_of(new.root.document());
    if (old.root.index(), new.root.index()) == (0, 0) && is_same() || compare::equal(old.root, new.root) {
        return None;
    }
    let update = Update::new(old, new, fleet.reading);
    let paths = changes::of(&update);
    let kind = if pair.is_renamed() { Kind::Renamed } else { Kind::Changed };
    (pair.is_renamed() || update.before != update.after || verdict::is_refused_unseen(&update))
        .then(|| (Change { kind, old: Some(old), new: Some(new), paths }, Some(update)))
}
