//! The checks that a server makes before it takes a rule: the types of all parts, constants that cannot be what they are used
//! for, and the most that the rule can cost.
//!
//! - [`declared`]: what a schema declares. [`expand`]: macros into loops. [`overloads`], [`types`], [`infer`]: the type checker.
//! - [`literals`]: constants. [`cost`], [`calls`], [`price`]: the estimate.
//!
//! A rule that passes here may still fail on an object; one that does not pass stands in no CRD of a running server.

mod calls;
mod cost;
pub mod declared;
mod expand;
mod infer;
mod literals;
mod overloads;
mod price;
pub mod types;

use std::rc::Rc;

use super::{CelError, parser, resolve};
use declared::Declared;
use overloads::Functions;
use types::Type;

/// The most that one rule may cost by the estimate, times how often its value can stand in an object.
pub const RULE_LIMIT: u64 = 10_000_000;
/// The most that all rules of a schema may cost together.
pub const SCHEMA_LIMIT: u64 = 100_000_000;

/// What is known of a rule that passed.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The type of its result.
    pub yields: Type,
    /// The most that it costs for one value.
    pub max_cost: u64,
    /// Whether it names `oldSelf`.
    pub uses_old_self: bool,
}

/// What `oldSelf` is in a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldSelf {
    /// The value before the change.
    #[default]
    Value,
    /// An optional one (`optionalOldSelf: true`).
    Optional,
}

/// Checks rules on values of one schema.
#[derive(Debug)]
pub struct Checker {
    functions: Functions,
}

impl Default for Checker {
    fn default() -> Self {
        Self::new()
    }
}

impl Checker {
    /// A checker with all functions of the server.
    pub fn new() -> Self {
        Self { functions: Functions::new() }
    }

    /// Checks an expression on a value: `self` and `oldSelf`.
    pub fn expression(&self, text: &str, value: &Rc<Declared>, old: OldSelf) -> Result<Checked, CelError> {
        let ty = value.ty();
        let old = if old == OldSelf::Optional { Type::optional(ty.clone()) } else { ty.clone() };
        self.with_variables(text, value, &[("self", ty), ("oldSelf", old)])
    }

    /// Checks a rule: an expression that yields true or false.
    pub fn rule(&self, text: &str, value: &Rc<Declared>, old: OldSelf) -> Result<Checked, CelError> {
        self.expression(text, value, old).and_then(|checked| yields(checked, "bool", |ty| matches!(ty, Type::Bool)))
    }

    /// Checks the expression of a message: it yields text.
    pub fn message(&self, text: &str, value: &Rc<Declared>, old: OldSelf) -> Result<Checked, CelError> {
        self.expression(text, value, old).and_then(|checked| yields(checked, "string", |ty| matches!(ty, Type::Text)))
    }

    /// Checks an expression in which other variables have a value; `value` is the one that sizes are known of.
    pub fn with_variables(
        &self,
        text: &str,
        value: &Rc<Declared>,
        variables: &[(&str, Type)],
    ) -> Result<Checked, CelError> {
        let ast = parser::parse(text)?;
        let (root, count) = expand::expand(&ast)?;
        let types = infer::infer(&root, count, variables, &self.functions)?;
        literals::check(&root, &types)?;
        // What this program cannot compile, it cannot run.
        if variables.iter().all(|(name, _)| matches!(*name, "self" | "oldSelf")) {
            resolve::resolve(&ast).map_err(|error| match error {
                CelError::Unknown(what) => CelError::NotSupported(what),
                error => error,
            })?;
        }
        let yields = types.of.get(root.id).cloned().unwrap_or(Type::Error);
        let max_cost = cost::most(&root, &types, value);
        Ok(Checked { yields, max_cost, uses_old_self: types.uses_old_self })
    }
}

fn yields(checked: Checked, wanted: &str, is_wanted: fn(&Type) -> bool) -> Result<Checked, CelError> {
    if is_wanted(&checked.yields) {
        return Ok(checked);
    }
    Err(CelError::Type(format!("it yields a {} where a {wanted} is wanted", checked.yields)))
}
