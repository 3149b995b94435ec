//! GitLab's code quality report: a list of issues with fingerprints.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::Report;
use crate::report::Severity;

/// Writes the report.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let issues: Vec<Value> = report
        .findings
        .iter()
        .map(|located| {
            let finding = &located.finding;
            let (path, line, subject) = located.location.as_ref().map_or_else(
                || (super::any_file(report), 1, String::new()),
                |location| (super::repository_path(location), location.line, location.subject()),
            );
            let identity = super::identity(located);
            let times = seen.entry(identity.clone()).and_modify(|times| *times += 1).or_insert(1);
            json!({
                "type": "issue",
                "categories": ["Bug Risk"],
                "description": super::one_line(&format!("{subject}{}", finding.message)),
                "check_name": finding.rule.name,
                "fingerprint": super::fingerprint(&[&identity, path, &times.to_string()]),
                "severity": match finding.severity {
                    Severity::Error => "critical",
                    Severity::Warning => "minor",
                    Severity::Info => "info",
                },
                "location": {"path": path, "lines": {"begin": line, "end": line}},
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    writeln!(out)
}
