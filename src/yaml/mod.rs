//! YAML as Kubernetes reads it: bytes become documents, documents become a flat tape of nodes with byte spans.
//!
//! Why our own: no crate resolves scalars as `sigs.k8s.io/yaml` does (what kubectl, Helm and the API server use), and every
//! finding and edit needs exact byte positions. This module knows nothing of Kubernetes objects: no `apiVersion`, no
//! `metadata`. It must not read files and must not panic on any input.
//!
//! - [`split`]: a stream into documents, as kubectl and Helm split.
//! - [`block`]: the fast parser for what charts emit; [`fallback`]: everything else. Both write the same tape.
//! - [`scalar`]: what a scalar means to Kubernetes (`y` is a boolean, `0777` an octal number).
//! - [`tape`]: the nodes and the views on them that the rest of the crate uses.
//! - [`edit`]: changes of the source text that leave everything else untouched.

pub mod scalar;
pub mod tape;

pub use scalar::Scalar;
pub use tape::{Document, Kind, Span, Style, Tape, Value};
