//! CEL, patterns, formats and quantities against the recorded verdicts of the API server's own libraries, and against every
//! rule and pattern of the shared CRDs.

#[path = "support/typed.rs"]
mod typed;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use capi_lint::admission::{self, Gate, Options};
use capi_lint::input::Source;
use capi_lint::release::Release;
use capi_lint::report::Severity;
use capi_lint::schema::cel::check::{Checker, OldSelf};
use capi_lint::schema::cel::{EvalError, Old, Program};
use capi_lint::schema::declare;
use capi_lint::schema::definition;
use capi_lint::schema::facts::{Facts, KindFacts};
use capi_lint::schema::formats;
use capi_lint::schema::pack::{ReleaseFacts, pack};
use capi_lint::schema::pattern::GoPattern;
use capi_lint::schema::quantity::Quantity;
use capi_lint::schema::table::Table;
use capi_lint::stream::Stream;
use serde_json::Value as Json;
use typed::Typed;

fn fixture(name: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cel").join(name);
    serde_json::from_str(&fs::read_to_string(path).expect("the fixture")).expect("JSON")
}

/// Rules that the server evaluates and we say we do not: the name of a time zone, and one that costs too much.
const NOT_CHECKED: usize = 2;
/// The same of messages: numbers with hundreds of digits.
const MESSAGES_NOT_CHECKED: usize = 2;

#[test]
fn expressions() {
    let fixture = fixture("expressions.json");
    let self_ = Typed { value: &fixture["object"], schema: &fixture["schema"] };
    let (mut wrong, mut not_checked) = (Vec::new(), Vec::new());
    for case in fixture["cases"].as_array().expect("cases") {
        let (rule, expected) = (case[0].as_str().expect("a rule"), case[1].as_str().expect("a verdict"));
        let found = match Program::compile(rule).map(|program| program.evaluate(self_, None)) {
            Err(_) => "compile",
            Ok(Ok(true)) => "true",
            Ok(Ok(false)) => "false",
            Ok(Err(EvalError::Refused(_))) => "error",
            Ok(Err(_)) => "not checked",
        };
        // The server also refuses rules whose types do not fit: see `checks`.
        if expected == "compile" || found == expected {
            continue;
        }
        if found == "not checked" {
            not_checked.push(rule);
        } else {
            wrong.push(format!("{rule}: expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(not_checked.len() <= NOT_CHECKED, "{not_checked:?}");
}

/// A schema as a table.
fn table(schema: &Json) -> Table {
    let schema = Facts::from_json(schema).expect("a schema");
    let kind = KindFacts { kind: "Value".into(), schema, ..KindFacts::default() };
    Table::open(pack(&[(ReleaseFacts::default(), vec![kind])]).leak()).expect("a table")
}

/// Rules that the server compiles or does not, and the most that each can cost: `fixtures/cel/checks.json`, recorded with
/// `tests/oracle/verdict/cel`.
#[test]
fn checks() {
    let checker = Checker::new();
    let (mut wrong, mut total) = (Vec::new(), 0);
    for set in fixture("checks.json").as_array().expect("sets") {
        let table = table(&set["schema"]);
        let schema = table.kinds().next().expect("a kind").schema();
        let is_resource = ["metadata", "spec"].iter().all(|name| schema.property(name).is_some());
        let declared = declare::declared(schema, is_resource).expect("a declaration");
        for case in set["cases"].as_array().expect("cases") {
            let (rule, compiles, cost) = (case[0].as_str().expect("a rule"), &case[1], case[2].as_u64());
            total += 1;
            match checker.rule(rule, &declared, OldSelf::Value) {
                Err(error) if compiles == "" => wrong.push(format!("{rule}\n    compiles, but: {error}")),
                Ok(checked) if compiles != "" => {
                    wrong.push(format!(
                        "{rule}\n    passed ({}), but: {}",
                        checked.yields,
                        compiles.as_str().unwrap_or_default()
                    ));
                }
                Ok(checked) if Some(checked.max_cost) != cost => {
                    wrong.push(format!("{rule}\n    costs {cost:?}, not {}", checked.max_cost));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {total}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What the expressions of messages say on the object of `expressions.json`, by the server: `fixtures/cel/messages.json`. It says
/// nothing where one fails.
#[test]
fn messages() {
    let (fixture, cases) = (fixture("expressions.json"), fixture("messages.json"));
    let self_ = Typed { value: &fixture["object"], schema: &fixture["schema"] };
    let (mut wrong, mut not_checked) = (Vec::new(), Vec::new());
    for case in cases.as_array().expect("cases") {
        let (expression, said) = (case[0].as_str().expect("an expression"), case[1].as_str().expect("a message"));
        let program = Program::compile(expression).expect(expression);
        match program.message(self_, Old::Value(None)).result {
            Err(EvalError::NotChecked(why)) => not_checked.push(format!("{expression}: {why}")),
            Ok(text) if text.trim() == said || said.is_empty() && text.contains('\n') => {}
            Err(_) if said.is_empty() => {}
            other => wrong.push(format!("{expression}: expected {said:?}, found {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(not_checked.len() <= MESSAGES_NOT_CHECKED, "{}", not_checked.join("\n"));
}

/// What evaluations cost on the server: `fixtures/cel/costs.json`, on the object of `expressions.json`.
#[test]
fn costs() {
    let fixture = [fixture("expressions.json"), fixture("costs.json")];
    let self_ = Typed { value: &fixture[0]["object"], schema: &fixture[0]["schema"] };
    let mut wrong = Vec::new();
    for case in fixture[1].as_array().expect("cases") {
        let (rule, cost) = (case[0].as_str().expect("a rule"), case[1].as_u64().expect("a cost"));
        let program = Program::compile(rule).expect(rule);
        let run = program.run(self_, Old::Value(None));
        if run.cost != cost {
            wrong.push(format!("{rule}: costs {cost}, not {} ({:?})", run.cost, run.result));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Variables of ClusterClasses and their values, by Cluster API's own webhooks (1.13): `fixtures/cel/variables.json`.
#[test]
fn variables() {
    let mut wrong = Vec::new();
    for case in fixture("variables.json").as_array().expect("cases") {
        let schema = &case["schema"];
        let class = serde_json::json!({
            "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "ClusterClass", "metadata": {"name": "c"},
            "spec": {"variables": [{"name": "v", "required": false, "schema": {"openAPIV3Schema": schema}}]},
        });
        let found = refusals(&[&class]);
        if found.is_empty() != (case["class"] == true) {
            wrong.push(format!("class {}: {schema}: {found:?}", case["class"]));
        }
        for value in case["values"].as_array().expect("values").iter().filter(|value| !value[0].is_null()) {
            let cluster = serde_json::json!({
                "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "metadata": {"name": "x"},
                "spec": {"topology": {
                    "classRef": {"name": "c"}, "version": "v1.33.0", "variables": [{"name": "v", "value": value[0]}],
                }},
            });
            let found = refusals(&[&cluster, &class]);
            if found.is_empty() != (value[1] == true) {
                wrong.push(format!("value {}: {} of {schema}: {found:?}", value[1], value[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// CRDs that the server takes or does not: `fixtures/cel/definitions.json`.
#[test]
fn definitions() {
    let mut wrong = Vec::new();
    for case in fixture("definitions.json").as_array().expect("cases") {
        let source = Source { name: "test".to_owned(), bytes: case[1].to_string().into_bytes() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "default");
        let mut found = Vec::new();
        definition::judge(release.objects.get(0).expect("an object"), &mut found);
        found.retain(|finding| finding.severity == Severity::Error);
        if found.is_empty() != (case[0] == true) {
            wrong.push(format!("taken {}: {}: {found:?}", case[0], case[1]));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What the webhooks refuse of a variable in the first of these objects.
fn refusals(objects: &[&Json]) -> Vec<String> {
    let text = objects.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n---\n");
    let source = Source { name: "test".to_owned(), bytes: text.into_bytes() };
    let streams = [Stream::parse(&source, 1)];
    let release = Release::new(&streams, "default");
    let options = Options { gates: Gate::ALL.into_iter().map(|gate| (gate, true)).collect(), ..Options::default() };
    let mut found = Vec::new();
    admission::judge(release.objects.get(0).expect("an object"), &release, &options, &mut found);
    let about = ["invalid-variable", "invalid-variable-schema"];
    found.retain(|finding| finding.severity == Severity::Error && about.contains(&finding.rule.name));
    found.into_iter().map(|finding| finding.message).collect()
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
