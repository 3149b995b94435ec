//! The part of the settings that speaks to the rules: severities, conventions of a fleet, what exists elsewhere, ignores.
//!
//! Data only: what a convention means is for its rule.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::shape::settings;
use crate::glob::Glob;
use crate::report::Severity;

/// A set of conventions that comes with capi-lint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Names that say what a cluster is, required labels, one configuration for all, a promotion order, fleet size.
    Fleet,
}

/// What becomes of a rule's findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing: they are not told.
    Off,
    /// They are notes.
    Info,
    /// They are warnings.
    Warning,
    /// They are errors.
    Error,
}

impl Level {
    /// The severity; `None` for off.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Info => Some(Severity::Info),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// A pattern of names with `*` and `?`.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub struct Pattern {
    text: String,
    glob: Glob,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { glob: Glob::new(&text), text }
    }
}

impl Pattern {
    /// Whether a whole name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.glob.matches(name)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn fits(pattern: Option<&Pattern>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.matches(text))
}

settings! {
    /// Objects that exist on the management cluster though no release holds them. What is left out fits anything.
    #[derive(Default)]
    #[serde(default)]
    pub struct External {
        /// The API group.
        pub group: Option<Pattern>,
        /// The kind.
        pub kind: Option<Pattern>,
        /// The namespace.
        pub namespace: Option<Pattern>,
        /// The name.
        pub name: Option<Pattern>,
    }
}

impl External {
    /// Whether an identity is among them.
    pub fn holds(&self, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
        fits(self.group.as_ref(), group)
            && fits(self.kind.as_ref(), kind)
            && fits(self.namespace.as_ref(), namespace)
            && fits(self.name.as_ref(), name)
    }
}

settings! {
    /// How the environment of a cluster is told.
    #[serde(default)]
    pub struct Environments {
        /// The label that names it; a cluster without it is looked up by the parts of its name.
        pub label: String,
        /// Names of environments that bear production.
        pub production: Vec<String>,
        /// Names of environments in which a change is tried before production.
        pub staging: Vec<String>,
        /// Names of environments for development.
        pub development: Vec<String>,
    }
}

impl Default for Environments {
    fn default() -> Self {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        Self {
            label: "environment".to_owned(),
            production: words("prod production prd"),
            staging: words("staging stage stg preprod uat"),
            development: words("dev development test testing qa sandbox local"),
        }
    }
}

settings! {
    /// How clusters are named.
    #[derive(Default)]
    #[serde(default)]
    pub struct Naming {
        /// A regular expression that a whole name has to fit.
        pub pattern: Option<String>,
    }
}

settings! {
    /// How large a fleet one management cluster carries.
    #[derive(Copy, Default)]
    #[serde(default)]
    pub struct FleetSize {
        /// Clusters from which on a warning is due.
        pub comfortable: Option<usize>,
        /// Clusters above which it is an error.
        pub most: Option<usize>,
    }
}

settings! {
    /// Findings that are not to be told, and why.
    pub struct Ignore requires reason {
        /// The rule, or a pattern of rules.
        pub rule: Option<Pattern>,
        /// A pattern of file names, or of the template that the object was rendered from.
        pub path: Option<Pattern>,
        /// A pattern of objects as `Kind/name` or `Kind/namespace/name`.
        pub object: Option<Pattern>,
        /// A pattern of the field's path, such as `spec.clusterNetwork*`.
        pub field: Option<Pattern>,
        /// Why this is fine.
        pub reason: String,
        /// The last day on which it holds, as `2026-12-31`.
        pub until: Option<String>,
    }
}

/// Sets of conventions: one, or a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Presets(Vec<Preset>);

impl Presets {
    /// Whether a set is among them.
    pub fn contains(&self, preset: Preset) -> bool {
        self.0.contains(&preset)
    }
}

impl From<Preset> for Presets {
    fn from(preset: Preset) -> Self {
        Self(vec![preset])
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "extends takes a set of conventions or a list of them: fleet")]
enum OneOrMany {
    One(Preset),
    Many(Vec<Preset>),
}

impl From<OneOrMany> for Presets {
    fn from(presets: OneOrMany) -> Self {
        Self(match presets {
            OneOrMany::One(preset) => vec![preset],
            OneOrMany::Many(presets) => presets,
        })
    }
}

/// What becomes of the findings of each rule that is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Levels(BTreeMap<String, Level>);

impl Levels {
    /// Whether the settings set none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What becomes of a rule's findings, where the settings say so.
    pub fn get(&self, rule: &str) -> Option<&Level> {
        self.0.get(rule)
    }

    /// The rules that are named.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}
