//! Names that grow too long on the way to a machine.

use super::view::View;
use crate::object::CLUSTER_GROUP;
use crate::report::Finding;

crate::rule! {
    /// A name so long that the names made from it are cut.
    ///
    /// A machine is called after its deployment or control plane, with up to twelve characters behind; hostnames and label values
    /// end at 63. Cluster API cuts what is longer and puts a hash behind, so that machines of two deployments can no longer be told
    /// apart by name, and clouds that build a hostname from it may refuse the machine.
    ///
    /// ## Example
    ///
    /// A MachineDeployment of 60 characters: its machines bear the first 51 of them.
    ///
    /// ## Fix
    ///
    /// At most 51 characters for MachineDeployments and MachineSets, 57 for control planes.
    pub LONG_NAME = "long-name", Warning, Controller;
}

const LONGEST: usize = 63;
/// `-` and five characters of the MachineSet, `-` and five of the machine.
const DEPLOYMENT_SUFFIX: usize = 12;
/// `-` and five characters of the machine.
const SUFFIX: usize = 6;

/// Looks at everything that makes machines.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for object in view.of_kinds(|group, kind| suffix(group, kind).is_some()) {
        let Some(suffix) = suffix(object.group(), &object.kind) else { continue };
        if object.name.len() + suffix <= LONGEST {
            continue;
        }
        let length = object.name.chars().count();
        let has_own_scheme = object.at(&["spec", "machineNaming"]).is_some();
        // Hosted control planes have no machines.
        let makes_machines = object.group() == CLUSTER_GROUP || object.at(&["spec", "machineTemplate"]).is_some();
        if has_own_scheme || !makes_machines || length + suffix <= LONGEST {
            continue;
        }
        let Some(name) = object.at(&["metadata", "name"]) else { continue };
        let most = LONGEST - suffix;
        let message = format!(
            "the name has {length} characters, and {suffix} more come behind it in the names of machines: they are cut at {LONGEST} \
             and can no longer be told apart"
        );
        out.push(object.finding(&LONG_NAME, name, message).suggest(format!("at most {most} characters")));
    }
}

/// What comes behind the name of an object of this kind in the names of its machines.
fn suffix(group: &str, kind: &str) -> Option<usize> {
    match (group, kind) {
        (CLUSTER_GROUP, "MachineDeployment") => Some(DEPLOYMENT_SUFFIX),
        (CLUSTER_GROUP, "MachineSet") => Some(SUFFIX),
        ("controlplane.cluster.x-k8s.io", kind) if kind.ends_with("ControlPlane") => Some(SUFFIX),
        _ => None,
    }
}
