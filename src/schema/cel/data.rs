//! How CEL sees an object: a view that any representation of it can give, so that nothing is converted for a rule.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::time::Timestamp;
use crate::yaml::Value as Yaml;
use crate::yaml::scalar::Scalar;

/// What a piece of data is to CEL.
#[derive(Clone, Debug)]
pub enum View<'v> {
    /// Null, where the schema allows it; see also [`Data::has_fields`].
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number; also a whole-numbered int-or-string.
    Int(i64),
    /// A whole number above `i64::MAX`; objects of Kubernetes have none.
    UInt(u64),
    /// A number of a schema with type `number`.
    Double(f64),
    /// Text; also int-or-string with text.
    Text(Cow<'v, str>),
    /// Text of format `byte`, decoded.
    Bytes(Vec<u8>),
    /// Text of format `duration`, in nanoseconds: see `formats::parse_duration`.
    Duration(i64),
    /// Text of format `date` or `date-time`.
    Timestamp(Timestamp),
    /// A list: its elements are in [`Data::items`].
    List,
    /// An object or a map: its entries are in [`Data::entries`].
    Map,
    /// The value does not fit its schema; a rule that looks at it fails, for this reason.
    Invalid(&'static str),
}

/// When two lists are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Element by element.
    Atomic,
    /// `x-kubernetes-list-type: set`: in any order.
    Set,
    /// `x-kubernetes-list-type: map`: in any order, matched by [`Data::list_keys`].
    Keyed,
}

/// A cheap view of a value, for which a rule is evaluated. Methods that do not fit the kind of value give nothing.
pub trait Data<'v>: Copy {
    /// What the value is.
    fn view(self) -> View<'v>;

    /// The value under a key of a map.
    fn get(self, key: &str) -> Option<Self>;

    /// The entries of a map. For an object with declared fields, these alone.
    fn entries(self) -> impl Iterator<Item = (Cow<'v, str>, Self)>;

    /// The elements of a list.
    fn items(self) -> impl Iterator<Item = Self>;

    /// Whether a map has declared fields (`properties`): their names are then escaped in rules (`x__dash__y`), and a null
    /// counts as absent. Views without a schema say yes.
    fn has_fields(self) -> bool {
        true
    }

    /// When this list equals another.
    fn list_kind(self) -> ListKind {
        ListKind::Atomic
    }

    /// The keys of a [`ListKind::Keyed`] list.
    fn list_keys(self) -> Vec<Cow<'v, str>> {
        Vec::new()
    }
}

impl<'v, 'a: 'v> Data<'v> for Yaml<'a> {
    fn view(self) -> View<'v> {
        match self.scalar() {
            None if self.is_map() => View::Map,
            None => View::List,
            Some(Scalar::Null) => View::Null,
            Some(Scalar::Bool(truth)) => View::Bool(truth),
            Some(Scalar::Int(number)) => View::Int(number),
            Some(Scalar::UInt(number)) => View::UInt(number),
            Some(Scalar::Float(number)) => View::Double(number),
            Some(Scalar::Str(text)) => View::Text(text),
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        Yaml::get(&self, key)
    }

    fn entries(self) -> impl Iterator<Item = (Cow<'v, str>, Self)> {
        Yaml::entries(&self).filter_map(|value| Some((value.key()?, value)))
    }

    fn items(self) -> impl Iterator<Item = Self> {
        Yaml::items(&self)
    }
}

impl<'v, 'a: 'v> Data<'v> for &'a Json {
    fn view(self) -> View<'v> {
        match self {
            Json::Null => View::Null,
            Json::Bool(truth) => View::Bool(*truth),
            Json::Number(number) => number
                .as_i64()
                .map(View::Int)
                .or_else(|| number.as_u64().map(View::UInt))
                .or_else(|| number.as_f64().map(View::Double))
                .unwrap_or(View::Invalid("number out of range")),
            Json::String(text) => View::Text(Cow::Borrowed(text)),
            Json::Array(_) => View::List,
            Json::Object(_) => View::Map,
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        self.as_object()?.get(key)
    }

    fn entries(self) -> impl Iterator<Item = (Cow<'v, str>, Self)> {
        self.as_object().into_iter().flatten().map(|(key, value)| (Cow::Borrowed(key.as_str()), value))
    }

    fn items(self) -> impl Iterator<Item = Self> {
        self.as_array().into_iter().flatten()
    }
}
