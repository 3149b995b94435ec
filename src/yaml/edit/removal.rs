//! Taking entries and items out.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::place::{blank_lines, entry_start, key_start, line_start, lines_end, trim_end};
use super::proof::{take_out, tried};
use super::{Edit, Edits, Uneditable, editable, ends_in_block, keeps_blank_lines, new_value, parent};
use crate::yaml::render;
use crate::yaml::tape::Style;
use crate::yaml::value::Value;

/// Takes an entry out of its mapping, or an item out of its list, with the lines it stands on. Comments above it stay. What
/// has lost its last entry becomes `{}` or `[]`. Costs as much as reading the document.
pub fn remove(value: Value<'_>) -> Edits {
    let parent = parent(value).ok_or(Uneditable::WrongKind)?;
    tried(parent, without(value, parent)?, |tree| take_out(tree, parent, |child| child.index() == value.index()))
}

fn without(value: Value<'_>, parent: Value<'_>) -> Edits {
    editable(value)?;
    let siblings: Vec<_> = parent.children().collect();
    let position = siblings.iter().position(|other| other.index() == value.index()).ok_or(Uneditable::WrongKind)?;
    if matches!(parent.style(), Style::FlowMap | Style::FlowSeq) {
        return remove_flow(parent, &siblings, position, siblings.len() - 1);
    }
    remove_block(parent, &siblings, position)
}

/// Takes items out of a list, but not all of them; for each the edits, or why it cannot go. What separates items in brackets
/// goes with them so that all edits together leave a list. Costs as much as reading the document.
pub fn remove_items<'v>(list: Value<'v>, gone: &dyn Fn(Value<'v>) -> bool) -> Vec<(Value<'v>, Edits)> {
    let siblings: Vec<_> = list.children().collect();
    let is_flow = list.style() == Style::FlowSeq;
    let of_list = editable(list);
    let last_kept = siblings.iter().rposition(|item| !gone(*item)).unwrap_or_default();
    let goes = siblings.iter().enumerate().filter(|(_, item)| gone(**item));
    let edits = |(position, item): (usize, &Value<'v>)| {
        // Aliases elsewhere in the list leave this item free.
        let free = if of_list == Err(Uneditable::Shared) { editable(*item) } else { of_list };
        let edits = free.and_then(|()| {
            if is_flow {
                remove_flow(list, &siblings, position, last_kept)
            } else {
                remove_block(list, &siblings, position)
            }
        });
        (*item, edits)
    };
    let mut taken: Vec<_> = goes.map(edits).collect();
    if let Err(reason) = proven_together(list, &taken) {
        taken.iter_mut().filter(|(_, edits)| edits.is_ok()).for_each(|(_, edits)| *edits = Err(reason));
    }
    taken
}

/// All edits that take items out of a list, as one.
fn proven_together(list: Value<'_>, taken: &[(Value<'_>, Edits)]) -> Edits {
    let done = || taken.iter().filter_map(|(item, edits)| Some((item.index(), edits.as_ref().ok()?)));
    let gone: BTreeSet<u32> = done().map(|(index, _)| index).collect();
    let edits = done().flat_map(|(_, edits)| edits).cloned().collect();
    tried(list, edits, |tree| take_out(tree, list, |item| gone.contains(&item.index())))
}

fn remove_block(parent: Value<'_>, siblings: &[Value<'_>], position: usize) -> Edits {
    let value = siblings[position];
    let text = value.document().text();
    if siblings.len() == 1 {
        let empty = if parent.is_map() { Json::Object(serde_json::Map::new()) } else { Json::Array(Vec::new()) };
        if parent.index() == 0 {
            let span = parent.span().range();
            return Ok(vec![Edit::replace(span.start..trim_end(text, &span), render::inline(&empty))]);
        }
        return new_value(parent, &empty);
    }
    let start = entry_start(value).ok_or(Uneditable::Spelling)?;
    let line = line_start(text, start);
    if text[line..start].trim_start_matches(' ').is_empty() {
        let mut end = lines_end(text, value.span().range().end);
        let blank = blank_lines(&text[end..]);
        let below = &text[end + blank.len()..];
        let is_comment = below.starts_with(' ') && below.trim_start_matches(' ').starts_with('#');
        if position > 0 && is_comment && ends_in_block(siblings[position - 1]) {
            // The comment below would become a part of the text above.
            return Err(Uneditable::Spelling);
        }
        if position > 0 && keeps_blank_lines(siblings[position - 1], blank) {
            // The empty lines below would become a part of the text above.
            end += blank.len();
        }
        if line == 0 && text[end..].starts_with('\u{FEFF}') {
            // What is text there would become a mark.
            return Err(Uneditable::Spelling);
        }
        return Ok(vec![Edit::replace(line..end, "")]);
    }
    // It begins behind a dash (`- a: 1`): the next entry moves up to its place.
    let next = siblings.get(position + 1).and_then(|next| entry_start(*next)).ok_or(Uneditable::Spelling)?;
    Ok(vec![Edit::replace(start..next, "")])
}

/// An entry goes with the comma behind it; behind the last one that stays, with the comma before it.
fn remove_flow(parent: Value<'_>, siblings: &[Value<'_>], position: usize, last_kept: usize) -> Edits {
    let start = |value: Value<'_>| if parent.is_seq() { value.span().range().start } else { key_start(value) };
    let open = parent.span().range().start + 1;
    let from = position.checked_sub(1).map_or(open, |before| siblings[before].span().range().end);
    let before = parent.document().text().get(from..start(siblings[position]));
    if before.is_none_or(|before| !matches!(before.trim(), "" | ",")) {
        // A tag or a comment of its own would be left to the next one.
        return Err(Uneditable::Spelling);
    }
    let range = match (position, siblings.get(position + 1)) {
        (_, Some(next)) if position < last_kept => {
            let between = parent.document().text().get(siblings[position].span().range().end..start(*next));
            if between.is_none_or(|between| between.trim() != ",") {
                // A comment, or the tag of the next one.
                return Err(Uneditable::Spelling);
            }
            start(siblings[position])..start(*next)
        }
        (0, _) => parent.span().range().start + 1..parent.span().range().end - 1,
        _ => {
            let end = siblings[position - 1].span().range().end;
            if parent.document().text()[..end].ends_with(':') {
                // With a line break behind it, the colon would be one of its own.
                return Err(Uneditable::Spelling);
            }
            end..siblings[position].span().range().end
        }
    };
    Ok(vec![Edit::replace(range, "")])
}
