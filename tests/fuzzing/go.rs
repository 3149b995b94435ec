//! Go's own reader of YAML as a partner: our answer in its form, and a process that answers for Go.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use capi_lint::yaml::{self, Scalar, Value};

/// The answer in the oracle's form: JSON with sorted keys, floats as their bits, or `refused`.
pub fn answer(bytes: &[u8]) -> String {
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

/// Equal as trees: the two printers escape differently.
pub fn same(ours: &str, theirs: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    ours == theirs || (ours != "refused" && theirs != "refused" && parse(ours) == parse(theirs))
}

/// Where we mean to differ from Go: control characters are refused also behind the document's end, where Go never looks;
/// we stop at a tenth of its depth; null keys are refused even where a later entry hides them; block scalars with an
/// explicit indentation are no keys for us; what it makes of byte order marks inside a document (`- ` and a mark alone end it), or
/// of `0.0` and `-0.0` as keys of one mapping, are accidents.
pub fn is_stricter(bytes: &[u8]) -> bool {
    use yaml::Problem as P;
    let Ok(text) = std::str::from_utf8(bytes) else { return true };
    let refused = yaml::parse(text).err();
    let ours = |problem| matches!(problem, P::ControlCharacter(_) | P::BlockKey | P::TooDeep | P::KeyRefused);
    refused.is_some_and(|error| ours(error.problem)) || text.rfind('\u{feff}') > Some(0) || text.contains("-0")
}

/// Builds a Go program of `tests/oracle/`; `None`, and a word about it, where there is no Go or its modules cannot be had.
pub fn build(folder: &str, package: &str, name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = root.join("target").join(name);
    let folder = root.join("tests/oracle").join(folder);
    let built =
        Command::new("go").args(["build", "-trimpath", "-o"]).arg(&binary).arg(package).current_dir(folder).output();
    if !built.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: the oracle cannot be built here: {built:?}");
        return None;
    }
    Some(binary)
}

/// What a program answers, line by line, to lines on its standard input.
pub fn lines(binary: &Path, input: &str) -> Vec<String> {
    let mut child =
        Command::new(binary).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().expect("the oracle ends")
    });
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// A running oracle.
pub struct Go {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Go {
    /// Builds the oracle and starts it, where that can be done.
    pub fn start(mode: &[&str]) -> Option<Self> {
        let binary = build("yaml", ".", "yaml-oracle")?;
        let mut child = Command::new(binary)
            .args(mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Some(Self { child, answers })
    }

    /// What Go makes of documents.
    pub fn ask(&mut self, documents: &[Vec<u8>]) -> Vec<String> {
        let mut frames = Vec::new();
        for document in documents {
            frames.extend_from_slice(format!("{}\n", document.len()).as_bytes());
            frames.extend_from_slice(document);
        }
        let input = self.child.stdin.as_mut().expect("piped");
        let answers = &mut self.answers;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                input.write_all(&frames).expect("the oracle reads");
                input.flush().expect("the oracle reads");
            });
            documents
                .iter()
                .map(|_| {
                    let mut line = String::new();
                    answers.read_line(&mut line).expect("the oracle answers in UTF-8");
                    line.pop();
                    line
                })
                .collect()
        })
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
