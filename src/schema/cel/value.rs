//! The values that an evaluation computes with, their order and their equality.
//!
//! Lists and maps of the object stay views into it; only what a rule builds itself is owned.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::rc::Rc;

use super::EvalError;
use super::data::{Data, ListKind, View};
use super::named_format::NamedFormat;
use super::semver::Semver;
use super::time::Timestamp;
use crate::schema::ip::Network;
use crate::schema::quantity::Quantity;
use crate::schema::url::Url;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Val<'v, D> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Text(Cow<'v, str>),
    Bytes(Cow<'v, [u8]>),
    Duration(i64),
    Timestamp(Timestamp),
    /// A list of the object.
    DataList(D),
    /// A map of the object.
    DataMap(D),
    List(Rc<Vec<Val<'v, D>>>),
    Map(Rc<Vec<(Val<'v, D>, Val<'v, D>)>>),
    Optional(Option<Rc<Val<'v, D>>>),
    Type(&'static str),
    Ip(IpAddr),
    Network(Network),
    Quantity(Quantity),
    Semver(Rc<Semver>),
    Url(Rc<Url>),
    Format(NamedFormat),
}

impl<'v, D: Data<'v>> Val<'v, D> {
    /// The value of a piece of the object.
    pub(super) fn of(data: D) -> Result<Self, EvalError> {
        Ok(match data.view() {
            View::Null => Self::Null,
            View::Bool(truth) => Self::Bool(truth),
            View::Int(number) => Self::Int(number),
            View::UInt(number) => Self::UInt(number),
            View::Double(number) => Self::Double(number),
            View::Text(text) => Self::Text(text),
            View::Bytes(bytes) => Self::Bytes(Cow::Owned(bytes)),
            View::Duration(nanos) => Self::Duration(nanos),
            View::Timestamp(time) => Self::Timestamp(time),
            View::List => Self::DataList(data),
            View::Map => Self::DataMap(data),
            View::Invalid(why) => return Err(EvalError::refused(format!("invalid data, {why}"))),
        })
    }

    pub(super) fn list(elements: Vec<Self>) -> Self {
        Self::List(Rc::new(elements))
    }

    pub(super) fn texts<T: Into<Cow<'v, str>>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::list(texts.into_iter().map(|text| Self::Text(text.into())).collect())
    }

    pub(super) fn some(value: Self) -> Self {
        Self::Optional(Some(Rc::new(value)))
    }

    /// The name of the value's type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::UInt(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::DataList(_) | Self::List(_) => "list",
            Self::DataMap(_) | Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Ip(_) => "net.IP",
            Self::Network(_) => "net.CIDR",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Url(_) => "kubernetes.URL",
            Self::Format(_) => "kubernetes.NamedFormat",
        }
    }

    /// The elements, where the value is a list.
    pub(super) fn elements(&self) -> Option<Result<Cow<'_, [Self]>, EvalError>> {
        match self {
            Self::List(elements) => Some(Ok(Cow::Borrowed(elements.as_slice()))),
            Self::DataList(data) => Some(data.items().map(Self::of).collect::<Result<Vec<_>, _>>().map(Cow::Owned)),
            _ => None,
        }
    }

    /// The entries, where the value is a map.
    pub(super) fn pairs(&self) -> Option<Result<Cow<'_, [(Self, Self)]>, EvalError>> {
        match self {
            Self::Map(entries) => Some(Ok(Cow::Borrowed(entries.as_slice()))),
            Self::DataMap(data) => Some(
                data.entries()
                    .map(|(key, value)| Ok((Self::Text(key), Self::of(value)?)))
                    .collect::<Result<Vec<_>, EvalError>>()
                    .map(Cow::Owned),
            ),
            _ => None,
        }
    }

    /// How many characters, bytes, elements or entries.
    pub(super) fn size(&self) -> Option<i64> {
        Some(match self {
            Self::Text(text) => text.chars().count(),
            Self::Bytes(bytes) => bytes.len(),
            Self::DataList(data) => data.items().count(),
            Self::List(elements) => elements.len(),
            Self::DataMap(data) => data.entries().count(),
            Self::Map(entries) => entries.len(),
            _ => return None,
        } as i64)
    }

    /// Whether two values are equal. Values of different types are not, but numbers are by value.
    pub(super) fn equals(&self, other: &Self) -> Result<bool, EvalError> {
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Network(a), Self::Network(b)) => a == b,
            (Self::Quantity(a), Self::Quantity(b)) => a == b,
            (Self::Semver(a), Self::Semver(b)) => a.compare(b) == Ordering::Equal,
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Format(a), Self::Format(b)) => a == b,
            (Self::Optional(None), Self::Optional(None)) => true,
            (Self::Optional(Some(a)), Self::Optional(Some(b))) => a.equals(b)?,
            (Self::DataMap(a), Self::DataMap(b)) => equal_maps(*a, *b)?,
            (Self::DataList(_) | Self::List(_), Self::DataList(_) | Self::List(_)) => self.equal_lists(other)?,
            (Self::DataMap(_) | Self::Map(_), Self::DataMap(_) | Self::Map(_)) => {
                let (Some(a), Some(b)) = (self.pairs(), other.pairs()) else { return Ok(false) };
                let (a, b) = (a?, b?);
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (key, value) in a.iter() {
                    let Some(found) = find_entry(&b, key)? else { return Ok(false) };
                    if !value.equals(found)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => self.compare_numbers(other) == Some(Ordering::Equal),
        })
    }

    fn equal_lists(&self, other: &Self) -> Result<bool, EvalError> {
        let (Some(a), Some(b)) = (self.elements(), other.elements()) else { return Ok(false) };
        let (a, b) = (a?, b?);
        if a.len() != b.len() {
            return Ok(false);
        }
        let (kind, keys) = match self {
            Self::DataList(data) => match data.list_kind() {
                ListKind::Keyed => (ListKind::Keyed, data.list_keys()),
                kind => (kind, Vec::new()),
            },
            _ => (ListKind::Atomic, Vec::new()),
        };
        for (at, theirs) in b.iter().enumerate() {
            let equal = match kind {
                ListKind::Atomic => a[at].equals(theirs)?,
                ListKind::Set => contains(&a, theirs)?,
                ListKind::Keyed => {
                    let mut found = false;
                    for ours in a.iter() {
                        if ours.same_keys(theirs, &keys)? {
                            found = ours.equals(theirs)?;
                        }
                    }
                    found
                }
            };
            if !equal {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn same_keys(&self, other: &Self, keys: &[Cow<'v, str>]) -> Result<bool, EvalError> {
        for key in keys {
            let same = match (self.entry(key)?, other.entry(key)?) {
                (None, None) => true,
                (Some(a), Some(b)) => a.equals(&b)?,
                _ => false,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The value under a textual key, where this is a map that has it.
    pub(super) fn entry(&self, key: &str) -> Result<Option<Self>, EvalError> {
        match self {
            Self::DataMap(data) => data.get(key).map(Self::of).transpose(),
            Self::Map(entries) => Ok(entries
                .iter()
                .find(|(known, _)| matches!(known, Self::Text(text) if text == key))
                .map(|(_, value)| value.clone())),
            _ => Ok(None),
        }
    }

    fn compare_numbers(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::UInt(a), Self::UInt(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => return a.partial_cmp(b),
            (Self::Int(a), Self::UInt(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::UInt(a), Self::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Int(a), Self::Double(b)) => return compare_with_double(i128::from(*a), *b),
            (Self::UInt(a), Self::Double(b)) => return compare_with_double(i128::from(*a), *b),
            (Self::Double(a), Self::Int(b)) => return compare_with_double(i128::from(*b), *a).map(Ordering::reverse),
            (Self::Double(a), Self::UInt(b)) => return compare_with_double(i128::from(*b), *a).map(Ordering::reverse),
            _ => return None,
        })
    }

    /// Order, where the two have one. `Some(None)` where they could, but one is not a number (NaN).
    pub(super) fn compare(&self, other: &Self) -> Option<Option<Ordering>> {
        Some(Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a.instant().cmp(&b.instant()),
            (Self::Int(_) | Self::UInt(_) | Self::Double(_), Self::Int(_) | Self::UInt(_) | Self::Double(_)) => {
                return Some(self.compare_numbers(other));
            }
            _ => return None,
        }))
    }
}

fn compare_with_double(a: i128, b: f64) -> Option<Ordering> {
    // Doubles beyond 128 bits saturate, on the right side.
    if b.is_nan() {
        return None;
    }
    let whole = b.trunc() as i128;
    Some(a.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal)))
}

fn equal_maps<'v, D: Data<'v>>(a: D, b: D) -> Result<bool, EvalError> {
    if a.entries().count() != b.entries().count() {
        return Ok(false);
    }
    for (key, value) in a.entries() {
        let Some(other) = b.get(&key) else { return Ok(false) };
        if !Val::of(value)?.equals(&Val::of(other)?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a list holds a value.
pub(super) fn contains<'v, D: Data<'v>>(list: &[Val<'v, D>], value: &Val<'v, D>) -> Result<bool, EvalError> {
    for element in list {
        if element.equals(value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The value under a key of an owned map.
pub(super) fn find_entry<'e, 'v, D: Data<'v>>(
    entries: &'e [(Val<'v, D>, Val<'v, D>)],
    key: &Val<'v, D>,
) -> Result<Option<&'e Val<'v, D>>, EvalError> {
    for (known, value) in entries {
        if known.equals(key)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
