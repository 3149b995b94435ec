//! Entries that are added to one document after the other of a form: where they go is found out once, in the document of which
//! the form was made.
//!
//! The lines are the same in all documents of a form but for words, so that nothing of their texts need be put together. What is
//! out of the ordinary is left to [`super::insert_texts`].

use rustc_hash::FxHashMap;

use super::place::{Place, lines_end};
use super::{Edit, Edits, Entry, below_comments, editable, insert_texts, line_break, text_lines};
use crate::yaml::tape::Style;
use crate::yaml::value::Value;
use crate::yaml::view::Document;

/// The document of which a form was made.
#[derive(Debug)]
pub struct Formed {
    document: Document,
    /// What is known of its mappings, by their nodes.
    rooms: FxHashMap<u32, Option<Room>>,
}

/// Where lines can be put below the last one of a mapping.
#[derive(Clone, Copy, Debug)]
struct Room {
    at: usize,
    column: usize,
}

impl Room {
    /// That of a mapping over lines, the last of which ends as most do.
    fn below(map: Value<'_>) -> Option<Self> {
        if map.style() != Style::BlockMap || map.document().is_unusual() || editable(map).is_err() {
            return None;
        }
        let column = Place::of(map).column;
        let text = map.document().text();
        let at = below_comments(text, lines_end(text, map.span().range().end), column);
        (line_break(text) == "\n" && text.get(..at)?.ends_with('\n')).then_some(Self { at, column })
    }
}

impl Formed {
    /// That of a document's form.
    pub fn of(document: &Document) -> Self {
        Self { document: document.formed(), rooms: FxHashMap::default() }
    }

    fn room(&mut self, map: u32) -> Option<Room> {
        *self.rooms.entry(map).or_insert_with(|| self.document.value(map).and_then(Room::below))
    }

    /// As [`insert_texts`], for a document of the form.
    pub fn insert_texts(&mut self, map: Value<'_>, key: Option<&str>, entries: &[Entry<'_>]) -> Edits {
        let document = map.document();
        let is_plain = !entries.is_empty() && entries.iter().all(|(_, text)| !text.contains('\n'));
        let room = if is_plain && document.is_like(&self.document) { self.room(map.index()) } else { None };
        match room.and_then(|room| Some((document.place_of(room.at)?, room.column))) {
            Some((at, column)) => Ok(vec![Edit::insert(at, text_lines(key, entries, column) + "\n")]),
            None => insert_texts(map, key, entries),
        }
    }
}
