//! A stream of documents: each migrated on its own, all others copied byte for byte.

use std::ops::Range;

use super::{Context, Outcome, Reason, document};
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
    streams(&[bytes]).pop().unwrap_or(Stream { documents: Vec::new() })
}

/// Brings every document to v1beta2 as if it stood alone: a `ClusterClass` goes on naming its templates as it did.
pub fn each_alone(bytes: &[u8]) -> Stream {
    Stream::of(bytes, &Context::default())
}

/// Brings the documents of several streams to v1beta2 that belong together: a `ClusterClass` in one follows its templates in
/// another.
pub fn streams(sources: &[&[u8]]) -> Vec<Stream> {
    let alone = Context::default();
    let mut streams: Vec<Stream> = sources.iter().map(|bytes| Stream::of(bytes, &alone)).collect();
    let mut context = Context::default();
    for (stream, bytes) in streams.iter().zip(sources) {
        stream.templates(bytes, &mut context);
    }
    for (stream, bytes) in streams.iter_mut().zip(sources) {
        stream.follow(bytes, &context);
    }
    streams
}

fn text_of<'b>(bytes: &'b [u8], span: &Range<usize>) -> Option<&'b str> {
    std::str::from_utf8(bytes.get(span.clone())?).ok()
}

impl Stream {
    fn of(bytes: &[u8], context: &Context) -> Self {
        let documents = yaml::split(bytes).map(|raw| {
            let outcome = match raw.text(bytes) {
                Ok(text) => document(text, context),
                Err(error) => Outcome::Refused(Reason {
                    offset: error.offset.min(raw.span.len()),
                    path: String::new(),
                    message: format!("not readable as YAML: {error}"),
                }),
            };
            Document { span: raw.span, outcome }
        });
        Self { documents: documents.collect() }
    }

    /// Collects the templates that are at v1beta2 now.
    fn templates(&self, bytes: &[u8], context: &mut Context) {
        for document in &self.documents {
            match &document.outcome {
                Outcome::Migrated(migration) => context.add(&migration.value),
                Outcome::Already => {
                    let Some(text) = text_of(bytes, &document.span) else { continue };
                    let Ok(parsed) = yaml::parse(text) else { continue };
                    if let Some(root) = parsed.root() {
                        context.add(&root.to_json());
                    }
                }
                Outcome::NotConcerned | Outcome::Refused(_) => {}
            }
        }
    }

    /// Migrates classes again, now that their templates are known.
    fn follow(&mut self, bytes: &[u8], context: &Context) {
        if context.is_empty() {
            return;
        }
        for document in &mut self.documents {
            let Outcome::Migrated(migration) = &document.outcome else { continue };
            let is_class = |value: &serde_json::Value| value["kind"] == "ClusterClass";
            let holds_class = is_class(&migration.value)
                || migration.value["items"].as_array().is_some_and(|items| items.iter().any(is_class));
            if let Some(text) = text_of(bytes, &document.span).filter(|_| holds_class) {
                document.outcome = super::document(text, context);
            }
        }
    }

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
