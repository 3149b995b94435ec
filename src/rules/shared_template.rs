//! Templates that several clusters are made from.

use std::collections::BTreeSet;

use super::view::{View, is_capi_group};
use crate::release::Membership;
use crate::report::Finding;

crate::rule! {
    /// One template serves machines of several clusters.
    ///
    /// That works, and saves objects. But whoever rotates it rolls the machines of all these clusters at once, and removing one
    /// cluster's release takes the template away from the others.
    ///
    /// ## Example
    ///
    /// Two KubeadmControlPlanes of different clusters whose `machineTemplate` refers to the same DockerMachineTemplate.
    ///
    /// ## Fix
    ///
    /// A template per cluster; or a ClusterClass, which is made for sharing.
    pub SHARED_TEMPLATE = "shared-template", Info, Advice;
}

/// Looks from how many clusters each template is referred to.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for object in view.of_kinds(|group, kind| kind.ends_with("Template") && is_capi_group(group)) {
        if view.leading_to(object).nth(1).is_none() {
            continue;
        }
        let clusters: BTreeSet<u32> = view
            .leading_to(object)
            .filter_map(|link| match view.release.membership().get(link.from as usize) {
                Some(Membership::One(cluster)) => Some(*cluster),
                _ => None,
            })
            .collect();
        let mut names =
            clusters.iter().filter_map(|number| view.clusters.get(*number as usize)).map(|view| &view.cluster.name);
        let (Some(first), Some(second)) = (names.next(), names.next()) else { continue };
        let Some(name) = object.at(&["metadata", "name"]) else { continue };
        let message = format!(
            "{} '{}' serves {} clusters ('{first}', '{second}'{}): a change to it rolls the machines of all of them",
            object.kind,
            object.name,
            clusters.len(),
            if clusters.len() > 2 { ", …" } else { "" }
        );
        out.push(object.finding(&SHARED_TEMPLATE, name, message));
    }
}
