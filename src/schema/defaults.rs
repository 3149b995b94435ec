//! An object as the server sees it after decoding: without the fields it drops, with the defaults it fills in.
//!
//! Why a view and not a copy: only CEL, alternatives and keyed lists look at more than what is written, and they look at few
//! places. [`Effective`] answers from the tape where something is written and from the schema where a default takes its place.
//! It must not judge: what is of a wrong type is handed on as it is.

use std::borrow::Cow;

use super::cel::{Data, ListKind, View, time::Timestamp};
use super::formats;
use super::table::{Additional, Json, JsonArray, JsonObject, ListType, Schema, Type};
use crate::base64;
use crate::schema::validate::Client;
use crate::yaml::{Scalar, Value};

/// What becomes of a `null` under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Null {
    /// It is a value like any other.
    Kept,
    /// The default takes its place.
    Defaulted,
    /// The field counts as absent.
    Dropped,
    /// The object is refused.
    Refused,
}

/// What becomes of a `null` that stands under a key whose schema this is.
pub fn null_under_key(schema: Schema<'_>, client: Client) -> Null {
    if schema.nullable() {
        Null::Kept
    } else if schema.default().is_some() {
        Null::Defaulted
    } else if client != Client::Apply {
        Null::Dropped
    } else if schema.ty() == Type::Any {
        Null::Kept
    } else {
        Null::Refused
    }
}

/// What becomes of a `null` in a list whose items have this schema. It is never dropped: the others would move up.
pub fn null_in_list(schema: Schema<'_>) -> Null {
    if schema.nullable() {
        Null::Kept
    } else if schema.default().is_some() {
        Null::Defaulted
    } else if schema.ty() == Type::Any {
        Null::Kept
    } else {
        Null::Refused
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
enum Source<'v> {
    Written(Value<'v>),
    Default(Json<'v>),
}

/// A value as the server sees it after decoding and defaulting.
#[derive(Clone, Copy, Debug)]
pub struct Effective<'v> {
    source: Source<'v>,
    /// `None` where nothing describes the value: below a field that keeps whatever it is given.
    schema: Option<Schema<'v>>,
    client: Client,
    /// The object's own root, or that of an object within: `apiVersion`, `kind` and `metadata` are always there.
    is_resource: bool,
    /// The object's own root, of whose `status` the server keeps nothing.
    hides_status: bool,
}

impl<'v> Effective<'v> {
    /// The root of an object; `hides_status` where the server keeps nothing of its `status`.
    pub fn root(value: Value<'v>, schema: Schema<'v>, hides_status: bool, client: Client) -> Self {
        Self { is_resource: true, hides_status, ..Self::new(value, schema, client) }
    }

    /// A value with its schema.
    pub fn new(value: Value<'v>, schema: Schema<'v>, client: Client) -> Self {
        let is_resource = schema.embedded_resource();
        Self { source: Source::Written(value), schema: Some(schema), client, is_resource, hides_status: false }
    }

    fn default_of(schema: Schema<'v>, json: Json<'v>, client: Client) -> Self {
        let is_resource = schema.embedded_resource();
        Self { source: Source::Default(json), schema: Some(schema), client, is_resource, hides_status: false }
    }

    /// The value as written; `None` where a default stands in.
    pub fn written(&self) -> Option<Value<'v>> {
        match self.source {
            Source::Written(value) => Some(value),
            Source::Default(_) => None,
        }
    }

    /// Whether it is a mapping.
    pub fn is_map(&self) -> bool {
        match self.source {
            Source::Written(value) => value.is_map(),
            Source::Default(json) => matches!(json, Json::Object(_)),
        }
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        match self.source {
            Source::Written(value) => value.is_seq(),
            Source::Default(json) => matches!(json, Json::Array(_)),
        }
    }

    /// The scalar; `None` for collections.
    pub fn scalar(&self) -> Option<Scalar<'v>> {
        match self.source {
            Source::Written(value) => value.scalar(),
            Source::Default(json) => scalar_of(json),
        }
    }

    /// The value under a key: written and kept, or a default.
    pub fn get(&self, key: &str) -> Option<Self> {
        let child = self.child_schema(key);
        if matches!(child, Child::Unknown) || !self.is_map() {
            return None;
        }
        let found = match self.source {
            Source::Written(value) => Value::get(&value, key).map(Source::Written),
            Source::Default(Json::Object(object)) => object.get(key).map(Source::Default),
            Source::Default(_) => None,
        };
        self.keep(child, found)
    }

    /// The entries of a mapping: first the written ones, then defaults.
    pub fn entries(&self) -> impl Iterator<Item = (Cow<'v, str>, Self)> + use<'v> {
        let this = *self;
        let (value, object) = match self.source {
            Source::Written(value) => (Some(value), None),
            Source::Default(Json::Object(object)) => (None, Some(object)),
            Source::Default(_) => (None, None),
        };
        let written = value
            .into_iter()
            .flat_map(|value| Value::entries(&value))
            .filter_map(move |entry| Some((entry.key()?, Source::Written(entry))));
        let given = object
            .into_iter()
            .flat_map(JsonObject::entries)
            .map(|(key, json)| (Cow::Borrowed(key), Source::Default(json)));
        let present = written
            .chain(given)
            .filter_map(move |(key, source)| Some((key.clone(), this.keep(this.child_schema(&key), Some(source))?)));
        let with_defaults = self.schema.filter(|schema| self.is_map() && schema.has_child_defaults());
        let absent = with_defaults.into_iter().flat_map(Schema::properties).filter_map(move |(key, property)| {
            let is_there = match this.source {
                Source::Written(value) => Value::get(&value, key).is_some(),
                Source::Default(Json::Object(object)) => object.get(key).is_some(),
                Source::Default(_) => true,
            };
            let is_hidden = this.hides_status && key == "status";
            (!is_there && !is_hidden)
                .then(|| this.keep(Child::Known(property.schema), None))?
                .map(|value| (Cow::Borrowed(key), value))
        });
        present.chain(absent)
    }

    /// The items of a list.
    pub fn items(&self) -> impl Iterator<Item = Self> + use<'v> {
        let this = *self;
        let (value, array) = match self.source {
            Source::Written(value) => (Some(value), None),
            Source::Default(Json::Array(array)) => (None, Some(array)),
            Source::Default(_) => (None, None),
        };
        let schema = self.schema.and_then(Schema::items);
        let written = value.into_iter().flat_map(|value| Value::items(&value)).map(Source::Written);
        let given = array.into_iter().flat_map(JsonArray::items).map(Source::Default);
        written.chain(given).map(move |source| {
            let is_resource = schema.is_some_and(Schema::embedded_resource);
            let item = Self { source, schema, client: this.client, is_resource, hides_status: false };
            match schema {
                Some(schema) if item.is_null() && null_in_list(schema) == Null::Defaulted => {
                    schema.default().map_or(item, |json| Self::default_of(schema, json, this.client))
                }
                _ => item,
            }
        })
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    fn child_schema(&self, key: &str) -> Child<'v> {
        let Some(schema) = self.schema else { return Child::Free };
        if self.hides_status && key == "status" {
            return Child::Unknown;
        }
        if self.is_resource && matches!(key, "apiVersion" | "kind" | "metadata") {
            return Child::Free;
        }
        if let Some(property) = schema.property(key) {
            return Child::Known(property.schema);
        }
        match schema.additional() {
            Additional::Schema(values) => Child::Known(values),
            Additional::Any => Child::Free,
            _ if schema.preserve_unknown() => Child::Free,
            _ => Child::Unknown,
        }
    }

    fn keep(&self, child: Child<'v>, found: Option<Source<'v>>) -> Option<Self> {
        let client = self.client;
        let schema = match child {
            Child::Unknown => return None,
            Child::Free => {
                return found.map(|source| Self {
                    source,
                    schema: None,
                    client,
                    is_resource: false,
                    hides_status: false,
                });
            }
            Child::Known(schema) => schema,
        };
        let is_resource = schema.embedded_resource();
        let default = || schema.default().map(|json| Self::default_of(schema, json, client));
        let Some(source) = found else { return default() };
        let value = Self { source, schema: Some(schema), client, is_resource, hides_status: false };
        if !value.is_null() {
            return Some(value);
        }
        match null_under_key(schema, client) {
            Null::Kept | Null::Refused => Some(value),
            Null::Defaulted => default(),
            Null::Dropped => None,
        }
    }

    /// As JSON, keys in ascending order: equal values give equal JSON. Not for hot paths.
    pub fn to_json(&self) -> serde_json::Value {
        if self.is_map() {
            let mut entries: Vec<_> = self.entries().map(|(key, value)| (key.into_owned(), value.to_json())).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            return serde_json::Value::Object(entries.into_iter().collect());
        }
        match self.scalar() {
            None => self.items().map(|item| item.to_json()).collect(),
            Some(Scalar::Null) => serde_json::Value::Null,
            Some(Scalar::Bool(truth)) => truth.into(),
            Some(Scalar::Int(number)) => number.into(),
            Some(Scalar::UInt(number)) => number.into(),
            Some(Scalar::Float(number)) => number.into(),
            Some(Scalar::Str(text)) => text.into_owned().into(),
        }
    }

    /// Whether two values are the same to the server.
    pub fn same(&self, other: &Self) -> bool {
        match (self.scalar(), other.scalar()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.to_json() == other.to_json(),
            _ => false,
        }
    }
}

/// What describes the value under a key.
#[derive(Clone, Copy)]
enum Child<'v> {
    /// A schema.
    Known(Schema<'v>),
    /// Nothing, and it is kept.
    Free,
    /// Nothing, and it is dropped.
    Unknown,
}

/// A scalar of the table as the tape has it.
pub fn scalar_of(json: Json<'_>) -> Option<Scalar<'_>> {
    Some(match json {
        Json::Null => Scalar::Null,
        Json::Bool(truth) => Scalar::Bool(truth),
        Json::Int(number) => Scalar::Int(number),
        Json::UInt(number) => Scalar::UInt(number),
        Json::Float(number) => Scalar::Float(number),
        Json::Str(text) => Scalar::Str(Cow::Borrowed(text)),
        Json::Array(_) | Json::Object(_) => return None,
    })
}

/// What a text is to CEL, by its format.
fn text_view<'v>(text: Cow<'v, str>, format: Option<&str>) -> View<'v> {
    match format.map(|format| format.replace('-', "")).as_deref() {
        Some("duration") => formats::parse_duration(&text).map_or(View::Invalid("no duration"), View::Duration),
        Some("date") => Timestamp::parse_day(&text).map_or(View::Invalid("no date"), View::Timestamp),
        Some("datetime") => Timestamp::parse_date_time(&text).map_or(View::Invalid("no time"), View::Timestamp),
        Some("byte") => base64::decode(text.as_bytes()).map_or(View::Invalid("no base64"), View::Bytes),
        _ => View::Text(text),
    }
}

impl<'v> Data<'v> for Effective<'v> {
    fn view(self) -> View<'v> {
        if self.is_map() {
            return View::Map;
        }
        let ty = self.schema.map_or(Type::Any, Schema::ty);
        match self.scalar() {
            None if ty == Type::String => View::Invalid("a list in place of text"),
            None => View::List,
            Some(Scalar::Null) => View::Null,
            Some(Scalar::Bool(truth)) => View::Bool(truth),
            Some(Scalar::Int(number)) if ty == Type::Number => View::Double(number as f64),
            Some(Scalar::Int(number)) => View::Int(number),
            Some(Scalar::UInt(number)) if ty == Type::Any => View::UInt(number),
            Some(Scalar::UInt(number)) => View::Double(number as f64),
            Some(Scalar::Float(_)) if ty == Type::IntOrString => View::Invalid("neither whole number nor text"),
            Some(Scalar::Float(number)) => View::Double(number),
            Some(Scalar::Str(text)) if ty == Type::String => {
                text_view(text, self.schema.filter(|s| s.has_checks()).and_then(|s| s.checks().format()))
            }
            Some(Scalar::Str(text)) => View::Text(text),
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        Effective::get(&self, key)
    }

    fn entries(self) -> impl Iterator<Item = (Cow<'v, str>, Self)> {
        Effective::entries(&self)
    }

    fn items(self) -> impl Iterator<Item = Self> {
        Effective::items(&self)
    }

    fn has_fields(self) -> bool {
        self.schema.is_none_or(|schema| !matches!(schema.additional(), Additional::Schema(_) | Additional::Any))
    }

    fn list_kind(self) -> ListKind {
        match self.schema.map(Schema::list_type) {
            Some(ListType::Set) => ListKind::Set,
            Some(ListType::Map) => ListKind::Keyed,
            _ => ListKind::Atomic,
        }
    }

    fn list_keys(self) -> Vec<Cow<'v, str>> {
        self.schema.into_iter().flat_map(Schema::list_map_keys).map(Cow::Borrowed).collect()
    }
}
