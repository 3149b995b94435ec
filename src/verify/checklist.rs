//! The answers: one check after the other, and their sums.

use serde::Serialize;

use super::drift::Drift;
use super::live::HelmRelease;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not, or not yet.
    Failed,
    /// Worth a look.
    Warning,
    /// The live data does not tell.
    Skipped,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Helm's release.
    Release,
    /// The Cluster object.
    Present,
    /// Its infrastructure.
    Provisioned,
    /// Its control plane.
    ControlPlane,
    /// Its machines.
    Machines,
    /// The Cluster's labels.
    Labels,
    /// The Secret by which it is reached.
    Kubeconfig,
    /// All other objects.
    Objects,
    /// Fields that are not as rendered.
    Drift,
    /// Objects that nobody rendered.
    Unrendered,
}

impl What {
    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Present => "present",
            Self::Provisioned => "provisioned",
            Self::ControlPlane => "control plane",
            Self::Machines => "machines",
            Self::Labels => "labels",
            Self::Kubeconfig => "kubeconfig",
            Self::Objects => "objects",
            Self::Drift => "drift",
            Self::Unrendered => "unrendered",
        }
    }
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Whom it is about: `cluster dev/one`, `shared objects`, `release`.
    pub subject: String,
    /// What was looked at.
    pub what: What,
    /// What it came to.
    pub outcome: Outcome,
    /// The finding in a few words.
    pub detail: String,
    /// Why it failed, as far as the live objects tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// The fields of a drift.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
}

impl Check {
    /// A check without causes.
    pub fn new(subject: impl Into<String>, what: What, outcome: Outcome, detail: impl Into<String>) -> Self {
        let (subject, detail) = (subject.into(), detail.into());
        Self { subject, what, outcome, detail, causes: Vec::new(), drift: Vec::new() }
    }
}

/// The sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Clusters of the release.
    pub clusters: usize,
    /// Those whose infrastructure stands.
    pub provisioned: usize,
    /// Machines that the release asks for.
    pub machines_expected: u64,
    /// Those of them that are workers.
    pub workers_expected: u64,
    /// Those that run.
    pub machines_running: u64,
    /// Checks that passed.
    pub passed: usize,
    /// Checks that failed.
    pub failed: usize,
    /// Checks that are worth a look.
    pub warnings: usize,
    /// Checks that the live data does not allow.
    pub skipped: usize,
}

/// All checks of a release.
#[derive(Debug, Default, Serialize)]
pub struct Checklist {
    /// Of the JSON shape.
    pub version: u32,
    /// Helm's newest revision, where the live data tells.
    pub release: Option<HelmRelease>,
    /// In the order of the release.
    pub checks: Vec<Check>,
    /// The sums.
    pub summary: Summary,
}

impl Checklist {
    /// Counts the outcomes.
    pub fn sum(&mut self) {
        let count = |outcome: Outcome| self.checks.iter().filter(|check| check.outcome == outcome).count();
        let (passed, failed) = (count(Outcome::Passed), count(Outcome::Failed));
        let (warnings, skipped) = (count(Outcome::Warning), count(Outcome::Skipped));
        self.summary = Summary { passed, failed, warnings, skipped, ..self.summary };
    }

    /// Checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.outcome == Outcome::Failed)
    }

    /// In one line: what has come up, and what is left.
    pub fn summary_line(&self) -> String {
        let summary = &self.summary;
        format!(
            "{} of {} clusters provisioned, {} of {} machines running ({} control plane + {} workers asked for); {} checks passed, \
             {} failed, {} to look at, {} not possible",
            summary.provisioned,
            summary.clusters,
            summary.machines_running,
            summary.machines_expected,
            summary.machines_expected - summary.workers_expected,
            summary.workers_expected,
            summary.passed,
            summary.failed,
            summary.warnings,
            summary.skipped
        )
    }
}
