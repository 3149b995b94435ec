//! YAML as Kubernetes reads it: bytes become documents, documents become a flat tape of nodes with byte spans.
//!
//! Why our own: no crate resolves scalars as `sigs.k8s.io/yaml` does (what kubectl, Helm and the API server use), and every
//! finding and edit needs exact byte positions. This module knows nothing of Kubernetes objects: no `apiVersion`, no
//! `metadata`. It must not read files and must not panic on any input.
//!
//! - [`split`]: a stream into documents, as kubectl and Helm split.
//! - [`block`]: the fast parser for what charts emit; [`fallback`]: everything else. Both write the same tape.
//! - [`keys`]: keys that stand twice; [`expand`]: aliases and merge keys.
//! - [`scalar`]: what a scalar means to Kubernetes (`y` is a boolean, `0777` an octal number).
//! - [`tape`]: the nodes and the views on them that the rest of the crate uses.
//! - [`text`]: quotes, escapes, folding, chomping; [`lex`]: scanning that both parsers share; [`scan`]: the fallback's tokens.
//! - [`edit`]: changes of the source text that leave everything else untouched; [`render`]: the text they insert.

pub mod edit;
mod error;
mod expand;
mod fallback;
mod keys;
mod lex;
mod render;
pub mod scalar;
mod scan;
mod split;
pub mod tape;
mod text;

use std::ops::Range;

pub use error::{Problem, SyntaxError};
pub use scalar::Scalar;
pub use split::{Documents, RawDocument, split};
pub use tape::{Document, Kind, Span, Style, Tape, Value};

/// Collections nested deeper than this are refused. Go's reader stops at 10,000; no manifest comes near either, and views
/// on the tape may recurse.
pub const MAX_DEPTH: usize = 1000;

/// A key that stands twice in one mapping. Kubernetes' reader takes the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The later entry, as an index for [`Document::value`].
    pub node: u32,
    /// The earlier key, whose value is lost.
    pub first: Span,
    /// The later key.
    pub second: Span,
}

/// What parsing one document gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Where its nodes stand on the tape; empty for a document with nothing in it.
    pub nodes: Range<usize>,
    /// Keys that stand twice.
    pub duplicates: Vec<DuplicateKey>,
    /// Where text begins that Kubernetes' reader never looks at, because the document ended before it (behind `...`, or
    /// behind a flow collection or quoted text at the top).
    pub ignored: Option<usize>,
}

/// Parses one document (without its separator line) onto the end of the tape. On an error the tape is as it was.
pub fn parse(text: &str, tape: &mut Tape) -> Result<Parsed, SyntaxError> {
    let base = tape.nodes.len();
    let outcome = check_characters(text).and_then(|()| parse_by(text, tape));
    if outcome.is_err() {
        tape.nodes.truncate(base);
    }
    let ignored = outcome?.ignored;
    let mut duplicates = Vec::new();
    keys::find_duplicates(text, &mut tape.nodes[base..], &mut duplicates);
    Ok(Parsed { nodes: base..tape.nodes.len(), duplicates, ignored })
}

fn parse_by(text: &str, tape: &mut Tape) -> Result<fallback::Outcome, SyntaxError> {
    let start = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    fallback::parse(text, start, &mut tape.nodes)
}

/// Refuses what is no text: control characters, and more than spans can point into.
fn check_characters(text: &str) -> Result<(), SyntaxError> {
    if u32::try_from(text.len()).is_err() {
        return Err(SyntaxError::new(0, Problem::TooLarge));
    }
    // Chunks without anything suspicious, nearly all of them, are passed without a branch per byte.
    for (number, chunk) in text.as_bytes().chunks(64).enumerate() {
        let suspicious =
            chunk.iter().fold(false, |any, &byte| any | (byte < 0x20) & !matches!(byte, 9 | 10 | 13) | (byte >= 0x7F));
        if suspicious && let Some((at, character)) = forbidden(text, number * 64, number * 64 + chunk.len()) {
            return Err(SyntaxError::new(at, Problem::ControlCharacter(character)));
        }
    }
    Ok(())
}

/// The first character that YAML forbids among those that begin in a range of bytes.
fn forbidden(text: &str, from: usize, to: usize) -> Option<(usize, char)> {
    let from = (from..=to).find(|&at| text.is_char_boundary(at))?;
    text[from..].char_indices().map(|(at, character)| (from + at, character)).take_while(|&(at, _)| at < to).find(
        |&(_, character)| {
            !matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
        },
    )
}
