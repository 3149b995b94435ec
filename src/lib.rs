//! capi-lint: the verdict of the management cluster on Cluster API manifests, offline.
//!
//! See `ARCHITECTURE.md` for the map and the invariants. In the order in which data flows: [`input`] gives bytes, [`stream`]
//! documents ([`yaml`]), [`release`] objects ([`object`]) and clusters, [`judge`] findings ([`report`]), [`transform`] edits,
//! [`output`] text; [`cli`] holds the commands together and [`config`] the settings.
#![forbid(unsafe_code)]

pub mod admission;
mod base64;
pub mod baseline;
pub mod cli;
pub mod config;
pub mod diff;
mod file;
pub mod fleet;
pub mod glob;
pub mod go_template;
pub mod graph;
pub mod grouped;
pub mod ignores;
pub mod input;
pub mod inventory;
pub mod judge;
pub mod layers;
pub mod memory;
pub mod migrate;
pub mod object;
pub mod output;
pub mod parted;
mod pipe;
pub mod plan;
pub mod progress;
pub mod release;
pub mod report;
pub mod rules;
pub mod schema;
pub mod secrets;
pub mod split;
pub mod stream;
pub mod text;
mod threads;
pub mod transform;
pub mod verify;
pub mod yaml;
