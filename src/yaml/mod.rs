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
//! - [`text`]: quotes, escapes, folding, chomping; [`lex`]: scanning that both parsers share; [`scan`], [`build`]: the fallback's
//!   tokens and nodes.
//! - [`edit`]: changes of the source text that leave everything else untouched; [`render`]: the text they insert.

mod block;
mod build;
pub mod edit;
mod error;
mod expand;
mod fallback;
mod keys;
mod lex;
pub(crate) mod render;
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
    parse_by(text, tape, Parser::Either)
}

/// Which parser reads a document. All but tests and benchmarks want either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum Parser {
    /// The fast one, and the other where that gives up.
    Either,
    /// The slow one.
    Fallback,
}

/// [`parse`], by a parser of one's choice.
#[doc(hidden)]
pub fn parse_by(text: &str, tape: &mut Tape, parser: Parser) -> Result<Parsed, SyntaxError> {
    let base = tape.nodes.len();
    let outcome = read(text, tape, parser);
    let mut duplicates = Vec::new();
    let outcome = outcome.and_then(|outcome| {
        keys::find_duplicates(text, &mut tape.nodes[base..], &mut tape.seen, &mut duplicates);
        let error = if outcome.not_finite { not_finite(text, &tape.nodes[base..]) } else { None };
        error.map_or(Ok(outcome), Err)
    });
    if outcome.is_err() {
        tape.nodes.truncate(base);
    }
    let ignored = outcome?.ignored;
    Ok(Parsed { nodes: base..tape.nodes.len(), duplicates, ignored })
}

/// The first infinity or not-a-number that no later entry hides.
fn not_finite(text: &str, nodes: &[tape::Node]) -> Option<SyntaxError> {
    let mut index = 0;
    while let Some(node) = nodes.get(index) {
        if node.flags & tape::SHADOWED != 0 {
            index = node.next as usize;
            continue;
        }
        let raw = text.get(node.value.range()).unwrap_or_default();
        let style = node.styles.value();
        let is_scalar =
            matches!(style, Style::Plain | Style::SingleQuoted | Style::DoubleQuoted | Style::Literal | Style::Folded);
        if is_scalar && scalar::validity(raw, style, node.tags.value(), node.indent) == scalar::Validity::NotFinite {
            return Some(SyntaxError::new(node.value.start as usize, Problem::NotFinite));
        }
        index += 1;
    }
    None
}

fn read(text: &str, tape: &mut Tape, parser: Parser) -> Result<fallback::Outcome, SyntaxError> {
    let is_common = check_characters(text)?;
    let start = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    let base = tape.nodes.len();
    if is_common && parser == Parser::Either {
        if block::parse(text, start, &mut tape.nodes, &mut tape.frames).is_ok() {
            return Ok(fallback::Outcome::default());
        }
        tape.nodes.truncate(base);
    }
    fallback::parse(text, start, &mut tape.nodes)
}

/// Whether the fast parser reads the document; for benchmarks and tests.
#[doc(hidden)]
pub fn is_fast(text: &str) -> bool {
    let mut tape = Tape::new();
    let start = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    check_characters(text) == Ok(true) && block::parse(text, start, &mut tape.nodes, &mut tape.frames).is_ok()
}

/// Refuses what is no text: control characters, and more than spans can point into. Says whether all line breaks are common
/// ones (LF and CRLF), which the fast parser relies on.
fn check_characters(text: &str) -> Result<bool, SyntaxError> {
    if u32::try_from(text.len()).is_err() {
        return Err(SyntaxError::new(0, Problem::TooLarge));
    }
    let bytes = text.as_bytes();
    let mut is_common = true;
    // Chunks without anything suspicious, nearly all of them, are passed without a branch per byte.
    for (number, chunk) in bytes.chunks(64).enumerate() {
        let suspicious = chunk.iter().fold(false, |any, &byte| any | !matches!(byte, b'\n' | 0x20..=0x7E));
        if !suspicious {
            continue;
        }
        let (from, to) = (number * 64, number * 64 + chunk.len());
        if let Some((at, character)) = forbidden(text, from, to) {
            return Err(SyntaxError::new(at, Problem::ControlCharacter(character)));
        }
        is_common &= !(from..to).any(|at| match bytes[at] {
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            0xC2 | 0xE2 => text::line_break(&bytes[at..]).is_some(),
            _ => false,
        });
    }
    Ok(is_common)
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
