//! The view of JSON values: defaults, and the values of enums.

use super::super::layout::json;
use super::Table;

/// A JSON value of the table: a default, or one of an enum.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are JSON's")]
pub enum Json<'t> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str(&'t str),
    Array(JsonArray<'t>),
    Object(JsonObject<'t>),
}

/// A JSON list of the table.
#[derive(Clone, Copy, Debug)]
pub struct JsonArray<'t> {
    table: &'t Table,
    at: u32,
}

/// A JSON mapping of the table.
#[derive(Clone, Copy, Debug)]
pub struct JsonObject<'t> {
    table: &'t Table,
    at: u32,
}

impl<'t> Json<'t> {
    pub(super) fn read(table: &'t Table, at: u32) -> Self {
        match table.word(at) {
            json::FALSE => Json::Bool(false),
            json::TRUE => Json::Bool(true),
            json::INT => Json::Int(table.number(at + 1) as i64),
            json::UINT => Json::UInt(table.number(at + 1)),
            json::FLOAT => Json::Float(f64::from_bits(table.number(at + 1))),
            json::STRING => Json::Str(table.string(table.word(at + 1))),
            json::ARRAY => Json::Array(JsonArray { table, at: at + 1 }),
            json::OBJECT => Json::Object(JsonObject { table, at: at + 1 }),
            _ => Json::Null,
        }
    }

    /// The value as `serde_json` has it. Not for hot paths.
    pub fn to_json(self) -> serde_json::Value {
        match self {
            Json::Null => serde_json::Value::Null,
            Json::Bool(truth) => truth.into(),
            Json::Int(number) => number.into(),
            Json::UInt(number) => number.into(),
            Json::Float(number) => number.into(),
            Json::Str(text) => text.into(),
            Json::Array(array) => array.items().map(Json::to_json).collect(),
            Json::Object(object) => object.entries().map(|(key, value)| (key, value.to_json())).collect(),
        }
    }
}

impl<'t> JsonArray<'t> {
    /// The items.
    pub fn items(self) -> impl ExactSizeIterator<Item = Json<'t>> + Clone + use<'t> {
        self.table.list(self.at).map(move |at| Json::read(self.table, at))
    }
}

impl PartialEq for JsonArray<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.items().eq(other.items())
    }
}

impl<'t> JsonObject<'t> {
    /// The entries, in order of key.
    pub fn entries(self) -> impl ExactSizeIterator<Item = (&'t str, Json<'t>)> + Clone + use<'t> {
        let table = self.table;
        (0..table.word(self.at)).map(move |entry| {
            let at = self.at + 1 + entry * 2;
            (table.string(table.word(at)), Json::read(table, table.word(at + 1)))
        })
    }

    /// The value under a key.
    pub fn get(self, key: &str) -> Option<Json<'t>> {
        self.entries().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

impl PartialEq for JsonObject<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.entries().eq(other.entries())
    }
}
