//! Docker machines that claim the same port of their host.

use rustc_hash::FxHashMap;

use super::view::View;
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::Value;

crate::rule! {
    /// Two containers of the Docker provider map the same port of their host.
    ///
    /// The second container does not start: its machine stays in `Provisioning`. One template with a fixed host port does that to
    /// itself as soon as it makes two machines.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: DockerMachineTemplate
    /// spec:
    ///   template:
    ///     spec:
    ///       extraPortMappings: [{containerPort: 80, hostPort: 8080}]   # and replicas: 3
    /// ```
    ///
    /// ## Fix
    ///
    /// A host port per machine, or `hostPort: 0`, which lets Docker choose.
    pub PORT_COLLISION = "port-collision", Error, Controller;
}

/// Compares the port mappings of all templates.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut seen: FxHashMap<(i64, String, String), &str> = FxHashMap::default();
    let is_docker = |group: &str, kind: &str| {
        group == "infrastructure.cluster.x-k8s.io" && (kind.starts_with("Docker") || kind.starts_with("Dev"))
    };
    for object in view.of_kinds(is_docker) {
        let mappings = mappings(object);
        if mappings.is_empty() {
            continue;
        }
        let machines = view.leading_to(object).filter_map(|link| view.object(link.from)).map(replicas);
        let machines = machines.fold(0, i64::saturating_add);
        for (mapping, port) in mappings {
            let text = |key: &str, default: &str| {
                mapping
                    .get(key)
                    .and_then(|value| value.as_str())
                    .filter(|text| !text.is_empty())
                    .map_or_else(|| default.to_owned(), |text| text.to_lowercase())
            };
            let key = (port, text("listenAddress", "127.0.0.1"), text("protocol", "tcp"));
            let place = mapping.get("hostPort").unwrap_or(mapping);
            let message = if let Some(first) = seen.get(&key) {
                format!(
                    "{} '{}' maps host port {port}, and so does '{first}': only one container gets it",
                    object.kind, object.name
                )
            } else if machines > 1 {
                format!(
                    "{} '{}' maps host port {port} and makes {machines} machines: only one container gets it, the others never start",
                    object.kind, object.name
                )
            } else {
                seen.insert(key, &object.name);
                continue;
            };
            out.push(object.finding(&PORT_COLLISION, place, message).suggest("hostPort: 0 lets Docker choose"));
        }
    }
}

fn mappings<'a>(object: &Object<'a>) -> Vec<(Value<'a>, i64)> {
    let spec = if object.kind.ends_with("Template") { object.at(&["spec", "template", "spec"]) } else { object.spec() };
    let Some(spec) = spec else { return Vec::new() };
    let lists = [spec.at(&["extraPortMappings"]), spec.at(&["backend", "docker", "extraPortMappings"])];
    let items = lists.into_iter().flatten().flat_map(|list| list.items());
    items.filter_map(|item| Some((item, item.get("hostPort")?.as_i64().filter(|port| *port > 0)?))).collect()
}

fn replicas(object: &Object<'_>) -> i64 {
    object.at(&["spec", "replicas"]).and_then(|value| value.as_i64()).unwrap_or(1)
}
