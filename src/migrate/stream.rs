//! A stream of documents: each migrated on its own, all others copied byte for byte.

use std::ops::Range;

use super::{Outcome, Reason, document};
use crate::yaml;

/// One document of a stream and what became of it.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its bytes in the stream, without the separator.
    pub span: Range<usize>,
    /// What became of it.
    pub outcome: Outcome,
}

/// The documents of a stream, in order.
#[derive(Clone, Debug)]
pub struct Stream {
    /// All of them.
    pub documents: Vec<Document>,
}

/// Brings every document of a stream to v1beta2 that is concerned.
pub fn stream(bytes: &[u8]) -> Stream {
    let documents = yaml::split(bytes)
        .map(|raw| {
            let outcome = match raw.text(bytes) {
                Ok(text) => document(text),
                Err(error) => Outcome::Refused(Reason {
                    offset: error.offset.min(raw.span.len()),
                    path: String::new(),
                    message: format!("not readable as YAML: {error}"),
                }),
            };
            Document { span: raw.span, outcome }
        })
        .collect();
    Stream { documents }
}

impl Stream {
    /// The stream with its migrated documents in place; refused documents are as they were.
    pub fn text(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
        let mut at = 0;
        for document in &self.documents {
            if let Outcome::Migrated(migration) = &document.outcome {
                out.extend_from_slice(bytes.get(at..document.span.start).unwrap_or_default());
                out.extend_from_slice(migration.text.as_bytes());
                at = document.span.end;
            }
        }
        out.extend_from_slice(bytes.get(at..).unwrap_or_default());
        out
    }

    /// Number of documents that were brought to v1beta2.
    pub fn migrated(&self) -> usize {
        self.documents.iter().filter(|document| matches!(document.outcome, Outcome::Migrated(_))).count()
    }

    /// The documents that were refused, with why.
    pub fn refused(&self) -> impl Iterator<Item = (&Document, &Reason)> {
        self.documents.iter().filter_map(|document| match &document.outcome {
            Outcome::Refused(reason) => Some((document, reason)),
            _ => None,
        })
    }
}
