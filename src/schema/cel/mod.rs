//! CEL, the language of `x-kubernetes-validations`, as a Kubernetes 1.36 API server evaluates it.
//!
//! Why of our own: rules stand on nearly every object (kubeadm's argument lists), so they run on the object's own representation
//! ([`Data`]) without conversion, and Kubernetes' libraries are part of it. There is no type checker: an installed CRD has been
//! through the server's. What cannot be evaluated here is an error that says so ([`CelError`], [`EvalError::NotChecked`]); it is
//! never a silent pass. This module must not know schemas, findings or Kubernetes' objects.

mod data;
mod eval;
mod functions;
mod lexer;
mod named_format;
mod parser;
mod resolve;
mod semver;
pub mod time;
mod value;

use std::borrow::Cow;
use std::fmt;

pub use data::{Data, ListKind, View};

use super::pattern::PatternError;

/// Why a rule could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CelError {
    /// It is no CEL.
    Syntax {
        /// Where in the rule.
        offset: usize,
        /// What is wrong there.
        message: String,
    },
    /// It names something that the server does not have, or that this program does not know.
    Unknown(String),
    /// A constant regular expression is none, or is not supported.
    Pattern(PatternError),
}

impl CelError {
    fn syntax(offset: usize, message: String) -> Self {
        Self::Syntax { offset, message }
    }
}

impl fmt::Display for CelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { offset, message } => write!(f, "{message} at byte {offset} of the rule"),
            Self::Unknown(message) => f.write_str(message),
            Self::Pattern(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CelError {}

/// Why an evaluation came to no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// The server comes to no result either, and refuses the object: a key that is not there, an overflow, an index too large.
    Refused(Cow<'static, str>),
    /// The rule costs more than the server allows; our count is rough, so the server's verdict is not known.
    TooCostly,
    /// This program cannot tell what the server says.
    NotChecked(Cow<'static, str>),
}

impl EvalError {
    fn refused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(message.into())
    }

    fn not_checked(message: impl Into<Cow<'static, str>>) -> Self {
        Self::NotChecked(message.into())
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) => f.write_str(message),
            Self::TooCostly => f.write_str("the rule costs more than the server allows"),
            Self::NotChecked(message) => write!(f, "not checked: {message}"),
        }
    }
}

impl std::error::Error for EvalError {}

/// A compiled rule. Costs some microseconds to compile: compile once, when it is first needed.
#[derive(Clone, Debug)]
pub struct Program {
    root: resolve::Expr,
    uses_old_self: bool,
}

impl Program {
    /// Compiles a rule.
    pub fn compile(rule: &str) -> Result<Self, CelError> {
        let (root, uses_old_self) = resolve::resolve(&parser::parse(rule)?)?;
        Ok(Self { root, uses_old_self })
    }

    /// Whether the rule names `oldSelf`: it is then judged on updates alone, unless it has `optionalOldSelf`.
    pub fn uses_old_self(&self) -> bool {
        self.uses_old_self
    }

    /// Whether the rule holds. A rule that names `oldSelf` needs it.
    pub fn evaluate<'v, D: Data<'v>>(&'v self, self_: D, old_self: Option<D>) -> Result<bool, EvalError> {
        eval::run(&self.root, self_, eval::OldSelf::Value(old_self))
    }

    /// Whether a rule with `optionalOldSelf: true` holds: it sees `oldSelf` as an optional value, empty on create.
    pub fn evaluate_with_optional_old_self<'v, D: Data<'v>>(
        &'v self,
        self_: D,
        old_self: Option<D>,
    ) -> Result<bool, EvalError> {
        eval::run(&self.root, self_, eval::OldSelf::Optional(old_self))
    }
}
