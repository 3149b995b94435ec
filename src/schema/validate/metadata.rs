//! `metadata`: what holds for every object, and for objects within objects. The server decodes it into a Go struct before it
//! looks at any schema, so that one wrong type refuses the whole object.

use crate::report::{Finding, Severity};
use crate::schema::cel::time::Timestamp;
use crate::schema::suggest;
use crate::schema::table::Scope;
use crate::yaml::{Scalar, Value};

use super::words::{quoted, value_name};
use super::{Client, Effect, Judge, names, rules};

/// What a field of `metadata` takes.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Whole,
    Truth,
    Time,
    Anything,
    TextMap,
    Texts,
    Structs(&'static [(&'static str, Shape)]),
}

const FIELDS: &[(&str, Shape)] = &[
    ("name", Shape::Text),
    ("generateName", Shape::Text),
    ("namespace", Shape::Text),
    ("selfLink", Shape::Text),
    ("uid", Shape::Text),
    ("resourceVersion", Shape::Text),
    ("generation", Shape::Whole),
    ("creationTimestamp", Shape::Time),
    ("deletionTimestamp", Shape::Time),
    ("deletionGracePeriodSeconds", Shape::Whole),
    ("labels", Shape::TextMap),
    ("annotations", Shape::TextMap),
    ("ownerReferences", Shape::Structs(OWNER)),
    ("finalizers", Shape::Texts),
    ("managedFields", Shape::Structs(MANAGED)),
];

const OWNER: &[(&str, Shape)] = &[
    ("apiVersion", Shape::Text),
    ("kind", Shape::Text),
    ("name", Shape::Text),
    ("uid", Shape::Text),
    ("controller", Shape::Truth),
    ("blockOwnerDeletion", Shape::Truth),
];

const MANAGED: &[(&str, Shape)] = &[
    ("manager", Shape::Text),
    ("operation", Shape::Text),
    ("apiVersion", Shape::Text),
    ("time", Shape::Time),
    ("fieldsType", Shape::Text),
    ("fieldsV1", Shape::Anything),
    ("subresource", Shape::Text),
];

/// Annotations may hold this many bytes in all.
const ANNOTATION_BYTES: usize = 256 << 10;

impl<'a> Judge<'_, 'a> {
    /// Judges the object's own metadata.
    pub(super) fn object_metadata(&mut self) {
        let metadata = self.object.metadata().filter(|metadata| !metadata.is_null());
        if let Some(metadata) = metadata {
            if !self.decodes(metadata) {
                return;
            }
            self.metadata_values(metadata);
        }
        let text = |key: &str| metadata.and_then(|metadata| metadata.get(key)).and_then(|value| value.as_str());
        let name = text("name").unwrap_or_default();
        let generated = text("generateName").unwrap_or_default();
        if name.is_empty() && (generated.is_empty() || self.client != Client::Create) {
            let message = if generated.is_empty() {
                "the object has no name (`metadata.name`); the API server refuses it"
            } else {
                "`generateName` works with `kubectl create` alone; Helm and server-side apply need `metadata.name`"
            };
            let finding = self.object.missing(&rules::REQUIRED_FIELD, &["metadata", "name"], message);
            self.add(Effect::Blocking, finding);
        }
        if let Some(value) = metadata.and_then(|m| m.get("name")).filter(|_| !name.is_empty()) {
            self.object_name(value, &name);
        }
        if let Some(value) = metadata
            .and_then(|m| m.get("generateName"))
            .filter(|_| !generated.is_empty() && !begins_a_name(&generated, name.is_empty()))
        {
            let message =
                format!("{} cannot begin a name: lower-case letters, digits, `-` and `.` only", quoted(&generated));
            self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, value, message));
        }
        let namespace = metadata.and_then(|m| m.get("namespace"));
        if let Some(value) = namespace.filter(|_| self.kind.is_some_and(|kind| kind.scope() == Scope::Namespaced)) {
            self.namespace(value);
        }
    }

    /// Judges the object's own name, where it has one.
    pub(super) fn object_name(&mut self, value: Value<'a>, name: &str) {
        let is_name = if self.object.group() == "rbac.authorization.k8s.io" {
            names::is_path_segment(name)
        } else {
            names::is_dns_subdomain(name)
        };
        if !is_name {
            let message = format!(
                "the name {} is not allowed: at most 253 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends of each part",
                quoted(name)
            );
            let fixed = mended_name(name);
            let finding = self.object.finding(&rules::INVALID_METADATA, value, message);
            self.add(Effect::Harmless, if names::is_dns_subdomain(&fixed) { finding.suggest(fixed) } else { finding });
        }
    }

    /// Judges what a client and the server want of every object, whatever its kind.
    pub(super) fn any_object(&mut self) {
        if let Some(value) =
            self.object.root.get("apiVersion").filter(|_| self.object.api_version.matches('/').count() > 1)
        {
            let message =
                format!("{} is no apiVersion: it is a group, `/` and a version", quoted(&self.object.api_version));
            self.add(Effect::Blocking, self.object.finding(&rules::WRONG_TYPE, value, message));
        }
        let metadata = self.object.metadata().filter(|metadata| !metadata.is_null());
        if let Some(metadata) = metadata.filter(|metadata| self.decodes(*metadata)) {
            self.metadata_values(metadata);
        }
    }

    /// Judges the metadata, `apiVersion` and `kind` of an object within the object.
    pub(super) fn embedded_metadata(&mut self, resource: Value<'a>) {
        for key in ["apiVersion", "kind"] {
            let path = format!("{}.{key}", self.path(resource));
            let Some(value) = resource.get(key) else {
                let message = format!("`{path}` is required and missing; the API server refuses the object");
                let finding =
                    Finding::new(&rules::REQUIRED_FIELD, message).at(self.object.key_place(resource)).path(path);
                self.add(Effect::Blocking, finding);
                continue;
            };
            let is_valid = |text: &str| match key {
                "apiVersion" => !text.is_empty() && text.matches('/').count() <= 1 && text != "/",
                _ => names::is_dns_1035_label(&text.to_lowercase()),
            };
            match value.as_str() {
                None => self.wrong(value, "text"),
                Some(text) if !is_valid(&text) => {
                    let message = format!("`{path}`: {} is no {key}", quoted(&text));
                    self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, value, message));
                }
                Some(_) => {}
            }
        }
        let Some(metadata) = resource.get("metadata").filter(|metadata| !metadata.is_null()) else { return };
        if !self.decodes(metadata) {
            return;
        }
        self.metadata_values(metadata);
        for key in ["name", "generateName"] {
            let Some(value) = metadata.get(key) else { continue };
            let text = value.as_str().unwrap_or_default();
            if text.contains(['/', '%']) || key == "name" && !names::is_path_segment(&text) {
                let message = format!("`{}`: {} cannot stand in a URL", self.path(value), quoted(&text));
                self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, value, message));
            }
        }
        if let Some(value) = metadata.get("namespace") {
            self.namespace(value);
        }
        if let Some(value) = metadata.get("generation").filter(|value| value.as_i64().is_some_and(|number| number < 0))
        {
            let message = format!("`{}` must not be negative", self.path(value));
            self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, value, message));
        }
        self.managed_fields(metadata);
    }

    fn namespace(&mut self, value: Value<'a>) {
        let text = value.as_str().unwrap_or_default();
        if !text.is_empty() && !names::is_dns_label(&text) {
            let message = format!(
                "the namespace {} is not allowed: at most 63 lower-case letters, digits and `-`, with a letter or digit at both ends",
                quoted(&text)
            );
            self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, value, message));
        }
    }

    /// Whether the server can decode the metadata. Reports what it cannot, and unknown fields.
    fn decodes(&mut self, metadata: Value<'a>) -> bool {
        if !metadata.is_map() {
            self.wrong(metadata, "a mapping");
            return false;
        }
        let before = self.blocking;
        self.decode_struct(metadata, FIELDS);
        self.blocking == before
    }

    fn decode_struct(&mut self, value: Value<'a>, fields: &'static [(&'static str, Shape)]) {
        for entry in value.entries() {
            let Some(key) = entry.key() else { continue };
            match fields.iter().find(|(name, _)| *name == key) {
                Some((_, shape)) => self.decode(entry, *shape),
                None => self.unknown_metadata(value, &key, entry, fields),
            }
        }
    }

    fn decode(&mut self, value: Value<'a>, shape: Shape) {
        let scalar = value.scalar();
        if matches!(scalar, Some(Scalar::Null)) {
            return; // Go leaves the field at its zero value
        }
        match (shape, scalar) {
            (Shape::Anything, _)
            | (Shape::Text, Some(Scalar::Str(_)))
            | (Shape::Whole, Some(Scalar::Int(_)))
            | (Shape::Truth, Some(Scalar::Bool(_))) => {}
            (Shape::Text, _) => self.wrong(value, "text"),
            (Shape::Whole, _) => self.wrong(value, "a whole number"),
            (Shape::Truth, _) => self.wrong(value, "true or false"),
            (Shape::Time, Some(Scalar::Str(text))) if Timestamp::parse(&text).is_some() => {}
            (Shape::Time, _) => self.wrong(value, "a time such as \"2026-01-02T15:04:05Z\""),
            (Shape::TextMap, _) if value.is_map() => value.entries().for_each(|entry| self.decode(entry, Shape::Text)),
            (Shape::TextMap, _) => self.wrong(value, "a mapping of texts"),
            (Shape::Texts, _) if value.is_seq() => value.items().for_each(|item| self.decode(item, Shape::Text)),
            (Shape::Texts, _) => self.wrong(value, "a list of texts"),
            (Shape::Structs(fields), _) if value.is_seq() => {
                for item in value.items() {
                    if item.is_map() {
                        self.decode_struct(item, fields);
                    } else if !item.is_null() {
                        self.wrong(item, "a mapping");
                    }
                }
            }
            (Shape::Structs(_), _) => self.wrong(value, "a list of mappings"),
        }
    }

    fn wrong(&mut self, value: Value<'a>, wanted: &str) {
        let has = value_name(value, self.holds_secrets());
        let message = format!("`{}` wants {wanted} and has {has}; the API server refuses the object", self.path(value));
        let finding = self.object.finding(&rules::WRONG_TYPE, value, message);
        let quotable = wanted == "text" && value.scalar().is_some() && !value.is_null();
        let finding = if quotable { finding.suggest(format!("\"{}\"", value.raw().trim())) } else { finding };
        self.add(Effect::Blocking, finding);
    }

    fn unknown_metadata(&mut self, holder: Value<'a>, key: &str, entry: Value<'a>, fields: &[(&'static str, Shape)]) {
        let fate = match self.client {
            Client::Warn => "the API server drops it with a warning: it has no effect",
            _ => "the API server refuses the object",
        };
        let message = format!("`{key}` is no field of `{}`; {fate}", self.path(holder));
        let mut finding = Finding::new(&rules::UNKNOWN_FIELD, message).at(self.object.key_place(entry));
        finding.suggestion = suggest::nearest(key, fields.iter().map(|(name, _)| *name)).map(str::to_owned);
        if self.client == Client::Warn {
            self.out.push(finding.severity(Severity::Warning));
        } else {
            self.add(Effect::Harmless, finding);
        }
    }

    /// Labels, annotations, finalizers and owners of metadata that decodes.
    fn metadata_values(&mut self, metadata: Value<'a>) {
        if let Some(labels) = metadata.get("labels") {
            self.labels(labels);
        }
        if let Some(annotations) = metadata.get("annotations") {
            self.annotations(annotations);
        }
        if let Some(finalizers) = metadata.get("finalizers") {
            self.finalizers(finalizers);
        }
        if let Some(owners) = metadata.get("ownerReferences") {
            self.owners(owners);
        }
    }

    fn labels(&mut self, labels: Value<'a>) {
        for entry in labels.entries() {
            let key = entry.key().unwrap_or_default();
            if !names::is_qualified_name(&key) {
                self.bad_key("label", &key, entry);
            }
            let value = entry.as_str().unwrap_or_default();
            if !names::is_label_value(&value) {
                let message = format!(
                    "the label {} has the value {}: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
                    quoted(&key),
                    quoted(&value)
                );
                self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, entry, message));
            }
        }
    }

    fn annotations(&mut self, annotations: Value<'a>) {
        let mut bytes = 0;
        for entry in annotations.entries() {
            let key = entry.key().unwrap_or_default();
            bytes += key.len() + entry.as_str().map_or(0, |text| text.len());
            let lower_needed = key.bytes().any(|b| b.is_ascii_uppercase()) || !key.is_ascii();
            let is_valid = if lower_needed {
                names::is_qualified_name(&key.to_lowercase())
            } else {
                names::is_qualified_name(&key)
            };
            if !is_valid {
                self.bad_key("annotation", &key, entry);
            }
        }
        if bytes > ANNOTATION_BYTES {
            let message =
                format!("the annotations hold {bytes} bytes; the API server takes {ANNOTATION_BYTES} at most");
            self.add(Effect::Blocking, self.object.finding(&rules::INVALID_METADATA, annotations, message));
        }
    }

    fn bad_key(&mut self, what: &str, key: &str, entry: Value<'a>) {
        let message = format!(
            "{} cannot be the key of a {what}: an optional DNS name and `/`, then at most 63 letters, digits, `-`, `_` and `.`",
            quoted(key)
        );
        let finding = Finding::new(&rules::INVALID_METADATA, message).at(self.object.key_place(entry));
        self.add(Effect::Harmless, finding);
    }

    fn finalizers(&mut self, finalizers: Value<'a>) {
        let mut special = 0;
        for item in finalizers.items() {
            let name = item.as_str().unwrap_or_default();
            special |= i32::from(name == "orphan") | i32::from(name == "foregroundDeletion") << 1;
            if !names::is_qualified_name(&name) {
                let message = format!("{} is no name of a finalizer: `example.com/name`", quoted(&name));
                self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, item, message));
            }
        }
        if special == 0b11 {
            let message = "the finalizers `orphan` and `foregroundDeletion` exclude each other";
            self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, finalizers, message));
        }
    }

    fn owners(&mut self, owners: Value<'a>) {
        let mut seen: Vec<String> = Vec::new();
        let mut controllers = 0;
        for owner in owners.items() {
            let text = |key: &str| owner.get(key).and_then(|value| value.as_str()).unwrap_or_default();
            let uid = text("uid").into_owned();
            if seen.contains(&uid) {
                continue; // the server takes the first and warns
            }
            seen.push(uid);
            controllers += usize::from(owner.get("controller").and_then(|value| value.as_bool()) == Some(true));
            for key in ["apiVersion", "kind", "name", "uid"] {
                let value = text(key);
                if value.is_empty() || key == "apiVersion" && (value.matches('/').count() > 1 || value.ends_with('/')) {
                    let path = format!("{}.{key}", self.path(owner));
                    let message = format!("`{path}` must be set: an owner has apiVersion, kind, name and uid");
                    let finding =
                        Finding::new(&rules::INVALID_METADATA, message).at(self.object.place(owner)).path(path);
                    self.add(Effect::Harmless, finding);
                }
            }
            if text("apiVersion") == "v1" && text("kind") == "Event" {
                let message = format!("`{}`: an Event cannot own anything", self.path(owner));
                self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, owner, message));
            }
        }
        if controllers > 1 {
            let message = format!("`{}`: only one owner can be the controller", self.path(owners));
            self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, owners, message));
        }
    }

    /// Managed fields of an object within: those of the object itself the server throws away.
    fn managed_fields(&mut self, metadata: Value<'a>) {
        for item in metadata.get("managedFields").into_iter().flat_map(|list| list.items()) {
            let text = |key: &str| item.get(key).and_then(|value| value.as_str()).unwrap_or_default();
            let is_valid = matches!(&*text("operation"), "Apply" | "Update")
                && matches!(&*text("fieldsType"), "" | "FieldsV1")
                && text("manager").len() <= 128
                && text("manager").chars().all(|c| !c.is_control())
                && text("subresource").len() <= 256;
            if !is_valid {
                let message = format!("`{}` is no valid entry; leave `managedFields` out", self.path(item));
                self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, item, message));
            }
        }
    }
}

/// Whether names can be made of a beginning; where one is made, it must be a name itself.
fn begins_a_name(beginning: &str, makes_one: bool) -> bool {
    names::is_name_beginning(beginning) && (!makes_one || names::is_dns_subdomain(&names::made_up(beginning)))
}

/// A name in lower case, with `-` for what is not allowed.
fn mended_name(name: &str) -> String {
    let mended: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    mended.trim_matches(['-', '.']).to_owned()
}
