//! Address ranges of one cluster that overlap.

use std::rc::Rc;

use super::view::View;
use crate::object::Object;
use crate::report::{Finding, Severity};
use crate::schema::ip::{Network, parse_prefix};
use crate::yaml::{Document, PerWords, Value};

crate::rule! {
    /// The pods, services or nodes of one cluster share addresses.
    ///
    /// Nobody looks at that before the cluster is there. kubeadm refuses pods and services that overlap, or routes go to the wrong
    /// place; ranges cannot be changed afterwards.
    ///
    /// An **error** for pods against services; a **warning** for pods or services against the network of the nodes, and for pods
    /// against the services' default `10.96.0.0/12` where no range for services is given.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// clusterNetwork:
    ///   pods: {cidrBlocks: [10.0.0.0/8]}
    ///   services: {cidrBlocks: [10.96.0.0/12]}
    /// ```
    ///
    /// ## Fix
    ///
    /// Ranges that lie apart, such as `192.168.0.0/16` and `10.96.0.0/12`.
    pub CIDR_OVERLAP = "cidr-overlap", Error, Controller;
}

/// What kubeadm gives services where nothing is said.
const DEFAULT_SERVICES: &str = "10.96.0.0/12";

/// Fields of infrastructure objects that hold the network of the nodes, whatever the provider.
const NODE_NETWORKS: &[&[&str]] = &[
    &["network", "vpc", "cidrBlock"],
    &["network", "subnets", "cidrBlock"],
    &["networkSpec", "vnet", "cidrBlocks"],
    &["networkSpec", "subnets", "cidrBlocks"],
    &["managedSubnets", "cidr"],
    &["nodeCidr"],
];

/// One range and where it stands.
#[derive(Clone, Copy)]
pub struct Range<'a> {
    /// The addresses.
    pub network: Network,
    /// Where.
    pub value: Value<'a>,
}

impl Range<'_> {
    /// Whether two ranges share an address.
    pub fn overlaps(&self, other: &Range<'_>) -> bool {
        self.network.contains_network(other.network) || other.network.contains_network(self.network)
    }
}

/// Networks of an object, and the nodes that name them.
type Networks = Rc<[(Network, u32)]>;

/// The ranges of Clusters' pods and services, found out once for all that name the same.
#[derive(Default)]
pub struct Ranges<'a>(PerWords<'a, [Networks; 2]>);

impl<'a> Ranges<'a> {
    /// Those of a Cluster: of its pods, and of its services.
    pub fn of(&mut self, object: &Object<'a>) -> [impl Iterator<Item = Range<'a>> + Clone + use<'a>; 2] {
        let (document, root) = (object.root.document(), object.root.index());
        let both = |document: &Document| ["pods", "services"].map(|field| networks(document.value(root), field));
        // Items of a list have no form of their own.
        let both = if root == 0 { self.0.get(document, both) } else { both(document) };
        both.map(|networks| {
            (0..networks.len()).filter_map(move |number| {
                let (network, node) = *networks.get(number)?;
                Some(Range { network, value: document.value(node)? })
            })
        })
    }
}

fn networks(cluster: Option<Value<'_>>, field: &str) -> Networks {
    let network = cluster.and_then(|root| root.at(&["spec", "clusterNetwork"]));
    let blocks = network.and_then(|network| network.get(field)?.get("cidrBlocks"));
    let ranges = blocks.iter().flat_map(Value::items).filter_map(range);
    ranges.map(|range| (range.network, range.value.index())).collect()
}

fn range(value: Value<'_>) -> Option<Range<'_>> {
    Some(Range { network: parse_prefix(&value.as_str()?)?, value })
}

/// Looks at the ranges of each cluster.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut ranges = Ranges::default();
    for cluster in &view.clusters {
        let Some(object) = cluster.object else { continue };
        let [pods, services] = ranges.of(object);
        for service in services.clone() {
            if let Some(pod) = pods.clone().find(|pod| pod.overlaps(&service)) {
                let message = format!(
                    "the services' range {} overlaps with the pods' {}: kubeadm refuses it, or traffic goes astray; neither can be changed later",
                    service.network, pod.network
                );
                out.push(object.finding(&CIDR_OVERLAP, service.value, message).suggest("choose ranges that lie apart"));
            }
        }
        if services.clone().next().is_none() {
            out.extend(pods.clone().find_map(|pod| against_default(object, &pod)));
        }
        if let Some(infrastructure) = cluster.infrastructure {
            out.extend(node_ranges(infrastructure).iter().filter_map(|nodes| {
                let overlap = pods.clone().chain(services.clone()).find(|range| range.overlaps(nodes))?;
                let message = format!(
                    "the nodes' network {} overlaps with the cluster's {}: pods cannot reach nodes whose addresses are also theirs",
                    nodes.network, overlap.network
                );
                let finding = infrastructure.finding(&CIDR_OVERLAP, nodes.value, message).severity(Severity::Warning);
                Some(finding.suggest("choose ranges that lie apart"))
            }));
        }
    }
}

fn against_default(object: &Object<'_>, pod: &Range<'_>) -> Option<Finding> {
    let default = Range { network: parse_prefix(DEFAULT_SERVICES)?, value: pod.value };
    if !pod.overlaps(&default) {
        return None;
    }
    let message = format!(
        "the pods' range {} overlaps with {DEFAULT_SERVICES}, which kubeadm gives services where no range is given",
        pod.network
    );
    let finding = object.finding(&CIDR_OVERLAP, pod.value, message).severity(Severity::Warning);
    Some(finding.suggest("give services a range of their own under clusterNetwork.services.cidrBlocks"))
}

fn node_ranges<'a>(infrastructure: &Object<'a>) -> Vec<Range<'a>> {
    let mut ranges = Vec::new();
    for path in NODE_NETWORKS {
        if let Some(spec) = infrastructure.spec() {
            leaves(spec, path, &mut |value| ranges.extend(range(value)));
        }
    }
    ranges
}

/// Hands on what stands at the end of a path: each item of a list, wherever one stands on the way.
fn leaves<'a>(value: Value<'a>, path: &[&str], found: &mut dyn FnMut(Value<'a>)) {
    if value.is_seq() {
        value.items().for_each(|item| leaves(item, path, found));
    } else if let [key, rest @ ..] = path {
        if let Some(value) = value.get(key) {
            leaves(value, rest, found);
        }
    } else {
        found(value);
    }
}
