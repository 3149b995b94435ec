//! Events to nodes, for the fallback parser: keys, anchors, aliases, and what makes a scalar unreadable.
//!
//! Aliases and merge keys become references; [`super::expand`] puts the content in their place when all is read.

use rustc_hash::FxHashMap;

use super::error::{Problem, SyntaxError};
use super::scalar::{self, Key, Validity};
use super::tape::{ALIASED, KEY_ALIASED, KEY_NEEDS_DECODING, Node, Pair, Span, Style, Tag, VERBATIM};
use super::{MAX_DEPTH, text};

/// Set on nodes that stand for an alias until they are expanded; `value.start` is the index of the use.
pub(super) const REFERENCE: u8 = 8;
/// Set on the value of a `<<` key until it is expanded.
pub(super) const MERGE: u8 = 16;

/// One `*name`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alias {
    /// The node that the anchor names.
    pub target: u32,
    /// The alias itself, in the text.
    pub span: Span,
}

/// A scalar as it came, before it is known whether it is a key or a value.
#[derive(Clone, Copy)]
pub(super) struct Written {
    pub span: Span,
    pub style: Style,
    pub tag: Tag,
    pub indent: u8,
}

#[derive(Clone, Copy)]
struct EntryKey {
    span: Span,
    style: Style,
    tag: Tag,
    flags: u8,
}

struct Frame {
    node: u32,
    is_map: bool,
    key: Option<EntryKey>,
}

#[derive(Clone, Copy)]
enum Target {
    Node(u32),
    Key(Written),
}

/// Anchor and tag before a node.
#[derive(Clone, Copy, Default)]
pub(super) struct Properties<'a> {
    pub any: bool,
    pub anchor: Option<&'a str>,
    pub tag: Option<Tag>,
    /// `!` and `!!merge` leave `<<` a merge key.
    pub merge: bool,
}

/// Writes nodes.
pub(super) struct Builder<'t, 'n> {
    text: &'t str,
    nodes: &'n mut Vec<Node>,
    base: usize,
    frames: Vec<Frame>,
    anchors: FxHashMap<&'t str, Target>,
    pub aliases: Vec<Alias>,
    /// A `<<` was written.
    pub has_merge: bool,
    /// An infinity or not-a-number was written.
    pub not_finite: bool,
}

type Result<T> = std::result::Result<T, SyntaxError>;

impl<'t, 'n> Builder<'t, 'n> {
    /// Writes behind what `nodes` holds already.
    pub fn new(text: &'t str, nodes: &'n mut Vec<Node>) -> Self {
        let base = nodes.len();
        let (frames, aliases) = (Vec::new(), Vec::new());
        Self { text, nodes, base, frames, anchors: FxHashMap::default(), aliases, has_merge: false, not_finite: false }
    }

    /// A scalar of which nothing was written, but perhaps its tag.
    pub fn nothing(&mut self, properties: Properties<'t>, at: usize) -> Result<()> {
        let span = Span { start: at as u32, end: at as u32 };
        let tag = properties.tag.unwrap_or(Tag::None);
        self.scalar(Written { span, style: Style::Absent, tag, indent: 0 }, properties)
    }

    fn expects_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_map && frame.key.is_none())
    }

    /// A scalar: a key if the mapping in hand wants one, else a value.
    pub fn scalar(&mut self, written: Written, properties: Properties<'t>) -> Result<()> {
        if self.expects_key() {
            if let Some(name) = properties.anchor {
                self.anchors.insert(name, Target::Key(written));
            }
            return self.key(written, properties.merge);
        }
        let raw = self.text.get(written.span.range()).unwrap_or_default();
        match scalar::validity(raw, written.style, written.tag, written.indent) {
            Validity::Fine => {}
            Validity::Mismatch => return Err(SyntaxError::new(written.span.start as usize, Problem::TagMismatch)),
            Validity::NotFinite => self.not_finite = true,
        }
        if let Some(name) = properties.anchor {
            self.anchors.insert(name, Target::Node(self.next_index()));
        }
        self.push(written.span, written.style, written.tag, written.indent, 0);
        Ok(())
    }

    fn key(&mut self, written: Written, merge_tag: bool) -> Result<()> {
        let at = written.span.start as usize;
        let refuse = |problem| Err(SyntaxError::new(at, problem));
        if written.indent > 0 {
            return refuse(Problem::BlockKey);
        }
        let quoted = matches!(written.style, Style::SingleQuoted | Style::DoubleQuoted);
        let margin = u32::from(quoted);
        let span = Span { start: written.span.start + margin, end: written.span.end - margin };
        let raw = self.text.get(span.range()).unwrap_or_default();
        let flags = match scalar::key(raw, written.style, written.tag) {
            Key::Text(text) if text == raw => 0,
            Key::Text(_) => KEY_NEEDS_DECODING,
            Key::Refused => return refuse(Problem::KeyRefused),
            Key::Mismatch => return refuse(Problem::TagMismatch),
        };
        let plain = written.style == Style::Plain && written.tag == Tag::None;
        let is_merge = (plain || merge_tag) && text::decode_inner(raw, written.style, 0) == "<<";
        let flags = if is_merge { flags | MERGE } else { flags };
        self.has_merge |= is_merge;
        // An absent key would look like none at all.
        let style = if written.style == Style::Absent { Style::DoubleQuoted } else { written.style };
        if let Some(frame) = self.frames.last_mut() {
            frame.key = Some(EntryKey { span, style, tag: written.tag, flags });
        }
        Ok(())
    }

    /// An alias, given where its name stands.
    pub fn alias(&mut self, span: Span) -> Result<()> {
        let name = self.text.get(span.range()).unwrap_or_default();
        let at = span.start as usize - 1;
        let Some(&target) = self.anchors.get(name) else {
            return Err(SyntaxError::new(at, Problem::UnknownAnchor(name.to_owned())));
        };
        if self.expects_key() {
            let written = match target {
                Target::Key(written) => written,
                Target::Node(index) => self.scalar_at(index).ok_or(SyntaxError::new(at, Problem::CollectionAsKey))?,
            };
            return self.key_from_alias(written);
        }
        match target {
            Target::Key(written) => {
                self.push(written.span, written.style, written.tag, written.indent, ALIASED);
            }
            Target::Node(target) => {
                let use_index = self.aliases.len() as u32;
                self.aliases.push(Alias { target, span });
                let reference = Span { start: use_index, end: use_index };
                self.push(reference, Style::Absent, Tag::None, 0, REFERENCE);
            }
        }
        Ok(())
    }

    fn key_from_alias(&mut self, written: Written) -> Result<()> {
        self.key(written, false)?;
        // An alias is never a merge key, whatever it names.
        if let Some(key) = self.frames.last_mut().and_then(|frame| frame.key.as_mut()) {
            key.flags = key.flags & !MERGE | KEY_ALIASED;
        }
        Ok(())
    }

    /// The scalar at a node, through aliases of aliases.
    fn scalar_at(&self, mut index: u32) -> Option<Written> {
        loop {
            let node = self.nodes.get(self.base + index as usize)?;
            if node.flags & REFERENCE != 0 {
                index = self.aliases.get(node.value.start as usize)?.target;
                continue;
            }
            let style = node.styles.value();
            let collection = matches!(style, Style::BlockMap | Style::FlowMap | Style::BlockSeq | Style::FlowSeq);
            let written = Written { span: node.value, style, tag: node.tags.value(), indent: node.indent };
            return (!collection).then_some(written);
        }
    }

    fn next_index(&self) -> u32 {
        (self.nodes.len() - self.base) as u32
    }

    fn push(&mut self, value: Span, style: Style, tag: Tag, indent: u8, flags: u8) {
        let key = self.frames.last_mut().and_then(|frame| frame.key.take());
        let next = self.next_index() + 1;
        let (key, key_style, key_tag, key_flags) =
            key.map_or((Span::default(), Style::Absent, Tag::None, 0), |key| (key.span, key.style, key.tag, key.flags));
        let margin = usize::from(matches!(style, Style::SingleQuoted | Style::DoubleQuoted));
        let inner = self.text.get(value.start as usize + margin..(value.end as usize).saturating_sub(margin));
        let is_verbatim = inner.is_some_and(|inner| text::is_verbatim(inner, style));
        let flags = if is_verbatim { flags | VERBATIM } else { flags };
        self.nodes.push(Node {
            key,
            value,
            next,
            styles: Pair::<Style>::new(style, key_style),
            tags: Pair::<Tag>::new(tag, key_tag),
            flags: flags | key_flags,
            indent,
        });
    }

    /// Opens a collection that begins at `start`.
    pub fn open(&mut self, style: Style, start: u32, anchor: Option<&'t str>) -> Result<()> {
        if self.expects_key() {
            return Err(SyntaxError::new(start as usize, Problem::CollectionAsKey));
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(SyntaxError::new(start as usize, Problem::TooDeep));
        }
        let node = self.next_index();
        if let Some(name) = anchor {
            self.anchors.insert(name, Target::Node(node));
        }
        self.push(Span { start, end: start }, style, Tag::None, 0, 0);
        let is_map = matches!(style, Style::BlockMap | Style::FlowMap);
        self.frames.push(Frame { node, is_map, key: None });
        Ok(())
    }

    /// Closes the innermost collection; it ends at `end`.
    pub fn close(&mut self, end: usize) {
        let next = self.next_index();
        let Some(frame) = self.frames.pop() else { return };
        if let Some(node) = self.nodes.get_mut(self.base + frame.node as usize) {
            node.value.end = end as u32;
            node.next = next;
        }
    }
}
