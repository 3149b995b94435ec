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
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
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

    /// As Helm stores it: base64 of base64 of a gzipped document.
    fn release_secret(manifest: &str) -> String {
        let release = serde_json::json!({"name": "fleet", "manifest": manifest, "hooks": []}).to_string();
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
