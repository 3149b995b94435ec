//! Quantities and semantic versions: Kubernetes' libraries `quantity` and `Semver`, which share the words of comparison.

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::{Outcome, no_overload};
use super::super::semver::Semver;
use super::super::value::Val;
use super::{Arguments, Function};
use crate::schema::quantity::Quantity;

pub(super) fn call<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    Ok(match function {
        Function::Quantity => {
            let text = arguments.text(0)?;
            Val::Quantity(Quantity::parse(text).ok_or_else(|| EvalError::refused(format!("{text:?} is no quantity")))?)
        }
        Function::IsQuantity => Val::Bool(Quantity::parse(arguments.text(0)?).is_some()),
        Function::Semver => {
            let version = semver(arguments)?;
            Val::Semver(Rc::new(version.ok_or_else(|| EvalError::refused("not a semantic version"))?))
        }
        Function::IsSemver => Val::Bool(semver(arguments)?.is_some()),
        Function::IsGreaterThan => Val::Bool(compare(arguments)? == Ordering::Greater),
        Function::IsLessThan => Val::Bool(compare(arguments)? == Ordering::Less),
        Function::CompareTo => Val::Int(compare(arguments)? as i64),
        _ => match arguments.get(0)? {
            Val::Quantity(quantity) => of_quantity(function, quantity, arguments.find(1))?,
            Val::Semver(version) => Val::Int(match function {
                Function::Major => version.major,
                Function::Minor => version.minor,
                Function::Patch => version.patch,
                _ => return Err(no_overload()),
            } as i64),
            _ => return Err(no_overload()),
        },
    })
}

fn semver<'v, D: Data<'v>>(arguments: &Arguments<'v, D>) -> Outcome<Option<Semver>> {
    let text = arguments.text(0)?;
    match arguments.find(1) {
        None | Some(Val::Bool(false)) => Ok(Semver::parse(text)),
        Some(Val::Bool(true)) => Ok(Semver::parse_loosely(text)),
        Some(_) => Err(no_overload()),
    }
}

fn compare<'v, D: Data<'v>>(arguments: &Arguments<'v, D>) -> Outcome<Ordering> {
    match (arguments.get(0)?, arguments.get(1)?) {
        (Val::Quantity(a), Val::Quantity(b)) => Ok(a.compare(b)),
        (Val::Semver(a), Val::Semver(b)) => Ok(a.compare(b)),
        _ => Err(no_overload()),
    }
}

fn of_quantity<'v, D: Data<'v>>(
    function: Function,
    quantity: &Quantity,
    other: Option<&Val<'v, D>>,
) -> Outcome<Val<'v, D>> {
    let other = match other {
        None => None,
        Some(Val::Quantity(other)) => Some(*other),
        Some(Val::Int(number)) => Some(Quantity::from_integer(*number)),
        Some(_) => return Err(no_overload()),
    };
    let result = match (function, other) {
        (Function::Sign, None) => return Ok(Val::Int(quantity.sign())),
        (Function::IsInteger, None) => return Ok(Val::Bool(quantity.as_integer().is_some())),
        (Function::AsInteger, None) => {
            return quantity
                .as_integer()
                .map(Val::Int)
                .ok_or_else(|| EvalError::refused("cannot convert value to integer"));
        }
        (Function::AsFloat, None) => return Ok(Val::Double(quantity.as_float())),
        (Function::AddTo, Some(other)) => quantity.plus(&other),
        (Function::SubtractFrom, Some(other)) => quantity.minus(&other),
        _ => return Err(no_overload()),
    };
    result.map(Val::Quantity).ok_or_else(|| EvalError::not_checked("a quantity too large to compute with"))
}
