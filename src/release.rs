//! All objects of a run, found by identity, and to which cluster each belongs.
//!
//! It knows who is there and who reaches whom; whether that is right is for the rules. It reads no files and judges nothing
//! but whether a document is an object at all.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::object::{Object, Reference};
use crate::report::Finding;
use crate::stream::{Content, Stream};
use crate::yaml::{Document, Value};

mod documents;
mod membership;
pub mod secret_size;

pub use documents::{DUPLICATE_KEY, HELM4_ORIGIN, IGNORED_TEXT, MALFORMED_OBJECT, SYNTAX_ERROR};
pub use membership::{Cluster, Membership, stated_cluster};

/// A document of the run, wherever it came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The stream, counted over the run.
    pub stream: u32,
    /// The document in that stream.
    pub document: u32,
}

/// Everything that is judged together.
#[derive(Debug)]
pub struct Release<'a> {
    /// The streams, in order.
    pub streams: &'a [Stream<'a>],
    /// All documents of all streams, in order; [`Place::document`] counts here.
    pub documents: Vec<Origin>,
    /// All objects, in order of appearance.
    pub objects: Vec<Object<'a>>,
    /// Findings about documents that are no objects, and about duplicate keys.
    pub findings: Vec<Finding>,
    /// The clusters, in order of first appearance.
    pub clusters: Vec<Cluster<'a>>,
    /// For each object: to which cluster it belongs.
    pub membership: Vec<Membership>,
    namespace: String,
    index: Vec<(u64, u32)>,
}

impl<'a> Release<'a> {
    /// Gathers the objects of streams. `namespace` is what an absent `metadata.namespace` means (`--namespace`).
    pub fn new(streams: &'a [Stream<'a>], namespace: &str) -> Self {
        let mut release = Self {
            streams,
            documents: Vec::new(),
            objects: Vec::new(),
            findings: Vec::new(),
            clusters: Vec::new(),
            membership: Vec::new(),
            namespace: namespace.to_owned(),
            index: Vec::new(),
        };
        for (stream_number, stream) in streams.iter().enumerate() {
            for (number, document) in stream.documents.iter().enumerate() {
                let id = release.documents.len() as u32;
                release.documents.push(Origin { stream: stream_number as u32, document: number as u32 });
                match &document.content {
                    Content::Broken(error) => release.findings.push(documents::broken(id, document.text, error)),
                    Content::Parsed { duplicates, ignored, .. } => {
                        release.findings.extend(ignored.map(|offset| documents::ignored(id, offset)));
                        let Some(parsed) = stream.document(document) else { continue };
                        release
                            .findings
                            .extend(duplicates.iter().map(|key| documents::duplicate_key(id, &parsed, key)));
                        release.add(id, &parsed);
                    }
                }
            }
        }
        release.index = release
            .objects
            .iter()
            .map(|object| {
                (Self::hash(object.group(), &object.kind, release.namespace_of(object), &object.name), object.number)
            })
            .collect();
        release.index.sort_unstable();
        (release.clusters, release.membership) = membership::assign(&release);
        release
    }

    fn add(&mut self, document: u32, parsed: &Document<'a>) {
        let Some(root) = parsed.root() else { return };
        if root.is_null() {
            return;
        }
        if let Some(items) = documents::list_items(root) {
            for item in items.items() {
                self.add_object(document, item);
            }
        } else {
            self.add_object(document, root);
        }
    }

    fn add_object(&mut self, document: u32, root: Value<'a>) {
        let number = self.objects.len() as u32;
        match documents::object(number, document, root) {
            Ok(object) => self.objects.push(object),
            Err(finding) => self.findings.push(*finding),
        }
    }

    /// What an absent `metadata.namespace` means in this run.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The namespace of an object as the server will see it: its own, else the one of the run.
    pub fn namespace_of<'o>(&'o self, object: &'o Object<'a>) -> &'o str {
        object.namespace.as_deref().unwrap_or(&self.namespace)
    }

    /// The object of an identity; the first one where it stands twice. Hooks are found too.
    pub fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&Object<'a>> {
        let hash = Self::hash(group, kind, namespace, name);
        let from = self.index.partition_point(|(key, _)| *key < hash);
        self.index.get(from..)?.iter().take_while(|(key, _)| *key == hash).find_map(|(_, number)| {
            let object = self.objects.get(*number as usize)?;
            let same = object.is(group, kind) && object.name == name && self.namespace_of(object) == namespace;
            same.then_some(object)
        })
    }

    /// The object that a reference of `from` names, in the reference's namespace or else that of `from`.
    pub fn resolve(&self, from: &Object<'a>, reference: &Reference<'a>) -> Option<&Object<'a>> {
        let namespace = reference.namespace.as_deref().unwrap_or_else(|| self.namespace_of(from));
        self.find(reference.group(), &reference.kind, namespace, &reference.name)
    }

    /// All objects of a group and kind, in order.
    pub fn of_kind<'r>(&'r self, group: &'r str, kind: &'r str) -> impl Iterator<Item = &'r Object<'a>> + 'r {
        self.objects.iter().filter(move |object| object.is(group, kind))
    }

    /// Objects of one identity (group, kind, namespace, name, hook events), where there are several; in order of appearance.
    /// The version is no part of it: the server keeps one object, whatever version it was written in.
    pub fn twins(&self) -> Vec<Vec<&Object<'a>>> {
        let mut all = Vec::new();
        for run in self.index.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
            let mut left: Vec<&Object<'a>> =
                run.iter().filter_map(|(_, number)| self.objects.get(*number as usize)).collect();
            while let Some(first) = left.first().copied() {
                let (same, others): (Vec<_>, Vec<_>) =
                    left.into_iter().partition(|other| self.same_identity(first, other));
                if same.len() > 1 && !first.name.is_empty() {
                    all.push(same);
                }
                left = others;
            }
        }
        all.sort_by_key(|twins| twins.first().map(|object| object.number));
        all
    }

    fn same_identity(&self, a: &Object<'a>, b: &Object<'a>) -> bool {
        let hook_events = |object: &Object<'a>| {
            object.hook_events().map(|events| {
                let mut events: Vec<String> = events.split(',').map(|event| event.trim().to_owned()).collect();
                events.sort_unstable();
                events
            })
        };
        a.is(b.group(), &b.kind)
            && a.name == b.name
            && self.namespace_of(a) == self.namespace_of(b)
            && hook_events(a) == hook_events(b)
    }

    /// `namespace/name`, or the name alone where the object names no namespace.
    pub fn display_name(&self, object: &Object<'_>) -> String {
        match &object.namespace {
            Some(namespace) => format!("{namespace}/{}", object.name),
            None => object.name.to_string(),
        }
    }

    /// The line in its source at which an object begins, from 1.
    pub fn line_of(&self, object: &Object<'_>) -> Option<usize> {
        let origin = self.documents.get(object.document as usize)?;
        let stream = self.streams.get(origin.stream as usize)?;
        let start = stream.documents.get(origin.document as usize)?.start + object.root.span().start as usize;
        Some(memchr::memchr_iter(b'\n', stream.source.bytes.get(..start)?).count() + 1)
    }

    /// The stream a document came in.
    pub fn stream_of(&self, document: u32) -> Option<&'a Stream<'a>> {
        self.streams.get(self.documents.get(document as usize)?.stream as usize)
    }

    /// The text of a document.
    pub fn text_of(&self, document: u32) -> &'a str {
        let origin = self.documents.get(document as usize);
        origin
            .and_then(|origin| self.streams.get(origin.stream as usize)?.documents.get(origin.document as usize))
            .map_or("", |document| document.text)
    }

    /// A document with everything that came with it: the separator before it, comments, the line end behind it.
    pub fn source_of(&self, document: u32) -> &'a str {
        let origin = self.documents.get(document as usize);
        let bytes = origin.and_then(|origin| {
            let stream = self.streams.get(origin.stream as usize)?;
            stream.source.bytes.get(stream.documents.get(origin.document as usize)?.span.clone())
        });
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    /// The template a document was rendered from, by the mark that Helm 3 or Helm 4 left.
    pub fn template_of(&self, document: u32) -> Option<&'a str> {
        let origin = self.documents.get(document as usize)?;
        let stream = self.streams.get(origin.stream as usize)?;
        let document = stream.documents.get(origin.document as usize)?;
        documents::template(document.text, stream.document(document))
    }

    fn hash(group: &str, kind: &str, namespace: &str, name: &str) -> u64 {
        let mut hasher = FxHasher::default();
        (group, kind, namespace, name).hash(&mut hasher);
        hasher.finish()
    }
}

/// How often each kind stands in a set of objects; kinds in order of first appearance.
pub fn count_kinds<'o, 'a: 'o>(objects: impl Iterator<Item = &'o Object<'a>>) -> Vec<(&'o str, usize)> {
    let mut order: Vec<(&str, usize)> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for object in objects {
        let slot = *seen.entry(&object.kind).or_insert_with(|| {
            order.push((&object.kind, 0));
            order.len() - 1
        });
        order[slot].1 += 1;
    }
    order
}
