//! capi-lint: the verdict of the management cluster on Cluster API manifests, offline.
//!
//! See `ARCHITECTURE.md` for the map and the invariants.
#![forbid(unsafe_code)]

pub mod object;
pub mod report;
pub mod yaml;
