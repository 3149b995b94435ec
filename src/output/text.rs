//! The report for people: what is wrong, where, the line of source with a caret, and what to type instead.
//!
//! The closing line is always there, with `--quiet` too: it begins with `capi-lint:`, which every YAML reader takes for a
//! mapping without `apiVersion`. So a Helm that was given `capi-lint` without `post-render` fails instead of taking an empty
//! output for an empty release.

use std::fmt;
use std::io::{self, Write};

use super::locate::{FixedLines, Located, Location};
use super::paint::Paint;
use super::{Report, Style};
use crate::report::Severity;
use crate::threads;

/// Places that a finding with many of them names.
const NAMED_PLACES: usize = 5;

/// Findings whose text is held in memory at once.
const FINDINGS_AT_ONCE: usize = 8192;

/// Findings below which a further thread costs more than it brings.
const FINDINGS_PER_THREAD: usize = 500;

/// Writes the report.
pub fn write(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint { color: style.color };
    let told =
        |located: &&Located<'_>| style.quiet.is_none_or(|threshold| threshold.is_reached_by(located.finding.severity));
    let findings: Vec<&Located<'_>> = report.findings.iter().filter(told).collect();
    let groups: Vec<&[&Located<'_>]> = findings.chunk_by(|a, b| file_of(a) == file_of(b)).collect();
    let several = groups.iter().filter_map(|group| file_of(group.first()?)).count() > 1;
    for group in &groups {
        if let (Some(file), true) = (group.first().and_then(|located| file_of(located)), several) {
            writeln!(out, "{}\n", paint.bold(&format!("{file}: {}", counts(group))))?;
        }
        for some in group.chunks(FINDINGS_AT_ONCE) {
            let texts = threads::in_parts(some, style.jobs, FINDINGS_PER_THREAD, |_, some| {
                let mut text = Vec::new();
                some.iter().try_for_each(|located| finding(located, paint, &mut text)).map(|()| text)
            });
            texts.into_iter().try_for_each(|text| out.write_all(&text?))?;
        }
    }
    writeln!(out, "{}", closing(report, paint))
}

fn file_of<'l>(located: &'l Located<'_>) -> Option<&'l str> {
    located.location.as_ref().map(|location| location.file)
}

/// How many findings there are of each severity that occurs.
fn counts(findings: &[&Located<'_>]) -> String {
    let names = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")];
    let of = |severity| findings.iter().filter(|located| located.finding.severity == severity).count();
    let parts: Vec<String> = names
        .iter()
        .map(|(severity, name)| (of(*severity), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| plural(count, name))
        .collect();
    parts.join(", ")
}

fn plural(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// The closing line of reports for people.
pub fn closing_line(report: &Report<'_>, color: bool) -> String {
    closing(report, Paint { color })
}

fn closing(report: &Report<'_>, paint: Paint) -> String {
    let count = |severity| report.count(severity);
    let objects = plural(report.objects, "object");
    let (errors, warnings, infos) = (count(Severity::Error), count(Severity::Warning), count(Severity::Info));
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(paint.severity(Severity::Error, &plural(errors, "error")).to_string());
    }
    if warnings > 0 {
        parts.push(paint.severity(Severity::Warning, &plural(warnings, "warning")).to_string());
    }
    if infos > 0 {
        parts.push(plural(infos, "note"));
    }
    let verdict = if parts.is_empty() { paint.good("no findings").to_string() } else { parts.join(", ") };
    format!("capi-lint: {objects} checked, {verdict}")
}

fn finding(located: &Located<'_>, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let finding = &located.finding;
    let severity = finding.severity.to_string();
    let severity = paint.severity(finding.severity, &severity);
    writeln!(out, "{severity}[{}]: {}", finding.rule.name, paint.bold(&finding.message))?;
    if let Some(location) = &located.location {
        place(location, paint, out)?;
    }
    for other in located.others.iter().take(NAMED_PLACES) {
        let object =
            other.object.as_ref().map_or_else(String::new, |object| format!(" {} {}", object.kind, object.name));
        writeln!(out, "  also {}:{}:{}{object}", other.file, other.line, other.column)?;
    }
    if finding.count > located.others.len().min(NAMED_PLACES) + 1 {
        writeln!(out, "  {} places in all", finding.count)?;
    }
    if let Some(suggestion) = &finding.suggestion {
        writeln!(out, "  {} {suggestion}", paint.good("help:"))?;
    }
    fixed(&located.fix, paint, out)?;
    writeln!(out)
}

/// The lines that settle a finding, the first of them.
fn fixed(fix: &[FixedLines], paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    const LINES: usize = 20;
    let lines =
        || fix.iter().flat_map(|part| part.text.lines().enumerate().map(|(number, line)| (part.line + number, line)));
    for (number, line) in lines().take(LINES) {
        writeln!(out, "  {} {line}", paint.good(&format!("{number:>5} +")))?;
    }
    let more = lines().count().saturating_sub(LINES);
    if more > 0 {
        writeln!(out, "        … and {more} more lines")?;
    }
    Ok(())
}

fn place(location: &Location<'_>, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let arrow = paint.dim("-->");
    writeln!(out, "  {arrow} {}:{}:{}", location.file, location.line, location.column)?;
    let object = location.object.as_ref().map(|object| object as &dyn fmt::Display);
    let path = Some(&location.path as &dyn fmt::Display).filter(|_| !location.path.is_empty());
    let template = location.template.as_ref().map(|template| template as &dyn fmt::Display);
    let mut before = "      ";
    for part in [template, object, path].into_iter().flatten() {
        write!(out, "{before}{part}")?;
        before = " · ";
    }
    if before == " · " {
        writeln!(out)?;
    }
    excerpt(location, paint, out)
}

/// The line with a caret below; long lines are cut around it.
fn excerpt(location: &Location<'_>, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    const WIDTH: usize = 100;
    if location.source.trim().is_empty() {
        return Ok(());
    }
    let column = location.column - 1;
    let from = if column > WIDTH * 3 / 4 { column - WIDTH / 2 } else { 0 };
    let blanks = |c| if c == '\t' { ' ' } else { c };
    let shown: String = location.source.chars().skip(from).take(WIDTH).map(blanks).collect();
    let carets = location.width.min(WIDTH.saturating_sub(column - from)).max(1);
    let number = location.line.to_string();
    let (margin, indent) = (number.len(), column - from);
    let bar = paint.dim("|");
    writeln!(out, "  {} {bar} {}", paint.dim(&number), shown.trim_end())?;
    writeln!(out, "  {:margin$} {bar} {:indent$}{}", "", "", paint.caret(&"^".repeat(carets)))
}
