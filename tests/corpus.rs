//! What our parsers make of YAML, held against what Go's make of it: recorded answers always, live ones where Go is.
//!
//! Record anew with `CAPI_LINT_RECORD=1 cargo test --test corpus` (needs Go). Mutated documents are for `tests/fuzz.rs`.

#[path = "fuzzing/go.rs"]
#[allow(dead_code, reason = "the fuzzer asks more")]
mod go;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use capi_lint::yaml;
use go::{Go, answer, same};

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

/// Asks Go about many documents; `None` where there is no Go, or where its modules cannot be had.
fn ask_go(documents: &[Vec<u8>], mode: &[&str]) -> Option<Vec<String>> {
    Go::start(mode).map(|mut go| go.ask(documents))
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

/// Both parsers read the same nodes, or neither reads the text.
fn tapes_agree(text: &str) -> bool {
    yaml::parse_by(text, yaml::Parser::Either) == yaml::parse_by(text, yaml::Parser::Fallback)
}

#[test]
fn both_parsers_write_the_same_tape_for_fixtures() {
    let different: Vec<_> = fixtures()
        .into_iter()
        .filter(|(_, bytes)| std::str::from_utf8(bytes).is_ok_and(|text| !tapes_agree(text)))
        .map(|(name, _)| name)
        .collect();
    assert!(different.is_empty(), "{different:?}");
}

/// All documents of the corpus, with the file they stand in and their number in it.
fn corpus(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    let mut documents = Vec::new();
    for file in files {
        let stream = std::fs::read(&file).expect("readable");
        let name = file.strip_prefix(folder).expect("inside").display().to_string();
        for (number, raw) in yaml::split(&stream).enumerate() {
            documents.push((format!("{name}#{number}"), stream[raw.span].to_vec()));
        }
    }
    documents
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        // The charts themselves are templates; what they render to stands beside them.
        let is_template = path.components().any(|part| part.as_os_str() == "templates");
        if path.is_dir() {
            collect(&path, into);
        } else if is_yaml && !is_template {
            into.push(path);
        }
    }
    into.sort();
}

/// FNV-1a, as the oracle's.
fn hash(text: &str) -> String {
    let sum =
        text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{sum:016x}")
}

#[test]
fn both_parsers_write_the_same_tape_for_the_corpus() {
    let Some(folder) = shared() else { return };
    let documents = corpus(&folder);
    let mut fast = 0;
    let mut all = 0;
    let mut slow = Vec::new();
    for (name, bytes) in &documents {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        assert!(tapes_agree(text), "{name}");
        all += text.len();
        if yaml::is_fast(text) {
            fast += text.len();
        } else {
            slow.push((text.len(), name));
        }
    }
    slow.sort();
    eprintln!(
        "fast path: {:.2} % of {all} bytes; not: {} of {} documents",
        100.0 * fast as f64 / all as f64,
        slow.len(),
        documents.len()
    );
    slow.iter().rev().take(20).for_each(|(size, name)| eprintln!("  {size} {name}"));
    assert!(fast as f64 >= 0.97 * all as f64);
}

#[test]
fn the_corpus_reads_as_go_reads_it() {
    let Some(folder) = shared() else { return };
    let path = root().join("fixtures/yaml/corpus-goldens.json");
    let documents = corpus(&folder);
    if recording() {
        let bytes: Vec<_> = documents.iter().map(|(_, bytes)| bytes.clone()).collect();
        let answers = ask_go(&bytes, &["hash"]).expect("recording needs Go");
        let mut goldens: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((name, _), answer) in documents.iter().zip(answers) {
            goldens.entry(name.split_once('#').expect("a number").0).or_default().push(answer);
        }
        let goldens: BTreeMap<_, _> = goldens.into_iter().map(|(name, hashes)| (name, hashes.join(" "))).collect();
        std::fs::write(&path, serde_json::to_string_pretty(&goldens).expect("JSON") + "\n").expect("goldens written");
    }
    let text = std::fs::read_to_string(&path).expect("goldens");
    let goldens: BTreeMap<String, String> = serde_json::from_str(&text).expect("goldens are JSON");
    let mut refused = 0;
    for (name, bytes) in &documents {
        let (file, number) = name.split_once('#').expect("a number");
        let golden = goldens.get(file).and_then(|hashes| hashes.split(' ').nth(number.parse().expect("a number")));
        let ours = answer(bytes);
        refused += usize::from(ours == "refused");
        assert!(
            golden == Some(&hash(&ours)) || golden == Some(&hash("ambiguous")),
            "{name} (a changed corpus needs CAPI_LINT_RECORD=1): {ours:.200}"
        );
    }
    eprintln!("{} documents read as Go reads them, {refused} of them refused by both", documents.len());
}

#[test]
fn go_still_answers_what_was_recorded() {
    let cases = fixtures();
    let documents: Vec<_> = cases.iter().map(|(_, bytes)| bytes.clone()).collect();
    let Some(answers) = ask_go(&documents, &[]) else { return };
    let text = std::fs::read_to_string(goldens_path()).expect("goldens");
    let goldens: BTreeMap<String, String> = serde_json::from_str(&text).expect("goldens are JSON");
    for ((name, _), answer) in cases.iter().zip(answers) {
        assert!(goldens[name] == answer || goldens[name] == "ambiguous", "{name}: {answer}");
    }
}
