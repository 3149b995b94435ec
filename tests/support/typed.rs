//! JSON seen through an OpenAPI schema, as the server hands it to CEL; for tests alone.

use std::borrow::Cow;

use capi_lint::schema::cel::time::Timestamp;
use capi_lint::schema::cel::{Data, ListKind, View};
use capi_lint::schema::formats;
use serde_json::Value as Json;

/// A value and its schema.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    pub value: &'a Json,
    pub schema: &'a Json,
}

impl<'a> Typed<'a> {
    fn word(self, key: &str) -> &'a str {
        self.schema[key].as_str().unwrap_or_default()
    }

    fn field_schema(self, key: &str) -> Option<&'a Json> {
        match self.schema.get("properties") {
            Some(properties) => properties.get(key),
            None => self.schema.get("additionalProperties"),
        }
    }
}

impl<'v, 'a: 'v> Data<'v> for Typed<'a> {
    fn view(self) -> View<'v> {
        match self.value {
            Json::Null => View::Null,
            Json::Bool(truth) => View::Bool(*truth),
            Json::Number(number) if self.word("type") == "number" => View::Double(number.as_f64().unwrap_or_default()),
            Json::Number(number) => number.as_i64().map_or(View::Invalid("no integer"), View::Int),
            Json::Array(_) => View::List,
            Json::Object(_) => View::Map,
            Json::String(text) => match self.word("format") {
                "duration" => formats::parse_duration(text).map_or(View::Invalid("no duration"), View::Duration),
                "date" => Timestamp::parse_day(text).map_or(View::Invalid("no date"), View::Timestamp),
                "date-time" => Timestamp::parse_date_time(text).map_or(View::Invalid("no time"), View::Timestamp),
                "byte" => View::Bytes(if text == "aGk=" { b"hi".to_vec() } else { Vec::new() }),
                _ => View::Text(Cow::Borrowed(text)),
            },
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        let value = self.value.as_object()?.get(key)?;
        Some(Typed { value, schema: self.field_schema(key)? })
    }

    fn entries(self) -> impl Iterator<Item = (Cow<'v, str>, Self)> {
        let entries = self.value.as_object().into_iter().flatten();
        entries.filter_map(move |(key, value)| {
            Some((Cow::Borrowed(key.as_str()), Typed { value, schema: self.field_schema(key)? }))
        })
    }

    fn items(self) -> impl Iterator<Item = Self> {
        let schema = &self.schema["items"];
        self.value.as_array().into_iter().flatten().map(move |value| Typed { value, schema })
    }

    fn has_fields(self) -> bool {
        self.schema.get("properties").is_some()
    }

    fn list_kind(self) -> ListKind {
        match self.word("x-kubernetes-list-type") {
            "set" => ListKind::Set,
            "map" => ListKind::Keyed,
            _ => ListKind::Atomic,
        }
    }

    fn list_keys(self) -> Vec<Cow<'v, str>> {
        let keys = self.schema["x-kubernetes-list-map-keys"].as_array();
        keys.into_iter().flatten().filter_map(|key| key.as_str().map(Cow::Borrowed)).collect()
    }
}
