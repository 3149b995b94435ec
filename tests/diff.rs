//! `capi-lint diff`: the recorded upgrades of a real management plane, and our own fixtures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use capi_lint::diff::{self, Diff, Options};
use capi_lint::input::Source;
use capi_lint::release::Release;
use capi_lint::stream::Stream;
use serde_json::Value as Json;

/// The data of real servers; absent outside the workshop.
fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("CAPI_LINT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let found = path.join("recorded/rollouts").is_dir();
    if !found {
        println!("skipped: no recorded upgrades at {}", path.display());
    }
    found.then_some(path)
}

fn source(path: &Path) -> Source {
    Source { name: path.display().to_string(), bytes: fs::read(path).unwrap() }
}

/// Compares two files.
fn with_diff<T>(old: &Path, new: &Path, then: impl FnOnce(&Diff<'_, '_>) -> T) -> T {
    let (old, new) = (source(old), source(new));
    let (before, after) = ([Stream::parse(&old, 1)], [Stream::parse(&new, 1)]);
    let (before, after) = (Release::new(&before, "default"), Release::new(&after, "default"));
    then(&diff::diff(&before, &after, &Options::default()))
}

type Moves = [BTreeMap<String, u64>; 3];

/// Machines replaced, added, removed, by owner.
fn moves(diff: &Diff<'_, '_>) -> Moves {
    let mut moves = Moves::default();
    for row in &diff.rollout {
        for (number, map) in [row.machines.replaced, row.machines.added, row.machines.removed].into_iter().zip(&mut moves) {
            if number > 0 {
                *map.entry(row.owner.clone()).or_default() += number;
            }
        }
    }
    moves
}

fn recorded(observed: &Json) -> Moves {
    ["machinesReplaced", "machinesAdded", "machinesRemoved"].map(|key| {
        let map = observed[key].as_object().into_iter().flatten();
        map.filter_map(|(owner, number)| Some((owner.clone(), number.as_u64()?))).collect()
    })
}

/// What differs from what a real server and its controllers did; `None` where nothing does.
fn disagreement(case: &Path) -> Option<String> {
    let observed: Json = serde_json::from_slice(&fs::read(case.join("observed.json")).unwrap()).unwrap();
    with_diff(&case.join("old.yaml"), &case.join("new.yaml"), |diff| {
        let name = case.strip_prefix(case.ancestors().nth(2).unwrap()).unwrap().display();
        let accepted = observed["accepted"] == true;
        if diff.is_accepted() != accepted {
            let said: Vec<_> = diff.verdict.refusals.iter().map(|said| said.finding.message.clone()).collect();
            return Some(format!("{name}: accepted by the server: {accepted}; ours: {} {said:?}", diff.is_accepted()));
        }
        if accepted {
            let (ours, theirs) = (moves(diff), recorded(&observed));
            return (ours != theirs).then(|| format!("{name}: the controllers {theirs:?}, ours {ours:?}"));
        }
        let at: Vec<&str> = observed["refusedAt"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let ours: Vec<&str> = diff.verdict.refusals.iter().map(|said| said.path.as_str()).collect();
        let named = at.iter().all(|path| ours.iter().any(|own| own.starts_with(path)));
        (!named).then(|| format!("{name}: refused at {at:?}, ours {ours:?}"))
    })
}

#[test]
fn recorded_upgrades_agree() {
    let Some(shared) = shared() else { return };
    let mut cases = Vec::new();
    for version in ["v1beta1", "v1beta2"] {
        let folder = fs::read_dir(shared.join("recorded/rollouts").join(version)).unwrap();
        cases.extend(folder.map(|entry| entry.unwrap().path()));
    }
    cases.sort();
    let wrong: Vec<String> = cases.iter().filter_map(|case| disagreement(case)).collect();
    println!("{} of {} recorded upgrades agree", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
