//! The settings in `.capi-lint.yaml`, and how flags go over them.
//!
//! Found upwards from the working directory, or named by `--config`. Unknown keys are refused, so that a misspelt setting does
//! not do nothing in silence.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::inventory::Inventory;
use crate::report::Severity;
use crate::schema::suggest::nearest;
use crate::schema::validate::Client;
use crate::transform::{Dedupe, Labels, label};

mod conventions;

pub use conventions::{Environments, External, FleetSize, Ignore, Level, Naming, Pattern, Preset};

/// The file's name.
pub const FILE_NAME: &str = ".capi-lint.yaml";

/// What stands in `.capi-lint.yaml`. Every field may be absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// As `--fail-on`.
    pub fail_on: Option<FailOn>,
    /// As `--capi-version`.
    pub capi_version: Option<String>,
    /// As `--client`.
    pub client: Option<Client>,
    /// As `--unknown-kinds`.
    pub unknown_kinds: Option<UnknownKinds>,
    /// As `--admission`.
    pub admission: Option<Switch>,
    /// As `--dedupe`.
    pub dedupe: Option<DedupeSetting>,
    /// As `--namespace`.
    pub namespace: Option<String>,
    /// Feature gates of the management cluster: name to on or off.
    pub gates: BTreeMap<String, bool>,
    /// As `--schemas`; relative to the file.
    pub schemas: Vec<PathBuf>,
    /// The labels that post-render adds.
    pub labels: Labels,
    /// Sets of conventions that come with capi-lint.
    #[serde(deserialize_with = "conventions::one_or_many")]
    pub extends: Vec<Preset>,
    /// What becomes of each rule's findings.
    pub rules: BTreeMap<String, Level>,
    /// The release holds everything its objects refer to: a reference that leads out of it is an error.
    pub complete: bool,
    /// What exists on the management cluster already.
    pub external: Vec<External>,
    /// How environments are told.
    pub environments: Environments,
    /// How clusters are named.
    pub naming: Naming,
    /// Labels that every Cluster carries, and the values allowed (none given: any).
    pub required_labels: BTreeMap<String, Vec<String>>,
    /// The Kubernetes version of each environment: `N`, `N-1` (N is `newest-version`, or the newest of the fleet), or `v1.34`.
    pub versions: BTreeMap<String, String>,
    /// What `N` means in `versions`.
    pub newest_version: Option<String>,
    /// The clusters' networks are joined: ranges that overlap across clusters are errors.
    pub meshed: bool,
    /// How large the fleet may be.
    pub fleet_size: FleetSize,
    /// Findings that are not to be told.
    pub ignores: Vec<Ignore>,
    /// As `--inventory`; relative to the file.
    pub inventory: Vec<PathBuf>,
    /// As `--baseline`; relative to the file.
    pub baseline: Option<PathBuf>,
    /// What the inventory holds; read by the command line.
    #[serde(skip)]
    pub known_clusters: Inventory,
    /// The folder of the file, for relative paths.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// The least severity that makes the exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Errors only.
    #[default]
    Error,
    /// Warnings and errors.
    Warning,
    /// Anything at all.
    Info,
    /// Nothing: findings are told, and that is all.
    Never,
}

impl FailOn {
    /// Whether a finding of this severity reaches it.
    pub fn is_reached_by(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Info => true,
            Self::Never => false,
        }
    }
}

/// What an object of a kind without schema is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum UnknownKinds {
    /// Not worth a word.
    Ignore,
    /// A note that it was not checked.
    #[default]
    Note,
    /// A warning.
    Warn,
    /// An error.
    Error,
}

/// On or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// It is done.
    #[default]
    On,
    /// It is left out.
    Off,
}

/// [`Dedupe`] as users write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DedupeSetting {
    /// Take out identical duplicates, refuse conflicting ones.
    Identical,
    /// Keep the first of conflicting duplicates.
    KeepFirst,
    /// Keep the last of conflicting duplicates.
    KeepLast,
    /// Leave all duplicates in.
    Off,
}

impl From<DedupeSetting> for Dedupe {
    fn from(setting: DedupeSetting) -> Self {
        match setting {
            DedupeSetting::Identical => Self::Identical,
            DedupeSetting::KeepFirst => Self::KeepFirst,
            DedupeSetting::KeepLast => Self::KeepLast,
            DedupeSetting::Off => Self::Off,
        }
    }
}

/// Why the settings cannot be used. Exit code 2.
#[derive(Debug)]
pub struct ConfigError {
    path: PathBuf,
    what: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.what)
    }
}

impl std::error::Error for ConfigError {}

impl Settings {
    /// The settings of a file named by the user, or of the nearest `.capi-lint.yaml` from `folder` upwards; the defaults where
    /// there is none.
    ///
    /// # Errors
    /// A file that cannot be read, is no YAML, or holds unknown or invalid settings.
    pub fn find(named: Option<&Path>, folder: &Path) -> Result<Self, ConfigError> {
        let found = || folder.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file());
        match named.map(Path::to_path_buf).or_else(found) {
            Some(path) => Self::read(&path),
            None => Ok(Self::default()),
        }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let fault = |what: String| ConfigError { path: path.to_path_buf(), what };
        let text = fs::read_to_string(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
        let mut settings = Self::parse(&text).map_err(fault)?;
        settings.folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        Ok(settings)
    }

    /// Settings from text; the error is a message with line and column.
    ///
    /// # Errors
    /// No YAML, unknown keys, values of the wrong kind, labels that the server would refuse.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let settings: Self = serde_yaml::from_str(text).map_err(|error| with_suggestion(error.to_string()))?;
        settings.check_conventions()?;
        let labels = &settings.labels;
        for (key, value) in labels.all.iter().chain(&labels.clusters).chain(labels.by_cluster.values().flatten()) {
            label::check(key, value).map_err(|error| format!("labels: {error}"))?;
        }
        for key in &labels.inherit {
            label::check(key, "").map_err(|error| format!("labels.inherit: {error}"))?;
        }
        Ok(settings)
    }

    /// Whether a set of conventions is in force.
    pub fn extends(&self, preset: Preset) -> bool {
        self.extends.contains(&preset)
    }

    fn check_conventions(&self) -> Result<(), String> {
        let rule_names = || crate::rules::all().map(|rule| rule.name);
        for name in self.rules.keys() {
            if !rule_names().any(|rule| rule == name) {
                return Err(match nearest(name, rule_names()) {
                    Some(near) => format!("rules: there is no rule '{name}'; did you mean '{near}'?"),
                    None => format!("rules: there is no rule '{name}'; capi-lint rules lists them"),
                });
            }
        }
        if let Some(Err(error)) = self.naming.pattern.as_deref().map(regex::Regex::new) {
            return Err(format!("naming.pattern: {error}"));
        }
        for (environment, version) in &self.versions {
            let is_relative =
                version == "N" || version.strip_prefix("N-").is_some_and(|back| back.parse::<u32>().is_ok());
            if !is_relative && crate::rules::view::Version::parse(version).is_none() {
                return Err(format!(
                    "versions.{environment}: '{version}' is neither N, N-1, … nor a version such as v1.34"
                ));
            }
        }
        for ignore in &self.ignores {
            if ignore.reason.trim().is_empty() {
                return Err("ignores: say why in 'reason', so that the next reader knows".to_owned());
            }
            if ignore.until.as_deref().is_some_and(|date| !is_date(date)) {
                return Err("ignores: 'until' is a date such as 2026-12-31".to_owned());
            }
        }
        Ok(())
    }
}

/// Whether text is a date as `2026-12-31`; such dates sort as text.
pub fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let in_range = |range: std::ops::Range<usize>, least: u32, most: u32| {
        text.get(range).and_then(|part| part.parse::<u32>().ok()).is_some_and(|number| (least..=most).contains(&number))
    };
    bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() })
        && in_range(5..7, 1, 12)
        && in_range(8..10, 1, 31)
}

/// Adds which setting was probably meant to a message about one that does not exist.
fn with_suggestion(message: String) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message };
    let Some((unknown, known)) = rest.split_once('`') else { return message };
    let candidates = known.split('`').skip(1).step_by(2);
    match nearest(unknown, candidates) {
        Some(near) => format!("{message}. Did you mean '{near}'?"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        let settings = Settings::parse(
            "fail-on: warning\nlabels:\n  all: {owner: platform}\n  by-cluster:\n    app-prod-*: {tier: gold}\n  from-name: \
             '{app}-{environment}-{region}'\n",
        )
        .unwrap();
        assert_eq!(settings.fail_on, Some(FailOn::Warning));
        assert_eq!(settings.labels.all["owner"], "platform");
        assert!(Settings::parse("# nothing\n").is_ok());
    }

    #[test]
    fn unknown_keys_are_refused_with_a_position() {
        let error = Settings::parse("fail-on: error\nlables: {}\n").unwrap_err();
        assert!(error.contains("lables") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn labels_are_checked() {
        assert!(Settings::parse("labels: {all: {'a b': c}}").is_err());
    }
}
