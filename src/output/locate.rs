//! From a place to a position: file, line, column, template, object, path, and the lines of source around it.
//!
//! Lines are counted only when there is something to say, once per source.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::object::Object;
use crate::parted::Parted;
use crate::release::Release;
use crate::report::{Finding, Place};
use crate::stream::{self, StreamDocument};
use crate::yaml::SharedText;
use crate::{secrets, threads};

/// A finding with its places resolved.
#[derive(Debug)]
pub struct Located<'r> {
    /// The finding.
    pub finding: Finding,
    /// Where it is; `None` for findings about the run as a whole.
    pub location: Option<Location<'r>>,
    /// Further places of the same finding.
    pub others: Vec<Location<'r>>,
    /// What settles it.
    pub fix: Vec<FixedLines>,
}

/// Lines of a source and what is to stand in their place.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FixedLines {
    /// The first line that goes, from 1.
    pub line: usize,
    /// The first line that stays; the same where nothing goes.
    pub end_line: usize,
    /// What comes.
    pub text: String,
}

/// A resolved place.
#[derive(Clone, Debug)]
pub struct Location<'r> {
    /// The source's name.
    pub file: &'r str,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Columns that are marked in that line, at least 1.
    pub width: usize,
    /// The line's text, without its end; empty where it holds what must not be shown.
    pub source: String,
    /// The template it was rendered from.
    pub template: Option<&'r str>,
    /// The object it is in.
    pub object: Option<ObjectName>,
    /// The field's path in its object, dotted; empty for the object as a whole.
    pub path: String,
}

impl Location<'_> {
    /// The object it is in, or the file where it is in none.
    pub fn name(&self) -> String {
        self.object.as_ref().map_or_else(|| self.file.to_owned(), ToString::to_string)
    }

    /// `Kind namespace/name path: `, to put before a message; empty where no object is there.
    pub fn subject(&self) -> String {
        match &self.object {
            Some(object) if self.path.is_empty() => format!("{object}: "),
            Some(object) => format!("{object} {}: ", self.path),
            None => String::new(),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// An object as reports name it.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    /// `apiVersion` as written.
    pub api_version: String,
    /// `kind` as written.
    pub kind: String,
    /// `metadata.namespace` as written.
    pub namespace: Option<String>,
    /// `metadata.name`; empty where absent.
    pub name: String,
    /// Its number among the objects of its file, from 0.
    pub index: usize,
}

/// Resolves places of one release.
pub struct Locator<'r> {
    release: &'r Release<'r>,
    /// The line that was asked for last: of a source in one line it is always the same.
    line: Cell<Option<Line>>,
    /// The document without objects that was asked for last, and whether it may hold a Secret.
    secret: Cell<Option<(u32, bool)>>,
    /// Lines that were looked at, outside of Secrets, and whether they hold one: many findings are about lines that read the same.
    lines: RefCell<FxHashMap<Box<str>, bool>>,
}

/// A line of a source, as far as it stands in one document.
#[derive(Clone, Copy)]
struct Line {
    document: u32,
    start: usize,
    end: usize,
    /// Characters of the source's line before it: those of other documents.
    column: usize,
    /// An offset in it, and the characters between its start and that.
    offset: usize,
    characters: usize,
}

impl Line {
    fn around(number: u32, document: &StreamDocument, offset: usize) -> Self {
        let (before, behind) = document.bytes().split_at_checked(offset).unwrap_or_default();
        let begin = memchr::memrchr(b'\n', before);
        let start = begin.map_or(0, |at| at + 1);
        let column = if begin.is_none() { document.column() } else { 0 };
        let end = offset + memchr::memchr(b'\n', behind).unwrap_or(behind.len());
        Self { document: number, start, end, column, offset: start, characters: 0 }
    }

    /// The same line, counted up to another offset in it.
    fn up_to(self, document: &StreamDocument, offset: usize) -> Self {
        let (from, before) = if offset >= self.offset { (self.offset, self.characters) } else { (self.start, 0) };
        let more = stream::characters(document.bytes().get(from..offset).unwrap_or_default());
        Self { offset, characters: before + more, ..self }
    }
}

/// Findings in the order of the input; each is there.
fn in_order(findings: Vec<Finding>) -> impl ExactSizeIterator<Item = Option<Finding>> {
    let place = |finding: &Finding| match finding.place {
        Some(place) => (0, place.document, place.span.start),
        None => (1, 0, 0),
    };
    // There may be many, and a finding is large: each is moved once.
    let mut order: Vec<_> = findings.iter().zip(0_usize..).map(|(finding, number)| (place(finding), number)).collect();
    order.sort_unstable_by(|(place, number), (other_place, other_number)| {
        let (one, other) = (&findings[*number], &findings[*other_number]);
        let by_words = || one.rule.name.cmp(other.rule.name).then_with(|| one.message.cmp(&other.message));
        place.cmp(other_place).then_with(by_words).then(number.cmp(other_number))
    });
    let mut findings: Vec<Option<Finding>> = findings.into_iter().map(Some).collect();
    order.into_iter().map(move |(_, number)| findings[number].take())
}

/// Findings below which a further thread costs more than it brings.
const FINDINGS_PER_THREAD: usize = 100;

/// Bytes up to which a line is shown; nobody reads a longer one.
const LONGEST_LINE: usize = 1 << 16;

impl<'r> Locator<'r> {
    /// A locator for a release; counts nothing yet.
    pub fn new(release: &'r Release<'r>) -> Self {
        let (line, secret, lines) = (Cell::new(None), Cell::new(None), RefCell::default());
        Self { release, line, secret, lines }
    }

    /// Resolves findings and puts them in the order of the input; findings without a place come last.
    pub fn locate(&self, findings: Vec<Finding>) -> Parted<Located<'r>> {
        let release = self.release;
        let shared = &SharedValues::default();
        let (findings, threads) = (in_order(findings), release.threads());
        let begin = || (Self::new(release), Hidden { release, shared, last: None });
        let located = threads::in_owned_parts_with(findings, threads, FINDINGS_PER_THREAD, begin, |state, findings| {
            let (own, hidden) = state;
            findings.into_iter().flatten().map(|finding| own.located(finding, hidden)).collect()
        });
        located.into()
    }

    fn located(&self, mut finding: Finding, hidden: &mut Hidden<'_, 'r>) -> Located<'r> {
        hidden.take_out_of(&mut finding);
        Located {
            location: finding.place.and_then(|place| self.location(&place, finding.path.as_deref())),
            others: finding.others.iter().filter_map(|place| self.location(place, None)).collect(),
            fix: self.fix(&finding).unwrap_or_default(),
            finding,
        }
    }

    fn fix(&self, finding: &Finding) -> Option<Vec<FixedLines>> {
        let place = finding.place.filter(|_| !finding.fix.is_empty())?;
        let number = self.release.origin_of(place.document)?.document as usize;
        let (stream, document) = self.release.document(place.document)?;
        let is_first = stream.range_of(number)?.end == document.bytes().len();
        let ends_line = |offset: usize| match offset.checked_sub(1) {
            Some(before) => document.bytes().get(before) == Some(&b'\n'),
            None => document.column() == 0 && !is_first,
        };
        let line = |offset: usize| stream.line_at(number, offset);
        let lines = finding.fix.iter().map(|edit| {
            // The last line of a file may lack its end; it goes all the same.
            let open = !ends_line(edit.span.end) && edit.span.end > edit.span.start;
            let end_line = line(edit.span.end)? + usize::from(open);
            Some(FixedLines { line: line(edit.span.start)?, end_line, text: edit.text.clone() })
        });
        lines.collect()
    }

    /// Where a place is; `path` where it is another than that of its node.
    pub fn location(&self, place: &Place, path: Option<&str>) -> Option<Location<'r>> {
        let origin = self.release.origin_of(place.document)?;
        let stream = self.release.streams.get(origin.stream as usize)?;
        let document = stream.documents.get(origin.document as usize)?;
        let bytes = document.bytes();
        let offset = (place.span.start as usize).min(bytes.len());
        let line = self.line(place.document, document, offset);
        let end = (place.span.end as usize).clamp(offset, line.end);
        let object = place.object.and_then(|number| self.release.objects.get(number as usize));
        let path = match (path, object, place.node) {
            (Some(path), ..) => path.to_owned(),
            (None, Some(object), Some(node)) => object.path(node),
            (None, None, Some(node)) => document.parsed().map_or_else(String::new, |document| document.path(node)),
            _ => String::new(),
        };
        let hidden = match object {
            Some(object) => secrets::hides(object, &path),
            None => self.may_hold_secret(place.document, document.text()),
        };
        let whole = stream.line_around(origin.document as usize, offset, LONGEST_LINE).unwrap_or_default();
        let whole = String::from_utf8_lossy(&whole).trim_end_matches('\r').to_owned();
        Some(Location {
            file: &stream.name,
            line: stream.line_at(origin.document as usize, offset)?,
            column: line.column + line.characters + 1,
            width: stream::characters(bytes.get(offset..end).unwrap_or_default().trim_ascii_end()).max(1),
            source: if hidden || self.hides_line(object, &whole) { String::new() } else { whole },
            template: self.release.template_of(place.document),
            object: object.map(|object| ObjectName {
                api_version: object.api_version.to_string(),
                kind: object.kind.to_string(),
                namespace: object.namespace().map(ToString::to_string),
                name: object.name.to_string(),
                index: (object.number - self.release.first_object(origin.stream)) as usize,
            }),
            path,
        })
    }

    /// The line around an offset in a document, counted up to that.
    fn line(&self, number: u32, document: &StreamDocument, offset: usize) -> Line {
        let known = self.line.get().filter(|line| line.document == number && (line.start..=line.end).contains(&offset));
        let line = known.unwrap_or_else(|| Line::around(number, document, offset)).up_to(document, offset);
        self.line.set(Some(line));
        line
    }

    fn hides_line(&self, object: Option<&Object<'_>>, line: &str) -> bool {
        const LONGEST: usize = 256;
        const MOST: usize = 1024;
        if line.len() > LONGEST || object.is_some_and(|object| object.is("", "Secret")) {
            return secrets::hides_line(object, line);
        }
        let mut lines = self.lines.borrow_mut();
        if let Some(hides) = lines.get(line) {
            return *hides;
        }
        if lines.len() == MOST {
            lines.clear();
        }
        let hides = secrets::hides_line(object, line);
        lines.insert(line.into(), hides);
        hides
    }

    fn may_hold_secret(&self, document: u32, text: &str) -> bool {
        let known = self.secret.get().filter(|(number, _)| *number == document);
        let (_, may) = known.unwrap_or_else(|| (document, secrets::may_hold_secret(text)));
        self.secret.set(Some((document, may)));
        may
    }
}

/// Takes secrets out of what findings say: those of the objects that they are about.
struct Hidden<'s, 'r> {
    release: &'r Release<'r>,
    shared: &'s SharedValues,
    /// The object that was asked for last.
    last: Option<(u32, Arc<secrets::Values>)>,
}

/// The secrets of objects whose document has a text that others have too, by that and the place of the root in it.
#[derive(Default)]
struct SharedValues(Mutex<FxHashMap<(SharedText, u32), Arc<secrets::Values>>>);

impl SharedValues {
    fn of(&self, object: &Object<'_>) -> Arc<secrets::Values> {
        let Some(text) = object.root.document().shared_text() else { return Arc::new(secrets::Values::of(object)) };
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (text, object.root.index());
        if let Some(values) = known().get(&key) {
            return Arc::clone(values);
        }
        let values = Arc::new(secrets::Values::of(object));
        known().insert(key, Arc::clone(&values));
        values
    }
}

impl Hidden<'_, '_> {
    fn take_out_of(&mut self, finding: &mut Finding) {
        let Some(place) = finding.place else { return };
        let Some(number) = place.object else { return };
        let others: Vec<u32> = finding.others.iter().filter_map(|place| place.object).collect();
        for other in others {
            if let Some(object) = self.release.objects.get(other as usize).filter(|_| other != number) {
                self.shared.of(object).scrub_finding(finding);
            }
        }
        if self.last.as_ref().is_none_or(|(known, _)| *known != number) {
            self.last = self.release.objects.get(number as usize).map(|object| (number, self.shared.of(object)));
        }
        if let Some((_, values)) = &self.last {
            values.scrub_finding(finding);
        }
    }
}
