//! One source as documents: split, checked to be text, parsed; each on its own, so that a bad one never hides another.
//!
//! It keeps what went wrong beside what went well, and judges neither. Of the source itself it keeps what the documents need to
//! give back each of its bytes, so that the source can go: a fleet, of which most documents repeat others, takes less room than
//! its text.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;

use crate::input::{Arriving, Block, Input, InputError, Source};
use crate::parted::Parted;
use crate::progress::{self, Phase};
use crate::threads;
use crate::yaml;

mod document;
mod lines;

use document::Position;
pub use document::{Broken, Content, StreamDocument, characters};

/// A source as its documents.
#[derive(Debug)]
pub struct Stream {
    /// As findings print it.
    pub name: String,
    /// In order of appearance; they tile the bytes of the source.
    pub documents: Documents,
    /// For each part of the documents: what stands before it in the source.
    before: Vec<Before>,
    length: usize,
    holds: [bool; SOUGHT.len()],
    threads: usize,
}

/// The documents of a stream.
pub type Documents = Parted<StreamDocument>;

/// A thread costs more than it brings below so many bytes.
const BYTES_PER_THREAD: usize = 200_000;

/// Words that are sought in all of each stream, for ignores and for plain secrets: they are looked for while a part of it is at
/// hand. [`Stream::holds`] finds others too, but has to look through the text for them.
const SOUGHT: [&str; 3] = ["capi-lint", "PRIVATE KEY-----", "passwd"];

static FINDERS: LazyLock<[Finder<'_>; SOUGHT.len()]> = LazyLock::new(|| SOUGHT.map(Finder::new));

/// What stands before a part of a stream: the documents of the part count from there, so that nobody has to go over all of them when
/// it is known.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    bytes: usize,
    line_ends: usize,
}

/// A part of a stream that begins with a document.
struct Part {
    documents: Vec<StreamDocument>,
    length: usize,
    line_ends: u32,
    /// Which of the words that are sought stand in it.
    holds: [bool; SOUGHT.len()],
}

impl Stream {
    /// Splits and parses a source, on at most `jobs` threads; the result is the same for any number.
    pub fn parse(source: &Source, jobs: usize) -> Self {
        let bytes = &source.bytes;
        let threads = worth(bytes.len(), jobs);
        let places = yaml::cut(bytes, threads::parts(threads));
        let texts = Arc::default();
        let parts = threads::in_turn(places.len(), threads, |number| {
            let place = places.get(number).cloned().unwrap_or_default();
            Part::parse(bytes.get(place).unwrap_or_default(), &mut yaml::Reader::among(&texts))
        });
        Self::of(&source.name, parts, jobs)
    }

    /// As [`Stream::parse`], of what is still being read, by the same threads; what was read before is not in it.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn arriving(source: &Arriving, jobs: usize) -> Result<Self, InputError> {
        // Each thread reads into a room of its own again and again, so that what is parsed is in its caches.
        let texts = Arc::default();
        let begin = || (yaml::Reader::among(&texts), Block::default());
        let parts = threads::until_nothing_is_left(jobs, begin, |(reader, block)| {
            let number = source.next(block)?;
            Ok(number.map(|number| (number, Part::parse(block.bytes(), reader))))
        })?;
        Ok(Self::of(&source.name, parts, jobs))
    }

    fn of(name: &str, parts: Vec<Part>, jobs: usize) -> Self {
        let holds = std::array::from_fn(|word| parts.iter().any(|part| part.holds[word]));
        let mut end = Before::default();
        let (mut before, mut documents) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
        for part in parts {
            if !part.documents.is_empty() {
                before.push(end);
                documents.push(part.documents);
            }
            end.bytes += part.length;
            end.line_ends += part.line_ends as usize;
        }
        let threads = worth(end.bytes, jobs);
        Self { name: name.to_owned(), documents: documents.into(), before, length: end.bytes, holds, threads }
    }

    /// The number of threads that are worth working on it.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// How many bytes the source has.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the source is empty.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// Parses the sources of a group.
pub fn parse(sources: &[Source], jobs: usize) -> Vec<Stream> {
    progress::enter(Phase::Parsing, "");
    sources.iter().map(|source| Stream::parse(source, jobs)).collect()
}

/// Parses what is judged together, and reads what is still to be read of it.
///
/// # Errors
/// A standard input, or a large file, that cannot be read to its end.
pub fn parse_input(input: Input, jobs: usize) -> Result<Vec<Stream>, InputError> {
    match input {
        Input::Read(group) => Ok(parse(&group.sources, jobs)),
        Input::Arriving(source) => Ok(vec![Stream::arriving(&source, jobs)?]),
    }
}

/// On how many threads so many bytes are worth being parsed.
fn worth(bytes: usize, jobs: usize) -> usize {
    jobs.clamp(1, bytes / BYTES_PER_THREAD + 1)
}

impl Stream {
    /// Whether a word stands anywhere in it; one that goes over no line end.
    pub fn holds(&self, word: &str) -> bool {
        if let Some(number) = SOUGHT.iter().position(|sought| *sought == word) {
            return self.holds[number];
        }
        let finder = Finder::new(word);
        let parts: Vec<&[StreamDocument]> = self.documents.slices(DOCUMENTS_AT_ONCE).collect();
        let found = threads::in_parts(&parts, self.threads, 1, |_, parts| {
            let mut bytes = Vec::new();
            parts.iter().any(|documents| {
                // JSON values may stand on one line, and a word go from one to the next.
                bytes.clear();
                documents.iter().for_each(|document| document.write(&mut bytes));
                finder.find(&bytes).is_some()
            })
        });
        found.contains(&true)
    }

    /// What stands before the part in which a document does.
    fn before(&self, document: usize) -> Before {
        self.documents.part_of(document).map_or_else(Before::default, |part| self.before[part])
    }

    /// Where a document stands in the source, with its separator.
    pub fn range_of(&self, document: usize) -> Option<Range<usize>> {
        let (Range { start, end }, before) = (self.documents.get(document)?.range(), self.before(document).bytes);
        Some(before + start..before + end)
    }

    /// The line of the source, from 1, of an offset in the text of a document.
    pub fn line_at(&self, document: usize, offset: usize) -> Option<usize> {
        Some(self.before(document).line_ends + self.documents.get(document)?.lines_before(offset) + 1)
    }

    /// The number of the document in which a byte of the source stands.
    fn document_at(&self, offset: usize) -> usize {
        let part = self.before.partition_point(|before| before.bytes <= offset).saturating_sub(1);
        let (first, documents) = self.documents.part(part);
        let before = self.before.get(part).map_or(0, |before| before.bytes);
        first + documents.partition_point(|document| before + document.range().end <= offset)
    }

    /// Some bytes of the source.
    pub fn bytes(&self, range: Range<usize>) -> Vec<u8> {
        let first = self.document_at(range.start);
        let mut bytes = Vec::new();
        let begin = self.range_of(first).map_or(0, |range| range.start);
        for document in (first..).map_while(|number| self.documents.get(number)) {
            if begin + bytes.len() >= range.end {
                break;
            }
            document.write(&mut bytes);
        }
        bytes.truncate(range.end.saturating_sub(begin));
        bytes.split_off((range.start.max(begin) - begin).min(bytes.len()))
    }

    /// The line of the source around an offset in the text of a document, without its end; nothing where it has more bytes than
    /// `most`.
    pub fn line_around(&self, document: usize, offset: usize, most: usize) -> Option<Vec<u8>> {
        let own = self.documents.get(document)?;
        let (before, behind) = own.bytes().split_at_checked(offset)?;
        // Mostly it begins and ends in the text; but JSON values may stand behind one another.
        let earlier = (0..=document).rev().filter_map(|number| self.documents.get(number)).flat_map(|one| {
            let text = if std::ptr::eq(one, own) { before } else { one.bytes() };
            [text, one.separator()]
        });
        let mut beginning: Vec<&[u8]> = Vec::new();
        let mut length = 0;
        for piece in earlier {
            let end = memchr::memrchr(b'\n', piece);
            beginning.extend(piece.get(end.map_or(0, |end| end + 1)..));
            length += piece.len();
            if end.is_some() || length > most {
                break;
            }
        }
        let mut line: Vec<u8> = beginning.into_iter().rev().flatten().copied().collect();
        let later = (document + 1..).map_while(|number| self.documents.get(number));
        for piece in std::iter::once(behind).chain(later.flat_map(|one| [one.separator(), one.bytes()])) {
            let end = memchr::memchr(b'\n', piece);
            line.extend(piece.iter().take(end.unwrap_or(piece.len())));
            if end.is_some() || line.len() > most {
                break;
            }
        }
        Some(line).filter(|line| line.len() <= most)
    }
}

/// So many documents are looked through at once.
const DOCUMENTS_AT_ONCE: usize = 256;

impl Part {
    /// Parses bytes that begin with a document.
    fn parse(bytes: &[u8], reader: &mut yaml::Reader) -> Self {
        let raw: Vec<yaml::RawDocument> = yaml::split(bytes).collect();
        let parsed = reader.parse_all(&raw, bytes);
        let mut documents = Vec::with_capacity(raw.len());
        let mut at = Position::default();
        let mut holds = [false; SOUGHT.len()];
        let mut look_through = |text: &[u8]| {
            for (finder, holds) in FINDERS.iter().zip(&mut holds).filter(|_| !text.is_empty()) {
                *holds |= finder.find(text).is_some();
            }
        };
        let mut words = Vec::new();
        for (raw, parsed) in raw.iter().zip(parsed) {
            let document = StreamDocument::new(bytes, raw, parsed, &mut at);
            look_through(document.odd_separator());
            // What a document repeats has been looked through; its own words are, together with those of the others.
            match document.own_words() {
                Some(own) => {
                    words.extend_from_slice(own.as_bytes());
                    words.push(b'\n');
                }
                None => look_through(bytes.get(raw.span.clone()).unwrap_or_default()),
            }
            documents.push(document);
        }
        look_through(&words);
        Self { documents, length: bytes.len(), line_ends: at.line, holds }
    }
}
