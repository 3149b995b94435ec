//! Clusters: what holds for each; the topology is next door.

use crate::yaml::Value;

use super::address::Block;
use super::check::{Check, is_set, items};
use super::machine::{becomes_a_label, is_reference, namespace};
use super::rules::{EMPTY_CLUSTER, INVALID_ADDRESS, OUT_OF_RANGE};
use super::{Judgement, topology};

/// Where the ranges of pods and services stand.
const ADDRESS_BLOCKS: [&[&str]; 2] =
    [&["spec", "clusterNetwork", "pods", "cidrBlocks"], &["spec", "clusterNetwork", "services", "cidrBlocks"]];

/// The checks of a Cluster.
pub const JUDGEMENTS: &[Judgement] = &[becomes_a_label, references, address_blocks, with_topology];

fn references(check: &mut Check<'_, '_>) {
    let (plane, infrastructure) = (check.at(&["spec", "controlPlaneRef"]), check.at(&["spec", "infrastructureRef"]));
    namespace(check, plane);
    namespace(check, infrastructure);
    let topology = check.at(&["spec", "topology"]);
    if check.since(11) && !is_reference(plane) && !is_reference(infrastructure) && !is_set(topology) {
        empty(check);
    }
}

fn address_blocks(check: &mut Check<'_, '_>) {
    for blocks in ADDRESS_BLOCKS {
        for block in items(check.object.root, blocks) {
            cidr(check, block);
        }
    }
}

fn with_topology(check: &mut Check<'_, '_>) {
    if let Some(topology) = check.at(&["spec", "topology"]) {
        upgrade_concurrency(check);
        topology::judge(check, topology);
    }
}

fn empty(check: &mut Check<'_, '_>) {
    let message =
        "no control plane, no infrastructure and no topology: nothing would come of it, and the webhook refuses it";
    let fix = "set `controlPlaneRef` and `infrastructureRef`, or `topology`";
    match check.at(&["spec"]) {
        Some(spec) => {
            check.refuse(&EMPTY_CLUSTER, spec, message, fix);
            if let Some(finding) = check.out.last_mut() {
                finding.place = Some(check.object.key_place(spec));
            }
        }
        // In v1beta2 the schema asks for a spec.
        None if check.is_old() => check.absent(&EMPTY_CLUSTER, check.object.root, &["spec"], message, fix),
        None => {}
    }
}

/// Judges a block of addresses.
pub fn cidr<'a>(check: &mut Check<'_, 'a>, block: Value<'a>) {
    let Some(text) = block.as_str().filter(|text| !is_cidr(text)) else { return };
    let message = format!("{text:?} is no CIDR: the webhook refuses it");
    check.refuse(&INVALID_ADDRESS, block, message, "write address and prefix length, such as 192.168.0.0/16");
}

/// Whether Go's `net.ParseCIDR` takes the text; bits behind the prefix may be set.
pub fn is_cidr(text: &str) -> bool {
    Block::parse(text).is_some()
}

fn upgrade_concurrency(check: &mut Check<'_, '_>) {
    let key = "topology.cluster.x-k8s.io/upgrade-concurrency";
    let Some(value) = check.below(&["metadata", "annotations", key]) else { return };
    let Some(text) = value.as_str() else { return };
    if !text.parse::<i64>().is_ok_and(|number| number >= 1) {
        let message = format!("{text:?} MachineDeployments at a time: the webhook wants a number of at least 1");
        check.refuse(&OUT_OF_RANGE, value, message, "write a whole number from 1 on, in quotes");
    }
}
