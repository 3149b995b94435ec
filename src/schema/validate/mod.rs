//! The verdict of the API server on one object: what it refuses by the kind's schema, without any webhook.
//!
//! Why on the tape: a fleet has a hundred thousand objects and nearly all are right. The walk reads the tape and the packed
//! schema side by side and allocates nothing until it has something to say; defaults and dropped nulls are not applied to a
//! copy but seen through ([`super::defaults::Effective`]) where a check needs them.
//!
//! The order is the server's (decoding, defaults, schema, CEL), but it does not stop at the first stage that refuses: a person
//! wants to know everything. Rules of CEL run wherever nothing below them is so broken that the server would not run them.
//!
//! - [`walk`]: maps and fields. [`lists`]: lists, sets, keyed lists. [`scalars`]: types, bounds, patterns, formats, enums.
//! - [`union`]: allOf, anyOf, oneOf, not. [`cel_rules`]: `x-kubernetes-validations`. [`update`]: rules on `oldSelf`.
//! - [`alike`]: objects that differ little from one that passed.
//! - [`metadata`], [`names`]: what every object has. [`apply`]: what server-side apply refuses beyond.
//! - [`rules`]: the kinds of findings and their manual pages. [`words`]: how values are named in messages.
//!
//! This folder must not know Cluster API, other objects, or how findings are printed.

mod alike;
mod apply;
mod cel_rules;
mod lists;
mod metadata;
pub mod names;
pub mod rules;
mod scalars;
mod union;
mod update;
mod walk;
mod words;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::cel::{CelError, OBJECT_BUDGET, Program};
use super::declare::{self, BadRule};
use super::pattern::GoPattern;
use super::table::{Kind, Rule, Schema, Table};
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::Value;

pub use alike::{Passed, judge_alike};
pub use update::judge_update;

/// Who sends the object to the server: they differ in what becomes of unknown fields and of nulls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Client {
    /// `kubectl create` and `kubectl apply`: unknown fields are refused, nulls that are not allowed are dropped.
    #[default]
    Create,
    /// Helm 3, and Helm 4 with `--server-side=false`: unknown fields are dropped with a warning, nulls too.
    Warn,
    /// Server-side apply (Helm 4, Flux, Argo CD): unknown fields and nulls that are not allowed are refused.
    Apply,
}

/// How an object is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Who sends it.
    pub client: Client,
}

/// Compiled patterns and rules of one table, made when first needed. Shared by all threads.
#[derive(Debug, Default)]
pub struct Compiled {
    patterns: Box<[OnceLock<Option<Pattern>>]>,
    rules: Box<[OnceLock<Result<Program, CelError>>]>,
    /// The expressions of what is said when a rule does not hold.
    messages: Box<[OnceLock<Option<Program>>]>,
    /// Rules that a server would not take, by their schemas: they are not run.
    refused: HashMap<u32, Vec<BadRule>>,
}

impl Compiled {
    /// Room for what the table holds; nothing is compiled yet.
    pub fn new(table: &Table) -> Self {
        Self {
            patterns: table.patterns().map(|_| OnceLock::new()).collect(),
            rules: table.rules().map(|_| OnceLock::new()).collect(),
            messages: table.rules().map(|_| OnceLock::new()).collect(),
            refused: HashMap::new(),
        }
    }

    /// As [`Compiled::new`], for schemas that no server has seen yet, perhaps: rules that it would not take are found now. A rule
    /// that may only cost too much runs all the same: servers differ in that. `is_resource`: the kinds are objects.
    pub fn checked(table: &Table, is_resource: bool) -> Self {
        let mut refused: HashMap<u32, Vec<BadRule>> = HashMap::new();
        if table.rules().len() > 0 {
            let all = table.kinds().flat_map(|kind| declare::check_all(kind.schema(), is_resource));
            let has_no_meaning = |bad: &BadRule| !matches!(bad.error, CelError::TooCostly { .. });
            all.filter(has_no_meaning).for_each(|bad| refused.entry(bad.schema).or_default().push(bad));
        }
        Self { refused, ..Self::new(table) }
    }

    /// The compiled pattern; `None` where it is no regular expression (the server then refuses any text).
    fn pattern<'p>(&self, number: u32, text: impl FnOnce() -> &'p str) -> Option<&Pattern> {
        let slot = self.patterns.get(number as usize)?;
        slot.get_or_init(|| Pattern::compile(text())).as_ref()
    }

    /// The compiled rule of a schema, or why it cannot be; `None` for a rule of another table.
    fn rule(&self, schema: Schema<'_>, rule: Rule<'_>) -> Option<Result<&Program, String>> {
        let prefix = |error: &CelError| if error.is_certain() { "an API server takes no CRD with it: " } else { "" };
        if let Some(bad) = self.refused(schema).iter().find(|bad| bad.rule == Some(rule.number)) {
            return Some(Err(format!("{}{bad}", prefix(&bad.error))));
        }
        let slot = self.rules.get(rule.number as usize)?;
        let program = slot.get_or_init(|| Program::compile(rule.rule)).as_ref();
        Some(program.map_err(|error| format!("{}{error}", prefix(error))))
    }

    /// The compiled expression of a rule's message, where it has one.
    fn message(&self, rule: Rule<'_>) -> Option<&Program> {
        let text = rule.message_expression?;
        self.messages.get(rule.number as usize)?.get_or_init(|| Program::compile(text).ok()).as_ref()
    }

    /// The rules at a schema that a server would not take.
    fn refused(&self, schema: Schema<'_>) -> &[BadRule] {
        if self.refused.is_empty() {
            return &[];
        }
        self.refused.get(&schema.number()).map_or(&[], Vec::as_slice)
    }
}

/// A compiled pattern.
#[derive(Debug)]
enum Pattern {
    /// Kubernetes' own for names, which stands at most references: it needs no regular expression.
    Dotted,
    Other(GoPattern),
}

impl Pattern {
    /// As CRDs write it.
    const DOTTED: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

    fn compile(text: &str) -> Option<Self> {
        if text == Self::DOTTED { Some(Self::Dotted) } else { GoPattern::compile(text).ok().map(Self::Other) }
    }

    fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Dotted => names::is_dotted(text),
            Self::Other(pattern) => pattern.is_match(text),
        }
    }
}

/// Judges one object of a kind; `kind` and `compiled` belong to one table. `prefilled` are the dotted paths (list positions as
/// `[*]`) that mutating webhooks fill in before the schema is looked at: they are not missing.
pub fn judge(
    object: &Object<'_>,
    kind: Kind<'_>,
    compiled: &Compiled,
    options: Options,
    prefilled: &[&str],
    out: &mut Vec<Finding>,
) {
    Judge { prefilled, ..Judge::new(object, Some(kind), compiled, options, out) }.object(kind.schema());
}

/// Judges a value within an object by a schema that is not the object's: that of a ClusterClass's variable, for instance.
pub fn judge_value<'a>(
    object: &Object<'a>,
    value: Value<'a>,
    schema: Schema<'_>,
    compiled: &Compiled,
    out: &mut Vec<Finding>,
) {
    Judge::new(object, None, compiled, Options::default(), out).value(schema, value);
}

/// Judges an object whose kind is none of the table's: its metadata, and whether its kind is one of the table's in lower case,
/// by which kubectl finds it and the server refuses it.
pub fn judge_unknown(object: &Object<'_>, table: &Table, options: Options, out: &mut Vec<Finding>) {
    out.extend(miswritten_kind(object, table));
    Judge::new(object, None, &Compiled::default(), options, out).any_object();
}

fn miswritten_kind(object: &Object<'_>, table: &Table) -> Option<Finding> {
    let is_lower = !object.kind.bytes().any(|b| b.is_ascii_uppercase());
    let meant = table.kinds().filter(|_| is_lower).find(|kind| {
        kind.served()
            && kind.group() == object.group()
            && kind.is_version(object.version())
            && kind.kind().to_lowercase() == object.kind
    })?;
    let message = format!("the kind is written {}; the API server refuses `{}`", meant.kind(), object.kind);
    let value = object.root.get("kind").unwrap_or(object.root);
    Some(object.finding(&rules::INVALID_VALUE, value, message).suggest(meant.kind()))
}

/// What the walk carries along.
struct Judge<'j, 'a> {
    object: &'j Object<'a>,
    /// `None` where it is not known.
    kind: Option<Kind<'j>>,
    compiled: &'j Compiled,
    client: Client,
    prefilled: &'j [&'j str],
    out: &'j mut Vec<Finding>,
    /// Errors so far after which the server runs no CEL.
    blocking: usize,
    /// Errors so far.
    complaints: usize,
    /// What the rules may still cost, in the server's units; nothing once the server has run out of it and runs no more.
    cel_budget: Option<u64>,
    /// The object as it is in the cluster, where this is an update.
    old: Option<&'j Object<'j>>,
}

/// Whether an error keeps the server from running CEL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Blocking,
    Harmless,
}

impl<'j, 'a> Judge<'j, 'a> {
    fn new(
        object: &'j Object<'a>,
        kind: Option<Kind<'j>>,
        compiled: &'j Compiled,
        options: Options,
        out: &'j mut Vec<Finding>,
    ) -> Self {
        let client = options.client;
        let cel_budget = Some(OBJECT_BUDGET);
        Self { object, kind, compiled, client, prefilled: &[], out, blocking: 0, complaints: 0, cel_budget, old: None }
    }

    /// Adds a finding.
    fn add(&mut self, effect: Effect, finding: Finding) {
        self.blocking += usize::from(effect == Effect::Blocking);
        self.complaints += 1;
        self.out.push(finding);
    }

    /// The path of a value from the object's root.
    fn path(&self, value: Value<'a>) -> String {
        self.object.path(value.index())
    }

    /// Kind and version as people say them: `MachineDeployment v1beta2`.
    fn kind_name(&self) -> String {
        format!("{} {}", self.object.kind, self.object.version())
    }

    /// Whether Go code of the server decodes and judges the kind: a null is then Go's zero value, and lists are only merged by
    /// their keys, not checked.
    fn is_native(&self) -> bool {
        self.kind.is_some_and(Kind::native)
    }

    /// Whether the server keeps nothing of `status` in what it is sent.
    fn drops_status(&self) -> bool {
        self.kind.is_some_and(Kind::status_subresource)
    }
}

#[cfg(test)]
mod tests;
