//! The schemas: what the API server knows of the shape of each kind, and the verdict that follows from it.
//!
//! - [`facts`]: a CRD without its prose, typed; the notation of `schemas/`.
//! - [`folder`], [`notation`]: the files of `schemas/`; [`import`], [`openapi`]: upstream's CRDs and documents into facts.
//! - [`bundle`]: which schema counts for an object: the user's, else the bundled one of the chosen CAPI release; [`load`] reads the
//!   former.
//! - [`describe`]: a schema in words.
//! - [`pack`], [`layout`], [`table`]: facts as one compact table that is read in place.
//! - [`validate`]: the verdict on one object, on the tape; [`defaults`] sees through defaults and dropped nulls, [`suggest`]
//!   finds what somebody may have meant.
//! - [`declare`]: what a schema declares to its CEL rules, and the server's check of those rules.
//! - [`cel`], [`pattern`], [`formats`]: what schemas are written in.
//!
//! This folder must not know clusters, webhooks or files of a release: it sees one object at a time.

pub mod bundle;
pub mod cel;
pub mod declare;
pub mod defaults;
pub mod definition;
pub mod describe;
mod email;
pub mod facts;
pub mod folder;
pub mod formats;
pub mod import;
pub mod ip;
pub mod json_schema;
pub mod kinds;
pub mod layout;
pub mod load;
pub mod notation;
pub mod openapi;
pub mod pack;
pub mod pattern;
pub mod quantity;
pub mod suggest;
pub mod table;
pub mod url;
pub mod validate;
pub mod written;
