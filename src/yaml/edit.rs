//! Changes of a document's source text that leave everything else as it is.
//!
//! Every helper takes a view on the parsed document and gives edits for its text; none changes anything itself. What could
//! change more than it says (a value that an alias shares, a spelling that leaves no room) is refused with a reason, and the
//! caller decides. This module must not know what it edits.
//!
//! - [`formed`]: entries that are added to one document of a form after the other.
//! - [`place`]: where a value stands in its text; [`removal`]: taking entries and items out.
//! - [`proof`]: tries an edit before it is given, where the text is out of the ordinary.

mod formed;
mod place;
mod proof;
mod removal;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde_json::Value as Json;

use place::{Place, blank_lines, entry_start, has_odd_breaks, line_start, lines_end, trim_end};
use proof::{extend, proven};

use super::render::{self, Strings};
pub use super::render::{block as render_block, double_quoted, inline as render_inline, quote, source_at};
use super::tape::{Span, Style};
use super::value::Value;
use super::view::Document;
pub use formed::Formed;
pub use removal::{remove, remove_items};

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
pub fn apply<'e>(text: &str, edits: impl IntoIterator<Item = &'e Edit>) -> Result<String, Overlap> {
    let mut out = String::new();
    apply_by_piece(text, edits, |piece| out.push_str(piece))?;
    Ok(out)
}

/// As [`apply`], handing the text out piece by piece; where there is an overlap, not all of it.
pub fn apply_by_piece<'e>(
    text: &str,
    edits: impl IntoIterator<Item = &'e Edit>,
    mut put: impl FnMut(&str),
) -> Result<(), Overlap> {
    let mut at = 0;
    for edit in in_order(edits) {
        let overlap = Overlap { at: edit.span.start };
        let kept = text.get(at..edit.span.start).ok_or(overlap)?;
        text.get(edit.span.clone()).ok_or(overlap)?;
        put(kept);
        put(&edit.text);
        at = edit.span.end;
    }
    put(text.get(at..).ok_or(Overlap { at })?);
    Ok(())
}

/// The edits in the order of the text.
pub fn in_order<'e>(edits: impl IntoIterator<Item = &'e Edit>) -> impl Iterator<Item = &'e Edit> {
    let mut edits = edits.into_iter();
    let mut first = edits.next();
    let mut others: Vec<&Edit> = edits.collect();
    if !others.is_empty() {
        others.extend(first.take());
        others.sort_by_key(|edit| (edit.span.start, edit.span.end));
    }
    first.into_iter().chain(others)
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
    let added = || entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).clone()));
    proven(map, new_entries(map, entries)?, |tree| extend(tree, added()))
}

fn new_entries(map: Value<'_>, entries: &[(&str, &Json)]) -> Edits {
    editable(map)?;
    let place = Place::of(map);
    match map.style() {
        _ if entries.is_empty() => Ok(Vec::new()),
        Style::BlockMap => append_lines(map, &place, |strings| entry_lines(entries, place.column, strings)),
        Style::FlowMap if map.raw() == "{}" && place.has_own_line() => {
            below_key(map, &place, |at, strings| entry_lines(entries, at, strings))
        }
        Style::FlowMap => {
            // As the first entry has it, or else its own key: JSON stays JSON.
            let quoted = map.children().next().unwrap_or(map).key_writing().0 == Style::DoubleQuoted;
            let entry = |(key, value): &(&str, &Json)| {
                if quoted {
                    format!("{}: {}", double_quoted(key), render::json(value))
                } else {
                    format!("{}: {}", quote(key), render::inline(value))
                }
            };
            append_flow(map, '}', &entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        _ if map.is_null() => below_key(map, &place, |at, strings| entry_lines(entries, at, strings)),
        _ => Err(Uneditable::WrongKind),
    }
}

/// A key and a text.
pub type Entry<'e> = (Cow<'e, str>, Cow<'e, str>);

/// Adds entries of text, as [`insert_all`] does, or a mapping of them under `key` where one is given.
pub fn insert_texts(map: Value<'_>, key: Option<&str>, entries: &[Entry<'_>]) -> Edits {
    let is_common = map.style() == Style::BlockMap && !entries.is_empty();
    if is_common && entries.iter().all(|(_, text)| memchr::memchr(b'\n', text.as_bytes()).is_none()) {
        editable(map)?;
        let place = Place::of(map);
        let edits = append_lines(map, &place, |_| text_lines(key, entries, place.column))?;
        let texts = || entries.iter().map(|(key, text)| (key.clone().into_owned(), Json::from(&**text)));
        return proven(map, edits, |tree| match key {
            Some(key) => extend(tree, [(key.to_owned(), texts().collect())]),
            None => extend(tree, texts()),
        });
    }
    let texts: Vec<(&str, Json)> =
        entries.iter().map(|(key, text)| (&**key, Json::String(text.clone().into_owned()))).collect();
    match key {
        Some(key) => {
            let inner = texts.into_iter().map(|(key, text)| (key.to_owned(), text)).collect();
            insert(map, key, &Json::Object(inner))
        }
        None => insert_all(map, &texts.iter().map(|(key, text)| (*key, text)).collect::<Vec<_>>()),
    }
}

/// Adds an item at the end of a list; a list that is null, absent or `[]` comes into being.
pub fn push(list: Value<'_>, item: &Json) -> Edits {
    proven(list, new_item(list, item)?, |tree| match tree {
        Json::Array(items) => items.push(item.clone()),
        _ => *tree = Json::Array(vec![item.clone()]),
    })
}

fn new_item(list: Value<'_>, item: &Json) -> Edits {
    editable(list)?;
    let place = Place::of(list);
    let lines = |at: usize, strings| render::block_with(&Json::Array(vec![item.clone()]), at, strings);
    match list.style() {
        Style::BlockSeq => append_lines(list, &place, |strings| lines(place.column, strings)),
        Style::FlowSeq if list.raw() == "[]" && place.has_own_line() => below_key(list, &place, lines),
        Style::FlowSeq => append_flow(list, ']', &render::inline(item)),
        _ if list.is_null() => below_key(list, &place, lines),
        _ => Err(Uneditable::WrongKind),
    }
}

/// Puts another value in a value's place. Strings keep the quotes of the string they replace.
pub fn replace(value: Value<'_>, new: &Json) -> Edits {
    proven(value, new_value(value, new)?, |tree| *tree = new.clone())
}

fn new_value(value: Value<'_>, new: &Json) -> Edits {
    editable(value)?;
    let place = Place::of(value);
    let text = value.document().text();
    let range = value.span().range();
    if render::is_block(new) && place.has_own_line() && value.index() != 0 {
        return replace_below(value, &place, |strings| render::block_with(new, place.below(), strings));
    }
    let at_margin = value.index() != 0
        && matches!(value.style(), Style::Literal | Style::Folded)
        && text[line_start(text, range.start)..range.start].trim().is_empty()
        && place.entry.is_none_or(|entry| place.column <= entry);
    if at_margin {
        // A block scalar's header may stand at the column of its key, other text may not.
        return Err(Uneditable::Spelling);
    }
    let mut inline = match (value.style(), new) {
        (Style::SingleQuoted, Json::String(string)) if !string.contains(render::needs_escape) => {
            render::single_quoted(string)
        }
        (Style::DoubleQuoted, Json::String(string)) => double_quoted(string),
        _ => render::inline(new),
    };
    if text[trim_end(text, &range)..].starts_with('#') {
        // `{}# comment` is fine as it stands; behind a plain scalar the comment needs its blank.
        inline.push(' ');
    }
    Ok(match value.style() {
        Style::Absent => {
            if !place.bare {
                return Err(Uneditable::Spelling);
            }
            let space = if text[..range.end].ends_with(' ') { "" } else { " " };
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
    let map = parent(entry).ok_or(Uneditable::WrongKind)?;
    proven(map, new_key(entry, key)?, |tree| proof::rename(tree, &entry.key().unwrap_or_default(), key))
}

fn new_key(entry: Value<'_>, key: &str) -> Edits {
    editable(entry)?;
    let (style, _, span) = entry.key_writing();
    let span = span.range();
    if !matches!(style, Style::Plain | Style::SingleQuoted | Style::DoubleQuoted) {
        return Err(Uneditable::Spelling);
    }
    Ok(vec![match style {
        Style::DoubleQuoted => Edit::replace(span.start - 1..span.end + 1, double_quoted(key)),
        Style::SingleQuoted => {
            // `'a':b` is an entry, and so is `'a' :b`; `a:b` is a word.
            let behind = entry.document().text()[span.end + 1..].trim_start().strip_prefix(':').unwrap_or_default();
            let is_tight = !behind.is_empty() && !behind.starts_with([' ', '\t', '\r', '\n']);
            let new = if is_tight { double_quoted(key) } else { quote(key).into_owned() };
            Edit::replace(span.start - 1..span.end + 1, new)
        }
        _ => Edit::replace(span, quote(key)),
    }])
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

/// Refuses values whose text an alias uses too, and documents with line breaks other than LF and CRLF, which this module
/// would overlook. An ordinary document has neither.
fn editable(value: Value<'_>) -> Result<(), Uneditable> {
    let document = value.document();
    if !document.is_unusual() {
        return Ok(());
    }
    if has_odd_breaks(document.text()) {
        return Err(Uneditable::Spelling);
    }
    let span = value.span();
    let key = value.key_span();
    let touches = |other: Span| {
        (other.start <= span.end && span.start <= other.end) || (other.start <= key.start && key.end <= other.end)
    };
    let shared = values(document).any(|other| {
        (other.index() == value.index() && other.is_aliased())
            || (other.is_aliased() && touches(other.span()))
            || (other.key_is_aliased() && touches(other.key_span()))
    });
    if shared { Err(Uneditable::Shared) } else { Ok(()) }
}

fn values(document: &Document) -> impl Iterator<Item = Value<'_>> {
    (0..document.len() as u32).filter_map(move |index| document.value(index))
}

fn entry_lines(entries: &[(&str, &Json)], column: usize, strings: Strings) -> String {
    let map: serde_json::Map<_, _> = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).clone())).collect();
    render::block_with(&Json::Object(map), column, strings)
}

/// Entries of text, each on its line, without a line break at the end.
fn text_lines(under: Option<&str>, entries: &[Entry<'_>], column: usize) -> String {
    // Room for quotes, and for the line break that comes behind it: there may be as many of these as documents.
    let length = |key: &str, text: &str| column + 2 + key.len() + text.len() + 8;
    let all = entries.iter().map(|(key, text)| length(key, text)).sum::<usize>();
    let mut lines = String::with_capacity(all + under.map_or(0, |key| length(key, "")));
    let mut indent = column;
    if let Some(key) = under {
        lines.extend(std::iter::repeat_n(' ', indent));
        lines.push_str(&quote(key));
        lines.push(':');
        indent += 2;
    }
    for (key, text) in entries {
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.extend(std::iter::repeat_n(' ', indent));
        lines.push_str(&quote(key));
        lines.push_str(": ");
        lines.push_str(&quote(text));
    }
    lines
}

/// How to write strings before `rest`: where a comment or blanks come next, a block scalar could swallow them, and where the
/// text ends without a line break, it would lack its own.
fn strings_before(rest: &str) -> Strings {
    let is_swallowed = rest.is_empty() || rest.trim_start().starts_with('#') || blank_lines(rest).contains(' ');
    if is_swallowed { Strings::Quoted } else { Strings::Literal }
}

/// Lines below the last line of a block collection.
fn append_lines(collection: Value<'_>, place: &Place, lines: impl Fn(Strings) -> String) -> Edits {
    let text = collection.document().text();
    let newline = line_break(text);
    let at = below_comments(text, lines_end(text, collection.span().range().end), place.column);
    let closed = text[..at].ends_with('\n');
    let rest = if closed && at == text.len() { newline } else { &text[at..] };
    let lines = lines(strings_before(rest));
    let lines = if newline == "\n" { lines } else { lines.replace('\n', newline) };
    if closed {
        return Ok(vec![Edit::insert(at, lines + newline)]);
    }
    // A block scalar that the end of the text cuts off would gain a line break; so the lines go above its entry.
    let is_block = |style: Style| matches!(style, Style::Literal | Style::Folded);
    let last = collection.children().last();
    if last.is_some_and(|last| is_block(deepest(last).key_writing().0)) {
        return Err(Uneditable::Spelling);
    }
    if last.is_some_and(|last| is_block(deepest(last).style())) {
        if collection.is_seq() {
            return Err(Uneditable::Spelling);
        }
        let start = last.and_then(entry_start).ok_or(Uneditable::Spelling)?;
        let margin = " ".repeat(place.column);
        return Ok(vec![Edit::insert(start, format!("{}{newline}{margin}", lines.trim_start_matches(' ')))]);
    }
    Ok(vec![Edit::insert(at, format!("{newline}{lines}"))])
}

/// Behind the comments that stand right below an offset: at the column of a collection or deeper, they belong to it.
fn below_comments(text: &str, at: usize, column: usize) -> usize {
    let belongs = |line: &&str| {
        let content = line.trim_start_matches(' ');
        content.starts_with('#') && line.len() - content.len() >= column
    };
    at + text[at..].split_inclusive('\n').take_while(belongs).map(str::len).sum::<usize>()
}

/// The last scalar inside a value.
fn deepest(mut value: Value<'_>) -> Value<'_> {
    while let Some(last) = value.children().last() {
        value = last;
    }
    value
}

/// Whether a value ends in a block scalar that takes the empty lines below for its own (`|+`, or blanks deep enough).
fn keeps_blank_lines(value: Value<'_>, blank: &str) -> bool {
    let header = deepest(value).raw().split(['\n', '\r', '#']).next().unwrap_or_default();
    ends_in_block(value) && (header.contains('+') || blank.contains([' ', '\t']))
}

fn ends_in_block(value: Value<'_>) -> bool {
    matches!(deepest(value).style(), Style::Literal | Style::Folded)
}

/// Lines below the key of a value that is null, absent or empty. `lines` renders them for a column.
fn below_key(value: Value<'_>, place: &Place, lines: impl Fn(usize, Strings) -> String) -> Edits {
    if !place.has_own_line() {
        return Err(Uneditable::Spelling);
    }
    replace_below(value, place, |strings| lines(place.below(), strings))
}

/// Puts lines in the place of a value, below its key or behind its dash.
fn replace_below(value: Value<'_>, place: &Place, lines: impl Fn(Strings) -> String) -> Edits {
    let text = value.document().text();
    let newline = line_break(text);
    let range = value.span().range();
    let start = place.behind_indicator.unwrap_or(range.start);
    let end = trim_end(text, &range).max(start);
    let line = end + text[end..].find(['\n', '\r']).unwrap_or(text.len() - end);
    let lines = lines(strings_before(&text[line..])).replace('\n', newline);
    let commented = !text[end..line].trim().is_empty();
    let space = if text[end..].starts_with('#') { " " } else { "" };
    Ok(match (commented, place.in_list) {
        (false, true) => vec![Edit::replace(start..line, format!(" {}", lines.trim_start_matches(' ')))],
        (false, false) => vec![Edit::replace(start..line, format!("{newline}{lines}"))],
        // A comment behind the old value stays on the key's line.
        (true, false) if !text[start..end].contains('\n') => {
            vec![Edit::replace(start..end, space), Edit::insert(line, format!("{newline}{lines}"))]
        }
        (true, _) => return Err(Uneditable::Spelling),
    })
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
        // A comment between the brackets would come to stand behind what is put in.
        let is_empty = text[range.start + 1..range.end - 1].trim().is_empty();
        return if is_empty { Ok(vec![Edit::insert(range.start + 1, inner)]) } else { Err(Uneditable::Spelling) };
    };
    let mut end = last.span().range().end;
    if end > range.end {
        return Err(Uneditable::Spelling);
    }
    let comma = text[end..range.end].trim_start().starts_with(',');
    if comma {
        end += text[end..].find(',').map_or(0, |step| step + 1);
    }
    let comma = match deepest(last).style() {
        _ if comma => "",
        // `{a:, b}` would make the comma a part of the key's colon.
        Style::Absent => " ,",
        _ => ",",
    };
    // `[a,# comment` is fine as it stands; behind a word the comment needs its blank.
    let space = if text[end..].starts_with('#') { " " } else { "" };
    Ok(vec![Edit::insert(end, format!("{comma} {inner}{space}"))])
}
