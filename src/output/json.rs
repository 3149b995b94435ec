//! The report as one JSON document, for programs. The shape is a promise: fields are added, never changed.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::locate::{FixedLines, Located, ObjectName};
use crate::report::{Provenance, Severity};

#[derive(Serialize)]
struct Document<'r> {
    version: u32,
    objects: usize,
    findings: Vec<Entry<'r>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Entry<'r> {
    rule: &'r str,
    severity: Severity,
    provenance: Provenance,
    message: &'r str,
    file: Option<&'r str>,
    line: Option<usize>,
    column: Option<usize>,
    template: Option<&'r str>,
    object: Option<&'r ObjectName>,
    path: Option<&'r str>,
    suggestion: Option<&'r str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fix: &'r [FixedLines],
    count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other<'r>>,
}

#[derive(Serialize)]
struct Other<'r> {
    file: &'r str,
    line: usize,
    column: usize,
    template: Option<&'r str>,
    object: Option<&'r ObjectName>,
}

#[derive(Serialize)]
struct Summary {
    error: usize,
    warning: usize,
    info: usize,
}

/// Writes the report.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        version: 1,
        objects: report.objects,
        findings: report.findings.iter().map(entry).collect(),
        summary: summary(report),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// Writes one document a line: each finding as in `findings` of the whole, then the summary.
pub fn write_lines(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for located in &report.findings {
        serde_json::to_writer(&mut *out, &entry(located))?;
        writeln!(out)?;
    }
    let summary = summary(report);
    serde_json::to_writer(
        &mut *out,
        &serde_json::json!({"version": 1, "objects": report.objects, "summary": summary}),
    )?;
    writeln!(out)
}

fn summary(report: &Report<'_>) -> Summary {
    Summary {
        error: report.count(Severity::Error),
        warning: report.count(Severity::Warning),
        info: report.count(Severity::Info),
    }
}

fn entry<'r>(located: &'r Located<'_>) -> Entry<'r> {
    let finding = &located.finding;
    let location = located.location.as_ref();
    Entry {
        rule: finding.rule.name,
        severity: finding.severity,
        provenance: finding.rule.provenance,
        message: &finding.message,
        file: location.map(|location| location.file),
        line: location.map(|location| location.line),
        column: location.map(|location| location.column),
        template: location.and_then(|location| location.template),
        object: location.and_then(|location| location.object.as_ref()),
        path: location.map(|location| location.path.as_str()),
        suggestion: finding.suggestion.as_deref(),
        fix: &located.fix,
        count: finding.count,
        others: located
            .others
            .iter()
            .map(|other| Other {
                file: other.file,
                line: other.line,
                column: other.column,
                template: other.template,
                object: other.object.as_ref(),
            })
            .collect(),
    }
}
