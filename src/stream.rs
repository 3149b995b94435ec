//! One source as documents: split, checked to be text, parsed; each on its own, so that a bad one never hides another.
//!
//! It keeps what went wrong beside what went well, and judges neither.

use std::ops::Range;

use crate::input::Source;
use crate::parted::Parted;
use crate::threads;
use crate::yaml::{self, Parsed, SyntaxError};

/// A source with its documents. Documents borrow from here.
#[derive(Debug)]
pub struct Stream<'a> {
    /// Where the bytes came from.
    pub source: &'a Source,
    /// In order of appearance; their spans tile the source.
    pub documents: Documents<'a>,
    threads: usize,
}

/// The documents of a stream.
pub type Documents<'a> = Parted<StreamDocument<'a>>;

/// One document of a stream.
#[derive(Debug)]
pub struct StreamDocument<'a> {
    /// Its bytes in the source, separator included.
    pub span: Range<usize>,
    /// Where its text begins in the source.
    pub start: usize,
    /// Its text, behind the separator line; empty where the bytes are no UTF-8.
    pub text: &'a str,
    /// What came of it.
    pub content: Content<'a>,
}

/// What came of a document.
#[derive(Debug)]
pub enum Content<'a> {
    /// Parsed.
    Parsed(Parsed<'a>),
    /// No YAML.
    Broken(SyntaxError),
}

/// A thread costs more than it brings below so many bytes.
const BYTES_PER_THREAD: usize = 200_000;

impl<'a> Stream<'a> {
    /// Splits and parses a source, on at most `jobs` threads; the result is the same for any number.
    pub fn parse(source: &'a Source, jobs: usize) -> Self {
        let bytes = &source.bytes;
        let threads = jobs.clamp(1, bytes.len() / BYTES_PER_THREAD + 1);
        let parts = threads::in_parts(&yaml::cut(bytes, threads::parts(threads)), threads, 1, |_, parts| {
            let mut documents = Vec::new();
            let mut reader = yaml::Reader::default();
            for part in parts {
                parse_part(bytes, part.clone(), &mut reader, &mut documents);
            }
            documents
        });
        Self { source, documents: parts.into(), threads }
    }

    /// The number of threads that parsed it.
    pub fn threads(&self) -> usize {
        self.threads
    }
}

impl Stream<'_> {
    /// Whether a word stands anywhere in the source.
    pub fn holds(&self, word: &str) -> bool {
        let bytes = &self.source.bytes;
        let finder = memchr::memmem::Finder::new(word);
        let parts: Vec<usize> = (0..bytes.len()).step_by(BYTES_PER_THREAD).collect();
        let found = threads::in_parts(&parts, self.threads, 1, |_, parts| {
            let (Some(from), Some(last)) = (parts.first(), parts.last()) else { return false };
            // A word may begin in one part and end in the next.
            let to = (last + BYTES_PER_THREAD + word.len()).min(bytes.len());
            finder.find(bytes.get(*from..to).unwrap_or_default()).is_some()
        });
        found.contains(&true)
    }
}

impl<'a> StreamDocument<'a> {
    /// The parsed document; `None` where it is broken.
    pub fn parsed(&'a self) -> Option<&'a yaml::Document<'a>> {
        match &self.content {
            Content::Parsed(parsed) => Some(&parsed.document),
            Content::Broken(_) => None,
        }
    }
}

/// So many documents tell how many there will be, at most so many at once: what follows may be one large document.
const SAMPLE: usize = 64;
const MOST_ROOM: usize = 1 << 16;

/// Adds the documents of a part of a source that begins with one.
fn parse_part<'a>(
    bytes: &'a [u8],
    part: Range<usize>,
    reader: &mut yaml::Reader<'a>,
    documents: &mut Vec<StreamDocument<'a>>,
) {
    let from = part.start;
    let bytes = bytes.get(part).unwrap_or_default();
    for (number, raw) in yaml::split(bytes).enumerate() {
        if number == SAMPLE {
            // Room that grows is copied each time; room that is never used costs nothing.
            documents.reserve((SAMPLE * (bytes.len() / raw.span.start.max(1))).min(MOST_ROOM));
        }
        let read = raw.text(bytes);
        let text = read.as_ref().copied().unwrap_or_default();
        let content = read.and_then(|text| reader.parse(text)).map_or_else(Content::Broken, Content::Parsed);
        documents.push(StreamDocument {
            span: from + raw.separator.start..from + raw.span.end,
            start: from + raw.span.start,
            text,
            content,
        });
    }
}
