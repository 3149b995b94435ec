//! `string.format()`: the verbs of the server's formatter that rules use. The others are not checked.

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::Outcome;
use super::super::value::Val;
use super::convert;

/// Fills the verbs of a template with the arguments.
pub(super) fn format<'v, D: Data<'v>>(template: &str, arguments: &[Val<'v, D>]) -> Outcome<String> {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let verb = chars.next().ok_or_else(|| EvalError::refused("unexpected end of format string"))?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let argument = arguments.next().ok_or_else(|| EvalError::refused("too few arguments for the format string"))?;
        match (verb, argument) {
            ('s', _) => out.push_str(&plain(argument)?),
            ('d', Val::Int(number)) => out.push_str(&number.to_string()),
            ('d', Val::UInt(number)) => out.push_str(&number.to_string()),
            ('x' | 'X' | 'o' | 'b', Val::Int(number)) => {
                let sign = if *number < 0 { "-" } else { "" };
                out.push_str(sign);
                out.push_str(&in_base(verb, number.unsigned_abs()));
            }
            ('x' | 'X' | 'o' | 'b', Val::UInt(number)) => out.push_str(&in_base(verb, *number)),
            ('x' | 'X', Val::Text(text)) => out.push_str(&digits(verb, text.as_bytes())),
            ('x' | 'X', Val::Bytes(bytes)) => out.push_str(&digits(verb, bytes)),
            ('b', Val::Bool(truth)) => out.push_str(if *truth { "1" } else { "0" }),
            _ => return Err(EvalError::not_checked(format!("format() with the verb %{verb}"))),
        }
    }
    Ok(out)
}

/// A number in the base of a verb.
fn in_base(verb: char, number: u64) -> String {
    match verb {
        'x' => format!("{number:x}"),
        'X' => format!("{number:X}"),
        'o' => format!("{number:o}"),
        _ => format!("{number:b}"),
    }
}

/// Bytes as hexadecimal digits.
fn digits(verb: char, bytes: &[u8]) -> String {
    let pair = |byte: &u8| if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") };
    bytes.iter().map(pair).collect()
}

fn plain<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<String> {
    Ok(match value {
        Val::Text(text) => text.to_string(),
        Val::Bool(truth) => truth.to_string(),
        Val::Int(number) => number.to_string(),
        Val::UInt(number) => number.to_string(),
        Val::Null => "null".to_owned(),
        Val::Duration(nanos) => super::super::time::duration_text(*nanos),
        Val::Timestamp(at) => at.to_string(),
        Val::Double(number) if number.is_finite() && (*number == 0.0 || (1e-4..1e6).contains(&number.abs())) => {
            convert::double_text(*number)
        }
        _ => return Err(EvalError::not_checked(format!("format() of a {}", value.type_name()))),
    })
}
