//! `ClusterClass`: the class itself. What its patches say about the templates is for `patches`.

use super::change::Change::{self, Decode, Each, In, Move, TemplateReference};
use super::change::Decoded;
use super::core::{DELETION, HEALTH_CHECK, WORKER_STRATEGY};

const CLASS_HEALTH_CHECK: &[Change] =
    &[In { at: "machineHealthCheck", changes: HEALTH_CHECK }, Move { from: "machineHealthCheck", to: "healthCheck" }];

const NAMING: &[Change] = &[Move { from: "namingStrategy", to: "naming" }];

const WORKER_TEMPLATE: &[Change] = &[
    Move { from: "template.bootstrap", to: "bootstrap" },
    TemplateReference { from: "bootstrap.ref", to: "bootstrap.templateRef" },
    Move { from: "template.infrastructure", to: "infrastructure" },
    TemplateReference { from: "infrastructure.ref", to: "infrastructure.templateRef" },
    Move { from: "template.metadata", to: "metadata" },
];

pub(super) const CLUSTER_CLASS: &[Change] = &[In {
    at: "spec",
    changes: &[
        TemplateReference { from: "infrastructure.ref", to: "infrastructure.templateRef" },
        Move { from: "infrastructureNamingStrategy", to: "infrastructure.naming" },
        In {
            at: "controlPlane",
            changes: &[
                TemplateReference { from: "ref", to: "templateRef" },
                TemplateReference { from: "machineInfrastructure.ref", to: "machineInfrastructure.templateRef" },
                In { at: "", changes: NAMING },
                In { at: "", changes: CLASS_HEALTH_CHECK },
                In { at: "", changes: DELETION },
            ],
        },
        Each {
            list: "workers.machineDeployments",
            changes: &[
                In { at: "", changes: WORKER_TEMPLATE },
                In { at: "", changes: NAMING },
                In { at: "", changes: CLASS_HEALTH_CHECK },
                In { at: "", changes: DELETION },
                In { at: "", changes: WORKER_STRATEGY },
            ],
        },
        Each {
            list: "workers.machinePools",
            changes: &[
                In { at: "", changes: WORKER_TEMPLATE },
                In { at: "", changes: NAMING },
                In { at: "", changes: DELETION },
            ],
        },
        Each {
            list: "patches",
            changes: &[
                Move { from: "external.generateExtension", to: "external.generatePatchesExtension" },
                Move { from: "external.validateExtension", to: "external.validateTopologyExtension" },
            ],
        },
        Each {
            list: "variables",
            changes: &[
                Decode { at: "schema.openAPIV3Schema", form: Decoded::JsonSchema },
                Move { from: "metadata", to: "deprecatedV1Beta1Metadata" },
            ],
        },
    ],
}];
