//! A table for a pull request or a step summary.

use std::io::{self, Write};

use super::Report;
use crate::report::Severity;

/// Findings that the table names at most: comments and summaries have a size limit.
const ROWS: usize = 200;

/// Writes the report.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mark = if report.count(Severity::Error) > 0 { "❌" } else { "✅" };
    writeln!(out, "{mark} {}", super::text::closing_line(report, false))?;
    if report.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| severity | where | what | help |\n| --- | --- | --- | --- |")?;
    for located in report.findings.iter().take(ROWS) {
        let finding = &located.finding;
        let place = located.location.as_ref().map_or_else(String::new, |location| {
            let file = location.template.unwrap_or(location.file);
            format!("{} `{}:{}`", cell(&location.name()), file.replace('`', "'"), location.line)
        });
        let help = finding.suggestion.as_deref().unwrap_or_default();
        let what = format!("{}{}", finding.message, super::times(finding.count));
        writeln!(out, "| {} `{}` | {place} | {} | {} |", finding.severity, finding.rule.name, cell(&what), cell(help))?;
    }
    if report.findings.len() > ROWS {
        writeln!(out, "\n… and {} more findings.", report.findings.len() - ROWS)?;
    }
    Ok(())
}

fn cell(text: &str) -> String {
    super::one_line(text)
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('*', "\\*")
        .replace('_', "\\_")
}
