//! The oracle (`tests/oracle/verdict`): the API server's own code, built with Go where that is present, once.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common;

/// One case of the oracle's case files.
pub struct Case {
    pub name: String,
    pub want: String,
    pub text: String,
}

/// The cases of a file: `=== name | verdict`, then YAML.
pub fn cases(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).expect("cases");
    let mut cases: Vec<Case> = Vec::new();
    for line in text.split_inclusive('\n') {
        let head = line.strip_prefix("=== ").and_then(|head| head.trim_end().split_once(" | "));
        if let Some((name, want)) = head {
            let want = want.trim_end_matches(" real").to_owned();
            cases.push(Case { name: name.to_owned(), want, text: String::new() });
        } else if let Some(case) = cases.last_mut() {
            let long = "x".repeat(262_145);
            case.text += &line.replace('␍', "\r").replace('␛', "\u{feff}").replace("@@BIG@@", &long);
        }
    }
    cases
}

/// The oracle's binary: `CAPI_ORACLE`, or built into `target/`. `None`, and a word about it, where there is no Go.
pub fn build() -> Option<PathBuf> {
    if let Some(binary) = std::env::var_os("CAPI_ORACLE") {
        return Some(binary.into());
    }
    let source = common::repository("tests/oracle/verdict");
    let binary = target().join("capi-oracle");
    let newest = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    let sources = std::fs::read_dir(&source).expect("the oracle").filter_map(Result::ok).map(|entry| entry.path());
    let changed = sources
        .filter(|path| path.extension().is_some_and(|e| e == "go" || e == "mod"))
        .filter_map(|p| newest(&p))
        .max();
    if newest(&binary) > changed {
        return Some(binary);
    }
    let built =
        Command::new("go").args(["build", "-trimpath", "-o"]).arg(&binary).arg(".").current_dir(&source).status();
    if built.is_ok_and(|status| status.success()) {
        return Some(binary);
    }
    eprintln!("skipped: no Go to build {} with (CAPI_ORACLE names a binary)", source.display());
    None
}

fn target() -> PathBuf {
    let tmp = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().map_or(tmp.clone(), Path::to_path_buf)
}

/// A file with objects derived from the corpus, judged by the oracle; made once for each oracle and count.
pub fn derive(oracle: &Path, crds: &[&Path], corpus: &Path, count: usize) -> PathBuf {
    let stamp = std::fs::metadata(oracle).and_then(|data| data.modified()).expect("the oracle");
    let age = stamp.duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    let seed = std::env::var("CAPI_LINT_SEED").unwrap_or_else(|_| "1".into());
    let file = target().join(format!("derived-{count}-{seed}-{age}.jsonl"));
    if file.exists() {
        return file;
    }
    let mut command = Command::new(oracle);
    crds.iter().for_each(|path| {
        command.arg("-crds").arg(path);
    });
    command.args(["-mutate", &count.to_string(), "-seed", &seed]);
    command.args(["manifests", "doc-snippets", "charts", "broken"].map(|folder| corpus.join(folder)));
    let partial = file.with_extension("partial");
    command.stdout(std::fs::File::create(&partial).expect("a file in target"));
    assert!(command.status().expect("the oracle runs").code().is_some_and(|code| code < 2), "the oracle failed");
    std::fs::rename(&partial, &file).expect("a file in target");
    file
}
