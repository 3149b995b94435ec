//! Test Anything Protocol, version 13: a line for each object, its findings as diagnostics.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Report;
use crate::report::Severity;

/// Writes the report: one test for each place that has findings, and one for all that has none.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut groups: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    for (number, located) in report.findings.iter().enumerate() {
        let name = located.location.as_ref().map_or_else(|| "release".to_owned(), super::Location::name);
        let next = order.len();
        let at = *order.entry(name.clone()).or_insert(next);
        groups.entry((at, name)).or_default().push(number);
    }
    writeln!(out, "TAP version 13\n1..{}", groups.len() + 1)?;
    for (test, ((_, name), findings)) in groups.iter().enumerate() {
        let findings = || findings.iter().filter_map(|number| report.findings.get(*number));
        let failed = findings().any(|located| located.finding.severity == Severity::Error);
        writeln!(out, "{} {} - {}", if failed { "not ok" } else { "ok" }, test + 1, escape(name))?;
        for located in findings() {
            let finding = &located.finding;
            writeln!(out, "# {} [{}] {}", finding.severity, finding.rule.name, super::one_line(&finding.message))?;
        }
    }
    let objects = if report.objects == 1 { "object" } else { "objects" };
    writeln!(out, "ok {} - {} {objects} checked", groups.len() + 1, report.objects)
}

fn escape(text: &str) -> String {
    super::one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}
