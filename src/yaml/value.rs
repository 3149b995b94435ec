//! A node seen as a value: kind, key, text, meaning, children.
//!
//! All that the rest of the crate asks of a document, it asks here. This module must not parse and must not know Kubernetes.

use std::borrow::Cow;

use super::scalar::Scalar;
use super::tape::{ALIASED, KEY_ALIASED, KEY_NEEDS_DECODING, Kind, Node, SHADOWED, Span, Style, Tag, VERBATIM};
use super::view::Document;

/// A node seen as a value. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    pub(super) document: &'a Document,
    pub(super) index: u32,
}

impl<'a> Value<'a> {
    fn node(&self) -> &'a Node {
        // The constructors check the index; a tape is never shortened while views on it exist.
        &self.document.form.nodes[self.index as usize]
    }

    /// The document this value stands in.
    pub fn document(&self) -> &'a Document {
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
        (node.styles.key(), node.tags.key(), self.own_key_span(node))
    }

    /// Whether a later entry of its mapping has the same key, so that nobody reads this one.
    pub(super) fn is_hidden(&self) -> bool {
        self.node().flags & SHADOWED != 0
    }

    /// Whether its key came in through an alias.
    pub(super) fn key_is_aliased(&self) -> bool {
        self.node().flags & KEY_ALIASED != 0
    }

    /// Where the value stands, quotes and block header included.
    pub fn span(&self) -> Span {
        self.document.span(self.index)
    }

    fn own_key_span(&self, node: &Node) -> Span {
        let document = self.document;
        match document.form.places.get(self.index as usize) {
            // Whoever has no key has it nowhere.
            Some(&(words, _)) if node.styles.key() != Style::Absent => document.moved(node.key, words, words),
            _ => node.key,
        }
    }

    /// Where its key stands (without quotes), or the value itself where it has none.
    pub fn key_span(&self) -> Span {
        let node = self.node();
        if node.key.is_empty() { self.span() } else { self.own_key_span(node) }
    }

    /// Its key as Kubernetes reads it; `None` in lists and at the root.
    pub fn key(&self) -> Option<Cow<'a, str>> {
        self.document.key(self.index)
    }

    /// The text as written, quotes and block header included.
    pub fn raw(&self) -> &'a str {
        self.document.raw(self.index)
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
        let (text, span) = self.document.written(self.index);
        text.get((span.start + quote) as usize..(span.end - quote) as usize)
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
            _ if node.tags.value() == Tag::None && self.document.written(self.index).1.len() > "null".len() => false,
            _ => matches!(self.scalar(), Some(Scalar::Null)),
        }
    }

    /// The value under a key of this mapping; the last one where the key stands twice.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let map = self.node();
        if !matches!(map.styles.value(), Style::BlockMap | Style::FlowMap) {
            return None;
        }
        let form = &*self.document.form;
        let text = form.text.as_bytes();
        let mut index = self.index + 1;
        while index < map.next {
            let node = form.nodes.get(index as usize)?;
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

    /// The value at the end of a chain of keys, which must be one that is always the same: where it leads is remembered.
    pub fn at(&self, keys: &'static [&'static str]) -> Option<Value<'a>> {
        let document = self.document;
        let find_out = || self.below(keys).map(|value| value.index);
        let index = super::paths::follow(document.form.number, self.index, keys, find_out)?;
        Some(Value { document, index })
    }

    /// The value at the end of a chain of keys.
    pub fn below(&self, keys: &[&str]) -> Option<Value<'a>> {
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
            self.document.key_bytes(node) == Some(key.as_bytes()) && node.styles.key() != Style::Absent
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
    pub fn items(&self) -> Children<'a> {
        if self.is_seq() { self.children() } else { self.no_children() }
    }

    /// No values at all.
    pub fn no_children(&self) -> Children<'a> {
        Children { document: self.document, at: 0, end: 0 }
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
        let (own, others) = (self.document, other.document);
        if own.is_like(others) && self.index == other.index {
            return self.has_words_of(other, differing);
        }
        let nodes = |value: &Value<'_>| value.index as usize..value.node().next as usize;
        let (range, others_range) = (nodes(self), nodes(&other));
        if range.len() != others_range.len() {
            return false;
        }
        let (Some(range), Some(others_range)) = (own.form.nodes.get(range), others.form.nodes.get(others_range)) else {
            return false;
        };
        let mut pairs = (0..).zip(range.iter().zip(others_range));
        pairs.all(|(offset, (a, b)): (u32, (&Node, &Node))| {
            let is_collection = |node: &Node| node.styles.value() as u8 <= Style::FlowSeq as u8;
            let is_alike = (a.flags ^ b.flags) & (SHADOWED | KEY_NEEDS_DECODING) == 0
                && a.next - self.index == b.next - other.index
                && a.styles.key() == b.styles.key()
                && a.tags.key() == b.tags.key()
                // The value itself stands under keys of which nobody asks.
                && (offset == 0 || own.key_bytes(a) == others.key_bytes(b));
            if !is_alike || is_collection(a) != is_collection(b) {
                return false;
            }
            if is_collection(a) {
                let is_map = |node: &Node| matches!(node.styles.value(), Style::BlockMap | Style::FlowMap);
                return is_map(a) == is_map(b);
            }
            let (at, others_at) = (self.index + offset, other.index + offset);
            if a.styles == b.styles && a.tags == b.tags && a.indent == b.indent && own.raw(at) == others.raw(others_at)
            {
                return true;
            }
            differing.push(offset);
            let is_null = |value: Value<'_>| value.is_null();
            !is_null(Value { document: own, index: at }) && !is_null(Value { document: others, index: others_at })
        })
    }

    /// As [`Value::has_shape_of`], for documents of one form: only words can differ.
    fn has_words_of(&self, other: Value<'_>, differing: &mut Vec<u32>) -> bool {
        self.document.note_all();
        let nodes = self.index..self.node().next;
        for (number, word) in self.document.changed_words(other.document) {
            if !nodes.contains(&word.node) {
                continue;
            }
            let (own, others) = (self.document, other.document);
            if !own.differs_from(others, number) && own.word(number) == others.word(number) {
                continue;
            }
            differing.push(word.node - self.index);
            // No other word means `null`.
            let is_null = |document: &Document| {
                document.word(number).is_none_or(|word| word.len() == "null".len())
                    && Value { document, index: word.node }.is_null()
            };
            if is_null(own) || is_null(others) {
                return false;
            }
        }
        true
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
    document: &'a Document,
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
        self.at = self.document.form.nodes.get(index as usize)?.next;
        Some(Value { document: self.document, index })
    }
}
