//! What post-render changes: identical duplicates go, labels come; everything else keeps its bytes.
//!
//! A plan of edits is made first and proved afterwards: the edited text is parsed again and must be the same tree but for
//! the declared change. Nothing is written here; `cli::post_render` writes, and only after everything passed.

use std::fmt;
use std::ops::Range;

use crate::object::Object;
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
    /// Labels that the edits add, for the proof.
    added: Added<'r>,
    /// Items of a `kind: List` that are taken out, by object.
    pub dropped_items: Vec<u32>,
    /// Duplicates and label conflicts.
    pub findings: Vec<Finding>,
    /// Threads to prove the edits on.
    jobs: usize,
}

/// Labels by object, in the order of the objects and of their documents, all in one list.
#[derive(Debug, Default)]
struct Added<'r> {
    labels: Vec<Entry<'r>>,
    gains: Vec<Gain>,
}

/// An object that gains labels.
#[derive(Clone, Copy, Debug)]
struct Gain {
    object: u32,
    document: u32,
    /// The node index of its root.
    root: u32,
    /// The place behind its last label among all.
    end: u32,
}

impl<'r> Added<'r> {
    fn push(&mut self, object: &Object<'_>, labels: impl IntoIterator<Item = Entry<'r>>) {
        self.labels.extend(labels);
        let (root, end) = (object.root.index(), self.labels.len() as u32);
        self.gains.push(Gain { object: object.number, document: object.document, root, end });
    }

    /// Those of further objects.
    fn append(&mut self, mut more: Self) {
        let base = self.labels.len() as u32;
        self.labels.append(&mut more.labels);
        self.gains.extend(more.gains.into_iter().map(|gain| Gain { end: base + gain.end, ..gain }));
    }

    /// The labels of a gain, by its number.
    fn labels(&self, gain: usize) -> &[Entry<'r>] {
        let end = |gain: usize| self.gains.get(gain).map_or(0, |gain| gain.end as usize);
        self.labels.get(gain.checked_sub(1).map_or(0, end)..end(gain)).unwrap_or_default()
    }

    /// The labels of an object.
    fn of(&self, object: u32) -> &[Entry<'r>] {
        self.gains.binary_search_by_key(&object, |gain| gain.object).map_or(&[], |gain| self.labels(gain))
    }

    /// The number of the first gain in a document or behind it.
    fn first_in(&self, document: u32) -> usize {
        self.gains.partition_point(|gain| gain.document < document)
    }

    /// The gains of a document, as numbers; `from` is that of one before, and becomes that of the first.
    fn of_document(&self, document: u32, from: &mut usize) -> Range<usize> {
        let rest = |from: usize| self.gains.get(from..).unwrap_or_default().iter();
        *from += rest(*from).take_while(|gain| gain.document < document).count();
        let here = rest(*from).take_while(|gain| gain.document == document);
        *from..*from + here.count()
    }
}

impl<'r> Plan<'r> {
    /// The labels that the edits add to an object.
    pub fn labels(&self, object: u32) -> &[Entry<'r>] {
        self.added.of(object)
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

/// The output is handed out in pieces of about so many bytes.
const PIECE: usize = 1 << 18;

/// So many edited documents are proved one after the other: few enough to stay at hand.
const AT_ONCE: usize = 256;

/// Proves the edits; what comes back can be written.
///
/// # Errors
/// When an edited document is not the same tree but for the declared change.
pub fn write<'p>(release: &'p Release<'p>, plan: &'p Plan<'p>) -> Result<Output<'p>, BrokenEdit> {
    let edited: Vec<Edited<'_>> = by_document(plan).collect();
    let proof = Proof { release, plan };
    let proved = crate::threads::in_parts(&edited, plan.jobs, DOCUMENTS_PER_THREAD, |_, part| {
        let mut room = String::new();
        part.chunks(AT_ONCE).try_for_each(|edited| proof.check(edited, &mut room))
    });
    proved.into_iter().collect::<Result<(), BrokenEdit>>()?;
    let output = Output { release, plan };
    if !plan.dropped.is_empty() {
        output.neighbours_stay()?;
    }
    Ok(output)
}

/// The whole output: the input where nothing changed, new text where something did.
#[derive(Clone, Copy, Debug)]
pub struct Output<'p> {
    release: &'p Release<'p>,
    plan: &'p Plan<'p>,
}

impl Output<'_> {
    /// Hands out the output piece by piece, in order, until `take` fails.
    ///
    /// # Errors
    /// That of `take`.
    pub fn pieces<E>(&self, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut number = 0_u32;
        let mut dropped = self.plan.dropped.iter().copied().peekable();
        let mut edits = by_document(self.plan).peekable();
        let (mut piece, mut old) = (Vec::with_capacity(2 * PIECE), String::new());
        for stream in self.release.streams {
            let mut ends_line = true;
            for document in &stream.documents {
                let edits = edits.next_if(|edits| document_of(edits) == number);
                let begin = piece.len();
                if dropped.next_if_eq(&number).is_some() {
                    // JSON values stand behind one another on a line: the end of the line belongs to the one that stays too, or
                    // the next `---` would begin behind it, and its document be lost.
                    let own = if ends_line { &[] } else { document.bytes() };
                    piece.extend_from_slice(&own[own.trim_ascii_end().len()..]);
                } else if let (Some(edits), Some(parsed)) = (edits, document.parsed()) {
                    piece.extend_from_slice(document.separator());
                    old.clear();
                    parsed.write_text(&mut old);
                    let edits = edits.iter().map(|(_, edit)| edit);
                    // They have been made once already, for the proof.
                    let _ = edit::apply_by_piece(&old, edits, |text| piece.extend_from_slice(text.as_bytes()));
                } else {
                    document.write(&mut piece);
                }
                ends_line = if piece.len() == begin { ends_line } else { piece.last() == Some(&b'\n') };
                number += 1;
                if piece.len() >= PIECE {
                    take(&piece)?;
                    piece.clear();
                }
            }
        }
        take(&piece)
    }

    /// Whether the output, cut into documents once more, has those that were to stay: a document that goes must not take the
    /// beginning or the end of another with it.
    fn neighbours_stay(&self) -> Result<(), BrokenEdit> {
        let bytes = self.to_bytes();
        let mut written = yaml::split(&bytes);
        let documents = self.release.streams.iter().flat_map(|stream| &stream.documents);
        let stay = (0..).zip(documents).filter(|(number, _)| self.plan.dropped.binary_search(number).is_err());
        for (document, old) in stay {
            let new = written.next().and_then(|raw| raw.text(&bytes).ok());
            // The blanks at its end may have been those of one that went; what was edited has been compared.
            let is_same = |new: &str| self.plan.edits(document) || new.trim_ascii_end() == old.text().trim_ascii_end();
            if !new.is_some_and(is_same) {
                return Err(BrokenEdit { document, what: "it stands beside one that was taken out".into() });
            }
        }
        match written.next() {
            None => Ok(()),
            Some(_) => Err(BrokenEdit { document: 0, what: "there are more documents than before".into() }),
        }
    }

    /// The output in one piece.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let Ok(()) = self.pieces(|piece| {
            all.extend_from_slice(piece);
            Ok::<(), std::convert::Infallible>(())
        });
        all
    }
}

/// The edits, document by document.
fn by_document<'p>(plan: &'p Plan<'_>) -> impl Iterator<Item = Edited<'p>> {
    plan.edits.chunk_by(|(one, _), (other, _)| one == other)
}

/// The edits of one document, each with its number.
type Edited<'p> = &'p [(u32, Edit)];

fn document_of(edits: Edited<'_>) -> u32 {
    edits.first().map_or(u32::MAX, |(document, _)| *document)
}

/// What was declared about each edited document.
struct Proof<'p> {
    release: &'p Release<'p>,
    plan: &'p Plan<'p>,
}

impl<'p> Proof<'p> {
    fn document_of(&self, object: u32) -> u32 {
        self.release.objects.get(object as usize).map_or(u32::MAX, |object| object.document)
    }

    fn root_of(&self, object: u32) -> u32 {
        self.release.objects.get(object as usize).map_or(u32::MAX, |object| object.root.index())
    }

    /// What a gain is: the node index of an object's root, with the labels that it gets.
    fn labelled(&self, gain: usize) -> (u32, &'p [Entry<'p>]) {
        let added = &self.plan.added;
        (added.gains.get(gain).map_or(u32::MAX, |gain| gain.root), added.labels(gain))
    }

    fn dropped(&self, document: u32) -> impl Iterator<Item = u32> {
        let dropped = self.plan.dropped_items.iter().filter(move |object| self.document_of(**object) == document);
        dropped.map(|object| self.root_of(*object))
    }

    /// Makes the edits of some documents, parses what comes out and compares.
    fn check(&self, edited: &[Edited<'_>], room: &mut String) -> Result<(), BrokenEdit> {
        room.clear();
        let mut text = String::new();
        let mut ends = Vec::with_capacity(edited.len());
        for edits in edited {
            let document = document_of(edits);
            let broken = |what: String| BrokenEdit { document, what };
            let old = self.release.parsed(document).ok_or_else(|| broken("it was no document".into()))?;
            let edits = edits.iter().map(|(_, edit)| edit);
            text.clear();
            old.write_text(&mut text);
            edit::apply_by_piece(&text, edits, |piece| room.push_str(piece))
                .map_err(|error| broken(error.to_string()))?;
            ends.push(room.len());
        }
        let mut reader = yaml::Reader::default();
        let (mut start, mut gain) = (0, edited.first().map_or(0, |edits| self.plan.added.first_in(document_of(edits))));
        for (edits, end) in edited.iter().zip(ends) {
            let (document, text) = (document_of(edits), room.get(start..end).unwrap_or_default());
            start = end;
            let gains = self.plan.added.of_document(document, &mut gain);
            self.holds(document, text, gains, &mut reader).map_err(|what| BrokenEdit { document, what })?;
        }
        Ok(())
    }

    /// Whether a text is a document with what was declared of it, and nothing else.
    fn holds(&self, document: u32, text: &str, gains: Range<usize>, reader: &mut yaml::Reader) -> Result<(), String> {
        let old = self.release.parsed(document).ok_or("it was no document")?;
        let new = reader.parse(text).map_err(|error| error.to_string())?;
        let (Some(old), Some(new)) = (old.root(), new.root()) else {
            return Err("the document became empty".into());
        };
        let labelled = gains.map(|gain| self.labelled(gain));
        if labelled.len() == 1
            && let Some((0, labels)) = labelled.clone().next()
            && self.dropped(document).next().is_none()
            && compare::has_only_gained(old, new, labels)
        {
            return Ok(());
        }
        let (labels, dropped) = (labelled.collect(), self.dropped(document).collect());
        compare::Declared { labels, dropped }.holds(old, new)
    }
}
