//! A mapping that the migration made is written only where something stands in it.
//!
//! `nodeDrainTimeout` between `if` and `end` becomes `deletion:` with all three below it, which writes `deletion: null` where the
//! condition does not hold. So the key goes inside: between `if` and `end`, or between lines of its own that ask whether
//! any of several conditions holds.

use super::actions::{self, Effect};
use super::mask::{Mask, Numbers};

/// Puts the keys that the migration made inside the conditions of what is below them.
pub(super) fn hoist(old: &str, new: &str, mask: &mut Mask, numbers: &mut Numbers) -> String {
    let mut lines: Vec<String> = new.split_inclusive('\n').map(str::to_owned).collect();
    for number in made(old, new).into_iter().rev() {
        let Some(block) = Block::of(&lines, number, mask) else { continue };
        match block.conditions.as_slice() {
            [] => {}
            [condition] => one(&mut lines, number, condition),
            several => any(&mut lines, number, several, mask, numbers),
        }
    }
    lines.concat()
}

/// The lines of the new text that are new and hold only a key.
fn made(old: &str, new: &str) -> Vec<usize> {
    let diff = similar::TextDiff::from_lines(old, new);
    let inserted = diff.iter_all_changes().filter(|change| change.tag() == similar::ChangeTag::Insert);
    let is_key = |line: &str| line.trim_end().ends_with(':') && !line.trim_start().starts_with(['-', '#']);
    inserted.filter(|change| is_key(change.value())).filter_map(|change| change.new_index()).collect()
}

/// A condition and what belongs to it, by the numbers of lines.
struct Condition {
    open: usize,
    elses: Vec<usize>,
    end: usize,
}

/// What stands below a key, where all of it stands in conditions.
struct Block {
    conditions: Vec<Condition>,
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_content(line: &str) -> bool {
    !line.trim().is_empty() && !line.trim_start().starts_with('#')
}

impl Block {
    fn of(lines: &[String], key: usize, mask: &Mask) -> Option<Self> {
        let column = indent(&lines[key]);
        let mut conditions = Vec::new();
        let mut at = key + 1;
        while let Some(line) = lines.get(at) {
            match mask.action_of(line).map(effect) {
                Some(Effect::Condition) if has_content(lines, at, column) => {
                    let condition = Condition::of(lines, at, column, mask)?;
                    at = condition.end + 1;
                    conditions.push(condition);
                }
                // Whatever else is done with lines here, it is not a condition of what is below the key.
                Some(Effect::Open | Effect::Define | Effect::Writes) => return None,
                Some(_) => break,
                None if !is_content(line) => at += 1,
                None if indent(line) <= column => break,
                None => return None,
            }
        }
        Some(Self { conditions })
    }
}

/// Whether the next line with content is below the key.
fn has_content(lines: &[String], at: usize, column: usize) -> bool {
    lines[at..].iter().find(|line| is_content(line)).is_some_and(|line| indent(line) > column)
}

fn effect(action: &str) -> Effect {
    let effects: Vec<Effect> = actions::actions(action).map(actions::effect).collect();
    match effects.as_slice() {
        [one] => *one,
        _ => Effect::Writes,
    }
}

impl Condition {
    fn of(lines: &[String], open: usize, column: usize, mask: &Mask) -> Option<Self> {
        let (mut depth, mut elses) = (1, Vec::new());
        for (number, line) in lines.iter().enumerate().skip(open + 1) {
            let Some(action) = mask.action_of(line) else {
                if is_content(line) && indent(line) <= column {
                    return None;
                }
                continue;
            };
            if depth == 1 && effect(action) == Effect::Else {
                elses.push(number);
            }
            depth += actions::depth(action);
            if depth <= 0 {
                return Some(Self { open, elses, end: number });
            }
        }
        None
    }
}

fn reindent(line: &str, column: usize) -> String {
    format!("{}{}", " ".repeat(column), line.trim_start_matches(' '))
}

/// The key goes behind the `if`, and behind each `else` with content.
fn one(lines: &mut Vec<String>, key: usize, condition: &Condition) {
    let (text, column) = (lines[key].clone(), indent(&lines[key]));
    for number in [condition.open, condition.end].into_iter().chain(condition.elses.iter().copied()) {
        lines[number] = reindent(&lines[number], column);
    }
    for number in condition.elses.iter().rev() {
        if lines[number + 1..condition.end].iter().any(|line| is_content(line)) {
            lines.insert(number + 1, text.clone());
        }
    }
    lines.insert(condition.open + 1, text);
    lines.remove(key);
}

/// The key stands where any of the conditions holds.
fn any(lines: &mut Vec<String>, key: usize, conditions: &[Condition], mask: &mut Mask, numbers: &mut Numbers) {
    let column = indent(&lines[key]);
    let asked = |condition: &Condition| {
        let inner = actions::inside(mask.action_of(&lines[condition.open])?);
        let (word, asked) = inner.split_once(char::is_whitespace)?;
        let plain = condition.elses.is_empty() && !asked.contains(":=") && matches!(word, "if" | "with");
        plain.then(|| format!("({})", asked.trim()))
    };
    let Some(asked) = conditions.iter().map(asked).collect::<Option<Vec<_>>>() else { return };
    let Some(last) = conditions.last() else { return };
    let line_end = if lines[key].ends_with("\r\n") { "\r\n" } else { "\n" };
    let close = mask.new_line("{{- end }}", column, numbers);
    lines.insert(last.end + 1, format!("{}{close}{line_end}", " ".repeat(column)));
    let open = mask.new_line(&format!("{{{{- if or {} }}}}", asked.join(" ")), column, numbers);
    lines.insert(key, format!("{}{open}{line_end}", " ".repeat(column)));
}
