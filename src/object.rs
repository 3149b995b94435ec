//! The Kubernetes view of a document: who an object is, what it carries, where it was rendered from.
//!
//! It reads the tape and decides nothing: whether a name is valid or a kind known is for `schema` and the rules.

use std::borrow::Cow;

use crate::report::{Finding, Place, Rule};
use crate::yaml::Value;

/// One object of a release: a document, or an item of a `kind: List`.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    /// Its number in the run, from 0: the index into `Release::objects`.
    pub number: u32,
    /// The document it stands in, counted over the run.
    pub document: u32,
    /// Its root: the whole document, or the item of a list.
    pub root: Value<'a>,
    /// `apiVersion` as written.
    pub api_version: Cow<'a, str>,
    /// `kind` as written.
    pub kind: Cow<'a, str>,
    /// `metadata.namespace`, where it is set.
    pub namespace: Option<Cow<'a, str>>,
    /// `metadata.name`; empty where it is absent (`generateName` or a mistake).
    pub name: Cow<'a, str>,
}

impl<'a> Object<'a> {
    /// The API group: `cluster.x-k8s.io`; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The version: `v1beta2`.
    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(_, version)| version)
    }

    /// Whether it is of this group and kind, whatever the version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group() == group
    }

    /// The value at a chain of keys from the object's root: `&["spec", "replicas"]`.
    pub fn at(&self, keys: &[&str]) -> Option<Value<'a>> {
        self.root.at(keys)
    }

    /// `spec`.
    pub fn spec(&self) -> Option<Value<'a>> {
        self.root.get("spec")
    }

    /// A label's value, where it is a string.
    pub fn label(&self, key: &str) -> Option<Cow<'a, str>> {
        self.at(&["metadata", "labels"])?.get(key)?.as_str()
    }

    /// An annotation's value, where it is a string.
    pub fn annotation(&self, key: &str) -> Option<Cow<'a, str>> {
        self.at(&["metadata", "annotations"])?.get(key)?.as_str()
    }

    /// The place of a value of this object; points at the value itself.
    pub fn place(&self, value: Value<'a>) -> Place {
        Place { document: self.document, object: Some(self.number), node: Some(value.index()), span: value.span() }
    }

    /// The place of a value's key: for findings about the field rather than what it holds.
    pub fn key_place(&self, value: Value<'a>) -> Place {
        Place { span: value.key_span(), ..self.place(value) }
    }

    /// A finding about a value of this object.
    pub fn finding(&self, rule: &'static Rule, value: Value<'a>, message: impl Into<String>) -> Finding {
        Finding::new(rule, message).at(self.place(value))
    }

    /// A finding about a field that is absent: points at the nearest ancestor that is there (its key, so that not a whole
    /// block is marked) and carries the full dotted path.
    pub fn missing(&self, rule: &'static Rule, keys: &[&str], message: impl Into<String>) -> Finding {
        let mut nearest = self.root;
        for key in keys {
            let Some(next) = nearest.get(key) else { break };
            nearest = next;
        }
        let anchor =
            if nearest.index() == self.root.index() { nearest.get("kind").unwrap_or(nearest) } else { nearest };
        let mut path = String::new();
        for key in keys {
            crate::yaml::tape::push_key(&mut path, key);
        }
        Finding::new(rule, message).at(self.key_place(anchor)).path(path)
    }
}
