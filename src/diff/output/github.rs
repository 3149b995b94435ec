//! Annotations of GitHub Actions: refusals as errors, the rest as warnings, the sums as a notice.

use std::io::{self, Write};

use super::{Shown, moves};
use crate::diff::verdict::Said;
use crate::report::Severity;

/// Writes it.
pub fn write(shown: &Shown<'_, '_, '_>, out: &mut dyn Write) -> io::Result<()> {
    for said in shown.refusals.iter().chain(&shown.warnings) {
        one(shown, said, out)?;
    }
    let summary = &shown.diff.summary;
    for row in
        shown.rollout.iter().filter(|row| row.machines.replaced + row.machines.removed > 0 || row.blocked.is_some())
    {
        let reason = row.blocked.as_ref().map_or_else(|| row.causes.join(", "), |reason| format!("blocked: {reason}"));
        let message = format!("{} {}: {} ({reason})", row.cluster, row.owner, moves(row));
        writeln!(out, "::notice title=rollout::{}", message_text(&message))?;
    }
    let message = format!(
        "{}; {} clusters roll; machines: {} replaced, {} added, {} removed",
        if shown.diff.is_accepted() { "accepted" } else { "refused" },
        summary.clusters_rolled,
        summary.machines_replaced,
        summary.machines_added,
        summary.machines_removed
    );
    writeln!(out, "::notice title=capi-lint diff::{}", message_text(&message))
}

fn one(shown: &Shown<'_, '_, '_>, said: &Said, out: &mut dyn Write) -> io::Result<()> {
    let level = match said.finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let place = said.finding.place.and_then(|place| shown.at(said.side, &place));
    let place = place.map_or_else(String::new, |(file, line)| format!("file={},line={line},", property(file)));
    let message = format!("{} {}: {}", said.object, said.path, said.finding.message);
    writeln!(out, "::{level} {place}title={}::{}", property(said.finding.rule.name), message_text(&message))
}

fn message_text(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message_text(text).replace(':', "%3A").replace(',', "%2C")
}
