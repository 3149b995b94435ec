//! CEL, patterns, formats and quantities against the recorded verdicts of the API server's own libraries, and against every
//! rule and pattern of the shared CRDs.

#[path = "support/typed.rs"]
mod typed;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use capi_lint::schema::cel::{EvalError, Program};
use capi_lint::schema::formats;
use capi_lint::schema::pattern::GoPattern;
use capi_lint::schema::quantity::Quantity;
use serde_json::Value as Json;
use typed::Typed;

fn fixture(name: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cel").join(name);
    serde_json::from_str(&fs::read_to_string(path).expect("the fixture")).expect("JSON")
}

/// Rules that the server evaluates and we say we do not: verbs of `format()` and names of time zones.
const NOT_CHECKED: usize = 9;

#[test]
fn expressions() {
    let fixture = fixture("expressions.json");
    let self_ = Typed { value: &fixture["object"], schema: &fixture["schema"] };
    let (mut wrong, mut not_checked) = (Vec::new(), 0);
    for case in fixture["cases"].as_array().expect("cases") {
        let (rule, expected) = (case[0].as_str().expect("a rule"), case[1].as_str().expect("a verdict"));
        let found = match Program::compile(rule).map(|program| program.evaluate(self_, None)) {
            Err(_) => "compile",
            Ok(Ok(true)) => "true",
            Ok(Ok(false)) => "false",
            Ok(Err(EvalError::Refused(_))) => "error",
            Ok(Err(_)) => "not checked",
        };
        // The server also refuses rules whose types do not fit; there is no type checker here.
        if expected == "compile" || found == expected {
            continue;
        }
        if found == "not checked" {
            not_checked += 1;
        } else {
            wrong.push(format!("{rule}: expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(not_checked <= NOT_CHECKED, "{not_checked} rules were not checked");
}

#[test]
fn patterns() {
    let fixture = fixture("patterns.json");
    for (pattern, expected) in fixture["patterns"].as_object().expect("patterns") {
        let compiled = GoPattern::compile(pattern);
        assert_eq!(compiled.is_err(), expected.is_null(), "{pattern}: {compiled:?}");
        let Ok(compiled) = compiled else { continue };
        for input in fixture["inputs"].as_array().expect("inputs") {
            let input = input.as_str().expect("text");
            let found = compiled.find(input).map(|found| {
                let from = found.as_ptr() as usize - input.as_ptr() as usize;
                format!("{from}-{}", from + found.len())
            });
            assert_eq!(found.as_deref(), expected.get(input).and_then(Json::as_str), "{pattern} on {input:?}");
        }
    }
}

#[test]
fn format_verdicts() {
    for (format, values) in fixture("formats.json")["formats"].as_object().expect("formats") {
        for (value, expected) in values.as_object().expect("values") {
            assert_eq!(Some(formats::check(format, value)), expected.as_bool(), "{format}: {value:?}");
        }
    }
}

#[test]
fn quantities() {
    for (text, expected) in fixture("formats.json")["quantities"].as_object().expect("quantities") {
        let found = Quantity::parse(text);
        assert_eq!(found.is_none(), expected.is_null(), "{text}");
        let Some(found) = found else { continue };
        assert_eq!(found.as_integer(), expected["integer"].as_i64(), "{text}");
        assert_eq!(Some(found.sign()), expected["sign"].as_i64(), "{text}");
        let float = expected["float"].as_f64().expect("a number");
        assert!((found.as_float() - float).abs() <= float.abs() * 1e-12, "{text}");
    }
}

/// The texts under `key: ` in all CRDs of a folder of the shared data.
fn shared(folder: &str, key: &str) -> Option<BTreeSet<String>> {
    let root = std::env::var_os("CAPI_LINT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = root.join(folder);
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    let mut found = BTreeSet::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        if entry.path().extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            let text = fs::read_to_string(entry.path()).expect("a CRD");
            if text.contains(key) {
                collect(&text, key, &mut found);
            }
        }
    }
    Some(found)
}

fn collect(text: &str, key: &str, found: &mut BTreeSet<String>) {
    use serde::Deserialize;
    fn walk(value: &serde_yaml::Value, key: &str, found: &mut BTreeSet<String>) {
        match value {
            serde_yaml::Value::Mapping(map) => {
                for (name, value) in map {
                    if name.as_str() == Some(key) {
                        found.extend(value.as_str().map(str::to_owned));
                    }
                    walk(value, key, found);
                }
            }
            serde_yaml::Value::Sequence(list) => list.iter().for_each(|value| walk(value, key, found)),
            _ => {}
        }
    }
    for document in serde_yaml::Deserializer::from_str(text) {
        walk(&serde_yaml::Value::deserialize(document).expect("YAML"), key, found);
    }
}

#[test]
fn every_shared_rule_and_pattern_compiles() {
    for folder in ["crds", "crds-history", "crds-fleet"] {
        let Some(rules) = shared(folder, "rule") else { return };
        for rule in &rules {
            assert!(Program::compile(rule).is_ok(), "{rule}: {:?}", Program::compile(rule));
        }
        let patterns = shared(folder, "pattern").unwrap_or_default();
        for pattern in &patterns {
            assert!(GoPattern::compile(pattern).is_ok(), "{pattern}: {:?}", GoPattern::compile(pattern));
        }
        println!("{folder}: {} rules, {} patterns", rules.len(), patterns.len());
    }
}
