//! Fields that mutating webhooks fill before the schema is asked: a `required` must not miss them.

/// The dotted paths that a kind's webhook fills, for a group, kind and version; `[]` stands for each item of a list.
pub fn prefilled(group: &str, kind: &str, version: &str) -> &'static [&'static str] {
    let is_new = version == "v1beta2";
    match (group, kind) {
        ("cluster.x-k8s.io", "MachineDeployment") if is_new => {
            &["spec.selector", "spec.selector.matchLabels", "spec.replicas", "spec.rollout.strategy.type"]
        }
        ("cluster.x-k8s.io", "MachineDeployment") => {
            &["spec.selector", "spec.selector.matchLabels", "spec.replicas", "spec.strategy.type"]
        }
        ("cluster.x-k8s.io", "MachineSet") => &["spec.selector", "spec.selector.matchLabels", "spec.replicas"],
        ("cluster.x-k8s.io", "MachinePool") => &["spec.replicas"],
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane") if is_new => {
            &["spec.replicas", "spec.rollout.strategy.type"]
        }
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane") => &["spec.replicas", "spec.rolloutStrategy.type"],
        ("runtime.cluster.x-k8s.io", "ExtensionConfig") => &["spec.namespaceSelector"],
        _ => &[],
    }
}
