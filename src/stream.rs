//! One source as documents: split, checked to be text, parsed; each on its own, so that a bad one never hides another.
//!
//! It keeps what went wrong beside what went well, and judges neither.

use std::ops::Range;

use crate::input::{Arriving, Input, InputError, Source};
use crate::parted::Parted;
use crate::progress::{self, Phase};
use crate::threads;
use crate::yaml::{self, Parsed, SyntaxError};

mod bytes;
mod lines;

pub use bytes::Bytes;
use lines::{LineEnds, Lines};

/// A source with its documents. Documents borrow from here.
#[derive(Debug)]
pub struct Stream<'a> {
    /// As findings print it.
    pub name: &'a str,
    /// What was read.
    pub bytes: Bytes<'a>,
    /// In order of appearance; their spans tile the bytes.
    pub documents: Documents<'a>,
    lines: Lines,
    holds: [bool; SOUGHT.len()],
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

/// Words that are sought in all of each stream, for ignores and for plain secrets: they are looked for while a part of it is at
/// hand. [`Stream::holds`] finds others too, but has to look through the text for them.
const SOUGHT: [&str; 3] = ["capi-lint", "PRIVATE KEY-----", "passwd"];

/// A part of a stream that begins with a document.
struct Part<'a> {
    documents: Vec<StreamDocument<'a>>,
    /// Its bytes, from where they begin, and their line ends.
    lines: Vec<LineEnds>,
    /// Which of the words that are sought stand in it.
    holds: [bool; SOUGHT.len()],
}

impl<'a> Stream<'a> {
    /// Splits and parses a source, on at most `jobs` threads; the result is the same for any number.
    pub fn parse(source: &'a Source, jobs: usize) -> Self {
        let bytes = &source.bytes;
        let threads = worth(bytes.len(), jobs);
        let places = yaml::cut(bytes, threads::parts(threads));
        let parts = threads::in_turn(places.len(), threads, |number| {
            let place = places.get(number).cloned().unwrap_or_default();
            Part::parse(bytes.get(place.clone()).unwrap_or_default(), place.start, &mut yaml::Reader::default())
        });
        Self::of(&source.name, std::iter::once(bytes.as_slice()).collect(), parts, threads)
    }

    /// As [`Stream::parse`], of what is still being read, by one of the threads.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn arriving(source: &'a Arriving, jobs: usize) -> Result<Self, InputError> {
        let read = |announce: &dyn Fn()| {
            source.read(announce)?;
            progress::enter(Phase::Parsing, "");
            Ok(())
        };
        let mut parts = threads::as_they_come(jobs, read, yaml::Reader::default, |reader, number| {
            Part::parse(source.block(number), 0, reader)
        })?;
        let bytes: Bytes<'a> = source.blocks().collect();
        for ((begin, _), part) in bytes.blocks().zip(&mut parts) {
            part.move_behind(begin);
        }
        let threads = worth(bytes.len(), jobs);
        Ok(Self::of(&source.name, bytes, parts, threads))
    }

    fn of(name: &'a str, bytes: Bytes<'a>, parts: Vec<Part<'a>>, threads: usize) -> Self {
        let lines = Lines::of(parts.iter().flat_map(|part| &part.lines));
        let holds = std::array::from_fn(|word| parts.iter().any(|part| part.holds[word]));
        let documents = parts.into_iter().map(|part| part.documents).collect::<Vec<_>>().into();
        Self { name, bytes, documents, lines, holds, threads }
    }

    /// The number of threads that parsed it.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The line at an offset, from 1.
    pub fn line_at(&self, offset: usize) -> usize {
        self.lines.at(&self.bytes, offset.min(self.bytes.len()))
    }
}

/// Parses the sources of a group.
pub fn parse(sources: &[Source], jobs: usize) -> Vec<Stream<'_>> {
    progress::enter(Phase::Parsing, "");
    sources.iter().map(|source| Stream::parse(source, jobs)).collect()
}

/// Parses what is judged together, and reads what is still to be read of it.
///
/// # Errors
/// A standard input that cannot be read to its end.
pub fn parse_input(input: &Input, jobs: usize) -> Result<Vec<Stream<'_>>, InputError> {
    match input {
        Input::Read(group) => Ok(parse(&group.sources, jobs)),
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
        if let Some(number) = SOUGHT.iter().position(|sought| *sought == word) {
            return self.holds[number];
        }
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

impl<'a> Part<'a> {
    /// Parses bytes that begin with a document, and stand behind so many others.
    fn parse(bytes: &'a [u8], from: usize, reader: &mut yaml::Reader<'a>) -> Self {
        let mut documents = Vec::new();
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
        let holds = SOUGHT.map(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some());
        Self { documents, lines: LineEnds::of(bytes, from).collect(), holds }
    }

    /// Counts its place from so many bytes before.
    fn move_behind(&mut self, bytes: usize) {
        for document in &mut self.documents {
            document.span = document.span.start + bytes..document.span.end + bytes;
            document.start += bytes;
        }
        for lines in &mut self.lines {
            lines.begin += bytes;
        }
    }
}
