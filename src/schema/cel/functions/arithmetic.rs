//! `+ - * / %` and unary minus: overflow is an error, never a wrap.

use std::borrow::Cow;

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::{Outcome, no_overload};
use super::super::parser::Operator;
use super::super::value::Val;

fn overflow(what: &'static str) -> EvalError {
    EvalError::refused(what)
}

const INT: &str = "integer overflow";
const UINT: &str = "unsigned integer overflow";
const DURATION: &str = "duration overflow";
const TIME: &str = "timestamp overflow";

pub(crate) fn negate<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    match value {
        Val::Int(number) => number.checked_neg().map(Val::Int).ok_or_else(|| overflow(INT)),
        Val::Double(number) => Ok(Val::Double(-number)),
        Val::Duration(nanos) => nanos.checked_neg().map(Val::Duration).ok_or_else(|| overflow(DURATION)),
        _ => Err(no_overload()),
    }
}

pub(crate) fn add<'v, D: Data<'v>>(left: Val<'v, D>, right: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => a.checked_add(*b).map(Val::Int).ok_or_else(|| overflow(INT)),
        (Val::UInt(a), Val::UInt(b)) => a.checked_add(*b).map(Val::UInt).ok_or_else(|| overflow(UINT)),
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(a + b)),
        (Val::Text(a), Val::Text(b)) => Ok(Val::Text(Cow::Owned([a.as_ref(), b.as_ref()].concat()))),
        (Val::Bytes(a), Val::Bytes(b)) => Ok(Val::Bytes(Cow::Owned([a.as_ref(), b.as_ref()].concat()))),
        (Val::Duration(a), Val::Duration(b)) => a.checked_add(*b).map(Val::Duration).ok_or_else(|| overflow(DURATION)),
        (Val::Timestamp(time), Val::Duration(nanos)) => {
            time.plus(i128::from(*nanos)).map(Val::Timestamp).ok_or_else(|| overflow(TIME))
        }
        (Val::Duration(nanos), Val::Timestamp(time)) => {
            time.plus(i128::from(nanos)).map(Val::Timestamp).ok_or_else(|| overflow(TIME))
        }
        _ => Err(no_overload()),
    }
}

pub(crate) fn subtract<'v, D: Data<'v>>(left: &Val<'v, D>, right: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => a.checked_sub(*b).map(Val::Int).ok_or_else(|| overflow(INT)),
        (Val::UInt(a), Val::UInt(b)) => a.checked_sub(*b).map(Val::UInt).ok_or_else(|| overflow(UINT)),
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(a - b)),
        (Val::Duration(a), Val::Duration(b)) => a.checked_sub(*b).map(Val::Duration).ok_or_else(|| overflow(DURATION)),
        (Val::Timestamp(time), Val::Duration(nanos)) => {
            time.plus(-i128::from(*nanos)).map(Val::Timestamp).ok_or_else(|| overflow(TIME))
        }
        (Val::Timestamp(a), Val::Timestamp(b)) => {
            i64::try_from(a.instant() - b.instant()).map(Val::Duration).map_err(|_| overflow(DURATION))
        }
        _ => Err(no_overload()),
    }
}

/// `*`, `/` and `%`.
pub(crate) fn multiply<'v, D: Data<'v>>(
    operator: Operator,
    left: &Val<'v, D>,
    right: &Val<'v, D>,
) -> Outcome<Val<'v, D>> {
    use Operator as O;
    match (left, right) {
        (Val::Int(_), Val::Int(0)) | (Val::UInt(_), Val::UInt(0)) if operator == O::Divide => {
            Err(EvalError::refused("division by zero"))
        }
        (Val::Int(_), Val::Int(0)) | (Val::UInt(_), Val::UInt(0)) if operator == O::Modulo => {
            Err(EvalError::refused("modulus by zero"))
        }
        (Val::Int(a), Val::Int(b)) => match operator {
            O::Multiply => a.checked_mul(*b),
            O::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map(Val::Int)
        .ok_or_else(|| overflow(INT)),
        (Val::UInt(a), Val::UInt(b)) => match operator {
            O::Multiply => a.checked_mul(*b),
            O::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map(Val::UInt)
        .ok_or_else(|| overflow(UINT)),
        (Val::Double(a), Val::Double(b)) => match operator {
            O::Multiply => Ok(Val::Double(a * b)),
            O::Divide => Ok(Val::Double(a / b)),
            _ => Err(no_overload()),
        },
        _ => Err(no_overload()),
    }
}
