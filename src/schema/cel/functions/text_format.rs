//! `string.format()`, as the server's formatter writes. Its numbers with a point are written for American readers (`1,234.50`,
//! `1.5×10⁰³`), whatever a programmer expects of `%f` and `%e`; a rule that compares them sees that.

use std::fmt;

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::Outcome;
use super::super::time::duration_text;
use super::super::value::Val;
use super::convert;

/// The digits behind the point where the template names none.
const PRECISION: usize = 6;
/// More digits than this the server cuts in its own way.
const MAX_PRECISION: usize = 100;

/// Fills the verbs of a template with the arguments.
pub(super) fn format<'v, D: Data<'v>>(template: &str, arguments: &[Val<'v, D>]) -> Outcome<String> {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let argument = arguments.next().ok_or_else(|| EvalError::refused("too few arguments for the format string"))?;
        let (precision, after) = precision(after)?;
        let mut chars = after.chars();
        let verb = chars.next().ok_or_else(|| EvalError::refused("unexpected end of format string"))?;
        out.push_str(&clause(verb, precision, argument)?);
        rest = chars.as_str();
    }
    out.push_str(rest);
    Ok(out)
}

/// The number behind a point, and what follows it.
fn precision(text: &str) -> Outcome<(usize, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Ok((PRECISION, text)) };
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let number = digits.parse().map_err(|_| EvalError::refused("a precision in the format string is no number"))?;
    if number > MAX_PRECISION {
        return Err(EvalError::not_checked(format!("format() with a precision of {number}")));
    }
    Ok((number, rest))
}

fn clause<'v, D: Data<'v>>(verb: char, precision: usize, argument: &Val<'v, D>) -> Outcome<String> {
    Ok(match (verb, argument) {
        ('s', _) => plain(argument)?,
        ('d', _) => decimal(argument)?,
        ('f', _) => fixed(double(verb, argument)?, precision),
        ('e', _) => scientific(double(verb, argument)?, precision),
        ('x' | 'X' | 'o' | 'b', Val::Int(number)) => {
            let sign = if *number < 0 { "-" } else { "" };
            format!("{sign}{}", in_base(verb, number.unsigned_abs()))
        }
        ('x' | 'X' | 'o' | 'b', Val::UInt(number)) => in_base(verb, *number),
        ('x' | 'X', Val::Text(text)) => digits(verb, text.as_bytes()),
        ('x' | 'X', Val::Bytes(bytes)) => digits(verb, bytes),
        ('b', Val::Bool(truth)) => if *truth { "1" } else { "0" }.to_owned(),
        _ => return Err(unfit(verb, argument)),
    })
}

fn unfit<'v, D: Data<'v>>(verb: char, argument: &Val<'v, D>) -> EvalError {
    EvalError::refused(format!("%{verb} of format() does not take a {}", argument.type_name()))
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

fn decimal<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<String> {
    match value {
        Val::Int(number) => Ok(number.to_string()),
        Val::UInt(number) => Ok(number.to_string()),
        _ => Err(unfit('d', value)),
    }
}

fn double<'v, D: Data<'v>>(verb: char, value: &Val<'v, D>) -> Outcome<f64> {
    match value {
        Val::Double(number) => Ok(*number),
        Val::Text(text) => match text.as_ref() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(unfit(verb, value)),
        },
        _ => Err(unfit(verb, value)),
    }
}

/// What is no number has a word, and zero no sign.
fn word(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("∞"),
        f64::NEG_INFINITY => Some("-∞"),
        _ => None,
    }
}

/// A double with so many digits behind the point, and its thousands apart.
fn fixed(number: f64, precision: usize) -> String {
    if let Some(word) = word(number) {
        return word.to_owned();
    }
    let written = format!("{:.precision$}", number.abs());
    let (whole, fraction) = written.split_at(written.find('.').unwrap_or(written.len()));
    let sign = if number < 0.0 { "-" } else { "" };
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

/// A double with a power of ten. The server takes the precision for the width, and always writes six digits.
fn scientific(number: f64, width: usize) -> String {
    let text = word(number).map_or_else(
        || {
            let number = if number == 0.0 { 0.0 } else { number };
            let written = format!("{number:.PRECISION$e}");
            let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let power = format!("{}{:02}", if exponent < 0 { "-" } else { "" }, exponent.unsigned_abs());
            format!("{digits}×10{}", power.chars().map(raised).collect::<String>())
        },
        str::to_owned,
    );
    format!("{text:>width$}")
}

fn raised(c: char) -> char {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    c.to_digit(10).and_then(|digit| DIGITS.get(digit as usize).copied()).unwrap_or('⁻')
}

fn plain<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<String> {
    if let Some(elements) = value.elements() {
        return list(&elements?);
    }
    if let Some(pairs) = value.pairs() {
        return map(&pairs?);
    }
    Ok(match value {
        Val::Text(text) => text.to_string(),
        Val::Bytes(bytes) => {
            let text = std::str::from_utf8(bytes);
            text.map_err(|_| EvalError::refused("invalid UTF-8 in bytes, cannot format them"))?.to_owned()
        }
        Val::Bool(truth) => truth.to_string(),
        Val::Int(_) | Val::UInt(_) => decimal(value)?,
        Val::Double(number) => convert::double_text(*number),
        Val::Null => "null".to_owned(),
        Val::Duration(nanos) => duration_text(*nanos),
        Val::Timestamp(at) => at.to_string(),
        Val::Type(name) => (*name).to_owned(),
        _ => return Err(unfit('s', value)),
    })
}

fn list<'v, D: Data<'v>>(elements: &[Val<'v, D>]) -> Outcome<String> {
    let parts: Vec<String> = elements.iter().map(literal).collect::<Outcome<_>>()?;
    Ok(format!("[{}]", parts.join(", ")))
}

/// A map in the order of its keys, as they are written.
fn map<'v, D: Data<'v>>(pairs: &[(Val<'v, D>, Val<'v, D>)]) -> Outcome<String> {
    let mut parts = Vec::new();
    for (key, value) in pairs {
        let key = match key {
            Val::Text(_) | Val::Bool(_) | Val::Int(_) | Val::UInt(_) => literal(key)?,
            _ => return Err(unfit('s', key)),
        };
        parts.push((key, literal(value)?));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let parts: Vec<String> = parts.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
    Ok(format!("{{{}}}", parts.join(", ")))
}

/// A value inside a list or map, as CEL would write it.
fn literal<'v, D: Data<'v>>(value: &Val<'v, D>) -> Outcome<String> {
    Ok(match value {
        Val::Text(text) => quoted(text),
        Val::Bytes(_) => format!("b{}", quoted(&plain(value)?)),
        Val::Duration(_) => format!("duration({})", quoted(&plain(value)?)),
        Val::Timestamp(_) => format!("timestamp({})", quoted(&plain(value)?)),
        Val::Double(number) if number.is_nan() => "\"NaN\"".to_owned(),
        Val::Double(number) if number.is_infinite() => if *number < 0.0 { "\"-Inf\"" } else { "\"+Inf\"" }.to_owned(),
        Val::Double(number) => format!("{number:.PRECISION$}"),
        _ => plain(value)?,
    })
}

/// Text between quotation marks, as Go writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if c.is_ascii_graphic() || c == ' ' => out.push(c),
            c if is_printed(c) => out.push(c),
            c if u32::from(c) < 0x80 => escape(&mut out, format_args!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) <= 0xffff => escape(&mut out, format_args!("\\u{:04x}", u32::from(c))),
            c => escape(&mut out, format_args!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

fn escape(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing into text does not fail.
    let _ = fmt::Write::write_fmt(out, text);
}

/// Whether a character is one that can be seen. (One that hangs on another is, behind another.)
fn is_printed(c: char) -> bool {
    !format!("a{c}").escape_debug().any(|c| c == '\\')
}
