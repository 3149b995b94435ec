//! From a place to a position: file, line, column, template, object, path, and the lines of source around it.
//!
//! Lines are counted only when there is something to say, once per source.

use std::cell::OnceCell;
use std::fmt;

use crate::release::Release;
use crate::report::{Finding, Place};
use crate::secrets;
use crate::threads;

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
    /// Per stream.
    lines: Vec<OnceCell<Lines>>,
    /// The number of the first object, per stream.
    first: OnceCell<Vec<u32>>,
}

/// Numbers of lines: counted once for each block of a source, and from there on when asked.
#[derive(Clone)]
struct Lines {
    before: Vec<usize>,
}

impl Lines {
    const BLOCK: usize = 1 << 14;

    fn count(bytes: &[u8], jobs: usize) -> Self {
        let blocks: Vec<&[u8]> = bytes.chunks(Self::BLOCK).collect();
        let counts = threads::in_parts(&blocks, jobs, 1, |_, blocks| {
            blocks.iter().map(|block| memchr::memchr_iter(b'\n', block).count()).collect::<Vec<_>>()
        });
        let mut breaks = 0;
        let before = counts.into_iter().flatten().map(|count| {
            breaks += count;
            breaks - count
        });
        Self { before: before.collect() }
    }

    /// The line at an offset, from 1.
    fn at(&self, bytes: &[u8], offset: usize) -> usize {
        // An offset at the very end may lie behind the last block.
        let block = (offset / Self::BLOCK).min(self.before.len().saturating_sub(1));
        let within = bytes.get(block * Self::BLOCK..offset).unwrap_or_default();
        self.before.get(block).copied().unwrap_or_default() + memchr::memchr_iter(b'\n', within).count() + 1
    }
}

impl<'r> Locator<'r> {
    /// A locator for a release; counts nothing yet.
    pub fn new(release: &'r Release<'r>) -> Self {
        Self { release, lines: vec![OnceCell::new(); release.streams.len()], first: OnceCell::new() }
    }

    /// Resolves findings and puts them in the order of the input; findings without a place come last.
    pub fn locate(&self, mut findings: Vec<Finding>) -> Vec<Located<'r>> {
        let key = |finding: &Finding| match finding.place {
            Some(place) => (0, place.document, place.span.start),
            None => (1, 0, 0),
        };
        findings.sort_by(|a, b| {
            key(a).cmp(&key(b)).then_with(|| a.rule.name.cmp(b.rule.name)).then_with(|| a.message.cmp(&b.message))
        });
        findings
            .into_iter()
            .map(|finding| Located {
                location: finding.place.and_then(|place| self.location(&place, finding.path.as_deref())),
                others: finding.others.iter().filter_map(|place| self.location(place, None)).collect(),
                fix: self.fix(&finding).unwrap_or_default(),
                finding,
            })
            .collect()
    }

    fn fix(&self, finding: &Finding) -> Option<Vec<FixedLines>> {
        let origin = *self.release.documents.get(finding.place?.document as usize)?;
        let stream = self.release.streams.get(origin.stream as usize)?;
        let document = stream.documents.get(origin.document as usize)?;
        let before = |offset: usize| stream.source.bytes.get(..document.start + offset);
        let line = |offset: usize| Some(memchr::memchr_iter(b'\n', before(offset)?).count() + 1);
        let lines = finding.fix.iter().map(|edit| {
            // The last line of a file may lack its end; it goes all the same.
            let open = !before(edit.span.end)?.ends_with(b"\n") && edit.span.end > edit.span.start;
            let end_line = line(edit.span.end)? + usize::from(open);
            Some(FixedLines { line: line(edit.span.start)?, end_line, text: edit.text.clone() })
        });
        lines.collect()
    }

    /// Where a place is; `path` where it is another than that of its node.
    pub fn location(&self, place: &Place, path: Option<&str>) -> Option<Location<'r>> {
        let origin = *self.release.documents.get(place.document as usize)?;
        let stream = self.release.streams.get(origin.stream as usize)?;
        let document = stream.documents.get(origin.document as usize)?;
        let bytes = &stream.source.bytes;
        let offset = (document.start + place.span.start as usize).min(bytes.len());
        let line = self
            .lines
            .get(origin.stream as usize)?
            .get_or_init(|| Lines::count(bytes, stream.threads()))
            .at(bytes, offset);
        let line_start = memchr::memrchr(b'\n', bytes.get(..offset)?).map_or(0, |at| at + 1);
        let line_end = memchr::memchr(b'\n', bytes.get(offset..)?).map_or(bytes.len(), |at| offset + at);
        let text =
            |range| String::from_utf8_lossy(bytes.get(range).unwrap_or_default()).trim_end_matches('\r').to_owned();
        let end = (document.start + place.span.end as usize).clamp(offset, line_end);
        let object = place.object.and_then(|number| self.release.objects.get(number as usize));
        let path = match (path, object, place.node) {
            (Some(path), ..) => path.to_owned(),
            (None, Some(object), Some(node)) => object.path(node),
            (None, None, Some(node)) => document.parsed().map_or_else(String::new, |document| document.path(node)),
            _ => String::new(),
        };
        let hidden = match object {
            Some(object) => secrets::hides(object, &path),
            None => secrets::may_hold_secret(document.text),
        };
        let whole = text(line_start..line_end);
        Some(Location {
            file: &stream.source.name,
            line,
            column: text(line_start..offset).chars().count() + 1,
            width: text(offset..end).chars().count().max(1),
            source: if hidden || secrets::hides_line(object, &whole) { String::new() } else { whole },
            template: self.release.template_of(place.document),
            object: object.map(|object| ObjectName {
                api_version: object.api_version.to_string(),
                kind: object.kind.to_string(),
                namespace: object.namespace.as_ref().map(ToString::to_string),
                name: object.name.to_string(),
                index: (object.number - self.first_object(origin.stream)) as usize,
            }),
            path,
        })
    }

    fn first_object(&self, stream: u32) -> u32 {
        let first = self.first.get_or_init(|| {
            let mut first = vec![None; self.release.streams.len()];
            for object in &self.release.objects {
                if let Some(origin) = self.release.documents.get(object.document as usize) {
                    first[origin.stream as usize].get_or_insert(object.number);
                }
            }
            first.into_iter().map(Option::unwrap_or_default).collect()
        });
        first.get(stream as usize).copied().unwrap_or_default()
    }
}
