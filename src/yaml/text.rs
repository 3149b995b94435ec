//! From a scalar as written to its text: quotes, escapes, folded lines, block scalars.
//!
//! Both parsers have checked the syntax before; what is wrong nevertheless is taken as it stands. This module must not
//! resolve: whether `yes` is a boolean is [`super::scalar`]'s matter.

use std::borrow::Cow;

use super::tape::Style;

/// The text of a scalar, given it as written with its quotes or block header.
pub fn decode(raw: &str, style: Style, indent: u8) -> Cow<'_, str> {
    let inner = match style {
        Style::SingleQuoted | Style::DoubleQuoted => raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default(),
        _ => raw,
    };
    decode_inner(inner, style, indent)
}

/// The text of a scalar, given it as written but without its quotes.
pub fn decode_inner(raw: &str, style: Style, indent: u8) -> Cow<'_, str> {
    match style {
        _ if is_verbatim(raw, style) => Cow::Borrowed(raw),
        Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => Cow::Owned(fold(raw, style)),
        Style::Literal | Style::Folded => Cow::Owned(block(raw, style == Style::Literal, usize::from(indent))),
        _ => Cow::Borrowed(""),
    }
}

/// Whether the text of a scalar, written as it is without its quotes, is that very text.
pub fn is_verbatim(inner: &str, style: Style) -> bool {
    let has = |byte| memchr::memchr(byte, inner.as_bytes()).is_some();
    match style {
        Style::Plain => !has_break(inner),
        Style::SingleQuoted => !has(b'\'') && !has_break(inner),
        Style::DoubleQuoted => !has(b'\\') && !has_break(inner),
        _ => false,
    }
}

fn has_break(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    memchr::memchr2(b'\n', b'\r', bytes).is_some()
        || memchr::memchr2_iter(0xC2, 0xE2, bytes).any(|at| line_break(&bytes[at..]).is_some())
}

/// The line break at the start of `bytes`: its length, and what it counts as. YAML 1.1 knows three beyond ASCII.
pub fn line_break(bytes: &[u8]) -> Option<(usize, &'static str)> {
    match bytes {
        [b'\r', b'\n', ..] | [0xC2, 0x85, ..] => Some((2, "\n")),
        [b'\r' | b'\n', ..] => Some((1, "\n")),
        [0xE2, 0x80, 0xA8, ..] => Some((3, "\u{2028}")),
        [0xE2, 0x80, 0xA9, ..] => Some((3, "\u{2029}")),
        _ => None,
    }
}

/// Joins the lines of a plain or quoted scalar, and reads its escapes.
fn fold(raw: &str, style: Style) -> String {
    let bytes = raw.as_bytes();
    let mut out = String::with_capacity(raw.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' => at = fold_blanks(raw, at, None, &mut out),
            b'\'' if style == Style::SingleQuoted && bytes.get(at + 1) == Some(&b'\'') => {
                out.push('\'');
                at += 2;
            }
            b'\\' if style == Style::DoubleQuoted => {
                if let Some((length, _)) = line_break(&bytes[at + 1..]) {
                    at = fold_blanks(raw, at + 1 + length, Some(""), &mut out);
                } else {
                    at += escape(&raw[at..], &mut out);
                }
            }
            _ if line_break(&bytes[at..]).is_some() => at = fold_blanks(raw, at, None, &mut out),
            _ => {
                // To the next byte that could matter; multi-byte characters stay whole.
                let length = bytes[at + 1..]
                    .iter()
                    .position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\'' | b'\\' | 0xC2 | 0xE2))
                    .map_or(bytes.len() - at, |length| length + 1);
                out.push_str(&raw[at..at + length]);
                at += length;
            }
        }
    }
    out
}

/// Blanks and line breaks from `at` on: one break becomes a space, more of them one break less, blanks around breaks
/// vanish. `first` is the first break where it was already read (an escaped one counts as nothing).
fn fold_blanks(raw: &str, mut at: usize, mut first: Option<&'static str>, out: &mut String) -> usize {
    let bytes = raw.as_bytes();
    let start = at;
    let mut further = String::new();
    while at < bytes.len() {
        if matches!(bytes[at], b' ' | b'\t') {
            at += 1;
        } else if let Some((length, counts_as)) = line_break(&bytes[at..]) {
            match first {
                None => first = Some(counts_as),
                Some(_) => further.push_str(counts_as),
            }
            at += length;
        } else {
            break;
        }
    }
    match first {
        None => out.push_str(&raw[start..at]),
        Some("\n") if further.is_empty() => out.push(' '),
        Some("\n") => out.push_str(&further),
        Some(kept) => {
            out.push_str(kept);
            out.push_str(&further);
        }
    }
    at
}

/// One escape sequence; gives the number of bytes it takes.
fn escape(raw: &str, out: &mut String) -> usize {
    let bytes = raw.as_bytes();
    let digits = match bytes.get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(&byte) => {
            if let Some(character) = simple_escape(byte) {
                out.push(character);
            }
            return 1 + raw[1..].chars().next().map_or(0, char::len_utf8);
        }
        None => return 1,
    };
    let hexadecimal = raw.get(2..2 + digits).unwrap_or_default();
    if let Some(character) = u32::from_str_radix(hexadecimal, 16).ok().and_then(char::from_u32) {
        out.push(character);
    }
    (2 + hexadecimal.len()).min(raw.len())
}

/// The character that a one-letter escape stands for; `None` for unknown ones and those with digits.
pub fn simple_escape(byte: u8) -> Option<char> {
    Some(match byte {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\x0B',
        b'f' => '\x0C',
        b'r' => '\r',
        b'e' => '\x1B',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}

/// A block scalar's header, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// `-` strips the last line break, `+` keeps all of them.
    pub chomp: Option<u8>,
    /// The indentation indicator, 0 where there is none.
    pub indicator: u8,
    /// Number of bytes, the `|` or `>` included.
    pub length: usize,
}

/// Reads the indicators of a block scalar behind its `|` or `>`.
pub fn header(bytes: &[u8]) -> Header {
    let mut header = Header { chomp: None, indicator: 0, length: 1 };
    for _ in 0..2 {
        match bytes.get(header.length) {
            Some(&byte @ (b'+' | b'-')) if header.chomp.is_none() => header.chomp = Some(byte),
            Some(&byte @ b'0'..=b'9') if header.indicator == 0 => header.indicator = byte - b'0',
            _ => break,
        }
        header.length += 1;
    }
    header
}

/// A block scalar's text. `indent` is the column of its content where the header gives it; else the first line does.
fn block(raw: &str, literal: bool, indent: usize) -> String {
    let bytes = raw.as_bytes();
    let header = header(bytes);
    let mut at = header.length;
    while at < bytes.len() && line_break(&bytes[at..]).is_none() {
        at += 1;
    }
    at += line_break(&bytes[at..]).map_or(0, |(length, _)| length);
    let indent = if indent > 0 { indent } else { detect_indent(&bytes[at..]) };

    let mut out = String::with_capacity(raw.len() - at);
    // The break that ended the last line, and those of the empty lines since; folding decides about them later.
    let mut pending = "";
    let mut empty = String::new();
    let mut after_blank = false;
    while at < bytes.len() {
        let spaces = bytes[at..].iter().take(indent).take_while(|&&byte| byte == b' ').count();
        at += spaces;
        if let Some((length, counts_as)) = line_break(&bytes[at..]) {
            empty.push_str(counts_as);
            at += length;
            continue;
        }
        if at == bytes.len() {
            break;
        }
        let blank = matches!(bytes[at], b' ' | b'\t');
        if !literal && !after_blank && !blank && pending == "\n" {
            if empty.is_empty() {
                out.push(' ');
            }
        } else {
            out.push_str(pending);
        }
        out.push_str(&empty);
        empty.clear();
        after_blank = blank;
        let end = line_end(bytes, at);
        out.push_str(&raw[at..end]);
        at = end;
        (at, pending) = line_break(&bytes[at..]).map_or((at, ""), |(length, counts_as)| (at + length, counts_as));
    }
    if header.chomp != Some(b'-') {
        out.push_str(pending);
    }
    if header.chomp == Some(b'+') {
        out.push_str(&empty);
    }
    out
}

/// Offset of the line break that ends the line at `at`, or of the end.
pub fn line_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let Some(step) = bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r' | 0xC2 | 0xE2)) else {
            return bytes.len();
        };
        at += step;
        if line_break(&bytes[at..]).is_some() {
            return at;
        }
        at += 1;
    }
}

/// The indentation of the first line that is not empty; where all are, their blanks are indentation to the last.
fn detect_indent(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let spaces = bytes[at..].iter().take_while(|&&byte| byte == b' ').count();
        match line_break(&bytes[at + spaces..]) {
            Some((length, _)) => at += spaces + length,
            None if at + spaces == bytes.len() => return usize::MAX,
            None => return spaces.max(1),
        }
    }
}
