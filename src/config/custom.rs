//! Rules of the user's own, as CEL expressions in the settings.
//!
//! Compiled when the settings are read, so that a slip in an expression is an error of the settings with its place, and not one
//! of every object later. What they find is for `rules::custom`.

use std::cell::LazyCell;

use serde::Deserialize;

use super::Level;
use super::conventions::Pattern;
use super::fault::Fault;
use super::shape::settings;
use crate::report::{Provenance, Rule, Severity};
use crate::schema::bundle::Schemas;
use crate::schema::cel::check::{Checker, OldSelf};
use crate::schema::cel::{CelError, Program};
use crate::schema::written;

settings! {
    /// A rule of one's own.
    pub struct CustomRule requires name, expression, message {
        /// The rule's name, in kebab-case; `rules`, `ignores` and reports know it by that.
        pub name: String,
        /// What must hold, in CEL. For an object `self` is the object; for a cluster it has `name`, `namespace`, `environment`,
        /// `cluster` (its Cluster, where the release holds it) and `objects` (all that belong to it).
        pub expression: Expression,
        /// What to say where it does not hold.
        pub message: String,
        /// What to type instead.
        pub suggestion: Option<String>,
        /// How bad that is; a warning, where nothing is said.
        pub severity: Option<Level>,
        /// What the expression looks at; an object, where nothing is said.
        pub over: Option<Scope>,
        /// Only objects of this kind. Where its schema is known, a field that the expressions name and no version of the kind has is
        /// an error of the settings.
        pub kind: Option<Pattern>,
        /// Only objects of this API group; core objects have the group "".
        pub group: Option<Pattern>,
        /// Only objects or clusters for which this holds, in CEL.
        pub when: Option<Expression>,
        /// The field to point at, such as spec.replicas.
        pub field: Option<String>,
    }
}

/// What a rule of the user's looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Each object by itself.
    #[default]
    Object,
    /// Each cluster with all that belongs to it.
    Cluster,
}

/// A CEL expression as it was written.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Expression(pub String);

/// A rule of the user's, ready to run.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// As the rest of the program knows rules.
    pub rule: &'static Rule,
    /// What must hold.
    pub expression: Program,
    /// Where it must.
    pub when: Option<Program>,
    /// The rest, as written.
    pub setting: CustomRule,
}

/// Compiles the rules of the settings.
///
/// # Errors
/// Names that are none or are taken, expressions that are no CEL, with their place.
pub fn compile(settings: &[CustomRule]) -> Result<Vec<Compiled>, Fault> {
    let mut compiled: Vec<Compiled> = Vec::new();
    for (number, setting) in settings.iter().enumerate() {
        let number = number.to_string();
        let at = |field: &'static str| ["custom-rules", &number, field];
        let name = setting.name.as_str();
        let is_kebab = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_kebab {
            return Err(Fault::new(&at("name"), format!("'{name}' is no name of a rule: write-it-like-this")));
        }
        if crate::rules::all().any(|rule| rule.name == name) || compiled.iter().any(|other| other.rule.name == name) {
            return Err(Fault::new(&at("name"), format!("there is a rule '{name}' already")));
        }
        if setting.message.trim().is_empty() {
            return Err(Fault::new(&at("message"), "say what is wrong where the expression does not hold"));
        }
        if setting.over == Some(Scope::Cluster) && (setting.kind.is_some() || setting.group.is_some()) {
            let field = if setting.kind.is_some() { "kind" } else { "group" };
            return Err(Fault::new(
                &at(field),
                "a rule over clusters looks at all of their objects; filter self.objects instead",
            ));
        }
        let program = |field: &'static str, expression: &Expression| {
            let program = Program::compile(&expression.0).map_err(|error| fault(&at(field), &error))?;
            if program.uses_old_self() {
                return Err(Fault::new(&at(field), "there is no oldSelf: only one release is looked at"));
            }
            Ok(program)
        };
        compiled.push(Compiled {
            rule: known_for_good(setting),
            expression: program("expression", &setting.expression)?,
            when: setting.when.as_ref().map(|when| program("when", when)).transpose()?,
            setting: setting.clone(),
        });
    }
    Ok(compiled)
}

/// Finds names of fields that no object has which the rule is for, by the schemas that count.
///
/// # Errors
/// The first such name, with its place and the field that may be meant.
pub fn check_fields(rules: &[Compiled], schemas: &Schemas) -> Result<(), Fault> {
    let checker: LazyCell<Checker> = LazyCell::new(Checker::new);
    for (number, rule) in rules.iter().enumerate() {
        let setting = &rule.setting;
        let Some(kind) = setting.kind.as_ref().filter(|_| setting.over != Some(Scope::Cluster)) else { continue };
        let in_group = |group: &str| setting.group.as_ref().is_none_or(|pattern| pattern.matches(group));
        let fits = |group: &str, name: &str| kind.matches(name) && in_group(group);
        let Some(declared) = written::declared(schemas, fits) else { continue };
        let expressions = [("expression", Some(&setting.expression)), ("when", setting.when.as_ref())];
        for (field, expression) in expressions.into_iter().filter_map(|(field, text)| Some((field, text?))) {
            if let Err(error @ CelError::Field { name, .. }) =
                &checker.expression(&expression.0, &declared, OldSelf::Value)
            {
                let fault = Fault::new(&["custom-rules", &number.to_string(), field], error);
                return Err(match place_of(&expression.0, name) {
                    Some(offset) => fault.offset(offset),
                    None => fault,
                });
            }
        }
    }
    Ok(())
}

/// Where a field is named, behind its dot.
fn place_of(expression: &str, field: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let dots = expression.match_indices('.').map(|(at, _)| at + 1);
    dots.into_iter().find(|at| {
        let rest = expression.get(*at..).unwrap_or_default();
        rest.strip_prefix(field).is_some_and(|after| !after.starts_with(is_part))
    })
}

fn fault(path: &[&str], error: &CelError) -> Fault {
    match error {
        CelError::Syntax { offset, message } => Fault::new(path, message).offset(*offset),
        other => Fault::new(path, other),
    }
}

/// Findings point at rules for as long as the program runs, and settings are read once: their rules stay too.
fn known_for_good(setting: &CustomRule) -> &'static Rule {
    let manual = format!(
        " {}\n\n A rule of the settings (`custom-rules`): it holds where this CEL expression does.\n\n ```cel\n {}\n ```\n",
        setting.message,
        setting.expression.0.trim().replace('\n', "\n ")
    );
    Box::leak(Box::new(Rule {
        name: Box::leak(setting.name.clone().into_boxed_str()),
        severity: setting.severity.and_then(Level::severity).unwrap_or(Severity::Warning),
        provenance: Provenance::Advice,
        manual: Box::leak(manual.into_boxed_str()),
    }))
}
