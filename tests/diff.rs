//! `capi-lint diff`: the recorded upgrades of a real management plane, and our own fixtures.

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
    let mut cases: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.join("expected.json").is_file()).collect();
    cases.sort();
    let faults: Vec<String> = cases.iter().filter_map(|case| fault(case)).collect();
    println!("{} of {} fixtures hold", cases.len() - faults.len(), cases.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Edits of one base release: many small cases in one file, each with what a management plane makes of it.
mod edits {
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
    struct Edit {
        r#in: String,
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
        let keys: Vec<&str> = match edit.at.split_once("annotations/").or_else(|| edit.at.split_once("labels/")) {
            // Keys of annotations and labels hold slashes themselves.
            Some((above, key)) if above == "metadata/" => {
                let map = &edit.at[9..edit.at.len() - key.len() - 1];
                vec!["metadata", map, key]
            }
            _ => edit.at.split('/').collect(),
        };
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

    /// The release after a case's edits, as a stream of JSON documents.
    fn edited(base: &[Json], case: &Case) -> Source {
        let mut objects = base.to_vec();
        for (name, new) in &case.rename {
            find(&mut objects, name)["metadata"]["name"] = new.clone().into();
        }
        for one in &case.edits {
            edit(find(&mut objects, &one.r#in), one);
        }
        objects.retain(|object| !case.remove.contains(&name_of(object)));
        objects.extend(case.add.iter().cloned());
        let text: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
        Source { name: case.name.clone(), bytes: text.into_bytes() }
    }

    fn fault(old: &Release<'_>, base: &[Json], case: &Case) -> Option<String> {
        let source = edited(base, case);
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

mod command {
    use std::io::Write;
    use std::process::{Command, Output};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn fixture(case: &str, side: &str) -> String {
        format!("fixtures/diff/{case}/{side}.yaml")
    }

    fn run(arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("diff").args(arguments).output().unwrap()
    }

    fn code(case: &str, more: &[&str]) -> Option<i32> {
        let (old, new) = (fixture(case, "old"), fixture(case, "new"));
        run(&[&[old.as_str(), new.as_str()], more].concat()).status.code()
    }

    #[test]
    fn exit_codes_and_gates() {
        assert_eq!(code("join-arguments", &[]), Some(0));
        assert_eq!(code("join-arguments", &["--exit-code"]), Some(3));
        assert_eq!(code("noise", &["--exit-code"]), Some(0));
        assert_eq!(code("aws-template", &["--exit-code"]), Some(1));
        assert_eq!(code("join-arguments", &["--max-rolled-machines", "1"]), Some(1));
        assert_eq!(code("join-arguments", &["--max-rolled-machines", "2"]), Some(0));
        assert_eq!(code("join-arguments", &["--max-rolled-clusters", "50%"]), Some(1));
        assert_eq!(code("join-arguments", &["--fail-on", "rollout"]), Some(1));
        assert_eq!(code("cluster-gone", &[]), Some(1));
        assert_eq!(code("cluster-gone", &["--allow-delete", "prod"]), Some(0));
        assert_eq!(code("cluster-gone", &["--allow-delete", "fleet/prod", "--fail-on", "delete"]), Some(1));
        assert_eq!(run(&["nowhere.yaml", "nowhere.yaml"]).status.code(), Some(2));
    }

    #[test]
    fn secrets_are_masked_in_every_format() {
        for format in ["text", "json", "markdown", "github"] {
            let output = run(&[&fixture("secret", "old"), &fixture("secret", "new"), "--format", format]);
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(!text.contains("hunter2"), "{format}: {text}");
        }
    }

    #[test]
    fn the_document_for_programs_has_its_shape() {
        let output = run(&[&fixture("workers-first", "old"), &fixture("workers-first", "new"), "--format", "json"]);
        let document: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["version"], 1);
        assert_eq!(document["accepted"], true);
        let row = &document["rollout"][0];
        assert_eq!((&row["kind"], &row["cluster"]), (&"machine-deployment".into(), &"fleet/prod".into()));
        assert!(row["blocked"].as_str().is_some_and(|reason| reason.contains("ahead of the control plane")));
        let change = &document["changes"][0];
        assert_eq!(
            (&change["kind"], &change["object"]),
            (&"changed".into(), &"MachineDeployment fleet/prod-workers".into())
        );
        assert!(change["paths"][0]["path"].is_string());
    }

    fn release_secret(manifest: &str) -> String {
        release_secret_of(&serde_json::json!({"name": "fleet", "manifest": manifest, "hooks": []}))
    }

    /// As Helm stores it: base64 of base64 of a gzipped document.
    pub fn release_secret_of(release: &Json) -> String {
        let release = release.to_string();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(release.as_bytes()).unwrap();
        let stored = base64(base64(&encoder.finish().unwrap()).as_bytes());
        serde_json::json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": stored}})
            .to_string()
    }

    fn base64(bytes: &[u8]) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            for number in 0..4 {
                let letter = LETTERS[(bits >> (18 - 6 * number) & 63) as usize] as char;
                text.push(if number > chunk.len() { '=' } else { letter });
            }
        }
        text
    }

    #[test]
    fn helm_keeps_releases_in_secrets() {
        let manifest = fs::read_to_string(fixture("join-arguments", "old")).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let secret = folder.join("release.json");
        fs::write(&secret, release_secret(&manifest)).unwrap();
        let output = run(&[secret.to_str().unwrap(), &fixture("join-arguments", "old"), "--exit-code"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    }

    #[test]
    fn the_recorded_release_secret_is_read() {
        let Some(shared) = shared() else { return };
        let secret = shared.join("recorded/live/helm3-release-secret.json");
        let manifest = shared.join("recorded/live/running.manifest.yaml");
        let output = run(&[secret.to_str().unwrap(), manifest.to_str().unwrap(), "--exit-code"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    }

    /// Of a list, what an upgrade starts from counts: the deployed revision, not a newer one that failed.
    #[test]
    fn of_a_list_the_deployed_release_counts() {
        let manifest = |value: u32| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{k: '{value}'}}\n");
        let item = |version: u32, status: &str, name: &str| {
            let mut secret: Json = serde_json::from_str(&release_secret(&manifest(version))).unwrap();
            secret["metadata"] = serde_json::json!({"labels": {"owner": "helm", "name": name, "status": status, "version": version.to_string()}});
            secret
        };
        let list = |items: Vec<Json>| serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let (releases, wanted) = (folder.join("releases.json"), folder.join("wanted.yaml"));
        let three = vec![item(1, "superseded", "fleet"), item(2, "deployed", "fleet"), item(10, "failed", "fleet")];
        fs::write(&releases, list(three)).unwrap();
        fs::write(&wanted, manifest(2)).unwrap();
        let (releases, wanted) = (releases.to_str().unwrap(), wanted.to_str().unwrap());
        assert_eq!(run(&[releases, wanted, "--exit-code"]).status.code(), Some(0));
        fs::write(releases, list(vec![item(1, "deployed", "fleet"), item(1, "deployed", "other")])).unwrap();
        let output = run(&[releases, wanted]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("several releases"));
    }

    #[test]
    fn a_comment_fits_where_it_goes() {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let map = |name: usize, value: &str| {
            format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{name}}}\ndata: {{a: {value}}}\n")
        };
        let write = |file: &str, value: &str| {
            let path = folder.join(file);
            fs::write(&path, (0..2000).map(|name| map(name, value)).collect::<String>()).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (old, new) = (write("many-old.yaml", "x"), write("many-new.yaml", "y"));
        let output = run(&[&old, &new, "--format", "markdown"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.chars().count() <= 65_000);
        assert!(text.contains("2000 changed") && text.contains("left out"), "{}", &text[..500]);
        let output = run(&[&old, &new, "--summary"]);
        assert!(output.stdout.len() < 2000);
    }

    #[test]
    fn uninstall_tells_what_gets_stuck() {
        let output = run(&[&fixture("join-arguments", "old"), "--uninstall", "--format", "json"]);
        let document: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert!(document["warnings"].as_array().is_some_and(|all| !all.is_empty()), "{document}");
    }
}

/// `release:NAME[@REVISION]`: a script that notes what it was asked, and the real Helm against a server that knows one release.
#[cfg(unix)]
mod helm {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Output};

    use super::*;

    const OLD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: one}\n";
    const HOOK: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: h, annotations: {helm.sh/hook: pre-upgrade}}\n";

    fn folder(name: &str) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn run(helm: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
        command.arg("diff").args(arguments).arg("--helm").arg(helm);
        command.envs(environment.iter().copied()).output().unwrap()
    }

    fn script(name: &str, body: &str) -> PathBuf {
        let path = folder(name).join("helm");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn new_manifest(name: &str) -> String {
        let path = folder(name).join("new.yaml");
        fs::write(&path, OLD.replace("one", "two")).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_release_is_asked_for_with_its_hooks() {
        let place = folder("helm-asked");
        let log = place.join("asked");
        let _ = fs::remove_file(&log);
        let body = format!(
            "echo \"$@\" >> '{}'\ncase \"$2\" in\nmanifest) printf '%s' '{OLD}';;\nhooks) printf -- '---\\n%s' '{HOOK}';;\nesac",
            log.display()
        );
        let helm = script("helm-asked", &body);
        let output = run(&helm, &[], &["release:fleet@7", &new_manifest("helm-asked"), "-n", "prod", "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let document: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["summary"]["changed"], 1);
        assert_eq!(document["changes"][0]["paths"][0]["old"], "one");
        assert_eq!(document["summary"]["removed"], 1, "the hook is gone");
        assert_eq!(
            fs::read_to_string(log).unwrap(),
            "get manifest --namespace prod --revision 7 -- fleet\nget hooks --namespace prod --revision 7 -- fleet\n"
        );
    }

    #[test]
    fn what_stands_in_the_way_is_said_with_the_way_out() {
        let new = new_manifest("helm-errors");
        let error = |output: Output| {
            assert_eq!(output.status.code(), Some(2));
            assert!(output.stdout.is_empty());
            String::from_utf8(output.stderr).unwrap()
        };
        let none = error(run(Path::new("no-helm-here"), &[], &["release:fleet", &new]));
        assert!(none.contains("kubectl get secret") && none.contains("no-helm-here"), "{none}");
        let down = script("helm-down", "echo 'Error: Kubernetes cluster unreachable: dial tcp' >&2; exit 1");
        let down = error(run(&down, &[], &["release:fleet", &new]));
        assert!(down.contains("unreachable") && down.contains("KUBECONFIG"), "{down}");
        let unknown = script("helm-unknown", "echo 'Error: release: not found' >&2; exit 1");
        let unknown = error(run(&unknown, &[], &["release:fleet", &new]));
        assert!(unknown.contains("helm list"), "{unknown}");
        let revision = error(run(Path::new("no-helm-here"), &[], &["release:fleet@last", &new]));
        assert!(revision.contains("no revision"), "{revision}");
    }

    /// Answers what `helm get` asks: the version, the Secrets of a release, one of them.
    fn serve(listener: &TcpListener, secret: &Json) {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut request = String::new();
            reader.read_line(&mut request).unwrap();
            let mut header = String::new();
            while reader.read_line(&mut header).is_ok_and(|read| read > 2) {
                header.clear();
            }
            let path = request.split(' ').nth(1).unwrap_or_default();
            let body = if path.starts_with("/version") {
                serde_json::json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0"})
            } else if path.contains("/secrets?") {
                serde_json::json!({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [secret]})
            } else if path.contains("/secrets/") {
                secret.clone()
            } else {
                serde_json::json!({})
            }
            .to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    }

    fn real(variable: &str, name: &str) -> Option<PathBuf> {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("tools").join(name);
        let named = std::env::var_os(variable).map(PathBuf::from);
        let found = [named, Some(built)].into_iter().flatten().find(|path| path.is_file());
        if found.is_none() {
            println!("skipped: no {name} here ({variable} names one)");
        }
        found
    }

    #[test]
    fn the_real_helm_tells_its_release() {
        let release = serde_json::json!({
            "name": "fleet", "namespace": "prod", "version": 3, "manifest": format!("---\n{OLD}"),
            "info": {"status": "deployed"}, "chart": {"metadata": {"name": "c", "version": "1.0.0"}},
            "hooks": [{"name": "h", "kind": "Secret", "path": "c/h.yaml", "manifest": HOOK, "events": ["pre-upgrade"]}],
        });
        let mut secret: Json = serde_json::from_str(&command::release_secret_of(&release)).unwrap();
        secret["metadata"] = serde_json::json!({
            "name": "sh.helm.release.v1.fleet.v3", "namespace": "prod",
            "labels": {"name": "fleet", "owner": "helm", "status": "deployed", "version": "3"},
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || serve(&listener, &secret));
        let config = folder("helm-real").join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{}}}}]\ncurrent-context: a\n"
        );
        fs::write(&config, text).unwrap();
        let new = new_manifest("helm-real");
        for (variable, name) in [("HELM3", "helm3"), ("HELM4", "helm4")] {
            let Some(helm) = real(variable, name) else { continue };
            for release in ["release:fleet", "release:fleet@3"] {
                let environment = [("KUBECONFIG", config.to_str().unwrap())];
                let output = run(&helm, &environment, &[release, &new, "-n", "prod", "--format", "json"]);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(output.status.code(), Some(0), "{name}: {said}");
                let document: Json = serde_json::from_slice(&output.stdout).unwrap();
                assert_eq!(document["changes"][0]["paths"][0]["old"], "one", "{name} {release}: {document}");
                assert_eq!(document["summary"]["removed"], 1, "{name}: the hook is gone");
            }
        }
    }
}
