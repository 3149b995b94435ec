//! What post-render declares about a document that it edits, and whether that and nothing else became of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::yaml::compare::{differences, equal};
use crate::yaml::edit::Entry;
use crate::yaml::tape::push_key;
use crate::yaml::{Kind, Value};

/// The changes that post-render declares for one document.
#[derive(Debug, Default)]
pub struct Declared<'p> {
    /// By the node index of an object's root: labels that were added.
    pub labels: BTreeMap<u32, &'p [Entry<'p>]>,
    /// Node indexes of list items that were taken out.
    pub dropped: BTreeSet<u32>,
}

impl Declared<'_> {
    /// Whether `new` is `old` with exactly these changes.
    ///
    /// # Errors
    /// Where it is not: in words.
    pub fn holds(&self, old: Value<'_>, new: Value<'_>) -> Result<(), String> {
        if self.labels.contains_key(&old.index()) {
            return self.object_holds(old, new);
        }
        let inside = |value: Value<'_>| {
            self.labels.keys().chain(&self.dropped).any(|index| (value.index()..value.end_index()).contains(index))
        };
        if !inside(old) {
            return if equal(old, new) { Ok(()) } else { Err(format!("{} changed", describe(old))) };
        }
        match (old.kind(), new.kind()) {
            (Kind::Map, Kind::Map) => self.entries_hold(old, new),
            (Kind::Seq, Kind::Seq) => {
                let mut after = new.items();
                for item in old.items().filter(|item| !self.dropped.contains(&item.index())) {
                    self.holds(item, after.next().ok_or("an item of the list is gone")?)?;
                }
                if after.next().is_some() { Err("the list has an item too many".into()) } else { Ok(()) }
            }
            _ => Err(format!("{} became something else", describe(old))),
        }
    }

    fn entries_hold(&self, old: Value<'_>, new: Value<'_>) -> Result<(), String> {
        if old.entries().count() != new.entries().count() {
            return Err(format!("{} has other keys", describe(old)));
        }
        for entry in old.entries() {
            let key = entry.key().unwrap_or_default();
            self.holds(entry, new.get(&key).ok_or_else(|| format!("{} is gone", entry.path()))?)?;
        }
        Ok(())
    }

    /// An object with labels added: `metadata.labels` holds the old and the added ones, all else is the same.
    fn object_holds(&self, old: Value<'_>, new: Value<'_>) -> Result<(), String> {
        let mut paths = Vec::new();
        differences(old, new, &|_| false, usize::MAX, &mut paths);
        let added = self.labels.get(&old.index()).copied().unwrap_or_default();
        let labels = new.at(&["metadata", "labels"]).ok_or("metadata.labels is not there")?;
        let before = old.at(&["metadata", "labels"]).map_or(0, |labels| labels.entries().count());
        for (key, value) in added {
            if labels.get(key).and_then(|label| label.as_str()).as_ref() != Some(value) {
                return Err(format!("the label {key} is not there"));
            }
        }
        if labels.entries().count() != before + added.len() {
            return Err("metadata.labels holds other labels than declared".into());
        }
        let allowed: BTreeSet<String> = added
            .iter()
            .map(|(key, _)| {
                let mut path = "metadata.labels".to_owned();
                push_key(&mut path, key);
                path
            })
            .collect();
        let declared = |path: &String| allowed.contains(path) || before == 0 && path == "metadata.labels";
        match paths.into_iter().find(|path| !declared(path)) {
            Some(path) => Err(format!("{path} changed")),
            None => Ok(()),
        }
    }
}

/// Whether one document is another with just these labels more, and nothing else so much as written in another way: the
/// common case, told in one pass over both tapes.
pub fn has_only_gained(old: Value<'_>, new: Value<'_>, added: &[Entry<'_>]) -> bool {
    let Some(labels) = new.at(&["metadata", "labels"]).filter(Value::is_map) else { return false };
    let before = old.at(&["metadata", "labels"]);
    let kept = match before {
        None => 0,
        Some(before) if before.is_map() && before.children().next().is_some() => before.children().count(),
        // Something else has made way for the labels.
        Some(_) => return false,
    };
    let mut gained = labels.children().skip(kept);
    let Some(first) = gained.clone().next() else { return false };
    let is_declared = added.iter().all(|(key, value)| {
        gained.next().is_some_and(|label| label.key_is(key) && label.as_str().as_ref() == Some(value))
    });
    let start = if before.is_none() { labels.index() } else { first.index() };
    is_declared && gained.next().is_none() && new.document().is_with_run(old.document(), start..labels.end_index())
}

fn describe(value: Value<'_>) -> String {
    let path = value.path();
    if path.is_empty() { "the document".into() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    /// What a list becomes when its second item goes, and whether that is what was declared.
    fn holds(new: &str) -> Result<(), String> {
        let old = "{kind: List, about: {x: 1}, items: [{kind: A, n: [1]}, {kind: B}, {kind: C}]}";
        let (old, new) = (yaml::parse(old).unwrap(), yaml::parse(new).unwrap());
        let (old, new) = (old.root().unwrap(), new.root().unwrap());
        let second = old.get("items").unwrap().items().nth(1).unwrap().index();
        Declared { labels: BTreeMap::new(), dropped: BTreeSet::from([second]) }.holds(old, new)
    }

    #[test]
    fn a_declared_removal_holds_and_no_other_change_does() {
        assert_eq!(holds("{kind: List, about: {x: 1}, items: [{kind: A, n: [1]}, {kind: C}]}"), Ok(()));
        for (new, said) in [
            ("{kind: List, about: {x: 2}, items: [{kind: A, n: [1]}, {kind: C}]}", "about changed"),
            ("{kind: List, items: [{kind: A, n: [1]}, {kind: C}]}", "the document has other keys"),
            ("{kind: List, abouts: {x: 1}, items: [{kind: A, n: [1]}, {kind: C}]}", "about is gone"),
            ("{kind: List, about: {x: 1}, items: [{kind: A, n: [2]}, {kind: C}]}", "items[0] changed"),
            ("{kind: List, about: {x: 1}, items: [{kind: A, n: [1]}]}", "an item of the list is gone"),
            (
                "{kind: List, about: {x: 1}, items: [{kind: A, n: [1]}, {kind: C}, {kind: B}]}",
                "the list has an item too many",
            ),
            ("{kind: List, about: {x: 1}, items: {kind: C}}", "items became something else"),
        ] {
            assert_eq!(holds(new), Err(said.to_owned()), "{new}");
        }
    }

    #[test]
    fn declared_labels_are_there_and_nothing_else_is() {
        let holds = |new: &str| {
            let old = yaml::parse("{kind: A, metadata: {name: a, labels: {l: x}}}").unwrap();
            let new = yaml::parse(new).unwrap();
            let added = [("m".into(), "w".into())];
            let labels = BTreeMap::from([(0, &added[..])]);
            Declared { labels, dropped: BTreeSet::new() }.holds(old.root().unwrap(), new.root().unwrap())
        };
        assert_eq!(holds("{kind: A, metadata: {name: a, labels: {l: x, m: w}}}"), Ok(()));
        assert_eq!(holds("kind: A\nmetadata:\n  labels: {m: w, l: x}\n  name: a\n"), Ok(()));
        for (new, said) in [
            ("{kind: A, metadata: {name: a}}", "metadata.labels is not there"),
            ("{kind: A, metadata: {name: a, labels: {l: x}}}", "the label m is not there"),
            ("{kind: A, metadata: {name: a, labels: {l: x, m: z}}}", "the label m is not there"),
            (
                "{kind: A, metadata: {name: a, labels: {l: x, m: w, n: z}}}",
                "metadata.labels holds other labels than declared",
            ),
            ("{kind: A, metadata: {name: a, labels: {l: z, m: w}}}", "metadata.labels.l changed"),
            ("{kind: A, metadata: {name: b, labels: {l: x, m: w}}}", "metadata.name changed"),
            ("{kind: B, metadata: {name: a, labels: {l: x, m: w}}}", "kind changed"),
        ] {
            assert_eq!(holds(new), Err(said.to_owned()), "{new}");
        }
    }
}
