//! Clusters: what holds for each; the topology is next door.

use crate::yaml::Value;

use super::address::Block;
use super::check::{Check, field, is_set, items};
use super::machine::{is_reference, namespace};
use super::rules::{EMPTY_CLUSTER, INVALID_ADDRESS, INVALID_NAME, OUT_OF_RANGE};
use super::topology;
use crate::schema::validate::names::is_label_value;

/// Where the ranges of pods and services stand.
const ADDRESS_BLOCKS: [&[&str]; 2] =
    [&["spec", "clusterNetwork", "pods", "cidrBlocks"], &["spec", "clusterNetwork", "services", "cidrBlocks"]];

/// Judges a Cluster.
pub fn judge(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    if let Some(name) = field(root, &["metadata", "name"])
        && !is_label_value(&check.object.name)
    {
        let message = "the webhook refuses the name: it becomes a label value, of at most 63 characters";
        check.refuse(&INVALID_NAME, name, message, "use a shorter name");
    }
    let (plane, infrastructure) = (check.at(&["spec", "controlPlaneRef"]), check.at(&["spec", "infrastructureRef"]));
    namespace(check, plane);
    namespace(check, infrastructure);
    let topology = check.at(&["spec", "topology"]);
    if check.since(11) && !is_reference(plane) && !is_reference(infrastructure) && !is_set(topology) {
        empty(check);
    }
    for blocks in ADDRESS_BLOCKS {
        for block in items(root, blocks) {
            cidr(check, block);
        }
    }
    if let Some(topology) = topology {
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
