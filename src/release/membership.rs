//! To which cluster each object belongs.
//!
//! A Cluster belongs to itself; an object that says so (`spec.clusterName`, the label `cluster.x-k8s.io/cluster-name`)
//! belongs to the one it names; everything else to whatever reaches it through references. Reached by several: shared; by
//! none: unassigned. What an object says of itself is never overruled by who refers to it.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::Release;
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object};
use crate::threads;

/// A cluster of the run: named by its Cluster object, or only by objects that say they belong to it.
#[derive(Clone, Debug)]
pub struct Cluster<'a> {
    /// The namespace; as the run's default has it where the object names none.
    pub namespace: Cow<'a, str>,
    /// The name.
    pub name: Cow<'a, str>,
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
    fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unassigned, known) | (known, Self::Unassigned) => known,
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Shared,
        }
    }
}

/// The name of the cluster that an object says it belongs to.
pub fn stated_cluster<'a>(object: &Object<'a>) -> Option<Cow<'a, str>> {
    if object.is(CLUSTER_GROUP, "Cluster") {
        return Some(object.name.clone()).filter(|name| !name.is_empty());
    }
    let field = object.spec().and_then(|spec| spec.get("clusterName")?.as_str());
    field.or_else(|| object.label(CLUSTER_NAME_LABEL)).filter(|name| !name.is_empty())
}

/// Objects below which a further thread costs more than it brings.
const OBJECTS_PER_THREAD: usize = 2000;

/// What some of the objects say: of each the cluster it names, and whom they refer to.
struct Said<'a> {
    clusters: Vec<Option<Cow<'a, str>>>,
    /// Object and object that it refers to; ascending by the first.
    references: Vec<(u32, u32)>,
}

impl<'a> Said<'a> {
    fn by(objects: &[Object<'a>], release: &Release<'a>) -> Self {
        let clusters = objects.iter().map(|object| stated_cluster(object).filter(|_| !object.is_hook())).collect();
        let targets = |object: &Object<'a>| {
            let targets = object.references().filter_map(|reference| Some(release.resolve(object, &reference)?.number));
            targets.map(|target| (object.number, target)).collect::<Vec<_>>()
        };
        Self { clusters, references: objects.iter().flat_map(targets).collect() }
    }
}

/// The clusters of a release, and the membership of each of its objects.
pub fn assign<'a>(release: &Release<'a>, jobs: usize) -> (Vec<Cluster<'a>>, Vec<Membership>) {
    let said =
        threads::in_parts(&release.objects, jobs, OBJECTS_PER_THREAD, |_, objects| Said::by(objects, release));
    let mut clusters: Vec<Cluster<'a>> = Vec::new();
    let mut numbers: FxHashMap<(Cow<'a, str>, Cow<'a, str>), u32> = FxHashMap::default();
    let mut membership = vec![Membership::Unassigned; release.objects.len()];
    let mut queue: Vec<u32> = Vec::new();
    let mut references: Vec<(u32, u32)> = Vec::new();
    let mut names = Vec::with_capacity(release.objects.len());
    for part in said {
        references.extend(part.references);
        names.extend(part.clusters);
    }
    for (object, name) in release.objects.iter().zip(names) {
        let Some(name) = name else { continue };
        let namespace: Cow<'a, str> = object.namespace.clone().unwrap_or_else(|| release.namespace.clone().into());
        let number = *numbers.entry((namespace.clone(), name.clone())).or_insert_with(|| {
            clusters.push(Cluster { namespace, name, object: None });
            clusters.len() as u32 - 1
        });
        if object.is(CLUSTER_GROUP, "Cluster") {
            clusters[number as usize].object.get_or_insert(object.number);
        }
        membership[object.number as usize] = Membership::One(number);
        queue.push(object.number);
    }
    let stated: Vec<bool> = membership.iter().map(|member| *member != Membership::Unassigned).collect();
    while let Some(number) = queue.pop() {
        let known = membership[number as usize];
        let from = references.partition_point(|(from, _)| *from < number);
        for (_, target) in references.iter().skip(from).take_while(|(from, _)| *from == number) {
            let target = *target as usize;
            let merged = membership[target].merge(known);
            if !stated[target] && merged != membership[target] {
                membership[target] = merged;
                queue.push(target as u32);
            }
        }
    }
    (clusters, membership)
}
