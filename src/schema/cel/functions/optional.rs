//! Optional values, and the library `format` that makes use of them.

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::{Outcome, no_overload};
use super::super::named_format::NamedFormat;
use super::super::value::Val;
use super::{Arguments, Function};

pub(super) fn call<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    Ok(match function {
        Function::OptionalNone => Val::Optional(None),
        Function::OptionalOf => Val::some(arguments.get(0)?.clone()),
        Function::OptionalOfNonZero => {
            let value = arguments.get(0)?;
            if is_zero(value) { Val::Optional(None) } else { Val::some(value.clone()) }
        }
        Function::OptionalUnwrap | Function::UnwrapOptional => {
            let elements = arguments.elements(0)?;
            let mut values = Vec::new();
            for element in elements.iter() {
                match element {
                    Val::Optional(Some(value)) => values.push(value.as_ref().clone()),
                    Val::Optional(None) => {}
                    _ => return Err(no_overload()),
                }
            }
            Val::list(values)
        }
        Function::HasValue => match arguments.get(0)? {
            Val::Optional(value) => Val::Bool(value.is_some()),
            _ => return Err(no_overload()),
        },
        Function::OptionalValue => match arguments.get(0)? {
            Val::Optional(Some(value)) => value.as_ref().clone(),
            Val::Optional(None) => return Err(EvalError::refused("optional.none() dereference")),
            _ => return Err(no_overload()),
        },
        Function::FormatNamed => {
            NamedFormat::named(arguments.text(0)?).map_or(Val::Optional(None), |f| Val::some(Val::Format(f)))
        }
        Function::Validate => match arguments.get(0)? {
            Val::Format(format) if format.accepts(arguments.text(1)?) => Val::Optional(None),
            // The server's words about it are not ours to know; only that there are some.
            Val::Format(_) => Val::some(Val::texts(["the text does not have the format"])),
            _ => return Err(no_overload()),
        },
        _ => return Err(no_overload()),
    })
}

/// Whether a value is the zero of its type.
fn is_zero<'v, D: Data<'v>>(value: &Val<'v, D>) -> bool {
    match value {
        Val::Null | Val::Optional(None) => true,
        Val::Bool(truth) => !truth,
        Val::Int(number) => *number == 0,
        Val::UInt(number) => *number == 0,
        Val::Double(number) => *number == 0.0,
        Val::Duration(nanos) => *nanos == 0,
        // The zero of Go's time is the first day of the year 1.
        Val::Timestamp(time) => time.seconds == -62_135_596_800 && time.nanos == 0,
        _ => value.size() == Some(0),
    }
}
