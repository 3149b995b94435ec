//! Documents: the text with its tape, which the rest of the crate reads value by value ([`super::value`]).
//!
//! Documents that repeat one another share one text and one tape, and each keeps only the words in which it differs
//! ([`super::repeat`], [`super::own`]): a fleet takes less room than its text. This module must not parse and must not know
//! Kubernetes.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::own::OwnWords;
use super::paths::FormNumber;
use super::tape::{KEY_NEEDS_DECODING, Node, SHADOWED, Span, Style, push_key};
use super::value::Value;
use super::{DuplicateKey, Oddities};

/// What documents that repeat one another have in common: all but a few words. Threads count their documents of it one beside the
/// other, and what all of them read shall not stand where they count.
#[derive(Debug, Eq)]
#[repr(align(64))]
pub(super) struct Form {
    /// The document that was read.
    pub(super) text: Box<str>,
    pub(super) nodes: Box<[Node]>,
    /// Words that another document may have others in place of, in order; none where no document repeats this one.
    pub(super) words: Box<[Word]>,
    /// For each node, how many words end before its key and its value begin, and before its value ends.
    pub(super) places: Box<[(u16, u16)]>,
    /// See [`Form::line_ends`]; counted for the first who asks.
    pub(super) line_ends: OnceLock<u32>,
    /// By which what was found out about it is remembered.
    pub(super) number: FormNumber,
    /// What is odd about the text; no other document has the form then.
    pub(super) oddities: Option<Box<Oddities>>,
    /// The fast parser did not take it, as it does not take anchors, tags, `? key` and odd tabs, or a key stands twice.
    pub(super) is_unusual: bool,
}

impl PartialEq for Form {
    /// Which parser read it, and when, makes no difference.
    fn eq(&self, other: &Self) -> bool {
        (&self.text, &self.nodes, &self.words, &self.places) == (&other.text, &other.nodes, &other.words, &other.places)
    }
}

/// A word that another may take the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: u16,
    pub(super) end: u16,
    pub(super) node: u32,
}

impl Word {
    fn range(self) -> Range<usize> {
        self.start.into()..self.end.into()
    }
}

/// One parsed document. Node indexes and spans count from the document's start.
///
/// Of a text that repeats another only the words are kept in which it differs; the whole text is put together again when
/// somebody asks for it.
#[derive(Debug, Eq)]
pub struct Document {
    pub(super) form: Arc<Form>,
    /// The words that it has in place of the form's.
    pub(super) own: OwnWords,
    /// Nearly no document has any.
    aside: OnceLock<Box<Aside>>,
}

// A fleet has as many as it has objects: a page of memory costs the kernel as much as reading what goes into it.
const _: () = assert!(size_of::<Document>() <= 48);

/// What comes to a document after it was read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Aside {
    /// The whole text, where it is not the form's and somebody asked for it.
    whole: OnceLock<Box<str>>,
    /// It is a copy of which it is noted which words are read; see [`words_read`].
    is_watched: bool,
}

impl PartialEq for Document {
    /// Whether somebody has asked for its text makes no difference.
    fn eq(&self, other: &Self) -> bool {
        (&self.form, &self.own) == (&other.form, &other.own)
    }
}

/// Some of a form's words, a bit for each; those for which there is no bit stand for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words(u64);

impl Words {
    /// All words, and whatever else may differ.
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// The words of these numbers.
    #[inline]
    const fn between(from: u16, to: u16) -> Self {
        if from >= to {
            Self(0)
        } else if to as u32 > u64::BITS {
            Self::ALL
        } else {
            // Not empty and within the bits, so that neither shift is too far.
            Self(u64::MAX << from & u64::MAX >> (u64::BITS - to as u32))
        }
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

thread_local! {
    /// What was read of watched documents.
    static READ: Cell<Words> = const { Cell::new(Words(0)) };
}

/// The words of a watched document that somebody reads. Another document of the form that keeps them reads the same to him: keys
/// are the same in all, and where something stands is not what it says.
pub(crate) fn words_read(reader: impl FnOnce()) -> Words {
    let outer = READ.replace(Words::default());
    reader();
    let read = READ.get();
    READ.set(outer.and(read));
    read
}

impl Document {
    /// The document of which a form is made.
    pub(super) fn first(form: Arc<Form>) -> Self {
        Self { form, own: OwnWords::default(), aside: OnceLock::new() }
    }

    /// Another document of a form.
    pub(super) fn of_form(form: Arc<Form>, own: OwnWords) -> Self {
        Self { form, own, aside: OnceLock::new() }
    }

    /// Keys that stand twice.
    pub fn duplicates(&self) -> &[DuplicateKey] {
        self.form.oddities.as_ref().map_or(&[], |oddities| &oddities.duplicates)
    }

    /// Where text begins that Kubernetes' reader never looks at, because the document ended before it (behind `...`, or
    /// behind a flow collection or quoted text at the top).
    pub fn ignored(&self) -> Option<usize> {
        self.form.oddities.as_ref()?.ignored
    }

    /// The document's text, from its first byte to the separator. Where it repeats another it is put together for the first who
    /// asks, and kept: whoever goes through all documents should do with [`Document::write_text`].
    pub fn text(&self) -> &str {
        self.note(Words::ALL);
        if self.own.is_empty() {
            return &self.form.text;
        }
        self.aside.get_or_init(Box::default).whole.get_or_init(|| {
            let mut whole = String::with_capacity(self.text_len());
            self.write_text(&mut whole);
            whole.into()
        })
    }

    /// Adds the document's text to another.
    pub fn write_text(&self, out: &mut String) {
        out.extend(self.pieces());
    }

    /// The document's text, piece by piece.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.note(Words::ALL);
        let text = &self.form.text;
        let mut own = self.own_words();
        let mut at = Some(0);
        let pieces = std::iter::from_fn(move || {
            let from = at?;
            let Some((number, word)) = own.next() else {
                at = None;
                return Some([text.get(from..).unwrap_or_default(), ""]);
            };
            let formed = self.form.words.get(number)?.range();
            at = Some(formed.end);
            Some([text.get(from..formed.start).unwrap_or_default(), word])
        });
        pieces.flatten()
    }

    /// By what documents know one another that have the very same text; `None` where no other was found to have it.
    pub(crate) fn shared_text(&self) -> Option<SharedText> {
        if self.own.is_empty() && self.shares_form() {
            NonZeroUsize::new(self.form_address()).map(SharedText)
        } else {
            None
        }
    }

    /// Whether another document has its form.
    pub(super) fn shares_form(&self) -> bool {
        Arc::strong_count(&self.form) > 1
    }

    /// By which its form is known, as long as a document has it.
    pub(super) fn form_address(&self) -> usize {
        Arc::as_ptr(&self.form).addr()
    }

    /// What its text has that the form's has not, where it repeats that, and how many lines end in it.
    pub(crate) fn difference(&self) -> Option<(&str, u32)> {
        let line_ends = if self.is_repetition() { self.form.line_ends()? } else { return None };
        Some((self.own.text(), line_ends))
    }

    /// Whether another document has the same text.
    pub fn has_text_of(&self, other: &Self) -> bool {
        self.note(Words::ALL);
        if self.is_like(other) {
            // The form's own words are never among those in its place, but where all of them are.
            return self.own == other.own;
        }
        if self.text_len() != other.text_len() {
            return false;
        }
        let (mut ours, mut theirs) = (self.pieces().map(str::as_bytes), other.pieces().map(str::as_bytes));
        let (mut one, mut another): (&[u8], &[u8]) = (b"", b"");
        loop {
            if one.is_empty() {
                let Some(piece) = ours.next() else { return true };
                one = piece;
            } else if another.is_empty() {
                let Some(piece) = theirs.next() else { return false };
                another = piece;
            } else {
                let length = one.len().min(another.len());
                let ((same, rest), (others, behind)) = (one.split_at(length), another.split_at(length));
                if same != others {
                    return false;
                }
                (one, another) = (rest, behind);
            }
        }
    }

    /// The document of which this one's form was made.
    pub(super) fn formed(&self) -> Self {
        Self::first(Arc::clone(&self.form))
    }

    /// Where that stands in its text which stands at an offset in the form's; `None` within a word.
    pub(super) fn place_of(&self, formed: usize) -> Option<usize> {
        let words = &self.form.words;
        let before = words.partition_point(|word| usize::from(word.end) <= formed);
        let is_within = words.get(before).is_some_and(|word| usize::from(word.start) < formed);
        (!is_within).then(|| formed.wrapping_add_signed(self.shift(before)))
    }

    /// The length of its text in bytes.
    pub fn text_len(&self) -> usize {
        self.form.text.len().wrapping_add_signed(self.shift(self.form.words.len()))
    }

    /// The text of the document from which all that repeat it have their form: the same but for a few words, with the same keys.
    pub fn form_text(&self) -> &str {
        &self.form.text
    }

    /// The number of its nodes.
    pub fn len(&self) -> usize {
        self.form.nodes.len()
    }

    /// Whether there is nothing in it but comments.
    pub fn is_empty(&self) -> bool {
        self.form.nodes.is_empty()
    }

    /// The root value; `None` for a document with nothing in it.
    pub fn root(&self) -> Option<Value<'_>> {
        self.value(0)
    }

    /// The value at a node index, as [`Value::index`] gave it.
    pub fn value(&self, index: u32) -> Option<Value<'_>> {
        ((index as usize) < self.form.nodes.len()).then_some(Value { document: self, index })
    }

    /// Whether another document was found to repeat the same one: then node for node the keys are the same, and what is a
    /// mapping, a list or a scalar. Where it says no they may be the same all the same.
    pub fn is_like(&self, other: &Document) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.form), Arc::as_ptr(&other.form))
    }

    /// Whether the key of a node, as it is written, ends with one of some texts: a quick look before it is read.
    pub fn key_ends_with(&self, index: u32, ends: &[&str]) -> bool {
        let key = self.form.nodes.get(index as usize).and_then(|node| self.key_bytes(node));
        key.is_some_and(|key| ends.iter().any(|end| key.ends_with(end.as_bytes())))
    }

    /// The mappings among a range of nodes that have an entry under a key, in the order of these entries. The range begins with a
    /// node and ends with its last descendant. One look at each node's key, and at nothing else.
    pub fn maps_with(&self, nodes: Range<u32>, key: &'static str) -> impl Iterator<Item = Value<'_>> {
        // The collections that are open: where each begins and what comes behind it.
        let mut open: Vec<(u32, u32)> = Vec::new();
        nodes.filter_map(move |index| {
            let node = self.form.nodes.get(index as usize)?;
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

    /// Whether it is written in a way that charts and tools do not use, so that what stands in one place may mean something
    /// in another.
    pub(super) fn is_unusual(&self) -> bool {
        self.form.is_unusual
    }

    /// Whether this document is `old` with nothing but one run of nodes put in: keys, values, their spelling and their
    /// order are the same everywhere else. `run` are node indexes of this document. Never wrong where it says yes; a no
    /// may also come of another spelling.
    pub(crate) fn is_with_run(&self, old: &Document, run: Range<u32>) -> bool {
        let (from, length) = (run.start as usize, run.len());
        let (nodes, before) = (&self.form.nodes, &old.form.nodes);
        if nodes.len() != before.len() + length || from > before.len() {
            return false;
        }
        // Where a node's subtree ends, if the run were not there; inside the run none may end.
        let without = |next: u32| match next {
            _ if next <= run.start => Some(next),
            _ if next >= run.end => Some(next - length as u32),
            _ => None,
        };
        (0..).zip(before).all(|(at, was): (usize, &Node)| {
            let here = if at < from { at } else { at + length };
            let Some(new) = nodes.get(here) else { return false };
            let is_scalar = new.styles.value() as u8 > Style::FlowSeq as u8;
            new.styles == was.styles
                && new.tags == was.tags
                && new.flags == was.flags
                && new.indent == was.indent
                && without(new.next) == Some(was.next)
                && self.key_bytes(new) == old.key_bytes(was)
                && (!is_scalar || self.raw(here as u32) == old.raw(at as u32))
        })
    }

    /// The key of a node as it is written.
    #[inline]
    pub(super) fn key_bytes(&self, node: &Node) -> Option<&[u8]> {
        self.form.text.as_bytes().get(node.key.range())
    }

    /// The words that it has in place of the form's, with their numbers.
    fn own_words(&self) -> impl Iterator<Item = (usize, &str)> {
        self.changed_words(self).map_while(|(number, _)| Some((number, self.own_word(number)?)))
    }

    #[inline]
    fn own_word(&self, number: usize) -> Option<&str> {
        self.own.get(number, self.form.words.len())
    }

    /// How far what stands behind so many words is from where it stands in the form.
    fn shift(&self, words: usize) -> isize {
        let own = self.own_words().take_while(|(number, _)| *number < words);
        own.map(|(number, word)| word.len() as isize - self.form.words[number].range().len() as isize).sum()
    }

    /// A span of the form that so many words stand before, at its place in this document.
    pub(super) fn moved(&self, span: Span, start: u16, end: u16) -> Span {
        self.note(Words::between(start, end));
        if self.own.is_empty() {
            return span;
        }
        let to = |at: u32, words: u16| at.wrapping_add_signed(self.shift(words.into()) as i32);
        Span { start: to(span.start, start), end: to(span.end, end) }
    }

    /// What stands in this document in place of the form's word of a number.
    #[inline]
    pub(super) fn word(&self, number: usize) -> Option<&str> {
        let formed = || self.form.text.get(self.form.words.get(number)?.range());
        self.own_word(number).or_else(formed)
    }

    /// A text that holds the value of a node as it is written, and where: the form's, where no word stands in it. All
    /// documents of the form are read there, so that it is at hand.
    #[inline]
    pub(super) fn written(&self, index: u32) -> (&str, Span) {
        let span = self.form.nodes[index as usize].value;
        match self.form.places.get(index as usize) {
            Some(&(start, end)) if start != end => {
                self.note(Words::between(start, end));
                if self.changes(start, end) {
                    self.written_anew(index, span, start, end)
                } else {
                    (&self.form.text, span)
                }
            }
            _ => (&self.form.text, span),
        }
    }

    /// As [`Document::written`], where another word than the form's stands in the value: it is the word, or has it somewhere in it.
    #[inline]
    fn written_anew(&self, index: u32, span: Span, start: u16, end: u16) -> (&str, Span) {
        let is_word = self.form.words.get(start as usize).is_some_and(|word| word.node == index);
        match self.own_word(start.into()).filter(|_| is_word) {
            Some(word) => (word, Span { start: 0, end: word.len() as u32 }),
            None => (self.text(), self.moved(span, start, end)),
        }
    }

    /// The value of a node as it is written, quotes and block header included.
    pub(super) fn raw(&self, index: u32) -> &str {
        let (text, span) = self.written(index);
        text.get(span.range()).unwrap_or_default()
    }

    /// Whether there may be another word in place of one of the form's words of these numbers.
    #[inline]
    fn changes(&self, from: u16, to: u16) -> bool {
        self.own.changed() & Words::between(from, to).0 != 0
    }

    /// Whether others may share its form.
    pub(crate) fn has_form(&self) -> bool {
        self.form.number != FormNumber::NONE
    }

    /// Whether it may be that others than the form's own words stand in it: it repeats the form's first document.
    pub(crate) fn is_repetition(&self) -> bool {
        self.own.is_of_repetition()
    }

    /// Whether the form's own words stand in place of all of these.
    #[inline]
    pub(crate) fn keeps(&self, words: Words) -> bool {
        self.own.changed() & words.0 == 0 && words != Words::ALL
    }

    /// This document once more, so that it is found out which of its words are read.
    pub(crate) fn watched(&self) -> Document {
        let aside = Box::new(Aside { is_watched: true, ..Aside::default() });
        Document { form: Arc::clone(&self.form), own: self.own.clone(), aside: aside.into() }
    }

    /// Whether somebody wants to know which of its words are read.
    pub(crate) fn is_watched(&self) -> bool {
        self.aside.get().is_some_and(|aside| aside.is_watched)
    }

    /// Notes that words are read, where somebody wants to know.
    #[inline]
    pub(super) fn note(&self, words: Words) {
        if self.is_watched() {
            READ.set(READ.get().and(words));
        }
    }

    /// Notes that what becomes of it hangs on more than can be told.
    pub(crate) fn note_all(&self) {
        self.note(Words::ALL);
    }

    /// The form's words, with their numbers, in place of which this document or another of the form may have others.
    #[inline]
    pub(super) fn changed_words(&self, other: &Document) -> impl Iterator<Item = (usize, &Word)> {
        let mut changed = self.own.changed() | other.own.changed();
        // All of them at once, where there are more words than bits.
        let mut beyond = if changed == 0 { usize::MAX } else { u64::BITS as usize };
        std::iter::from_fn(move || {
            let number = if changed == 0 { beyond } else { changed.trailing_zeros() as usize };
            beyond = beyond.saturating_add(usize::from(changed == 0));
            changed &= changed.wrapping_sub(1);
            Some((number, self.form.words.get(number)?))
        })
    }

    /// Whether it is known without a look that one of two documents has the form's word of a number, and the other has not.
    #[inline]
    pub(super) fn differs_from(&self, other: &Document, number: usize) -> bool {
        number < u64::BITS as usize && (self.own.changed() ^ other.own.changed()) >> number & 1 == 1
    }

    /// Where the value of a node stands.
    #[inline]
    pub(super) fn span(&self, index: u32) -> Span {
        let span = self.form.nodes[index as usize].value;
        self.form.places.get(index as usize).map_or(span, |&(start, end)| self.moved(span, start, end))
    }

    /// The path of a node from the root: `spec.template.spec.volumes[0].name`. A key that would be ambiguous in dotted
    /// form stands in brackets: `metadata.labels["app.kubernetes.io/name"]`.
    pub fn path(&self, index: u32) -> String {
        self.path_from(0, index)
    }

    /// The path of a node from another one above it.
    pub fn path_from(&self, root: u32, index: u32) -> String {
        let nodes = &self.form.nodes;
        let mut path = String::new();
        let mut at = root;
        while at != index {
            let Some(parent) = nodes.get(at as usize) else { break };
            let in_seq = matches!(parent.styles.value(), Style::BlockSeq | Style::FlowSeq);
            let mut child = at + 1;
            let mut position = 0_usize;
            while let Some(node) = nodes.get(child as usize).filter(|n| n.next <= index) {
                child = node.next;
                position += 1;
            }
            if child >= parent.next {
                break;
            }
            if in_seq {
                let _ = write!(path, "[{position}]");
            } else {
                push_key(&mut path, &self.key(child).unwrap_or_default());
            }
            at = child;
        }
        path
    }

    /// The key of a node as Kubernetes reads it; `None` in lists and at the root.
    pub(super) fn key(&self, index: u32) -> Option<Cow<'_, str>> {
        let node = self.form.nodes.get(index as usize)?;
        let raw = self.form.text.get(node.key.range())?;
        if node.styles.key() == Style::Absent {
            None
        } else if node.flags & KEY_NEEDS_DECODING == 0 {
            Some(Cow::Borrowed(raw))
        } else {
            Some(super::scalar::key_text(raw, node.styles.key(), node.tags.key()))
        }
    }
}

/// A text that several documents have, as long as any of them is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SharedText(NonZeroUsize);
