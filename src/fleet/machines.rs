//! How many machines a release asks for, per cluster: control plane and workers.
//!
//! Counted from what the release says; nothing live is looked at.

use crate::object::{CLUSTER_GROUP, Object, Reference};
use crate::release::{Cluster, Membership, Release};
use crate::yaml::Value;

/// Marks a lone Machine as part of the control plane.
const CONTROL_PLANE_LABEL: &str = "cluster.x-k8s.io/control-plane";
/// The autoscaler's lower limit: what a machine deployment without `replicas` starts with.
const AUTOSCALER_MIN: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size";

/// Machines expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machines {
    /// Of control planes.
    pub control_plane: u64,
    /// Of machine deployments, pools, sets, and lone machines.
    pub workers: u64,
}

impl Machines {
    /// All of them.
    pub fn total(self) -> u64 {
        self.control_plane + self.workers
    }
}

/// The machines that each cluster of the release asks for, in the order of `Release::clusters`.
pub fn expected(release: &Release<'_>) -> Vec<Machines> {
    let mut machines = vec![Machines::default(); release.clusters.len()];
    for (object, membership) in release.objects.iter().zip(release.membership()) {
        let Membership::One(cluster) = membership else { continue };
        if let Some(count) = machines.get_mut(*cluster as usize) {
            add(object, count);
        }
    }
    for (cluster, count) in release.clusters.iter().zip(&mut machines) {
        count.control_plane += control_plane(release, cluster);
    }
    machines
}

fn add(object: &Object<'_>, count: &mut Machines) {
    if object.group() != CLUSTER_GROUP {
        return;
    }
    match &*object.kind {
        "MachineDeployment" | "MachinePool" => count.workers += replicas(object),
        // A set or machine with an owner is somebody else's, and counted there.
        "MachineSet" if !is_owned(object) => count.workers += replicas(object),
        "Machine" if !is_owned(object) => {
            let of_control_plane =
                object.at(&["metadata", "labels"]).is_some_and(|labels| labels.get(CONTROL_PLANE_LABEL).is_some());
            *(if of_control_plane { &mut count.control_plane } else { &mut count.workers }) += 1;
        }
        "Cluster" => {
            let Some(topology) = object.at(&["spec", "topology"]) else { return };
            count.control_plane += topology_replicas(topology.get("controlPlane"));
            for kind in ["machineDeployments", "machinePools"] {
                let of_kind = topology.below(&["workers", kind]);
                count.workers +=
                    of_kind.iter().flat_map(Value::items).map(|item| topology_replicas(Some(item))).sum::<u64>();
            }
        }
        _ => {}
    }
}

/// The replicas of the control plane that a Cluster refers to; its default is 1. None where the cluster has a topology or its
/// control plane manages no machines.
fn control_plane(release: &Release<'_>, cluster: &Cluster<'_>) -> u64 {
    let object = cluster.object.and_then(|number| release.objects.get(number as usize));
    let reference = object
        .and_then(|object| Some((object, object.at(&["spec", "controlPlaneRef"]).and_then(Reference::from_value)?)));
    let Some(control_plane) = reference.and_then(|(object, reference)| release.resolve(object, &reference)) else {
        return 0;
    };
    // A control plane that runs machines has a template for them; hosted ones (pods, cloud services) have none.
    let has_machines = control_plane
        .spec()
        .is_some_and(|spec| spec.get("machineTemplate").is_some() || spec.get("infrastructureTemplate").is_some());
    if has_machines { replicas(control_plane) } else { 0 }
}

/// Replicas as the server can hold them (int32); the schema says what is wrong with others, and sums of these never overflow.
pub(crate) fn count(replicas: i64) -> u64 {
    u64::try_from(replicas.clamp(0, i32::MAX.into())).unwrap_or(0)
}

fn replicas(object: &Object<'_>) -> u64 {
    let stated = object.at(&["spec", "replicas"]).and_then(|value| value.as_i64());
    let smallest = || object.annotation(AUTOSCALER_MIN).and_then(|text| text.parse().ok());
    stated.or_else(smallest).map_or(1, count)
}

fn topology_replicas(part: Option<Value<'_>>) -> u64 {
    let Some(part) = part else { return 1 };
    let stated = part.get("replicas").and_then(|value| value.as_i64());
    let smallest = || part.at(&["metadata", "annotations", AUTOSCALER_MIN])?.as_str()?.parse().ok();
    stated.or_else(smallest).map_or(1, count)
}

fn is_owned(object: &Object<'_>) -> bool {
    object.at(&["metadata", "ownerReferences"]).is_some_and(|owners| owners.items().next().is_some())
}
