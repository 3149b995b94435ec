//! An even control plane that a topology asks for.

use super::view::View;
use crate::report::{Finding, Severity};

crate::rule! {
    /// A topology asks for an even number of control plane machines.
    ///
    /// Nobody checks the number on the Cluster. The topology controller then writes it into a KubeadmControlPlane, whose webhook
    /// refuses an even number with stacked etcd, again and again: the cluster never gets a control plane. Where the class is not in
    /// the release, so that its control plane is not known, it is a **warning**.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// topology:
    ///   controlPlane: {replicas: 2}
    /// ```
    ///
    /// ## Fix
    ///
    /// 1, 3 or 5.
    pub EVEN_TOPOLOGY_CONTROL_PLANE = "even-topology-control-plane", Error, Controller;
}

/// Looks at the topology of each cluster, and at its class where it is here.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for cluster in &view.clusters {
        let Some(object) = cluster.object else { continue };
        let Some(value) = object.at(&["spec", "topology", "controlPlane", "replicas"]) else { continue };
        let Some(replicas) = value.as_i64().filter(|replicas| *replicas > 0 && replicas % 2 == 0) else { continue };
        let plane = view
            .release
            .links_from(object.number)
            .iter()
            .find(|link| link.to.kind == "ClusterClass")
            .and_then(|link| view.object(link.target()?))
            .and_then(|class| {
                view.release.links_from(class.number).iter().find(|link| link.to.kind.ends_with("ControlPlaneTemplate"))
            });
        let severity = match plane {
            None => Severity::Warning,
            Some(link) if link.to.kind != "KubeadmControlPlaneTemplate" => Severity::Warning,
            Some(link) => {
                let etcd =
                    ["spec", "template", "spec", "kubeadmConfigSpec", "clusterConfiguration", "etcd", "external"];
                let is_external = link.target().and_then(|target| view.object(target)?.below(&etcd)).is_some();
                if is_external {
                    continue;
                }
                Severity::Error
            }
        };
        let message = format!(
            "{replicas} control plane machines: with stacked etcd an even number is refused when the topology is put into effect, and the \
             cluster never gets a control plane"
        );
        let help = format!("replicas: {}", replicas + 1);
        out.push(object.finding(&EVEN_TOPOLOGY_CONTROL_PLANE, value, message).severity(severity).suggest(help));
    }
}
