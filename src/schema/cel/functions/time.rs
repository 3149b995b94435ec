//! Parts of timestamps and durations.

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::{Outcome, no_overload};
use super::super::time::Timestamp;
use super::super::value::Val;
use super::{Arguments, Function};

pub(super) fn call<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    match arguments.get(0)? {
        Val::Duration(nanos) if arguments.find(1).is_none() => of_duration(function, *nanos).map(Val::Int),
        Val::Timestamp(at) => {
            let offset = if arguments.find(1).is_some() { zone(arguments.text(1)?)? } else { 0 };
            of_timestamp(function, *at, offset).map(Val::Int)
        }
        _ => Err(no_overload()),
    }
}

fn of_duration(function: Function, nanos: i64) -> Outcome<i64> {
    Ok(nanos
        / match function {
            Function::Hours => 3_600_000_000_000,
            Function::Minutes => 60_000_000_000,
            Function::Seconds => 1_000_000_000,
            Function::Milliseconds => 1_000_000,
            _ => return Err(no_overload()),
        })
}

fn of_timestamp(function: Function, at: Timestamp, offset: i64) -> Outcome<i64> {
    let civil = at.civil(offset);
    Ok(match function {
        Function::Year => civil.year,
        Function::Month => civil.month - 1,
        Function::Date => civil.day,
        Function::DayOfMonth => civil.day - 1,
        Function::DayOfWeek => civil.weekday,
        Function::DayOfYear => civil.day_of_year,
        Function::Hours => civil.hour,
        Function::Minutes => civil.minute,
        Function::Seconds => civil.second,
        Function::Milliseconds => i64::from(at.nanos / 1_000_000),
        _ => return Err(no_overload()),
    })
}

/// Seconds east of UTC. Names of zones need a database: the server's changes with its image, and a verdict must not hang on ours.
fn zone(name: &str) -> Outcome<i64> {
    let Some((hours, minutes)) = name.split_once(':') else {
        let is_no_name = name.contains("..") || name.starts_with(['/', '\\']);
        return match name {
            "UTC" | "" => Ok(0),
            _ if is_no_name => Err(no_zone(name)),
            _ => Err(EvalError::not_checked(format!(
                "the time zone {name:?}: only UTC and offsets like '+01:00' are known here"
            ))),
        };
    };
    let hours: i32 = hours.parse().map_err(|_| no_zone(name))?;
    let minutes: i32 = minutes.parse().map_err(|_| no_zone(name))?;
    let minutes = if name.starts_with('-') { -i64::from(minutes) } else { i64::from(minutes) };
    Ok((i64::from(hours) * 60 + minutes) * 60)
}

fn no_zone(name: &str) -> EvalError {
    EvalError::refused(format!("{name:?} is no time zone"))
}
