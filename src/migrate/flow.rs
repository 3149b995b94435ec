//! Values on one line, or between brackets: scalars, `{a: b}`, `[a, b]`, and JSON over several lines.

use serde_json::Value as Json;

use super::layout::{key_range, line_start};
use super::render::is_unchanged;
use super::tree::{Data, Tree};
use crate::yaml::scalar::{self, Scalar};
use crate::yaml::tape::Tag;
use crate::yaml::{Style, Value};

/// How what is inside brackets is set.
#[derive(Clone, Copy)]
struct Setting {
    /// Indentation of the line with the opening bracket, where the rest stands on lines of its own.
    lines: Option<usize>,
    /// By how much each level is indented.
    step: usize,
    /// Keys and strings are always quoted, as in JSON.
    quoted: bool,
}

impl Setting {
    /// That of what is one level deeper.
    fn inner(self) -> Self {
        Self { lines: self.lines.map(|indent| indent + self.step), ..self }
    }
}

/// The text of a value; `None` where a comment would be lost. `line` is where the line begins on which it stood.
pub(super) fn write(tree: &Tree<'_>, text: &str, column: usize, line: usize) -> Option<String> {
    let raw = tree.origin.filter(|origin| !origin.is_aliased()).map(|origin| origin.raw()).unwrap_or_default();
    let indent = text.get(line..).unwrap_or_default();
    let indent = indent.len() - indent.trim_start_matches(' ').len();
    let collection = tree.origin.is_some_and(|origin| origin.is_map() || origin.is_seq());
    let lines = (collection && raw.contains('\n')).then_some(if column > 0 { column } else { indent });
    let step = second_line_indent(raw).map_or(2, |second| second.saturating_sub(indent).max(1));
    let quoted = tree.origin.and_then(|origin| origin.children().next()).is_some_and(|first| {
        key_range(first, text).and_then(|key| text.get(key)).is_some_and(|key| key.starts_with('"'))
    });
    let mut out = String::new();
    put(&mut out, tree, text, Setting { lines, step, quoted })?;
    Some(out)
}

fn second_line_indent(raw: &str) -> Option<usize> {
    let second = raw.split('\n').nth(1)?;
    Some(second.len() - second.trim_start_matches(' ').len())
}

fn put(out: &mut String, tree: &Tree<'_>, text: &str, setting: Setting) -> Option<()> {
    let local = tree.origin.filter(|origin| !origin.is_aliased() && is_flow(*origin));
    if let Some(origin) = local.filter(|_| is_unchanged(tree)) {
        put_raw(out, origin, text, setting);
        return Some(());
    }
    if local.is_some_and(has_comment) {
        return None;
    }
    match &tree.data {
        Data::Scalar(json) => out.push_str(&encode(json, tree.origin, setting.quoted)),
        Data::Map(_) => {
            let count = tree.entries().count();
            out.push('{');
            let inner = setting.inner();
            for (number, entry) in tree.entries().enumerate() {
                separate(out, inner, number);
                let raw = entry.key_from.and_then(|from| key_range(from, text)).and_then(|range| text.get(range));
                match raw {
                    Some(raw) => out.push_str(raw),
                    None => out.push_str(&encode(&Json::String(entry.key.clone()), None, setting.quoted)),
                }
                out.push_str(": ");
                put(out, &entry.value, text, inner)?;
            }
            close(out, setting, count, '}');
        }
        Data::Seq(items) => {
            out.push('[');
            let inner = setting.inner();
            for (number, item) in items.iter().enumerate() {
                separate(out, inner, number);
                put(out, &item.value, text, inner)?;
            }
            close(out, setting, items.len(), ']');
        }
    }
    Some(())
}

fn put_raw(out: &mut String, origin: Value<'_>, text: &str, setting: Setting) {
    let raw = origin.raw();
    let (Some(indent), true) = (setting.lines, raw.contains('\n')) else {
        return out.push_str(raw);
    };
    let line = text.get(line_start(text, origin.span().range().start)..).unwrap_or_default();
    let was = line.len() - line.trim_start_matches(' ').len();
    for (number, line) in raw.split_inclusive('\n').enumerate() {
        if number == 0 {
            out.push_str(line);
        } else if indent >= was {
            out.extend(std::iter::repeat_n(' ', indent - was));
            out.push_str(line);
        } else {
            out.push_str(line.get(was - indent..).unwrap_or(line));
        }
    }
}

fn separate(out: &mut String, inner: Setting, number: usize) {
    if number > 0 {
        out.push(',');
    }
    if let Some(indent) = inner.lines {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    } else if number > 0 {
        out.push(' ');
    }
}

fn close(out: &mut String, setting: Setting, count: usize, bracket: char) {
    if let Some(indent) = setting.lines.filter(|_| count > 0) {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    }
    out.push(bracket);
}

/// Whether a value stands on one line or between brackets.
fn is_flow(value: Value<'_>) -> bool {
    !matches!(value.style(), Style::BlockMap | Style::BlockSeq | Style::Literal | Style::Folded | Style::Absent)
}

/// Whether a comment stands between the brackets: a `#` in no key and in no scalar.
pub(super) fn has_comment(value: Value<'_>) -> bool {
    if !matches!(value.style(), Style::FlowMap | Style::FlowSeq) || !value.raw().contains('#') {
        return false;
    }
    let document = value.document();
    let inside = (value.index() + 1..value.end_index()).filter_map(|index| document.value(index));
    let covered: Vec<_> = inside
        .flat_map(|inner| {
            let scalar = !inner.is_map() && !inner.is_seq();
            [Some(inner.key_span().range()), scalar.then(|| inner.span().range())]
        })
        .flatten()
        .collect();
    let start = value.span().range().start;
    value.raw().match_indices('#').any(|(at, _)| !covered.iter().any(|range| range.contains(&(start + at))))
}

/// A scalar, in the quotes of the one it replaces.
fn encode(json: &Json, origin: Option<Value<'_>>, quoted: bool) -> String {
    let Json::String(string) = json else { return json.to_string() };
    match origin.filter(|origin| !origin.is_aliased()).map(|origin| origin.style()) {
        Some(Style::SingleQuoted) if !string.contains(['\n', '\r']) => format!("'{}'", string.replace('\'', "''")),
        Some(Style::DoubleQuoted) => json.to_string(),
        _ if quoted || !is_plain(string) => json.to_string(),
        _ => string.clone(),
    }
}

/// Whether a text can stand without quotes and stays a text.
pub(super) fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-'))
        && matches!(scalar::resolve(text, Style::Plain, Tag::None, 0), Scalar::Str(_))
}
