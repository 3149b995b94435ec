//! Address ranges that several clusters share.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::cidr_overlap::{Range, Ranges};
use super::view::View;
use crate::object::Object;
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

/// A range, small: there are as many as clusters.
struct Entry<'v, 'a> {
    object: &'v Object<'a>,
    network: Network,
    node: u32,
}

impl Entry<'_, '_> {
    fn overlaps(&self, other: &Self) -> bool {
        self.network == other.network
            || self.network.contains_network(other.network)
            || other.network.contains_network(self.network)
    }

    fn finding(&self, message: String) -> Finding {
        let value = self.object.root.document().value(self.node).unwrap_or(self.object.root);
        self.object.finding(&CIDR_OVERLAP_ACROSS, value, message)
    }
}

/// Sweeps over all ranges in order of their first address.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    // Mostly each cluster has one for its pods and one for its services.
    let mut entries: Vec<Entry<'_, '_>> = Vec::with_capacity(2 * view.clusters.len());
    let mut ranges = Ranges::default();
    // First all pods and then all services: mostly each are in order already.
    for of in [0, 1] {
        for object in view.clusters.iter().filter_map(|cluster| cluster.object) {
            let both = ranges.of(object);
            entries.extend(both[of].clone().map(|Range { network, value }| Entry {
                object,
                network,
                node: value.index(),
            }));
        }
    }
    let place = |entry: &Entry<'_, '_>| (entry.network.address.is_ipv6(), bounds(entry.network).0);
    entries.sort_by(|one, other| {
        // Most clusters have the same ranges.
        let places = if one.network == other.network { Ordering::Equal } else { place(one).cmp(&place(other)) };
        places.then_with(|| (one.object.number, one.node).cmp(&(other.object.number, other.node)))
    });
    // The two ranges of different clusters that reach furthest so far: one of them is not the own cluster's.
    let mut furthest: Option<&Entry<'_, '_>> = None;
    let mut second: Option<&Entry<'_, '_>> = None;
    let mut overlaps: Vec<(&Entry<'_, '_>, &Entry<'_, '_>)> = Vec::new();
    for entry in &entries {
        let of_other =
            [furthest, second].into_iter().flatten().find(|before| before.object.number != entry.object.number);
        if let Some(before) = of_other.filter(|before| before.overlaps(entry)) {
            overlaps.push((before, entry));
        }
        if furthest.is_none_or(|before| reaches_beyond(entry, before)) {
            if furthest.is_some_and(|before| before.object.number != entry.object.number) {
                second = furthest;
            }
            furthest = Some(entry);
        } else if furthest.is_some_and(|before| before.object.number != entry.object.number)
            && second.is_none_or(|before| reaches_beyond(entry, before))
        {
            second = Some(entry);
        }
    }
    if view.settings.meshed {
        overlaps.sort_by_key(|(_, entry)| entry.object.number);
        out.extend(overlaps.iter().map(|(before, entry)| error(before, entry)));
    } else if let Some((before, entry)) = overlaps.first() {
        let mut clusters: Vec<u32> =
            overlaps.iter().flat_map(|(before, entry)| [before.object.number, entry.object.number]).collect();
        clusters.sort_unstable();
        clusters.dedup();
        let message = format!(
            "{} clusters use address ranges that overlap (such as '{}' and '{}' with {} and {}): they cannot be joined by a mesh or by \
             routes",
            clusters.len(),
            before.object.name,
            entry.object.name,
            before.network,
            entry.network
        );
        out.push(
            entry
                .finding(message)
                .suggest("where they are to be joined, give each its own, and say meshed: true in the settings"),
        );
    }
}

fn reaches_beyond(entry: &Entry<'_, '_>, before: &Entry<'_, '_>) -> bool {
    entry.network != before.network
        && (entry.network.address.is_ipv6() != before.network.address.is_ipv6()
            || bounds(entry.network).1 > bounds(before.network).1)
}

fn error(before: &Entry<'_, '_>, entry: &Entry<'_, '_>) -> Finding {
    let message = format!(
        "the range {} of '{}' overlaps with {} of '{}', and the settings say that the clusters are meshed",
        entry.network, entry.object.name, before.network, before.object.name
    );
    entry.finding(message).severity(Severity::Error).suggest("give each cluster ranges of its own")
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
