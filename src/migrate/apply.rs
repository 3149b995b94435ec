//! Carries a table of changes out on a tree.

use serde_json::Value as Json;

use super::change::{Change, NOT_IN_REFERENCES, keys};
use super::decode;
use super::duration;
use super::placeholder;
use super::tree::{Data, Entry, Item, Tree};
use super::{Note, NoteKind, Reason};

/// A run over one object: collects what there is to say.
pub(super) struct Application<'n> {
    /// The namespace of the object itself.
    pub namespace: Option<String>,
    /// Fields that went away.
    pub notes: &'n mut Vec<Note>,
}

/// Why an object cannot be converted.
pub(super) type Outcome = Result<(), Reason>;

impl Application<'_> {
    /// Carries out a table on what stands at `here`, a path that is only used in messages.
    pub fn run(&mut self, tree: &mut Tree<'_>, changes: &'static [Change], here: &str) -> Outcome {
        changes.iter().try_for_each(|change| self.change(tree, change, here))
    }

    fn change(&mut self, tree: &mut Tree<'_>, change: &'static Change, here: &str) -> Outcome {
        match change {
            Change::Move { from, to } => self.move_to(tree, from, to, here),
            Change::Seconds { from, to } => self.seconds(tree, from, to, here)?,
            Change::Reference { from, to } => {
                self.reference(tree, from, false, here)?;
                self.move_to(tree, from, to, here);
            }
            Change::TemplateReference { from, to } => {
                self.reference(tree, from, true, here)?;
                self.move_to(tree, from, to, here);
            }
            Change::Arguments { at } => {
                if let Some(map) = tree.at_mut(keys(at)) {
                    arguments(map);
                }
            }
            Change::Named { at } => {
                if let Some(map) = tree.at_mut(keys(at)) {
                    named(map);
                }
            }
            Change::Remove { at, instead } => self.remove(tree, at, instead, here),
            Change::Fill { at, key, value } => fill(tree, at, key, value),
            Change::Decode { at, form } => {
                if let Some(value) = tree.at_mut(keys(at)) {
                    decode::check(value, *form, &join(here, at), self.notes)?;
                }
            }
            Change::In { at, changes } => {
                if let Some(below) = tree.at_mut(keys(at)) {
                    self.run(below, changes, &join(here, at))?;
                }
            }
            Change::Each { list, changes } => {
                if let Some(Tree { data: Data::Seq(items), .. }) = tree.at_mut(keys(list)) {
                    for (number, item) in items.iter_mut().enumerate() {
                        self.run(&mut item.value, changes, &format!("{}[{number}]", join(here, list)))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn move_to(&mut self, tree: &mut Tree<'_>, from: &str, to: &str, here: &str) {
        if from == to {
            return;
        }
        let from: Vec<&str> = keys(from).collect();
        if let Some(entry) = tree.take(&from) {
            self.put(tree, to, entry, &from, here);
        }
    }

    /// Puts an entry at its new place. Something that stood there already was never in v1beta1: the server ignores it.
    fn put<'a>(&mut self, tree: &mut Tree<'a>, to: &str, entry: Entry<'a>, near: &[&str], here: &str) {
        let to_keys: Vec<&str> = keys(to).collect();
        if let Some(replaced) = tree.put(&to_keys, entry, near) {
            self.gone(&replaced, join(here, to), UNKNOWN);
            bury(tree, &to_keys, replaced);
        }
    }

    fn seconds(&mut self, tree: &mut Tree<'_>, from: &str, to: &'static [&'static str], here: &str) -> Outcome {
        let from_keys: Vec<&str> = keys(from).collect();
        let Some(mut entry) = tree.take(&from_keys) else { return Ok(()) };
        let seconds = match &entry.value.data {
            Data::Scalar(Json::String(text)) => {
                duration::seconds(text).map(Json::from).or_else(|| placeholder::seconds(text).map(Json::String))
            }
            _ => None,
        };
        let Some(seconds) = seconds else { return Err(not_a_duration(&entry, join(here, from))) };
        entry.value.data = Data::Scalar(seconds);
        let copies = to.iter().skip(1).map(|to| (*to, Entry::new("", Tree::new(entry.value.data.clone()))));
        let copies: Vec<_> = copies.collect();
        if let Some(first) = to.first() {
            self.put(tree, first, entry, &from_keys, here);
        }
        for (to, copy) in copies {
            self.put(tree, to, copy, &from_keys, here);
        }
        Ok(())
    }

    fn reference(&mut self, tree: &mut Tree<'_>, at: &str, versioned: bool, here: &str) -> Outcome {
        let path = join(here, at);
        let Some(reference) = tree.at_mut(keys(at)) else { return Ok(()) };
        let Data::Map(entries) = &mut reference.data else { return Ok(()) };
        for entry in entries.iter_mut().filter(|entry| !entry.gone) {
            match entry.key.as_str() {
                "kind" | "name" => {}
                "apiVersion" if versioned => {}
                "apiVersion" => without_version(entry, &path)?,
                _ => {
                    let same = entry.value.is_null()
                        || entry.key == "namespace" && entry.value.text() == self.namespace.as_deref();
                    if !same {
                        self.gone(entry, format!("{path}.{}", entry.key), NOT_IN_REFERENCES);
                    }
                    entry.gone = true;
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, tree: &mut Tree<'_>, at: &str, instead: &'static str, here: &str) {
        let path: Vec<&str> = keys(at).collect();
        let Some((last, parents)) = path.split_last() else { return };
        let entry = tree.at_mut(parents.iter().copied()).and_then(|parent| parent.entry_mut(last));
        if let Some(entry) = entry {
            entry.gone = true;
            if !entry.value.is_null() {
                self.gone(entry, join(here, at), instead);
            }
        }
    }

    fn gone(&mut self, entry: &Entry<'_>, path: String, instead: &str) {
        let offset = offset(entry);
        self.notes.push(Note { kind: NoteKind::Removed, offset, path, message: instead.to_owned() });
    }
}

/// What is said about a field of v1beta2 in an object of v1beta1.
const UNKNOWN: &str = "v1beta1 has no such field: the server dropped it, and so does this; the field that v1beta1 does have \
                       now stands here";

/// Leaves the comments of an entry where it was.
fn bury<'a>(tree: &mut Tree<'a>, path: &[&str], mut entry: Entry<'a>) {
    let Some((_, parents)) = path.split_last() else { return };
    entry.gone = true;
    if let Some(Tree { data: Data::Map(entries), .. }) = tree.at_mut(parents.iter().copied()) {
        entries.push(entry);
    }
}

fn join(here: &str, path: &str) -> String {
    match (here.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => here.to_owned(),
        _ => format!("{here}.{path}"),
    }
}

fn not_a_duration(entry: &Entry<'_>, path: String) -> Reason {
    let written = entry.value.to_json();
    Reason {
        offset: offset(entry),
        message: format!(
            "{path}: {written} is no duration; the server refuses it in v1beta1 too. Write a number with a unit, such as \
             5m0s or 300s"
        ),
        path,
    }
}

/// Turns `apiVersion: group/version` into `apiGroup: group`.
fn without_version(entry: &mut Entry<'_>, path: &str) -> Outcome {
    let group = match entry.value.text() {
        Some(version) if version.matches('/').count() > 1 => {
            return Err(Reason {
                offset: offset(entry),
                message: format!(
                    "{path}.apiVersion: {version:?} is not of the form group/version; the conversion webhook refuses it"
                ),
                path: format!("{path}.apiVersion"),
            });
        }
        Some(version) => Some(version.split_once('/').map_or("", |(group, _)| group).to_owned()),
        None => None,
    };
    "apiGroup".clone_into(&mut entry.key);
    entry.key_from = None;
    if let Some(group) = group {
        entry.value.data = Data::Scalar(group.into());
    }
    Ok(())
}

/// Fills a field in.
fn fill(tree: &mut Tree<'_>, at: &str, key: &str, value: &'static str) {
    let Some(map) = tree.at_mut(keys(at)) else { return };
    let is_set = map.get(key).is_some_and(|value| !value.is_null() && value.text() != Some(""));
    if is_set {
        return;
    }
    match map.entry_mut(key) {
        Some(entry) => entry.value.data = Data::Scalar(value.into()),
        None => {
            if let Data::Map(entries) = &mut map.data {
                entries.push(Entry::new(key, Tree::new(Data::Scalar(value.into()))));
            }
        }
    }
}

/// `{key: value}` as `[{name: key, value: value}]`.
fn arguments(tree: &mut Tree<'_>) {
    if let Data::Scalar(Json::String(text)) = &mut tree.data
        && let Some(list) = placeholder::arguments(text)
    {
        *text = list;
    }
    to_list(tree, |mut entry| {
        let name = Entry::new("name", Tree::new(Data::Scalar(entry.key.clone().into())));
        let leads = entry.lead.take().into_iter().collect();
        "value".clone_into(&mut entry.key);
        entry.key_from = None;
        entry.remark = None;
        Item { leads, value: Tree::new(Data::Map(vec![name, entry])) }
    });
}

/// `{key: {…}}` as `[{name: key, …}]`, in order of the names, as the admission webhook wants them.
fn named(tree: &mut Tree<'_>) {
    if let Data::Map(entries) = &mut tree.data {
        entries.sort_by(|a, b| a.key.cmp(&b.key));
    }
    to_list(tree, |mut entry| {
        let mut name = Entry::new("name", Tree::new(Data::Scalar(entry.key.clone().into())));
        let leads = entry.lead.take().into_iter().collect();
        name.remark = entry.value.origin;
        let mut fields = vec![name];
        if let Data::Map(own) = entry.value.data {
            fields.extend(own);
        }
        Item { leads, value: Tree::new(Data::Map(fields)) }
    });
}

/// A mapping as a list. The comments of entries that say nothing stand above the item that follows, or the last one.
fn to_list<'a>(tree: &mut Tree<'a>, item: impl Fn(Entry<'a>) -> Item<'a>) {
    let Data::Map(entries) = &mut tree.data else { return };
    let mut items: Vec<Item<'a>> = Vec::with_capacity(entries.len());
    let mut leads = Vec::new();
    for entry in std::mem::take(entries) {
        if entry.gone || entry.value.is_null() {
            leads.extend(entry.lead);
            continue;
        }
        let mut item = item(entry);
        leads.append(&mut item.leads);
        item.leads = std::mem::take(&mut leads);
        items.push(item);
    }
    if let Some(last) = items.last_mut() {
        last.leads.append(&mut leads);
    }
    tree.data = Data::Seq(items);
}

/// Where an entry stands in the source.
fn offset(entry: &Entry<'_>) -> usize {
    entry.lead.map_or(0, |value| value.key_span().range().start)
}
