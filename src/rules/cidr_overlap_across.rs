//! Address ranges that several clusters share.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::cidr_overlap::{Range, Ranges};
use super::view::View;
use crate::report::{Finding, Severity};
use crate::schema::ip::Network;

crate::rule! {
    /// Pods or services of several clusters use the same addresses.
    ///
    /// That is fine as long as the clusters' networks stay apart, and most fleets do it: a **note**. Clusters that are joined (a
    /// service mesh, Submariner, Cilium's Cluster Mesh, routed pod networks) need ranges of their own: with `meshed: true` in the
    /// settings it is an **error**.
    ///
    /// ## Example
    ///
    /// Two clusters with `pods: {cidrBlocks: [192.168.0.0/16]}`.
    ///
    /// ## Fix
    ///
    /// A range per cluster, such as `10.1.0.0/16`, `10.2.0.0/16`.
    pub CIDR_OVERLAP_ACROSS = "cidr-overlap-across", Info, Advice;
}

/// A range, small: there are as many as clusters, and mostly they are few networks.
#[derive(Clone, Copy)]
struct Entry {
    /// The place of its network among all.
    network: u32,
    object: u32,
    node: u32,
}

/// The networks that clusters name, each once.
#[derive(Default)]
struct Networks {
    all: Vec<Network>,
    places: FxHashMap<Network, u32>,
}

impl Networks {
    /// The place of a network, which gets one where it has none.
    fn place_of(&mut self, network: Network) -> u32 {
        // Mostly one of the first two.
        let near = self.all.iter().take(2).position(|known| *known == network);
        near.map_or_else(
            || {
                let next = self.all.len() as u32;
                *self.places.entry(network).or_insert_with(|| {
                    self.all.push(network);
                    next
                })
            },
            |near| near as u32,
        )
    }

    /// For each network: how many begin before it.
    fn ranks(&self) -> Vec<u32> {
        let begin = |network: &Network| (network.address.is_ipv6(), bounds(*network).0);
        let mut begins: Vec<_> = self.all.iter().map(begin).collect();
        begins.sort_unstable();
        begins.dedup();
        self.all.iter().map(|network| begins.partition_point(|other| *other < begin(network)) as u32).collect()
    }

    fn of(&self, entry: Entry) -> Network {
        self.all[entry.network as usize]
    }

    fn overlap(&self, one: Entry, other: Entry) -> bool {
        let (network, another) = (self.of(one), self.of(other));
        one.network == other.network || network.contains_network(another) || another.contains_network(network)
    }

    /// Whether a range has addresses behind another's last one.
    fn reaches_beyond(&self, entry: Entry, before: Entry) -> bool {
        let (network, other) = (self.of(entry), self.of(before));
        entry.network != before.network
            && (network.address.is_ipv6() != other.address.is_ipv6() || bounds(network).1 > bounds(other).1)
    }
}

/// Sweeps over all ranges in order of their first address.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut networks = Networks::default();
    let entries = entries(view, &mut networks);
    // The two ranges of different clusters that reach furthest so far: one of them is not the own cluster's.
    let mut furthest: Option<Entry> = None;
    let mut second: Option<Entry> = None;
    let mut overlaps: Vec<(Entry, Entry)> = Vec::new();
    for entry in entries {
        let of_other = [furthest, second].into_iter().flatten().find(|before| before.object != entry.object);
        overlaps.extend(of_other.filter(|before| networks.overlap(*before, entry)).map(|before| (before, entry)));
        let is_of_other = furthest.is_some_and(|before| before.object != entry.object);
        if furthest.is_none_or(|before| networks.reaches_beyond(entry, before)) {
            if is_of_other {
                second = furthest;
            }
            furthest = Some(entry);
        } else if is_of_other && second.is_none_or(|before| networks.reaches_beyond(entry, before)) {
            second = Some(entry);
        }
    }
    if view.settings.meshed {
        overlaps.sort_by_key(|(_, entry)| entry.object);
        out.extend(overlaps.iter().filter_map(|(before, entry)| error(view, &networks, *before, *entry)));
    } else if let Some((before, entry)) = overlaps.first() {
        let mut is_among = vec![false; view.release.objects.len()];
        for object in overlaps.iter().flat_map(|(before, entry)| [before.object, entry.object]) {
            is_among[object as usize] = true;
        }
        let clusters = is_among.into_iter().filter(|is_among| *is_among).count();
        out.extend(note(view, &networks, clusters, *before, *entry));
    }
}

/// The ranges of all clusters, in order of their first address.
fn entries(view: &View<'_, '_>, networks: &mut Networks) -> Vec<Entry> {
    // Mostly each cluster has one for its pods and one for its services, and each of the two is the same in all.
    let mut entries: Vec<Entry> = Vec::with_capacity(2 * view.clusters.len());
    let mut of_services: Vec<Entry> = Vec::with_capacity(view.clusters.len());
    let mut ranges = Ranges::default();
    for object in view.clusters.iter().filter_map(|cluster| cluster.object) {
        let mut entry = |Range { network, value }: Range<'_>| Entry {
            network: networks.place_of(network),
            object: object.number,
            node: value.index(),
        };
        let [pods, services] = ranges.of(object);
        entries.extend(pods.map(&mut entry));
        of_services.extend(services.map(&mut entry));
    }
    entries.append(&mut of_services);
    let ranks = networks.ranks();
    entries.sort_by_key(|entry| (ranks[entry.network as usize], entry.object, entry.node));
    entries
}

/// A finding at a range.
fn finding(view: &View<'_, '_>, entry: Entry, message: String) -> Option<Finding> {
    let object = view.object(entry.object)?;
    let value = object.root.document().value(entry.node).unwrap_or(object.root);
    Some(object.finding(&CIDR_OVERLAP_ACROSS, value, message))
}

fn name<'v>(view: &View<'v, '_>, entry: Entry) -> &'v str {
    view.object(entry.object).map_or("", |object| &object.name)
}

/// That some clusters have ranges that overlap, such as two of them.
fn note(view: &View<'_, '_>, networks: &Networks, clusters: usize, before: Entry, entry: Entry) -> Option<Finding> {
    let message = format!(
        "{clusters} clusters use address ranges that overlap (such as '{}' and '{}' with {} and {}): they cannot be joined by a mesh or \
         by routes",
        name(view, before),
        name(view, entry),
        networks.of(before),
        networks.of(entry)
    );
    let help = "where they are to be joined, give each its own, and say meshed: true in the settings";
    Some(finding(view, entry, message)?.suggest(help))
}

fn error(view: &View<'_, '_>, networks: &Networks, before: Entry, entry: Entry) -> Option<Finding> {
    let message = format!(
        "the range {} of '{}' overlaps with {} of '{}', and the settings say that the clusters are meshed",
        networks.of(entry),
        name(view, entry),
        networks.of(before),
        name(view, before)
    );
    let finding = finding(view, entry, message)?;
    Some(finding.severity(Severity::Error).suggest("give each cluster ranges of its own"))
}

/// The first and the last address of a network.
fn bounds(network: Network) -> (u128, u128) {
    let (first, width) = match network.masked().address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let free = width - u32::from(network.bits);
    (first, first.saturating_add(1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1)))
}
