//! What post-render changes: identical duplicates go, labels come; everything else keeps its bytes.
//!
//! A plan of edits is made first and proved afterwards: the edited text is parsed again and must be the same tree but for
//! the declared change. Nothing is written here; `cli::post_render` writes, and only after everything passed.

use std::fmt;

use crate::release::Release;
use crate::report::Finding;
use crate::yaml;
use crate::yaml::edit::{self, Edit, Entry};

pub mod compare;
pub mod dedupe;
pub mod label;

pub use dedupe::Dedupe;
pub use label::Labels;

/// What to do to the documents of a release, and what to say about it.
#[derive(Debug, Default)]
pub struct Plan<'r> {
    /// Documents that are taken out whole.
    pub dropped: Vec<u32>,
    /// Edits within documents, in the order of the documents; offsets count in the document's text.
    edits: Vec<(u32, Edit)>,
    /// Labels that the edits add, in the order of the objects, for the proof.
    added: Vec<(u32, Vec<Entry<'r>>)>,
    /// Items of a `kind: List` that are taken out, by object.
    pub dropped_items: Vec<u32>,
    /// Duplicates and label conflicts.
    pub findings: Vec<Finding>,
    /// Threads to prove the edits on.
    jobs: usize,
}

impl<'r> Plan<'r> {
    /// The labels that the edits add to an object.
    pub fn labels(&self, object: u32) -> &[Entry<'r>] {
        let at = self.added.binary_search_by_key(&object, |(number, _)| *number);
        at.ok().and_then(|at| self.added.get(at)).map(|(_, labels)| labels.as_slice()).unwrap_or_default()
    }

    /// Whether a document is edited.
    pub fn edits(&self, document: u32) -> bool {
        self.edits.binary_search_by_key(&document, |(edited, _)| *edited).is_ok()
    }
}

/// What post-render is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What happens to objects that stand twice.
    pub dedupe: Dedupe,
    /// Which labels are added.
    pub labels: Labels,
    /// Threads; the outcome is the same for any number.
    pub jobs: usize,
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
pub fn plan<'r>(release: &'r Release<'_>, options: &'r Options) -> Plan<'r> {
    let mut plan = Plan { jobs: options.jobs, ..Plan::default() };
    let gone = dedupe::plan(release, options.dedupe, &mut plan);
    label::plan(release, &options.labels, &gone, &mut plan);
    // Each of the two went by the documents; what they do to one document keeps their order.
    plan.edits.sort_by_key(|(document, _)| *document);
    plan
}

/// Documents below which a further thread costs more than it brings.
const DOCUMENTS_PER_THREAD: usize = 500;

/// So many edited documents are proved one after the other: few enough to stay at hand.
const AT_ONCE: usize = 256;

/// The whole output, as pieces in order: slices of the input where nothing changed, new text where something did.
///
/// # Errors
/// When an edited document is not the same tree but for the declared change.
pub fn write<'p>(release: &Release<'p>, plan: &'p Plan<'_>) -> Result<Vec<Piece<'p>>, BrokenEdit> {
    let edited: Vec<Edited<'_>> = plan.edits.chunk_by(|(one, _), (other, _)| one == other).collect();
    let proof = Proof::new(release, plan);
    let proved = crate::threads::in_parts(&edited, plan.jobs, DOCUMENTS_PER_THREAD, |_, part| {
        let mut room = String::new();
        part.chunks(AT_ONCE).try_for_each(|edited| proof.check(edited, &mut room))
    });
    proved.into_iter().collect::<Result<(), BrokenEdit>>()?;

    let mut pieces = Vec::with_capacity(2 * plan.edits.len() + release.streams.len());
    let mut number = 0_u32;
    let mut dropped = plan.dropped.iter().copied().peekable();
    let mut edits = edited.into_iter().peekable();
    for stream in release.streams {
        // What stands between two edits leaves as one slice.
        let mut unchanged = 0_usize;
        let bytes = &stream.source.bytes;
        for document in &stream.documents {
            let edits = edits.next_if(|edits| document_of(edits) == number);
            if dropped.next_if_eq(&number).is_some() {
                push_source(&mut pieces, bytes.get(unchanged..document.span.start));
                unchanged = document.span.end;
            } else if let Some(edits) = edits {
                for edit in edit::in_order(edits.iter().map(|(_, edit)| edit)) {
                    push_source(&mut pieces, bytes.get(unchanged..document.start + edit.span.start));
                    pieces.push(Piece::Added(&edit.text));
                    unchanged = document.start + edit.span.end;
                }
            }
            number += 1;
        }
        push_source(&mut pieces, bytes.get(unchanged..));
    }
    Ok(pieces)
}

/// The edits of one document, each with its number.
type Edited<'p> = &'p [(u32, Edit)];

fn document_of(edits: Edited<'_>) -> u32 {
    edits.first().map_or(u32::MAX, |(document, _)| *document)
}

/// A part of the output.
#[derive(Debug)]
pub enum Piece<'a> {
    /// Bytes of the input.
    Source(&'a [u8]),
    /// What an edit puts in.
    Added(&'a str),
}

impl Piece<'_> {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Source(bytes) => bytes,
            Self::Added(text) => text.as_bytes(),
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
    release: &'p Release<'p>,
    /// Objects that got labels, and items that were taken out, by document.
    changes: Vec<(u32, Change<'p>)>,
}

/// What was declared about one object: the node of its root, and what became of it.
#[derive(Clone, Copy)]
enum Change<'p> {
    Labelled(u32, &'p [Entry<'p>]),
    Dropped(u32),
}

impl<'p> Proof<'p> {
    fn new(release: &'p Release<'_>, plan: &'p Plan<'_>) -> Self {
        let object = |number: &u32| release.objects.get(*number as usize);
        let labelled = plan.added.iter().filter_map(|(number, labels)| {
            let object = object(number)?;
            Some((object.document, Change::Labelled(object.root.index(), labels)))
        });
        let dropped = plan.dropped_items.iter().filter_map(|number| {
            let object = object(number)?;
            Some((object.document, Change::Dropped(object.root.index())))
        });
        let mut changes: Vec<_> = labelled.chain(dropped).collect();
        changes.sort_by_key(|(document, _)| *document);
        Self { release, changes }
    }

    fn declared(&self, document: u32) -> compare::Declared<'p> {
        let from = self.changes.partition_point(|(number, _)| *number < document);
        let mut declared = compare::Declared::default();
        for (_, change) in self.changes.iter().skip(from).take_while(|(number, _)| *number == document) {
            match *change {
                Change::Labelled(node, labels) => drop(declared.labels.insert(node, labels)),
                Change::Dropped(node) => drop(declared.dropped.insert(node)),
            }
        }
        declared
    }

    /// Makes the edits of some documents, parses what comes out and compares.
    fn check(&self, edited: &[Edited<'_>], room: &mut String) -> Result<(), BrokenEdit> {
        room.clear();
        let mut ends = Vec::with_capacity(edited.len());
        for edits in edited {
            let document = document_of(edits);
            let broken = |what: String| BrokenEdit { document, what };
            let old = self.release.parsed(document).ok_or_else(|| broken("it was no document".into()))?;
            let edits = edits.iter().map(|(_, edit)| edit);
            edit::apply_to(old.text(), edits, room).map_err(|error| broken(error.to_string()))?;
            ends.push(room.len());
        }
        let mut reader = yaml::Reader::default();
        let mut start = 0;
        for (edits, end) in edited.iter().zip(ends) {
            let (document, text) = (document_of(edits), room.get(start..end).unwrap_or_default());
            start = end;
            self.holds(document, text, &mut reader).map_err(|what| BrokenEdit { document, what })?;
        }
        Ok(())
    }

    /// Whether a text is a document with what was declared of it, and nothing else.
    fn holds<'t>(&self, document: u32, text: &'t str, reader: &mut yaml::Reader<'t>) -> Result<(), String> {
        let old = self.release.parsed(document).ok_or("it was no document")?;
        let new = reader.parse(text).map_err(|error| error.to_string())?;
        let (Some(old), Some(new)) = (old.root(), new.root()) else {
            return Err("the document became empty".into());
        };
        self.declared(document).holds(old, new)
    }
}
