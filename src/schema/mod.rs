//! Schemas of Kubernetes objects and what they are made of.

pub mod cel;
mod email;
pub mod formats;
pub mod ip;
pub mod pattern;
pub mod quantity;
pub mod url;
