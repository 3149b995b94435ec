//! Annotations of GitHub Actions: workflow commands that put findings on the lines of a pull request.

use std::io::{self, Write};

use super::Report;
use crate::report::Severity;

/// Writes the report.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for located in &report.findings {
        let finding = &located.finding;
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let mut properties = format!("title={}", property(&format!("capi-lint {}", finding.rule.name)));
        let mut message = String::new();
        if let Some(location) = &located.location {
            properties = format!(
                "file={},line={},col={},{properties}",
                property(super::repository_path(location)),
                location.line,
                location.column
            );
            message = location.subject();
        }
        message.push_str(&finding.message);
        if let Some(suggestion) = &finding.suggestion {
            message.push_str("\nhelp: ");
            message.push_str(suggestion);
        }
        writeln!(out, "::{command} {properties}::{}{}", data(&message), super::times(finding.count))?;
    }
    writeln!(out, "{}", super::text::closing_line(report, false))
}

/// As the runner unescapes the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As the runner unescapes a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
