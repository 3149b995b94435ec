//! Objects that bear one identity: who refers to one of them refers to all, since a reference cannot tell them apart.
//!
//! Whether that is a mistake is for `transform::dedupe`.

use rustc_hash::FxHashMap;

use super::{DOCUMENTS_PER_THREAD, HELM4_ORIGIN, Release};
use crate::object::Object;
use crate::threads;
use crate::yaml::SharedText;
use crate::yaml::compare::differences;
use crate::yaml::tape::push_key;

/// Hashes that several objects share, below which a further thread costs more than it brings.
const SHARED_PER_THREAD: usize = 200;

/// The objects of a release that bear an identity together with others.
#[derive(Debug, Default)]
pub struct Twins {
    all: Vec<Vec<u32>>,
    /// For each object the number of its twins among all, from 1; empty where there are none.
    numbers: Vec<u32>,
    /// For each object whether it is a copy; empty where there are no twins.
    copies: Vec<bool>,
}

impl Twins {
    /// Those of a release whose objects are indexed.
    pub(super) fn of(release: &Release<'_>) -> Self {
        let runs: Vec<_> = release.index.shared().collect();
        if runs.is_empty() {
            return Self::default();
        }
        let texts = Texts::of(release);
        let parts = threads::in_parts(&runs, release.threads(), SHARED_PER_THREAD, |_, runs| {
            let mut all = Vec::with_capacity(runs.len());
            for run in runs {
                among(release, &texts, run, &mut all);
            }
            let copies = all.iter().flat_map(|twins| copies(release, &texts, twins)).collect::<Vec<u32>>();
            (all, copies)
        });
        let (parts, copies): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let mut all = threads::in_one(parts);
        all.sort_unstable_by_key(|twins| twins.first().copied());
        let objects = if all.is_empty() { 0 } else { release.objects.len() };
        let (mut numbers, mut is_copy) = (vec![0; objects], vec![false; objects]);
        for (number, twins) in (1..).zip(&all) {
            for object in twins {
                numbers[*object as usize] = number;
            }
        }
        copies.into_iter().flatten().for_each(|object| is_copy[object as usize] = true);
        Self { all, numbers, copies: is_copy }
    }

    /// The numbers of objects of one identity, for each that several bear; in order of appearance.
    pub fn all(&self) -> &[Vec<u32>] {
        &self.all
    }

    /// All that bear an object's identity, in order, where it is not the only one.
    pub fn of_object(&self, object: u32) -> Option<&[u32]> {
        self.all.get(self.identity_of(object)?).map(Vec::as_slice)
    }

    /// The place among all of an object's identity, where it is not the only one that bears it.
    pub fn identity_of(&self, object: u32) -> Option<usize> {
        Some(self.numbers.get(object as usize)?.checked_sub(1)? as usize)
    }

    /// Whether an object is the same as the first of its identity, which is another: they are one object that stands twice.
    pub fn is_copy(&self, object: u32) -> bool {
        self.copies.get(object as usize).copied().unwrap_or_default()
    }

    /// The object of which an object is a copy, or itself.
    pub fn original_of(&self, object: u32) -> u32 {
        if self.is_copy(object) { self.first_of(object) } else { object }
    }

    /// Whether two objects of one identity are the same.
    pub fn are_same(&self, one: &Object<'_>, other: &Object<'_>) -> bool {
        let (one_of, other_of) = (self.original_of(one.number), self.original_of(other.number));
        let first = self.first_of(one.number);
        one_of == other_of || one_of != first && other_of != first && is_same(one, other)
    }

    /// The first of those that bear an object's identity: the one that references lead to.
    pub fn first_of(&self, object: u32) -> u32 {
        self.of_object(object).and_then(|twins| twins.first().copied()).unwrap_or(object)
    }
}

/// For each object: by what it is known that others stand in the very same text, at the same place. Twins stand far from one
/// another, and mostly this is all that has to be looked at.
struct Texts(Vec<Option<(SharedText, u32)>>);

impl Texts {
    fn of(release: &Release<'_>) -> Self {
        let text = |object: &Object<'_>| Some((object.root.document().shared_text()?, object.root.index()));
        let parts = threads::in_parts(&release.objects, release.threads(), DOCUMENTS_PER_THREAD, |_, objects| {
            objects.iter().map(text).collect::<Vec<_>>()
        });
        Self(threads::in_one(parts))
    }

    fn of_object(&self, object: u32) -> Option<(SharedText, u32)> {
        self.0.get(object as usize).copied().flatten()
    }

    /// Whether two objects stand at one place of one text.
    fn are_same(&self, one: u32, other: u32) -> bool {
        self.of_object(one).is_some_and(|text| self.of_object(other) == Some(text))
    }
}

/// The twins among objects that share a hash.
fn among(release: &Release<'_>, texts: &Texts, run: &[(u32, u32)], all: &mut Vec<Vec<u32>>) {
    let object = |number: u32| release.objects.get(number as usize);
    let Some((first, others)) = run.split_first() else { return };
    let is_twin = |other: u32| {
        let both = || Some(release.same_identity(object(first.1)?, object(other)?));
        texts.are_same(first.1, other) || both().unwrap_or_default()
    };
    // Nearly always they bear one identity.
    if object(first.1).is_some_and(|first| !first.name.is_empty()) && others.iter().all(|(_, other)| is_twin(*other)) {
        all.push(run.iter().map(|(_, number)| *number).collect());
        return;
    }
    let mut left: Vec<&Object<'_>> = run.iter().filter_map(|(_, number)| object(*number)).collect();
    while let Some(first) = left.first().copied() {
        let (same, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|other| release.same_identity(first, other));
        if same.len() > 1 && !first.name.is_empty() {
            all.push(same.iter().map(|object| object.number).collect());
        }
        left = others;
    }
}

/// Those of some twins that are the same as the first.
fn copies(release: &Release<'_>, texts: &Texts, twins: &[u32]) -> impl Iterator<Item = u32> {
    let object = |number: u32| release.objects.get(number as usize);
    // By their texts: many may have one and the same.
    let mut known: FxHashMap<(SharedText, u32), bool> = FxHashMap::default();
    let mut is_copy = move |first: u32, other: u32| {
        let looked_at = || object(first).zip(object(other)).is_some_and(|(first, other)| is_same(first, other));
        match texts.of_object(other) {
            Some(_) if texts.are_same(first, other) => true,
            Some(text) => *known.entry(text).or_insert_with(looked_at),
            None => looked_at(),
        }
    };
    let (first, others) = twins.split_first().map_or((0, &[][..]), |(first, others)| (*first, others));
    others.iter().copied().filter(move |other| is_copy(first, *other))
}

/// Whether a server reads the same from two objects.
fn is_same(one: &Object<'_>, other: &Object<'_>) -> bool {
    differing_paths(one, other, 1).is_empty()
}

/// The first `most` paths at which two objects differ; the mark of origin does not count.
pub fn differing_paths(one: &Object<'_>, other: &Object<'_>, most: usize) -> Vec<String> {
    if one.root.index() == other.root.index() && one.root.document().has_text_of(other.root.document()) {
        return Vec::new();
    }
    let mut origin = "metadata.annotations".to_owned();
    push_key(&mut origin, HELM4_ORIGIN);
    let mut paths = Vec::new();
    differences(one.root, other.root, &|path| path == origin, most, &mut paths);
    paths
}
