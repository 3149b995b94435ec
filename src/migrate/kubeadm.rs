//! `KubeadmConfig`, `KubeadmControlPlane` and their templates.

use super::change::Change::{self, Arguments, Decode, Each, Fill, In, Move, Reference, Remove, Seconds};
use super::change::Decoded;
use super::core::DELETION;

const SET_BY_PROVIDER: &str = "the kubeadm provider writes apiVersion and kind itself";
const FROM_CLUSTER: &str = "it comes from spec.clusterNetwork of the Cluster; set it there";

const NODE: &[Change] = &[Arguments { at: "nodeRegistration.kubeletExtraArgs" }];

const BOOTSTRAP_TOKEN: &[Change] =
    &[Decode { at: "token", form: Decoded::BootstrapToken }, Seconds { from: "ttl", to: &["ttlSeconds"] }];

const KUBEADM_CONFIG_SPEC: &[Change] = &[
    In {
        at: "clusterConfiguration",
        changes: &[
            Arguments { at: "apiServer.extraArgs" },
            Arguments { at: "controllerManager.extraArgs" },
            Arguments { at: "scheduler.extraArgs" },
            Arguments { at: "etcd.local.extraArgs" },
            Remove { at: "apiVersion", instead: SET_BY_PROVIDER },
            Remove { at: "kind", instead: SET_BY_PROVIDER },
            Remove { at: "clusterName", instead: "it comes from metadata.name of the Cluster" },
            Remove {
                at: "kubernetesVersion",
                instead: "it comes from spec.version of the KubeadmControlPlane or Machine; set it there",
            },
            Remove { at: "networking", instead: FROM_CLUSTER },
        ],
    },
    In {
        at: "initConfiguration",
        changes: &[
            Remove { at: "apiVersion", instead: SET_BY_PROVIDER },
            Remove { at: "kind", instead: SET_BY_PROVIDER },
            In { at: "", changes: NODE },
            Each { list: "bootstrapTokens", changes: BOOTSTRAP_TOKEN },
        ],
    },
    In {
        at: "joinConfiguration",
        changes: &[
            Remove { at: "apiVersion", instead: SET_BY_PROVIDER },
            Remove { at: "kind", instead: SET_BY_PROVIDER },
            In { at: "", changes: NODE },
            Seconds { from: "discovery.timeout", to: &["timeouts.tlsBootstrapSeconds"] },
        ],
    },
    Seconds {
        from: "clusterConfiguration.apiServer.timeoutForControlPlane",
        to: &[
            "initConfiguration.timeouts.controlPlaneComponentHealthCheckSeconds",
            "joinConfiguration.timeouts.controlPlaneComponentHealthCheckSeconds",
        ],
    },
    Remove { at: "useExperimentalRetryJoin", instead: "kubeadm itself retries to join since Kubernetes v1.19" },
];

const CONTROL_PLANE_SPEC: &[Change] = &[
    In { at: "kubeadmConfigSpec", changes: KUBEADM_CONFIG_SPEC },
    In {
        at: "machineTemplate",
        changes: &[
            Reference { from: "infrastructureRef", to: "spec.infrastructureRef" },
            Move { from: "readinessGates", to: "spec.readinessGates" },
            Move { from: "taints", to: "spec.taints" },
            In { at: "", changes: DELETION },
            Move { from: "deletion", to: "spec.deletion" },
        ],
    },
    Move { from: "machineNamingStrategy", to: "machineNaming" },
    In {
        at: "remediationStrategy",
        changes: &[
            Seconds { from: "retryPeriod", to: &["retryPeriodSeconds"] },
            Seconds { from: "minHealthyPeriod", to: &["minHealthyPeriodSeconds"] },
        ],
    },
    Move { from: "remediationStrategy", to: "remediation" },
    Move { from: "rolloutBefore", to: "rollout.before" },
    Move { from: "rolloutAfter", to: "rollout.after" },
    Move { from: "rolloutStrategy", to: "rollout.strategy" },
];

pub(super) const KUBEADM_CONFIG: &[Change] = &[In { at: "spec", changes: KUBEADM_CONFIG_SPEC }];

pub(super) const KUBEADM_CONFIG_TEMPLATE: &[Change] = &[In { at: "spec.template.spec", changes: KUBEADM_CONFIG_SPEC }];

pub(super) const KUBEADM_CONTROL_PLANE: &[Change] = &[In { at: "spec", changes: CONTROL_PLANE_SPEC }];

pub(super) const KUBEADM_CONTROL_PLANE_TEMPLATE: &[Change] = &[
    // The webhooks of v1beta1 defaulted it, and v1beta2 requires it.
    Fill { at: "spec.template.spec.rolloutStrategy", key: "type", value: "RollingUpdate" },
    In { at: "spec.template.spec", changes: CONTROL_PLANE_SPEC },
];
