//! One document for programs.

use std::io::{self, Write};

use serde_json::{Value as Json, json};

use super::Shown;
use crate::diff::changes::{Change, PathChange};
use crate::diff::json::Side;
use crate::diff::rollout::Row;
use crate::diff::verdict::{Said, describe};

/// Writes it.
pub fn write(shown: &Shown<'_, '_, '_>, out: &mut dyn Write) -> io::Result<()> {
    let diff = shown.diff;
    let list = |all: &[&Said]| all.iter().map(|item| said(shown, item)).collect::<Vec<Json>>();
    let mut document = json!({
        "version": 1,
        "accepted": diff.is_accepted(),
        "refusals": list(&shown.refusals),
        "warnings": list(&shown.warnings),
        "rollout": shown.rollout.iter().map(|item| row(item)).collect::<Vec<Json>>(),
    });
    if !shown.view.summary {
        document["changes"] = shown.changes.iter().map(|item| change(shown, item)).collect();
    }
    document["summary"] = serde_json::to_value(&diff.summary).unwrap_or_default();
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn said(shown: &Shown<'_, '_, '_>, said: &Said) -> Json {
    let mut value = json!({
        "rule": said.finding.rule.name,
        "severity": said.finding.severity,
        "provenance": said.finding.rule.provenance,
        "message": said.finding.message,
        "path": said.path,
        "object": said.object,
        "side": if said.side == Side::Old { "old" } else { "new" },
    });
    if let Some(help) = &said.finding.suggestion {
        value["suggestion"] = help.clone().into();
    }
    if let Some((file, line)) = said.finding.place.and_then(|place| shown.at(said.side, &place)) {
        value["file"] = file.into();
        value["line"] = line.into();
    }
    value
}

fn row(row: &Row) -> Json {
    let mut value = json!({
        "cluster": row.cluster,
        "owner": row.owner,
        "kind": row.kind,
        "replaced": row.machines.replaced,
        "added": row.machines.added,
        "removed": row.machines.removed,
        "causes": row.causes,
    });
    if let Some(reason) = &row.blocked {
        value["blocked"] = reason.clone().into();
    }
    if !row.notes.is_empty() {
        value["notes"] = row.notes.clone().into();
    }
    value
}

fn change(shown: &Shown<'_, '_, '_>, change: &Change<'_, '_>) -> Json {
    let mut value = json!({"kind": change.kind, "object": change.new.or(change.old).map(describe)});
    if let (Some(old), Some(new)) = (change.old, change.new)
        && old.name != new.name
    {
        value["was"] = describe(old).into();
    }
    value["paths"] = change.paths.iter().map(|item| path(shown, item)).collect();
    value
}

fn path(shown: &Shown<'_, '_, '_>, change: &PathChange) -> Json {
    let at = |side, place| shown.at(side, place).map(|(file, line)| json!({"file": file, "line": line}));
    json!({
        "path": change.path,
        "old": change.old,
        "new": change.new,
        "oldAt": at(Side::Old, &change.old_place),
        "newAt": at(Side::New, &change.new_place),
    })
}
