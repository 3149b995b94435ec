//! For a comment on a pull request: collapsible, and cut to what a comment holds, the totals first so that they stay.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::Value as Json;

use super::{Shown, moves, title};
use crate::diff::changes::{Change, Kind};
use crate::diff::summary::share;
use crate::diff::verdict::Said;

/// Characters that a comment may have.
const LIMIT: usize = 65_000;
/// Kept for closing tags and the line that says what is left out.
const RESERVE: usize = 300;

/// Writes it.
pub fn write(shown: &Shown<'_, '_, '_>, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { text: String::new(), length: 0, left_out: 0 };
    totals(shown, &mut page);
    said("Refused", &shown.refusals, &mut page);
    rollout(shown, &mut page);
    said("Worth knowing", &shown.warnings, &mut page);
    if !shown.view.summary {
        page.section("Changes", shown.changes.iter().map(|change| one_change(change)));
    }
    if page.left_out > 0 {
        let _ = write!(page.text, "\n{} entries are left out here; run capi-lint diff to see them.\n", page.left_out);
    }
    out.write_all(page.text.as_bytes())
}

/// A page that does not grow beyond its limit.
struct Page {
    text: String,
    length: usize,
    left_out: usize,
}

impl Page {
    /// Adds a piece, or counts it as left out.
    fn add(&mut self, piece: &str) -> bool {
        let length = piece.chars().count();
        if self.length + length > LIMIT - RESERVE {
            return false;
        }
        self.length += length;
        self.text.push_str(piece);
        true
    }

    /// A collapsible list.
    fn section(&mut self, heading: &str, items: impl ExactSizeIterator<Item = String>) {
        let number = items.len();
        if number == 0 {
            return;
        }
        let open = format!("\n<details><summary>{heading}: {number}</summary>\n\n");
        if !self.add(&open) {
            self.left_out += number;
            return;
        }
        for item in items {
            if !self.add(&item) {
                self.left_out += 1;
            }
        }
        self.text.push_str("\n</details>\n");
    }
}

fn totals(shown: &Shown<'_, '_, '_>, page: &mut Page) {
    let summary = &shown.diff.summary;
    let verdict = if shown.diff.is_accepted() { "✅ accepted" } else { "❌ refused" };
    let text = format!(
        "### capi-lint diff: {verdict}\n\n| | |\n|---|---|\n| objects | {} added, {} removed, {} changed, {} renamed |\n\
         | clusters that roll | {} |\n| machines replaced | {} |\n| machines added, removed | {}, {} |\n| waiting | {} |\n",
        summary.added,
        summary.removed,
        summary.changed,
        summary.renamed,
        share(summary.clusters_rolled as u64, summary.clusters as u64),
        share(summary.machines_replaced, summary.machines),
        summary.machines_added,
        summary.machines_removed,
        summary.blocked
    );
    page.add(&text);
}

fn rollout(shown: &Shown<'_, '_, '_>, page: &mut Page) {
    let head = "| cluster | owner | machines | because of |\n|---|---|---|---|\n".to_owned();
    let rows = shown.rollout.iter().map(|row| {
        let mut causes: Vec<String> = row.causes.iter().take(3).map(|cause| format!("`{}`", escaped(cause))).collect();
        causes.extend(row.blocked.iter().map(|reason| format!("blocked: {}", escaped(reason))));
        causes.extend(row.notes.iter().map(|note| escaped(note)));
        format!("| {} | {} | {} | {} |\n", escaped(&row.cluster), escaped(&row.owner), moves(row), causes.join("<br>"))
    });
    if shown.rollout.is_empty() {
        return;
    }
    let rows: Vec<String> = rows.collect();
    let number = rows.len();
    if !page.add(&format!("\n<details open><summary>Machines: {number}</summary>\n\n{head}")) {
        page.left_out += number;
        return;
    }
    for row in rows {
        if !page.add(&row) {
            page.left_out += 1;
        }
    }
    if !shown.diff.is_accepted() {
        page.text.push_str("\nMachines move so only once nothing is refused any more.\n");
    }
    page.text.push_str("\n</details>\n");
}

fn said(heading: &str, all: &[&Said], page: &mut Page) {
    page.section(
        heading,
        all.iter().map(|said| {
            let path = if said.path.is_empty() { String::new() } else { format!(" `{}`", said.path) };
            let help =
                said.finding.suggestion.as_ref().map_or_else(String::new, |help| format!(" *{}*", escaped(help)));
            format!(
                "- **{}** {}{path}: {}.{help}\n",
                said.finding.rule.name,
                escaped(&said.object),
                escaped(&said.finding.message)
            )
        }),
    );
}

fn one_change(change: &Change<'_, '_>) -> String {
    let mark = match change.kind {
        Kind::Added => "added",
        Kind::Removed => "removed",
        Kind::Changed => "changed",
        Kind::Renamed => "renamed",
    };
    let mut text = format!("- {mark} **{}**\n", escaped(&title(change)));
    for path in &change.paths {
        let value = |value: Option<&Json>| {
            let text = value.map_or_else(
                || "(absent)".to_owned(),
                |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            );
            let cut: String = text.chars().take(200).collect();
            cut.replace(['\n', '`'], " ")
        };
        let _ = writeln!(text, "  - `{}`: `{}` → `{}`", path.path, value(path.old.as_ref()), value(path.new.as_ref()));
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}
