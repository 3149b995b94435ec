//! What our parsers make of YAML, held against what Go's make of it: recorded answers always, live ones where Go is.
//!
//! Record anew with `CAPI_LINT_RECORD=1 cargo test --test corpus` (needs Go).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use capi_lint::yaml::{self, Scalar, Tape, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("CAPI_LINT_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let corpus = named.join("corpus");
    if !corpus.is_dir() {
        eprintln!("skipped: {} is absent (CAPI_LINT_SHARED names another place)", corpus.display());
    }
    corpus.is_dir().then_some(corpus)
}

/// The answer in the oracle's form: JSON with sorted keys, floats as their bits, or `refused`.
fn answer(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return "refused".to_owned() };
    let mut tape = Tape::new();
    match yaml::parse(text, &mut tape) {
        Err(_) => "refused".to_owned(),
        Ok(parsed) => canonical(tape.document(text, parsed.nodes).root()).to_string(),
    }
}

fn canonical(value: Option<Value<'_>>) -> serde_json::Value {
    let Some(value) = value else { return serde_json::Value::Null };
    match value.scalar() {
        None if value.is_map() => {
            let sorted: BTreeMap<String, _> =
                value.entries().filter_map(|entry| Some((entry.key()?.into_owned(), canonical(Some(entry))))).collect();
            sorted.into_iter().collect()
        }
        None => value.items().map(|item| canonical(Some(item))).collect(),
        Some(Scalar::UInt(number)) => format!("float:{:016x}", (number as f64).to_bits()).into(),
        Some(Scalar::Float(number)) => format!("float:{:016x}", number.to_bits()).into(),
        Some(_) => value.to_json(),
    }
}

/// Asks Go about many documents; `None` where there is no Go, or where its modules cannot be had.
fn ask_go(documents: &[Vec<u8>], mode: &[&str]) -> Option<Vec<String>> {
    let folder = root().join("tests/oracle/yaml");
    let binary = root().join("target").join("yaml-oracle");
    let built = Command::new("go").args(["build", "-o"]).arg(&binary).arg(".").current_dir(folder).output();
    if !built.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: the oracle cannot be built here: {built:?}");
        return None;
    }
    let mut child = Command::new(binary)
        .args(mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle starts");
    let mut input = child.stdin.take().expect("piped");
    let mut output = child.stdout.take().expect("piped");
    let mut answers = String::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for document in documents {
                input.write_all(format!("{}\n", document.len()).as_bytes()).expect("the oracle reads");
                input.write_all(document).expect("the oracle reads");
            }
        });
        output.read_to_string(&mut answers).expect("the oracle answers in UTF-8");
    });
    assert!(child.wait().expect("the oracle ends").success());
    Some(answers.lines().map(str::to_owned).collect())
}

fn recording() -> bool {
    std::env::var_os("CAPI_LINT_RECORD").is_some()
}

/// The hand-written cases: name and bytes.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut cases: Vec<_> = std::fs::read_dir(root().join("fixtures/yaml"))
        .expect("fixtures/yaml")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("readable"))
        })
        .collect();
    cases.sort();
    cases
}

fn goldens_path() -> PathBuf {
    root().join("fixtures/yaml/goldens.json")
}

fn disagreements(cases: &[(String, Vec<u8>)], expected: impl Fn(usize) -> String) -> Vec<String> {
    let mut different = Vec::new();
    for (index, (name, bytes)) in cases.iter().enumerate() {
        let (ours, theirs) = (answer(bytes), expected(index));
        if theirs != "ambiguous" && !same(&ours, &theirs) {
            different.push(format!("{name}:\n  ours {ours}\n  Go   {theirs}"));
        }
    }
    different
}

/// Equal as trees: the two printers escape differently.
fn same(ours: &str, theirs: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    ours == theirs || (ours != "refused" && theirs != "refused" && parse(ours) == parse(theirs))
}

#[test]
fn fixtures_read_as_go_reads_them() {
    let cases = fixtures();
    if recording() {
        let documents: Vec<_> = cases.iter().map(|(_, bytes)| bytes.clone()).collect();
        let answers = ask_go(&documents, &[]).expect("recording needs Go");
        let goldens: BTreeMap<_, _> = cases.iter().map(|(name, _)| name.clone()).zip(answers).collect();
        let text = serde_json::to_string_pretty(&goldens).expect("JSON");
        std::fs::write(goldens_path(), text + "\n").expect("goldens written");
    }
    let text = std::fs::read_to_string(goldens_path()).expect("goldens");
    let goldens: BTreeMap<String, String> = serde_json::from_str(&text).expect("goldens are JSON");
    assert_eq!(cases.len(), goldens.len(), "record the goldens anew: CAPI_LINT_RECORD=1");
    let different = disagreements(&cases, |index| goldens[&cases[index].0].clone());
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), cases.len(), different.join("\n"));
}

#[test]
#[ignore = "asks Go about every document of the corpus; records with CAPI_LINT_RECORD"]
fn placeholder() {
    let _ = shared();
}
