//! Fields that mutating webhooks fill before the schema is asked: neither `required` nor a least number of fields must miss them.

/// The dotted paths that a kind's webhook fills, for a group, kind and version; `[]` stands for each item of a list.
pub fn prefilled(group: &str, kind: &str, version: &str) -> &'static [&'static str] {
    let is_new = version == "v1beta2";
    match (group, kind) {
        ("cluster.x-k8s.io", "MachineDeployment") if is_new => &[
            "spec.selector",
            "spec.selector.matchLabels",
            "spec.replicas",
            "spec.rollout",
            "spec.rollout.strategy",
            "spec.rollout.strategy.type",
            "spec.rollout.strategy.rollingUpdate",
            "spec.rollout.strategy.rollingUpdate.maxSurge",
            "spec.template.metadata",
            "spec.template.metadata.labels",
        ],
        ("cluster.x-k8s.io", "MachineDeployment") => {
            &["spec.selector", "spec.selector.matchLabels", "spec.replicas", "spec.strategy.type"]
        }
        ("cluster.x-k8s.io", "MachineSet") => &[
            "spec.selector",
            "spec.selector.matchLabels",
            "spec.replicas",
            "spec.template.metadata",
            "spec.template.metadata.labels",
        ],
        ("cluster.x-k8s.io", "Machine") if is_new => &["spec.deletion", "spec.deletion.nodeDeletionTimeoutSeconds"],
        ("cluster.x-k8s.io", "MachinePool") if is_new => {
            &["spec.replicas", "spec.template.spec.deletion", "spec.template.spec.deletion.nodeDeletionTimeoutSeconds"]
        }
        ("cluster.x-k8s.io", "MachinePool") => &["spec.replicas"],
        ("cluster.x-k8s.io", "MachineHealthCheck") if is_new => {
            &["spec.checks", "spec.checks.nodeStartupTimeoutSeconds"]
        }
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane") if is_new => &[
            "spec.replicas",
            "spec.rollout",
            "spec.rollout.strategy",
            "spec.rollout.strategy.type",
            "spec.rollout.strategy.rollingUpdate",
            "spec.rollout.strategy.rollingUpdate.maxSurge",
        ],
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane") => &["spec.replicas", "spec.rolloutStrategy.type"],
        ("runtime.cluster.x-k8s.io", "ExtensionConfig") => &["spec.namespaceSelector"],
        _ => &[],
    }
}
