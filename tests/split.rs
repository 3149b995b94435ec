//! Splitting: nothing lost, nothing of anybody else touched, and engines that build the same objects from it.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use capi_lint::input::Source;
use capi_lint::release::Release;
use capi_lint::rules::view::{Circumstances, View};
use capi_lint::stream::Stream;
use common::{Run, capi_lint, repository, shared};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("split").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    folder
}

fn split(text: &str, folder: &Path, more: &[&str]) -> Run {
    capi_lint(&[&["split", "-", "-o", &folder.display().to_string()], more].concat(), text)
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    all.filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap().display().to_string();
            (path, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Objects as JSON, in an order of their own.
fn objects(text: &str) -> Vec<String> {
    objects_of(&[text.to_owned()])
}

fn objects_of(texts: &[String]) -> Vec<String> {
    let mut all: Vec<String> = texts.iter().flat_map(|text| read(text)).collect();
    all.sort();
    all
}

fn read(text: &str) -> Vec<String> {
    let source = Source { name: "x".to_owned(), bytes: text.as_bytes().to_vec() };
    let streams = [Stream::parse(&source, 1)];
    let release = Release::new(&streams, "");
    let sorted = |value: serde_json::Value| {
        let tree: BTreeMap<String, serde_json::Value> = serde_json::from_value(value).unwrap();
        serde_json::to_string(&sort(serde_json::to_value(tree).unwrap())).unwrap()
    };
    release.objects.iter().map(|object| sorted(object.root.to_json())).collect()
}

fn sort(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sort(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            serde_json::Value::Object(entries.into_iter().collect())
        }
        serde_json::Value::Array(list) => serde_json::Value::Array(list.into_iter().map(sort).collect()),
        other => other,
    }
}

fn manifests(folder: &Path) -> String {
    let files = files(folder);
    let parts = files.iter().filter(|(path, _)| path.ends_with("manifests.yaml"));
    parts.map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap()).collect()
}

const BY: &[&[&str]] = &[
    &["--by", "cluster"],
    &["--by", "wave", "--waves", "size=2"],
    &["--by", "shard", "--shards", "2"],
    &["--by", "kind"],
];

fn fleet() -> String {
    let shared = "# Namespaces come first.\napiVersion: v1\nkind: Namespace\nmetadata: {name: fleet}\n";
    format!("{shared}{}", fs::read_to_string(repository("fixtures/render/multi-cluster.yaml")).unwrap())
}

#[test]
fn the_parts_add_up_to_the_whole() {
    let text = fleet();
    for (number, by) in BY.iter().enumerate() {
        let folder = folder(&format!("whole-{number}"));
        let run = split(&text, &folder, by);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let parts = manifests(&folder);
        assert_eq!(objects(&parts), objects(&text), "{by:?}");
        // Every document keeps its bytes, comments included.
        for document in text.split("---\n").filter(|document| !document.trim().is_empty()) {
            assert!(parts.contains(document.trim_end()), "{by:?} lost {document}");
        }
    }
}

#[test]
fn every_accepted_stream_of_the_corpus_splits_without_a_loss() {
    let Some(corpus) = shared("corpus/manifests") else { return };
    let mut tried = 0;
    for entry in walkdir::WalkDir::new(corpus).sort_by_file_name().into_iter().map(Result::unwrap) {
        if entry.path().extension().is_none_or(|ext| ext != "yaml") {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let source = Source { name: "x".to_owned(), bytes: text.clone().into_bytes() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "");
        let settings = capi_lint::config::Settings::default();
        let view = View::new(&release, &Circumstances::of(&settings));
        for by in [capi_lint::split::By::Cluster, capi_lint::split::By::Kind] {
            let options = capi_lint::split::Options {
                by,
                layout: capi_lint::split::layout::Layout::Plain,
                waves: Vec::new(),
                shards: 1,
                engine: capi_lint::split::layout::Engine::default(),
            };
            let Ok(files) = capi_lint::split::files(&view, &options) else { continue };
            let parts: Vec<String> = files.values().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect();
            assert_eq!(objects_of(&parts), objects(&text), "{}", entry.path().display());
            tried += 1;
        }
    }
    println!("{tried} splits");
    assert!(tried > 600, "{tried}");
}

#[test]
fn a_second_run_changes_nothing_and_stale_files_go() {
    let folder = folder("again");
    let text = fleet();
    assert_eq!(split(&text, &folder, &["--by", "cluster", "--layout", "kustomize"]).code, 0);
    let before = files(&folder);
    let run = split(&text, &folder, &["--by", "cluster", "--layout", "kustomize"]);
    assert!(run.stdout.contains("0 written, 9 unchanged, 0 removed"), "{}", run.stdout);
    assert_eq!(files(&folder), before);
    fs::write(folder.join("README.md"), "mine").unwrap();
    fs::write(folder.join("cluster-3/notes.txt"), "mine too").unwrap();
    let smaller: String = text.split_inclusive("---\n").filter(|document| !document.contains("cluster-3")).collect();
    let run = split(&smaller, &folder, &["--by", "cluster", "--layout", "kustomize"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let left: Vec<String> =
        files(&folder).into_keys().filter(|path| path.starts_with("cluster-3") || path == "README.md").collect();
    assert_eq!(left, ["README.md", "cluster-3/notes.txt"], "only what capi-lint wrote is removed");
    let run = split(&smaller.replace("cluster-2", "cluster-9"), &folder, &["--by", "cluster"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!folder.join("cluster-2").exists() && folder.join("cluster-9/manifests.yaml").exists(), "empty folders go");
}

#[test]
fn files_of_others_and_edited_ones_stop_the_run_before_anything_is_written() {
    let folder = folder("foreign");
    fs::create_dir_all(folder.join("cluster-2")).unwrap();
    fs::write(folder.join("cluster-2/manifests.yaml"), "mine").unwrap();
    let before = files(&folder);
    let run = split(&fleet(), &folder, &["--by", "cluster"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("did not make cluster-2/manifests.yaml"), "{}", run.stderr);
    assert_eq!(files(&folder), before);
    assert_eq!(split(&fleet(), &folder, &["--by", "cluster", "--force"]).code, 2, "--force is for files of ours");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(split(&fleet(), &folder, &["--by", "cluster"]).code, 0);
    let edited = folder.join("cluster-1/manifests.yaml");
    fs::write(&edited, "changed by hand").unwrap();
    let run = split(&fleet(), &folder, &["--by", "cluster"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&edited).unwrap(), "changed by hand");
    assert_eq!(split(&fleet(), &folder, &["--by", "cluster", "--force"]).code, 0);
}

#[test]
#[cfg(unix)]
fn nothing_outside_the_folder_is_reached() {
    let folder = folder("outside");
    let elsewhere = self::folder("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.join("cluster-1")).unwrap();
    let run = split(&fleet(), &folder, &["--by", "cluster"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("leads out of the folder"), "{}", run.stderr);
    assert_eq!(files(&elsewhere).len(), 0);
    fs::remove_file(folder.join("cluster-1")).unwrap();
    // A list that somebody forged.
    fs::write(elsewhere.join("precious"), "x").unwrap();
    fs::write(folder.join(".capi-lint-split.json"), r#"{"written_by": "x", "files": {"../elsewhere/precious": "0"}}"#)
        .unwrap();
    assert_eq!(split(&fleet(), &folder, &["--by", "cluster", "--force"]).code, 2);
    assert!(elsewhere.join("precious").exists());
    let traversal = fleet().replace("name: cluster-1\n", "name: ../../up\n");
    let folder = self::folder("names");
    let run = split(&traversal, &folder, &["--by", "cluster"]);
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(!folder.exists());
}

#[test]
fn what_cannot_be_read_is_not_lost_in_silence() {
    let folder = folder("broken");
    let run = split(&format!("{}---\na: b: c\n", fleet()), &folder, &["--by", "cluster"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("capi-lint lint says why") && !folder.exists(), "{}", run.stderr);
}

#[test]
fn what_the_engines_get_validates_with_our_own_schemas() {
    let layouts: &[&[&str]] = &[
        &["--layout", "argocd", "--repo", "https://git.example.org/fleet", "--repo-path", "fleet", "-n", "prod"],
        &["--layout", "flux", "--repo-path", "fleet"],
    ];
    for (number, layout) in layouts.iter().enumerate() {
        for (other, by) in BY.iter().take(3).enumerate() {
            let folder = folder(&format!("engine-{number}-{other}"));
            let run = split(&fleet(), &folder, &[*by, *layout].concat());
            assert_eq!(run.code, 0, "{}", run.stderr);
            let mut engine = String::new();
            for (path, bytes) in
                files(&folder).iter().filter(|(path, _)| path.starts_with("argocd/") || path.starts_with("flux/"))
            {
                let run = capi_lint(
                    &["lint", "-", "--fail-on", "info", "--unknown-kinds", "error"],
                    std::str::from_utf8(bytes).unwrap(),
                );
                assert_eq!(run.code, 0, "{path}: {}", run.stdout);
                engine += std::str::from_utf8(bytes).unwrap();
            }
            assert!(engine.contains("kind: "), "{layout:?} {by:?} wrote nothing for the engine");
        }
    }
    let run = split(&fleet(), &folder("engine-kind"), &["--by", "kind", "--layout", "flux", "--repo-path", "x"]);
    assert_eq!(run.code, 2);
    assert_eq!(split(&fleet(), &folder("no-repo"), &["--by", "cluster", "--layout", "argocd"]).code, 2);
}

#[test]
fn waves_of_argo_and_flux_follow_each_other() {
    let folder = folder("waves");
    let arguments = ["--by", "cluster", "--waves", "size=1", "--layout", "flux", "--repo-path", "fleet"];
    assert_eq!(split(&fleet(), &folder, &arguments).code, 0);
    let flux = fs::read_to_string(folder.join("flux/kustomizations.yaml")).unwrap();
    let order = ["fleet-00-shared", "fleet-01-group-1", "fleet-02-group-2", "fleet-03-group-3"];
    for pair in order.windows(2) {
        assert!(flux.contains(&format!("dependsOn:\n  - name: {}", pair[0])), "{flux}");
    }
    assert!(flux.contains("prune: false"));
    assert!(
        folder.join("02-group-2/kustomization.yaml").exists()
            && folder.join("02-group-2/cluster-2/manifests.yaml").exists()
    );
}

/// kustomize, built once through the Go module proxy; `None` where there is no Go or no network.
fn kustomize() -> Option<PathBuf> {
    let tools = repository("target/tools");
    let tool = tools.join("kustomize");
    if !tool.exists() {
        let mut go = Command::new("go");
        go.args(["install", "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"])
            .env("GOBIN", &tools)
            .env("GOFLAGS", "-modcacherw");
        let _ = go.output();
    }
    if tool.exists() {
        return Some(tool);
    }
    eprintln!("skipped: no kustomize, and no Go to build it");
    None
}

#[test]
fn kustomize_builds_the_same_objects() {
    let Some(kustomize) = kustomize() else { return };
    let build = |folder: &Path| {
        let output = Command::new(&kustomize).arg("build").arg(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for (number, by) in BY.iter().enumerate() {
        let folder = folder(&format!("kustomize-{number}"));
        assert_eq!(split(&fleet(), &folder, &[*by, &["--layout", "kustomize"]].concat()).code, 0);
        assert_eq!(objects(&build(&folder)), objects(&fleet()), "{by:?}");
    }
    let folder = folder("kustomize-flux");
    assert_eq!(split(&fleet(), &folder, &["--by", "cluster", "--layout", "flux", "--repo-path", "x"]).code, 0);
    let waves: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("kustomization.yaml").exists())
        .collect();
    let built: Vec<String> = waves.iter().map(|wave| build(wave)).collect();
    assert_eq!(objects_of(&built), objects(&fleet()));
}
