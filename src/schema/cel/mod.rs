//! CEL, the language of `x-kubernetes-validations`, as a Kubernetes 1.36 API server evaluates it.
//!
//! Why of our own: rules stand on nearly every object (kubeadm's argument lists), so they run on the object's own representation
//! ([`Data`]) without conversion, and Kubernetes' libraries are part of it. A rule of an installed CRD has been through the server's
//! type checker and runs as it is; where a rule is new (a ClusterClass's variables, CRDs and rules of one's own), [`check`] says
//! what the server would say of it. What cannot be evaluated here is an error that says so ([`CelError`],
//! [`EvalError::NotChecked`]); it is never a silent pass. This module must not know schemas, findings or Kubernetes' objects.

pub mod check;
mod data;
mod eval;
mod functions;
mod lexer;
mod loops;
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
use value::Val;

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
    /// It names something that the server does not have.
    Unknown(String),
    /// Its parts do not fit together.
    Type(String),
    /// It names a field that the value does not have.
    Field {
        /// The field.
        name: String,
        /// A field that the value has, and that may be meant.
        near: Option<String>,
    },
    /// It may cost more than the server allows.
    TooCostly {
        /// What it costs at most.
        cost: u64,
        /// What it may cost.
        limit: u64,
    },
    /// The server may know what to make of it; this program does not.
    NotSupported(String),
    /// A constant regular expression is none, or is not supported.
    Pattern(PatternError),
}

impl CelError {
    /// Whether a server refuses the rule too; else it is this program that does not know what to make of it.
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::NotSupported(_) | Self::Pattern(PatternError::NotSupported(_)))
    }

    fn syntax(offset: usize, message: String) -> Self {
        Self::Syntax { offset, message }
    }
}

impl fmt::Display for CelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { offset, message } => write!(f, "{message} at byte {offset} of the rule"),
            Self::Unknown(message) | Self::Type(message) => f.write_str(message),
            Self::Field { name, near: Some(near) } => {
                write!(f, "there is no field `{name}` here; did you mean `{near}`?")
            }
            Self::Field { name, near: None } => write!(f, "there is no field `{name}` here"),
            Self::TooCostly { cost, limit } => {
                let times = *cost as f64 / *limit as f64;
                let factor = if times > 100.0 { "more than 100".to_owned() } else { format!("{times:.1}") };
                write!(
                    f,
                    "it may cost {factor} times what the server allows; bound the lists, maps and texts that it looks \
                     through (maxItems, maxProperties, maxLength), or make it simpler"
                )
            }
            Self::NotSupported(message) => write!(f, "capi-lint does not know it: {message}"),
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
    /// The rule costs more than the server allows one to cost; it refuses the object.
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
        self.run(self_, Old::Value(old_self)).result
    }

    /// Whether the rule holds, and what it cost to find out.
    pub fn run<'v, D: Data<'v>>(&'v self, self_: D, old: Old<D>) -> Run<bool> {
        self.yields(self_, old, "bool", |value| if let Val::Bool(truth) = value { Some(*truth) } else { None })
    }

    /// What the expression of a message says, and what it cost to find out.
    pub fn message<'v, D: Data<'v>>(&'v self, self_: D, old: Old<D>) -> Run<String> {
        self.yields(
            self_,
            old,
            "string",
            |value| if let Val::Text(text) = value { Some(text.to_string()) } else { None },
        )
    }

    fn yields<'v, D: Data<'v>, T>(
        &'v self,
        self_: D,
        old: Old<D>,
        wanted: &str,
        of: impl Fn(&Val<'v, D>) -> Option<T>,
    ) -> Run<T> {
        let old = match old {
            Old::Value(old) => eval::OldSelf::Value(old),
            Old::Optional(old) => eval::OldSelf::Optional(old),
        };
        let (value, cost) = eval::run(&self.root, self_, old);
        let result = value.and_then(|value| {
            let other = || format!("it yields a {}, no {wanted}", value.type_name());
            of(&value).ok_or_else(|| EvalError::not_checked(other()))
        });
        Run { result, cost }
    }
}

/// What a rule sees as `oldSelf`.
#[derive(Clone, Copy, Debug)]
pub enum Old<D> {
    /// The value before the change, where there is one.
    Value(Option<D>),
    /// An optional value (`optionalOldSelf: true`), empty on create.
    Optional(Option<D>),
}

/// An evaluation that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<T> {
    /// What it yields: of a rule, whether it holds.
    pub result: Result<T, EvalError>,
    /// What it cost, in the server's units.
    pub cost: u64,
}

/// What all rules on one object may cost together.
pub const OBJECT_BUDGET: u64 = 10_000_000;
