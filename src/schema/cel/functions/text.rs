//! Strings: the standard functions, the extension `strings` (version 2) and Kubernetes' `find` and `findAll`.
//!
//! Positions count code points, as the server does.

use std::borrow::Cow;

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::{Outcome, no_overload};
use super::super::value::Val;
use super::{Arguments, Function, text_format};
use crate::schema::pattern::GoPattern;

/// Longer texts are not made, whatever a rule asks for.
const LONGEST: usize = 1 << 28;

/// Calls a function whose pattern was compiled with the rule.
pub(crate) fn with_pattern<'v, D: Data<'v>>(
    function: Function,
    arguments: &Arguments<'v, D>,
    pattern: &GoPattern,
) -> Outcome<Val<'v, D>> {
    let text = arguments.text(0)?;
    Ok(match function {
        Function::Matches | Function::MatchesOf => Val::Bool(pattern.is_match(text)),
        Function::Find => Val::Text(pattern.find(text).unwrap_or_default().to_owned().into()),
        _ => {
            let limit = if arguments.find(2).is_some() { arguments.int(2)? } else { -1 };
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            Val::texts(pattern.find_all(text).take(limit).map(str::to_owned))
        }
    })
}

pub(super) fn call<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    use Function as F;
    if function == F::Join {
        return join(arguments);
    }
    let text = arguments.text(0)?;
    let text_value = |text: String| Ok(Val::Text(Cow::Owned(text)));
    match function {
        F::Contains => Ok(Val::Bool(text.contains(arguments.text(1)?))),
        F::StartsWith => Ok(Val::Bool(text.starts_with(arguments.text(1)?))),
        F::EndsWith => Ok(Val::Bool(text.ends_with(arguments.text(1)?))),
        F::Matches | F::MatchesOf | F::Find | F::FindAll => {
            let pattern = GoPattern::compile(arguments.text(1)?).map_err(|error| match error {
                crate::schema::pattern::PatternError::Syntax(why) => EvalError::refused(why),
                not_supported @ crate::schema::pattern::PatternError::NotSupported(_) => {
                    EvalError::not_checked(not_supported.to_string())
                }
            })?;
            with_pattern(function, arguments, &pattern)
        }
        F::CharAt => {
            let at = arguments.int(1)?;
            let size = text.chars().count();
            match usize::try_from(at).ok().filter(|at| *at <= size) {
                Some(at) => text_value(text.chars().nth(at).map(String::from).unwrap_or_default()),
                None => Err(out_of_range(at)),
            }
        }
        F::IndexOf => index_of(text, arguments).map(Val::Int),
        F::LastIndexOf => last_index_of(text, arguments).map(Val::Int),
        F::LowerAscii => text_value(text.to_ascii_lowercase()),
        F::UpperAscii => text_value(text.to_ascii_uppercase()),
        F::Replace => {
            let (old, new) = (arguments.text(1)?, arguments.text(2)?);
            let limit = if arguments.find(3).is_some() { arguments.int(3)? } else { -1 };
            if new.len().saturating_mul(text.len() + 1) > LONGEST {
                return Err(EvalError::not_checked("a text too long to compute with"));
            }
            let replaced =
                usize::try_from(limit).map_or_else(|_| text.replace(old, new), |limit| text.replacen(old, new, limit));
            text_value(replaced)
        }
        F::Split => {
            let limit = if arguments.find(2).is_some() { arguments.int(2)? } else { -1 };
            Ok(Val::texts(split(text, arguments.text(1)?, limit)))
        }
        F::Substring => {
            let size = text.chars().count() as i64;
            let start = arguments.int(1)?;
            let end = if arguments.find(2).is_some() { arguments.int(2)? } else { size };
            if start < 0 || start > size || end < start || end > size {
                return Err(out_of_range(if start < 0 || start > size { start } else { end }));
            }
            text_value(text.chars().skip(start as usize).take((end - start) as usize).collect())
        }
        F::Trim => text_value(text.trim().to_owned()),
        F::Quote => text_value(quote(text)),
        F::FormatText => text_value(text_format::format(text, &arguments.elements(1)?)?),
        _ => Err(no_overload()),
    }
}

fn out_of_range(at: i64) -> EvalError {
    EvalError::refused(format!("index out of range: {at}"))
}

fn index_of<'v, D: Data<'v>>(text: &str, arguments: &Arguments<'v, D>) -> Outcome<i64> {
    let wanted = arguments.text(1)?;
    let offset = if arguments.find(2).is_some() { arguments.int(2)? } else { 0 };
    if wanted.is_empty() {
        return Ok(offset);
    }
    let skip = usize::try_from(offset).map_err(|_| out_of_range(offset))?;
    let Some((start, _)) = text.char_indices().nth(skip) else { return Ok(-1) };
    Ok(text[start..].find(wanted).map_or(-1, |at| offset + text[start..start + at].chars().count() as i64))
}

fn last_index_of<'v, D: Data<'v>>(text: &str, arguments: &Arguments<'v, D>) -> Outcome<i64> {
    let wanted = arguments.text(1)?;
    let size = text.chars().count() as i64;
    let offset = if arguments.find(2).is_some() { arguments.int(2)? } else { size - i64::from(!wanted.is_empty()) };
    if wanted.is_empty() {
        return Ok(offset);
    }
    if arguments.find(2).is_some() && offset < 0 {
        return Err(out_of_range(offset));
    }
    if offset >= size {
        return Ok(-1);
    }
    let ends_at = offset + wanted.chars().count() as i64;
    let end = text.char_indices().nth(ends_at.max(0) as usize).map_or(text.len(), |(at, _)| at);
    Ok(text[..end].rfind(wanted).map_or(-1, |at| text[..at].chars().count() as i64))
}

/// Go's `strings.SplitN`: an empty separator cuts between characters, a limit of 0 gives nothing.
fn split(text: &str, separator: &str, limit: i64) -> Vec<String> {
    let limit = match limit {
        0 => return Vec::new(),
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    if !separator.is_empty() {
        return text.splitn(limit, separator).map(str::to_owned).collect();
    }
    let mut parts: Vec<String> = Vec::new();
    for c in text.chars() {
        if parts.len() < limit {
            parts.push(c.into());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

fn join<'v, D: Data<'v>>(arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    let separator = if arguments.find(1).is_some() { arguments.text(1)? } else { "" };
    let mut joined = String::new();
    for (at, element) in arguments.elements(0)?.iter().enumerate() {
        let Val::Text(text) = element else { return Err(EvalError::refused("join: the list holds more than strings")) };
        if at > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
    }
    Ok(Val::Text(joined.into()))
}

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
