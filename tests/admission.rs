//! Webhook rules: our own fixtures, and agreement with what a real management plane recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use capi_lint::admission::{self, Alone, Gate, Gates, Options, Peers};
use capi_lint::input::Source;
use capi_lint::judge as plane;
use capi_lint::object::Object;
use capi_lint::release::Release;
use capi_lint::report::{Finding, Provenance, Severity};
use capi_lint::stream::Stream;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn judge(object: &Object<'_>, peers: &dyn Peers, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    admission::judge(object, peers, options, &mut findings);
    findings
}

fn errors(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.severity == Severity::Error)
}

/// What a fixture's leading comment asks for.
#[derive(Debug, Default)]
struct Expected {
    rules: BTreeSet<String>,
    options: Options,
}

/// Reads `# pass`, `# rule-name, rule-name`, then options: `# capi 1.10`, `# gates RuntimeSDK=false`.
fn expected(text: &str) -> Expected {
    let mut expected = Expected { options: all_gates_on(), ..Expected::default() };
    for line in text.lines().map_while(|line| line.strip_prefix("# ")) {
        if let Some(version) = line.strip_prefix("capi ") {
            expected.options.capi_version = version.parse().unwrap();
        } else if let Some(gates) = line.strip_prefix("gates ") {
            for gate in gates.split(',') {
                let (name, state) = gate.split_once('=').unwrap();
                expected.options.gates.set(name.parse().unwrap(), state == "true");
            }
        } else if line != "pass" {
            expected.rules.extend(line.split(", ").map(str::to_owned));
        }
    }
    expected
}

fn all_gates_on() -> Options {
    Options { gates: Gate::ALL.into_iter().map(|gate| (gate, true)).collect(), ..Options::default() }
}

#[test]
fn every_row_of_the_webhooks_has_a_fixture_that_shows_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/admission");
    let mut wrong = Vec::new();
    let mut shown = BTreeSet::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let source = source(&path.display().to_string(), &text);
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "default");
        assert!(release.findings.is_empty(), "{}: {:?}", path.display(), release.findings);
        for object in &release.objects {
            let text = release.text_of(object.document);
            let expected = expected(text.trim_start());
            let findings = judge(object, &release, &expected.options);
            let found: BTreeSet<String> = errors(&findings).map(|finding| finding.rule.name.to_owned()).collect();
            shown.extend(found.iter().cloned());
            if found != expected.rules {
                let line = release.line_of(object).unwrap_or_default();
                wrong.push(format!(
                    "{}:{line} {}/{}: wants {:?}, found {:#?}",
                    path.display(),
                    object.kind,
                    object.name,
                    expected.rules,
                    findings.iter().map(|f| (f.rule.name, &f.message)).collect::<Vec<_>>()
                ));
            }
            for finding in &findings {
                assert!(finding.place.is_some() && finding.suggestion.is_some(), "{finding:?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{} fixtures are judged otherwise:\n{}", wrong.len(), wrong.join("\n"));
    let unseen: Vec<_> = admission::RULES.iter().map(|rule| rule.name).filter(|name| !shown.contains(*name)).collect();
    assert!(unseen.is_empty(), "rules without a fixture that shows them: {unseen:?}");
}

/// Each object says what is found where schema and webhooks judge together, as a management plane of CAPI 1.13 does.
#[test]
fn schemas_judge_what_webhooks_hand_back() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/decoding/objects.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let source = source(&path.display().to_string(), &text);
    let streams = [Stream::parse(&source, 1)];
    let release = Release::new(&streams, "default");
    let mut options = plane::Options::default();
    options.gates = all_gates_on().gates;
    let findings = plane::unmerged(&release, &options, Vec::new());
    for object in &release.objects {
        let text = release.text_of(object.document).trim_start();
        let (expected, _) = text.trim_start_matches("# ").split_once(':').unwrap();
        let mine = errors(&findings)
            .filter(|finding| finding.place.and_then(|place| place.object) == Some(object.number))
            .filter(|finding| finding.rule.provenance == Provenance::Admission);
        let mut found: Vec<_> = mine.map(|finding| finding.rule.name).collect();
        found.dedup();
        let found = if found.is_empty() { "pass".to_owned() } else { found.join(", ") };
        assert_eq!(found, expected, "{} {}", object.kind, object.name);
    }
}

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("CAPI_LINT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    folder.join("recorded/admission.jsonl").exists().then_some(folder)
}

/// Whether a refusal came from a webhook or a conversion, rather than from the schema.
fn is_by_webhook(message: &str) -> bool {
    let is_conversion = message.contains("conversion webhook") && !is_artefact(message);
    let is_denied = message.contains("denied the request") && !is_artefact(message);
    is_conversion || is_denied
}

/// Refusals that no webhook rule accounts for.
fn is_artefact(message: &str) -> bool {
    // The recording plane had no CRDs of other providers, and conversion asks for them.
    let is_missing_crd = message.contains("failed to get CustomResourceDefinition metadata")
        && !message.contains("\".\" not found")
        && !message.contains(".\" not found");
    // A value of the wrong type reaches a webhook's decoder before the schema; the schema's own check speaks of it.
    is_missing_crd || message.contains("json: cannot unmarshal") || message.contains("illegal base64")
}

fn agreement(file: &str, capi: &str) {
    let Some(shared) = shared() else {
        println!("skipped: no recorded verdicts");
        return;
    };
    let gates: Gates = [
        (Gate::ClusterTopology, true),
        (Gate::MachinePool, true),
        (Gate::RuntimeSdk, false),
        (Gate::KubeadmBootstrapFormatIgnition, false),
        (Gate::MachineTaintPropagation, false),
    ]
    .into_iter()
    .collect();
    let options = Options { capi_version: capi.parse().unwrap(), gates, ..Options::default() };
    let mut by_file: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
    for line in std::fs::read_to_string(shared.join("recorded").join(file)).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        by_file.entry(record["file"].as_str().unwrap().to_owned()).or_default().push(record);
    }
    let (mut tried, mut refused, mut false_alarms, mut misses) = (0, 0, Vec::new(), Vec::new());
    for (name, records) in by_file {
        let Ok(text) = std::fs::read_to_string(shared.join("corpus").join(&name)) else { continue };
        let source = source(&name, &text);
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "adm");
        for record in records {
            let kind = record["kind"].as_str().unwrap();
            let number = record["doc"].as_u64().unwrap() as usize;
            let is_it = |object: &&Object<'_>| {
                object.kind == kind && object.api_version == record["apiVersion"].as_str().unwrap()
            };
            let Some(object) = release.objects.get(number).filter(is_it).or_else(|| {
                release
                    .objects
                    .iter()
                    .filter(is_it)
                    .find(|object| object.name == record["name"].as_str().unwrap_or_default())
            }) else {
                println!("not found: {name} {number} {kind}");
                continue;
            };
            tried += 1;
            let findings = judge(object, &Alone, &options);
            let found: Vec<_> =
                errors(&findings).map(|f| format!("{}: {} {:?}", f.rule.name, f.message, f.path)).collect();
            let message = record["message"].as_str().unwrap_or_default();
            if record["accepted"] == true {
                if !found.is_empty() {
                    false_alarms.push(format!("{name} {number} {kind}: {}", found.join("; ")));
                }
            } else if is_by_webhook(message) {
                refused += 1;
                if found.is_empty() {
                    misses.push(format!("{name} {number} {kind}: {message}"));
                }
            }
        }
    }
    println!(
        "CAPI {capi}: {tried} objects, {refused} refused by webhooks or conversion; {} false alarms, {} misses",
        false_alarms.len(),
        misses.len()
    );
    assert!(
        false_alarms.is_empty() && misses.is_empty(),
        "false alarms:\n{}\nmisses:\n{}",
        false_alarms.join("\n"),
        misses.join("\n")
    );
}

#[test]
fn agrees_with_the_recorded_plane_of_capi_1_13() {
    agreement("admission.jsonl", "1.13");
}

#[test]
fn agrees_with_the_recorded_plane_of_capi_1_10() {
    agreement("admission-1.10.jsonl", "1.10");
}
