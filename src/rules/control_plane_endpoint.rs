//! Where the API server is to be found.

use super::view::View;
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::Value;

crate::rule! {
    /// A control plane endpoint that nobody can reach: half given, not a host, or other than the infrastructure's.
    ///
    /// Kubeconfigs and workers are made with the Cluster's endpoint. What the infrastructure says is copied there only while it is
    /// empty: where both are given and differ, everybody calls the wrong address.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// spec:
    ///   controlPlaneEndpoint:
    ///     host: https://10.0.0.10:6443    # a host only, without scheme and port
    /// ```
    ///
    /// ## Fix
    ///
    /// `host: 10.0.0.10` and `port: 6443`; on the Cluster or on the infrastructure, not on both.
    pub CONTROL_PLANE_ENDPOINT = "control-plane-endpoint", Warning, Controller;
}

/// Looks at the endpoints of each cluster and its infrastructure.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for cluster in &view.clusters {
        let of_cluster = cluster.object.and_then(|object| Some((object, endpoint(object)?)));
        let of_infrastructure = cluster.infrastructure.and_then(|object| Some((object, endpoint(object)?)));
        for (object, (value, host, _)) in of_cluster.iter().chain(&of_infrastructure) {
            out.extend(host.as_deref().and_then(|host| not_a_host(object, *value, host)));
        }
        if let Some((object, (value, host, port))) = &of_cluster
            && host.is_some() != port.is_some()
        {
            let missing = if host.is_some() { "port" } else { "host" };
            let message =
                format!("the endpoint has no {missing}: it counts as not given, and the cluster waits for another one");
            out.push(
                object.finding(&CONTROL_PLANE_ENDPOINT, *value, message).suggest("give both host and port, or neither"),
            );
        }
        if let (Some((object, (value, Some(host), port))), Some((infrastructure, (_, Some(theirs), their_port)))) =
            (&of_cluster, &of_infrastructure)
        {
            let ports_differ = matches!((port, their_port), (Some(a), Some(b)) if a != b);
            if host != theirs || ports_differ {
                let message = format!(
                    "the Cluster's endpoint is {host}, {} '{}' says {theirs}{}: kubeconfigs and workers take the Cluster's",
                    infrastructure.kind,
                    infrastructure.name,
                    if host == theirs { " at another port" } else { "" }
                );
                out.push(
                    object.finding(&CONTROL_PLANE_ENDPOINT, *value, message).suggest("leave it out of the Cluster"),
                );
            }
        }
    }
}

type Endpoint<'a> = (Value<'a>, Option<String>, Option<i64>);

fn endpoint<'a>(object: &Object<'a>) -> Option<Endpoint<'a>> {
    let value = object.at(&["spec", "controlPlaneEndpoint"])?;
    let host = value
        .get("host")
        .and_then(|host| host.as_str())
        .filter(|host| !host.is_empty())
        .map(|host| host.to_lowercase());
    let port = value.get("port").and_then(|port| port.as_i64()).filter(|port| *port != 0);
    (host.is_some() || port.is_some()).then_some((value, host, port))
}

fn not_a_host(object: &Object<'_>, value: Value<'_>, host: &str) -> Option<Finding> {
    let has_port = host.rsplit_once(':').is_some_and(|(before, port)| !before.contains(':') && !port.is_empty());
    if !host.contains('/') && !host.contains(' ') && !has_port {
        return None;
    }
    let bare = host.split("://").last().unwrap_or(host).split(['/', ':']).next().unwrap_or_default();
    let message = format!("'{host}' is no host: scheme, port and path do not belong here, and no client finds it");
    let place = value.get("host").unwrap_or(value);
    Some(object.finding(&CONTROL_PLANE_ENDPOINT, place, message).suggest(format!("host: {bare}")))
}
