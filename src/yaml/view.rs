//! Documents: the text with its tape, which the rest of the crate reads value by value ([`super::value`]).
//!
//! Documents that repeat one another share one tape, and each keeps only how far its words have moved what stands behind them
//! ([`super::repeat`]): a fleet takes little more room than its text. This module must not parse and must not know Kubernetes.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use super::paths::FormNumber;
use super::tape::{KEY_NEEDS_DECODING, Node, SHADOWED, Span, Style, push_key};
use super::value::Value;

/// What documents that repeat one another have in common: all but a few words, and how far these move the rest.
#[derive(Debug, Eq)]
pub(super) struct Form<'t> {
    /// The document that was read; keys are the same in all, and are read from here.
    pub(super) text: &'t str,
    pub(super) nodes: Box<[Node]>,
    /// Words that another document may have others in place of, in order; none where no document repeats this one.
    pub(super) words: Box<[Word]>,
    /// For each node, how many words end before its key and its value begin, and before its value ends.
    pub(super) places: Box<[(u16, u16)]>,
    /// By which what was found out about it is remembered.
    pub(super) number: FormNumber,
    /// The fast parser did not take it, as it does not take anchors, tags, `? key` and odd tabs, or a key stands twice.
    pub(super) is_unusual: bool,
}

impl PartialEq for Form<'_> {
    /// Which parser read it, and when, makes no difference.
    fn eq(&self, other: &Self) -> bool {
        (self.text, &self.nodes, &self.words, &self.places) == (other.text, &other.nodes, &other.words, &other.places)
    }
}

/// A word that another may take the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: u16,
    pub(super) end: u16,
    pub(super) node: u32,
}

/// One parsed document: its text and its nodes. Node indexes and spans count from the document's start.
#[derive(Debug, PartialEq, Eq)]
pub struct Document<'t> {
    pub(super) text: &'t str,
    pub(super) form: Arc<Form<'t>>,
    /// How far what stands behind so many words is from where it stands in the form, modulo the largest length; empty where
    /// this is the document of which the form was made.
    pub(super) shifts: Shifts,
    /// The form's words that have another in their place, a bit for each; all of them in forms with more words than bits.
    pub(super) changed: u64,
    /// Whether it is noted which words are read; see [`words_read`].
    is_watched: bool,
}

/// How far words have moved what stands behind them: in the document itself where they are few, so that whoever looks at it has
/// them at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shifts {
    Few(u8, [u16; Self::FEW]),
    Many(Box<[u16]>),
}

impl Shifts {
    const FEW: usize = 15;

    fn of(shifts: &[u16]) -> Self {
        let mut few = [0; Self::FEW];
        match few.get_mut(..shifts.len()) {
            Some(room) => {
                room.copy_from_slice(shifts);
                Self::Few(shifts.len() as u8, few)
            }
            None => Self::Many(shifts.into()),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(0, _))
    }

    /// The shifts behind so many words, and behind so many.
    #[inline]
    fn behind(&self, one: u16, other: u16) -> (u16, u16) {
        let shifts = match self {
            Self::Few(_, few) => &few[..],
            Self::Many(many) => many,
        };
        let behind = |words: u16| shifts.get(words as usize).copied().unwrap_or_default();
        (behind(one), behind(other))
    }
}

/// How a document repeats another.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    /// How far the words have moved what stands behind them; behind none of them, behind the first, ...
    pub(super) shifts: Vec<u16>,
    /// As [`Document::changed`].
    pub(super) changed: u64,
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

impl<'t> Document<'t> {
    /// A document that no other repeats.
    pub(super) fn alone(text: &'t str, nodes: &[Node], is_unusual: bool) -> Self {
        let number = FormNumber::NONE;
        let form =
            Form { text, nodes: nodes.into(), words: Box::default(), places: Box::default(), number, is_unusual };
        Self { text, form: Arc::new(form), shifts: Shifts::of(&[]), changed: 0, is_watched: false }
    }

    /// The document of which a form is made.
    pub(super) fn first(text: &'t str, form: Arc<Form<'t>>) -> Self {
        Self { text, form, shifts: Shifts::of(&[]), changed: 0, is_watched: false }
    }

    /// Another document of a form.
    pub(super) fn of_form(text: &'t str, form: Arc<Form<'t>>, repetition: &Repetition) -> Self {
        let Repetition { shifts, changed } = repetition;
        Self { text, form, shifts: Shifts::of(shifts), changed: *changed, is_watched: false }
    }
}

impl<'a> Document<'a> {
    /// The document's text, from its first byte to the separator.
    pub fn text(&self) -> &'a str {
        self.note(Words::ALL);
        self.text
    }

    /// The text of the document from which all that repeat it have their form: the same but for a few words, with the same keys.
    pub fn form_text(&self) -> &'a str {
        self.form.text
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
    pub fn root(&'a self) -> Option<Value<'a>> {
        self.value(0)
    }

    /// The value at a node index, as [`Value::index`] gave it.
    pub fn value(&'a self, index: u32) -> Option<Value<'a>> {
        ((index as usize) < self.form.nodes.len()).then_some(Value { document: self, index })
    }

    /// Whether another document was found to repeat the same one: then node for node the keys are the same, and what is a
    /// mapping, a list or a scalar. Where it says no they may be the same all the same.
    pub fn is_like(&self, other: &Document<'_>) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.form), Arc::as_ptr(&other.form))
    }

    /// Whether the key of a node, as it is written, ends with one of some texts: a quick look before it is read.
    pub fn key_ends_with(&self, index: u32, ends: &[&str]) -> bool {
        let key = self.form.nodes.get(index as usize).and_then(|node| self.key_bytes(node));
        key.is_some_and(|key| ends.iter().any(|end| key.ends_with(end.as_bytes())))
    }

    /// The mappings among a range of nodes that have an entry under a key, in the order of these entries. The range begins with a
    /// node and ends with its last descendant. One look at each node's key, and at nothing else.
    pub fn maps_with(&'a self, nodes: Range<u32>, key: &'static str) -> impl Iterator<Item = Value<'a>> {
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
    pub(crate) fn is_with_run(&self, old: &Document<'_>, run: Range<u32>) -> bool {
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
                && (!is_scalar || self.bytes(self.span(here as u32)) == old.bytes(old.span(at as u32)))
        })
    }

    #[inline]
    pub(super) fn bytes(&self, span: Span) -> Option<&'a [u8]> {
        self.text.as_bytes().get(span.range())
    }

    /// The key of a node as it is written.
    #[inline]
    pub(super) fn key_bytes(&self, node: &Node) -> Option<&'a [u8]> {
        self.form.text.as_bytes().get(node.key.range())
    }

    /// A span of the form that so many words stand before, at its place in this document.
    #[inline]
    pub(super) fn moved(&self, span: Span, start: u16, end: u16) -> Span {
        self.note(Words::between(start, end));
        let (start, end) = self.shifts.behind(start, end);
        let to = |at: u32, shift: u16| u32::from((at as u16).wrapping_add(shift));
        Span { start: to(span.start, start), end: to(span.end, end) }
    }

    /// What stands in this document in place of the form's word of a number.
    #[inline]
    pub(super) fn word(&self, number: usize) -> Option<&'a [u8]> {
        let Span { start, end } = self.span_of_word(number)?;
        self.text.as_bytes().get(start as usize..end as usize)
    }

    /// Where what stands in place of the form's word of a number stands.
    #[inline]
    pub(super) fn span_of_word(&self, number: usize) -> Option<Span> {
        let Word { start, end, .. } = *self.form.words.get(number)?;
        let (before, behind) = self.shifts.behind(number as u16, number as u16 + 1);
        Some(Span { start: start.wrapping_add(before).into(), end: end.wrapping_add(behind).into() })
    }

    /// A text that holds the value of a node as it is written, and where: the form's, where no word stands in it. All
    /// documents of the form are read there, so that it is at hand.
    #[inline]
    pub(super) fn written(&self, index: u32) -> (&'a str, Span) {
        let span = self.form.nodes[index as usize].value;
        match self.form.places.get(index as usize) {
            Some(&(start, end)) if self.changes(start, end) => (self.text, self.moved(span, start, end)),
            _ => (self.form.text, span),
        }
    }

    /// Whether there may be another word in place of one of the form's words of these numbers.
    #[inline]
    fn changes(&self, from: u16, to: u16) -> bool {
        from != to && self.changed != 0 && self.changed & Words::between(from, to).0 != 0
    }

    /// Whether others may share its form.
    pub(crate) fn has_form(&self) -> bool {
        self.form.number != FormNumber::NONE
    }

    /// Whether it may be that others than the form's own words stand in it: it repeats the form's first document.
    pub(crate) fn is_repetition(&self) -> bool {
        !self.shifts.is_empty()
    }

    /// Whether the form's own words stand in place of all of these.
    #[inline]
    pub(crate) fn keeps(&self, words: Words) -> bool {
        self.changed & words.0 == 0 && words != Words::ALL
    }

    /// This document once more, so that it is found out which of its words are read.
    pub(crate) fn watched(&self) -> Document<'a> {
        let (form, shifts) = (Arc::clone(&self.form), self.shifts.clone());
        // As if all words were others, so that none is read from the form.
        Document { text: self.text, form, shifts, changed: u64::MAX, is_watched: true }
    }

    /// Whether somebody wants to know which of its words are read.
    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched
    }

    /// Notes that words are read, where somebody wants to know.
    #[inline]
    pub(super) fn note(&self, words: Words) {
        if self.is_watched {
            READ.set(READ.get().and(words));
        }
    }

    /// Notes that what becomes of it hangs on more than can be told.
    pub(crate) fn note_all(&self) {
        self.note(Words::ALL);
    }

    /// The form's words, with their numbers, in place of which this document or another of the form may have others.
    #[inline]
    pub(super) fn changed_words(&self, other: &Document<'_>) -> impl Iterator<Item = (usize, &Word)> {
        let mut changed = self.changed | other.changed;
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
    pub(super) fn differs_from(&self, other: &Document<'_>, number: usize) -> bool {
        number < u64::BITS as usize && (self.changed ^ other.changed) >> number & 1 == 1
    }

    /// Where the value of a node stands.
    #[inline]
    pub(super) fn span(&self, index: u32) -> Span {
        let span = self.form.nodes[index as usize].value;
        if self.shifts.is_empty() {
            return span;
        }
        let (start, end) = self.form.places[index as usize];
        self.moved(span, start, end)
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
    pub(super) fn key(&self, index: u32) -> Option<Cow<'a, str>> {
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

/// What was found out about the last few forms of documents, so that it is found out once for all that repeat one another.
#[derive(Debug)]
pub struct PerForm<'a, T> {
    known: Vec<(&'a Document<'a>, T)>,
    latest: usize,
}

impl<T> Default for PerForm<'_, T> {
    fn default() -> Self {
        Self { known: Vec::new(), latest: 0 }
    }
}

impl<'a, T> PerForm<'a, T> {
    /// So many forms are known at a time.
    const MOST: usize = 8;

    /// What is known of a document's form, or what is found out now. It must not depend on the document's words.
    pub fn get(&mut self, document: &'a Document<'a>, find_out: impl FnOnce() -> T) -> &mut T {
        let turn = (self.latest..self.known.len()).chain(0..self.latest);
        let known = turn.into_iter().find(|at| self.known.get(*at).is_some_and(|(other, _)| other.is_like(document)));
        self.latest = match known {
            Some(at) => at,
            None if self.known.len() < Self::MOST => {
                self.known.push((document, find_out()));
                self.known.len() - 1
            }
            None => {
                let next = (self.latest + 1) % Self::MOST;
                self.known[next] = (document, find_out());
                next
            }
        };
        &mut self.known[self.latest].1
    }
}
