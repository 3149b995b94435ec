//! One line a finding, for editors and grep: `file:line:column: severity [rule] message`.

use std::io::{self, Write};

use super::Report;

/// Writes the report.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for located in &report.findings {
        let finding = &located.finding;
        if let Some(location) = &located.location {
            write!(out, "{}:{}:{}: ", location.file, location.line, location.column)?;
        }
        write!(out, "{} [{}] ", finding.severity, finding.rule.name)?;
        if let Some(location) = &located.location {
            write!(out, "{}", location.subject())?;
        }
        writeln!(out, "{}{}", super::one_line(&finding.message), super::times(finding.count))?;
    }
    writeln!(out, "{}", super::text::closing_line(report, false))
}
