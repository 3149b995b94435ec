//! Conversions between types: `int()`, `string()`, `duration()` and their kin.

use std::borrow::Cow;

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::{Outcome, no_overload};
use super::super::time::{self, Timestamp};
use super::super::value::Val;
use super::Function;

fn bad(what: &str, text: &str) -> EvalError {
    EvalError::refused(format!("{text:?} is no {what}"))
}

pub(super) fn call<'v, D: Data<'v>>(function: Function, value: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    match function {
        Function::Int => to_int(value),
        Function::UInt => to_uint(value),
        Function::Double => to_double(value),
        Function::Text => to_text(value).map(|text| Val::Text(text)),
        Function::Bytes => match value {
            Val::Bytes(_) => Ok(value.clone()),
            Val::Text(text) => Ok(Val::Bytes(Cow::Owned(text.as_bytes().to_vec()))),
            _ => Err(no_overload()),
        },
        Function::Bool => match value {
            Val::Bool(_) => Ok(value.clone()),
            Val::Text(text) => match text.as_ref() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
                text => Err(bad("bool", text)),
            },
            _ => Err(no_overload()),
        },
        Function::Duration => match value {
            Val::Duration(_) => Ok(value.clone()),
            Val::Text(text) => time::parse_duration(text).map(Val::Duration).ok_or_else(|| bad("duration", text)),
            Val::Int(nanos) => Ok(Val::Duration(*nanos)),
            _ => Err(no_overload()),
        },
        Function::Timestamp => match value {
            Val::Timestamp(_) => Ok(value.clone()),
            Val::Text(text) => Timestamp::parse(text)
                .filter(|t| t.is_in_range())
                .map(Val::Timestamp)
                .ok_or_else(|| bad("timestamp", text)),
            Val::Int(seconds) => {
                let time = Timestamp { seconds: *seconds, nanos: 0, offset: 0 };
                if time.is_in_range() {
                    Ok(Val::Timestamp(time))
                } else {
                    Err(EvalError::refused("timestamp overflow"))
                }
            }
            _ => Err(no_overload()),
        },
        _ => Err(no_overload()),
    }
}

fn to_int<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    let overflow = || EvalError::refused("integer overflow");
    Ok(Val::Int(match value {
        Val::Int(number) => *number,
        Val::UInt(number) => i64::try_from(*number).map_err(|_| overflow())?,
        // Both bounds are excluded: the upper one is no integer of 64 bits, the lower one cannot be told from its neighbours.
        Val::Double(number) if *number > i64::MIN as f64 && *number < i64::MAX as f64 => *number as i64,
        Val::Double(_) => return Err(overflow()),
        Val::Text(text) => text.parse().map_err(|_| bad("int", text))?,
        Val::Timestamp(time) => time.seconds,
        Val::Duration(nanos) => *nanos,
        _ => return Err(no_overload()),
    }))
}

fn to_uint<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    let overflow = || EvalError::refused("unsigned integer overflow");
    Ok(Val::UInt(match value {
        Val::UInt(number) => *number,
        Val::Int(number) => u64::try_from(*number).map_err(|_| overflow())?,
        Val::Double(number) if *number >= 0.0 && *number < u64::MAX as f64 => *number as u64,
        Val::Double(_) => return Err(overflow()),
        Val::Text(text) if !text.starts_with('+') => text.parse().map_err(|_| bad("uint", text))?,
        Val::Text(text) => return Err(bad("uint", text)),
        _ => return Err(no_overload()),
    }))
}

fn to_double<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    Ok(Val::Double(match value {
        Val::Double(number) => *number,
        Val::Int(number) => *number as f64,
        Val::UInt(number) => *number as f64,
        Val::Text(text) => text.parse().map_err(|_| bad("double", text))?,
        _ => return Err(no_overload()),
    }))
}

fn to_text<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<Cow<'v, str>> {
    Ok(match value {
        Val::Text(text) => text.clone(),
        Val::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        Val::Int(number) => number.to_string().into(),
        Val::UInt(number) => number.to_string().into(),
        Val::Double(number) => double_text(*number).into(),
        Val::Bytes(bytes) => {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| EvalError::refused("invalid UTF-8 in bytes, cannot convert to string"))?;
            text.to_owned().into()
        }
        Val::Timestamp(at) => at.to_string().into(),
        Val::Duration(nanos) => time::duration_text(*nanos).into(),
        Val::Ip(address) => address.to_string().into(),
        Val::Network(network) => network.to_string().into(),
        _ => return Err(no_overload()),
    })
}

/// A double as Go writes it with the verb `g` and no precision.
pub(super) fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-Inf" } else { "+Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..21).contains(&exponent) {
        return number.to_string();
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}
