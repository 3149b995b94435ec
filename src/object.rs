//! The Kubernetes view of a document: who an object is, what it carries, where it was rendered from.
//!
//! It reads the tape and decides nothing: whether a name is valid or a kind known is for `schema` and the rules.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use crate::report::{Finding, Place, Rule};
use crate::yaml::{Document, Value};

mod text;

pub use text::{EMPTY, Text};

/// The group of Cluster, Machine, MachineDeployment and their kin.
pub const CLUSTER_GROUP: &str = "cluster.x-k8s.io";

/// The label by which objects say to which cluster they belong.
pub const CLUSTER_NAME_LABEL: &str = "cluster.x-k8s.io/cluster-name";

/// Marks an object as a Helm hook and says when it runs.
pub const HOOK_ANNOTATION: &str = "helm.sh/hook";

/// Whether a group is one of Cluster API's: the core, a provider's, or an add-on's.
pub fn is_capi_group(group: &str) -> bool {
    group.strip_suffix("cluster.x-k8s.io").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A reference from one object to another, as CAPI writes them: a mapping with `kind`, `name` and `apiVersion` (v1beta1) or
/// `apiGroup` (v1beta2).
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    /// The mapping.
    pub value: Value<'a>,
    /// `apiVersion` as written; with `apiGroup` the group alone.
    pub api: Cow<'a, str>,
    /// Whether `api` is a group without version.
    pub is_group: bool,
    /// `kind`.
    pub kind: Cow<'a, str>,
    /// `namespace`, where it is set.
    pub namespace: Option<Cow<'a, str>>,
    /// `name`.
    pub name: Cow<'a, str>,
}

/// Node indexes of what makes a mapping a reference, the same in all documents of a form; 0 where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holder {
    node: u32,
    kind: u32,
    name: u32,
    api_group: u32,
    api_version: u32,
    namespace: u32,
}

impl Holder {
    /// Looks a mapping through; `None` where it has not the keys of a reference.
    fn of(value: Value<'_>) -> Option<Self> {
        let mut holder = Self { node: value.index(), ..Self::default() };
        for entry in value.entries() {
            // By length first: nearly all mappings are no references.
            let slot = match entry.key_span().len() {
                _ if entry.key_needs_decoding() => match &*entry.key()? {
                    "kind" => &mut holder.kind,
                    "name" => &mut holder.name,
                    "apiGroup" => &mut holder.api_group,
                    "apiVersion" => &mut holder.api_version,
                    "namespace" => &mut holder.namespace,
                    _ => continue,
                },
                4 if entry.key_is("kind") => &mut holder.kind,
                4 if entry.key_is("name") => &mut holder.name,
                8 if entry.key_is("apiGroup") => &mut holder.api_group,
                10 if entry.key_is("apiVersion") => &mut holder.api_version,
                9 if entry.key_is("namespace") => &mut holder.namespace,
                _ => continue,
            };
            *slot = entry.index();
        }
        (holder.kind != 0 && holder.name != 0 && (holder.api_group != 0 || holder.api_version != 0)).then_some(holder)
    }

    /// The mapping's node.
    pub(crate) fn node(&self) -> u32 {
        self.node
    }

    /// The name that the mapping says in a document.
    pub(crate) fn name<'a>(&self, document: &'a Document) -> Option<Cow<'a, str>> {
        Self::text(document, self.name)
    }

    fn text(document: &Document, index: u32) -> Option<Cow<'_, str>> {
        let value = if index == 0 { None } else { document.value(index) };
        value.and_then(|value| value.as_str()).filter(|text| !text.is_empty())
    }
}

impl<'a> Reference<'a> {
    /// The reference that a mapping holds; `None` where it is none.
    pub fn from_value(value: Value<'a>) -> Option<Self> {
        Self::held(value.document(), &Holder::of(value)?)
    }

    /// The reference that a mapping of a document holds, where its texts are those of one.
    pub(crate) fn held(document: &'a Document, holder: &Holder) -> Option<Self> {
        Self::named(document, holder, holder.name(document)?)
    }

    /// As [`Reference::held`], with this name.
    pub(crate) fn named(document: &'a Document, holder: &Holder, name: Cow<'a, str>) -> Option<Self> {
        let text = |index| Holder::text(document, index);
        let kind = text(holder.kind)?;
        let (api, is_group) = match (text(holder.api_group), text(holder.api_version)) {
            (Some(group), _) => (group, true),
            (None, Some(version)) => (version, false),
            (None, None) => return None,
        };
        let value = document.value(holder.node)?;
        Some(Self { value, api, is_group, kind, namespace: text(holder.namespace), name })
    }

    /// The API group it names.
    pub fn group(&self) -> &str {
        if self.is_group { &self.api } else { self.api.split_once('/').map_or("", |(group, _)| group) }
    }
}

/// What says of which type an object is.
#[derive(Debug, PartialEq, Eq)]
pub struct TypeMeta<'a> {
    /// `apiVersion` as written.
    pub api_version: Cow<'a, str>,
    /// `kind` as written.
    pub kind: Cow<'a, str>,
    /// Length of the group in `api_version`, without the `/`.
    group_length: u32,
    /// Where the version begins in it, behind the `/`.
    version_start: u32,
}

impl<'a> TypeMeta<'a> {
    /// The type of these two.
    pub(crate) fn new(api_version: Cow<'a, str>, kind: Cow<'a, str>) -> Self {
        let slash = memchr::memchr(b'/', api_version.as_bytes()).map(|slash| slash as u32);
        let (group_length, version_start) = slash.map_or((0, 0), |slash| (slash, slash + 1));
        Self { api_version, kind, group_length, version_start }
    }

    /// The API group: `cluster.x-k8s.io`; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.get(..self.group_length as usize).unwrap_or_default()
    }

    /// The version: `v1beta2`.
    pub fn version(&self) -> &str {
        self.api_version.get(self.version_start as usize..).unwrap_or_default()
    }

    /// Whether it is this group and kind, whatever the version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group() == group
    }
}

impl<'a> Deref for Object<'a> {
    type Target = TypeMeta<'a>;

    fn deref(&self) -> &TypeMeta<'a> {
        &self.common.type_meta
    }
}

/// One object of a release: a document, or an item of a `kind: List`.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    /// Its number in the run, from 0: the index into `Release::objects`.
    pub number: u32,
    /// The document it stands in, counted over the run.
    pub document: u32,
    /// Its root: the whole document, or the item of a list.
    pub root: Value<'a>,
    /// What it has in common with others; the fields of its type are read as if they were the object's own.
    pub(crate) common: Arc<Common<'a>>,
    /// See [`Object::namespace`]; empty where it is absent.
    pub(crate) namespace: Text<'a>,
    /// `metadata.name`; empty where it is absent (`generateName` or a mistake).
    pub name: Text<'a>,
}

// A fleet has as many as documents; see `StreamDocument`.
const _: () = assert!(size_of::<Object<'_>>() <= 64);

/// What objects have in common that are of one type and have their parts at the same nodes, as those of one form: kept once for all of
/// them.
#[derive(Debug)]
pub(crate) struct Common<'a> {
    pub(crate) type_meta: TypeMeta<'a>,
    /// The nodes that everybody asks for.
    pub(crate) parts: Parts,
}

/// Node indexes of the parts of an object that are asked for again and again; 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Parts {
    metadata: u32,
    labels: u32,
    annotations: u32,
    spec: u32,
}

/// Node indexes of what makes a document an object, or a list of them; 0 where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outline {
    pub(crate) api_version: u32,
    pub(crate) kind: u32,
    pub(crate) items: u32,
    pub(crate) namespace: u32,
    pub(crate) name: u32,
    pub(crate) parts: Parts,
}

impl Outline {
    /// Looks an object through.
    pub(crate) fn of(root: Value<'_>) -> Self {
        let mut outline = Self::default();
        for entry in root.entries() {
            let slot = match entry.key().as_deref() {
                Some("apiVersion") => &mut outline.api_version,
                Some("kind") => &mut outline.kind,
                Some("items") => &mut outline.items,
                Some("spec") => &mut outline.parts.spec,
                Some("metadata") => {
                    outline.metadata(entry);
                    &mut outline.parts.metadata
                }
                _ => continue,
            };
            *slot = entry.index();
        }
        outline
    }

    fn metadata(&mut self, metadata: Value<'_>) {
        for entry in metadata.entries() {
            let slot = match entry.key().as_deref() {
                Some("namespace") => &mut self.namespace,
                Some("name") => &mut self.name,
                Some("labels") => &mut self.parts.labels,
                Some("annotations") => &mut self.parts.annotations,
                _ => continue,
            };
            *slot = entry.index();
        }
    }
}

impl<'a> Object<'a> {
    /// The value at a chain of keys from the object's root: `&["spec", "replicas"]`.
    pub fn at(&self, keys: &'static [&'static str]) -> Option<Value<'a>> {
        match keys {
            ["metadata", "labels", rest @ ..] => self.part(self.common.parts.labels)?.at(rest),
            ["metadata", "annotations", rest @ ..] => self.part(self.common.parts.annotations)?.at(rest),
            ["metadata", rest @ ..] => self.metadata()?.at(rest),
            ["spec", rest @ ..] => self.spec()?.at(rest),
            _ => self.root.at(keys),
        }
    }

    /// As [`Object::at`], for keys of which nothing is remembered.
    pub fn below(&self, keys: &[&str]) -> Option<Value<'a>> {
        self.root.below(keys)
    }

    fn part(&self, index: u32) -> Option<Value<'a>> {
        if index == 0 { None } else { self.root.document().value(index) }
    }

    /// `metadata.namespace`, where it is set.
    pub fn namespace(&self) -> Option<&str> {
        Some(&*self.namespace).filter(|namespace| !namespace.is_empty())
    }

    /// `metadata`.
    pub fn metadata(&self) -> Option<Value<'a>> {
        self.part(self.common.parts.metadata)
    }

    /// Whether Helm runs it as a hook, apart from the release's own objects.
    pub fn is_hook(&self) -> bool {
        self.hook_events().is_some()
    }

    /// The hook events as written: `pre-install,pre-upgrade`.
    pub fn hook_events(&self) -> Option<Cow<'a, str>> {
        self.at(&["metadata", "annotations", HOOK_ANNOTATION])?.as_str()
    }

    /// Every reference below `spec` to an object by group, kind and name. A mapping with an `apiVersion` that holds
    /// `metadata` or `spec` is an embedded object, not a reference.
    pub fn references(&self) -> impl Iterator<Item = Reference<'a>> + use<'a> {
        let document = self.root.document();
        self.holders().filter_map(move |holder| Reference::held(document, &holder))
    }

    /// The mappings below `spec` that may be references, in order of appearance: the same in all documents of a form.
    pub(crate) fn holders_in_order(&self) -> Vec<Holder> {
        let mut holders: Vec<Holder> = self.holders().collect();
        // A reference within a reference comes first.
        holders.sort_unstable_by_key(|holder| holder.node);
        holders
    }

    /// The mappings below `spec` that may be references.
    fn holders(&self) -> impl Iterator<Item = Holder> + use<'a> {
        let (from, to) = self.spec().map_or((0, 0), |spec| (spec.index(), spec.end_index()));
        self.root.document().maps_with(from..to, "kind").filter_map(Holder::of)
    }

    /// `spec`.
    pub fn spec(&self) -> Option<Value<'a>> {
        self.part(self.common.parts.spec)
    }

    /// A label's value, where it is a string.
    pub fn label(&self, key: &str) -> Option<Cow<'a, str>> {
        self.part(self.common.parts.labels)?.get(key)?.as_str()
    }

    /// An annotation's value, where it is a string.
    pub fn annotation(&self, key: &str) -> Option<Cow<'a, str>> {
        self.part(self.common.parts.annotations)?.get(key)?.as_str()
    }

    /// The path of a node from this object's root: `spec.replicas`.
    pub fn path(&self, node: u32) -> String {
        self.root.document().path_from(self.root.index(), node)
    }

    /// The place of a value of this object; points at the value itself.
    pub fn place(&self, value: Value<'a>) -> Place {
        Place { document: self.document, object: Some(self.number), node: Some(value.index()), span: value.span() }
    }

    /// The place of a field of this object, or of all of it where it has no such field.
    pub fn field_place(&self, field: &str) -> Place {
        self.place(self.root.get(field).unwrap_or(self.root))
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
