//! Agreement with the API server: each object's verdict, here and there.
//!
//! Sets: the shared corpus with its recorded verdicts, the oracle's cases, and tens of thousands of objects derived from the
//! corpus and from the schemas, judged by the server's own code (`tests/oracle/verdict`, where Go is present). What needs
//! `../shared` says so and passes where that is absent; the committed fixtures are always compared.
//!
//! `make parity` prints the tables. `CAPI_LINT_PARITY=N` derives N objects instead of the default; `CAPI_LINT_SHOW=N` shows N
//! disagreements of each sort.

mod common;
#[path = "parity/oracle.rs"]
mod oracle;
#[path = "parity/plane.rs"]
mod plane;
#[path = "parity/tally.rs"]
mod tally;

use std::collections::BTreeMap;
use std::path::Path;

use capi_lint::schema::validate::Client;
use serde_json::Value as Json;

use plane::{CLIENTS, Plane, Verdict, client_name};
use tally::Tally;

/// Objects to derive, unless the environment asks for another number.
const DERIVED: usize = 24_000;

#[test]
fn corpus() {
    let (Some(crds), Some(corpus)) = (common::shared("crds"), common::shared("corpus")) else { return };
    let plane = Plane::new(&[&crds]);
    let mut tallies: Vec<Tally> = CLIENTS.iter().map(|client| Tally::new("corpus", client_name(*client))).collect();
    let text = std::fs::read_to_string(corpus.join("verdicts.jsonl")).expect("verdicts");
    let mut by_file: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for line in text.lines() {
        let verdict: Json = serde_json::from_str(line).expect("JSON");
        by_file.entry(verdict["file"].as_str().unwrap_or_default().to_owned()).or_default().push(verdict);
    }
    for (file, expected) in by_file {
        let bytes = std::fs::read(corpus.join(&file)).expect("a corpus file");
        for (client, tally) in CLIENTS.iter().zip(&mut tallies) {
            let judged = plane.judge_stream(&bytes, *client);
            assert_eq!(judged.len(), expected.len(), "{file}: objects");
            for (judged, expected) in judged.iter().zip(&expected) {
                let want = expected["verdicts"][client_name(*client)].as_str().unwrap_or_default();
                let what = format!("{file} #{} {}", expected["index"], expected["kind"]);
                tally.verdict(judged, want, &what, &expected["errors"][client_name(*client)]);
            }
        }
    }
    tally::conclude(&tallies);
}

#[test]
fn oracle_cases() {
    let (Some(crds), cases) = (common::shared("crds"), common::repository("tests/oracle/verdict/cases")) else {
        return;
    };
    let plane = Plane::new(&[&crds, &cases.join("widget-crd.yaml")]);
    let mut create = Tally::new("oracle cases", "create");
    for case in oracle::cases(&cases.join("create.txt")) {
        let judged = plane.judge_stream(case.text.as_bytes(), Client::Create);
        let worst = judged.iter().map(|judged| judged.verdict).max().unwrap_or(Verdict::Nothing);
        create.whole(worst, &case.want, &case.name, &judged);
    }
    let mut update = Tally::new("oracle cases", "update");
    for case in oracle::cases(&cases.join("update.txt")) {
        let (old, new) = case.text.split_once(">>>\n").expect("an old and a new object");
        let judged = plane.judge_update(old.as_bytes(), new.as_bytes());
        update.whole(judged.verdict, &case.want, &case.name, std::slice::from_ref(&judged));
    }
    tally::conclude(&[create, update]);
}

#[test]
fn derived_objects() {
    let (Some(crds), Some(corpus)) = (common::shared("crds"), common::shared("corpus")) else { return };
    let Some(oracle) = oracle::build() else { return };
    let count = std::env::var("CAPI_LINT_PARITY").ok().and_then(|text| text.parse().ok()).unwrap_or(DERIVED);
    let widget = common::repository("tests/oracle/verdict/cases/widget-crd.yaml");
    let derived = oracle::derive(&oracle, &[&crds, &widget], &corpus, count);
    let plane = Plane::new(&[&crds, &widget]);
    compare_derived(&plane, "derived objects", &derived);
}

#[test]
fn recorded_objects() {
    let recorded = common::repository("fixtures/parity/derived.jsonl");
    let crds =
        ["tests/oracle/verdict/cases/widget-crd.yaml", "fixtures/parity/gadget-crd.yaml"].map(common::repository);
    let plane = Plane::new(&[&crds[0], &crds[1]]);
    compare_derived(&plane, "recorded objects", &recorded);
}

fn compare_derived(plane: &Plane, set: &'static str, lines: &Path) {
    let text = std::fs::read_to_string(lines).expect("derived objects");
    let mut tallies: Vec<Tally> = CLIENTS.iter().map(|client| Tally::new(set, client_name(*client))).collect();
    let mut updates = Tally::new(set, "update");
    for line in text.lines() {
        let derived: Json = serde_json::from_str(line).expect("JSON");
        let body = derived["object"].to_string();
        let what =
            format!("n={} {} [{}]", derived["n"], derived["object"]["kind"], derived["how"].as_str().unwrap_or(""));
        if let Some(want) = derived["verdicts"]["update"].as_str() {
            let old = derived["old"].to_string();
            let judged = plane.judge_update(old.as_bytes(), body.as_bytes());
            updates.verdict(&judged, want, &what, &derived["errors"]["update"]);
        }
        for (client, tally) in CLIENTS.iter().zip(&mut tallies) {
            let name = client_name(*client);
            let want = derived["verdicts"][name].as_str().unwrap_or_default();
            let judged = plane.judge_stream(body.as_bytes(), *client);
            let Some(judged) = judged.first() else { continue };
            tally.verdict(judged, want, &what, &derived["errors"][name]);
        }
    }
    tallies.push(updates);
    tally::conclude(&tallies);
}
