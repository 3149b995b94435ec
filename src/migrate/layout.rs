//! Where everything of a block collection stands in its text: whole lines, divided among entries and items.
//!
//! Each entry owns the comment and blank lines above it, its own line or lines, and what follows on them. What follows the
//! last entry belongs to the collection while it is indented like its content, else to whoever comes next.

use rustc_hash::FxHashMap;
use std::ops::Range;

use crate::yaml::{Style, Value};

/// One entry of a block mapping or one item of a block list.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Whole lines above it: comments and blank lines.
    pub lead: Range<usize>,
    /// Column of its key or its dash.
    pub column: usize,
    /// Its key, quotes included; for an item its dash.
    pub key: Range<usize>,
    /// The end of its first line where its value is a block collection, else of its last; without the line break.
    pub end: usize,
    /// An item whose content begins behind the dash: the column of that content.
    pub inline: Option<usize>,
}

/// The chunks of a document by node, and the comment lines behind the last entry of each collection.
#[derive(Debug, Default)]
pub(super) struct Layout {
    chunks: FxHashMap<u32, Chunk>,
    tails: FxHashMap<u32, Range<usize>>,
    /// By how much a mapping is indented below its key.
    pub step: usize,
}

impl Layout {
    /// The layout of a document whose text ends with a line break; `None` where it is written in a way this cannot
    /// follow (keys behind `?` and the like).
    pub fn of(root: Value<'_>, text: &str) -> Option<Self> {
        let mut layout = Self::default();
        if is_block(root) {
            layout.collection(root, text, 0, None)?;
            let tail = layout.tail(root).start..text.len();
            layout.tails.insert(root.index(), tail);
        }
        layout.step = layout.usual_step(root).unwrap_or(2);
        Some(layout)
    }

    /// The indentation of the first mapping below a mapping.
    fn usual_step(&self, root: Value<'_>) -> Option<usize> {
        let document = root.document();
        (root.index()..root.end_index()).filter_map(|index| document.value(index)).find_map(|value| {
            let chunk = self.chunk(value).filter(|_| value.is_map() && value.key().is_some() && is_block(value))?;
            self.column_inside(value)?.checked_sub(chunk.column).filter(|step| *step > 0)
        })
    }

    /// The chunk of an entry or item.
    pub fn chunk(&self, value: Value<'_>) -> Option<&Chunk> {
        self.chunks.get(&value.index())
    }

    /// The comment lines at the end of a collection.
    pub fn tail(&self, value: Value<'_>) -> Range<usize> {
        self.tails.get(&value.index()).cloned().unwrap_or_default()
    }

    /// The column at which the entries of a block collection stand.
    pub fn column_inside(&self, collection: Value<'_>) -> Option<usize> {
        collection.children().find_map(|child| self.chunk(child)).map(|chunk| chunk.column)
    }

    /// Lays out a collection whose unclaimed text begins at `cursor`; gives where that of the next begins.
    fn collection(&mut self, value: Value<'_>, text: &str, mut cursor: usize, outer: Option<usize>) -> Option<usize> {
        let mut inside = 0;
        for child in value.children() {
            let key = if value.is_map() {
                let Some(key) = key_range(child, text).filter(|key| key.start >= cursor) else {
                    // Came in through a merge key: it has no text here.
                    continue;
                };
                key
            } else {
                let dash = find_dash(text, cursor)?;
                dash..dash + 1
            };
            let line = line_start(text, key.start);
            let column = key.start - line;
            inside = column;
            let lead = if line >= cursor { cursor..line } else { key.start..key.start };
            let mut chunk = Chunk { lead, column, end: line_end(text, key.end), key, inline: None };
            if is_block(child) {
                cursor = self.block_child(child, text, &mut chunk)?;
            } else {
                let end = if child.is_aliased() || child.style() == Style::Absent {
                    chunk.key.end
                } else {
                    child.span().range().end.max(chunk.key.end)
                };
                let closed = end > 0 && text.as_bytes().get(end - 1) == Some(&b'\n');
                chunk.end = if closed { end - 1 } else { line_end(text, end) };
                cursor = chunk.end + 1;
            }
            self.chunks.insert(child.index(), chunk);
        }
        let tail = cursor..claim(text, cursor, outer.map_or(inside, |outer| outer + 1).min(inside));
        cursor = tail.end;
        self.tails.insert(value.index(), tail);
        Some(cursor)
    }

    fn block_child(&mut self, child: Value<'_>, text: &str, chunk: &mut Chunk) -> Option<usize> {
        let content = child.span().range().start;
        if content <= chunk.end {
            // On the line of the dash: spaces only may stand between.
            let content =
                content - usize::from(matches!(text.as_bytes().get(content.wrapping_sub(1)), Some(b'"' | b'\'')));
            if !text.get(chunk.key.end..content)?.bytes().all(|byte| byte == b' ') {
                return None;
            }
            chunk.inline = Some(content - line_start(text, content));
            return self.collection(child, text, content, Some(chunk.column));
        }
        self.collection(child, text, chunk.end + 1, Some(chunk.column))
    }
}

/// Whether a value is written over lines and at its own place.
pub(super) fn is_block(value: Value<'_>) -> bool {
    matches!(value.style(), Style::BlockMap | Style::BlockSeq) && !value.is_aliased()
}

/// The key of a value as written, quotes included.
pub(super) fn key_range(value: Value<'_>, text: &str) -> Option<Range<usize>> {
    value.key()?;
    let mut range = value.key_span().range();
    let bytes = text.as_bytes();
    let quote = range.start.checked_sub(1).and_then(|before| bytes.get(before)).copied();
    if let Some(quote @ (b'"' | b'\'')) = quote
        && bytes.get(range.end) == Some(&quote)
    {
        range = range.start - 1..range.end + 1;
    }
    Some(range)
}

fn find_dash(text: &str, mut at: usize) -> Option<usize> {
    loop {
        match text.as_bytes().get(at)? {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'#' => at = line_end(text, at) + 1,
            b'-' => return Some(at),
            _ => return None,
        }
    }
}

/// The end of the comment lines from `cursor` on that are indented by at least `column`, blank lines between included.
fn claim(text: &str, cursor: usize, column: usize) -> usize {
    let (mut at, mut claimed) = (cursor, cursor);
    while at < text.len() {
        let end = line_end(text, at);
        let line = text.get(at..end).unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        at = end + 1;
        if line.trim_start().starts_with('#') {
            if indent < column {
                break;
            }
            claimed = at;
        } else if !line.trim().is_empty() {
            break;
        }
    }
    claimed
}

/// Where the line with this byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where the line with this byte ends, without the line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline)
}
