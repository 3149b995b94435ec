//! What a scalar means to Kubernetes: the resolution rules of `sigs.k8s.io/yaml` (YAML 1.1 in part).
//!
//! Source of the facts: measured against kube-apiserver 1.36, kubectl and Helm, recorded in `tests/oracle/`. This module must
//! not know where a scalar stands; it looks at its text alone. Folding, escapes and chomping are [`super::text`]'s.

use std::borrow::Cow;

use super::tape::{Style, Tag};
use super::text;

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true`, `yes`, `on`, `y` … and their opposites.
    Bool(bool),
    /// A whole number that fits 64 bits with sign; `3.0` and `1e3` are whole, as they are on their way to the server.
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(Cow<'a, str>),
}

/// Why a scalar with an explicit tag cannot be read: its text is not what the tag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagMismatch;

/// What a scalar means, given its text as written (quotes and block header included), its style, its tag and, for block
/// scalars with an indentation indicator, the column of their content. Text that contradicts its tag (the parsers refuse
/// it) comes back as text.
pub fn resolve(raw: &str, style: Style, tag: Tag, indent: u8) -> Scalar<'_> {
    of_text(text::decode(raw, style, indent), style, tag)
}

/// What a scalar means, given its text: as [`resolve`] after the quotes are off and nothing is left to decode.
#[inline]
pub(super) fn resolve_text(text: &str, style: Style, tag: Tag) -> Scalar<'_> {
    if tag == Tag::None && (style != Style::Plain || is_surely_text(text)) {
        return Scalar::Str(Cow::Borrowed(text));
    }
    of_text(Cow::Borrowed(text), style, tag)
}

fn of_text(text: Cow<'_, str>, style: Style, tag: Tag) -> Scalar<'_> {
    match read(&text, style, tag) {
        Ok(Read::Null) => Scalar::Null,
        Ok(Read::Bool(truth)) => Scalar::Bool(truth),
        Ok(Read::Int(number)) => Scalar::Int(number),
        Ok(Read::UInt(number)) => Scalar::UInt(number),
        Ok(Read::Float(number)) => whole(number).map_or(Scalar::Float(number), Scalar::Int),
        Ok(Read::Decoded(text)) => Scalar::Str(Cow::Owned(text)),
        Ok(Read::Text) | Err(TagMismatch) => Scalar::Str(text),
    }
}

/// Whether plain text begins in a way in which nothing but text does.
#[inline]
pub(super) fn is_surely_text(text: &str) -> bool {
    // No word that means anything else is longer than `false`.
    text.as_bytes().first().is_some_and(|&first| match hint(first) {
        Hint::None => true,
        Hint::Word => text.len() > 5,
        Hint::Dot | Hint::Number => false,
    })
}

/// Whether Kubernetes can read the scalar at all, and hand it on as JSON (which has no infinity).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It can.
    Fine,
    /// The text is not what its tag says.
    Mismatch,
    /// Infinity or not-a-number.
    NotFinite,
}

/// Checks a scalar before it goes onto the tape.
pub fn validity(raw: &str, style: Style, tag: Tag, indent: u8) -> Validity {
    if tag == Tag::None && !(style == Style::Plain && raw.contains('.')) {
        return Validity::Fine;
    }
    match read(&text::decode(raw, style, indent), style, tag) {
        Err(TagMismatch) => Validity::Mismatch,
        Ok(Read::Float(number)) if !number.is_finite() => Validity::NotFinite,
        Ok(_) => Validity::Fine,
    }
}

/// A mapping's key, resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Key<'a> {
    /// The text under which Kubernetes finds the value.
    Text(Cow<'a, str>),
    /// `null`, or a number above `i64::MAX`: Kubernetes refuses those.
    Refused,
    /// The text is not what its tag says.
    Mismatch,
}

/// A key's text as Kubernetes reads it, given its bytes without quotes: `yes` is `true`, `0x10` is `16`.
pub fn key_text(raw: &str, style: Style, tag: Tag) -> Cow<'_, str> {
    match key(raw, style, tag) {
        Key::Text(text) => text,
        Key::Refused | Key::Mismatch => Cow::Borrowed(raw),
    }
}

/// Resolves a key, given its bytes without quotes.
pub fn key(raw: &str, style: Style, tag: Tag) -> Key<'_> {
    let text = text::decode_inner(raw, style, 0);
    match read(&text, style, tag) {
        Err(TagMismatch) => Key::Mismatch,
        Ok(Read::Null | Read::UInt(_)) => Key::Refused,
        Ok(Read::Bool(truth)) => Key::Text(Cow::Borrowed(if truth { "true" } else { "false" })),
        Ok(Read::Int(number)) => Key::Text(Cow::Owned(number.to_string())),
        Ok(Read::Float(number)) => Key::Text(Cow::Owned(float_key(number))),
        Ok(Read::Decoded(text)) => Key::Text(Cow::Owned(text)),
        Ok(Read::Text) => Key::Text(text),
    }
}

/// Whether a plain key could mean anything but its own bytes: a quick look that lets nearly all keys pass.
pub fn key_may_resolve(key: &[u8]) -> bool {
    match (key.first().map_or(Hint::None, |&first| hint(first)), key) {
        (Hint::None, _) => false,
        // The words that mean something have up to five letters, and few ways to begin.
        (Hint::Word, [first, second, ..]) if key.len() <= 5 => matches!(
            (first | 0x20, second | 0x20),
            (b'y', b'e') | (b'n', b'o' | b'u') | (b't', b'r') | (b'f', b'a') | (b'o', b'n' | b'f')
        ),
        (Hint::Word, _) => key.len() == 1,
        (Hint::Dot | Hint::Number, _) => true,
    }
}

/// What reading gives, without the text itself where it stays as it is.
enum Read {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text,
    Decoded(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    None,
    Word,
    Dot,
    Number,
}

fn hint(first: u8) -> Hint {
    match first {
        b'+' | b'-' | b'0'..=b'9' => Hint::Number,
        b'.' => Hint::Dot,
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => Hint::Word,
        _ => Hint::None,
    }
}

fn read(text: &str, style: Style, tag: Tag) -> Result<Read, TagMismatch> {
    let wanted = match tag {
        Tag::None if matches!(style, Style::Plain | Style::Absent) => tag,
        Tag::None | Tag::Str => return Ok(Read::Text),
        Tag::Binary => return binary(text).map(Read::Decoded).ok_or(TagMismatch),
        Tag::Timestamp => return if is_timestamp(text) { Ok(Read::Text) } else { Err(TagMismatch) },
        Tag::Int | Tag::Float | Tag::Bool | Tag::Null => tag,
    };
    let read = read_plain(text);
    let fits = match (wanted, &read) {
        (Tag::Float, Read::Int(number)) => return Ok(Read::Float(*number as f64)),
        (Tag::None, _)
        | (Tag::Int, Read::Int(_) | Read::UInt(_))
        | (Tag::Float, Read::Float(_))
        | (Tag::Bool, Read::Bool(_))
        | (Tag::Null, Read::Null) => true,
        _ => false,
    };
    if fits { Ok(read) } else { Err(TagMismatch) }
}

fn read_plain(text: &str) -> Read {
    let Some(&first) = text.as_bytes().first() else { return Read::Null };
    let hint = hint(first);
    if hint == Hint::None {
        return Read::Text;
    }
    if let Some(word) = word(text) {
        return word;
    }
    match hint {
        Hint::Dot => parse_dotted(text).map_or(Read::Text, Read::Float),
        Hint::Number => number(text),
        Hint::Word | Hint::None => Read::Text,
    }
}

fn word(text: &str) -> Option<Read> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Read::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Read::Bool(false),
        "~" | "null" | "Null" | "NULL" => Read::Null,
        ".nan" | ".NaN" | ".NAN" => Read::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Read::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Read::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(text: &str) -> Read {
    // Nothing longer than this is a number that fits; and dates, versions and CIDRs leave here without a copy.
    if text.bytes().any(|byte| matches!(byte, b' ' | b':' | b'/')) {
        return Read::Text;
    }
    let plain: Cow<'_, str> = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    if let Some(read) = integer(&plain) {
        return read;
    }
    if is_float(&plain)
        && let Ok(number) = plain.parse::<f64>()
        && number.is_finite()
    {
        return Read::Float(number);
    }
    // `0b-1` is read as -1: the prefix is cut, and what remains may have a sign of its own.
    if let Some(digits) = plain.strip_prefix("0b")
        && let Ok(number) = signed(digits, 2)
    {
        return Read::Int(number);
    }
    Read::Text
}

/// A whole number with Go's prefixes: `0x`, `0o`, `0b`, and a plain leading zero for octal.
fn integer(text: &str) -> Option<Read> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = |index: usize| unsigned.as_bytes().get(index).map(u8::to_ascii_lowercase);
    let (digits, radix) = match (lower(0)?, lower(1)) {
        (b'0', Some(b'x')) => (&unsigned[2..], 16),
        (b'0', Some(b'o')) => (&unsigned[2..], 8),
        (b'0', Some(b'b')) => (&unsigned[2..], 2),
        (b'0', Some(_)) => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    let signed = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
    match signed {
        Some(number) => Some(Read::Int(number)),
        // An explicit plus is not for the numbers beyond 63 bits.
        None if negative || text.starts_with('+') => None,
        None => Some(Read::UInt(magnitude)),
    }
}

fn signed(digits: &str, radix: u32) -> Result<i64, std::num::ParseIntError> {
    i64::from_str_radix(digits, radix)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let before = digits(rest);
    rest = &rest[before..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let after = digits(fraction);
        if before + after == 0 {
            return false;
        }
        rest = &fraction[after..];
    } else if before == 0 {
        return false;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

/// `.5`; an underscore between two digits is passed over here too.
fn parse_dotted(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    if memchr::memchr_iter(b'_', bytes).any(|at| !digit(at.checked_sub(1)) || !digit(Some(at + 1))) {
        return None;
    }
    let plain = text.replace('_', "");
    if !is_float(&plain) {
        return None;
    }
    plain.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The whole number that a float becomes on its way through JSON, where it is printed without point and exponent.
fn whole(number: f64) -> Option<i64> {
    if number.fract() != 0.0 || number.abs() >= 1e21 {
        return None;
    }
    if number.abs() <= 9_007_199_254_740_992.0 {
        return Some(number as i64);
    }
    // Shortest digits padded with zeros, as both languages print it.
    format!("{number}").parse().ok()
}

/// A float as a key: Go prints it with 32 bits, `%g` style.
fn float_key(number: f64) -> String {
    let narrow = number as f32;
    if narrow.is_nan() {
        return ".nan".to_owned();
    }
    if narrow.is_infinite() {
        return if narrow > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{narrow:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Shortest form: the exponent is written below -4 and from 6 on.
    if narrow != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{narrow}")
}

/// What `!!binary` stands for; Go replaces each byte that is no UTF-8 by itself.
fn binary(text: &str) -> Option<String> {
    let bytes = crate::base64::decode(text.as_bytes())?;
    let replaced = |length: usize| std::iter::repeat_n(char::REPLACEMENT_CHARACTER, length);
    let chunks = bytes.utf8_chunks().flat_map(|part| part.valid().chars().chain(replaced(part.invalid().len())));
    Some(chunks.collect())
}

/// The formats that Go's reader takes for a timestamp: a date, a date and a time, and RFC 3339 with short fields.
fn is_timestamp(text: &str) -> bool {
    let mut rest = text;
    let Some(year) = digits(&mut rest, 4, 4) else { return false };
    let Some(month) = rest.strip_prefix('-').and_then(|after| field(&mut rest, after)) else { return false };
    let Some(day) = rest.strip_prefix('-').and_then(|after| field(&mut rest, after)) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=last).contains(&day) {
        return false;
    }
    if rest.is_empty() {
        return true;
    }
    let zoned = rest.starts_with(['T', 't']);
    if !zoned && !rest.starts_with(' ') {
        return false;
    }
    rest = &rest[1..];
    clock(&mut rest) && if zoned { zone(rest) } else { rest.is_empty() }
}

fn clock(rest: &mut &str) -> bool {
    let Some(hour) = digits(rest, 1, 2) else { return false };
    let Some(minute) = rest.strip_prefix(':').and_then(|after| field(rest, after)) else { return false };
    let Some(second) = rest.strip_prefix(':').and_then(|after| field(rest, after)) else { return false };
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let count = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return false;
        }
        *rest = &fraction[count..];
    }
    hour < 24 && minute < 60 && second < 60
}

fn zone(rest: &str) -> bool {
    if rest == "Z" {
        return true;
    }
    let Some(mut offset) = rest.strip_prefix(['+', '-']) else { return false };
    let hours = digits(&mut offset, 2, 2);
    let Some(mut minutes) = offset.strip_prefix(':') else { return false };
    hours.is_some_and(|hours| hours <= 24)
        && digits(&mut minutes, 2, 2).is_some_and(|minutes| minutes < 60)
        && minutes.is_empty()
}

fn field<'a>(rest: &mut &'a str, after: &'a str) -> Option<u32> {
    *rest = after;
    digits(rest, 1, 2)
}

fn digits(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let number = rest[..count].parse().ok()?;
    *rest = &rest[count..];
    Some(number)
}
