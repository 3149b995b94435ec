//! cluster.x-k8s.io: clusters, machines and the sets of them, health checks. `ClusterClass` has its own file.

use super::change::Change::{self, Each, In, Move, Reference, Remove, Seconds, TemplateReference};

/// The three timeouts of a machine's deletion, wherever a machine is described.
pub(super) const DELETION: &[Change] = &[
    Seconds { from: "nodeDrainTimeout", to: &["deletion.nodeDrainTimeoutSeconds"] },
    Seconds { from: "nodeVolumeDetachTimeout", to: &["deletion.nodeVolumeDetachTimeoutSeconds"] },
    Seconds { from: "nodeDeletionTimeout", to: &["deletion.nodeDeletionTimeoutSeconds"] },
];

const MACHINE_SPEC: &[Change] = &[
    Reference { from: "bootstrap.configRef", to: "bootstrap.configRef" },
    Reference { from: "infrastructureRef", to: "infrastructureRef" },
    In { at: "", changes: DELETION },
];

/// A condition with its timeout.
const CONDITION: &[Change] = &[Seconds { from: "timeout", to: &["timeoutSeconds"] }];

/// A health check, as an object of its own, in a topology or in a class.
pub(super) const HEALTH_CHECK: &[Change] = &[
    Move { from: "unhealthyConditions", to: "checks.unhealthyNodeConditions" },
    Each { list: "checks.unhealthyNodeConditions", changes: CONDITION },
    Move { from: "unhealthyMachineConditions", to: "checks.unhealthyMachineConditions" },
    Each { list: "checks.unhealthyMachineConditions", changes: CONDITION },
    Seconds { from: "nodeStartupTimeout", to: &["checks.nodeStartupTimeoutSeconds"] },
    Move { from: "maxUnhealthy", to: "remediation.triggerIf.unhealthyLessThanOrEqualTo" },
    Move { from: "unhealthyRange", to: "remediation.triggerIf.unhealthyInRange" },
    TemplateReference { from: "remediationTemplate", to: "remediation.templateRef" },
];

/// How a set of worker machines rolls, in a topology or in a class; the remediation limit belongs to the health check.
pub(super) const WORKER_STRATEGY: &[Change] = &[
    Move { from: "strategy.rollingUpdate.deletePolicy", to: "deletion.order" },
    Move { from: "strategy.remediation.maxInFlight", to: "healthCheck.remediation.maxInFlight" },
    Move { from: "strategy", to: "rollout.strategy" },
];

const NAMING: &[Change] = &[Move { from: "machineNamingStrategy", to: "machineNaming" }];

pub(super) const MACHINE: &[Change] = &[In { at: "spec", changes: MACHINE_SPEC }];

pub(super) const MACHINE_SET: &[Change] = &[In {
    at: "spec",
    changes: &[
        In { at: "template.spec", changes: MACHINE_SPEC },
        In { at: "", changes: NAMING },
        Move { from: "minReadySeconds", to: "template.spec.minReadySeconds" },
        Move { from: "deletePolicy", to: "deletion.order" },
    ],
}];

pub(super) const MACHINE_POOL: &[Change] = &[In {
    at: "spec",
    changes: &[
        In { at: "template.spec", changes: MACHINE_SPEC },
        Move { from: "minReadySeconds", to: "template.spec.minReadySeconds" },
    ],
}];

pub(super) const MACHINE_DEPLOYMENT: &[Change] = &[In {
    at: "spec",
    changes: &[
        In { at: "template.spec", changes: MACHINE_SPEC },
        In { at: "", changes: NAMING },
        Move { from: "minReadySeconds", to: "template.spec.minReadySeconds" },
        Move { from: "rolloutAfter", to: "rollout.after" },
        Move { from: "strategy.rollingUpdate.deletePolicy", to: "deletion.order" },
        Move { from: "strategy.remediation", to: "remediation" },
        Move { from: "strategy", to: "rollout.strategy" },
        Remove {
            at: "revisionHistoryLimit",
            instead: "v1beta2 keeps no revision history; old MachineSets without machines are deleted",
        },
        Remove { at: "progressDeadlineSeconds", instead: "it never had an effect; watch the condition RollingOut" },
    ],
}];

pub(super) const MACHINE_HEALTH_CHECK: &[Change] = &[In { at: "spec", changes: HEALTH_CHECK }];

const OVERRIDE: &[Change] = &[Remove {
    at: "definitionFrom",
    instead: "all definitions of a variable must agree, so a value belongs to all of them",
}];

const TOPOLOGY_HEALTH_CHECK: &[Change] = &[
    Move { from: "machineHealthCheck.enable", to: "machineHealthCheck.enabled" },
    In { at: "machineHealthCheck", changes: HEALTH_CHECK },
    Move { from: "machineHealthCheck", to: "healthCheck" },
];

pub(super) const CLUSTER: &[Change] = &[In {
    at: "spec",
    changes: &[
        Reference { from: "controlPlaneRef", to: "controlPlaneRef" },
        Reference { from: "infrastructureRef", to: "infrastructureRef" },
        In {
            at: "topology",
            changes: &[
                Move { from: "class", to: "classRef.name" },
                Move { from: "classNamespace", to: "classRef.namespace" },
                Remove {
                    at: "rolloutAfter",
                    instead: "it never had an effect; set rollout.after at controlPlane and at each machineDeployment",
                },
                Each { list: "variables", changes: OVERRIDE },
                In {
                    at: "controlPlane",
                    changes: &[
                        In { at: "", changes: DELETION },
                        In { at: "", changes: TOPOLOGY_HEALTH_CHECK },
                        Each { list: "variables.overrides", changes: OVERRIDE },
                    ],
                },
                Each {
                    list: "workers.machineDeployments",
                    changes: &[
                        In { at: "", changes: TOPOLOGY_HEALTH_CHECK },
                        In { at: "", changes: DELETION },
                        In { at: "", changes: WORKER_STRATEGY },
                        Each { list: "variables.overrides", changes: OVERRIDE },
                    ],
                },
                Each {
                    list: "workers.machinePools",
                    changes: &[
                        In { at: "", changes: DELETION },
                        Each { list: "variables.overrides", changes: OVERRIDE },
                    ],
                },
            ],
        },
    ],
}];
