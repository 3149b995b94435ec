//! JUnit XML, for CI systems that show test results: a suite for each file, a case for each finding.

use std::io::{self, Write};

use indexmap::IndexMap;

use super::{Located, Report};
use crate::report::Severity;

/// Writes the report. Errors are failures; warnings and notes are passed cases with their text as output.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: IndexMap<&str, Vec<&Located<'_>>> = IndexMap::new();
    for located in &report.findings {
        let file = located.location.as_ref().map_or("release", |location| location.file);
        suites.entry(file).or_default().push(located);
    }
    if suites.is_empty() {
        suites.insert("capi-lint", Vec::new());
    }
    let failures = report.count(Severity::Error);
    let tests = report.findings.len().max(1);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="capi-lint" tests="{tests}" failures="{failures}" errors="0">"#)?;
    for (file, findings) in &suites {
        suite(file, findings, report.objects, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(file: &str, findings: &[&Located<'_>], objects: usize, out: &mut dyn Write) -> io::Result<()> {
    let failures = findings.iter().filter(|located| located.finding.severity == Severity::Error).count();
    let (file, tests) = (escape(file), findings.len().max(1));
    writeln!(out, r#"  <testsuite name="{file}" tests="{tests}" failures="{failures}" errors="0" skipped="0">"#)?;
    if findings.is_empty() {
        writeln!(out, r#"    <testcase name="{objects} objects checked" classname="capi-lint"/>"#)?;
    }
    for located in findings {
        let finding = &located.finding;
        let (name, at) = located.location.as_ref().map_or_else(Default::default, |location| {
            (location.subject(), format!("{}:{}:{}", location.file, location.line, location.column))
        });
        let name = escape(&format!("{name}{} ({at})", finding.rule.name));
        let mut text = format!("{at}: {}", finding.message);
        if let Some(suggestion) = &finding.suggestion {
            text.push_str("\nhelp: ");
            text.push_str(suggestion);
        }
        writeln!(out, r#"    <testcase name="{name}" classname="capi-lint.{}">"#, finding.rule.name)?;
        if finding.severity == Severity::Error {
            let message = escape(&super::one_line(&finding.message));
            writeln!(
                out,
                r#"      <failure message="{message}" type="{}">{}</failure>"#,
                finding.rule.name,
                escape(&text)
            )?;
        } else {
            writeln!(out, "      <system-out>{}: {}</system-out>", finding.severity, escape(&text))?;
        }
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

/// Text and attribute values of XML 1.0; characters that it forbids become the replacement character.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
