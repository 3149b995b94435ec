//! A stream into documents, as kubectl and Helm split it.
//!
//! A line that starts with `---` separates, whatever follows on it, also inside a block scalar or quotes: both clients cut
//! before they parse. Where they differ:
//!
//! | line | kubectl | Helm | here |
//! |---|---|---|---|
//! | `---` blank, or `--- # comment` | separates | separates | separates |
//! | `--- {}`, `---text` | refuses the stream | the text begins a document | separates; the document is refused |
//! | ` ---` (indented) | text | text | text |
//! | `%YAML 1.1` before `---` | a document of its own, refused | the same | the same |
//! | JSON values one behind the other, from the stream's start | one document each | only the first is seen | one document each |
//! | the same behind a `---` | only the first is seen | the same | one document; [`super::Document::ignored`] tells of the rest |
//!
//! What is cut is bytes; nothing is decoded or checked here. Separators and documents tile the stream, so that writing them
//! all out gives the same bytes.

use std::ops::Range;

use memchr::{memchr, memmem};

use super::error::{Problem, SyntaxError};

/// One document of a stream, not yet parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawDocument {
    /// The separator line before it, `---` to the line break; empty before the first document, and between JSON values.
    pub separator: Range<usize>,
    /// The document's bytes, up to the next separator or the end of the stream.
    pub span: Range<usize>,
    /// Whether text other than a comment stands behind the `---`.
    pub text_after_separator: bool,
}

impl RawDocument {
    /// The document's text; an error where it is not UTF-8, or where its separator is broken.
    pub fn text<'a>(&self, stream: &'a [u8]) -> Result<&'a str, SyntaxError> {
        super::as_text(self.bytes(stream)?)
    }

    /// The document's bytes; an error where its separator is broken.
    pub fn bytes<'a>(&self, stream: &'a [u8]) -> Result<&'a [u8], SyntaxError> {
        if self.text_after_separator {
            return Err(SyntaxError::new(0, Problem::TextAfterSeparator));
        }
        Ok(stream.get(self.span.clone()).unwrap_or_default())
    }

    /// Whether the document holds nothing but blanks and comments, so that every client skips it.
    pub fn is_blank(&self, stream: &[u8]) -> bool {
        let mut rest = stream.get(self.span.clone()).unwrap_or_default();
        rest = rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest);
        loop {
            rest = rest.trim_ascii_start();
            if rest.first() != Some(&b'#') {
                return rest.is_empty();
            }
            match memchr(b'\n', rest) {
                Some(end) => rest = &rest[end..],
                None => return true,
            }
        }
    }
}

/// Cuts a stream into documents. Blank ones are among them; an empty stream gives none.
pub fn split(stream: &[u8]) -> Documents<'_> {
    Documents { stream, at: 0, json: 0..0, separator: None, separator_finder: memmem::Finder::new(b"\n---") }
}

/// Cuts a stream into up to so many parts of about one size, each of which begins with a separator; [`split`] gives the same
/// documents of the parts as of the whole.
pub fn cut(stream: &[u8], parts: usize) -> Vec<Range<usize>> {
    let finder = memmem::Finder::new(b"\n---");
    let size = stream.len().div_ceil(parts.max(1)).max(1);
    let mut cut = Vec::with_capacity(parts);
    let mut start = 0;
    while start < stream.len() {
        let rest = stream.get(start + size..).unwrap_or_default();
        let end = finder.find(rest).map_or(stream.len(), |step| start + size + step + 1);
        cut.push(start..end);
        start = end;
    }
    cut
}

/// Iterator over the documents of a stream.
#[derive(Clone, Debug)]
pub struct Documents<'a> {
    stream: &'a [u8],
    at: usize,
    /// What is left of a run of JSON values.
    json: Range<usize>,
    separator: Option<(Range<usize>, bool)>,
    separator_finder: memmem::Finder<'static>,
}

impl Iterator for Documents<'_> {
    type Item = RawDocument;

    fn next(&mut self) -> Option<RawDocument> {
        if !self.json.is_empty() {
            return Some(self.next_json());
        }
        if self.at >= self.stream.len() && self.separator.is_none() {
            return None;
        }
        if self.at == 0 && self.separator.is_none() && is_separator(self.stream) {
            self.separator = Some(self.separator_at(0));
        }
        let (separator, text_after_separator) = self.separator.take().unwrap_or((self.at..self.at, false));
        let start = separator.end;
        let end = self.document_end(start);
        if end < self.stream.len() {
            self.separator = Some(self.separator_at(end));
        }
        self.at = end;
        let document = RawDocument { separator, span: start..end, text_after_separator };
        if document.span.start > 0 || !self.is_json(&document.span) {
            return Some(document);
        }
        self.json = document.span;
        let mut first = self.next_json();
        first.separator = document.separator;
        Some(first)
    }
}

impl Documents<'_> {
    /// Start of the next line that begins with `---`, or the stream's end.
    fn document_end(&self, start: usize) -> usize {
        if is_separator(&self.stream[start..]) {
            return start;
        }
        self.separator_finder.find(&self.stream[start..]).map_or(self.stream.len(), |step| start + step + 1)
    }

    /// The separator line at `start`, and whether text stands on it.
    fn separator_at(&self, start: usize) -> (Range<usize>, bool) {
        let end = memchr(b'\n', &self.stream[start..]).map_or(self.stream.len(), |step| start + step + 1);
        let rest = self.stream[start + 3..end].trim_ascii();
        (start..end, !rest.is_empty() && rest[0] != b'#')
    }

    /// Whether the document is more than one JSON value.
    fn is_json(&self, span: &Range<usize>) -> bool {
        let bytes = &self.stream[span.clone()];
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let blank = bytes.len() - bytes.trim_ascii_start().len();
        bytes.get(blank) == Some(&b'{')
            && json_end(&bytes[blank..])
                .is_some_and(|end| bytes[blank + end..].trim_ascii_start().first() == Some(&b'{'))
    }

    /// Cuts the next value off a run of JSON values.
    fn next_json(&mut self) -> RawDocument {
        let bytes = &self.stream[self.json.clone()];
        let blank = bytes.len() - bytes.trim_ascii_start().len();
        let whole = bytes.len();
        let end = match bytes.get(blank) {
            Some(b'{') => json_end(&bytes[blank..]).map_or(whole, |end| blank + end),
            _ => whole,
        };
        // The blanks behind the last value belong to it.
        let end = if bytes[end..].trim_ascii_start().is_empty() { whole } else { end };
        let span = self.json.start..self.json.start + end;
        self.json.start = span.end;
        RawDocument { separator: span.start..span.start, span, text_after_separator: false }
    }
}

fn is_separator(line: &[u8]) -> bool {
    line.starts_with(b"---")
}

/// Offset behind the JSON object that `bytes` begin with; `None` where it is not closed or is no JSON by its looks.
fn json_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => {
                at += 1;
                while *bytes.get(at)? != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
