//! The Docker provider (Docker*, Dev*): failure domains become a list.

use super::change::Change::{self, Named};

pub(super) const DOCKER_CLUSTER: &[Change] = &[Named { at: "spec.failureDomains" }];

pub(super) const DOCKER_CLUSTER_TEMPLATE: &[Change] = &[Named { at: "spec.template.spec.failureDomains" }];

pub(super) const DEV_CLUSTER: &[Change] = &[Named { at: "spec.backend.docker.failureDomains" }];

pub(super) const DEV_CLUSTER_TEMPLATE: &[Change] = &[Named { at: "spec.template.spec.backend.docker.failureDomains" }];
