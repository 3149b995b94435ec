//! The whole verdict (schema, conversion, webhooks) through the command line, held against recorded management planes.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{capi_lint, shared};
use serde_json::Value as Json;

const GATES: &str = "ClusterTopology=true,MachinePool=true,RuntimeSDK=false,KubeadmBootstrapFormatIgnition=false,\
                     MachineTaintPropagation=false";

/// Refusals that say nothing of the object: the recorded plane lacked the CRDs of a foreign provider, and its conversion webhook
/// asked for them.
fn is_artefact(message: &str) -> bool {
    message.contains("failed to get CustomResourceDefinition")
}

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json[key].as_str().unwrap_or_default()
}

/// Every object of the recording, judged with its file as one release: refused is an error of provenance `admission`.
fn agrees(recording: &str, capi: &str) {
    let (Some(records), Some(corpus)) = (shared(recording), shared("corpus")) else { return };
    let records = std::fs::read_to_string(records).expect("a recording");
    let mut files: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for record in records.lines().map(|line| serde_json::from_str::<Json>(line).expect("JSON")) {
        files.entry(text(&record, "file").to_owned()).or_default().push(record);
    }
    let (mut all, mut artefacts, mut wrong) = (0, 0, Vec::new());
    for (file, records) in files {
        let path = corpus.join(&file).display().to_string();
        let run = capi_lint(&["lint", &path, "--format", "json", "--capi-version", capi, "--gates", GATES], "");
        let report: Json = serde_json::from_str(&run.stdout).expect("a report");
        let findings = report["findings"].as_array().expect("findings").iter();
        let refused: BTreeSet<(&str, &str, &str)> = findings
            .filter(|finding| text(finding, "severity") == "error" && text(finding, "provenance") == "admission")
            .map(|finding| &finding["object"])
            .map(|object| (text(object, "apiVersion"), text(object, "kind"), text(object, "name")))
            .collect();
        for record in &records {
            let here = refused.contains(&(text(record, "apiVersion"), text(record, "kind"), text(record, "name")));
            let there = record["accepted"] == false;
            let message = text(record, "message");
            all += 1;
            if there && !here && is_artefact(message) {
                artefacts += 1;
            } else if here != there {
                wrong.push(format!(
                    "{file} {} {}: here refused {here}, there {there} {message}",
                    text(record, "kind"),
                    text(record, "name")
                ));
            }
        }
    }
    println!("CAPI {capi}: {} of {all} agree, {artefacts} of them artefacts of the recording", all - wrong.len());
    assert!(all > 1000 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_recorded_plane_of_capi_1_13() {
    agrees("recorded/admission.jsonl", "1.13");
}

#[test]
fn the_recorded_plane_of_capi_1_10() {
    agrees("recorded/admission-1.10.jsonl", "1.10");
}
