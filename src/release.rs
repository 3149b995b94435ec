//! All objects of a run, found by identity, and to which cluster each belongs.
//!
//! It knows who is there and who reaches whom; whether that is right is for the rules. It reads no files and judges nothing
//! but whether a document is an object at all.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHasher;

use crate::object::{Common, EMPTY, Object, Outline, Reference};
use crate::parted::Parted;
use crate::report::{self, Finding};
use crate::stream::{Content, Stream, StreamDocument};
use crate::threads;
use crate::yaml::{Document, PerForm, Value};

mod documents;
mod index;
mod links;
mod membership;
pub mod secret_size;
mod twins;

pub use documents::{DUPLICATE_KEY, HELM4_ORIGIN, IGNORED_TEXT, MALFORMED_OBJECT, SYNTAX_ERROR};
use documents::{Known, Shared};
use index::Index;
pub use links::{Link, Role};
use membership::Stated;
pub use membership::{Cluster, Membership, assign_without, stated_cluster};
pub use twins::{Twins, differing_paths};

/// How many objects of one name are looked at where the namespace is not known: in a fleet with a namespace a cluster all may
/// bear the same.
const NAMESAKES: usize = 256;

/// A document of the run, wherever it came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The stream, counted over the run.
    pub stream: u32,
    /// The document in that stream.
    pub document: u32,
}

/// Findings of one rule about documents; the rest are counted.
const MOST_FINDINGS: usize = 1000;

/// Keys of one document that stand twice and are told of; the rest are counted.
const MOST_DUPLICATES: usize = 200;

/// Documents, or objects, below which a further thread costs more than it brings.
const DOCUMENTS_PER_THREAD: usize = 2000;

/// The objects of some of the documents, and what is wrong with the others.
struct Gathered<'a, 'n> {
    /// What an absent namespace means.
    namespace: &'n str,
    /// The number of the first object.
    begin: u32,
    objects: Vec<Object<'a>>,
    /// The hash of each object's identity.
    hashes: Vec<u64>,
    stated: Vec<Stated<'a>>,
    findings: Vec<Finding>,
}

/// What documents that were gathered before have taught.
#[derive(Debug, Default)]
struct Seen<'a> {
    known: PerForm<'a, Known<'a>>,
    shared: Shared<'a>,
}

impl<'a, 'n> Gathered<'a, 'n> {
    /// Nothing yet, with room for the objects of some documents, as long as they are not all empty. Objects get numbers as if
    /// each document before were one: mostly they are.
    fn with_room(documents: &Range<usize>, namespace: &'n str) -> Self {
        const MOST_ROOM: usize = 1 << 16;
        let room = documents.len().min(MOST_ROOM);
        Self {
            namespace,
            begin: documents.start as u32,
            objects: Vec::with_capacity(room),
            hashes: Vec::with_capacity(room),
            stated: Vec::with_capacity(room),
            findings: Vec::new(),
        }
    }

    fn document(&mut self, document: &'a StreamDocument, id: u32, seen: &mut Seen<'a>) {
        match &document.content {
            Content::Broken(broken) => self.findings.push(documents::broken(id, document.text(), &broken.error)),
            Content::Parsed(parsed) => {
                let duplicates = parsed.duplicates();
                self.findings.extend(parsed.ignored().map(|offset| documents::ignored(id, offset)));
                let told = duplicates.iter().take(MOST_DUPLICATES);
                self.findings.extend(told.map(|key| documents::duplicate_key(id, parsed, key)));
                if let (Some(last), true) = (self.findings.last_mut(), duplicates.len() > MOST_DUPLICATES) {
                    last.count += duplicates.len() - MOST_DUPLICATES;
                }
                self.objects_of(id, parsed, seen);
            }
        }
        if self.findings.len() >= 2 * MOST_FINDINGS {
            report::cap(&mut self.findings, MOST_FINDINGS);
        }
    }

    fn objects_of(&mut self, document: u32, parsed: &'a Document, Seen { known, shared }: &mut Seen<'a>) {
        let Some(root) = parsed.root() else { return };
        if !root.is_map() && root.is_null() {
            return;
        }
        let known = known.get(parsed, || Known::of(parsed, root));
        let (outline, common) = (known.outline, known.common(parsed));
        // A `kind: List`, or anything else with a list of `items` at its top: clients take it apart, whatever its kind.
        let items = if outline.items == 0 { None } else { parsed.value(outline.items).filter(Value::is_seq) };
        match items {
            Some(items) => items.items().for_each(|item| self.object(document, item, Outline::of(item), None, shared)),
            None => self.object(document, root, outline, common, shared),
        }
    }

    fn object(
        &mut self,
        document: u32,
        root: Value<'a>,
        outline: Outline,
        common: Option<Arc<Common<'a>>>,
        shared: &mut Shared<'a>,
    ) {
        let number = self.begin + self.objects.len() as u32;
        match documents::object(number, document, root, outline, common, shared) {
            Ok(object) => {
                let namespace = object.namespace().unwrap_or(self.namespace);
                self.hashes.push(Release::hash(object.group(), &object.kind, namespace, &object.name));
                self.stated.extend(Stated::by(&object));
                self.objects.push(object);
            }
            Err(finding) => self.findings.push(*finding),
        }
    }
}

/// Everything that is judged together.
#[derive(Debug)]
pub struct Release<'a> {
    /// The streams, in order.
    pub streams: &'a [Stream],
    /// The number of the first document of each stream; and of one behind the last.
    begins: Vec<u32>,
    /// All objects, in order of appearance.
    pub objects: Parted<Object<'a>>,
    /// Findings about documents that are no objects, and about duplicate keys.
    pub findings: Vec<Finding>,
    /// The clusters, in order of first appearance.
    pub clusters: Vec<Cluster<'a>>,
    /// For each object: the cluster that it says it belongs to; nothing any more when the membership of all is known.
    stated: Mutex<Vec<Membership>>,
    /// See [`Release::membership`]; made when first somebody asks.
    membership: OnceLock<Vec<Membership>>,
    namespace: Cow<'static, str>,
    index: Index,
    /// As `index`, without the namespace; made when first somebody asks.
    any_namespace: OnceLock<Originals>,
    /// See [`Release::twins`]; made when first somebody asks.
    twins: OnceLock<Twins>,
    /// As `index`, by the name alone; made when first somebody asks.
    by_name: OnceLock<Originals>,
    /// The references of all Cluster API objects, in order of appearance; of what stands there twice those of the first.
    pub links: Parted<Link<'a>>,
    /// For each object: where its links begin; and where the last one's end.
    links_of: Vec<u32>,
}

impl<'a> Release<'a> {
    /// Gathers the objects of streams. `namespace` is what an absent `metadata.namespace` means (`--namespace`).
    pub fn new(streams: &'a [Stream], namespace: &str) -> Self {
        let default_namespace = placed(namespace);
        let namespace = &*default_namespace;
        let mut release = Self {
            streams,
            begins: begins(streams),
            objects: Parted::default(),
            findings: Vec::new(),
            clusters: Vec::new(),
            stated: Mutex::default(),
            membership: OnceLock::new(),
            namespace: default_namespace.clone(),
            index: Index::default(),
            any_namespace: OnceLock::new(),
            twins: OnceLock::new(),
            by_name: OnceLock::new(),
            links: Parted::default(),
            links_of: Vec::new(),
        };
        let jobs = release.threads();
        let count = release.document_count();
        let parts = threads::in_ranges_with(count, jobs, DOCUMENTS_PER_THREAD, Seen::default, |seen, numbers| {
            let mut gathered = Gathered::with_room(&numbers, namespace);
            for (id, document) in (numbers.start as u32..).zip(between(streams, numbers)) {
                gathered.document(document, id, seen);
            }
            gathered
        });
        let (mut gathered, mut hashes, mut stated) = (Vec::new(), Vec::new(), Vec::new());
        let mut before = 0_u32;
        for mut part in parts {
            release.findings.extend(part.findings);
            if part.objects.is_empty() {
                continue;
            }
            let moved = before.wrapping_sub(part.begin);
            before += part.objects.len() as u32;
            if moved != 0 {
                part.stated.iter_mut().for_each(|stated| stated.move_by(moved));
            }
            stated.push(part.stated);
            hashes.push(part.hashes);
            gathered.push((moved, part.objects));
        }
        report::cap(&mut release.findings, MOST_FINDINGS);
        release.objects = renumbered(gathered, jobs);
        let objects = &release.objects;
        let (index, (clusters, stated)) = threads::both(
            if objects.len() < DOCUMENTS_PER_THREAD { 1 } else { jobs },
            || Index::new(objects.len(), &hashes.iter().flatten().copied(), jobs.saturating_sub(1)),
            || membership::stated(stated, objects.len(), namespace),
        );
        (release.index, release.clusters, release.stated) = (index, clusters, Mutex::new(stated));
        // The references take their room.
        drop(hashes);
        // Before the threads that follow references ask for them.
        release.twins();
        release.follow_references(jobs);
        release
    }

    /// For each object: to which cluster it belongs. Nobody who judges an object by itself asks, so that one thread can tell it for the
    /// rules while others judge.
    pub fn membership(&self) -> &[Membership] {
        self.membership.get_or_init(|| {
            let mut membership = std::mem::take(&mut *self.stated.lock().unwrap_or_else(PoisonError::into_inner));
            membership::spread(self, &BTreeSet::new(), &mut membership);
            membership
        })
    }

    /// On how many threads it is worth working: as many as parsed its largest stream.
    pub fn threads(&self) -> usize {
        self.streams.iter().map(Stream::threads).max().unwrap_or(1)
    }

    /// Finds and resolves the references of Cluster API objects once, for everybody.
    fn follow_references(&mut self, jobs: usize) {
        let objects = threads::Parts::of(&self.objects, jobs, DOCUMENTS_PER_THREAD);
        let begin = || links::Follower::new(self);
        let follow = |follower: &mut links::Follower<'_, 'a>, number| follower.of(objects.part(number).1);
        let parts = threads::in_turn_with(objects.count(), objects.threads, begin, follow);
        let mut links_of = Vec::with_capacity(self.objects.len() + 1);
        links_of.push(0);
        for part in &parts {
            let before = links_of.last().copied().unwrap_or_default();
            links_of.extend(part.ends.iter().map(|end| before + end));
        }
        self.links = parts.into_iter().map(|part| part.links).collect::<Vec<_>>().into();
        self.links_of = links_of;
    }

    /// Whether an object that is no copy refers to any other.
    fn has_links(&self, object: u32) -> bool {
        let begin = object as usize;
        self.links_of.get(begin..begin + 2).is_some_and(|bounds| bounds[0] != bounds[1])
    }

    /// The references of an object, in order of appearance; those of a copy stand at the first of its identity.
    pub fn links_from(&self, object: u32) -> &[Link<'a>] {
        let object = self.twins().original_of(object);
        let bound = |number: u32| self.links_of.get(number as usize).map_or(0, |at| *at as usize);
        self.links.range(bound(object)..bound(object + 1))
    }

    /// The objects of a name, whatever they are.
    pub fn named<'r, 'n>(&'r self, name: &'n str) -> impl Iterator<Item = &'r Object<'a>> + use<'r, 'n, 'a> {
        let hash = |name: &str| {
            let mut hasher = FxHasher::default();
            name.hash(&mut hasher);
            hasher.finish()
        };
        let index = self.by_name.get_or_init(|| Originals::of(self, |object| hash(&object.name)));
        let bearers = index.with(hash(name)).filter_map(|number| self.objects.get(number as usize));
        bearers.filter(move |object| object.name == name)
    }

    /// What an absent `metadata.namespace` means in this run.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The namespace of an object as the server will see it: its own, else the one of the run.
    pub fn namespace_of<'o>(&'o self, object: &'o Object<'a>) -> &'o str {
        object.namespace().unwrap_or(&self.namespace)
    }

    /// The object of an identity; the first one where it stands twice. Hooks are found too.
    pub fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&Object<'a>> {
        self.index.of(Self::hash(group, kind, namespace, name)).find_map(|number| {
            let object = self.objects.get(number as usize)?;
            let same = object.is(group, kind) && object.name == name && self.namespace_of(object) == namespace;
            same.then_some(object)
        })
    }

    /// As [`find`](Self::find); where nothing is there, also an object that names no namespace for one that does, and the other
    /// way round: it lands where the release is installed, which nobody told us, and that may be there.
    pub fn find_or_may_be(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&Object<'a>> {
        self.find(group, kind, namespace, name).or_else(|| {
            if !self.namespace.is_empty() {
                return None;
            }
            let hash = |object: &Object<'a>| Self::hash(object.group(), &object.kind, "", &object.name);
            let any_namespace = self.any_namespace.get_or_init(|| Originals::of(self, hash));
            let namesakes = any_namespace.with(Self::hash(group, kind, "", name));
            namesakes.take(NAMESAKES).find_map(|number| {
                let object = self.objects.get(number as usize)?;
                let is_one_unnamed = self.namespace_of(object).is_empty() != namespace.is_empty();
                (is_one_unnamed && object.is(group, kind) && object.name == name).then_some(object)
            })
        })
    }

    /// The object that a reference of `from` names, in the reference's namespace or else that of `from`.
    pub fn resolve(&self, from: &Object<'a>, reference: &Reference<'a>) -> Option<&Object<'a>> {
        let namespace = reference.namespace.as_deref().unwrap_or_else(|| self.namespace_of(from));
        self.find_or_may_be(reference.group(), &reference.kind, namespace, &reference.name)
    }

    /// The objects of a document, in order.
    pub fn objects_of(&self, document: u32) -> impl Iterator<Item = &Object<'a>> {
        let first = self.objects.partition_point(|object| object.document < document);
        let objects = (first..).map_while(|number| self.objects.get(number));
        objects.take_while(move |object| object.document == document)
    }

    /// The number of the first object of a stream; of the next one's, where it has none.
    pub fn first_object(&self, stream: u32) -> u32 {
        let begin = self.begins.get(stream as usize).copied().unwrap_or(u32::MAX);
        self.objects.partition_point(|object| object.document < begin) as u32
    }

    /// All objects of a group and kind, in order.
    pub fn of_kind<'r>(&'r self, group: &'r str, kind: &'r str) -> impl Iterator<Item = &'r Object<'a>> + 'r {
        self.objects.iter().filter(move |object| object.is(group, kind))
    }

    /// Objects of one identity (group, kind, namespace, name, hook events), where there are several. The version is no part of it:
    /// the server keeps one object, whatever version it was written in.
    pub fn twins(&self) -> &Twins {
        self.twins.get_or_init(|| Twins::of(self))
    }

    /// The last object that has the identity of an object of this or another release: where one stands twice, the last is what
    /// a client applies last.
    pub fn last_of(&self, from: &Release<'_>, object: &Object<'_>) -> Option<u32> {
        let hash = Self::hash(object.group(), &object.kind, from.namespace_of(object), &object.name);
        let same = |number: &u32| {
            let own = self.objects.get(*number as usize);
            own.is_some_and(|own| {
                self.namespace_of(own) == from.namespace_of(object) && Self::same_but_namespace(own, object)
            })
        };
        self.index.of(hash).rfind(same)
    }

    fn same_identity(&self, a: &Object<'a>, b: &Object<'a>) -> bool {
        self.namespace_of(a) == self.namespace_of(b) && Self::same_but_namespace(a, b)
    }

    fn same_but_namespace(a: &Object<'_>, b: &Object<'_>) -> bool {
        let hook_events = |object: &Object<'_>| {
            object.hook_events().map(|events| {
                let mut events: Vec<String> = events.split(',').map(|event| event.trim().to_owned()).collect();
                events.sort_unstable();
                events
            })
        };
        let has_same_text = || {
            let text = |object: &Object<'_>| object.root.document().shared_text();
            text(a).is_some() && text(a) == text(b) && a.root.index() == b.root.index()
        };
        a.is(b.group(), &b.kind) && a.name == b.name && (has_same_text() || hook_events(a) == hook_events(b))
    }

    /// `namespace/name`, or the name alone where the object names no namespace.
    pub fn display_name(&self, object: &Object<'_>) -> String {
        match object.namespace() {
            Some(namespace) => format!("{namespace}/{}", object.name),
            None => object.name.to_string(),
        }
    }

    /// How many documents there are in all streams; [`Place::document`] counts them over the streams.
    pub fn document_count(&self) -> usize {
        self.begins.last().map_or(0, |end| *end as usize)
    }

    /// Where a document came from.
    pub fn origin_of(&self, document: u32) -> Option<Origin> {
        let stream = self.begins.partition_point(|begin| *begin <= document).checked_sub(1)?;
        let is_there = stream < self.streams.len();
        is_there.then(|| Origin { stream: stream as u32, document: document - self.begins[stream] })
    }

    /// A document, and the stream it came in.
    pub fn document(&self, document: u32) -> Option<(&'a Stream, &'a StreamDocument)> {
        let origin = self.origin_of(document)?;
        let stream = self.streams.get(origin.stream as usize)?;
        Some((stream, stream.documents.get(origin.document as usize)?))
    }

    /// The line in its source at which an object begins, from 1.
    pub fn line_of(&self, object: &Object<'_>) -> Option<usize> {
        let origin = self.origin_of(object.document)?;
        let stream = self.streams.get(origin.stream as usize)?;
        stream.line_at(origin.document as usize, object.root.span().start as usize)
    }

    /// What was found among documents that are no objects: they are lost to everything that asks for objects.
    pub fn unreadable(&self) -> impl Iterator<Item = &Finding> {
        let is_no_object = |finding: &&Finding| finding.place.is_some_and(|place| place.object.is_none());
        self.findings.iter().filter(is_no_object).filter(|finding| finding.rule.name != DUPLICATE_KEY.name)
    }

    /// The stream a document came in.
    pub fn stream_of(&self, document: u32) -> Option<&'a Stream> {
        self.streams.get(self.origin_of(document)?.stream as usize)
    }

    /// A document, where it could be parsed.
    pub fn parsed(&self, document: u32) -> Option<&'a Document> {
        self.document(document)?.1.parsed()
    }

    /// The text of a document.
    pub fn text_of(&self, document: u32) -> &'a str {
        self.document(document).map_or("", |(_, document)| document.text())
    }

    /// Adds the text of a document to another. For going through all of them: [`Release::text_of`] keeps what it puts together.
    pub fn write_text(&self, document: u32, out: &mut String) {
        match self.parsed(document) {
            Some(parsed) => parsed.write_text(out),
            None => out.push_str(self.text_of(document)),
        }
    }

    /// A document with everything that came with it: the separator before it, comments, the line end behind it.
    pub fn source_of(&self, document: u32) -> String {
        let mut bytes = Vec::new();
        if let Some((_, document)) = self.document(document) {
            document.write(&mut bytes);
        }
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// The template a document was rendered from, by the mark that Helm 3 or Helm 4 left.
    pub fn template_of(&self, document: u32) -> Option<&'a str> {
        let (_, document) = self.document(document)?;
        documents::template(document.beginning(), document.parsed())
    }

    fn hash(group: &str, kind: &str, namespace: &str, name: &str) -> u64 {
        let mut hasher = FxHasher::default();
        (group, kind, namespace, name).hash(&mut hasher);
        hasher.finish()
    }
}

/// The number of the first document of each stream, counted over all of them; and of one behind the last.
fn begins(streams: &[Stream]) -> Vec<u32> {
    let mut begins = vec![0];
    for stream in streams {
        begins.push(begins.last().copied().unwrap_or_default() + stream.documents.len() as u32);
    }
    begins
}

/// The documents of some numbers.
fn between(streams: &[Stream], numbers: Range<usize>) -> impl Iterator<Item = &StreamDocument> {
    let mut before = 0;
    streams.iter().flat_map(move |stream| {
        let own = numbers.start.saturating_sub(before)..numbers.end.saturating_sub(before);
        before += stream.documents.len();
        stream.documents.between(own)
    })
}

/// A text that stands somewhere even where it is empty.
fn placed(text: &str) -> Cow<'static, str> {
    if text.is_empty() { Cow::Borrowed(EMPTY) } else { Cow::Owned(text.to_owned()) }
}

/// Objects part by part, each part with how far its numbers are to be moved.
fn renumbered(parts: Vec<(u32, Vec<Object<'_>>)>, jobs: usize) -> Parted<Object<'_>> {
    if parts.iter().all(|(moved, _)| *moved == 0) {
        return parts.into_iter().map(|(_, objects)| objects).collect::<Vec<_>>().into();
    }
    let renumbered = threads::in_owned_parts(parts, jobs, 1, |parts| {
        let objects = parts.into_iter().map(|(moved, mut objects)| {
            for object in &mut objects {
                object.number = object.number.wrapping_add(moved);
            }
            objects
        });
        objects.collect::<Vec<_>>()
    });
    threads::in_one(renumbered).into()
}

/// An index of the objects that are no copies.
#[derive(Debug)]
struct Originals {
    numbers: Vec<u32>,
    index: Index,
}

impl Originals {
    /// Those of a release, by a hash of theirs.
    fn of<'a>(release: &Release<'a>, hash: impl Fn(&Object<'a>) -> u64) -> Self {
        let twins = release.twins();
        let numbers: Vec<u32> = (0..release.objects.len() as u32).filter(|object| !twins.is_copy(*object)).collect();
        let objects = numbers.iter().filter_map(|number| release.objects.get(*number as usize));
        let index = Index::new(numbers.len(), &objects.map(hash).collect::<Vec<_>>().iter().copied(), 1);
        Self { numbers, index }
    }

    /// The objects of a hash, in order; whoever asks compares.
    fn with(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        self.index.of(hash).filter_map(|place| self.numbers.get(place as usize).copied())
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
