//! The template of a patch in a class: it writes a part of an object, and uses the functions that Cluster API gives to it.
//!
//! The part is set into an otherwise empty object, which is migrated as a chart's template is, and is cut out again at its new
//! place.

use super::mask::{LINE, Mask, Numbers};
use super::{ARGUMENTS_HELPER, SECONDS_HELPER, hoist, moved_action};
use crate::migrate::change::Step;
use crate::migrate::{self, Context, NoteKind, Outcome, placeholder};

/// Migrates a template that writes what stands at `old` in an object of a version and kind, and stands at `new` in v1beta2.
pub(in crate::migrate) fn migrate(
    template: &str,
    of: (&str, &str),
    old: &[Step],
    new: &[Step],
) -> Result<String, String> {
    if placeholder::is_one(template) || template.contains(LINE) {
        return Err("the chart writes parts of its template".into());
    }
    let (old_keys, new_keys) = (keys(old)?, keys(new)?);
    let mut text = format!("apiVersion: {}\nkind: {}\n", of.0, of.1);
    for (depth, key) in old_keys.iter().enumerate() {
        text.push_str(&header(depth, key));
    }
    for line in template.lines() {
        text.extend(std::iter::repeat_n(' ', if line.trim().is_empty() { 0 } else { 2 * old_keys.len() }));
        text.push_str(line);
        text.push('\n');
    }
    let migrated = object(&text)?;
    let body = cut(&migrated, &new_keys).ok_or("what its template writes is spread over several places now")?;
    Ok(if template.ends_with('\n') { body } else { body.trim_end().to_owned() })
}

fn keys(path: &[Step]) -> Result<Vec<&str>, String> {
    path.iter()
        .map(|step| match step {
            Step::Key(key) => Ok(key.as_str()),
            Step::Item(_) => Err("its template may write fields that stand elsewhere now".to_owned()),
        })
        .collect()
}

fn header(depth: usize, key: &str) -> String {
    format!("{}{key}:\n", " ".repeat(2 * depth))
}

/// Migrates the text of an object with actions; nothing may be lost, and what Cluster API's functions cannot do is not done.
fn object(text: &str) -> Result<String, String> {
    let mut numbers = Numbers::default();
    let mut mask = Mask::of(text, &mut numbers);
    let migration = match migrate::document(&mask.text, &Context::default()) {
        Outcome::Migrated(migration) => migration,
        Outcome::Refused(reason) => return Err(format!("its template: {}", mask.restore(&reason.message))),
        Outcome::NotConcerned | Outcome::Already => return Err("its template is not understood".into()),
    };
    if let Some(note) = migration.notes.iter().find(|note| note.kind == NoteKind::Removed) {
        return Err(mask.restore(&format!("its template writes {}: {}", note.path, note.message)));
    }
    if moved_action(&mask.text, &migration.text).is_some() {
        return Err("what its template writes moves out of its conditions".into());
    }
    let old = mask.text.clone();
    let new = hoist::hoist(&old, &migration.text, &mut mask, &mut numbers);
    let new = mask.restore(&new);
    if [SECONDS_HELPER, ARGUMENTS_HELPER].iter().any(|helper| new.contains(helper)) {
        return Err(
            "its template takes a value from a variable that has another form now. Change the variable: durations \
                    are numbers of seconds, arguments a list of name and value"
                .into(),
        );
    }
    Ok(new)
}

/// The text of the value at a path, where nothing else stands in the object.
fn cut(text: &str, path: &[&str]) -> Option<String> {
    let mut rest = text.splitn(3, '\n').nth(2)?;
    for (depth, key) in path.iter().enumerate() {
        rest = rest.strip_prefix(header(depth, key).as_str())?;
    }
    let lines = || rest.lines().filter(|line| !line.trim().is_empty());
    let column = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let least = lines().map(column).min()?;
    // A list may stand at the column of its key; a further key may not.
    let above = 2 * path.len().saturating_sub(1);
    let outside = |line: &str| column(line) <= above && !line.trim_start().starts_with(['-', '{', '#']);
    if lines().any(outside) {
        return None;
    }
    Some(rest.lines().flat_map(|line| [line.get(least..).unwrap_or_default(), "\n"]).collect())
}
