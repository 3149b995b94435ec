//! YAML as Kubernetes reads it: bytes become documents, documents become a flat tape of nodes with byte spans.
//!
//! Why our own: no crate resolves scalars as `sigs.k8s.io/yaml` does (what kubectl, Helm and the API server use), and every
//! finding and edit needs exact byte positions. This module knows nothing of Kubernetes objects: no `apiVersion`, no
//! `metadata`. It must not read files and must not panic on any input.
//!
//! - [`split`]: a stream into documents, as kubectl and Helm split.
//! - [`block`]: the fast parser for what charts emit; [`fallback`]: everything else. Both write the same tape.
//! - [`repeat`]: documents that repeat one another; [`own`]: the words in which they differ.
//! - [`keys`]: keys that stand twice; [`expand`]: aliases and merge keys.
//! - [`scalar`]: what a scalar means to Kubernetes (`y` is a boolean, `0777` an octal number).
//! - [`tape`]: the nodes; [`view`], [`value`]: documents and values, by which the rest of the crate reads them.
//! - [`text`]: quotes, escapes, folding, chomping; [`lex`]: scanning that both parsers share; [`scan`], [`build`]: the fallback's
//!   tokens and nodes.
//! - [`compare`]: whether two trees are the same.
//! - [`edit`]: changes of the source text that leave everything else untouched; [`render`]: the text they insert.

mod block;
mod build;
pub mod compare;
pub mod edit;
mod error;
mod expand;
mod fallback;
mod keys;
mod lex;
mod own;
mod paths;
mod per_form;
pub(crate) mod render;
mod repeat;
pub mod scalar;
mod scan;
mod split;
pub mod tape;
mod text;
pub mod value;
pub mod view;

pub use error::{Problem, SyntaxError};
pub use paths::{Once, Path};
pub use per_form::{PerForm, PerWords};
pub use repeat::{Reader, Texts};
pub use scalar::Scalar;
pub use split::{Documents, RawDocument, cut, split};
pub use tape::{Kind, Span, Style};
pub use value::{Children, Value};
pub use view::Document;
pub(crate) use view::{SharedText, Words, words_read};

use tape::Room;

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

/// What is odd about a document that could be read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Oddities {
    duplicates: Vec<DuplicateKey>,
    ignored: Option<usize>,
}

/// Parses one document (without its separator line).
pub fn parse(text: &str) -> Result<Document, SyntaxError> {
    parse_by(text, Parser::Either)
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
pub fn parse_by(text: &str, parser: Parser) -> Result<Document, SyntaxError> {
    let mut room = Room::default();
    let read = read(text, &mut room, parser)?;
    Ok(Document::first(view::Form::alone(text, &room.nodes, read).into()))
}

/// The text that some bytes are.
fn as_text(bytes: &[u8]) -> Result<&str, SyntaxError> {
    std::str::from_utf8(bytes).map_err(|error| SyntaxError::new(error.valid_up_to(), Problem::NotUtf8))
}

/// What reading a document gave besides its nodes.
struct Read {
    /// Nothing where there are none, as in nearly all documents.
    oddities: Option<Box<Oddities>>,
    /// As [`view::Form::is_unusual`].
    is_unusual: bool,
}

/// Reads a document; its nodes are the room's then.
fn read(text: &str, room: &mut Room, parser: Parser) -> Result<Read, SyntaxError> {
    room.nodes.clear();
    let outcome = read_nodes(text, room, parser)?;
    let mut duplicates = Vec::new();
    keys::find_duplicates(text, &mut room.nodes, &mut room.seen, &mut duplicates);
    let error = if outcome.not_finite { not_finite(text, &room.nodes) } else { None };
    let is_unusual = !outcome.is_fast || !duplicates.is_empty();
    let oddities = Oddities { duplicates, ignored: outcome.ignored };
    let oddities = (oddities != Oddities::default()).then(|| oddities.into());
    error.map_or(Ok(Read { oddities, is_unusual }), Err)
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

fn read_nodes(text: &str, room: &mut Room, parser: Parser) -> Result<fallback::Outcome, SyntaxError> {
    let is_common = check_characters(text)?;
    let start = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    if is_common && parser == Parser::Either {
        if block::parse(text, start, &mut room.nodes, &mut room.frames).is_ok() {
            return Ok(fallback::Outcome { is_fast: true, ..fallback::Outcome::default() });
        }
        room.nodes.clear();
    }
    fallback::parse(text, start, &mut room.nodes)
}

/// Whether the fast parser reads the document; for benchmarks and tests.
#[doc(hidden)]
pub fn is_fast(text: &str) -> bool {
    let mut room = Room::default();
    let start = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    check_characters(text) == Ok(true) && block::parse(text, start, &mut room.nodes, &mut room.frames).is_ok()
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
