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

/// Text in a cell of a table: nothing in it is markup, but for code between backticks.
fn cell(text: &str) -> String {
    let text = super::one_line(text);
    let parts: Vec<&str> = text.split('`').collect();
    // Backticks that do not come in pairs are characters like others; two in a row would open another kind of code.
    if parts.len().is_multiple_of(2) || text.contains("``") {
        return escaped(&text).replace('`', "\\`");
    }
    let mark = |(number, part): (usize, &&str)| match number % 2 {
        0 => escaped(part),
        // Only the table itself looks into code.
        _ => format!("`{}`", part.replace('|', "\\|")),
    };
    parts.iter().enumerate().map(mark).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\\' | '|' | '*' | '_' | '[' | ']' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}
