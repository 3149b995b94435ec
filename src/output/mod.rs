//! How findings are printed: one file a format.
//!
//! Formats take what was found and where, resolved once by [`locate`]; they judge nothing and open nothing.

use std::io::{self, Write};

use crate::config::FailOn;
use crate::report::Severity;

pub mod json;
pub mod locate;
pub mod text;

pub use locate::{Located, Location};

/// What one run found.
#[derive(Debug, Default)]
pub struct Report<'r> {
    /// Number of objects judged.
    pub objects: usize,
    /// Findings with their places, in the order of the input.
    pub findings: Vec<Located<'r>>,
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
    /// One document for programs.
    Json,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// Only the closing line, and findings that reach the threshold.
    pub quiet: Option<FailOn>,
}

/// Writes a report in a format.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<'_>, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, style, out),
        Format::Json => json::write(report, out),
    }
}
