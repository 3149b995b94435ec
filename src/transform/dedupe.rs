//! Objects that stand twice: identical ones are one, different ones are a conflict that a person must settle.
//!
//! Helm 3 fails on them with `already exists` after part of the release was created; Helm 4 deploys them and one of them
//! wins in silence (both measured).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use rustc_hash::FxHashMap;

use super::{Plan, compare};
use crate::object::Object;
use crate::release::{HELM4_ORIGIN, Release};
use crate::report::{Finding, Severity};
use crate::stream::Stream;
use crate::threads;
use crate::yaml::tape::push_key;
use crate::yaml::{SharedText, edit};

crate::rule! {
    /// The same object stands twice, with the same content.
    ///
    /// Same group, kind, namespace, name and hook events; comments, order of keys and marks of origin do not count. Helm 3
    /// fails on install with `already exists` after it has created part of the release; Helm 4 and kubectl apply it twice.
    /// `capi-lint post-render` keeps the first and takes out the rest.
    ///
    /// ## Example
    ///
    /// Two templates that both render the Secret `prod/registry`.
    ///
    /// ## Fix
    ///
    /// Render it once: let one template own it, or guard the other with `if`.
    pub DUPLICATE_OBJECT = "duplicate-object", Warning, Client;

    /// The same object stands twice, with different content.
    ///
    /// Helm 3 fails on install with `already exists` after it has created part of the release; Helm 4 deploys both and one of
    /// them wins in silence, which one depends on the names of the template files.
    ///
    /// ## Example
    ///
    /// Two MachineDeployments `prod/workers`, one with 3 replicas and one with 5.
    ///
    /// ## Fix
    ///
    /// Decide which one is right and remove or rename the other. `--dedupe keep-first` or `--dedupe keep-last` settles it for
    /// a chart that cannot be changed.
    pub CONFLICTING_DUPLICATE = "conflicting-duplicate", Error, Client;
}

/// What happens to objects that stand twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dedupe {
    /// Identical ones are taken out, different ones refused.
    #[default]
    Identical,
    /// The first one stays, whatever the others hold.
    KeepFirst,
    /// The last one stays, whatever the others hold.
    KeepLast,
    /// All stay.
    Off,
}

/// How many differing paths a message names.
const NAMED_PATHS: usize = 3;

/// How many differing paths are counted.
const COUNTED_PATHS: usize = 100;

/// Plans what goes; returns the numbers of the objects that go. None goes out of a [`Torn`] stream.
pub fn plan(release: &Release<'_>, mode: Dedupe, plan: &mut Plan<'_>) -> BTreeSet<u32> {
    let mut gone = BTreeSet::new();
    if mode == Dedupe::Off {
        return gone;
    }
    let mut torn = Torn::of(release);
    let mut told = Told::default();
    for mut twins in release.twins() {
        if mode == Dedupe::KeepLast {
            twins.reverse();
        }
        let Some((keep, others)) = twins.split_first() else { continue };
        for other in others {
            let is_settled = |same: bool| (same || mode != Dedupe::Identical) && !torn.holds(other.document);
            if told.twins(release, keep, other, is_settled) {
                gone.insert(other.number);
            }
        }
    }
    plan.findings.extend(told.into_findings());
    take_out(release, &gone, plan);
    gone
}

/// Streams in which it hangs on the neighbours where a document begins and ends: those with text that is no object, and those
/// where something else than JSON follows JSON without a separator. Whoever took a document out of one would change another.
struct Torn<'r, 'a> {
    release: &'r Release<'a>,
    known: HashMap<*const Stream, bool>,
}

impl<'r, 'a> Torn<'r, 'a> {
    fn of(release: &'r Release<'a>) -> Self {
        let places = release.unreadable().filter_map(|finding| finding.place);
        let streams = places.filter_map(|place| release.stream_of(place.document));
        Self { release, known: streams.map(|stream| (std::ptr::from_ref(stream), true)).collect() }
    }

    fn holds(&mut self, document: u32) -> bool {
        let Some(stream) = self.release.stream_of(document) else { return false };
        *self.known.entry(stream).or_insert_with(|| {
            let unseparated = stream.documents.iter().skip(1).filter(|document| document.separator().is_empty());
            unseparated.into_iter().any(|document| !document.text().trim_ascii_start().starts_with('{'))
        })
    }
}

/// The findings alone, for `lint`, which changes nothing.
pub fn findings(release: &Release<'_>) -> Vec<Finding> {
    let all = release.twins();
    let parts = threads::in_parts(&all, release.threads(), TWINS_PER_THREAD, |_, some| {
        let mut told = Told::default();
        for (keep, others) in some.iter().filter_map(|twins| twins.split_first()) {
            for other in others {
                told.twins(release, keep, other, |_| false);
            }
        }
        told
    });
    let told = parts.into_iter().reduce(Told::and).unwrap_or_default();
    told.into_findings().collect()
}

/// Identities that stand more than once, below which a further thread costs more than it brings.
const TWINS_PER_THREAD: usize = 200;

/// Findings of one rule; the rest are counted.
const MOST_FINDINGS: usize = 1000;

/// What is said about twins: the first findings of each rule, and how many more there would be.
#[derive(Default)]
struct Told {
    same: Counted,
    different: Counted,
    compared: Compared,
}

/// In what an object differs from the others of its identity, by the texts of theirs: many may have one and the same.
#[derive(Default)]
struct Compared {
    keep: u32,
    paths: FxHashMap<(SharedText, u32), Vec<String>>,
}

impl Compared {
    /// In what two objects differ, at most so many paths.
    fn paths(&mut self, keep: &Object<'_>, other: &Object<'_>, most: usize) -> Vec<String> {
        let Some(text) = other.root.document().shared_text() else { return differing_paths(keep, other, most) };
        if self.keep != keep.number {
            *self = Self { keep: keep.number, paths: FxHashMap::default() };
        }
        let known = self.paths.entry((text, other.root.index())).or_insert_with(|| differing_paths(keep, other, most));
        known.iter().take(most).cloned().collect()
    }
}

#[derive(Default)]
struct Counted {
    findings: Vec<Finding>,
    more: usize,
}

impl Counted {
    /// As if what others counted had come behind.
    fn and(mut self, others: Self) -> Self {
        self.findings.extend(others.findings);
        self.more += others.more + self.findings.len().saturating_sub(MOST_FINDINGS);
        self.findings.truncate(MOST_FINDINGS);
        self
    }
}

impl Told {
    /// As if what others are told had come behind.
    fn and(self, others: Self) -> Self {
        let (same, different) = (self.same.and(others.same), self.different.and(others.different));
        Self { same, different, compared: Compared::default() }
    }

    /// Compares two objects of one identity. `is_settled` is told whether they are the same, and says whether that settles it;
    /// so does what is returned. Where enough was said already, they are compared no further than to the first difference.
    fn twins(
        &mut self,
        release: &Release<'_>,
        keep: &Object<'_>,
        other: &Object<'_>,
        is_settled: impl FnOnce(bool) -> bool,
    ) -> bool {
        let is_told = self.different.findings.len() < MOST_FINDINGS;
        let paths = self.compared.paths(keep, other, if is_told { COUNTED_PATHS } else { 1 });
        let settled = is_settled(paths.is_empty());
        let counted = if paths.is_empty() { &mut self.same } else { &mut self.different };
        if counted.findings.len() < MOST_FINDINGS {
            counted.findings.push(finding(release, keep, other, &paths, settled));
        } else {
            counted.more += 1;
        }
        settled
    }

    fn into_findings(self) -> impl Iterator<Item = Finding> {
        [self.same, self.different].into_iter().flat_map(|Counted { mut findings, more }| {
            if let Some(last) = findings.last_mut() {
                last.count += more;
            }
            findings
        })
    }
}

fn differing_paths(a: &Object<'_>, b: &Object<'_>, most: usize) -> Vec<String> {
    if a.root.index() == b.root.index() && a.root.document().has_text_of(b.root.document()) {
        return Vec::new();
    }
    let mut origin = "metadata.annotations".to_owned();
    push_key(&mut origin, HELM4_ORIGIN);
    let mut paths = Vec::new();
    compare::differences(a.root, b.root, &|path| path == origin, most, &mut paths);
    paths
}

fn finding(release: &Release<'_>, keep: &Object<'_>, other: &Object<'_>, paths: &[String], settled: bool) -> Finding {
    let what = format!("{} {}", other.kind, release.display_name(other));
    let origin = |object: &Object<'_>| {
        release.template_of(object.document).map_or_else(
            || release.line_of(object).map_or_else(String::new, |line| format!(" (line {line})")),
            |template| format!(" ({template})"),
        )
    };
    let anchor = other.root.get("kind").unwrap_or(other.root);
    let (rule, message) = if paths.is_empty() {
        let outcome =
            if settled { "the second one is taken out" } else { "Helm 3 fails on install with 'already exists'" };
        (
            &DUPLICATE_OBJECT,
            format!("{what}{} stands here a second time, same as the first{}: {outcome}", origin(other), origin(keep)),
        )
    } else {
        let mut named = paths.iter().take(NAMED_PATHS).map(String::as_str).collect::<Vec<_>>().join(", ");
        if paths.len() > NAMED_PATHS {
            let _ = write!(named, " and {} more", paths.len() - NAMED_PATHS);
        }
        let outcome = if settled {
            "this one is taken out, as --dedupe says"
        } else {
            "Helm 3 fails on it halfway through the install, Helm 4 keeps one of them in silence"
        };
        (
            &CONFLICTING_DUPLICATE,
            format!(
                "{what}{} stands here a second time and differs from the other{} in {named}: {outcome}",
                origin(other),
                origin(keep)
            ),
        )
    };
    let mut finding = other.finding(rule, anchor, message);
    finding.others = vec![keep.place(keep.root.get("kind").unwrap_or(keep.root))];
    if settled {
        finding = finding.severity(Severity::Info);
    } else if !paths.is_empty() {
        finding =
            finding.suggest("remove or rename one of the two, or settle it with --dedupe keep-first or keep-last");
    }
    finding
}

/// A duplicate inside a `kind: List` that is written in a way that leaves no room to take it out.
fn stays(object: &Object<'_>, reason: edit::Uneditable) -> Finding {
    let anchor = object.root.get("kind").unwrap_or(object.root);
    let message =
        format!("this duplicate of {} {} cannot be taken out of its list: {reason}", object.kind, object.name);
    object
        .finding(&DUPLICATE_OBJECT, anchor, message)
        .severity(Severity::Error)
        .suggest("write the list's items as documents of their own")
}

/// Whole documents go whole; an item of a list goes alone, unless all items of it go.
fn take_out(release: &Release<'_>, gone: &BTreeSet<u32>, plan: &mut Plan<'_>) {
    let mut partly: HashSet<u32> = HashSet::new();
    if !gone.is_empty() {
        let rest = release.objects.iter().filter(|object| !gone.contains(&object.number));
        partly.extend(rest.map(|object| object.document));
    }
    let mut lists: BTreeMap<u32, Vec<&Object<'_>>> = BTreeMap::new();
    for number in gone {
        let Some(object) = release.objects.get(*number as usize) else { continue };
        if object.root.index() != 0 && partly.contains(&object.document) {
            lists.entry(object.document).or_default().push(object);
        } else if plan.dropped.last() != Some(&object.document) {
            plan.dropped.push(object.document);
        }
    }
    for (document, objects) in lists {
        take_out_items(document, &objects, plan);
    }
    plan.dropped.sort_unstable();
    plan.dropped.dedup();
}

/// Some of the items of one list.
fn take_out_items(document: u32, objects: &[&Object<'_>], plan: &mut Plan<'_>) {
    let by_node: HashMap<u32, &Object<'_>> = objects.iter().map(|object| (object.root.index(), *object)).collect();
    let list = objects.first().and_then(|object| edit::parent(object.root));
    for (item, edits) in
        list.map_or_else(Vec::new, |list| edit::remove_items(list, &|item| by_node.contains_key(&item.index())))
    {
        let Some(object) = by_node.get(&item.index()) else { continue };
        match edits {
            Ok(edits) => {
                plan.dropped_items.push(object.number);
                plan.edits.extend(edits.into_iter().map(|edit| (document, edit)));
            }
            Err(reason) => plan.findings.push(stays(object, reason)),
        }
    }
}
