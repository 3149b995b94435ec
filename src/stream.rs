//! One source as documents: split, checked to be text, parsed; each on its own, so that a bad one never hides another.
//!
//! It keeps what went wrong beside what went well, and judges neither.

use std::ops::Range;

use crate::input::Source;
use crate::yaml::{self, Document, DuplicateKey, Parsed, SyntaxError, Tape};

/// A source with its documents. Documents borrow from here.
#[derive(Debug)]
pub struct Stream<'a> {
    /// Where the bytes came from.
    pub source: &'a Source,
    /// In order of appearance; their spans tile the source.
    pub documents: Vec<StreamDocument<'a>>,
    tapes: Vec<Tape>,
}

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
    pub content: Content,
}

/// What came of a document.
#[derive(Debug)]
pub enum Content {
    /// Parsed: which tape, and which of its nodes. No nodes: nothing in it but comments.
    Parsed {
        /// Index of the tape.
        tape: u32,
        /// The document's nodes on it.
        nodes: Range<usize>,
        /// Keys that stand twice.
        duplicates: Vec<DuplicateKey>,
        /// Where text begins that no client reads.
        ignored: Option<usize>,
    },
    /// No YAML.
    Broken(SyntaxError),
}

impl<'a> Stream<'a> {
    /// Splits and parses a source, on at most `jobs` threads; the result is the same for any number.
    pub fn parse(source: &'a Source, jobs: usize) -> Self {
        let raw: Vec<yaml::RawDocument> = yaml::split(&source.bytes).collect();
        // A thread costs more than it brings below some hundred kilobytes.
        let chunks = jobs.min(source.bytes.len() / 200_000 + 1).max(1);
        let size = raw.len().div_ceil(chunks).max(1);
        let parts: Vec<(Tape, Vec<StreamDocument<'a>>)> = if chunks == 1 {
            vec![parse_chunk(&source.bytes, &raw, 0)]
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> = raw
                    .chunks(size)
                    .enumerate()
                    .map(|(tape, chunk)| scope.spawn(move || parse_chunk(&source.bytes, chunk, tape as u32)))
                    .collect();
                workers
                    .into_iter()
                    .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect()
            })
        };
        let mut documents = Vec::with_capacity(raw.len());
        let mut tapes = Vec::with_capacity(parts.len());
        for (tape, part) in parts {
            tapes.push(tape);
            documents.extend(part);
        }
        Self { source, documents, tapes }
    }

    /// The number of threads that parsed it.
    pub fn threads(&self) -> usize {
        self.tapes.len()
    }

    /// The parsed document; `None` where it is broken.
    pub fn document<'s>(&'s self, document: &StreamDocument<'s>) -> Option<Document<'s>> {
        match &document.content {
            Content::Parsed { tape, nodes, .. } => {
                Some(self.tapes.get(*tape as usize)?.document(document.text, nodes.clone()))
            }
            Content::Broken(_) => None,
        }
    }
}

fn parse_chunk<'a>(bytes: &'a [u8], raw: &[yaml::RawDocument], tape: u32) -> (Tape, Vec<StreamDocument<'a>>) {
    let mut nodes = Tape::new();
    let mut reader = yaml::Reader::default();
    let documents = raw
        .iter()
        .map(|document| {
            let read = document.text(bytes);
            let text = read.as_ref().copied().unwrap_or_default();
            let content = match read.and_then(|text| reader.parse(text, &mut nodes)) {
                Ok(Parsed { nodes, duplicates, ignored }) => Content::Parsed { tape, nodes, duplicates, ignored },
                Err(error) => Content::Broken(error),
            };
            StreamDocument {
                span: document.separator.start..document.span.end,
                start: document.span.start,
                text,
                content,
            }
        })
        .collect();
    (nodes, documents)
}
