//! SARIF 2.1.0, for code scanning. Fingerprints are made of what a finding is about, not of where it stands, so that they hold
//! when lines move.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::locate::FixedLines;
use super::{Located, Location, Report};
use crate::report::{Rule, Severity};
use crate::rules;

/// Writes the report.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut all: Vec<&Rule> = rules::all().collect();
    // The user's own rules are told by what they found.
    for located in &report.findings {
        if !all.iter().any(|rule| std::ptr::eq(*rule, located.finding.rule)) {
            all.push(located.finding.rule);
        }
    }
    let index: HashMap<&str, usize> = all.iter().enumerate().map(|(number, rule)| (rule.name, number)).collect();
    // The same finding twice in one object: told apart by how often it was seen.
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut results: Vec<Value> = report.findings.iter().map(|located| result(located, &index, &mut seen)).collect();
    // GitHub refuses a file with a result that is nowhere.
    for result in results.iter_mut().filter(|result| result["locations"].as_array().is_some_and(Vec::is_empty)) {
        let uri = percent_encoded(super::any_file(report));
        result["locations"] =
            json!([{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}}]);
    }
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "capi-lint",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": all.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": {"text": rules::summary(rule)},
        "help": {"text": rules::page(rule), "markdown": rules::page(rule)},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"provenance": rule.provenance},
    })
}

fn result(located: &Located<'_>, index: &HashMap<&str, usize>, seen: &mut HashMap<String, u32>) -> Value {
    let finding = &located.finding;
    let mut text = finding.message.clone();
    if let Some(suggestion) = &finding.suggestion {
        text.push_str("\nHelp: ");
        text.push_str(suggestion);
    }
    let fingerprint = super::identity(located);
    let times = seen.entry(fingerprint.clone()).and_modify(|times| *times += 1).or_insert(1);
    let mut result = json!({
        "ruleId": finding.rule.name,
        "level": level(finding.severity),
        "message": {"text": text},
        "locations": located.location.iter().map(location).collect::<Vec<_>>(),
        "partialFingerprints": {"capiLint/v1": format!("{fingerprint}:{times}")},
    });
    if let (Some(result), Some(index)) = (result.as_object_mut(), index.get(finding.rule.name)) {
        result.insert("ruleIndex".into(), (*index).into());
    }
    if !located.fix.is_empty() {
        result["fixes"] = json!([fix(located)]);
    }
    if !located.others.is_empty() {
        result["relatedLocations"] = located.others.iter().map(location).collect();
    }
    result
}

fn location(location: &Location<'_>) -> Value {
    let mut value = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": percent_encoded(super::repository_path(location))},
            "region": {"startLine": location.line, "startColumn": location.column, "endColumn": location.column + location.width},
        },
    });
    if let Some(object) = &location.object {
        value["logicalLocations"] = json!([{"fullyQualifiedName": format!("{} {}", location.name(), location.path).trim_end(), "kind": object.kind}]);
    }
    value
}

/// The change that settles a finding, as whole lines.
fn fix(located: &Located<'_>) -> Value {
    let replacement = |lines: &FixedLines| {
        json!({
            "deletedRegion": {"startLine": lines.line, "startColumn": 1, "endLine": lines.end_line, "endColumn": 1},
            "insertedContent": {"text": lines.text},
        })
    };
    let uri = located.location.iter().map(|place| location(place)["physicalLocation"]["artifactLocation"].clone());
    json!({
        "description": {"text": located.finding.suggestion.as_deref().unwrap_or_default()},
        "artifactChanges": uri.map(|uri| json!({
            "artifactLocation": uri,
            "replacements": located.fix.iter().map(replacement).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

/// A path as a relative URI.
fn percent_encoded(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
