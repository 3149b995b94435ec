//! The text of a template with its actions masked, so that what is left is YAML; and back.

use super::actions::{self, Effect};
use crate::migrate::placeholder::{ARGUMENTS, ARGUMENTS_BLOCK, BLOCK, END, SECONDS, VERSION, VERSION_TAIL, WORD};

/// Actions that have their lines to themselves.
pub(super) const LINE: &str = "#capi-lint-action-";

const MARKS: [&str; 7] = [LINE, WORD, BLOCK, VERSION, SECONDS, ARGUMENTS, ARGUMENTS_BLOCK];

/// An action, or several on one line, and where it stood.
struct Masked {
    text: String,
    /// The column at which the text of its line began.
    column: usize,
}

/// A text with masked actions.
pub(super) struct Mask {
    pub text: String,
    actions: Vec<Masked>,
    /// Bodies of `define`: where they begin in the template, and their texts.
    pub bodies: Vec<(usize, String)>,
}

impl Mask {
    pub fn of(text: &str) -> Self {
        let mut mask = Self { text: String::with_capacity(text.len()), actions: Vec::new(), bodies: Vec::new() };
        let lines = actions::logical_lines(text);
        let mut number = 0;
        while let Some(range) = lines.get(number) {
            let line = &text[range.clone()];
            number += 1;
            if actions::only_actions(line) && actions::actions(line).next().map(actions::effect) == Some(Effect::Define)
            {
                let mut depth = actions::depth(line);
                let first = number;
                while depth > 0 && number < lines.len() {
                    depth += actions::depth(&text[lines[number].clone()]);
                    number += 1;
                }
                let end = lines.get(number.wrapping_sub(1)).map_or(text.len(), |line| line.end);
                let body = range.end..lines.get(number.wrapping_sub(1)).map_or(end, |line| line.start).max(range.end);
                if number > first {
                    mask.bodies.push((body.start, text[body].to_owned()));
                }
                let whole = &text[range.start..end];
                mask.alone(whole);
                continue;
            }
            let next = lines.get(number).map(|next| &text[next.clone()]);
            let after = lines.get(number + 1).map(|after| &text[after.clone()]);
            if let Some(below) = next.filter(|next| writes_value(line, next, after)) {
                let key = line.trim_end();
                mask.text.push_str(key);
                mask.text.push(' ');
                let gap = &line[key.len()..];
                let action = below.trim_end_matches(['\n', '\r']);
                mask.put(BLOCK, &format!("{gap}{action}"), column(line));
                mask.text.push_str(&below[action.len()..]);
                number += 1;
            } else {
                mask.line(line);
            }
        }
        mask
    }

    /// One line, or several where an action runs over them.
    fn line(&mut self, line: &str) {
        if actions::only_actions(line) {
            self.alone(line);
            return;
        }
        let content = line.trim_end_matches(['\n', '\r']);
        let column = column(content);
        let version = content.trim_start_matches([' ', '-']).strip_prefix("apiVersion:");
        let action = version.map(|value| value.trim().trim_matches('"'));
        let is_version = action.is_some_and(|action| matches!(*actions::pieces(action), [("", false), (_, true), ("", false)]));
        for (piece, is_action) in actions::pieces(content) {
            match (is_action, is_version) {
                (true, true) => {
                    self.put(VERSION, piece, column);
                    self.text.push_str(VERSION_TAIL);
                }
                (true, false) => self.put(WORD, piece, column),
                (false, _) => self.text.push_str(piece),
            }
        }
        self.text.push_str(&line[content.len()..]);
    }

    /// Lines that hold actions only.
    fn alone(&mut self, lines: &str) {
        let content = lines.trim_end_matches(['\n', '\r']);
        let indent = content.len() - content.trim_start_matches(' ').len();
        self.text.push_str(&content[..indent]);
        self.put(LINE, &content[indent..], indent);
        self.text.push_str(&lines[content.len()..]);
    }

    fn put(&mut self, mark: &str, action: &str, column: usize) {
        self.text.push_str(mark);
        self.text.push_str(&self.actions.len().to_string());
        self.text.push(END);
        self.actions.push(Masked { text: action.to_owned(), column });
    }

    /// A further line with an action, to be put into the text.
    pub fn new_line(&mut self, action: &str, column: usize) -> String {
        self.actions.push(Masked { text: action.to_owned(), column });
        format!("{LINE}{}{END}", self.actions.len() - 1)
    }

    /// The action that a masked line stands for.
    pub fn action_of(&self, line: &str) -> Option<&str> {
        let number = line.trim().strip_prefix(LINE)?.strip_suffix(END)?;
        Some(&self.actions.get(number.parse::<usize>().ok()?)?.text)
    }

    /// The text with its actions, in the form in which the migration needs them.
    pub fn restore(&self, text: &str) -> String {
        // A number of seconds is no string, even where the duration was in quotes.
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, mark)) = next_mark(rest) {
            let (before, behind) = (&rest[..at], &rest[at + mark.len()..]);
            out.push_str(before);
            let number = behind.split_once(END).and_then(|(number, tail)| Some((number.parse::<usize>().ok()?, tail)));
            let Some((masked, tail)) = number.and_then(|(number, tail)| Some((self.actions.get(number)?, tail))) else {
                out.push_str(mark);
                rest = behind;
                continue;
            };
            rest = put_back(&mut out, mark, masked, tail);
        }
        out.push_str(rest);
        out
    }
}

/// Writes what stands for a mark; gives the text behind it.
fn put_back<'t>(out: &mut String, mark: &str, masked: &Masked, tail: &'t str) -> &'t str {
    let line = &out[out.rfind('\n').map_or(0, |newline| newline + 1)..];
    let by = column(line).cast_signed() - masked.column.cast_signed();
    let action = actions::shifted(&masked.text, by);
    match mark {
        VERSION => match tail.strip_prefix(VERSION_TAIL) {
            Some(tail) => {
                out.push_str(&action);
                return tail;
            }
            None => out.push_str(&format!("{{{{ regexReplaceAll \"/?[^/]*$\" ({}) \"\" }}}}", actions::inside(&action))),
        },
        SECONDS => {
            let unit_end = tail.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, mut tail) = tail.split_at(unit_end);
            let quote = out.chars().next_back().filter(|c| matches!(c, '"' | '\''));
            if let Some(closed) = quote.and_then(|quote| tail.strip_prefix(quote)) {
                out.pop();
                tail = closed;
            }
            let value = actions::inside(&action);
            let value = if unit.is_empty() { format!("({value})") } else { format!("(printf \"%v{unit}\" ({value}))") };
            out.push_str(&format!("{{{{ include \"{}\" {value} }}}}", super::SECONDS_HELPER));
            return tail;
        }
        BLOCK | ARGUMENTS_BLOCK => {
            // The space behind the colon was put there with the mask.
            out.pop();
            let (gap, action) = action.split_at(action.find("{{").unwrap_or(0));
            let (line, indent) = gap.rsplit_once('\n').unwrap_or(("", gap));
            let shift = usize::try_from(indent.len().cast_signed() + by).unwrap_or_default();
            out.push_str(line);
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', shift));
            out.push_str(&if mark == BLOCK { action.to_owned() } else { list_of(action) });
        }
        ARGUMENTS => out.push_str(&list_of(&action)),
        _ => out.push_str(&action),
    }
    tail
}

/// An action that writes a list of what another wrote as a mapping.
fn list_of(action: &str) -> String {
    let open = if action.starts_with("{{-") { "{{-" } else { "{{" };
    let indent = actions::indentation(action).unwrap_or_default();
    format!("{open} include \"{}\" ({} | fromYaml) | nindent {indent} }}}}", super::ARGUMENTS_HELPER, actions::inside(action))
}

/// Whether the line below a key is an action that writes all of the key's value.
fn writes_value(line: &str, next: &str, after: Option<&str>) -> bool {
    let key = line.trim_end();
    if !key.ends_with(':') || key.contains("{{") || key.trim_start().starts_with('#') || !actions::only_actions(next) {
        return false;
    }
    let mut below = actions::actions(next);
    let writes = below.next().is_some_and(|action| actions::effect(action) == Effect::Writes && action.contains("nindent "));
    let ends = |after: &str| {
        if actions::only_actions(after) {
            actions::actions(after).next().is_some_and(|action| matches!(actions::effect(action), Effect::End | Effect::Else))
        } else {
            after.trim().is_empty() || column(after) <= column(line)
        }
    };
    writes && below.next().is_none() && after.is_none_or(ends)
}

/// The column at which the text of a line begins, behind the dashes of lists.
fn column(line: &str) -> usize {
    let mut rest = line;
    loop {
        let text = rest.trim_start_matches(' ');
        match text.strip_prefix("- ") {
            Some(behind) => rest = behind,
            None => return line.len() - text.len(),
        }
    }
}

fn next_mark(text: &str) -> Option<(usize, &'static str)> {
    MARKS.into_iter().filter_map(|mark| text.find(mark).map(|at| (at, mark))).min()
}
