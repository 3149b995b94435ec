//! The tape: a document as a flat list of nodes with byte spans.
//!
//! Why flat: one allocation for a whole document, a subtree is a slice, and nothing is decoded until somebody asks. Nodes keep
//! where they stand in the text, so that findings point and edits cut exactly. This module must not parse and must not know
//! Kubernetes; [`super::view`] is how the rest of the crate reads it.

use std::fmt::Write as _;
use std::ops::Range;

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

/// Room for parsing one document after another.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The nodes of the document in hand.
    pub(super) nodes: Vec<Node>,
    /// The fast parser's open collections.
    pub(super) frames: Vec<super::block::Frame>,
    /// The search for keys that stand twice.
    pub(super) seen: super::keys::Scratch,
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
