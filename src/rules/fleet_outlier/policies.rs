//! Policies that all clusters of a group have but a few: add-ons by label, and objects of the same name in each cluster or its
//! namespace.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::view::{ClusterView, View};
use super::{FLEET_OUTLIER, most_odd};
use crate::object::Object;
use crate::release::Membership;
use crate::report::Finding;

/// Kinds that are policies, by group.
const POLICIES: &[(&str, &str)] = &[
    ("networking.k8s.io", "NetworkPolicy"),
    ("cilium.io", "CiliumNetworkPolicy"),
    ("addons.cluster.x-k8s.io", "ClusterResourceSet"),
    ("addons.cluster.x-k8s.io", "HelmChartProxy"),
    ("", "ResourceQuota"),
    ("", "LimitRange"),
];

const HELP: &str = "as the others have it, or an ignore with the reason";

/// Compares the policies of the clusters of each group.
pub fn compare(view: &View<'_, '_>, groups: &[&Vec<usize>], out: &mut Vec<Finding>) {
    let mut group_of: FxHashMap<usize, usize> = FxHashMap::default();
    for (group, members) in groups.iter().enumerate() {
        group_of.extend(members.iter().map(|cluster| (*cluster, group)));
    }
    addons(view, groups, &group_of, out);
    objects(view, groups, &group_of, out);
}

/// Add-ons that select nearly all clusters of a group.
fn addons(view: &View<'_, '_>, groups: &[&Vec<usize>], group_of: &FxHashMap<usize, usize>, out: &mut Vec<Finding>) {
    for addon in &view.addons {
        let mut selected: BTreeMap<usize, FxHashSet<usize>> = BTreeMap::new();
        for cluster in &addon.clusters {
            if let Some(group) = group_of.get(cluster) {
                selected.entry(*group).or_default().insert(*cluster);
            }
        }
        for (group, selected) in selected {
            let Some(members) = groups.get(group) else { continue };
            if selected.len() == members.len() || members.len() - selected.len() > most_odd(members.len()) {
                continue;
            }
            for cluster in odd(view, members, &selected) {
                let Some(object) = cluster.object else { continue };
                let message = format!(
                    "{} '{}' selects the {} others of its group and not cluster '{}'",
                    addon.object.kind,
                    addon.object.name,
                    selected.len(),
                    cluster.cluster.name
                );
                let finding = object.missing(&FLEET_OUTLIER, &["metadata", "labels"], message);
                let keys: Vec<&str> = addon.selector.keys().collect();
                out.push(
                    finding.suggest(format!(
                        "the labels it selects by ({}), or an ignore with the reason",
                        keys.join(", ")
                    )),
                );
            }
        }
    }
}

fn odd<'r, 'v, 'a>(
    view: &'r View<'v, 'a>,
    members: &'r [usize],
    usual: &'r FxHashSet<usize>,
) -> impl Iterator<Item = &'r ClusterView<'v, 'a>> {
    members.iter().filter(|cluster| !usual.contains(cluster)).filter_map(|cluster| view.clusters.get(*cluster))
}

/// What each cluster of a group has under one name: clusters by content.
type Contents<'v, 'a> = BTreeMap<String, Vec<(usize, &'v Object<'a>)>>;

/// Policies that each cluster has for itself.
fn objects(view: &View<'_, '_>, groups: &[&Vec<usize>], group_of: &FxHashMap<usize, usize>, out: &mut Vec<Finding>) {
    let mut slots: BTreeMap<(usize, String), Contents<'_, '_>> = BTreeMap::new();
    let owners = Owners::new(view);
    for object in view.of_kinds(|group, kind| POLICIES.contains(&(group, kind))) {
        let Some(number) = owners.of(view, object) else { continue };
        let (Some(cluster), Some(group)) = (view.clusters.get(number), group_of.get(&number)) else { continue };
        let general = |text: &str| {
            let text = text.replace(&*cluster.cluster.name, "{cluster}");
            match &*cluster.cluster.namespace {
                "" => text,
                namespace => text.replace(namespace, "{namespace}"),
            }
        };
        let slot = format!("{} '{}'", object.kind, general(&object.name));
        let content = general(&object.spec().map(|spec| spec.to_json().to_string()).unwrap_or_default());
        slots.entry((*group, slot)).or_default().entry(content).or_default().push((number, object));
    }
    for ((group, slot), contents) in &slots {
        if let Some(members) = groups.get(*group) {
            judge(view, members, slot, contents, out);
        }
    }
}

fn judge(view: &View<'_, '_>, members: &[usize], slot: &str, contents: &Contents<'_, '_>, out: &mut Vec<Finding>) {
    let Some((usual, followers)) = contents.iter().max_by_key(|(text, said)| (said.len(), std::cmp::Reverse(*text)))
    else {
        return;
    };
    let have: FxHashSet<usize> = contents.values().flatten().map(|(cluster, _)| *cluster).collect();
    let most_odd = most_odd(members.len());
    let all_but = |all: usize, part: usize| all.saturating_sub(part) > most_odd;
    if all_but(members.len(), have.len()) || all_but(have.len(), followers.len()) {
        return;
    }
    for (cluster, object) in contents.iter().filter(|(text, _)| *text != usual).flat_map(|(_, said)| said) {
        let Some(cluster) = view.clusters.get(*cluster) else { continue };
        let Some(place) = object.spec().or_else(|| object.root.get("kind")) else { continue };
        // A short name may stand in a text by chance: word for word the same is the same.
        if followers.iter().any(|(_, other)| other.spec().is_some_and(|spec| spec.raw() == place.raw())) {
            continue;
        }
        let message = format!(
            "cluster '{}' has another {slot} than the {} others of its group",
            cluster.cluster.name,
            followers.len()
        );
        let finding = Finding::new(&FLEET_OUTLIER, message).at(object.key_place(place));
        out.push(finding.suggest(HELP));
    }
    for cluster in odd(view, members, &have) {
        let Some(object) = cluster.object else { continue };
        let Some(name) = object.at(&["metadata", "name"]) else { continue };
        let message = format!(
            "cluster '{}' has no {slot}, which the {} others of its group have",
            cluster.cluster.name,
            have.len()
        );
        out.push(object.finding(&FLEET_OUTLIER, name, message).suggest(HELP));
    }
}

/// Whose a policy is: the cluster it says it belongs to, or the only one of its namespace.
struct Owners<'v> {
    of_namespace: FxHashMap<&'v str, Option<usize>>,
}

impl<'v> Owners<'v> {
    fn new(view: &View<'v, '_>) -> Self {
        let mut of_namespace: FxHashMap<&str, Option<usize>> = FxHashMap::default();
        for (number, cluster) in view.clusters.iter().enumerate().filter(|(_, cluster)| cluster.object.is_some()) {
            let namespace = &*cluster.cluster.namespace;
            of_namespace.entry(namespace).and_modify(|only| *only = None).or_insert(Some(number));
        }
        of_namespace.remove("");
        Self { of_namespace }
    }

    fn of(&self, view: &View<'_, '_>, object: &Object<'_>) -> Option<usize> {
        match view.release.membership().get(object.number as usize) {
            Some(Membership::One(cluster)) => Some(*cluster as usize),
            Some(Membership::Shared) | None => None,
            Some(Membership::Unassigned) => *self.of_namespace.get(view.release.namespace_of(object))?,
        }
    }
}
