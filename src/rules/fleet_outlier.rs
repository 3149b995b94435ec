//! Clusters that are not like the others of their group.

mod policies;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::view::{ClusterView, View};
use crate::config::Preset;
use crate::object::{CLUSTER_GROUP, Object};
use crate::report::Finding;
use crate::yaml::Value;

crate::rule! {
    /// A cluster differs in a field or a policy that all others of its group share.
    ///
    /// A group is the clusters of one environment, class, and kind of control plane and infrastructure. Where nearly all of them say
    /// the same, and one says something else, somebody changed it by hand, or forgot it: it is the cluster on which the next upgrade
    /// behaves differently.
    ///
    /// Compared are the Cluster, its control plane and infrastructure, its worker groups (of the same name but for the cluster's) and
    /// the templates of all of them. Names, address ranges, endpoints, labels, places and the number of workers differ by nature and
    /// are not looked at; a value that holds the cluster's own name is compared without it. A group needs five clusters, and at most
    /// a tenth of them (at least one) may differ.
    ///
    /// Policies are compared too: ClusterResourceSets and HelmChartProxies that select all of them but a few; and
    /// NetworkPolicies, ResourceQuotas, LimitRanges and add-ons of the same name, of which each cluster, or the namespace that it
    /// has for itself, has its own.
    ///
    /// Silent unless the settings say `extends: fleet`.
    ///
    /// ## Example
    ///
    /// Nine clusters of `prod` with `serviceDomain: cluster.local`, and one with `serviceDomain: k8s.local`.
    ///
    /// ## Fix
    ///
    /// The value of the others; or an ignore in the settings with the reason why this one is special.
    pub FLEET_OUTLIER = "fleet-outlier", Warning, Advice;
}

/// Clusters from which on one can speak of a majority.
const LEAST: usize = 5;

/// Fields that differ by nature.
const OWN: &[&str] = &[
    "name",
    "cidrBlocks",
    "cidrBlock",
    "controlPlaneEndpoint",
    "labels",
    "annotations",
    "clusterName",
    "host",
    "region",
    "namespace",
    // Where machines are, and what they boot there.
    "failureDomain",
    "failureDomains",
    "ami",
    "subnet",
    // How many workers there are.
    "minSize",
    "maxSize",
];

/// What a cluster says in one field. Field and text are known by their hashes: a fleet says the same thing a thousand times.
struct Leaf<'v, 'a> {
    part: u64,
    field: u64,
    text: u64,
    object: &'v Object<'a>,
    value: Value<'a>,
}

/// What a group says in one field.
#[derive(Clone, Copy, Default)]
struct Field {
    /// Clusters that say anything.
    said: usize,
    /// What most of them say, and how many that are.
    usual: u64,
    followers: usize,
}

impl Field {
    /// Whether only a few say something else, or a few say nothing.
    fn has_odd_ones(&self, members: usize) -> bool {
        let most_odd = most_odd(members);
        let odd = self.said - self.followers;
        odd > 0 && odd <= most_odd && self.followers + most_odd >= members || self.is_missing(members)
    }

    /// Whether all that say anything say the same, and a few say nothing.
    fn is_missing(&self, members: usize) -> bool {
        self.said == self.followers && self.said < members && members - self.said <= most_odd(members)
    }
}

/// Compares the fields of each group of clusters.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    if !view.settings.extends(Preset::Fleet) {
        return;
    }
    let mut groups: BTreeMap<[String; 4], Vec<usize>> = BTreeMap::new();
    for (number, cluster) in view.clusters.iter().enumerate() {
        if cluster.object.is_some() {
            groups.entry(group(cluster)).or_default().push(number);
        }
    }
    let groups: Vec<&Vec<usize>> = groups.values().filter(|members| members.len() >= LEAST).collect();
    for members in &groups {
        compare(view, members, out);
    }
    policies::compare(view, &groups, out);
}

/// How many of a group may differ and still be the odd ones out.
fn most_odd(members: usize) -> usize {
    (members / 10).max(1)
}

fn group(cluster: &ClusterView<'_, '_>) -> [String; 4] {
    let kind = |object: Option<&Object<'_>>| object.map_or_else(String::new, |object| object.kind.to_string());
    let topology = cluster.object.and_then(|object| object.at(&["spec", "topology"]));
    let class = topology.and_then(|topology| topology.get("class").or_else(|| topology.at(&["classRef", "name"])));
    [
        cluster.environment_name.as_deref().unwrap_or_default().to_owned(),
        class.and_then(|class| class.as_str()).unwrap_or_default().into_owned(),
        kind(cluster.control_plane),
        kind(cluster.infrastructure),
    ]
}

fn compare(view: &View<'_, '_>, members: &[usize], out: &mut Vec<Finding>) {
    let mut fields: FxHashMap<u64, Field> = FxHashMap::default();
    let mut texts: FxHashMap<(u64, u64), usize> = FxHashMap::default();
    each_leaf(view, members, |_, leaf| {
        let count = texts.entry((leaf.field, leaf.text)).or_default();
        *count += 1;
        let field = fields.entry(leaf.field).or_default();
        field.said += 1;
        if *count > field.followers {
            (field.usual, field.followers) = (leaf.text, *count);
        }
    });
    fields.retain(|_, field| field.has_odd_ones(members.len()));
    if fields.is_empty() {
        return;
    }
    let mut odd: Vec<(usize, Leaf<'_, '_>)> = Vec::new();
    let mut usual: FxHashMap<u64, Leaf<'_, '_>> = FxHashMap::default();
    let mut have: FxHashMap<u64, FxHashSet<usize>> = FxHashMap::default();
    each_leaf(view, members, |cluster, leaf| {
        let Some(field) = fields.get(&leaf.field) else { return };
        if field.is_missing(members.len()) {
            have.entry(leaf.field).or_default().insert(cluster);
        }
        if leaf.text == field.usual {
            usual.entry(leaf.field).or_insert(leaf);
        } else {
            odd.push((cluster, leaf));
        }
    });
    // A template may serve the control plane and the workers.
    let mut told = FxHashSet::default();
    for (cluster, leaf) in odd.iter().filter(|(_, leaf)| told.insert((leaf.object.number, leaf.value.index()))) {
        let (Some(field), Some(usual)) = (fields.get(&leaf.field), usual.get(&leaf.field)) else { continue };
        // A short name may stand in a text by chance: word for word the same is the same.
        if leaf.value.raw() != usual.value.raw() {
            out.extend(tell(view, *cluster, leaf, usual, field.followers));
        }
    }
    for (field, have) in &have {
        if let Some(usual) = usual.get(field) {
            missing(view, members, have, usual, out);
        }
    }
}

/// What a cluster is made of, each with what it is in every cluster of the group: its kind, or the worker group that it is for.
fn parts<'v, 'a>(view: &View<'v, 'a>, cluster: &ClusterView<'v, 'a>) -> Vec<(u64, &'v Object<'a>)> {
    let mut parts = Vec::new();
    let mut add = |group: &str, owner: &'v Object<'a>| {
        parts.push((part(group, owner), owner));
        let targets = view.release.links_from(owner.number).iter().filter_map(|link| view.object(link.target()?));
        let is_own =
            |object: &&Object<'_>| ["Template", "MachinePool", "Config"].iter().any(|end| object.kind.ends_with(end));
        parts.extend(targets.filter(is_own).map(|object| (part(&format!("{group}/{}", owner.kind), object), object)));
    };
    for object in cluster.object.into_iter().chain(cluster.control_plane).chain(cluster.infrastructure) {
        add("", object);
    }
    for object in cluster.members.iter().filter(|object| is_workers(object)) {
        add(object.name.strip_prefix(&*cluster.cluster.name).unwrap_or(&object.name), object);
    }
    parts
}

fn part(group: &str, object: &Object<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    (group, &*object.kind).hash(&mut hasher);
    hasher.finish()
}

fn is_workers(object: &Object<'_>) -> bool {
    object.group() == CLUSTER_GROUP && matches!(&*object.kind, "MachineDeployment" | "MachinePool")
}

/// Every field of what some clusters are made of.
fn each_leaf<'r, 'v, 'a>(view: &'r View<'v, 'a>, members: &[usize], mut see: impl FnMut(usize, Leaf<'v, 'a>)) {
    for number in members {
        let Some(cluster) = view.clusters.get(*number) else { continue };
        for (part, object) in parts(view, cluster) {
            let mut hasher = FxHasher::default();
            part.hash(&mut hasher);
            if let Some(spec) = object.spec() {
                walk(spec, &hasher, &mut |field, value| {
                    // How many workers a cluster has is its own affair.
                    if !(value.key_is("replicas") && is_workers(object)) {
                        let text = general_hash(value.raw(), &cluster.cluster.name);
                        see(*number, Leaf { part, field, text, object, value });
                    }
                });
            }
        }
    }
}

/// All scalars below a value, with the hashes of their paths; without those that differ by nature.
fn walk<'a>(value: Value<'a>, path: &FxHasher, see: &mut dyn FnMut(u64, Value<'a>)) {
    for (number, child) in value.children().enumerate() {
        let mut path = path.clone();
        match child.key() {
            Some(key) if OWN.contains(&&*key) => continue,
            Some(key) => key.hash(&mut path),
            None => number.hash(&mut path),
        }
        if child.is_map() || child.is_seq() {
            walk(child, &path, see);
        } else {
            see(path.finish(), child);
        }
    }
}

/// The hash of a text, whatever the cluster in it is called.
fn general_hash(text: &str, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    if name.is_empty() {
        text.hash(&mut hasher);
    } else {
        text.split(name).for_each(|part| part.hash(&mut hasher));
    }
    hasher.finish()
}

fn tell(
    view: &View<'_, '_>,
    cluster: usize,
    leaf: &Leaf<'_, '_>,
    usual: &Leaf<'_, '_>,
    followers: usize,
) -> Option<Finding> {
    let name = &view.clusters.get(cluster)?.cluster.name;
    let field = leaf.object.path(leaf.value.index());
    let values = if crate::secrets::hides(leaf.object, &field) {
        String::new()
    } else {
        format!(": {} here, {} there", shorten(leaf.value.raw()), shorten(usual.value.raw()))
    };
    let message = format!("cluster '{name}' differs in {field} from the {followers} others of its group{values}");
    let finding = leaf.object.finding(&FLEET_OUTLIER, leaf.value, message);
    Some(finding.suggest("the value of the others, or an ignore with the reason"))
}

fn missing(
    view: &View<'_, '_>,
    members: &[usize],
    have: &FxHashSet<usize>,
    usual: &Leaf<'_, '_>,
    out: &mut Vec<Finding>,
) {
    let field = usual.object.path(usual.value.index());
    for cluster in
        members.iter().filter(|number| !have.contains(number)).filter_map(|number| view.clusters.get(*number))
    {
        let parts = parts(view, cluster);
        let Some((_, object)) = parts.iter().find(|(part, _)| *part == usual.part) else { continue };
        let message = format!(
            "cluster '{}' has no {field}, which the {} others of its group all set alike",
            cluster.cluster.name,
            have.len()
        );
        let keys: Vec<&str> = field.split('.').collect();
        out.push(
            object
                .missing(&FLEET_OUTLIER, &keys, message)
                .suggest("the value of the others, or an ignore with the reason"),
        );
    }
}

fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() > 40 || line.len() < text.len() {
        format!("{}…", line.chars().take(40).collect::<String>())
    } else {
        line.to_owned()
    }
}
