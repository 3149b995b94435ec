//! What our parsers make of YAML, held against what Go's make of it: recorded answers always, live ones where Go is.
//!
//! Record anew with `CAPI_LINT_RECORD=1 cargo test --test corpus` (needs Go).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use capi_lint::yaml::{self, Scalar, Value};

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
    match yaml::parse(text) {
        Err(_) => "refused".to_owned(),
        // Go's printer escapes two characters more.
        Ok(parsed) => {
            canonical(parsed.root()).to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
        }
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

/// A small generator of numbers, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Bits of text on which YAML turns.
const BITS: &[&str] = &[
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "  ",
    "\t",
    ":",
    ": ",
    ":\n",
    "- ",
    "-",
    "\n- ",
    "#",
    " #",
    " # x\n",
    "\"",
    "'",
    "''",
    "\\",
    "\\n",
    "|",
    ">",
    "|-\n",
    ">+\n",
    "|2\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    ", ",
    "{a: b}",
    "[a]",
    "&a ",
    "*a",
    "!!str ",
    "!",
    "? ",
    "?",
    "%",
    "@",
    "`",
    "---",
    "\n---\n",
    "...",
    "\n...\n",
    "<<: ",
    "<<: *a",
    "yes",
    "~",
    "1",
    "0x1",
    ".inf",
    "1e3",
    "a",
    "a: b\n",
    "\n  ",
    "\n ",
    "\n    ",
    "é",
    "\u{2028}",
    "\u{85}",
    "\u{feff}",
    "=",
    "\0",
    "\\u00e9",
    "key: |\n  x\n",
    "key: >\n\n  x\n   y\n",
    "a: \"b\n  c\"\n",
    "a: b\n  c\n",
];

fn mutate(random: &mut Random, seeds: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = random.pick(seeds).1.clone();
    if bytes.len() > 600 {
        // A few lines of a long document, so that mutations meet.
        let lines: Vec<_> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        let from = random.below(lines.len());
        let count = 1 + random.below(20);
        bytes = lines[from..].iter().take(count).copied().collect::<Vec<_>>().concat();
    }
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(6)).min(bytes.len());
        match random.below(6) {
            0 => drop(bytes.drain(at..to)),
            1 => {
                let bit = random.pick(BITS).as_bytes().to_vec();
                bytes.splice(at..to, bit);
            }
            2 => {
                let other = &random.pick(seeds).1;
                let from = random.below(other.len() + 1);
                let part = other[from..(from + random.below(40)).min(other.len())].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let bit = random.pick(BITS).as_bytes().to_vec();
                bytes.splice(at..at, bit);
            }
        }
    }
    bytes
}

/// Where we mean to differ from Go: control characters are refused also behind the document's end, where Go never looks;
/// we stop at a tenth of its depth; null keys are refused even where a later entry hides them; block scalars with an
/// explicit indentation are no keys for us; a second byte order mark, or `0.0` and `-0.0` as keys of one mapping, are accidents of its making.
fn stricter(bytes: &[u8]) -> bool {
    use yaml::Problem as P;
    let Ok(text) = std::str::from_utf8(bytes) else { return true };
    let refused = yaml::parse(text).err();
    let ours = |problem| matches!(problem, P::ControlCharacter(_) | P::BlockKey | P::TooDeep | P::KeyRefused);
    refused.is_some_and(|error| ours(error.problem)) || text.starts_with("\u{feff}\u{feff}") || text.contains("-0")
}

/// Mutated documents: the fast parser against the other, and both against Go where `CAPI_LINT_FUZZ_GO` is set.
/// `CAPI_LINT_FUZZ_SECONDS` and `CAPI_LINT_FUZZ_SEED` make another run of it.
#[test]
fn mutated_documents_read_alike() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("CAPI_LINT_FUZZ_SECONDS").unwrap_or(2);
    let mut random = Random(number("CAPI_LINT_FUZZ_SEED").unwrap_or(0x9E37_79B9_7F4A_7C15) | 1);
    let with_go = std::env::var_os("CAPI_LINT_FUZZ_GO").is_some();
    let mut seeds = fixtures();
    seeds.retain(|(_, bytes)| bytes.len() < 5000);
    let own = seeds.clone();
    if let Some(folder) = shared() {
        seeds.extend(corpus(&folder));
        // The tricky cases count as much as the corpus.
        (0..8).for_each(|_| seeds.extend(own.iter().cloned()));
    }
    let end = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let (mut runs, mut read, mut different) = (0_usize, 0_usize, Vec::new());
    while std::time::Instant::now() < end && different.len() < 20 {
        let batch: Vec<_> = (0..2000).map(|number| (number.to_string(), mutate(&mut random, &seeds))).collect();
        for (_, bytes) in &batch {
            runs += 1;
            if let Ok(text) = std::str::from_utf8(bytes) {
                read += usize::from(yaml::is_fast(text));
                if !tapes_agree(text) {
                    different.push(format!("{text:?}: the two parsers differ"));
                }
            }
        }
        if with_go {
            let documents: Vec<_> = batch.iter().map(|(_, bytes)| bytes.clone()).collect();
            let answers = ask_go(&documents, &[]).expect("Go");
            let wrong = disagreements(&batch, |index| {
                if stricter(&documents[index]) { "ambiguous".to_owned() } else { answers[index].clone() }
            });
            different.extend(wrong.into_iter().map(|wrong| {
                let index: usize = wrong.split_once(':').expect("a name").0.parse().expect("a number");
                format!("{:?} {wrong}", String::from_utf8_lossy(&documents[index]))
            }));
        }
    }
    eprintln!(
        "{runs} mutated documents, {read} read by the fast parser{}",
        if with_go { ", each held against Go" } else { "" }
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}
