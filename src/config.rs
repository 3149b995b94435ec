//! The settings in `.capi-lint.yaml`, and how flags go over them.
//!
//! Found upwards from the working directory, or named by `--config`. Unknown keys are refused, so that a misspelt setting does
//! not do nothing in silence.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::input::{self, InputError};
use crate::inventory::Inventory;
use crate::report::Severity;
use crate::schema::bundle::Schemas;
use crate::schema::suggest::nearest;
use crate::schema::validate::Client;
use crate::transform::{Dedupe, Labels, label};
use crate::yaml;

mod conventions;
mod custom;
mod fault;
pub mod shape;

pub use conventions::{Environments, External, FleetSize, Ignore, Level, Levels, Naming, Pattern, Preset, Presets};
pub use custom::{Compiled, CustomRule, Expression, Scope};
use fault::Fault;
pub(crate) use shape::settings;

/// Bytes that settings may have.
const MOST_BYTES: usize = 4 << 20;

/// The file's name.
pub const FILE_NAME: &str = ".capi-lint.yaml";

settings! {
    /// What stands in `.capi-lint.yaml`. Every field may be absent.
    #[derive(Default)]
    #[serde(default)]
    pub struct Settings {
        /// As `--fail-on`: the least severity that makes the exit code 1.
        pub fail_on: Option<FailOn>,
        /// As `--capi-version`: the CAPI release of the management cluster, such as "1.13".
        pub capi_version: Option<String>,
        /// As `--client`: how the manifests reach the server.
        pub client: Option<Client>,
        /// As `--unknown-kinds`: what an object of a kind without schema is.
        pub unknown_kinds: Option<UnknownKinds>,
        /// As `--admission`: whether CAPI's webhooks judge too.
        pub admission: Option<Switch>,
        /// As `--dedupe`: what post-render does with objects that stand twice.
        pub dedupe: Option<DedupeSetting>,
        /// As `--namespace`: the namespace of objects that name none.
        pub namespace: Option<String>,
        /// Feature gates of the management cluster: name to on or off.
        pub gates: BTreeMap<String, bool>,
        /// As `--schemas`: CRDs or JSON Schemas of one's own; relative to the file.
        pub schemas: Vec<PathBuf>,
        /// The labels that post-render adds.
        pub labels: Labels,
        /// Sets of conventions that come with capi-lint.
        pub extends: Presets,
        /// What becomes of each rule's findings.
        pub rules: Levels,
        /// Rules of one's own.
        pub custom_rules: Vec<CustomRule>,
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
        /// As `--inventory`: files with clusters that exist besides the release; relative to the file.
        pub inventory: Vec<PathBuf>,
        /// As `--baseline`: findings that are known; relative to the file.
        pub baseline: Option<PathBuf>,
    } and {
        /// What the inventory holds; read by the command line.
        pub known_clusters: Inventory,
        /// The folder of the file, for relative paths.
        pub folder: PathBuf,
        /// The file and its text, where there is one: for faults that are found later.
        pub file: Option<(PathBuf, String)>,
        /// The rules of `custom-rules`, ready to run.
        pub compiled_rules: Vec<Compiled>,
    }
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
        if self.path.as_os_str().is_empty() {
            return f.write_str(&self.what);
        }
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
        // The message names the file.
        let unreadable = |error: InputError| ConfigError { path: PathBuf::new(), what: error.to_string() };
        let text = input::whole_text(path).map_err(unreadable)?;
        let mut settings = Self::parse(&text).map_err(fault)?;
        settings.folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        settings.file = Some((path.to_path_buf(), text));
        Ok(settings)
    }

    /// Settings from text; the error is a message with line and column.
    ///
    /// # Errors
    /// No YAML, unknown keys, values of the wrong kind, labels that the server would refuse.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.split(['\n', '\r']).all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        if text.len() > MOST_BYTES {
            return Err("is larger than four megabytes: these are no settings".to_owned());
        }
        // The settings' reader takes very long for what is nested very deep; ours does not.
        if let Err(error) = yaml::parse(text)
            && error.problem == yaml::Problem::TooDeep
        {
            return Err(error.to_string());
        }
        let mut settings: Self = serde_yaml::from_str(text).map_err(|error| fault::of_reader(&error))?;
        settings.compiled_rules = custom::compile(&settings.custom_rules).map_err(|fault| fault.message(text))?;
        let checked = settings.check_rules().and_then(|()| settings.check_conventions());
        checked.and_then(|()| settings.check_labels()).map_err(|fault| fault.message(text))?;
        Ok(settings)
    }

    /// Holds the fields that the user's own rules name against the schemas that count.
    ///
    /// # Errors
    /// A name that no object has which the rule is for.
    pub fn check_custom_rules(&self, schemas: &Schemas) -> Result<(), ConfigError> {
        custom::check_fields(&self.compiled_rules, schemas).map_err(|fault| {
            let (path, text) = self.file.clone().unwrap_or_default();
            ConfigError { path, what: fault.message(&text) }
        })
    }

    /// The names of all rules, the user's own included.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        let own = self.compiled_rules.iter().map(|rule| rule.rule.name);
        crate::rules::all().map(|rule| rule.name).chain(own)
    }

    /// Whether a set of conventions is in force.
    pub fn extends(&self, preset: Preset) -> bool {
        self.extends.contains(preset)
    }

    fn check_labels(&self) -> Result<(), Fault> {
        let labels = &self.labels;
        let by_cluster =
            labels.by_cluster.iter().map(|(pattern, labels)| (vec!["labels", "by-cluster", pattern], labels));
        let simple = [(vec!["labels", "all"], &labels.all), (vec!["labels", "clusters"], &labels.clusters)];
        for (mut path, labels) in simple.into_iter().chain(by_cluster) {
            for (key, value) in labels {
                path.push(key);
                label::check(key, value).map_err(|error| Fault::new(&path, error))?;
                path.pop();
            }
        }
        for (number, key) in labels.inherit.iter().enumerate() {
            label::check(key, "").map_err(|error| Fault::new(&["labels", "inherit", &number.to_string()], error))?;
        }
        Ok(())
    }

    fn check_rules(&self) -> Result<(), Fault> {
        for name in self.rules.keys() {
            if !self.rule_names().any(|rule| rule == name) {
                let help = match nearest(name, self.rule_names()) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => "capi-lint rules lists them".to_owned(),
                };
                return Err(Fault::new(&["rules", name], format!("there is no rule '{name}'; {help}")));
            }
        }
        for (number, ignore) in self.ignores.iter().enumerate() {
            let number = number.to_string();
            if ignore.reason.trim().is_empty() {
                let what = "say why in 'reason', so that the next reader knows";
                return Err(Fault::new(&["ignores", &number, "reason"], what));
            }
            if let Some(date) = ignore.until.as_deref().filter(|date| !is_date(date)) {
                let what = format!("'{date}' is no date such as 2026-12-31");
                return Err(Fault::new(&["ignores", &number, "until"], what));
            }
            if let Some(rule) = ignore.rule.as_ref().filter(|rule| !self.rule_names().any(|name| rule.matches(name))) {
                let help = match nearest(rule.text(), self.rule_names()) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => "capi-lint rules lists them".to_owned(),
                };
                let what = format!("there is no rule '{}'; {help}", rule.text());
                return Err(Fault::new(&["ignores", &number, "rule"], what));
            }
        }
        Ok(())
    }

    fn check_conventions(&self) -> Result<(), Fault> {
        if let Some(Err(error)) = self.naming.pattern.as_deref().map(regex::Regex::new) {
            return Err(Fault::new(&["naming", "pattern"], error));
        }
        let is_version = |text: &str| crate::rules::view::Version::parse(text).is_some();
        for (environment, version) in &self.versions {
            let is_relative =
                version == "N" || version.strip_prefix("N-").is_some_and(|back| back.parse::<u32>().is_ok());
            if !is_relative && !is_version(version) {
                let what = format!("'{version}' is neither N, N-1, … nor a version such as v1.34");
                return Err(Fault::new(&["versions", environment], what));
            }
        }
        if let Some(version) = self.newest_version.as_deref().filter(|version| !is_version(version)) {
            return Err(Fault::new(&["newest-version"], format!("'{version}' is no version such as v1.34")));
        }
        for (key, allowed) in &self.required_labels {
            for value in allowed.iter().map(String::as_str).chain([""]) {
                label::check(key, value).map_err(|error| Fault::new(&["required-labels", key], error))?;
            }
        }
        if let (Some(comfortable), Some(most)) = (self.fleet_size.comfortable, self.fleet_size.most)
            && comfortable > most
        {
            let what = format!("{comfortable} clusters cannot be comfortable where {most} are the most");
            return Err(Fault::new(&["fleet-size", "comfortable"], what));
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
