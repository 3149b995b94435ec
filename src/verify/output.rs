//! A checklist as text, JSON and JUnit.

use std::io::{self, Write};

use indexmap::IndexMap;

use super::checklist::{Check, Checklist, Outcome, What};
use crate::output::junit::escape;
use crate::output::paint::Paint;
use crate::report::Severity;

/// A format of the checklist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One document for programs.
    Json,
    /// JUnit XML, for test reports.
    Junit,
}

/// Causes that a person reads of one check; programs get all.
const CAUSES: usize = 10;

/// Subjects from which on those that are well get one line each.
const MANY: usize = 12;

/// Writes a checklist.
///
/// # Errors
/// When the writer fails.
pub fn write(list: &Checklist, format: Format, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text(list, paint, out),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, list)?;
            writeln!(out)
        }
        Format::Junit => junit(list, out),
    }
}

fn by_subject(list: &Checklist) -> IndexMap<&str, Vec<&Check>> {
    let mut subjects: IndexMap<&str, Vec<&Check>> = IndexMap::new();
    for check in &list.checks {
        subjects.entry(&check.subject).or_default().push(check);
    }
    subjects
}

fn text(list: &Checklist, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let subjects = by_subject(list);
    let is_long = subjects.len() > MANY;
    for (subject, checks) in subjects {
        let is_well = checks.iter().all(|check| matches!(check.outcome, Outcome::Passed | Outcome::Skipped));
        if is_long && is_well {
            let machines = checks.iter().find(|check| check.what == What::Machines);
            let machines = machines.map_or_else(String::new, |check| format!(": {}", check.detail));
            writeln!(out, "{}  {subject}{machines}", paint.good("ok"))?;
            continue;
        }
        writeln!(out, "{}", paint.bold(subject))?;
        for check in checks {
            let mark = match check.outcome {
                Outcome::Passed => paint.good("ok  "),
                Outcome::Failed => paint.severity(Severity::Error, "FAIL"),
                Outcome::Warning => paint.severity(Severity::Warning, "look"),
                Outcome::Skipped => paint.dim("  - "),
            };
            writeln!(out, "  {mark}  {:<13}  {}", check.what.name(), check.detail)?;
            for cause in check.causes.iter().take(CAUSES) {
                writeln!(out, "          {}", cause.replace('\n', "\n            "))?;
            }
            if check.causes.len() > CAUSES {
                writeln!(out, "          and {} more (--format json tells all)", check.causes.len() - CAUSES)?;
            }
        }
    }
    writeln!(out, "capi-lint: {}", list.summary_line())
}

fn junit(list: &Checklist, out: &mut dyn Write) -> io::Result<()> {
    let summary = &list.summary;
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="capi-lint verify" tests="{}" failures="{}" errors="0" skipped="{}">"#,
        list.checks.len(),
        summary.failed,
        summary.skipped
    )?;
    for (subject, checks) in by_subject(list) {
        let count = |outcome: Outcome| checks.iter().filter(|check| check.outcome == outcome).count();
        writeln!(
            out,
            r#"  <testsuite name="{}" tests="{}" failures="{}" errors="0" skipped="{}">"#,
            escape(subject),
            checks.len(),
            count(Outcome::Failed),
            count(Outcome::Skipped)
        )?;
        for check in checks {
            case(subject, check, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn case(subject: &str, check: &Check, out: &mut dyn Write) -> io::Result<()> {
    let (name, detail) = (check.what.name(), escape(&check.detail));
    writeln!(out, r#"    <testcase name="{name}" classname="{}">"#, escape(subject))?;
    let causes = escape(&check.causes.join("\n"));
    match check.outcome {
        Outcome::Failed => writeln!(out, r#"      <failure message="{detail}" type="{name}">{causes}</failure>"#)?,
        Outcome::Skipped => writeln!(out, r#"      <skipped message="{detail}"/>"#)?,
        Outcome::Passed => writeln!(out, "      <system-out>{detail}</system-out>")?,
        Outcome::Warning => writeln!(out, "      <system-out>{detail}\n{causes}</system-out>")?,
    }
    writeln!(out, "    </testcase>")
}
