//! Clusters that are not like the others of their group.

mod policies;

use std::collections::BTreeMap;
use std::fmt::Write;

use rustc_hash::FxHashMap;

use super::view::{ClusterView, View};
use crate::config::Preset;
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::Value;

crate::rule! {
    /// A cluster differs in a field or a policy that all others of its group share.
    ///
    /// A group is the clusters of one environment, class, and kind of control plane and infrastructure. Where nearly all of them say
    /// the same, and one says something else, somebody changed it by hand, or forgot it: it is the cluster on which the next upgrade
    /// behaves differently.
    ///
    /// Names, address ranges, endpoints and labels differ by nature and are not looked at; a value that holds the cluster's own name
    /// is compared without it. A group needs five clusters, and at most a tenth of them (at least one) may differ.
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
];

/// What one cluster says in one field.
struct Said<'v, 'a> {
    cluster: usize,
    object: &'v Object<'a>,
    value: Value<'a>,
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
    // Field to value to who says it. Fields are named by the kind of object, since names differ.
    let mut fields: BTreeMap<String, FxHashMap<String, Vec<Said<'_, '_>>>> = BTreeMap::new();
    for number in members {
        let Some(cluster) = view.clusters.get(*number) else { continue };
        for object in cluster.object.into_iter().chain(cluster.control_plane).chain(cluster.infrastructure) {
            let Some(spec) = object.spec() else { continue };
            let mut leaves = Vec::new();
            collect(spec, &mut format!("{} spec", object.kind), &mut leaves);
            for (path, value) in leaves {
                let text = value.raw().replace(&*cluster.cluster.name, "{cluster}");
                fields.entry(path).or_default().entry(text).or_default().push(Said { cluster: *number, object, value });
            }
        }
    }
    let most_odd = most_odd(members.len());
    for (path, values) in &fields {
        let said: usize = values.values().map(Vec::len).sum();
        let Some((majority, followers)) =
            values.iter().max_by_key(|(text, said)| (said.len(), std::cmp::Reverse(*text)))
        else {
            continue;
        };
        let odd = said - followers.len();
        let field = path.split_once(' ').map_or(path.as_str(), |(_, field)| field);
        if odd > 0 && odd <= most_odd && followers.len() + most_odd >= members.len() {
            for said in values.iter().filter(|(text, _)| *text != majority).flat_map(|(_, said)| said) {
                tell(view, said, field, majority, followers.len(), out);
            }
        } else if odd == 0 && said < members.len() && members.len() - said <= most_odd {
            missing(view, members, followers, (field, majority), out);
        }
    }
}

fn tell(
    view: &View<'_, '_>,
    said: &Said<'_, '_>,
    field: &str,
    majority: &str,
    followers: usize,
    out: &mut Vec<Finding>,
) {
    let Some(cluster) = view.clusters.get(said.cluster) else { return };
    let hidden = crate::secrets::hides(said.object, &said.object.path(said.value.index()));
    let values = if hidden { String::new() } else { format!(": {} here, {majority} there", shorten(said.value.raw())) };
    let message = format!(
        "cluster '{}' differs in {field} from the {followers} others of its group{values}",
        cluster.cluster.name
    );
    out.push(
        said.object
            .finding(&FLEET_OUTLIER, said.value, message)
            .suggest("the value of the others, or an ignore with the reason"),
    );
}

fn missing(
    view: &View<'_, '_>,
    members: &[usize],
    followers: &[Said<'_, '_>],
    what: (&str, &str),
    out: &mut Vec<Finding>,
) {
    let Some(kind) = followers.first().map(|said| &said.object.kind) else { return };
    let have: rustc_hash::FxHashSet<usize> = followers.iter().map(|said| said.cluster).collect();
    for cluster in
        members.iter().filter(|number| !have.contains(number)).filter_map(|number| view.clusters.get(*number))
    {
        let mut objects = cluster.object.into_iter().chain(cluster.control_plane).chain(cluster.infrastructure);
        let Some(object) = objects.find(|object| object.kind == *kind) else { continue };
        let (field, _) = what;
        let message = format!(
            "cluster '{}' has no {field}, which the {} others of its group all set alike",
            cluster.cluster.name,
            followers.len()
        );
        let keys: Vec<&str> = field.split('.').collect();
        out.push(
            object
                .missing(&FLEET_OUTLIER, &keys, message)
                .suggest("the value of the others, or an ignore with the reason"),
        );
    }
}

/// All scalars below a value, with their paths; without those that differ by nature.
fn collect<'a>(value: Value<'a>, path: &mut String, leaves: &mut Vec<(String, Value<'a>)>) {
    let length = path.len();
    for (number, child) in value.children().enumerate() {
        match child.key() {
            Some(key) if OWN.contains(&&*key) => continue,
            Some(key) => {
                path.push('.');
                path.push_str(&key);
            }
            None => {
                let _ = write!(path, "[{number}]");
            }
        }
        if child.scalar().is_some() {
            leaves.push((path.clone(), child));
        } else {
            collect(child, path, leaves);
        }
        path.truncate(length);
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
