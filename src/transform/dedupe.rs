//! Objects that stand twice: identical ones are one, different ones are a conflict that a person must settle.
//!
//! Helm 3 fails on them with `already exists` after part of the release was created; Helm 4 deploys them and one of them
//! wins in silence (both measured).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use super::Plan;
use crate::object::Object;
use crate::release::{Release, differing_paths};
use crate::report::{Finding, Severity};
use crate::stream::Stream;
use crate::threads;
use crate::yaml::edit;

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
    let is_settled =
        |twin: &Twin<'_, '_>| (twin.is_same || mode != Dedupe::Identical) && !torn.holds(twin.other.document);
    let pairs = compared(release, mode == Dedupe::KeepLast);
    let settled: Vec<bool> = pairs.iter().map(is_settled).collect();
    gone.extend(pairs.iter().zip(&settled).filter(|(_, settled)| **settled).map(|(pair, _)| pair.other.number));
    plan.findings.extend(told(release, &pairs, &settled));
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
    told(release, &compared(release, false), &[])
}

/// Two objects of one identity.
struct Twin<'r, 'a> {
    keep: &'r Object<'a>,
    other: &'r Object<'a>,
    is_same: bool,
}

/// Identities that stand more than once, below which a further thread costs more than it brings.
const TWINS_PER_THREAD: usize = 200;

/// Each object that stands twice with the one of its identity that would stay: the first one, or the last.
fn compared<'r, 'a>(release: &'r Release<'a>, keep_last: bool) -> Vec<Twin<'r, 'a>> {
    let all = release.twins();
    let parts = threads::in_parts(all.all(), release.threads(), TWINS_PER_THREAD, |_, some| {
        let mut twins = Vec::with_capacity(some.iter().map(Vec::len).sum());
        for identity in some {
            let mut objects: Vec<_> =
                identity.iter().filter_map(|number| release.objects.get(*number as usize)).collect();
            if keep_last {
                objects.reverse();
            }
            let Some((keep, others)) = objects.split_first() else { continue };
            twins.extend(others.iter().map(|other| Twin { keep, other, is_same: all.are_same(keep, other) }));
        }
        twins
    });
    threads::in_one(parts)
}

/// Findings of one rule; the rest are counted.
const MOST_FINDINGS: usize = 1000;

/// Findings below which a further thread costs more than it brings.
const FINDINGS_PER_THREAD: usize = 100;

/// What is said about twins, for each of which it is known whether one of the two is taken out; where nothing is known, none is.
fn told(release: &Release<'_>, twins: &[Twin<'_, '_>], settled: &[bool]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for is_same in [true, false] {
        let mut of_rule = (0..).zip(twins).filter(|(_, twin)| twin.is_same == is_same);
        let first: Vec<_> = of_rule.by_ref().take(MOST_FINDINGS).collect();
        let parts = threads::in_parts(&first, release.threads(), FINDINGS_PER_THREAD, |_, first| {
            let finding = |(number, twin): &(usize, &Twin<'_, '_>)| {
                finding(release, twin, settled.get(*number).copied().unwrap_or_default())
            };
            first.iter().map(finding).collect()
        });
        findings.append(&mut threads::in_one(parts));
        if let Some(last) = findings.last_mut() {
            last.count += of_rule.count();
        }
    }
    findings
}

fn finding(release: &Release<'_>, twin: &Twin<'_, '_>, settled: bool) -> Finding {
    let Twin { keep, other, is_same } = *twin;
    let paths = if is_same { Vec::new() } else { differing_paths(keep, other, COUNTED_PATHS) };
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
