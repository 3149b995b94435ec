//! Which kinds have a v1beta2, and the table of each.

use super::change::Change;
use super::{cluster_class, core, docker, kubeadm};

/// The version that manifests are brought to.
pub const TARGET: &str = "v1beta2";

/// A kind that Cluster API itself moved to v1beta2.
#[derive(Debug)]
pub struct MigratedKind {
    /// Its API group.
    pub group: &'static str,
    /// Its kind.
    pub kind: &'static str,
    /// Versions that are brought to v1beta2.
    pub from: &'static [&'static str],
    /// What differs; empty where only the version does.
    pub changes: &'static [Change],
}

const CORE: &str = "cluster.x-k8s.io";
const ADDONS: &str = "addons.cluster.x-k8s.io";
const IPAM: &str = "ipam.cluster.x-k8s.io";
const RUNTIME: &str = "runtime.cluster.x-k8s.io";
const BOOTSTRAP: &str = "bootstrap.cluster.x-k8s.io";
const CONTROL_PLANE: &str = "controlplane.cluster.x-k8s.io";
const INFRASTRUCTURE: &str = "infrastructure.cluster.x-k8s.io";

const V1BETA1: &[&str] = &["v1beta1"];
const V1ALPHA1: &[&str] = &["v1alpha1"];
const V1ALPHA1_AND_V1BETA1: &[&str] = &["v1alpha1", "v1beta1"];

const fn kind(
    group: &'static str,
    kind: &'static str,
    from: &'static [&'static str],
    changes: &'static [Change],
) -> MigratedKind {
    MigratedKind { group, kind, from, changes }
}

/// All of them.
pub static KINDS: &[MigratedKind] = &[
    kind(CORE, "Cluster", V1BETA1, core::CLUSTER),
    kind(CORE, "ClusterClass", V1BETA1, cluster_class::CLUSTER_CLASS),
    kind(CORE, "Machine", V1BETA1, core::MACHINE),
    kind(CORE, "MachineSet", V1BETA1, core::MACHINE_SET),
    kind(CORE, "MachineDeployment", V1BETA1, core::MACHINE_DEPLOYMENT),
    kind(CORE, "MachinePool", V1BETA1, core::MACHINE_POOL),
    kind(CORE, "MachineHealthCheck", V1BETA1, core::MACHINE_HEALTH_CHECK),
    kind(CORE, "MachineDrainRule", V1BETA1, &[]),
    kind(ADDONS, "ClusterResourceSet", V1BETA1, &[]),
    kind(ADDONS, "ClusterResourceSetBinding", V1BETA1, &[]),
    kind(IPAM, "IPAddress", V1ALPHA1_AND_V1BETA1, &[]),
    kind(IPAM, "IPAddressClaim", V1ALPHA1_AND_V1BETA1, &[]),
    kind(RUNTIME, "ExtensionConfig", V1ALPHA1, &[]),
    kind(BOOTSTRAP, "KubeadmConfig", V1BETA1, kubeadm::KUBEADM_CONFIG),
    kind(BOOTSTRAP, "KubeadmConfigTemplate", V1BETA1, kubeadm::KUBEADM_CONFIG_TEMPLATE),
    kind(CONTROL_PLANE, "KubeadmControlPlane", V1BETA1, kubeadm::KUBEADM_CONTROL_PLANE),
    kind(CONTROL_PLANE, "KubeadmControlPlaneTemplate", V1BETA1, kubeadm::KUBEADM_CONTROL_PLANE_TEMPLATE),
    kind(INFRASTRUCTURE, "DockerCluster", V1BETA1, docker::DOCKER_CLUSTER),
    kind(INFRASTRUCTURE, "DockerClusterTemplate", V1BETA1, docker::DOCKER_CLUSTER_TEMPLATE),
    kind(INFRASTRUCTURE, "DockerMachine", V1BETA1, docker::DOCKER_MACHINE),
    kind(INFRASTRUCTURE, "DockerMachineTemplate", V1BETA1, docker::DOCKER_MACHINE_TEMPLATE),
    kind(INFRASTRUCTURE, "DockerMachinePool", V1BETA1, &[]),
    kind(INFRASTRUCTURE, "DockerMachinePoolTemplate", V1BETA1, &[]),
    kind(INFRASTRUCTURE, "DevCluster", V1BETA1, docker::DEV_CLUSTER),
    kind(INFRASTRUCTURE, "DevClusterTemplate", V1BETA1, docker::DEV_CLUSTER_TEMPLATE),
    kind(INFRASTRUCTURE, "DevMachine", V1BETA1, docker::DEV_MACHINE),
    kind(INFRASTRUCTURE, "DevMachineTemplate", V1BETA1, docker::DEV_MACHINE_TEMPLATE),
];

/// Groups in which only Cluster API itself has kinds: an unknown kind in them is a mistake, not another provider's.
pub(super) const OWN_GROUPS: &[&str] = &[CORE, RUNTIME];

/// The kind of an object, whatever its version.
pub fn find(group: &str, kind: &str) -> Option<&'static MigratedKind> {
    KINDS.iter().find(|known| known.group == group && known.kind == kind)
}
