//! One source as documents: split, checked to be text, parsed; each on its own, so that a bad one never hides another.
//!
//! It keeps what went wrong beside what went well, and judges neither.

use std::ops::Range;

use crate::input::{Arriving, Input, InputError, Source};
use crate::parted::Parted;
use crate::threads;
use crate::yaml::{self, Parsed, SyntaxError};

mod bytes;
mod lines;

pub use bytes::Bytes;
pub use lines::Lines;

/// A source with its documents. Documents borrow from here.
#[derive(Debug)]
pub struct Stream<'a> {
    /// As findings print it.
    pub name: &'a str,
    /// What was read.
    pub bytes: Bytes<'a>,
    /// In order of appearance; their spans tile the bytes.
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
        let threads = worth(bytes.len(), jobs);
        let parts = threads::in_parts(&yaml::cut(bytes, threads::parts(threads)), threads, 1, |_, parts| {
            let mut documents = Vec::new();
            let mut reader = yaml::Reader::default();
            for part in parts {
                let bytes = bytes.get(part.clone()).unwrap_or_default();
                parse_part(bytes, part.start, &mut reader, &mut documents);
            }
            documents
        });
        let bytes = std::iter::once(bytes.as_slice()).collect();
        Self { name: &source.name, bytes, documents: parts.into(), threads }
    }

    /// As [`Stream::parse`], of what is still being read, by one of the threads.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn arriving(source: &'a Arriving, jobs: usize) -> Result<Self, InputError> {
        let read = |announce: &dyn Fn()| source.read(announce);
        let mut parts = threads::as_they_come(jobs, read, yaml::Reader::default, |reader, number| {
            let mut documents = Vec::new();
            parse_part(source.block(number), 0, reader, &mut documents);
            documents
        })?;
        let bytes: Bytes<'a> = source.blocks().collect();
        for ((begin, _), documents) in bytes.blocks().zip(&mut parts) {
            for document in documents {
                document.move_behind(begin);
            }
        }
        Ok(Self { name: &source.name, threads: worth(bytes.len(), jobs), bytes, documents: parts.into() })
    }

    /// The number of threads that parsed it.
    pub fn threads(&self) -> usize {
        self.threads
    }
}

/// Parses what is judged together.
///
/// # Errors
/// A standard input that cannot be read to its end.
pub fn parse(input: &Input, jobs: usize) -> Result<Vec<Stream<'_>>, InputError> {
    match input {
        Input::Read(group) => Ok(group.sources.iter().map(|source| Stream::parse(source, jobs)).collect()),
        Input::Arriving(source) => Ok(vec![Stream::arriving(source, jobs)?]),
    }
}

/// On how many threads so many bytes are worth being parsed.
fn worth(bytes: usize, jobs: usize) -> usize {
    jobs.clamp(1, bytes / BYTES_PER_THREAD + 1)
}

impl Stream<'_> {
    /// Whether a word stands anywhere in it; one that goes over no line end.
    pub fn holds(&self, word: &str) -> bool {
        let finder = memchr::memmem::Finder::new(word);
        let places = |(begin, block): (usize, &[u8])| (begin..begin + block.len()).step_by(BYTES_PER_THREAD);
        let parts: Vec<usize> = self.bytes.blocks().flat_map(places).collect();
        let found = threads::in_parts(&parts, self.threads, 1, |_, parts| {
            parts.iter().any(|from| {
                let (begin, block) = self.bytes.block_at(*from);
                // A word may begin in one part and end in the next.
                let to = (from - begin + BYTES_PER_THREAD + word.len()).min(block.len());
                finder.find(block.get(from - begin..to).unwrap_or_default()).is_some()
            })
        });
        found.contains(&true)
    }
}

impl<'a> StreamDocument<'a> {
    /// Counts its place from so many bytes before.
    fn move_behind(&mut self, bytes: usize) {
        self.span = self.span.start + bytes..self.span.end + bytes;
        self.start += bytes;
    }

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

/// Adds the documents of a part of a source that begins with one, and stands behind so many bytes.
fn parse_part<'a>(
    bytes: &'a [u8],
    from: usize,
    reader: &mut yaml::Reader<'a>,
    documents: &mut Vec<StreamDocument<'a>>,
) {
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
