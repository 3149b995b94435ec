//! The tape: a document as a flat list of nodes with byte spans, and the views that the rest of the crate reads it by.
//!
//! Why flat: one allocation for a whole stream, a subtree is a slice, and nothing is decoded until somebody asks. Nodes keep
//! where they stand in the source, so that findings point and edits cut exactly. This module must not parse and must not
//! know Kubernetes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use super::scalar::Scalar;

/// A range of bytes in the text of one document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The span as a range to slice text with.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Number of bytes.
    pub fn len(self) -> usize {
        self.range().len()
    }

    /// Whether the span holds no byte.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// How a node (or a key) was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Style {
    // The order is that of `Style::ALL`; collections come first.
    /// A mapping over lines.
    BlockMap,
    /// `{a: b}`.
    FlowMap,
    /// A list over lines.
    BlockSeq,
    /// `[a, b]`.
    FlowSeq,
    /// Text without quotes.
    Plain,
    /// `'text'`.
    SingleQuoted,
    /// `"text"`.
    DoubleQuoted,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
    /// Nothing was written: `key:` and no more.
    Absent,
}

/// What a node is, without regard to how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Keys with values.
    Map,
    /// A list.
    Seq,
    /// Everything else, `null` included.
    Scalar,
}

/// An explicit tag that changes how a scalar resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// No tag, or one on a collection, where Kubernetes' reader ignores it.
    None,
    /// `!!str`, the non-specific `!`, or any tag of somebody's own: all make text.
    Str,
    /// `!!int`.
    Int,
    /// `!!float`.
    Float,
    /// `!!bool`.
    Bool,
    /// `!!null`.
    Null,
    /// `!!binary`: base64 that the reader decodes.
    Binary,
    /// `!!timestamp`.
    Timestamp,
}

/// One node, 24 bytes. `key` is the key under which it stands when its parent is a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The key as written, without quotes; empty in lists and at the root.
    pub(super) key: Span,
    /// The value as written: scalars with their quotes or block header, collections from first to last byte.
    pub(super) value: Span,
    /// Index behind this node's last descendant.
    pub(super) next: u32,
    pub(super) styles: Pair<Style>,
    pub(super) tags: Pair<Tag>,
    pub(super) flags: u8,
    /// Column of a block scalar's content where an indicator gives it (`|2`); else 0.
    pub(super) indent: u8,
}

/// Two small enumerations in one byte, so that a node stays within 24: the value's and the key's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pair<T> {
    bits: u8,
    of: std::marker::PhantomData<T>,
}

impl Pair<Style> {
    pub(super) const fn new(value: Style, key: Style) -> Self {
        Self { bits: value as u8 | (key as u8) << 4, of: std::marker::PhantomData }
    }

    pub(super) const fn value(self) -> Style {
        Style::ALL[(self.bits & 15) as usize]
    }

    pub(super) const fn key(self) -> Style {
        Style::ALL[(self.bits >> 4) as usize]
    }
}

impl Pair<Tag> {
    /// Neither has a tag.
    pub(super) const NONE: Self = Self::new(Tag::None, Tag::None);

    pub(super) const fn new(value: Tag, key: Tag) -> Self {
        Self { bits: value as u8 | (key as u8) << 4, of: std::marker::PhantomData }
    }

    pub(super) const fn value(self) -> Tag {
        Tag::ALL[(self.bits & 7) as usize]
    }

    pub(super) const fn key(self) -> Tag {
        Tag::ALL[(self.bits >> 4 & 7) as usize]
    }
}

impl std::fmt::Debug for Pair<Style> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}/{:?}", self.value(), self.key())
    }
}

impl std::fmt::Debug for Pair<Tag> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}/{:?}", self.value(), self.key())
    }
}

impl Style {
    /// Sixteen, so that four bits always name one.
    const ALL: [Self; 16] = [
        Self::BlockMap,
        Self::FlowMap,
        Self::BlockSeq,
        Self::FlowSeq,
        Self::Plain,
        Self::SingleQuoted,
        Self::DoubleQuoted,
        Self::Literal,
        Self::Folded,
        Self::Absent,
        Self::Absent,
        Self::Absent,
        Self::Absent,
        Self::Absent,
        Self::Absent,
        Self::Absent,
    ];
}

impl Tag {
    const ALL: [Self; 8] =
        [Self::None, Self::Str, Self::Int, Self::Float, Self::Bool, Self::Null, Self::Binary, Self::Timestamp];
}

const _: () = assert!(size_of::<Node>() == 24);

/// The key's text is not its bytes: it must be decoded or resolved first (`"a\x41"`, `yes`, `1`).
pub(super) const KEY_NEEDS_DECODING: u8 = 1;
/// A later key of the same mapping has the same text; readers keep only that one.
pub(super) const SHADOWED: u8 = 2;
/// The node came in through an alias or a merge key: its spans point at the anchor.
pub(super) const ALIASED: u8 = 4;
/// The value came in through an alias, and the key under which it stands is written there: not one of a merge key.
pub(super) const KEY_WRITTEN: u8 = 128;
/// The key came in through an alias: its span points at the anchor.
pub(super) const KEY_ALIASED: u8 = 32;
/// The value is a scalar whose text is its bytes (between its quotes): nothing is to be unescaped or folded.
pub(super) const VERBATIM: u8 = 64;

/// Nodes of any number of documents, one behind the other.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    pub(super) nodes: Vec<Node>,
    /// Room for the fast parser's open collections, kept from document to document.
    pub(super) frames: Vec<super::block::Frame>,
    /// Room for the search for keys that stand twice.
    pub(super) seen: super::keys::Scratch,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all nodes and keeps the room.
    pub fn clear(&mut self) {
        self.nodes.clear();
    }

    /// Number of nodes written so far: where the next document will begin.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The view of one document: its text and the range of nodes that parsing it wrote.
    pub fn document<'a>(&'a self, text: &'a str, nodes: Range<usize>) -> Document<'a> {
        Document { text, nodes: self.nodes.get(nodes).unwrap_or_default() }
    }
}

/// One parsed document: its text and its nodes. Cheap to copy. Node indexes and spans count from the document's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    text: &'a str,
    nodes: &'a [Node],
}

impl<'a> Document<'a> {
    /// The document's text, from its first byte to the separator.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The root value; `None` for a document with nothing in it.
    pub fn root(self) -> Option<Value<'a>> {
        (!self.nodes.is_empty()).then_some(Value { document: self, index: 0 })
    }

    /// The value at a node index, as [`Value::index`] gave it.
    pub fn value(self, index: u32) -> Option<Value<'a>> {
        ((index as usize) < self.nodes.len()).then_some(Value { document: self, index })
    }

    /// Whether the key of a node, as it is written, ends with one of some texts: a quick look before it is read.
    pub fn key_ends_with(&self, index: u32, ends: &[&str]) -> bool {
        let key = self.nodes.get(index as usize).and_then(|node| self.text.as_bytes().get(node.key.range()));
        key.is_some_and(|key| ends.iter().any(|end| key.ends_with(end.as_bytes())))
    }

    /// The mappings among a range of nodes that have an entry under a key, in the order of these entries. The range begins with a
    /// node and ends with its last descendant. One look at each node's key, and at nothing else.
    pub fn maps_with(self, nodes: Range<u32>, key: &'static str) -> impl Iterator<Item = Value<'a>> {
        // The collections that are open: where each begins and what comes behind it.
        let mut open: Vec<(u32, u32)> = Vec::new();
        nodes.filter_map(move |index| {
            let node = self.nodes.get(index as usize)?;
            while open.last().is_some_and(|(_, end)| *end <= index) {
                open.pop();
            }
            let parent = open.last().map(|(begin, _)| *begin);
            if node.next > index + 1 {
                open.push((index, node.next));
            }
            let may_be = node.key.len() == key.len() || node.flags & KEY_NEEDS_DECODING != 0;
            if !may_be || node.flags & SHADOWED != 0 || !(Value { document: self, index }).key_is(key) {
                return None;
            }
            Some(Value { document: self, index: parent? })
        })
    }

    /// The nodes in order of appearance; for hot paths of this crate that walk them by index.
    pub(crate) fn nodes(&self) -> &'a [Node] {
        self.nodes
    }

    /// Whether anything came in through an alias or a merge key.
    pub(super) fn has_aliases(&self) -> bool {
        self.nodes.iter().any(|node| node.flags & (ALIASED | KEY_ALIASED) != 0)
    }

    /// Whether this document is `old` with nothing but one run of nodes put in: keys, values, their spelling and their
    /// order are the same everywhere else. `run` are node indexes of this document. Never wrong where it says yes; a no
    /// may also come of another spelling.
    pub(crate) fn is_with_run(&self, old: Document<'_>, run: Range<u32>) -> bool {
        let (from, length) = (run.start as usize, run.len());
        if self.nodes.len() != old.nodes.len() + length || from > old.nodes.len() {
            return false;
        }
        // Where a node's subtree ends, if the run were not there; inside the run none may end.
        let without = |next: u32| match next {
            _ if next <= run.start => Some(next),
            _ if next >= run.end => Some(next - length as u32),
            _ => None,
        };
        let same = |new: &Node, was: &Node| {
            let is_scalar = new.styles.value() as u8 > Style::FlowSeq as u8;
            new.styles == was.styles
                && new.tags == was.tags
                && new.flags == was.flags
                && new.indent == was.indent
                && without(new.next) == Some(was.next)
                && self.bytes(new.key) == old.bytes(was.key)
                && (!is_scalar || self.bytes(new.value) == old.bytes(was.value))
        };
        let (before, behind) = old.nodes.split_at(from);
        self.nodes.iter().zip(before).all(|(new, was)| same(new, was))
            && self.nodes.iter().skip(from + length).zip(behind).all(|(new, was)| same(new, was))
    }

    #[inline]
    fn bytes(&self, span: Span) -> Option<&'a [u8]> {
        self.text.as_bytes().get(span.range())
    }

    /// The path of a node from the root: `spec.template.spec.volumes[0].name`. A key that would be ambiguous in dotted
    /// form stands in brackets: `metadata.labels["app.kubernetes.io/name"]`.
    pub fn path(&self, index: u32) -> String {
        self.path_from(0, index)
    }

    /// The path of a node from another one above it.
    pub fn path_from(&self, root: u32, index: u32) -> String {
        let mut path = String::new();
        let mut at = root;
        while at != index {
            let Some(parent) = self.nodes.get(at as usize) else { break };
            let in_seq = matches!(parent.styles.value(), Style::BlockSeq | Style::FlowSeq);
            let mut child = at + 1;
            let mut position = 0_usize;
            while let Some(node) = self.nodes.get(child as usize).filter(|n| n.next <= index) {
                child = node.next;
                position += 1;
            }
            if child >= parent.next {
                break;
            }
            if in_seq {
                let _ = write!(path, "[{position}]");
            } else {
                let key = Value { document: *self, index: child }.key().unwrap_or_default();
                push_key(&mut path, &key);
            }
            at = child;
        }
        path
    }
}

/// Appends one mapping key to a dotted path.
pub fn push_key(path: &mut String, key: &str) {
    if key.is_empty() || key.bytes().any(|b| matches!(b, b'.' | b'[' | b']' | b'"' | b' ' | b'/')) {
        let _ = write!(path, "[{key:?}]");
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    }
}

/// A node seen as a value. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    document: Document<'a>,
    index: u32,
}

impl<'a> Value<'a> {
    fn node(&self) -> &'a Node {
        // The constructors check the index; a tape is never shortened while views on it exist.
        &self.document.nodes[self.index as usize]
    }

    /// The document this value stands in.
    pub fn document(&self) -> Document<'a> {
        self.document
    }

    /// The node's index in its document.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The index behind the last node of this value: everything from [`Value::index`] up to it is inside.
    pub fn end_index(&self) -> u32 {
        self.node().next
    }

    /// Mapping, list or scalar.
    pub fn kind(&self) -> Kind {
        match self.node().styles.value() {
            Style::BlockMap | Style::FlowMap => Kind::Map,
            Style::BlockSeq | Style::FlowSeq => Kind::Seq,
            _ => Kind::Scalar,
        }
    }

    /// Whether this is a mapping.
    pub fn is_map(&self) -> bool {
        self.kind() == Kind::Map
    }

    /// Whether this is a list.
    pub fn is_seq(&self) -> bool {
        self.kind() == Kind::Seq
    }

    /// How it was written.
    pub fn style(&self) -> Style {
        self.node().styles.value()
    }

    /// The explicit tag, where it has a meaning.
    pub fn tag(&self) -> Tag {
        self.node().tags.value()
    }

    /// Whether it came in through an alias or a merge key, so that its spans point at the anchor.
    pub fn is_aliased(&self) -> bool {
        self.node().flags & ALIASED != 0
    }

    /// How its key was written, under which tag, and where: without quotes, and empty for `"":`.
    pub(super) fn key_writing(&self) -> (Style, Tag, Span) {
        let node = self.node();
        (node.styles.key(), node.tags.key(), node.key)
    }

    /// Whether its key came in through an alias.
    pub(super) fn key_is_aliased(&self) -> bool {
        self.node().flags & KEY_ALIASED != 0
    }

    /// Where the value stands, quotes and block header included.
    pub fn span(&self) -> Span {
        self.node().value
    }

    /// Where its key stands (without quotes), or the value itself where it has none.
    pub fn key_span(&self) -> Span {
        let node = self.node();
        if node.key.is_empty() { node.value } else { node.key }
    }

    /// Its key as Kubernetes reads it; `None` in lists and at the root.
    pub fn key(&self) -> Option<Cow<'a, str>> {
        let node = self.node();
        let raw = self.document.text.get(node.key.range())?;
        if node.styles.key() == Style::Absent {
            None
        } else if node.flags & KEY_NEEDS_DECODING == 0 {
            Some(Cow::Borrowed(raw))
        } else {
            Some(super::scalar::key_text(raw, node.styles.key(), node.tags.key()))
        }
    }

    /// The text as written, quotes and block header included.
    pub fn raw(&self) -> &'a str {
        self.document.text.get(self.node().value.range()).unwrap_or_default()
    }

    /// What the scalar means to Kubernetes; [`Scalar::Null`] for collections never: they give `None`.
    pub fn scalar(&self) -> Option<Scalar<'a>> {
        let node = self.node();
        if let Some(text) = self.verbatim(node) {
            return Some(super::scalar::resolve_text(text, node.styles.value(), node.tags.value()));
        }
        (self.kind() == Kind::Scalar)
            .then(|| super::scalar::resolve(self.raw(), node.styles.value(), node.tags.value(), node.indent))
    }

    /// The text of a scalar that is its bytes.
    #[inline]
    fn verbatim(&self, node: &Node) -> Option<&'a str> {
        if node.flags & VERBATIM == 0 {
            return None;
        }
        let quote = u32::from(node.styles.value() != Style::Plain);
        self.document.text.get((node.value.start + quote) as usize..(node.value.end - quote) as usize)
    }

    /// The text, where Kubernetes reads a string.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        let node = self.node();
        if let Some(text) = self.verbatim(node)
            && node.tags.value() == Tag::None
            && (node.styles.value() != Style::Plain || super::scalar::is_surely_text(text))
        {
            return Some(Cow::Borrowed(text));
        }
        match self.scalar()? {
            Scalar::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where Kubernetes reads a whole one.
    pub fn as_i64(&self) -> Option<i64> {
        match self.scalar()? {
            Scalar::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The truth value, where Kubernetes reads one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.scalar()? {
            Scalar::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Whether Kubernetes reads `null`.
    pub fn is_null(&self) -> bool {
        let node = self.node();
        match node.styles.value() {
            Style::BlockMap | Style::FlowMap | Style::BlockSeq | Style::FlowSeq => false,
            // Longer text is nothing that means `null`.
            _ if node.tags.value() == Tag::None && node.value.len() > "null".len() => false,
            _ => matches!(self.scalar(), Some(Scalar::Null)),
        }
    }

    /// The value under a key of this mapping; the last one where the key stands twice.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let map = self.node();
        if !matches!(map.styles.value(), Style::BlockMap | Style::FlowMap) {
            return None;
        }
        let text = self.document.text.as_bytes();
        let mut index = self.index + 1;
        while index < map.next {
            let node = self.document.nodes.get(index as usize)?;
            if node.flags & (SHADOWED | KEY_NEEDS_DECODING) == 0 {
                if node.key.len() == key.len()
                    && text.get(node.key.range()) == Some(key.as_bytes())
                    && node.styles.key() != Style::Absent
                {
                    return Some(Value { document: self.document, index });
                }
            } else if node.flags & SHADOWED == 0 {
                let value = Value { document: self.document, index };
                if value.key_is(key) {
                    return Some(value);
                }
            }
            index = node.next;
        }
        None
    }

    /// The value at the end of a chain of keys.
    pub fn at(&self, keys: &[&str]) -> Option<Value<'a>> {
        keys.iter().try_fold(*self, |value, key| value.get(key))
    }

    /// Whether its key reads as something else than its bytes.
    pub(crate) fn key_needs_decoding(&self) -> bool {
        self.node().flags & KEY_NEEDS_DECODING != 0
    }

    /// Whether it stands under this key.
    #[inline]
    pub fn key_is(&self, key: &str) -> bool {
        let node = self.node();
        if node.flags & KEY_NEEDS_DECODING == 0 {
            self.document.text.as_bytes().get(node.key.range()) == Some(key.as_bytes())
                && node.styles.key() != Style::Absent
        } else {
            self.key().is_some_and(|text| text == key)
        }
    }

    /// The values of a mapping (each knows its [`Value::key`]), without those that a later equal key hides; empty for
    /// anything else.
    pub fn entries(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let none = !self.is_map();
        self.children().filter(move |value| !none && value.node().flags & SHADOWED == 0)
    }

    /// The items of a list; empty for anything else.
    pub fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let none = !self.is_seq();
        self.children().filter(move |_| !none)
    }

    /// Direct children, hidden ones included.
    pub fn children(&self) -> Children<'a> {
        let node = self.node();
        let is_collection = self.kind() != Kind::Scalar;
        Children { document: self.document, at: self.index + 1, end: if is_collection { node.next } else { 0 } }
    }

    /// Whether this value has the shape of another one: the same keys in the same order, lists of the same length, and
    /// null in the same places. The scalars that are not written alike go to `differing`, as node indexes counted from this
    /// value. Never wrong where it says yes; a no may also come of another spelling of a key.
    pub(crate) fn has_shape_of(&self, other: Value<'_>, differing: &mut Vec<u32>) -> bool {
        let nodes = |value: &Value<'a>| value.document.nodes.get(value.index as usize..value.node().next as usize);
        let others = other.document.nodes.get(other.index as usize..other.node().next as usize);
        let (Some(own), Some(others)) = (nodes(self), others) else { return false };
        if own.len() != others.len() {
            return false;
        }
        let mut pairs = (0..).zip(own.iter().zip(others));
        pairs.all(|(offset, (a, b)): (u32, (&Node, &Node))| {
            let is_collection = |node: &Node| node.styles.value() as u8 <= Style::FlowSeq as u8;
            let is_alike = (a.flags ^ b.flags) & (SHADOWED | KEY_NEEDS_DECODING) == 0
                && a.next - self.index == b.next - other.index
                && a.styles.key() == b.styles.key()
                && a.tags.key() == b.tags.key()
                // The value itself stands under keys of which nobody asks.
                && (offset == 0 || self.document.bytes(a.key) == other.document.bytes(b.key));
            if !is_alike || is_collection(a) != is_collection(b) {
                return false;
            }
            if is_collection(a) {
                let is_map = |node: &Node| matches!(node.styles.value(), Style::BlockMap | Style::FlowMap);
                return is_map(a) == is_map(b);
            }
            if a.styles == b.styles
                && a.tags == b.tags
                && a.indent == b.indent
                && self.document.bytes(a.value) == other.document.bytes(b.value)
            {
                return true;
            }
            differing.push(offset);
            let is_null = |value: Value<'_>| value.is_null();
            !is_null(Value { document: self.document, index: self.index + offset })
                && !is_null(Value { document: other.document, index: other.index + offset })
        })
    }

    /// The path of this value from the document's root.
    pub fn path(&self) -> String {
        self.document.path(self.index)
    }

    /// The value as JSON, as `sigs.k8s.io/yaml` converts it. Not for hot paths.
    pub fn to_json(&self) -> serde_json::Value {
        match self.scalar() {
            None if self.is_map() => serde_json::Value::Object(
                self.entries().filter_map(|value| Some((value.key()?.into_owned(), value.to_json()))).collect(),
            ),
            None => serde_json::Value::Array(self.items().map(|item| item.to_json()).collect()),
            Some(Scalar::Null) => serde_json::Value::Null,
            Some(Scalar::Bool(truth)) => truth.into(),
            Some(Scalar::Int(number)) => number.into(),
            Some(Scalar::UInt(number)) => number.into(),
            Some(Scalar::Float(number)) => number.into(),
            Some(Scalar::Str(text)) => text.into_owned().into(),
        }
    }
}

/// Direct children of a value.
#[derive(Clone, Debug)]
pub struct Children<'a> {
    document: Document<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let index = self.at;
        self.at = self.document.nodes.get(index as usize)?.next;
        Some(Value { document: self.document, index })
    }
}
