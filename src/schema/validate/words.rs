//! How values and types are named in messages. Data of Secrets is never shown.

use crate::schema::table::Type;
use crate::yaml::{Scalar, Value};

/// A type as people say it.
pub fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::Any => "any value",
        Type::Object => "a mapping",
        Type::Array => "a list",
        Type::String => "text",
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Boolean => "true or false",
        Type::IntOrString => "a whole number or text",
    }
}

/// A value as people say it: `the number 1.34`.
pub fn value_name(value: Value<'_>, secret: bool) -> String {
    match value.scalar() {
        None if value.is_map() => "a mapping".into(),
        None => "a list".into(),
        Some(scalar) => scalar_name(&scalar, secret),
    }
}

/// A scalar as people say it.
pub fn scalar_name(scalar: &Scalar<'_>, secret: bool) -> String {
    let shown = |kind: &str, text: String| if secret { kind.to_owned() } else { format!("{kind} {text}") };
    match scalar {
        Scalar::Null => "null".into(),
        Scalar::Bool(truth) => shown("the boolean", format!("`{truth}`")),
        Scalar::Int(number) => shown("the number", format!("`{number}`")),
        Scalar::UInt(number) => shown("the number", format!("`{number}`")),
        Scalar::Float(number) => shown("the number", format!("`{number}`")),
        Scalar::Str(text) => shown("the text", quoted(text)),
    }
}

/// Text in quotes, cut where it is long.
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}

/// Some names, as a list for people: `a`, `b` or `c`.
pub fn one_of(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let marked: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN);
    match marked.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        all if more > 0 => format!("{} or {more} more", all.join(", ")),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A count with its noun: `1 item`, `3 items`.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
