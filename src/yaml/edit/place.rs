//! Where a value stands in its text, and what stands around it: lines, columns, blank lines.
//!
//! It looks and changes nothing.

use std::ops::Range;

use super::parent;
use crate::yaml::tape::Style;
use crate::yaml::value::Value;

/// Where a value stands: what an edit must know of its surroundings.
pub(super) struct Place {
    /// Column of the value itself.
    pub(super) column: usize,
    /// Column of its key or dash.
    pub(super) entry: Option<usize>,
    /// Offset behind the `:` or `-` before it, where nothing but blanks lies between.
    pub(super) behind_indicator: Option<usize>,
    /// Nothing but blanks stands between its indicator and it: no anchor, no tag.
    pub(super) bare: bool,
    /// No flow collection lies around it.
    pub(super) in_block: bool,
    pub(super) in_list: bool,
}

impl Place {
    pub(super) fn of(value: Value<'_>) -> Self {
        let text = value.document().text();
        let start = value.span().range().start;
        let mut in_block = true;
        let parent = parent(value);
        let mut above = parent;
        while let Some(one) = above {
            in_block &= matches!(one.style(), Style::BlockMap | Style::BlockSeq);
            above = self::parent(one);
        }
        let before = text[..start].trim_end();
        let in_list = parent.is_some_and(|parent| parent.is_seq());
        let bare = if in_list {
            dash_before(text, start).is_some()
        } else {
            text.get(value.key_writing().2.range().end..start)
                .is_some_and(|between| between.trim_matches(['"', '\'', ' ', '\n', '\r']) == ":")
        };
        let entry = entry_start(value).map(|at| column(text, at));
        Self {
            column: column(text, start),
            entry,
            behind_indicator: bare.then_some(before.len()),
            bare,
            in_block,
            in_list,
        }
    }

    /// Whether block lines may go below its key.
    pub(super) fn has_own_line(&self) -> bool {
        self.in_block && self.bare && self.entry.is_some()
    }

    /// The column for block lines below its key.
    pub(super) fn below(&self) -> usize {
        self.entry.map_or(0, |column| column + 2)
    }
}

/// Offset where an entry's key begins, quotes included, or an item's dash.
pub(super) fn entry_start(value: Value<'_>) -> Option<usize> {
    let text = value.document().text();
    let parent = parent(value)?;
    if parent.is_seq() {
        return dash_before(text, value.span().range().start);
    }
    let start = key_start(value);
    if value.key_is_aliased() {
        return None;
    }
    // An anchor, a tag or a `?` before the key is more than this module moves about.
    let before = text[line_start(text, start)..start].trim_start_matches([' ', '-', '\u{FEFF}']);
    before.is_empty().then_some(start)
}

/// Offset of the dash behind which an item begins at `start`: one of the list's own, none that ends a word or a comment.
fn dash_before(text: &str, start: usize) -> Option<usize> {
    let at = text[..start].trim_end().strip_suffix('-')?.len();
    let margin = text[line_start(text, at)..at].trim_start_matches('\u{FEFF}');
    let is_own = margin.bytes().all(|byte| matches!(byte, b' ' | b'-')) && !margin.ends_with('-');
    is_own.then_some(at)
}

/// Offset of a key with its opening quote.
pub(super) fn key_start(entry: Value<'_>) -> usize {
    let (style, _, span) = entry.key_writing();
    span.range().start - usize::from(matches!(style, Style::SingleQuoted | Style::DoubleQuoted))
}

pub(super) fn column(text: &str, at: usize) -> usize {
    text[line_start(text, at)..at].trim_start_matches('\u{FEFF}').chars().count()
}

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// Behind the line break of the line in which a value ends (block scalars end behind their own already).
pub(super) fn lines_end(text: &str, end: usize) -> usize {
    if text[..end].ends_with('\n') {
        return end;
    }
    text[end..].find('\n').map_or(text.len(), |step| end + step + 1)
}

/// The end of a value without the line break that a block scalar includes.
pub(super) fn trim_end(text: &str, range: &Range<usize>) -> usize {
    range.start + text[range.clone()].trim_end_matches(['\n', '\r']).len()
}

/// The blank lines that a text begins with.
pub(super) fn blank_lines(text: &str) -> &str {
    let length = text.split_inclusive('\n').take_while(|line| line.trim().is_empty()).map(str::len).sum();
    &text[..length]
}

/// Whether there are line breaks other than LF and CRLF. Nearly all text is passed at the speed of memory.
pub(super) fn has_odd_breaks(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr3_iter(b'\r', 0xC2, 0xE2, bytes).any(|at| match bytes[at] {
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => crate::yaml::text::line_break(&bytes[at..]).is_some(),
    })
}
