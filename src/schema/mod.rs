//! The schemas: what the API server knows of the shape of each kind, and the verdict that follows from it.
//!
//! - [`facts`]: a CRD without its prose, typed; the notation of `schemas/`.
//! - [`pack`], [`layout`], [`table`]: facts as one compact table that is read in place.
//!
//! This folder must not know clusters, webhooks or files of a release: it sees one object at a time.

pub mod facts;
pub mod folder;
pub mod import;
pub mod layout;
pub mod notation;
pub mod openapi;
pub mod pack;
pub mod table;
