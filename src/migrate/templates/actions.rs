//! Actions of Go templates as text: where they begin and end, and what they do to what follows.

use std::ops::Range;

/// What an action does to the lines behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// `define`: until its `end` stands what is written elsewhere.
    Define,
    /// `if` and `with`: until their `end` or `else` stands what may be written once or not at all.
    Condition,
    /// `range` and `block`.
    Open,
    /// `else`.
    Else,
    /// `end`.
    End,
    /// Comments, assignments: nothing is written.
    Silent,
    /// Something is written.
    Writes,
}

/// What is between the braces, without the dashes.
pub(super) fn inside(action: &str) -> &str {
    let inner = action.trim_start_matches("{{").trim_end_matches("}}");
    inner
        .strip_prefix('-')
        .unwrap_or(inner)
        .strip_suffix('-')
        .unwrap_or(inner.strip_prefix('-').unwrap_or(inner))
        .trim()
}

/// What one action does.
pub(super) fn effect(action: &str) -> Effect {
    let inner = inside(action);
    let word = inner.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    match word {
        "define" => Effect::Define,
        "if" | "with" => Effect::Condition,
        "range" | "block" => Effect::Open,
        "else" => Effect::Else,
        "end" => Effect::End,
        "fail" => Effect::Silent,
        _ if inner.starts_with("/*") || is_assignment(inner) => Effect::Silent,
        _ => Effect::Writes,
    }
}

fn is_assignment(inner: &str) -> bool {
    let Some(variable) = inner.strip_prefix('$') else { return false };
    let rest = variable.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').trim_start();
    rest.starts_with(":=") || rest.starts_with("= ")
}

/// The actions of a piece of text.
pub(super) fn actions(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|(piece, is_action)| is_action.then_some(piece))
}

/// By how many levels the text opens more than it closes.
pub(super) fn depth(text: &str) -> isize {
    let change = |action| match effect(action) {
        Effect::Define | Effect::Condition | Effect::Open => 1,
        Effect::End => -1,
        Effect::Else | Effect::Silent | Effect::Writes => 0,
    };
    actions(text).map(change).sum()
}

/// The lines of a text; one goes on where an action runs over several.
pub(super) fn logical_lines(text: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = at + logical_line(&text[at..]);
        lines.push(at..end);
        at = end;
    }
    lines
}

/// Length of the first line, with those that its last action runs into.
fn logical_line(text: &str) -> usize {
    let mut at = 0;
    loop {
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1);
        let Some(open) = text[at..end].find("{{").map(|open| at + open) else { return end };
        at = action_end(text, open);
    }
}

/// Where an action ends that opens at `open`.
fn action_end(text: &str, open: usize) -> usize {
    let bytes = text.as_bytes();
    let inner = text[open + 2..].trim_start_matches('-').trim_start();
    if inner.starts_with("/*") {
        let closed = text[open..].find("*/").map_or(text.len(), |close| open + close);
        return text[closed..].find("}}").map_or(text.len(), |close| closed + close + 2);
    }
    let mut at = open + 2;
    let mut quote = None;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return at + 2,
            (None, open @ (b'"' | b'`')) => quote = Some(open),
            (Some(b'"'), b'\\') => at += 1,
            (Some(close), byte) if close == byte => quote = None,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// A line cut into text and actions.
pub(super) fn pieces(line: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(open) = rest.find("{{") {
        let end = action_end(rest, open);
        found.push((&rest[..open], false));
        found.push((&rest[open..end], true));
        rest = &rest[end..];
    }
    found.push((rest, false));
    found
}

/// Whether a line holds actions and nothing else.
pub(super) fn only_actions(line: &str) -> bool {
    let pieces = pieces(line);
    pieces.iter().any(|(_, is_action)| *is_action)
        && pieces.iter().all(|(piece, is_action)| *is_action || piece.trim().is_empty())
}

/// The action with what it passes to `indent` and `nindent` changed for another column.
pub(super) fn shifted(action: &str, by: isize) -> String {
    if by == 0 {
        return action.to_owned();
    }
    let mut out = String::with_capacity(action.len() + 2);
    let mut rest = action;
    while let Some(at) = rest.find("indent ") {
        let (before, behind) = rest.split_at(at + "indent ".len());
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(before);
        match behind[..digits].parse::<isize>() {
            Ok(number) => out.push_str(&number.saturating_add(by).max(0).to_string()),
            Err(_) => out.push_str(&behind[..digits]),
        }
        rest = &behind[digits..];
    }
    out.push_str(rest);
    out
}

/// What an action passes to `indent` or `nindent` last.
pub(super) fn indentation(action: &str) -> Option<usize> {
    let behind = action.rsplit_once("indent ")?.1;
    behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
