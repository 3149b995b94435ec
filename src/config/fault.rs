//! What is wrong with a setting, and where in the file it stands.

use std::fmt::{self, Write};

use crate::schema::suggest::nearest;
use crate::secrets;
use crate::yaml::Style;
use crate::yaml::{self, Value};

/// Something wrong with one setting.
#[derive(Debug)]
pub struct Fault {
    /// Keys and list positions from the top of the file.
    path: Vec<String>,
    /// The byte in the setting's text, where it is known.
    offset: Option<usize>,
    what: String,
}

impl Fault {
    /// What is wrong with the setting at a path.
    pub fn new(path: &[&str], what: impl fmt::Display) -> Self {
        Self { path: path.iter().map(ToString::to_string).collect(), offset: None, what: what.to_string() }
    }

    /// About one byte of the setting's text.
    #[must_use]
    pub fn offset(self, offset: usize) -> Self {
        Self { offset: Some(offset), ..self }
    }

    /// The message, with line and column of the file's text.
    pub fn message(&self, text: &str) -> String {
        let place = position(text, &self.path, self.offset)
            .map_or_else(String::new, |(line, column)| format!("line {line}, column {column}: "));
        let mut path = String::new();
        for step in &self.path {
            match step.parse::<usize>() {
                Ok(number) => {
                    let _ = write!(path, "[{number}]");
                }
                Err(_) => yaml::tape::push_key(&mut path, step),
            }
        }
        format!("{place}{path}: {}", self.what)
    }
}

/// Line and column of the setting at a path, or of the nearest one above it that is there.
fn position(text: &str, path: &[String], offset: Option<usize>) -> Option<(usize, usize)> {
    let parsed = yaml::parse(text).ok()?;
    let mut value = parsed.root()?;
    for step in path {
        let next = match step.parse::<usize>() {
            Ok(number) if value.is_seq() => value.items().nth(number),
            _ => value.get(step),
        };
        let Some(next) = next else { break };
        value = next;
    }
    let at = offset.map_or(value.key_span().start as usize, |offset| inside(value, offset));
    let before = text.get(..at)?;
    let line = before.matches('\n').count() + 1;
    Some((line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1))
}

/// The place in the file of a byte of a setting's text. Exact for text on one line and for `|`; else where the text begins.
fn inside(value: Value<'_>, offset: usize) -> usize {
    let start = value.span().start as usize;
    let raw = value.raw();
    match value.style() {
        Style::Plain if !raw.contains('\n') => start + offset,
        Style::SingleQuoted | Style::DoubleQuoted if !raw.contains(['\n', '\\']) => start + 1 + offset,
        Style::Literal => {
            let decoded = value.as_str().unwrap_or_default();
            let before = decoded.get(..offset).unwrap_or(&decoded);
            let (line, column) = (before.matches('\n').count(), before.rsplit('\n').next().unwrap_or_default().len());
            let mut lines = raw.split_inclusive('\n').skip(1);
            let indent = raw.lines().skip(1).find(|line| !line.trim().is_empty());
            let indent = indent.map_or(0, |line| line.len() - line.trim_start_matches(' ').len());
            let header = raw.split_inclusive('\n').next().unwrap_or_default().len();
            start + header + lines.by_ref().take(line).map(str::len).sum::<usize>() + indent + column
        }
        _ => start,
    }
}

/// A message of the YAML reader in our words: position first, and what was probably meant by a name that is not known.
pub fn of_reader(error: &serde_yaml::Error) -> String {
    let text = secrets::unquoted(&error.to_string());
    let place = error.location().map(|location| (location.line(), location.column()));
    let text = match place {
        Some((line, column)) => text.replace(&format!(" at line {line} column {column}"), ""),
        None => text,
    };
    let place = place.map_or_else(String::new, |(line, column)| format!("line {line}, column {column}: "));
    let known = [("unknown field `", "setting"), ("unknown variant `", "value")];
    let found = known.iter().find_map(|(mark, what)| Some((text.split_once(mark)?, what)));
    let Some(((before, rest), what)) = found else { return format!("{place}{text}") };
    let Some((unknown, rest)) = rest.split_once('`') else { return format!("{place}{text}") };
    let candidates: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    let meant = nearest(unknown, candidates.iter().copied());
    let help = match meant {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("known are {}", candidates.join(", ")),
    };
    format!("{place}{before}there is no {what} '{unknown}'; {help}")
}
