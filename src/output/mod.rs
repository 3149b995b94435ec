//! How findings are printed: one file a format.
//!
//! Formats take what was found and where, resolved once by [`locate`]; they judge nothing and open nothing.

use std::io::{self, Write};

use crate::config::{self, FailOn};
use crate::parted::Parted;
use crate::report::Severity;

mod compact;
mod github;
mod gitlab;
pub mod html;
mod json;
pub(crate) mod junit;
pub mod locate;
mod markdown;
pub mod paint;
mod sarif;
pub mod table;
mod tap;
mod text;

pub use locate::{Located, Location};

/// What one run found.
#[derive(Debug, Default)]
pub struct Report<'r> {
    /// Number of objects judged.
    pub objects: usize,
    /// Findings with their places, in the order of the input.
    pub findings: Parted<Located<'r>>,
}

impl Report<'_> {
    /// How many findings are of a severity; a finding that stands for many places counts once.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|located| located.finding.severity == severity).count()
    }

    /// Whether any finding makes the run fail.
    pub fn reaches(&self, threshold: FailOn) -> bool {
        self.findings.iter().any(|located| threshold.is_reached_by(located.finding.severity))
    }
}

/// A format of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: each finding with its lines of source.
    #[default]
    Text,
    /// One line a finding.
    Compact,
    /// One document for programs.
    Json,
    /// One JSON document a line: each finding, then the summary.
    Jsonl,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for test reports.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// Test Anything Protocol.
    Tap,
    /// A table for a pull request or a step summary.
    Markdown,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// Only the closing line, and findings that reach the threshold.
    pub quiet: Option<FailOn>,
    /// On at most so many threads.
    pub jobs: usize,
}

/// Writes a report in a format.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<'_>, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, style, out),
        Format::Compact => compact::write(report, out),
        Format::Json => json::write(report, out),
        Format::Jsonl => json::write_lines(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Github => github::write(report, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Tap => tap::write(report, out),
        Format::Markdown => markdown::write(report, out),
    }
}

/// Text without line breaks, for formats of one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How often a finding stands, where it is more than once.
fn times(count: usize) -> String {
    if count > 1 { format!(" ({count} places)") } else { String::new() }
}

/// A number that stays the same from run to run, from machine to machine and from release to release: FNV-1a over the parts.
fn fingerprint(identity: &[&str]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in identity.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// What a finding is about, without where it stands: holds when lines move.
fn identity(located: &Located<'_>) -> String {
    let rule = located.finding.rule.name;
    match &located.location {
        Some(Location { object: Some(object), path, .. }) => {
            let namespace = object.namespace.as_deref().unwrap_or_default();
            fingerprint(&[rule, path, &object.api_version, &object.kind, namespace, &object.name])
        }
        Some(location) => fingerprint(&[rule, &location.path, location.file]),
        None => fingerprint(&[rule, &located.finding.message]),
    }
}

/// Where a finding is, as a file of the repository: standard input has none, so there the template that Helm names stands in.
/// CI systems find a file by its path as Git has it, without a dot in front.
fn repository_path<'l>(location: &'l Location<'_>) -> &'l str {
    match location.file {
        "<stdin>" => location.template.unwrap_or("stdin"),
        file => file.trim_start_matches("./"),
    }
}

/// The file that stands in for findings about the run as a whole, which CI systems refuse without one.
fn any_file<'r>(report: &'r Report<'_>) -> &'r str {
    report.findings.iter().find_map(|located| located.location.as_ref()).map_or(config::FILE_NAME, repository_path)
}
