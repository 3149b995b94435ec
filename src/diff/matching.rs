//! Which object of the new release is which of the old one: by identity, else by content, else because the same reference
//! now names it.
//!
//! A template under a new name is a rotation, not a removal and an addition; only here is decided what belongs together.

use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use serde_json::Value as Json;

use super::noise;
use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;
use crate::threads;

/// An object before and after; one side may be absent.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'r, 'a> {
    /// In the old release.
    pub old: Option<&'r Object<'a>>,
    /// In the new release.
    pub new: Option<&'r Object<'a>>,
    /// Whether the two sides differ; found out after matching.
    pub is_changed: bool,
}

impl<'r, 'a> Pair<'r, 'a> {
    /// Whether both sides are there under different names.
    pub fn is_renamed(&self) -> bool {
        matches!((self.old, self.new), (Some(old), Some(new)) if old.name != new.name)
    }

    /// The object itself, after the change where it is still there.
    pub fn object(&self) -> Option<&'r Object<'a>> {
        self.new.or(self.old)
    }

    /// Both sides, where the object keeps its identity: what the server sees as an update.
    pub fn update(&self) -> Option<(&'r Object<'a>, &'r Object<'a>)> {
        Some((self.old?, self.new?)).filter(|_| !self.is_renamed())
    }
}

/// Objects below which a further thread costs more than it brings.
const OBJECTS_PER_THREAD: usize = 2000;

/// All pairs: in the order of the new release, then what is gone in the order of the old one. Of objects of one identity the
/// last counts.
pub fn pairs<'r, 'a>(old: &'r Release<'a>, new: &'r Release<'a>, jobs: usize) -> Vec<Pair<'r, 'a>> {
    // For each old object the new one that it becomes; the outer `None` is for those that a later one stands in for.
    let partners = threads::in_parts(&old.objects, jobs, OBJECTS_PER_THREAD, |_, objects| {
        let is_last = |object: &Object<'a>| old.last_of(old, object) == Some(object.number);
        objects.iter().map(|object| is_last(object).then(|| new.last_of(old, object))).collect::<Vec<_>>()
    });
    let mut partner: Vec<Option<u32>> = vec![None; new.objects.len()];
    let mut removed: HashSet<u32> = HashSet::new();
    for (number, other) in (0_u32..).zip(partners.into_iter().flatten()) {
        match other {
            Some(Some(other)) => partner[other as usize] = Some(number),
            Some(None) => drop(removed.insert(number)),
            None => {}
        }
    }
    let is_last = threads::in_parts(&new.objects, jobs, OBJECTS_PER_THREAD, |_, objects| {
        objects.iter().map(|object| new.last_of(new, object) == Some(object.number)).collect::<Vec<_>>()
    });
    let is_last = is_last.concat();
    let is_last = |object: &Object<'_>| is_last.get(object.number as usize) == Some(&true);
    let added: HashSet<u32> = new
        .objects
        .iter()
        .filter(|object| partner[object.number as usize].is_none() && is_last(object))
        .map(|object| object.number)
        .collect();
    let mut renames = Renames { old, new, removed, added, partner };
    // References are exact; content alone may fit several where a fleet has many of the same.
    renames.by_reference();
    renames.by_content();
    renames.by_reference();
    let Renames { removed, partner, .. } = renames;
    let kept = new.objects.iter().filter(|object| is_last(object)).map(|object| Pair {
        old: partner[object.number as usize].and_then(|number| old.objects.get(number as usize)),
        new: Some(object),
        is_changed: false,
    });
    let gone = sorted(&removed);
    let gone = gone.iter().filter_map(|number| old.objects.get(*number as usize)).map(|object| Pair {
        old: Some(object),
        new: None,
        is_changed: true,
    });
    kept.chain(gone).collect()
}

struct Renames<'r, 'a> {
    old: &'r Release<'a>,
    new: &'r Release<'a>,
    removed: HashSet<u32>,
    added: HashSet<u32>,
    /// Of each new object, the old one.
    partner: Vec<Option<u32>>,
}

impl Renames<'_, '_> {
    fn take(&mut self, old: u32, new: u32) {
        self.partner[new as usize] = Some(old);
        self.removed.remove(&old);
        self.added.remove(&new);
    }

    /// The same content under another name.
    fn by_content(&mut self) {
        if self.removed.is_empty() || self.added.is_empty() {
            return;
        }
        let mut known: HashMap<u64, Vec<u32>> = HashMap::new();
        for number in sorted(&self.removed).iter().rev() {
            if let Some(object) = self.old.objects.get(*number as usize).filter(|object| may_be_renamed(object)) {
                known.entry(fingerprint(self.old, object)).or_default().push(*number);
            }
        }
        let mut found = HashMap::new();
        for number in &sorted(&self.added) {
            let Some(object) = self.new.objects.get(*number as usize).filter(|object| may_be_renamed(object)) else {
                continue;
            };
            if let Some(old) = known.get_mut(&fingerprint(self.new, object)).and_then(Vec::pop) {
                found.insert(old, *number);
            }
        }
        for (old, new) in found {
            self.take(old, new);
        }
    }

    /// The same field of the same object named one that is gone and names one that is new: a rotation with other content.
    fn by_reference(&mut self) {
        let mut queue: Vec<(u32, u32)> =
            self.partner.iter().enumerate().filter_map(|(new, old)| Some(((*old)?, new as u32))).collect();
        while let Some((old, new)) = queue.pop() {
            if self.removed.is_empty() || self.added.is_empty() {
                return;
            }
            for (from, to) in self.redirected(old, new) {
                if self.removed.contains(&from) && self.added.contains(&to) {
                    self.take(from, to);
                    queue.push((from, to));
                }
            }
        }
    }

    /// The targets of references that stand at the same path and name something else than before.
    fn redirected(&self, old: u32, new: u32) -> Vec<(u32, u32)> {
        let (Some(before), Some(after)) = (self.old.objects.get(old as usize), self.new.objects.get(new as usize))
        else {
            return Vec::new();
        };
        let targets: HashMap<String, u32> = before
            .references()
            .filter_map(|reference| {
                let target = self.old.resolve(before, &reference)?;
                Some((before.path(reference.value.index()), target.number))
            })
            .collect();
        if targets.is_empty() {
            return Vec::new();
        }
        let redirected = after.references().filter_map(|reference| {
            let target = self.new.resolve(after, &reference)?;
            let from = *targets.get(&flattened(&after.path(reference.value.index()), &targets))?;
            let same_kind = self.old.objects.get(from as usize)?.is(target.group(), &target.kind);
            same_kind.then_some((from, target.number))
        });
        redirected.collect()
    }
}

/// v1beta2 put a control plane's infrastructure reference one level deeper.
fn flattened(path: &str, known: &HashMap<String, u32>) -> String {
    let other = path.replace("machineTemplate.spec.infrastructureRef", "machineTemplate.infrastructureRef");
    let deeper = path.replace("machineTemplate.infrastructureRef", "machineTemplate.spec.infrastructureRef");
    [path.to_owned(), other, deeper].into_iter().find(|path| known.contains_key(path)).unwrap_or_default()
}

/// In the order of the release, so that the result does not depend on chance.
fn sorted(numbers: &HashSet<u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = numbers.iter().copied().collect();
    numbers.sort_unstable();
    numbers
}

/// Clusters and namespaces are what they are called.
fn may_be_renamed(object: &Object<'_>) -> bool {
    !object.is(CLUSTER_GROUP, "Cluster") && !object.is("", "Namespace") && !object.is_hook()
}

/// A hash of everything but the name and noise.
fn fingerprint(release: &Release<'_>, object: &Object<'_>) -> u64 {
    let mut tree = object.root.to_json();
    noise::strip(&mut tree);
    super::json::remove(&mut tree, &["metadata", "name"]);
    let mut hasher = FxHasher::default();
    release.namespace_of(object).hash(&mut hasher);
    hash(&tree, &mut hasher);
    hasher.finish()
}

/// A hash that does not depend on the order of keys.
fn hash(value: &Json, hasher: &mut FxHasher) {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<(&String, &Json)> = map.iter().filter(|(_, value)| !value.is_null()).collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            entries.len().hash(hasher);
            for (key, value) in entries {
                key.hash(hasher);
                hash(value, hasher);
            }
        }
        Json::Array(list) => {
            list.len().hash(hasher);
            for value in list {
                hash(value, hasher);
            }
        }
        other => other.to_string().hash(hasher),
    }
}
