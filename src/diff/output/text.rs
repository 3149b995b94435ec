//! For people: the verdict and the clusters first, then what changed.

use std::io::{self, Write};

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::{Shown, moves, title};
use crate::diff::changes::{Change, Kind, PathChange};
use crate::diff::json::Side;
use crate::diff::rollout::Row;
use crate::diff::summary::{Summary, share};
use crate::diff::verdict::Said;
use crate::output::paint::Paint;
use crate::report::Severity;

/// Clusters that a summary names one by one.
const NAMED_ROWS: usize = 50;
/// Refusals and warnings of one rule that a summary names one by one.
const NAMED_OBJECTS: usize = 5;

/// Writes it.
pub fn write(shown: &Shown<'_, '_, '_>, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint { color: shown.view.color };
    let summary = &shown.diff.summary;
    if !summary.has_changes() && shown.refusals.is_empty() {
        return writeln!(out, "no changes");
    }
    rollout(shown, paint, out)?;
    said(shown, "refused", &shown.refusals, paint, out)?;
    said(shown, "worth knowing", &shown.warnings, paint, out)?;
    if !shown.view.summary {
        for change in &shown.changes {
            one_change(shown, change, paint, out)?;
        }
    }
    totals(summary, shown.diff.is_accepted(), paint, out)
}

fn rollout(shown: &Shown<'_, '_, '_>, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let limit = if shown.view.summary { NAMED_ROWS } else { usize::MAX };
    let mut cluster = None;
    for row in shown.rollout.iter().take(limit) {
        if cluster != Some(&row.cluster) {
            let name = if row.cluster.is_empty() { "(no cluster)" } else { &row.cluster };
            writeln!(out, "{}", paint.bold(name))?;
            cluster = Some(&row.cluster);
        }
        one_row(row, paint, out)?;
    }
    let more = shown.rollout.len().saturating_sub(limit);
    if more > 0 {
        writeln!(out, "  and {more} more control planes and worker groups")?;
    }
    if !shown.rollout.is_empty() {
        if !shown.diff.is_accepted() {
            writeln!(out, "{}", paint.dim("machines move so only once nothing is refused any more"))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn one_row(row: &Row, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "  {}: {}", row.owner, paint.machines(&moves(row), row.machines.replaced + row.machines.removed > 0))?;
    if !row.causes.is_empty() {
        const SHOWN: usize = 3;
        let mut causes = row.causes.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        if row.causes.len() > SHOWN {
            causes = format!("{causes} and {} more", row.causes.len() - SHOWN);
        }
        write!(out, "  ({causes})")?;
    }
    writeln!(out)?;
    if let Some(reason) = &row.blocked {
        writeln!(out, "    {} {reason}", paint.severity(Severity::Warning, "blocked:"))?;
    }
    row.notes.iter().try_for_each(|note| writeln!(out, "    {note}"))
}

fn said(shown: &Shown<'_, '_, '_>, heading: &str, all: &[&Said], paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let severity = all.iter().map(|said| said.finding.severity).max().unwrap_or(Severity::Info);
    writeln!(out, "{}", paint.severity(severity, &format!("{heading}: {}", all.len())))?;
    let mut named: Vec<(&str, usize)> = Vec::new();
    for item in all {
        let rule = item.finding.rule.name;
        let at = named.iter().position(|(known, _)| *known == rule).unwrap_or_else(|| {
            named.push((rule, 0));
            named.len() - 1
        });
        named[at].1 += 1;
        let count = named[at].1;
        if shown.view.summary && count > NAMED_OBJECTS {
            continue;
        }
        let at = item.finding.place.and_then(|place| shown.at(item.side, &place));
        let at = at.map_or_else(String::new, |(file, line)| format!("  {file}:{line}"));
        let path = if item.path.is_empty() { String::new() } else { format!(" · {}", item.path) };
        writeln!(out, "  {}[{rule}] {}{path}{}", item.finding.severity, paint.bold(&item.object), paint.dim(&at))?;
        writeln!(out, "    {}", item.finding.message)?;
        if let Some(help) = &item.finding.suggestion {
            writeln!(out, "    {} {help}", paint.good("help:"))?;
        }
    }
    if shown.view.summary {
        for (rule, count) in named.iter().filter(|(_, count)| *count > NAMED_OBJECTS) {
            writeln!(out, "  and {} more of {rule}", count - NAMED_OBJECTS)?;
        }
    }
    writeln!(out)
}

fn one_change(shown: &Shown<'_, '_, '_>, change: &Change<'_, '_>, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let mark = match change.kind {
        Kind::Added => paint.good("+"),
        Kind::Removed => paint.bad("-"),
        Kind::Changed => paint.plain("~"),
        Kind::Renamed => paint.plain(">"),
    };
    writeln!(out, "{mark} {}", paint.bold(&title(change)))?;
    for path in &change.paths {
        one_path(shown, path, paint, out)?;
    }
    Ok(())
}

fn one_path(shown: &Shown<'_, '_, '_>, change: &PathChange, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let at = |side, place| shown.at(side, place).map_or_else(String::new, |(file, line)| format!("{file}:{line}"));
    let places: Vec<String> = [
        change.old.as_ref().map(|_| at(Side::Old, &change.old_place)),
        change.new.as_ref().map(|_| at(Side::New, &change.new_place)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let places = places.join(" → ");
    let place = paint.dim(&places);
    if let (Some(Json::String(before)), Some(Json::String(after))) = (&change.old, &change.new)
        && (before.contains('\n') || after.contains('\n'))
    {
        writeln!(out, "    {}  {place}", change.path)?;
        return lines(before, after, shown.view.context, paint, out);
    }
    let value = |value: Option<&Json>| match value {
        None => "(absent)".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let (before, after) = (value(change.old.as_ref()), value(change.new.as_ref()));
    writeln!(out, "    {}: {} → {}  {place}", change.path, paint.bad(&before), paint.good(&after))
}

/// A text of several lines, as a diff of its lines.
fn lines(before: &str, after: &str, context: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let diff = TextDiff::from_lines(before, after);
    for group in diff.grouped_ops(context) {
        for op in group {
            for change in diff.iter_changes(&op) {
                let line = change.value().trim_end_matches('\n');
                match change.tag() {
                    ChangeTag::Delete => writeln!(out, "      {}", paint.bad(&format!("- {line}")))?,
                    ChangeTag::Insert => writeln!(out, "      {}", paint.good(&format!("+ {line}")))?,
                    ChangeTag::Equal => writeln!(out, "        {line}")?,
                }
            }
        }
    }
    Ok(())
}

fn totals(summary: &Summary, is_accepted: bool, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let refused = format!("refused ({})", summary.refusals);
    let verdict = if is_accepted { paint.good("accepted") } else { paint.severity(Severity::Error, &refused) };
    writeln!(
        out,
        "capi-lint: {verdict}; objects: {} added, {} removed, {} changed, {} renamed; clusters that roll: {}; machines \
         replaced: {}, added: {}, removed: {}",
        summary.added,
        summary.removed,
        summary.changed,
        summary.renamed,
        share(summary.clusters_rolled as u64, summary.clusters as u64),
        share(summary.machines_replaced, summary.machines),
        summary.machines_added,
        summary.machines_removed
    )
}
