//! Where the program comes from and whom it talks to: dependencies with a reason and a licence, nobody else's code unsafe by our
//! hand, no network at any time.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Licences that may be shipped with an Apache-2.0 program.
const LICENCES: [&str; 10] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
];

/// Crates that stand in the tree in two versions. `syn` runs while others are compiled (clap's derive and serde's take different
/// ones), and nothing of it is in the program.
const TWICE: [&str; 1] = ["syn"];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// The packages that the binaries are built of, by id; those for tests and benchmarks are left out.
fn shipped(metadata: &Value) -> BTreeSet<String> {
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let by_id: BTreeMap<&str, &Value> = nodes.iter().map(|node| (text(node, "id"), node)).collect();
    let mut open = vec![text(&metadata["resolve"], "root")];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.to_owned()) {
            continue;
        }
        for dependency in by_id[id]["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            if kinds.into_iter().any(|kind| text(kind, "kind") != "dev") {
                open.push(text(dependency, "pkg"));
            }
        }
    }
    seen
}

fn may_be_used(expression: &str) -> bool {
    // `A OR B`, `A AND B`, `A/B`, with brackets: any of the alternatives will do.
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" OR ").any(|side| side.split(" AND ").all(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn licences_sources_and_versions_are_as_promised() {
    let metadata = metadata();
    let shipped = shipped(&metadata);
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = text(package, "name");
        if name == "capi-lint" {
            continue;
        }
        let licence = text(package, "license");
        assert!(may_be_used(licence), "{name}: licence '{licence}' is none that may be shipped");
        let source = text(package, "source");
        assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{name}");
        if shipped.contains(text(package, "id")) {
            versions.entry(name).or_default().insert(text(package, "version"));
        }
    }
    let twice: Vec<_> = versions.iter().filter(|(name, all)| all.len() > 1 && !TWICE.contains(name)).collect();
    assert!(twice.is_empty(), "in two versions: {twice:?}");
    eprintln!("{} crates are built in", shipped.len() - 1);
}

#[test]
fn every_dependency_has_a_reason() {
    let architecture = fs::read_to_string(common::repository("ARCHITECTURE.md")).expect("the page");
    let (_, section) = architecture.split_once("## Dependencies, each with its reason").expect("the section");
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with("| crate"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let reasons: BTreeSet<String> = rows
        .flat_map(|row| {
            let names = row.split('|').nth(1).unwrap_or_default();
            let names = names.split('(').next().unwrap_or_default();
            names.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let manifest = fs::read_to_string(common::repository("Cargo.toml")).expect("the manifest");
    let mut used = BTreeSet::new();
    let mut in_section = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_section = line.contains("dependencies]");
        } else if let (true, Some((name, _))) = (in_section, line.split_once('=').filter(|_| !line.starts_with('#'))) {
            used.insert(name.trim().to_owned());
        }
    }
    assert_eq!(used, reasons, "Cargo.toml and the table in ARCHITECTURE.md name the same crates");
}

#[test]
fn no_crate_root_allows_unsafe_code() {
    let manifest = fs::read_to_string(common::repository("Cargo.toml")).expect("the manifest");
    assert!(manifest.contains("unsafe_code = \"forbid\""), "holds for tests, examples and benchmarks too");
    let mut roots = vec!["src/lib.rs".to_owned(), "src/main.rs".to_owned()];
    let binaries = fs::read_dir(common::repository("src/bin")).expect("the folder").flatten();
    roots.extend(binaries.map(|entry| format!("src/bin/{}", entry.file_name().to_string_lossy())));
    for root in roots {
        let text = fs::read_to_string(common::repository(&root)).expect("a crate root");
        assert!(text.contains("#![forbid(unsafe_code)]"), "{root}");
    }
}

#[test]
fn builds_hold_to_the_lock_file_and_reach_no_network() {
    for file in ["Makefile", "scripts/dist.sh", "scripts/release.sh", ".ci/run", "Dockerfile"] {
        let Ok(text) = fs::read_to_string(common::repository(file)) else { continue };
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let builds = ["build", "test", "check", "clippy", "install"]
                .iter()
                .any(|verb| line.contains(&format!("cargo {verb} ")) || line.contains(&format!("$(CARGO) {verb} ")));
            assert!(!builds || line.contains("--locked"), "{file} without --locked: {line}");
        }
    }
    let script = fs::read_to_string(common::repository("build.rs")).expect("the build script");
    for word in ["std::net", "Command", "http", "ureq", "reqwest", "curl"] {
        assert!(!script.contains(word), "build.rs uses {word}");
    }
}

#[test]
fn nothing_in_the_program_can_open_a_connection() {
    fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() { sources(&path, found) } else { found.push(path) }
        }
    }
    let mut files = Vec::new();
    sources(&common::repository("src"), &mut files);
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let text = fs::read_to_string(file).expect("a source");
        for word in ["TcpStream", "UdpSocket", "TcpListener", "UnixStream", "ToSocketAddrs"] {
            assert!(!text.contains(word), "{} names {word}", file.display());
        }
    }
    let metadata = metadata();
    let shipped = shipped(&metadata);
    for name in [
        "ureq",
        "reqwest",
        "hyper",
        "tokio",
        "curl",
        "native-tls",
        "rustls",
        "socket2",
        "mio",
        "async-std",
        "attohttpc",
    ] {
        let found = shipped.iter().any(|id| id.contains(&format!("#{name}@")) || id.contains(&format!("/{name}#")));
        assert!(!found, "{name} is built in");
    }
}

/// Every command at its work.
fn commands(release: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["lint", release],
        vec!["lint", "--format", "sarif", release],
        vec!["count", release],
        vec!["migrate", release],
        vec!["diff", release, release],
        vec!["report", release],
        vec!["graph", release],
        vec!["plan", release],
        vec!["verify", release, "--live", release],
        vec!["split", "--by", "cluster", "--dry-run", "-o", "out", release],
        vec!["schema", "list"],
        vec!["explain", "long-name"],
        vec!["rules"],
        vec!["version"],
    ]
}

#[test]
fn every_command_works_where_there_is_no_network() {
    let tried = Command::new("unshare").args(["-rn", "true"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no network namespace can be made here");
        return;
    }
    let release = common::repository("fixtures/render/multi-cluster.yaml");
    for arguments in commands(release.to_str().expect("a path")) {
        let run = |program: &str, before: &[&str]| {
            let mut command = Command::new(program);
            command.args(before).args(&arguments).current_dir(env!("CARGO_TARGET_TMPDIR"));
            common::run(command, b"")
        };
        let binary = env!("CARGO_BIN_EXE_capi-lint");
        let (with, without) = (run(binary, &[]), run("unshare", &["-rn", binary]));
        assert_eq!((with.code, with.stdout), (without.code, without.stdout), "{arguments:?}: {}", without.stderr);
    }
}

#[test]
fn no_command_asks_for_a_socket() {
    let tried = Command::new("strace").args(["-qq", "-e", "trace=none", "true"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: strace is not here, or may not trace");
        return;
    }
    let release = common::repository("fixtures/render/multi-cluster.yaml");
    for arguments in commands(release.to_str().expect("a path")) {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "trace=%network", env!("CARGO_BIN_EXE_capi-lint")]).args(&arguments);
        command.current_dir(env!("CARGO_TARGET_TMPDIR"));
        let run = common::run(command, b"");
        let calls: Vec<&str> =
            run.stderr.lines().filter(|line| line.contains("socket(") || line.contains("connect(")).collect();
        assert!(calls.is_empty(), "{arguments:?}: {calls:?}");
    }
}
