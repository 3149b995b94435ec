//! An edit of any node of any text gives the tree that went in, changed in that one place, or is refused.

use capi_lint::yaml::edit::{self, Uneditable};
use capi_lint::yaml::{self, Value};
use serde_json::{Value as Json, json};

use super::engine::{Shape, Target};
use super::mutate::Random;
use super::seeds;

pub struct Edit;

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

fn path_of(value: Value<'_>) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut at = value;
    while let Some(parent) = edit::parent(at) {
        steps.push(match at.key() {
            Some(key) if parent.is_map() => Step::Key(key.into_owned()),
            _ => Step::Item(parent.items().position(|item| item.index() == at.index())?),
        });
        at = parent;
    }
    steps.reverse();
    Some(steps)
}

fn target<'j>(tree: &'j mut Json, path: &[Step]) -> Option<&'j mut Json> {
    path.iter().try_fold(tree, |tree, step| match step {
        Step::Key(key) => tree.get_mut(key),
        Step::Item(index) => tree.get_mut(index),
    })
}

fn values() -> Vec<Json> {
    vec![
        json!("it's: \"x\""),
        json!(7),
        json!("plain"),
        json!("null"),
        json!("no"),
        json!({}),
        json!([]),
        json!(null),
        json!(""),
        json!("two\nlines\n"),
        json!(" a\n\n  b"),
        json!("a: b #c"),
        json!("\u{85}\t"),
        json!({"x": ["1", {"y": "a\nb\n", "z": {}}], "w": null}),
        json!([[1], {"a": []}]),
        json!(true),
        json!(1.5),
    ]
}

const KEYS: &[&str] =
    &["new/key", "no", "a b", "1", "null", "", "x: y", "<<", "- a", "~", "é", "#x", "cluster.x-k8s.io/cluster-name"];

/// What an edit is called, its edits, and the tree that is to come out.
type Change = (&'static str, Result<Vec<edit::Edit>, Uneditable>, Json);

/// An edit of `value`, and what the tree is with it.
fn change(value: Value<'_>, tree: &Json, random: &mut Random) -> Option<Change> {
    let path = path_of(value)?;
    let mut expected = tree.clone();
    let key = *random.pick(KEYS);
    let new = random.pick(&values()).clone();
    let place = target(&mut expected, &path)?;
    Some(match random.below(7) {
        0 => {
            if place.is_null() {
                *place = json!({});
            }
            let entries = place.as_object_mut()?;
            if entries.contains_key(key) {
                return None;
            }
            entries.insert(key.to_owned(), new.clone());
            ("insert", edit::insert(value, key, &new), expected)
        }
        1 => {
            if place.is_null() {
                *place = json!([]);
            }
            place.as_array_mut()?.push(new.clone());
            ("push", edit::push(value, &new), expected)
        }
        2 => {
            *place = new.clone();
            ("replace", edit::replace(value, &new), expected)
        }
        3 => {
            let (last, above) = path.split_last()?;
            match (target(&mut expected, above)?, last) {
                (Json::Object(entries), Step::Key(key)) => drop(entries.shift_remove(key)),
                (Json::Array(items), Step::Item(index)) => drop(items.remove(*index)),
                _ => return None,
            }
            ("remove", edit::remove(value), expected)
        }
        4 => {
            let (last, above) = path.split_last()?;
            let (Json::Object(entries), Step::Key(old)) = (target(&mut expected, above)?, last) else { return None };
            if entries.contains_key(key) {
                return None;
            }
            let renamed = entries
                .iter()
                .map(|(name, value)| (if name == old { key.to_owned() } else { name.clone() }, value.clone()));
            *entries = renamed.collect();
            ("rename", edit::rename(value, key), expected)
        }
        5 => {
            let listed: Vec<u32> = value.items().map(|item| item.index()).collect();
            let gone: Vec<u32> = listed.iter().copied().filter(|_| random.one_in(3)).collect();
            if gone.is_empty() || gone.len() == listed.len() {
                return None;
            }
            let items = place.as_array_mut()?;
            let (mut kept, mut all) = (listed.clone(), Vec::new());
            for (item, edits) in edit::remove_items(value, &|item| gone.contains(&item.index())) {
                if let Ok(edits) = edits {
                    kept.retain(|index| *index != item.index());
                    all.extend(edits);
                }
            }
            if kept.len() == listed.len() {
                return Some(("remove_items", Err(Uneditable::Spelling), expected));
            }
            let mut listed = listed.iter();
            items.retain(|_| listed.next().is_none_or(|index| kept.contains(index)));
            ("remove_items", Ok(all), expected)
        }
        _ => {
            if place.is_null() {
                *place = json!({});
            }
            let entries = place.as_object_mut()?;
            let texts: Vec<edit::Entry<'_>> = [("a.b/c", "v"), ("d", "true"), ("e", "1")]
                .into_iter()
                .filter(|(key, _)| !entries.contains_key(*key))
                .map(|(key, text)| (key.into(), text.into()))
                .collect();
            entries.extend(texts.iter().map(|(key, text)| (key.clone().into_owned(), Json::from(&**text))));
            ("insert_texts", edit::insert_texts(value, None, &texts), expected)
        }
    })
}

impl Target for Edit {
    fn name(&self) -> &'static str {
        "edit"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = seeds::files(&seeds::repository("fixtures/yaml"), &["yaml"], 1200);
        all.extend(seeds::files(&seeds::repository("fixtures/migrate"), &["yaml"], 3000));
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/edit"), &["txt"], 3000));
        let documents = seeds::documents(&seeds::manifests(1 << 18), 800);
        all.extend(documents.into_iter().take(2000));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        seeds::YAML
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Shape(0)) };
        let Ok(document) = yaml::parse(text) else { return Ok(Shape(1)) };
        if document.len() > 400 {
            return Ok(Shape(2));
        }
        let Some(root) = document.root() else { return Ok(Shape(3)) };
        let tree = root.to_json();
        let mut random = Random::of(input);
        let mut shape = Shape(4);
        for _ in 0..6 {
            let Some(value) = document.value(random.below(document.len()) as u32) else { continue };
            let Some((what, edits, expected)) = change(value, &tree, &mut random) else { continue };
            let edits = match edits {
                Ok(edits) => edits,
                Err(reason) => {
                    shape = Shape::of((what, reason as u8, value.style() as u8));
                    continue;
                }
            };
            let at = value.path();
            let after = edit::apply(text, &edits).map_err(|error| format!("{what}: {error}\n{at}\n{edits:?}"))?;
            let read = yaml::parse(&after).map(|parsed| parsed.root().map_or(Json::Null, |root| root.to_json()));
            if read.as_ref().ok() != Some(&expected) {
                return Err(format!(
                    "{what} {:?}: another tree\nat {at:?}: {edits:?}\n--- after\n{after}\n--- gives {read:?}\n--- not {expected}",
                    value.style()
                ));
            }
            let around = edit::parent(value).map_or(9, |parent| parent.style() as u8);
            shape = Shape::of((what, value.style() as u8, around, edits.len()));
        }
        Ok(shape)
    }
}
