//! An object while it is being migrated: every value knows from which text it came.
//!
//! A conversion moves, renames and drops entries of this tree. It has two faces: [`Tree::to_json`] is the structural
//! conversion, which the recorded webhook judges; `render` writes the same tree as text, taking from the source all that
//! did not change. Entries that went away leave their place behind, so that their comments find one.

use serde_json::{Map, Value as Json};

use crate::yaml::Value;

/// A value and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Tree<'a> {
    /// The value in the source from which this came, for its text and comments.
    pub origin: Option<Value<'a>>,
    pub data: Data<'a>,
}

/// What a value is now.
#[derive(Clone, Debug)]
pub(super) enum Data<'a> {
    Map(Vec<Entry<'a>>),
    Seq(Vec<Item<'a>>),
    Scalar(Json),
}

/// One key of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub key: String,
    /// The entry of the source whose key is written as it was.
    pub key_from: Option<Value<'a>>,
    /// The value in the source whose leading comments stand above.
    pub lead: Option<Value<'a>>,
    /// The value in the source whose comment behind the key stands behind this one, though its value does not.
    pub remark: Option<Value<'a>>,
    pub value: Tree<'a>,
    /// Nothing is left of it but its comments.
    pub gone: bool,
    /// It came in through a merge key, which is what its text is.
    pub merged: bool,
}

/// One item of a list.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    /// The values in the source whose leading comments stand above.
    pub leads: Vec<Value<'a>>,
    pub value: Tree<'a>,
}

impl<'a> Entry<'a> {
    /// An entry that stands nowhere in the source.
    pub fn new(key: &str, value: Tree<'a>) -> Self {
        Self { key: key.to_owned(), key_from: None, lead: None, remark: None, value, gone: false, merged: false }
    }

    /// Where it, or the first thing in it, stood in the source.
    pub fn position(&self) -> Option<u32> {
        match (self.lead, &self.value.data) {
            (Some(lead), _) => Some(lead.key_span().start),
            (None, Data::Map(entries)) => entries.iter().find_map(Entry::position),
            _ => None,
        }
    }
}

impl<'a> Tree<'a> {
    /// The tree of a value of the source, all of it.
    pub fn of(value: Value<'a>) -> Self {
        let data = if value.is_map() {
            Data::Map(value.entries().filter_map(|entry| Self::entry_of(value, entry)).collect())
        } else if value.is_seq() {
            Data::Seq(value.items().map(|item| Item { leads: vec![item], value: Self::of(item) }).collect())
        } else {
            Data::Scalar(value.to_json())
        };
        Self { origin: Some(value), data }
    }

    fn entry_of(parent: Value<'a>, value: Value<'a>) -> Option<Entry<'a>> {
        let (inside, key) = (parent.span(), value.key_span());
        Some(Entry {
            key: value.key()?.into_owned(),
            key_from: Some(value),
            lead: Some(value),
            remark: None,
            value: Self::of(value),
            gone: false,
            merged: value.is_aliased() && !parent.is_aliased() && (key.start < inside.start || inside.end < key.end),
        })
    }

    /// A tree that stands nowhere in the source.
    pub fn new(data: Data<'a>) -> Self {
        Self { origin: None, data }
    }

    /// The tree of a JSON value, which has no source.
    pub fn of_json(json: &Json) -> Self {
        Self::new(match json {
            Json::Object(map) => {
                Data::Map(map.iter().map(|(key, value)| Entry::new(key, Self::of_json(value))).collect())
            }
            Json::Array(items) => {
                Data::Seq(items.iter().map(|item| Item { leads: Vec::new(), value: Self::of_json(item) }).collect())
            }
            scalar => Data::Scalar(scalar.clone()),
        })
    }

    /// What the tree means.
    pub fn to_json(&self) -> Json {
        match &self.data {
            Data::Map(_) => Json::Object(
                self.entries().map(|entry| (entry.key.clone(), entry.value.to_json())).collect::<Map<_, _>>(),
            ),
            Data::Seq(items) => Json::Array(items.iter().map(|item| item.value.to_json()).collect()),
            Data::Scalar(json) => json.clone(),
        }
    }

    /// The entries of a mapping that are still there.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        let entries: &[Entry<'a>] = if let Data::Map(entries) = &self.data { entries } else { &[] };
        entries.iter().filter(|entry| !entry.gone)
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Tree<'a>> {
        self.entries().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value under a chain of keys.
    pub fn at<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Option<&Tree<'a>> {
        let mut tree = self;
        for key in keys {
            tree = tree.get(key)?;
        }
        Some(tree)
    }

    /// The text, where it is a string.
    pub fn text(&self) -> Option<&str> {
        if let Data::Scalar(Json::String(text)) = &self.data { Some(text) } else { None }
    }

    /// Whether it says that there is nothing: the server drops a null before it looks at the object.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar(Json::Null))
    }

    /// The entry under a key, to change.
    pub fn entry_mut(&mut self, key: &str) -> Option<&mut Entry<'a>> {
        let Data::Map(entries) = &mut self.data else { return None };
        entries.iter_mut().find(|entry| !entry.gone && entry.key == key)
    }

    /// The value under a chain of keys, to change.
    pub fn at_mut<'k>(&mut self, keys: impl Iterator<Item = &'k str>) -> Option<&mut Tree<'a>> {
        let mut tree = self;
        for key in keys {
            tree = &mut tree.entry_mut(key)?.value;
        }
        Some(tree)
    }

    /// Takes an entry out of the mapping it stands in. A null is nothing to take: it goes away where it stands, so that no
    /// mapping is made for it elsewhere.
    pub fn take(&mut self, path: &[&str]) -> Option<Entry<'a>> {
        let (last, parents) = path.split_last()?;
        let parent = self.at_mut(parents.iter().copied())?;
        let Data::Map(entries) = &mut parent.data else { return None };
        let at = entries.iter().position(|entry| !entry.gone && entry.key == *last)?;
        if entries[at].value.is_null() {
            entries[at].gone = true;
            return None;
        }
        Some(entries.remove(at))
    }

    /// Puts an entry at a path, making the mappings on the way; gives back one that stood there already. `near` is the
    /// path it was taken from: new entries go to where it was, not to the end.
    pub fn put(&mut self, path: &[&str], mut entry: Entry<'a>, near: &[&str]) -> Option<Entry<'a>> {
        let (last, parents) = path.split_last()?;
        let mut tree = self;
        let mut near = Some(near);
        for key in parents {
            if tree.entry_mut(key).is_none() {
                let new = Entry::new(key, Tree::new(Data::Map(Vec::new())));
                tree.insert(new, near.and_then(|near| near.first().copied()), entry.position());
            }
            near = near.and_then(|near| near.split_first()).filter(|(first, _)| *first == key).map(|(_, rest)| rest);
            tree = &mut tree.entry_mut(key)?.value;
            if !matches!(tree.data, Data::Map(_)) {
                tree.data = Data::Map(Vec::new());
            }
        }
        (*last).clone_into(&mut entry.key);
        if entry.key_from.and_then(|from| from.key()).is_none_or(|key| key != *last) {
            entry.key_from = None;
        }
        let replaced = tree.take(&[last]);
        let position = entry.position();
        tree.insert(entry, near.and_then(|near| near.first().copied()), position);
        replaced
    }

    /// Inserts an entry: behind the sibling it was taken out of, else by its place in the source, else at the end.
    fn insert(&mut self, entry: Entry<'a>, sibling: Option<&str>, position: Option<u32>) {
        let ours = self.origin.map(|origin| origin.span());
        let Data::Map(entries) = &mut self.data else { return };
        let inside = |position: &u32| ours.is_none_or(|span| span.start <= *position && *position < span.end);
        let by_position = |position: u32| {
            entries
                .iter()
                .position(|other| other.position().is_some_and(|other| other > position))
                .unwrap_or(entries.len())
        };
        let behind = |key: &str| {
            let at = entries.iter().position(|other| other.key == key)?;
            let taken_from = entries[at].value.origin?.span();
            // Others that were taken out of it too come in the order in which they stood.
            let earlier = |other: &Entry<'_>| {
                other
                    .position()
                    .is_some_and(|place| taken_from.start <= place && position.is_some_and(|own| place < own))
            };
            Some(at + 1 + entries[at + 1..].iter().take_while(|other| earlier(other)).count())
        };
        let at = sibling.and_then(behind).or_else(|| position.filter(inside).map(by_position)).unwrap_or(entries.len());
        entries.insert(at, entry);
    }

    /// Whether a mapping is empty because of what was taken out of it.
    pub fn was_emptied(&self) -> bool {
        matches!(self.data, Data::Map(_))
            && self.entries().next().is_none()
            && self.origin.is_none_or(|origin| origin.entries().next().is_some())
    }
}
