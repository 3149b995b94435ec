//! Values to YAML text: for what edits insert. The text reads back as the same value, and is quoted only where it must be.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value as Json;

use super::scalar::{self, Scalar};
use super::tape::{Style, Tag};
use super::value::Value;

/// A string as a plain scalar where Kubernetes reads the same string from it (in block and in flow context, as a value and
/// as a key), else in quotes.
pub fn quote(string: &str) -> Cow<'_, str> {
    if is_plain(string) {
        return Cow::Borrowed(string);
    }
    if string.contains(['"', '\\']) && !string.contains(needs_escape) {
        return Cow::Owned(single_quoted(string));
    }
    Cow::Owned(double_quoted(string))
}

/// A string in single quotes. Only for text without line breaks and control characters.
pub(super) fn single_quoted(string: &str) -> String {
    format!("'{}'", string.replace('\'', "''"))
}

/// A string in double quotes, with escapes that JSON knows too where there are such.
pub fn double_quoted(string: &str) -> String {
    let mut out = String::with_capacity(string.len() + 2);
    out.push('"');
    for character in string.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ if !needs_escape(character) => out.push(character),
            _ => {
                // The characters that need it all lie below U+10000.
                let _ = write!(out, "\\u{:04X}", character as u32);
            }
        }
    }
    out.push('"');
    out
}

pub(super) fn needs_escape(character: char) -> bool {
    !matches!(character, ' '..='~' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

fn is_plain(string: &str) -> bool {
    // A word of letters, digits and a few signs, as nearly all are.
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    if string.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && string.bytes().all(is_word)
        && scalar::is_surely_text(string)
    {
        return true;
    }
    let Some(first) = string.chars().next() else { return false };
    let indicator = "-?:,[]{}#&*!|>'\"%@`".contains(first);
    // A dash or a dot may begin a word (`-v`, `.spec`), but no marker.
    let word = first == '-' && string[1..].starts_with(|next: char| next != '-' && next != ' ');
    let marked = (indicator && !word) || string.starts_with("...") || string.starts_with("<<") || string.ends_with(':');
    let plain = !marked
        && string.trim() == string
        && !string.contains(": ")
        && !string.contains(" #")
        && !string.contains([',', '[', ']', '{', '}', '?'])
        && !string.contains(needs_escape);
    plain && matches!(scalar::resolve(string, Style::Plain, Tag::None, 0), Scalar::Str(text) if text == string)
}

/// A value as it stands behind `key: ` or `- ` on one line: scalars as they are, collections in flow style.
pub fn inline(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(number) => number.to_string(),
        Json::String(string) => quote(string).into_owned(),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{}: {}", quote(key), inline(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A value on one line, with every key and string in double quotes: for text that is JSON.
pub(super) fn json(value: &Json) -> String {
    match value {
        Json::String(string) => double_quoted(string),
        Json::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", double_quoted(key), json(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}

/// Whether a value needs lines of its own below its key.
pub(super) fn is_block(value: &Json) -> bool {
    match value {
        Json::Array(items) => !items.is_empty(),
        Json::Object(entries) => !entries.is_empty(),
        _ => false,
    }
}

/// A value as block YAML, every line indented by `indent` spaces, without a line break at the end. Lists stand at the
/// column of their key, as Kubernetes' own writer has it.
pub fn block(value: &Json, indent: usize) -> String {
    block_with(value, indent, Strings::Literal)
}

/// How strings of several lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strings {
    /// As block scalars.
    Literal,
    /// In double quotes: behind a block scalar, an indented comment would become a part of it.
    Quoted,
}

/// [`block`], with a choice.
pub(super) fn block_with(value: &Json, indent: usize, strings: Strings) -> String {
    let mut lines = Vec::new();
    push_block(value, indent, strings, &mut lines);
    lines.join("\n")
}

fn push_block(value: &Json, indent: usize, strings: Strings, lines: &mut Vec<String>) {
    let margin = " ".repeat(indent);
    match value {
        Json::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let below = if value.is_array() { indent } else { indent + 2 };
                push_entry(&format!("{margin}{}:", quote(key)), value, (indent, below), strings, lines);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                push_item(item, indent, strings, lines);
            }
        }
        _ => push_entry(margin.trim_end(), value, (indent, indent), strings, lines),
    }
}

/// One line that begins with `head` at the first column, and what belongs below it, at the second if it is a collection.
fn push_entry(head: &str, value: &Json, (indent, below): (usize, usize), strings: Strings, lines: &mut Vec<String>) {
    if is_block(value) {
        lines.push(head.to_owned());
        return push_block(value, below, strings, lines);
    }
    if strings == Strings::Literal
        && let Json::String(string) = value
        && let Some(header) = literal_header(string)
    {
        lines.push(format!("{head} {header}"));
        let margin = " ".repeat(indent + 2);
        let body = string.strip_suffix('\n').unwrap_or(string);
        lines.extend(
            body.split('\n').map(|line| if line.is_empty() { String::new() } else { format!("{margin}{line}") }),
        );
        return;
    }
    lines.push(if head.is_empty() { inline(value) } else { format!("{head} {}", inline(value)) });
}

fn push_item(item: &Json, indent: usize, strings: Strings, lines: &mut Vec<String>) {
    let margin = " ".repeat(indent);
    if !is_block(item) {
        return push_entry(&format!("{margin}-"), item, (indent, indent + 2), strings, lines);
    }
    // The first line of what is inside goes behind the dash.
    let first = lines.len();
    push_block(item, indent + 2, strings, lines);
    lines[first].replace_range(indent..=indent, "-");
}

/// The header of a literal block scalar that holds the string, where it can be one.
fn literal_header(string: &str) -> Option<&'static str> {
    let body = string.trim_end_matches('\n');
    let tail = string.len() - body.len();
    let fits = body.contains('\n')
        && !body.starts_with([' ', '\t', '\n'])
        && !body.contains(|character| character != '\n' && character != '\t' && needs_escape(character))
        // A line of `---` would be taken for a separator only at the margin, but blanks at line ends get lost in editors.
        && !body.lines().any(|line| line.ends_with([' ', '\t']));
    match tail {
        _ if !fits => None,
        0 => Some("|-"),
        1 => Some("|"),
        _ => None,
    }
}

/// A value's own source text, comments and quoting included, moved so that it begins at column `indent`. The first line
/// comes without indentation (it goes behind what the caller writes there), and no line break stands at the end.
pub fn source_at(value: Value<'_>, indent: usize) -> String {
    let text = value.document().text();
    let span = value.span();
    let line = text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let column = text[line..span.start as usize].chars().count();
    let mut lines = value.raw().trim_end_matches(['\n', '\r']).split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    // Scalars and flow collections are not bound to their own column, but to that of the line they begin on.
    let own = match value.style() {
        Style::BlockMap | Style::BlockSeq => column,
        _ => text[line..].chars().take_while(|&character| character == ' ').count(),
    };
    for line in lines {
        out.push('\n');
        let spaces = line.bytes().take_while(|&byte| byte == b' ').count();
        if line.trim().is_empty() && spaces <= own {
            out.push_str(&line[spaces..]);
            continue;
        }
        let width = (indent + spaces).saturating_sub(own);
        out.extend(std::iter::repeat_n(' ', width));
        out.push_str(&line[spaces..]);
    }
    out
}
