//! Clusters that claim the same address for their API servers.

use rustc_hash::FxHashMap;

use super::view::View;
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::Value;

crate::rule! {
    /// Two clusters have the same control plane endpoint.
    ///
    /// The server accepts both. Only one of them can have the address: the workers of the other one join the wrong cluster, or
    /// its control plane never answers.
    ///
    /// ## Example
    ///
    /// Two VSphereClusters with `controlPlaneEndpoint: {host: 10.0.0.10, port: 6443}`.
    ///
    /// ## Fix
    ///
    /// An address per cluster.
    pub ENDPOINT_COLLISION = "endpoint-collision", Error, Controller;
}

/// Compares the endpoints of all clusters.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut seen: FxHashMap<(String, i64), (usize, &str)> = FxHashMap::default();
    for (number, cluster) in view.clusters.iter().enumerate() {
        for object in cluster.object.into_iter().chain(cluster.infrastructure) {
            let Some((value, host, port)) = endpoint(object) else { continue };
            let (first, name) = *seen.entry((host.clone(), port)).or_insert((number, &cluster.cluster.name));
            if first == number {
                continue;
            }
            let message = format!(
                "cluster '{}' has the control plane endpoint {host}:{port}, which is that of cluster '{name}' too: only one of them can \
                 have it",
                cluster.cluster.name
            );
            out.push(
                object.finding(&ENDPOINT_COLLISION, value, message).suggest("give each cluster an address of its own"),
            );
            break;
        }
    }
}

fn endpoint<'a>(object: &Object<'a>) -> Option<(Value<'a>, String, i64)> {
    let value = object.at(&["spec", "controlPlaneEndpoint"])?;
    let host = value.get("host")?.as_str().filter(|host| !host.is_empty())?.to_lowercase();
    let port = value.get("port").and_then(|port| port.as_i64()).filter(|port| *port != 0).unwrap_or(6443);
    Some((value, host, port))
}
