//! The text of a template with its actions masked, so that what is left is YAML; and back.

use std::collections::HashMap;

use super::actions::{self, Effect};
use crate::migrate::placeholder::{ARGUMENTS, ARGUMENTS_BLOCK, BLOCK, END, SECONDS, VERSION, VERSION_TAIL, WORD};

/// Actions that have their lines to themselves.
pub(super) const LINE: &str = "#capi-lint-action-";

const MARKS: [&str; 7] = [LINE, WORD, BLOCK, VERSION, SECONDS, ARGUMENTS, ARGUMENTS_BLOCK];

/// Which number stands for which action, over all templates of a chart: what the same action writes has the same name in
/// each, so that a class finds its templates.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    known: HashMap<String, usize>,
    next: usize,
}

impl Numbers {
    fn of(&mut self, action: &str) -> usize {
        // One that is told a column is another at another column.
        let shared = !action.contains("indent ") && !action.contains('\n');
        if let Some(number) = self.known.get(action).filter(|_| shared) {
            return *number;
        }
        self.next += 1;
        if shared {
            self.known.insert(action.to_owned(), self.next);
        }
        self.next
    }
}

/// An action, or several on one line, and where it stood.
struct Masked {
    text: String,
    /// The column at which the text of its line began.
    column: usize,
}

/// A text with masked actions.
pub(super) struct Mask {
    pub text: String,
    actions: HashMap<usize, Masked>,
    /// Bodies of `define`: where they begin in the template, and their texts.
    pub bodies: Vec<(usize, String)>,
}

impl Mask {
    pub fn of(text: &str, numbers: &mut Numbers) -> Self {
        let mut mask = Self { text: String::with_capacity(text.len()), actions: HashMap::new(), bodies: Vec::new() };
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
                mask.alone(whole, numbers);
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
                mask.put(BLOCK, &format!("{gap}{action}"), column(line), numbers);
                mask.text.push_str(&below[action.len()..]);
                number += 1;
            } else {
                mask.line(line, numbers);
            }
        }
        mask
    }

    /// One line, or several where an action runs over them.
    fn line(&mut self, line: &str, numbers: &mut Numbers) {
        if actions::only_actions(line) {
            self.alone(line, numbers);
            return;
        }
        let content = line.trim_end_matches(['\n', '\r']);
        let column = column(content);
        let version = content.trim_start_matches([' ', '-']).strip_prefix("apiVersion:");
        let action = version.map(|value| value.trim().trim_matches('"'));
        let is_version =
            action.is_some_and(|action| matches!(*actions::pieces(action), [("", false), (_, true), ("", false)]));
        for (piece, is_action) in actions::pieces(content) {
            match (is_action, is_version) {
                (true, true) => {
                    self.put(VERSION, piece, column, numbers);
                    self.text.push_str(VERSION_TAIL);
                }
                (true, false) => self.put(WORD, piece, column, numbers),
                (false, _) => self.text.push_str(piece),
            }
        }
        self.text.push_str(&line[content.len()..]);
    }

    /// Lines that hold actions only.
    fn alone(&mut self, lines: &str, numbers: &mut Numbers) {
        let content = lines.trim_end_matches(['\n', '\r']);
        let indent = content.len() - content.trim_start_matches(' ').len();
        self.text.push_str(&content[..indent]);
        self.put(LINE, &content[indent..], indent, numbers);
        self.text.push_str(&lines[content.len()..]);
    }

    fn put(&mut self, mark: &str, action: &str, column: usize, numbers: &mut Numbers) {
        let number = numbers.of(action);
        self.text.push_str(mark);
        self.text.push_str(&number.to_string());
        self.text.push(END);
        self.actions.insert(number, Masked { text: action.to_owned(), column });
    }

    /// A further line with an action, to be put into the text.
    pub fn new_line(&mut self, action: &str, column: usize, numbers: &mut Numbers) -> String {
        let number = numbers.of(action);
        self.actions.insert(number, Masked { text: action.to_owned(), column });
        format!("{LINE}{number}{END}")
    }

    /// The action that a masked line stands for.
    pub fn action_of(&self, line: &str) -> Option<&str> {
        let number = line.trim().strip_prefix(LINE)?.strip_suffix(END)?;
        Some(&self.actions.get(&number.parse::<usize>().ok()?)?.text)
    }

    /// The text with its actions, in the form in which the migration needs them.
    pub fn restore(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, mark)) = next_mark(rest) {
            let (before, behind) = (&rest[..at], &rest[at + mark.len()..]);
            out.push_str(before);
            let number = behind.split_once(END).and_then(|(number, tail)| Some((number.parse::<usize>().ok()?, tail)));
            let Some((masked, tail)) = number.and_then(|(number, tail)| Some((self.actions.get(&number)?, tail)))
            else {
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
        VERSION => {
            if let Some(tail) = tail.strip_prefix(VERSION_TAIL) {
                out.push_str(&action);
                return tail;
            }
            out.push_str("{{ regexReplaceAll \"/?[^/]*$\" (");
            out.push_str(actions::inside(&action));
            out.push_str(") \"\" }}");
        }
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
            out.push_str(&["{{ include \"", super::SECONDS_HELPER, "\" ", &value, " }}"].concat());
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
    format!(
        "{open} include \"{}\" ({} | fromYaml) | nindent {indent} }}}}",
        super::ARGUMENTS_HELPER,
        actions::inside(action)
    )
}

/// Whether the line below a key is an action that writes all of the key's value.
fn writes_value(line: &str, next: &str, after: Option<&str>) -> bool {
    let key = line.trim_end();
    if !key.ends_with(':') || key.contains("{{") || key.trim_start().starts_with('#') || !actions::only_actions(next) {
        return false;
    }
    let mut below = actions::actions(next);
    let writes =
        below.next().is_some_and(|action| actions::effect(action) == Effect::Writes && action.contains("nindent "));
    let ends = |after: &str| {
        if actions::only_actions(after) {
            actions::actions(after)
                .next()
                .is_some_and(|action| matches!(actions::effect(action), Effect::End | Effect::Else))
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
