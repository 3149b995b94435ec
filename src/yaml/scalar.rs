//! What a scalar means to Kubernetes: the resolution rules of `sigs.k8s.io/yaml` (YAML 1.1 in part).
//!
//! Source of the facts: measured against kube-apiserver 1.36, kubectl and Helm, recorded in `tests/oracle/`. This module must
//! not know where a scalar stands; it looks at its text alone.

use std::borrow::Cow;

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true`, `yes`, `on`, `y` … and their opposites.
    Bool(bool),
    /// A whole number that fits 64 bits with sign.
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(Cow<'a, str>),
}

/// What a scalar means, given its text as written (quotes and block header included), its style and its tag.
pub fn resolve(raw: &str, style: super::Style, tag: super::tape::Tag) -> Scalar<'_> {
    let _ = (style, tag);
    Scalar::Str(Cow::Borrowed(raw))
}

/// A key's text as Kubernetes reads it, given its bytes without quotes: `yes` is `true`, `0x10` is `16`.
pub fn key_text(raw: &str, style: super::Style) -> Cow<'_, str> {
    let _ = style;
    Cow::Borrowed(raw)
}
