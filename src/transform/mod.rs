//! What post-render changes: identical duplicates go, labels come; everything else keeps its bytes.
//!
//! A plan of edits is made first and proved afterwards: the edited text is parsed again and must be the same tree but for
//! the declared change. Nothing is written here; `cli::post_render` writes, and only after everything passed.

use std::collections::BTreeMap;
use std::fmt;

use crate::release::Release;
use crate::report::Finding;
use crate::yaml::edit::{self, Edit};
use crate::yaml::{self, Tape};

pub mod compare;
pub mod dedupe;
pub mod label;

pub use dedupe::Dedupe;
pub use label::Labels;

/// What to do to the documents of a release, and what to say about it.
#[derive(Debug, Default)]
pub struct Plan {
    /// Documents that are taken out whole.
    pub dropped: Vec<u32>,
    /// Edits within documents, by document; offsets count in the document's text.
    pub edits: BTreeMap<u32, Vec<Edit>>,
    /// Labels that the edits add, by object, for the proof.
    pub added: BTreeMap<u32, Vec<(String, String)>>,
    /// Items of a `kind: List` that are taken out, by object.
    pub dropped_items: Vec<u32>,
    /// Duplicates and label conflicts.
    pub findings: Vec<Finding>,
}

/// What post-render is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What happens to objects that stand twice.
    pub dedupe: Dedupe,
    /// Which labels are added.
    pub labels: Labels,
}

/// An edit did not do what it declared. A defect of capi-lint: nothing may be written.
#[derive(Debug)]
pub struct BrokenEdit {
    /// The document, counted over the run.
    pub document: u32,
    /// What is different.
    pub what: String,
}

impl fmt::Display for BrokenEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an edit of document {} did not come out as declared ({}). Nothing was written. This is a defect of capi-lint: \
             please report it with the document",
            self.document + 1,
            self.what
        )
    }
}

impl std::error::Error for BrokenEdit {}

/// Plans the changes of a release.
pub fn plan(release: &Release<'_>, options: &Options) -> Plan {
    let mut plan = Plan::default();
    let gone = dedupe::plan(release, options.dedupe, &mut plan);
    label::plan(release, &options.labels, &gone, &mut plan);
    plan
}

/// The whole output, as pieces in order: slices of the input where nothing changed, new text where something did.
///
/// # Errors
/// When an edited document is not the same tree but for the declared change.
pub fn write<'a>(release: &Release<'a>, plan: &Plan) -> Result<Vec<Piece<'a>>, BrokenEdit> {
    let mut pieces = Vec::new();
    let mut number = 0_u32;
    let mut dropped = plan.dropped.iter().copied().peekable();
    let mut edits = plan.edits.iter().peekable();
    let proof = Proof::new(release, plan);
    for stream in release.streams {
        // What stands between two changed documents leaves as one slice.
        let mut unchanged = 0_usize;
        for document in &stream.documents {
            if dropped.next_if_eq(&number).is_some() {
                push_source(&mut pieces, stream.source.bytes.get(unchanged..document.span.start));
                unchanged = document.span.end;
            } else if let Some((_, edits)) = edits.next_if(|(edited, _)| **edited == number) {
                let text = edit::apply(document.text, edits)
                    .map_err(|error| BrokenEdit { document: number, what: error.to_string() })?;
                proof.check(number, document.text, &text)?;
                push_source(&mut pieces, stream.source.bytes.get(unchanged..document.start));
                pieces.push(Piece::Edited(text));
                unchanged = document.span.end;
            }
            number += 1;
        }
        push_source(&mut pieces, stream.source.bytes.get(unchanged..));
    }
    Ok(pieces)
}

/// A part of the output.
#[derive(Debug)]
pub enum Piece<'a> {
    /// Bytes of the input.
    Source(&'a [u8]),
    /// A document that was edited.
    Edited(String),
}

impl Piece<'_> {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Source(bytes) => bytes,
            Self::Edited(text) => text.as_bytes(),
        }
    }
}

fn push_source<'a>(pieces: &mut Vec<Piece<'a>>, bytes: Option<&'a [u8]>) {
    if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
        pieces.push(Piece::Source(bytes));
    }
}

/// What was declared about each edited document.
struct Proof<'p> {
    expected: BTreeMap<u32, compare::Declared<'p>>,
}

impl<'p> Proof<'p> {
    fn new(release: &'p Release<'_>, plan: &'p Plan) -> Self {
        let mut expected: BTreeMap<u32, compare::Declared<'p>> = BTreeMap::new();
        for (number, labels) in &plan.added {
            let Some(object) = release.objects.get(*number as usize) else { continue };
            expected.entry(object.document).or_default().labels.insert(object.root.index(), labels);
        }
        for number in &plan.dropped_items {
            let Some(object) = release.objects.get(*number as usize) else { continue };
            expected.entry(object.document).or_default().dropped.insert(object.root.index());
        }
        Self { expected }
    }

    fn check(&self, document: u32, before: &str, after: &str) -> Result<(), BrokenEdit> {
        let broken = |what: String| BrokenEdit { document, what };
        let none = compare::Declared::default();
        let declared = self.expected.get(&document).unwrap_or(&none);
        let mut tape = Tape::new();
        let old = yaml::parse(before, &mut tape).map_err(|error| broken(error.to_string()))?;
        let new = yaml::parse(after, &mut tape).map_err(|error| broken(error.to_string()))?;
        let (Some(old), Some(new)) = (tape.document(before, old.nodes).root(), tape.document(after, new.nodes).root())
        else {
            return Err(broken("the document became empty".into()));
        };
        declared.holds(old, new).map_err(broken)
    }
}
