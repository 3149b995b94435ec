//! One object before and after, as trees of the same API version with the defaults of its schema and of CAPI's webhooks
//! filled in: what the server compares.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::json::{self, Side, Step};
use super::{defaults, noise};
use crate::migrate;
use crate::object::Object;
use crate::release::Release;
use crate::report::Place;
use crate::schema::bundle::Schemas;
use crate::schema::table::{Kind, Schema};

/// What reading objects needs to know besides themselves.
#[derive(Debug)]
pub struct Reading<'s> {
    schemas: &'s Schemas,
    /// Templates at v1beta2 in the new release: patches of a class follow them there.
    templates: migrate::Context,
}

impl<'s> Reading<'s> {
    /// For a comparison with this new release.
    pub fn new(new: &Release<'_>, class_templates: &super::topology::TemplateNames, schemas: &'s Schemas) -> Self {
        let mut templates = migrate::Context::default();
        if !class_templates.is_empty() {
            let followed = new.objects.iter().filter(|object| {
                object.kind.ends_with("Template") && object.version() == "v1beta2" && class_templates.names(object)
            });
            followed.for_each(|object| templates.add(&object.root.to_json()));
        }
        Self { schemas, templates }
    }

    /// For objects of which none is a class's template.
    pub fn plain(schemas: &'s Schemas) -> Self {
        Self { schemas, templates: migrate::Context::default() }
    }

    /// The schema of an object's kind in a version.
    fn schema(&self, object: &Object<'_>, version: &str) -> Option<Schema<'s>> {
        self.schemas.find(object.group(), version, &object.kind).map(Kind::schema)
    }
}

/// An object that is in both releases.
#[derive(Debug)]
pub struct Update<'r, 'a> {
    /// In the old release.
    pub old: &'r Object<'a>,
    /// In the new release.
    pub new: &'r Object<'a>,
    /// The old object's tree.
    pub before: Json,
    /// The new object's tree.
    pub after: Json,
    /// The schema of both trees, where one is known.
    pub schema: Option<Schema<'r>>,
}

impl<'r, 'a> Update<'r, 'a> {
    /// Reads both sides.
    pub fn new(old: &'r Object<'a>, new: &'r Object<'a>, reading: &'r Reading<'_>) -> Self {
        let differ = old.version() != new.version();
        let (mut before, mut after) = (tree(old, differ, reading), tree(new, differ, reading));
        let version = if differ && is_v1beta2(&before) && is_v1beta2(&after) { "v1beta2" } else { new.version() };
        let schema = reading.schema(new, version);
        if differ && versions_are_equivalent(old) {
            json::remove(&mut before, &["apiVersion"]);
            json::remove(&mut after, &["apiVersion"]);
        }
        noise::even_references(&mut before, &after);
        // Helm 4 writes manifests anew and may add or drop line ends behind a block of text. Where such a text ends up in a
        // machine it counts all the same.
        if !versions_are_equivalent(new) {
            noise::trim_ends(&mut before);
            noise::trim_ends(&mut after);
        }
        if let Some(schema) = schema {
            defaults::of_schema(&mut before, schema);
            defaults::of_schema(&mut after, schema);
        }
        defaults::fill(&mut before, old, None);
        defaults::fill(&mut after, new, Some(&before));
        defaults::keep_replicas(&before, &mut after, old, new);
        Self { old, new, before, after, schema }
    }

    /// Both trees as v1beta2 has them, with defaults.
    pub fn in_v1beta2(&self) -> (Cow<'_, Json>, Cow<'_, Json>) {
        if self.old.version() == "v1beta1" && self.new.version() == "v1beta1" {
            let before = with_defaults(self.old, None);
            let mut after = with_defaults(self.new, Some(&before));
            defaults::keep_replicas(&before, &mut after, self.old, self.new);
            return (Cow::Owned(before), Cow::Owned(after));
        }
        (Cow::Borrowed(&self.before), Cow::Borrowed(&self.after))
    }

    /// The values at a chain of keys, before and after.
    pub fn both(&self, keys: &[&str]) -> (Option<&Json>, Option<&Json>) {
        (json::at(&self.before, keys), json::at(&self.after, keys))
    }

    /// Whether the value at a chain of keys changed.
    pub fn changed(&self, keys: &[&str]) -> bool {
        let (before, after) = self.both(keys);
        !json::same(before, after)
    }

    /// The texts at a chain of keys, where both are there.
    pub fn texts(&self, keys: &[&str]) -> Option<(&str, &str)> {
        Some((json::text_at(&self.before, keys)?, json::text_at(&self.after, keys)?))
    }

    /// Where a path stands in the new release, or the nearest value above it.
    pub fn place(&self, keys: &[&str]) -> Place {
        place(self.new, &steps(keys), Side::New)
    }
}

/// A chain of keys as a path.
pub fn steps(keys: &[&str]) -> Vec<Step> {
    keys.iter().map(|key| Step::Key((*key).to_owned())).collect()
}

/// Where a path stands in an object, or the nearest value above it.
pub fn place(object: &Object<'_>, path: &[Step], side: Side) -> Place {
    let value = json::locate(object.root, path, side);
    if value.is_map() || value.is_seq() { object.key_place(value) } else { object.place(value) }
}

fn is_v1beta2(tree: &Json) -> bool {
    json::text_at(tree, &["apiVersion"]).is_some_and(|version| version.ends_with("/v1beta2"))
}

/// The object as a tree without noise; in v1beta2 where the two sides differ in their versions.
fn tree(object: &Object<'_>, differ: bool, reading: &Reading<'_>) -> Json {
    let converted = differ.then(|| migrate::meaning_among(object.root, &reading.templates)).flatten();
    without_noise(converted.unwrap_or_else(|| object.root.to_json()))
}

/// The object as v1beta2 has it, without noise; as it is where it cannot be converted.
pub fn in_v1beta2(object: &Object<'_>) -> Json {
    without_noise(migrate::meaning(object.root).unwrap_or_else(|| object.root.to_json()))
}

/// The same with the webhooks' defaults; `before` is the object it replaces, where there is one.
pub fn with_defaults(object: &Object<'_>, before: Option<&Json>) -> Json {
    let mut tree = in_v1beta2(object);
    defaults::fill(&mut tree, object, before);
    tree
}

fn without_noise(mut tree: Json) -> Json {
    noise::strip(&mut tree);
    json::drop_nulls(&mut tree);
    tree
}

/// Kinds whose versions say the same in other words.
fn versions_are_equivalent(object: &Object<'_>) -> bool {
    object.group().ends_with("cluster.x-k8s.io")
}
