//! To which cluster each object belongs.
//!
//! A Cluster belongs to itself; an object that says so (`spec.clusterName`, the label `cluster.x-k8s.io/cluster-name`)
//! belongs to the one it names; everything else to whatever reaches it through references. Reached by several: shared; by
//! none: unassigned. What an object says of itself is never overruled by who refers to it.

use std::collections::BTreeSet;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::{Link, Release, Twins};
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object, Text};
use crate::threads;

/// A cluster of the run: named by its Cluster object, or only by objects that say they belong to it.
#[derive(Clone, Debug)]
pub struct Cluster<'a> {
    /// The namespace; as the run's default has it where the object names none.
    pub namespace: Text<'a>,
    /// The name.
    pub name: Text<'a>,
    /// Its Cluster object, the first of that name; `None` where only others speak of it.
    pub object: Option<u32>,
}

/// To which cluster an object belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// No cluster says or reaches it.
    #[default]
    Unassigned,
    /// Exactly one: its index in `Release::clusters`.
    One(u32),
    /// Several reach it.
    Shared,
}

impl Membership {
    /// The one cluster it belongs to, as an index into `Release::clusters`.
    pub fn one(&self) -> Option<usize> {
        match self {
            Self::One(cluster) => Some(*cluster as usize),
            Self::Unassigned | Self::Shared => None,
        }
    }

    fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unassigned, known) | (known, Self::Unassigned) => known,
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Shared,
        }
    }
}

/// The name of the cluster that an object says it belongs to.
pub fn stated_cluster<'a>(object: &Object<'a>) -> Option<Text<'a>> {
    if object.is(CLUSTER_GROUP, "Cluster") {
        return Some(object.name.clone()).filter(|name| !name.is_empty());
    }
    let text = |keys| object.at(keys).and_then(|value| value.as_str()).map(Text::from);
    let field = text(&["spec", "clusterName"]);
    field.or_else(|| text(&["metadata", "labels", CLUSTER_NAME_LABEL])).filter(|name| !name.is_empty())
}

/// What an object says of its cluster.
pub struct Stated<'a> {
    object: u32,
    is_cluster: bool,
    name: Text<'a>,
    /// The object's own; empty where it names none. It stands here so that nobody has to look for the object.
    namespace: Text<'a>,
}

impl<'a> Stated<'a> {
    /// What an object says; `None` where it says nothing, and for hooks, which Helm runs apart.
    pub fn by(object: &Object<'a>) -> Option<Self> {
        let name = stated_cluster(object)?;
        let is_cluster = object.is(CLUSTER_GROUP, "Cluster");
        let stated = Self { object: object.number, is_cluster, name, namespace: object.namespace.clone() };
        (!object.is_hook()).then_some(stated)
    }

    /// Says it of the object whose number is greater by so much; by what wraps around, where it is smaller.
    pub fn move_by(&mut self, by: u32) {
        self.object = self.object.wrapping_add(by);
    }
}

/// The clusters of a release, and the membership of each of its objects, as if some were not there, of which another one stands
/// in the release: who refers to them refers to that.
pub fn assign_without<'a>(
    release: &Release<'a>,
    gone: &BTreeSet<u32>,
    jobs: usize,
) -> (Vec<Cluster<'a>>, Vec<Membership>) {
    let stays = |object: &&Object<'a>| !gone.contains(&object.number);
    let parts = threads::in_parts(&release.objects, jobs, super::DOCUMENTS_PER_THREAD, |_, objects| {
        objects.iter().filter(stays).filter_map(Stated::by).collect::<Vec<_>>()
    });
    let (clusters, mut membership) = stated(parts, release.objects.len(), release.namespace());
    spread(release, gone, &mut membership);
    (clusters, membership)
}

/// Gives what says nothing of itself to whatever reaches it through references, without those that are `gone`. Who refers to an
/// object refers to all that bear its identity: a reference cannot tell them apart.
pub fn spread(release: &Release<'_>, gone: &BTreeSet<u32>, membership: &mut [Membership]) {
    let is_stated: Vec<bool> = membership.iter().map(|member| *member != Membership::Unassigned).collect();
    let twins = release.twins();
    let staying = Staying::of(twins, gone);
    // What was reached, and refers to others itself.
    let mut queue: Vec<u32> = Vec::new();
    let reach = |target: u32, known: Membership, membership: &mut [Membership], queue: &mut Vec<u32>| {
        let Some(first) = staying.first(target) else { return };
        let merged = membership[first as usize].merge(known);
        if is_stated[first as usize] || merged == membership[first as usize] {
            return;
        }
        let alone = [first];
        let bearers = twins.of_object(first).unwrap_or(&alone);
        for bearer in bearers.iter().filter(|bearer| !is_stated[**bearer as usize] && !gone.contains(bearer)) {
            membership[*bearer as usize] = merged;
            let original = twins.original_of(*bearer);
            if release.has_links(original) {
                queue.push(original);
            }
        }
    };
    for link in &release.links {
        let number = staying.speaker(link.from);
        if let Some(target) = link.target().filter(|_| link.is_exact && is_stated[number as usize]) {
            reach(target, membership[number as usize], membership, &mut queue);
        }
    }
    while let Some(number) = queue.pop() {
        let known = membership[staying.speaker(number) as usize];
        for target in release.links_from(number).iter().filter(|link| link.is_exact).filter_map(Link::target) {
            reach(target, known, membership, &mut queue);
        }
    }
}

/// Which of the objects that bear one identity stay.
struct Staying<'t> {
    twins: &'t Twins,
    /// For each identity that several bear: the first that stays, and the first that stays of those that are the same as its first.
    firsts: Vec<[Option<u32>; 2]>,
}

impl<'t> Staying<'t> {
    fn of(twins: &'t Twins, gone: &BTreeSet<u32>) -> Self {
        let firsts = twins.all().iter().map(|bearers| {
            let mut stay = bearers.iter().copied().filter(|bearer| !gone.contains(bearer));
            let first = stay.next();
            let is_original = |bearer: &u32| bearers.first() == Some(&twins.original_of(*bearer));
            [first, first.into_iter().chain(stay).find(is_original)]
        });
        Self { twins, firsts: firsts.collect() }
    }

    /// The first that stays of those that bear an object's identity.
    fn first(&self, object: u32) -> Option<u32> {
        self.twins.identity_of(object).map_or(Some(object), |identity| self.firsts[identity][0])
    }

    /// Who refers to what an object refers to: the object itself, or where it is gone a copy of it that stays.
    fn speaker(&self, object: u32) -> u32 {
        let identity = self.twins.identity_of(object).filter(|_| self.twins.first_of(object) == object);
        identity.and_then(|identity| self.firsts[identity][1]).unwrap_or(object)
    }
}

/// The clusters of each name, in order; mostly it is one.
struct Numbers<'a> {
    firsts: FxHashMap<Text<'a>, u32>,
    /// By the first of their name.
    others: FxHashMap<u32, Vec<u32>>,
}

impl Numbers<'_> {
    fn with_room(clusters: usize) -> Self {
        Self { firsts: FxHashMap::with_capacity_and_hasher(clusters, FxBuildHasher), others: FxHashMap::default() }
    }

    /// All clusters that bear the name of one, which is the first of them.
    fn namesakes(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::once(first).chain(self.others.get(&first).into_iter().flatten().copied())
    }
}

/// The clusters that objects say they belong to, and the membership of so many objects as far as they say it. `default_namespace`
/// is what an absent one means.
pub fn stated<'a>(
    parts: Vec<Vec<Stated<'a>>>,
    objects: usize,
    default_namespace: &str,
) -> (Vec<Cluster<'a>>, Vec<Membership>) {
    // Mostly each cluster has its object.
    let room = parts.iter().flatten().filter(|stated| stated.is_cluster).count();
    let mut clusters: Vec<Cluster<'a>> = Vec::with_capacity(room);
    let mut numbers = Numbers::with_room(room);
    let mut membership = vec![Membership::Unassigned; objects];
    let mut last = 0;
    for Stated { object, is_cluster, name, namespace } in parts.into_iter().flatten() {
        let own = if namespace.is_empty() { default_namespace } else { &*namespace };
        // Charts render kind by kind: mostly it is the same cluster again, or the next one.
        let expected = [last, last + 1].into_iter().find(|number| {
            let cluster = clusters.get(*number as usize);
            cluster.is_some_and(|cluster| cluster.name == name && cluster.namespace == own)
        });
        let number = expected.unwrap_or_else(|| {
            let next = clusters.len() as u32;
            let first = *numbers.firsts.entry(name.clone()).or_insert(next);
            if first != next {
                let is_own = |number: &u32| clusters[*number as usize].namespace == own;
                if let Some(number) = numbers.namesakes(first).find(is_own) {
                    return number;
                }
                numbers.others.entry(first).or_default().push(next);
            }
            let is_own = !namespace.is_empty();
            let namespace = if is_own { namespace.clone() } else { super::placed(default_namespace).into() };
            clusters.push(Cluster { namespace, name, object: None });
            next
        });
        last = number;
        if is_cluster {
            clusters[number as usize].object.get_or_insert(object);
        }
        membership[object as usize] = Membership::One(number);
    }
    if default_namespace.is_empty() {
        join_unnamed(&numbers, &mut clusters, &mut membership);
    }
    (clusters, membership)
}

/// Objects without a namespace land where the release is installed, which nobody told us. Where the release has one other
/// cluster of the name, in a namespace that is written out, that is where they belong; two Cluster objects stay apart.
fn join_unnamed<'a>(numbers: &Numbers<'a>, clusters: &mut Vec<Cluster<'a>>, membership: &mut [Membership]) {
    let mut joined: FxHashMap<u32, u32> = FxHashMap::default();
    for first in numbers.others.keys() {
        let (unnamed, named): (Vec<u32>, Vec<u32>) =
            numbers.namesakes(*first).partition(|number| clusters[*number as usize].namespace.is_empty());
        let (&[unnamed], &[named]) = (&*unnamed, &*named) else { continue };
        let of_unnamed = clusters[unnamed as usize].object;
        let of_named = &mut clusters[named as usize].object;
        if of_unnamed.is_some() && of_named.is_some() {
            continue;
        }
        *of_named = of_named.or(of_unnamed);
        joined.insert(unnamed, named);
    }
    if joined.is_empty() {
        return;
    }
    // The numbers close up over the clusters that are gone.
    let mut renumbered: Vec<u32> = Vec::with_capacity(clusters.len());
    let mut next = 0;
    for number in 0..clusters.len() as u32 {
        renumbered.push(next);
        next += u32::from(!joined.contains_key(&number));
    }
    for member in membership {
        if let Membership::One(number) = member {
            let kept = joined.get(number).unwrap_or(number);
            *number = renumbered[*kept as usize];
        }
    }
    let mut number = 0;
    clusters.retain(|_| {
        number += 1;
        !joined.contains_key(&(number - 1))
    });
}
