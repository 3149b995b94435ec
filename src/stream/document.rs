//! One document of a stream: what stood in its source, where, and what came of it.
//!
//! It gives back each byte of the source that it was made of, and judges none.

use std::ops::Range;

use super::lines::{self, Lines};
use crate::yaml::{self, Problem, RawDocument, SyntaxError};

/// One document of a stream.
#[derive(Debug)]
pub struct StreamDocument {
    /// What came of it.
    pub content: Content,
    /// Where its text begins in the part of the source that was parsed with it, behind the separator; a source is no longer than four
    /// gigabytes.
    start: u32,
    /// Line ends in that part before its text.
    line: u32,
    odd: Option<Box<Odd>>,
}

/// What few documents have.
#[derive(Debug)]
struct Odd {
    /// What stands before it, where that is not the separator of nearly all documents.
    separator: Box<[u8]>,
    /// Characters before its text on the line where it begins: JSON values may stand behind one another.
    column: u32,
    lines: Lines,
}

/// What came of a document.
#[derive(Debug)]
pub enum Content {
    /// Parsed.
    Parsed(yaml::Document),
    /// No YAML, or no text at all.
    Broken(Box<Broken>),
}

/// What is no document.
#[derive(Debug)]
pub struct Broken {
    /// What stood there.
    pub bytes: Box<[u8]>,
    /// Why it is none.
    pub error: SyntaxError,
}

// A fleet has as many as it has objects: a page of memory costs the kernel as much as reading what goes into it.
const _: () = assert!(size_of::<StreamDocument>() <= 64);

/// The separator of nearly all documents.
const SEPARATOR: &[u8] = b"---\n";

impl StreamDocument {
    /// A document of some bytes, in which it stands behind `at`.
    pub(super) fn new(
        bytes: &[u8],
        raw: &RawDocument,
        parsed: Result<yaml::Document, SyntaxError>,
        at: &mut Position,
    ) -> Self {
        let own = bytes.get(raw.span.clone()).unwrap_or_default();
        let separator = bytes.get(raw.separator.clone()).unwrap_or_default();
        at.pass(separator);
        let Position { line, column } = *at;
        let content = match parsed {
            Ok(parsed) => Content::Parsed(parsed),
            Err(error) => Content::Broken(Broken { bytes: own.into(), error }.into()),
        };
        let lines = match Self::difference(&content) {
            Some((_, line_ends)) => {
                at.pass_lines(own, line_ends);
                Lines::default()
            }
            None => at.pass(own),
        };
        let is_odd = column > 0 || !lines.is_empty() || separator != SEPARATOR;
        let odd = is_odd.then(|| Box::new(Odd { separator: separator.into(), column, lines }));
        Self { content, start: raw.span.start as u32, line, odd }
    }

    fn difference(content: &Content) -> Option<(&str, u32)> {
        match content {
            Content::Parsed(parsed) => parsed.difference(),
            Content::Broken(_) => None,
        }
    }

    /// The words that it has in place of those of a document before it, where it repeats one; all else stands there too.
    pub(super) fn own_words(&self) -> Option<&str> {
        Self::difference(&self.content).map(|(words, _)| words)
    }

    /// The parsed document; `None` where it is broken.
    pub fn parsed(&self) -> Option<&yaml::Document> {
        match &self.content {
            Content::Parsed(parsed) => Some(parsed),
            Content::Broken(_) => None,
        }
    }

    /// Its text, behind the separator line; empty where the bytes are no UTF-8, or text stands behind the dashes. As
    /// [`yaml::Document::text`], it is not for going through all documents.
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Parsed(parsed) => parsed.text(),
            Content::Broken(broken) if broken.error.problem == Problem::TextAfterSeparator => "",
            Content::Broken(broken) => std::str::from_utf8(&broken.bytes).unwrap_or_default(),
        }
    }

    /// Its text, with the words of the document that it repeats in place of its own: the comments before the object are the same,
    /// and it need not be put together.
    pub fn beginning(&self) -> &str {
        self.parsed().map_or_else(|| self.text(), yaml::Document::form_text)
    }

    /// What stood before it: the line with the three dashes, or nothing.
    pub fn separator(&self) -> &[u8] {
        self.odd.as_ref().map_or(SEPARATOR, |odd| &odd.separator)
    }

    /// What stood before it, where that is not the separator of nearly all documents.
    pub(super) fn odd_separator(&self) -> &[u8] {
        self.odd.as_ref().map_or(b"", |odd| &odd.separator)
    }

    /// Its bytes, behind the separator.
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Parsed(parsed) => parsed.text().as_bytes(),
            Content::Broken(broken) => &broken.bytes,
        }
    }

    /// How many bytes it has, behind the separator.
    fn len(&self) -> usize {
        match &self.content {
            Content::Parsed(parsed) => parsed.text_len(),
            Content::Broken(broken) => broken.bytes.len(),
        }
    }

    /// Where it stands in the part of the source that was parsed with it, with its separator.
    pub(super) fn range(&self) -> Range<usize> {
        let start = self.start as usize;
        start - self.separator().len()..start + self.len()
    }

    /// Adds its bytes and those of its separator to others.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.separator());
        match &self.content {
            Content::Parsed(parsed) => {
                parsed.pieces().for_each(|piece| out.extend_from_slice(piece.as_bytes()));
            }
            Content::Broken(broken) => out.extend_from_slice(&broken.bytes),
        }
    }

    /// Line ends before an offset in its text, in the part of the source that was parsed with it.
    pub(super) fn lines_before(&self, offset: usize) -> usize {
        let before = self.bytes().get(..offset).unwrap_or_else(|| self.bytes());
        let ends = self.odd.as_ref().map_or_else(|| lines::count(before), |odd| odd.lines.before(before));
        self.line as usize + ends
    }

    /// Characters before its text on the line where it begins.
    pub fn column(&self) -> usize {
        self.odd.as_ref().map_or(0, |odd| odd.column as usize)
    }
}

/// A place in a source: line ends before it, and characters before it on its line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    pub(super) line: u32,
    column: u32,
}

impl Position {
    /// Goes over some bytes, and gives their lines.
    fn pass(&mut self, bytes: &[u8]) -> Lines {
        let (lines, ends) = Lines::of(bytes);
        self.pass_lines(bytes, ends as u32);
        lines
    }

    /// Goes over some bytes with so many line ends.
    fn pass_lines(&mut self, bytes: &[u8], ends: u32) {
        self.line += ends;
        if bytes.last() == Some(&b'\n') {
            self.column = 0;
        } else {
            let begins = memchr::memrchr(b'\n', bytes).map(|end| end + 1);
            let more = characters(bytes.get(begins.unwrap_or(0)..).unwrap_or_default()) as u32;
            self.column = if begins.is_some() { more } else { self.column + more };
        }
    }
}

/// How many characters some bytes are.
pub fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}
