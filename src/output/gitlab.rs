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
            let (path, line, subject) = located.location.as_ref().map_or(("release", 1, String::new()), |location| {
                (
                    location.template.filter(|_| location.file == "<stdin>").unwrap_or(location.file),
                    location.line,
                    location.subject(),
                )
            });
            let field = located.location.as_ref().map_or("", |location| &location.path);
            let identity = format!("{}/{path}/{subject}/{field}", finding.rule.name);
            let times = seen.entry(identity.clone()).and_modify(|times| *times += 1).or_insert(1);
            json!({
                "description": format!("{subject}{}", finding.message),
                "check_name": finding.rule.name,
                "fingerprint": super::fingerprint(&(identity.as_str(), *times)),
                "severity": match finding.severity {
                    Severity::Error => "critical",
                    Severity::Warning => "minor",
                    Severity::Info => "info",
                },
                "location": {"path": path, "lines": {"begin": line}},
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    writeln!(out)
}
