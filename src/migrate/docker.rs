//! The Docker provider (Docker*, Dev*): failure domains become a list.

use super::change::Change::{self, Decode, In, Named};
use super::change::Decoded::Duration;

pub(super) const DOCKER_CLUSTER: &[Change] = &[Named { at: "spec.failureDomains" }];

pub(super) const DOCKER_CLUSTER_TEMPLATE: &[Change] = &[Named { at: "spec.template.spec.failureDomains" }];

pub(super) const DEV_CLUSTER: &[Change] = &[Named { at: "spec.backend.docker.failureDomains" }];

pub(super) const DEV_CLUSTER_TEMPLATE: &[Change] = &[Named { at: "spec.template.spec.backend.docker.failureDomains" }];

const DOCKER_MACHINE_SPEC: &[Change] = &[Decode { at: "bootstrapTimeout", form: Duration }];

const PROVISIONING: &[Change] = &[Decode { at: "provisioning.startupDuration", form: Duration }];

const DEV_MACHINE_SPEC: &[Change] = &[
    In { at: "backend.docker", changes: DOCKER_MACHINE_SPEC },
    In { at: "backend.inMemory.vm", changes: PROVISIONING },
    In { at: "backend.inMemory.node", changes: PROVISIONING },
    In { at: "backend.inMemory.apiServer", changes: PROVISIONING },
    In { at: "backend.inMemory.etcd", changes: PROVISIONING },
];

pub(super) const DOCKER_MACHINE: &[Change] = &[In { at: "spec", changes: DOCKER_MACHINE_SPEC }];

pub(super) const DOCKER_MACHINE_TEMPLATE: &[Change] = &[In { at: "spec.template.spec", changes: DOCKER_MACHINE_SPEC }];

pub(super) const DEV_MACHINE: &[Change] = &[In { at: "spec", changes: DEV_MACHINE_SPEC }];

pub(super) const DEV_MACHINE_TEMPLATE: &[Change] = &[In { at: "spec.template.spec", changes: DEV_MACHINE_SPEC }];
