//! Changes of a document's source text that leave everything else as it is.
//!
//! Every helper takes a view on the parsed document and gives edits for its text; none changes anything itself. What could
//! change more than it says (a value that an alias shares, a spelling that leaves no room) is refused with a reason, and the
//! caller decides. This module must not know what it edits.

use std::fmt;
use std::ops::Range;

use serde_json::Value as Json;

use super::render;
pub use super::render::{block as render_block, double_quoted, inline as render_inline, quote, source_at};
use super::tape::{Document, Style, Tag, Value};

/// Replaces a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What goes, in bytes of the document's text; empty for an insertion.
    pub span: Range<usize>,
    /// What comes in its place.
    pub text: String,
}

impl Edit {
    fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { span: at..at, text: text.into() }
    }

    fn replace(span: Range<usize>, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }
}

/// Why an edit cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uneditable {
    /// The text is used in another place too, through an alias: a change here would change that.
    Shared,
    /// The value is no mapping, no list, no scalar, as the edit would need it.
    WrongKind,
    /// It is written in a way that leaves no room for the edit.
    Spelling,
}

impl fmt::Display for Uneditable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared => "the text is shared with another place through an anchor",
            Self::WrongKind => "the value is of another kind than the change needs",
            Self::Spelling => "it is written in a way that cannot be changed in place",
        })
    }
}

impl std::error::Error for Uneditable {}

/// Two edits touch the same bytes, or a range is none of the text's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Where.
    pub at: usize,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "two changes meet at byte {}", self.at)
    }
}

impl std::error::Error for Overlap {}

/// The text with all edits made. Insertions at one place keep the order in which they are given.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, Overlap> {
    let mut order: Vec<&Edit> = edits.iter().collect();
    order.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut at = 0;
    for edit in order {
        let overlap = Overlap { at: edit.span.start };
        let kept = text.get(at..edit.span.start).ok_or(overlap)?;
        text.get(edit.span.clone()).ok_or(overlap)?;
        out.push_str(kept);
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).ok_or(Overlap { at })?);
    Ok(out)
}

type Edits = Result<Vec<Edit>, Uneditable>;

/// Sets `key` in a mapping: the value of an existing entry changes, a new one goes below the last. A mapping that is still
/// null or absent comes into being.
pub fn set(map: Value<'_>, key: &str, value: &Json) -> Edits {
    match map.get(key) {
        Some(entry) => replace(entry, value),
        None => insert(map, key, value),
    }
}

/// Adds an entry below the last one of a mapping (which must not have the key).
pub fn insert(map: Value<'_>, key: &str, value: &Json) -> Edits {
    insert_all(map, &[(key, value)])
}

/// Adds several entries, in this order, with edits that fit together.
pub fn insert_all(map: Value<'_>, entries: &[(&str, &Json)]) -> Edits {
    unshared(map)?;
    let place = Place::of(map);
    match map.style() {
        _ if entries.is_empty() => Ok(Vec::new()),
        Style::BlockMap => {
            let lines = entry_lines(entries, place.column);
            append_lines(map, &place, &lines)
        }
        Style::FlowMap if map.raw() == "{}" && place.has_own_line() => {
            below_key(map, &place, |at| entry_lines(entries, at))
        }
        Style::FlowMap => {
            let quoted = map
                .children()
                .next()
                .is_some_and(|child| child.document().text()[..child.key_span().start as usize].ends_with('"'));
            let entry = |(key, value): &(&str, &Json)| {
                if quoted {
                    format!("{}: {value}", double_quoted(key))
                } else {
                    format!("{}: {}", quote(key), render::inline(value))
                }
            };
            append_flow(map, '}', &entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        _ if map.is_null() => below_key(map, &place, |at| entry_lines(entries, at)),
        _ => Err(Uneditable::WrongKind),
    }
}

/// Adds an item at the end of a list; a list that is null, absent or `[]` comes into being.
pub fn push(list: Value<'_>, item: &Json) -> Edits {
    unshared(list)?;
    let place = Place::of(list);
    let lines = |at: usize| render::block(&Json::Array(vec![item.clone()]), at);
    match list.style() {
        Style::BlockSeq => append_lines(list, &place, &lines(place.column)),
        Style::FlowSeq if list.raw() == "[]" && place.has_own_line() => below_key(list, &place, lines),
        Style::FlowSeq => append_flow(list, ']', &render::inline(item)),
        _ if list.is_null() => below_key(list, &place, lines),
        _ => Err(Uneditable::WrongKind),
    }
}

/// Puts another value in a value's place. Strings keep the quotes of the string they replace.
pub fn replace(value: Value<'_>, new: &Json) -> Edits {
    unshared(value)?;
    let place = Place::of(value);
    let text = value.document().text();
    let range = value.span().range();
    if value.tag() != Tag::None {
        return Err(Uneditable::Spelling);
    }
    if render::is_block(new) && place.has_own_line() && value.index() != 0 {
        let lines = render::block(new, place.below());
        return Ok(replace_below(value, &place, &lines));
    }
    let inline = match (value.style(), new) {
        (Style::SingleQuoted, Json::String(string)) if !string.contains(render::needs_escape) => {
            render::single_quoted(string)
        }
        (Style::DoubleQuoted, Json::String(string)) => double_quoted(string),
        _ => render::inline(new),
    };
    Ok(match value.style() {
        Style::Absent => {
            if !place.bare {
                return Err(Uneditable::Spelling);
            }
            let space = if text[range.end..].starts_with(' ') || text[..range.end].ends_with(' ') { "" } else { " " };
            vec![Edit::insert(range.start, format!("{space}{inline}"))]
        }
        Style::BlockMap | Style::BlockSeq if value.index() != 0 => {
            let start = place.behind_indicator.unwrap_or(range.start);
            vec![Edit::replace(start..trim_end(text, &range), format!(" {inline}"))]
        }
        _ => vec![Edit::replace(range.start..trim_end(text, &range), inline)],
    })
}

/// Gives an entry another key. Quotes stay where they were.
pub fn rename(entry: Value<'_>, key: &str) -> Edits {
    unshared(entry)?;
    let span = entry.key_span().range();
    let text = entry.document().text();
    if entry.key().is_none() || entry.key_span() == entry.span() {
        return Err(Uneditable::Spelling);
    }
    let before = text[..span.start].chars().next_back();
    Ok(vec![match before {
        Some('"') if text[span.end..].starts_with('"') => {
            Edit::replace(span.start - 1..span.end + 1, double_quoted(key))
        }
        Some('\'') if text[span.end..].starts_with('\'') => Edit::replace(span.start - 1..span.end + 1, quote(key)),
        _ => Edit::replace(span, quote(key)),
    }])
}

/// Takes an entry out of its mapping, or an item out of its list, with the lines it stands on. Comments above it stay. What
/// has lost its last entry becomes `{}` or `[]`.
pub fn remove(value: Value<'_>) -> Edits {
    unshared(value)?;
    let document = value.document();
    let parent = parent(value).ok_or(Uneditable::WrongKind)?;
    let siblings: Vec<_> = parent.children().collect();
    let position = siblings.iter().position(|other| other.index() == value.index()).ok_or(Uneditable::WrongKind)?;
    let text = document.text();
    match parent.style() {
        Style::FlowMap | Style::FlowSeq => remove_flow(parent, &siblings, position),
        _ if siblings.len() == 1 => {
            let empty = if parent.is_map() { Json::Object(serde_json::Map::new()) } else { Json::Array(Vec::new()) };
            if parent.index() == 0 {
                let span = parent.span().range();
                return Ok(vec![Edit::replace(span.start..trim_end(text, &span), render::inline(&empty))]);
            }
            replace(parent, &empty)
        }
        _ => {
            let start = entry_start(value).ok_or(Uneditable::Spelling)?;
            let line = line_start(text, start);
            if text[line..start].trim_start_matches(' ').is_empty() {
                return Ok(vec![Edit::replace(line..lines_end(text, value.span().range().end), "")]);
            }
            // It begins behind a dash (`- a: 1`): the next entry moves up to its place.
            let next = siblings.get(position + 1).and_then(|next| entry_start(*next)).ok_or(Uneditable::Spelling)?;
            Ok(vec![Edit::replace(start..next, "")])
        }
    }
}

/// The line break that the text uses.
pub fn line_break(text: &str) -> &'static str {
    match memchr::memchr(b'\n', text.as_bytes()) {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The mapping or list in which a value stands.
pub fn parent(value: Value<'_>) -> Option<Value<'_>> {
    let document = value.document();
    let mut above = document.root().filter(|root| root.index() != value.index())?;
    loop {
        let next =
            above.children().find(|child| child.index() <= value.index() && value.index() < child.end_index())?;
        if next.index() == value.index() {
            return Some(above);
        }
        above = next;
    }
}

/// Where a value stands: what an edit must know of its surroundings.
struct Place {
    /// Column of the value itself.
    column: usize,
    /// Column of its key or dash.
    entry: Option<usize>,
    /// Offset behind the `:` or `-` before it, where nothing but blanks lies between.
    behind_indicator: Option<usize>,
    /// Nothing but blanks stands between its indicator and it: no anchor, no tag.
    bare: bool,
    /// No flow collection lies around it.
    in_block: bool,
    in_list: bool,
}

impl Place {
    fn of(value: Value<'_>) -> Self {
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
        let bare = before.ends_with(if in_list { '-' } else { ':' });
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
    fn has_own_line(&self) -> bool {
        self.in_block && self.bare && self.entry.is_some()
    }

    /// The column for block lines below its key.
    fn below(&self) -> usize {
        self.entry.map_or(0, |column| column + 2)
    }
}

/// Offset where an entry's key begins, quotes included, or an item's dash.
fn entry_start(value: Value<'_>) -> Option<usize> {
    let text = value.document().text();
    let parent = parent(value)?;
    if parent.is_seq() {
        let before = text[..value.span().range().start].trim_end();
        return before.ends_with('-').then(|| before.len() - 1);
    }
    let key = value.key_span().range();
    let quoted = text[..key.start].ends_with(['"', '\'']) && text[key.end..].starts_with(['"', '\'']);
    let start = key.start - usize::from(quoted);
    // An anchor, a tag or a `?` before the key is more than this module moves about.
    let before = text[line_start(text, start)..start].trim_start_matches([' ', '-', '\u{FEFF}']);
    before.is_empty().then_some(start)
}

/// Refuses values whose text an alias uses too.
fn unshared(value: Value<'_>) -> Result<(), Uneditable> {
    let span = value.span();
    let key = value.key_span();
    let shared = |other: Value<'_>| {
        let other = other.span();
        (other.start <= span.end && span.start <= other.end) || (other.start <= key.start && key.end <= other.end)
    };
    let document = value.document();
    let any = value.is_aliased() || aliased(document).any(shared);
    if any { Err(Uneditable::Shared) } else { Ok(()) }
}

fn aliased(document: Document<'_>) -> impl Iterator<Item = Value<'_>> {
    (0..document.nodes().len() as u32).filter_map(move |index| document.value(index)).filter(Value::is_aliased)
}

fn column(text: &str, at: usize) -> usize {
    text[line_start(text, at)..at].trim_start_matches('\u{FEFF}').chars().count()
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// Behind the line break of the line in which a value ends (block scalars end behind their own already).
fn lines_end(text: &str, end: usize) -> usize {
    if text[..end].ends_with('\n') {
        return end;
    }
    text[end..].find('\n').map_or(text.len(), |step| end + step + 1)
}

/// The end of a value without the line break that a block scalar includes.
fn trim_end(text: &str, range: &Range<usize>) -> usize {
    range.start + text[range.clone()].trim_end_matches(['\n', '\r']).len()
}

fn entry_lines(entries: &[(&str, &Json)], column: usize) -> String {
    let map: serde_json::Map<_, _> = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).clone())).collect();
    render::block(&Json::Object(map), column)
}

/// Lines below the last line of a block collection.
fn append_lines(collection: Value<'_>, place: &Place, lines: &str) -> Edits {
    let text = collection.document().text();
    let newline = line_break(text);
    let end = collection.span().range().end;
    let lines = lines.replace('\n', newline);
    let at = lines_end(text, end);
    if text[..at].ends_with('\n') {
        return Ok(vec![Edit::insert(at, lines + newline)]);
    }
    // A block scalar that the end of the text cuts off would gain a line break; so the lines go above its entry.
    let last = collection.children().last();
    let mut deepest = last;
    while let Some(next) = deepest.and_then(|value| value.children().last()) {
        deepest = Some(next);
    }
    if deepest.is_some_and(|value| matches!(value.style(), Style::Literal | Style::Folded)) {
        let start = last.and_then(entry_start).ok_or(Uneditable::Spelling)?;
        let margin = " ".repeat(place.column);
        return Ok(vec![Edit::insert(start, format!("{}{newline}{margin}", lines.trim_start_matches(' ')))]);
    }
    Ok(vec![Edit::insert(at, format!("{newline}{lines}"))])
}

/// Lines below the key of a value that is null, absent or empty. `lines` renders them for a column.
fn below_key(value: Value<'_>, place: &Place, lines: impl Fn(usize) -> String) -> Edits {
    if value.tag() != Tag::None || !place.has_own_line() {
        return Err(Uneditable::Spelling);
    }
    Ok(replace_below(value, place, &lines(place.below())))
}

/// Puts lines in the place of a value, below its key or behind its dash.
fn replace_below(value: Value<'_>, place: &Place, lines: &str) -> Vec<Edit> {
    let text = value.document().text();
    let newline = line_break(text);
    let range = value.span().range();
    let lines = lines.replace('\n', newline);
    let start = place.behind_indicator.unwrap_or(range.start);
    let end = trim_end(text, &range);
    if place.in_list {
        return vec![Edit::replace(start..end, format!(" {}", lines.trim_start_matches(' ')))];
    }
    // A comment behind the old value stays on the key's line.
    let line = start + text[start..].find(['\n', '\r']).unwrap_or(text.len() - start);
    if end < line && !text[end..line].trim().is_empty() {
        return vec![Edit::replace(start..end, ""), Edit::insert(line, format!("{newline}{lines}"))];
    }
    vec![Edit::replace(start..end, format!("{newline}{lines}"))]
}

/// Text before the closing bracket of a flow collection.
fn append_flow(collection: Value<'_>, close: char, inner: &str) -> Edits {
    let text = collection.document().text();
    let range = collection.span().range();
    // `[a: b]` holds a mapping without braces.
    if !collection.raw().ends_with(close) || !collection.raw().starts_with(if close == '}' { '{' } else { '[' }) {
        return Err(Uneditable::Spelling);
    }
    let Some(last) = collection.children().last() else {
        return Ok(vec![Edit::insert(range.start + 1, inner)]);
    };
    let mut end = last.span().range().end;
    if last.is_aliased() || end > range.end {
        return Err(Uneditable::Spelling);
    }
    let comma = text[end..range.end].trim_start().starts_with(',');
    if comma {
        end += text[end..].find(',').map_or(0, |step| step + 1);
    }
    Ok(vec![Edit::insert(end, format!("{} {inner}", if comma { "" } else { "," }))])
}

fn remove_flow(parent: Value<'_>, siblings: &[Value<'_>], position: usize) -> Edits {
    let start = |value: Value<'_>| {
        let text = value.document().text();
        if parent.is_seq() {
            return value.span().range().start;
        }
        let key = value.key_span().range().start;
        key - usize::from(text[..key].ends_with(['"', '\'']))
    };
    if !parent.raw().starts_with(['{', '[']) || siblings.iter().any(Value::is_aliased) {
        return Err(Uneditable::Spelling);
    }
    let range = match (position, siblings.get(position + 1)) {
        (_, Some(next)) => start(siblings[position])..start(*next),
        (0, None) => parent.span().range().start + 1..parent.span().range().end - 1,
        (_, None) => siblings[position - 1].span().range().end..siblings[position].span().range().end,
    };
    Ok(vec![Edit::replace(range, "")])
}
