//! A text that mostly stands in a document: in two words of the machine, where `Cow` takes three.
//!
//! It knows nothing of what it says.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// A text as it stands in a document, or, where it is written otherwise than it reads (`"caf\u00e9"`), by itself.
#[derive(Clone)]
pub struct Text<'a>(Place<'a>);

#[derive(Clone)]
enum Place<'a> {
    InDocument(&'a str),
    /// Behind two pointers, for which the others take less room.
    Alone(Box<Box<str>>),
}

// A fleet has one for each name: a page of memory costs the kernel as much as reading what goes into it.
const _: () = assert!(size_of::<Text<'_>>() <= 16);

impl<'a> Text<'a> {
    /// The text once more, as what can be kept where it is not.
    pub fn to_cow(&self) -> Cow<'a, str> {
        match &self.0 {
            Place::InDocument(text) => Cow::Borrowed(text),
            Place::Alone(text) => Cow::Owned(text.to_string()),
        }
    }
}

impl Default for Text<'_> {
    /// An empty text.
    fn default() -> Self {
        Self(Place::InDocument(EMPTY))
    }
}

/// An empty text that stands somewhere. Two empty texts are compared like others, and where one of them stands nowhere that takes a
/// tenth of a microsecond (measured: glibc, on processors with AVX-512); most objects name no namespace.
pub const EMPTY: &str = "-".split_at(0).0;

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(match text {
            Cow::Borrowed(text) => Place::InDocument(text),
            Cow::Owned(text) => Place::Alone(Box::new(text.into())),
        })
    }
}

impl Deref for Text<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match &self.0 {
            Place::InDocument(text) => text,
            Place::Alone(text) => text,
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl<S: AsRef<str> + ?Sized> PartialEq<S> for Text<'_> {
    fn eq(&self, other: &S) -> bool {
        **self == *other.as_ref()
    }
}

impl PartialEq<Text<'_>> for Cow<'_, str> {
    fn eq(&self, other: &Text<'_>) -> bool {
        **self == **other
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
