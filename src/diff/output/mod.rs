//! How a comparison is printed: one file a format. Formats judge nothing; what is shown is picked here, once.

use std::io::{self, Write};

use super::changes::Change;
use super::json::Side;
use super::rollout::{Fleet, Row};
use super::verdict::{Said, describe};
use super::{Diff, rollout};
use crate::object::Object;
use crate::output::locate::Locator;
use crate::report::Place;

mod github;
mod json;
mod markdown;
mod text;

/// A format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One document for programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// Annotations of GitHub Actions.
    Github,
}

/// What of it is shown.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Only what happens per cluster and the sums.
    pub summary: bool,
    /// Lines around a change in a text of several lines.
    pub context: usize,
    /// One cluster (`name` or `namespace/name`) or one kind.
    pub only: Option<String>,
    /// With colours.
    pub color: bool,
}

/// A comparison as it is shown.
struct Shown<'d, 'r, 'a> {
    diff: &'d Diff<'r, 'a>,
    view: &'d View,
    changes: Vec<&'d Change<'r, 'a>>,
    refusals: Vec<&'d Said>,
    warnings: Vec<&'d Said>,
    rollout: Vec<&'d Row>,
    before: Locator<'d>,
    after: Locator<'d>,
}

impl<'d, 'r, 'a> Shown<'d, 'r, 'a> {
    fn new(diff: &'d Diff<'r, 'a>, view: &'d View) -> Self {
        let keeps = |object: Option<&Object<'_>>, side: Side| match (&view.only, object) {
            (None, _) => true,
            (Some(only), Some(object)) => {
                let release = if side == Side::Old { diff.old } else { diff.new };
                let cluster = Fleet::cluster_name(release, object);
                *only == *object.kind || is_cluster(&cluster, only)
            }
            (Some(_), None) => false,
        };
        let object_of = |said: &Said| -> Option<(&Object<'a>, Side)> {
            let release = if said.side == Side::Old { diff.old } else { diff.new };
            Some((release.objects.get(said.finding.place?.object? as usize)?, said.side))
        };
        let says = |said: &&Said| match object_of(said) {
            Some((object, side)) => keeps(Some(object), side),
            None => view.only.is_none(),
        };
        let row =
            |row: &&Row| view.only.as_ref().is_none_or(|only| is_cluster(&row.cluster, only) || kind_name(row) == only);
        let change = |change: &&Change<'_, '_>| {
            keeps(change.new, Side::New) || change.new.is_none() && keeps(change.old, Side::Old)
        };
        Self {
            diff,
            view,
            changes: diff.changes.iter().filter(change).collect(),
            refusals: diff.verdict.refusals.iter().filter(says).collect(),
            warnings: diff.verdict.warnings.iter().filter(says).collect(),
            rollout: diff.rollout.iter().filter(row).collect(),
            before: Locator::new(diff.old),
            after: Locator::new(diff.new),
        }
    }

    /// `file:line`.
    fn at(&self, side: Side, place: &Place) -> Option<(&'d str, usize)> {
        let locator = if side == Side::Old { &self.before } else { &self.after };
        locator.location(place, Some("")).map(|location| (location.file, location.line))
    }
}

fn is_cluster(cluster: &str, only: &str) -> bool {
    cluster == only || cluster.split_once('/').is_some_and(|(_, name)| name == only)
}

fn kind_name(row: &Row) -> &'static str {
    match row.kind {
        rollout::OwnerKind::ControlPlane => "KubeadmControlPlane",
        rollout::OwnerKind::MachineDeployment => "MachineDeployment",
        rollout::OwnerKind::MachinePool => "MachinePool",
        rollout::OwnerKind::MachineSet => "MachineSet",
        rollout::OwnerKind::Machine => "Machine",
    }
}

/// Writes a comparison.
///
/// # Errors
/// When the writer fails.
pub fn write(diff: &Diff<'_, '_>, format: Format, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let shown = Shown::new(diff, view);
    match format {
        Format::Text => text::write(&shown, out),
        Format::Json => json::write(&shown, out),
        Format::Markdown => markdown::write(&shown, out),
        Format::Github => github::write(&shown, out),
    }
}

/// `Kind namespace/name`, with the old name where it has another.
fn title(change: &Change<'_, '_>) -> String {
    match (change.old, change.new) {
        (Some(old), Some(new)) if old.name != new.name => format!("{} (was {})", describe(new), old.name),
        (_, Some(new)) => describe(new),
        (Some(old), None) => describe(old),
        _ => String::new(),
    }
}

/// `2 replaced, 1 added`.
fn moves(row: &Row) -> String {
    let machines = row.machines;
    let parts: Vec<String> =
        [(machines.replaced, "replaced"), (machines.added, "added"), (machines.removed, "removed")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
    if parts.is_empty() { "nothing moves".to_owned() } else { parts.join(", ") }
}
