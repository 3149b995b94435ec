//! `capi-lint diff`: the recorded upgrades of a real management plane, and our own fixtures.

mod command;
mod edits;
mod fields;
#[cfg(unix)]
mod helm;
mod measured;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use capi_lint::diff::{self, Diff, Options};
use capi_lint::input::Source;
use capi_lint::migrate;
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
        for (number, map) in
            [row.machines.replaced, row.machines.added, row.machines.removed].into_iter().zip(&mut moves)
        {
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

/// What a fixture says of itself.
fn expected_rows(expected: &Json) -> BTreeMap<String, (u64, u64, u64, bool)> {
    let rows = expected["rollout"].as_object().into_iter().flatten();
    rows.map(|(owner, row)| {
        let number = |key: &str| row[key].as_u64().unwrap_or(0);
        (owner.clone(), (number("replaced"), number("added"), number("removed"), row["blocked"] == true))
    })
    .collect()
}

fn fault(case: &Path) -> Option<String> {
    let expected: Json = serde_json::from_slice(&fs::read(case.join("expected.json")).unwrap()).unwrap();
    let texts = |key: &str| -> Vec<String> {
        expected[key].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    with_diff(&case.join("old.yaml"), &case.join("new.yaml"), |diff| {
        let refusals: Vec<String> =
            diff.verdict.refusals.iter().map(|said| format!("{} {}", said.finding.rule.name, said.path)).collect();
        let warnings: Vec<&str> = diff.verdict.warnings.iter().map(|said| said.finding.rule.name).collect();
        let rows: BTreeMap<String, (u64, u64, u64, bool)> = diff
            .rollout
            .iter()
            .map(|row| {
                let moves = row.machines;
                let name = format!("{} {}", row.cluster, row.owner);
                (name, (moves.replaced, moves.added, moves.removed, row.blocked.is_some()))
            })
            .collect();
        let mut faults = Vec::new();
        if diff.is_accepted() != (expected["accepted"] == true) || refusals != texts("refusals") {
            faults.push(format!("refusals {refusals:?}"));
        }
        if !texts("warnings").iter().all(|rule| warnings.contains(&rule.as_str()))
            || warnings.len() != texts("warnings").len()
        {
            faults.push(format!("warnings {warnings:?}"));
        }
        if rows != expected_rows(&expected) {
            faults.push(format!("rollout {rows:?}"));
        }
        if expected["changes"].as_u64().is_some_and(|number| number != diff.changes.len() as u64) {
            let paths: Vec<_> = diff.changes.iter().flat_map(|change| &change.paths).map(|path| &path.path).collect();
            faults.push(format!("{} changes {paths:?}", diff.changes.len()));
        }
        (!faults.is_empty()).then(|| format!("{}: {}", case.display(), faults.join("; ")))
    })
}

#[test]
fn fixtures_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diff");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("expected.json").is_file())
        .collect();
    cases.sort();
    let faults: Vec<String> = cases.iter().filter_map(|case| fault(case)).collect();
    println!("{} of {} fixtures hold", cases.len() - faults.len(), cases.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A release against itself changes nothing, whatever it holds.
#[test]
fn renders_of_the_same_input_do_not_differ() {
    let Some(shared) = shared() else { return };
    let mut number = 0;
    for entry in walkdir::WalkDir::new(shared.join("corpus/charts")).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if !path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            continue;
        }
        number += 1;
        with_diff(&path, &path, |diff| {
            assert!(diff.changes.is_empty() && diff.rollout.is_empty(), "{}", path.display());
        });
    }
    println!("{number} files against themselves");
    // The same render by Helm 3 and by Helm 4.
    for entry in walkdir::WalkDir::new(shared.join("corpus/charts")).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        let Some(stem) = path.to_str().and_then(|text| text.strip_suffix(".helm4.yaml")) else { continue };
        let other = PathBuf::from(format!("{stem}.yaml"));
        if other.is_file() {
            with_diff(&other, &path, |diff| {
                let objects: Vec<_> =
                    diff.changes.iter().filter_map(|change| change.new).map(|new| &new.name).collect();
                assert!(objects.is_empty(), "{}: {objects:?}", path.display());
            });
        }
    }
}

/// What `migrate` makes of v1beta1 manifests means the same: no change, and no machine rolls.
#[test]
fn migrated_manifests_do_not_differ() {
    let Some(shared) = shared() else { return };
    let (mut number, mut faults) = (0, Vec::new());
    for entry in walkdir::WalkDir::new(shared.join("corpus")).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if !path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            continue;
        }
        let old = source(&path);
        let migrated = migrate::stream(&old.bytes);
        let text = migrated.text(&old.bytes);
        if text == old.bytes {
            continue;
        }
        number += 1;
        let new = Source { name: "migrated".into(), bytes: text };
        let (before, after) = ([Stream::parse(&old, 1)], [Stream::parse(&new, 1)]);
        let (before, after) = (Release::new(&before, "default"), Release::new(&after, "default"));
        let diff = diff::diff(&before, &after, &Options::default());
        let moved = diff.rollout.iter().any(|row| row.machines.touched() > 0);
        if moved || !diff.changes.is_empty() {
            let paths: Vec<_> = diff.changes.iter().flat_map(|change| &change.paths).map(|path| &path.path).collect();
            faults.push(format!("{}: {paths:?}, machines move: {moved}", path.display()));
        }
    }
    println!("{} of {number} migrated files differ", faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
