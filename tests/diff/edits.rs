//! Edits of one base release: many small cases in one file, each with what a management plane makes of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value as Json;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Where the rule comes from.
    #[serde(default, rename = "because")]
    _because: String,
    #[serde(default)]
    edits: Vec<Edit>,
    #[serde(default)]
    add: Vec<Json>,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    accepted: Option<bool>,
    #[serde(default)]
    refusals: Vec<String>,
    #[serde(default)]
    warnings: Expected<Vec<String>>,
    rollout: Option<Expected<BTreeMap<String, [u64; 3]>>>,
    #[serde(default)]
    blocked: Expected<Vec<String>>,
    changes: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub r#in: String,
    at: String,
    to: Option<Json>,
}

/// What is expected, or the word `any`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expected<T> {
    Just(T),
    Any(#[expect(dead_code, reason = "only its presence counts")] String),
}

impl<T: Default> Default for Expected<T> {
    fn default() -> Self {
        Self::Just(T::default())
    }
}

impl<T: PartialEq + std::fmt::Debug> Expected<T> {
    fn differs(&self, found: &T) -> bool {
        matches!(self, Self::Just(expected) if expected != found)
    }
}

fn name_of(object: &Json) -> String {
    format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
}

fn find<'o>(objects: &'o mut [Json], name: &str) -> &'o mut Json {
    objects.iter_mut().find(|object| name_of(object) == name).unwrap_or_else(|| panic!("no {name} in the base"))
}

/// Carries out one edit; mappings on the way are made.
fn edit(object: &mut Json, edit: &Edit) {
    // Keys of annotations and labels hold slashes themselves.
    let of_metadata = ["annotations", "labels"].into_iter().find_map(|map| {
        let key = edit.at.strip_prefix("metadata/")?.strip_prefix(map)?.strip_prefix('/')?;
        Some(vec!["metadata", map, key])
    });
    let keys: Vec<&str> = of_metadata.unwrap_or_else(|| edit.at.split('/').collect());
    let (last, above) = keys.split_last().unwrap();
    let mut here = object;
    for key in above {
        here = match here {
            Json::Array(list) => &mut list[key.parse::<usize>().unwrap()],
            other => &mut other[*key],
        };
    }
    match (here, &edit.to) {
        (Json::Array(list), Some(value)) if *last == "-" => list.push(value.clone()),
        (Json::Array(list), Some(value)) => list[last.parse::<usize>().unwrap()] = value.clone(),
        (Json::Array(list), None) => {
            list.remove(last.parse::<usize>().unwrap());
        }
        (other, Some(value)) => other[*last] = value.clone(),
        (other, None) => {
            other.as_object_mut().unwrap().shift_remove(*last).unwrap_or_else(|| panic!("no {}", edit.at));
        }
    }
}

/// What an upgrade does to a release.
pub struct Steps<'c> {
    pub rename: &'c BTreeMap<String, String>,
    pub edits: &'c [Edit],
    pub remove: &'c [String],
    pub add: &'c [Json],
}

impl Steps<'_> {
    /// The release afterwards.
    pub fn from(&self, base: &[Json]) -> Vec<Json> {
        let mut objects = base.to_vec();
        for (name, new) in self.rename {
            find(&mut objects, name)["metadata"]["name"] = new.clone().into();
        }
        for one in self.edits {
            edit(find(&mut objects, &one.r#in), one);
        }
        objects.retain(|object| !self.remove.contains(&name_of(object)));
        objects.extend(self.add.iter().cloned());
        objects
    }
}

/// A release as a stream of JSON documents.
pub fn source_of(name: &str, objects: &[Json]) -> Source {
    let texts: Vec<String> = objects.iter().map(Json::to_string).collect();
    Source { name: name.into(), bytes: texts.join("\n---\n").into_bytes() }
}

fn fault(old: &Release<'_>, base: &[Json], case: &Case) -> Option<String> {
    let steps = Steps { rename: &case.rename, edits: &case.edits, remove: &case.remove, add: &case.add };
    let source = source_of(&case.name, &steps.from(base));
    let streams = [Stream::parse(&source, 1)];
    let new = Release::new(&streams, "default");
    let diff = diff::diff(old, &new, &Options::default());
    let mut faults = Vec::new();
    let said = |all: &[diff::verdict::Said], path: bool| -> Vec<String> {
        let one = |said: &diff::verdict::Said| {
            let rule = said.finding.rule.name;
            if path && !said.path.is_empty() { format!("{rule} {}", said.path) } else { rule.to_owned() }
        };
        all.iter().map(one).collect()
    };
    let refusals = said(&diff.verdict.refusals, true);
    let accepted = case.accepted.unwrap_or(case.refusals.is_empty());
    if diff.is_accepted() != accepted || !case.refusals.is_empty() && refusals != case.refusals {
        let messages: Vec<_> = diff.verdict.refusals.iter().map(|said| &said.finding.message).collect();
        faults.push(format!("refusals {refusals:?} {messages:?}"));
    }
    let warnings: Vec<String> =
        said(&diff.verdict.warnings, false).into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    if case.warnings.differs(&warnings) {
        faults.push(format!("warnings {warnings:?}"));
    }
    let mut rollout: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for row in &diff.rollout {
        let counts = [row.machines.replaced, row.machines.added, row.machines.removed];
        if counts != [0; 3] {
            let sum = rollout.entry(row.owner.clone()).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
    // Of what is refused the bill says what it would have done; that is worth a word in the case only now and then.
    let differs = case.rollout.as_ref().map_or(accepted && !rollout.is_empty(), |expected| expected.differs(&rollout));
    if differs {
        faults.push(format!("rollout {rollout:?}"));
    }
    let blocked: Vec<String> =
        diff.rollout.iter().filter(|row| row.blocked.is_some()).map(|row| row.owner.clone()).collect();
    if case.blocked.differs(&blocked) {
        faults.push(format!("blocked {blocked:?}"));
    }
    if case.changes.is_some_and(|number| number != diff.changes.len()) {
        let paths: Vec<_> = diff.changes.iter().flat_map(|change| &change.paths).map(|path| &path.path).collect();
        faults.push(format!("changes {paths:?}"));
    }
    if !case.edits.is_empty() && case.changes.is_none() && diff.changes.is_empty() {
        faults.push("no change".into());
    }
    (!faults.is_empty()).then(|| format!("{}: {}", case.name, faults.join("; ")))
}

#[test]
fn edits_of_the_base_are_judged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diff/edits");
    let cases: Vec<Case> = serde_yaml::from_slice(&fs::read(folder.join("cases.yaml")).unwrap()).unwrap();
    let base = source(&folder.join("base.yaml"));
    let streams = [Stream::parse(&base, 1)];
    let old = Release::new(&streams, "default");
    let objects: Vec<Json> = old.objects.iter().map(|object| object.root.to_json()).collect();
    let faults: Vec<String> = cases.iter().filter_map(|case| fault(&old, &objects, case)).collect();
    println!("{} of {} edits as expected", cases.len() - faults.len(), cases.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
