//! `migrate` against Cluster API's own conversion webhook, against the schemas of both versions, and on the corpus.

use std::path::PathBuf;

use capi_lint::migrate::{self, Outcome};
use serde_json::Value as Json;

fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("CAPI_LINT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if path.is_dir() {
        Some(path)
    } else {
        println!("skipped: no shared data at {}", path.display());
        None
    }
}

/// The one rule by which the webhook's artefacts are set aside: Go writes no zero value where the type says so, and
/// writes one where it does not. So what stands on one side only must be zero all through. Entries with names are
/// compared by name, since the webhook's come in the order of a Go map.
fn difference(ours: &Json, theirs: &Json, path: &str) -> Option<String> {
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let (a, b) = (a.get(key).unwrap_or(&Json::Null), b.get(key).unwrap_or(&Json::Null));
                difference(a, b, &format!("{path}.{key}"))
            })
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            let named = |items: &[Json]| items.iter().all(|item| item.get("name").is_some_and(Json::is_string));
            let sorted = |items: &[Json]| {
                let mut items: Vec<Json> = items.to_vec();
                if named(&items) {
                    items.sort_by_key(|item| item["name"].to_string());
                }
                items
            };
            let (a, b) = (sorted(a), sorted(b));
            a.iter().zip(&b).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{path}[{i}]")))
        }
        (a, b) if a == b || (is_zero(a) && is_zero(b)) => None,
        (a, b) => Some(format!("{path}: ours {a}, webhook {b}")),
    }
}

fn is_zero(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(truth) => !truth,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.values().all(is_zero),
    }
}

/// A value as a chart would write it.
fn block(value: &Json, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Json::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                out.push_str(&format!("{pad}{}:", Json::String(key.clone())));
                inside(value, indent, out);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                let mut text = String::new();
                if matches!(item, Json::Object(map) if !map.is_empty()) {
                    block(item, indent + 2, &mut text);
                    out.push_str(&format!("{pad}- {}", text.trim_start()));
                } else {
                    out.push_str(&format!("{pad}-"));
                    inside(item, indent, out);
                }
            }
        }
        scalar => out.push_str(&format!("{pad}{scalar}\n")),
    }
}

fn inside(value: &Json, indent: usize, out: &mut String) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(value, indent + 2, out);
        }
        Json::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(value, indent + 2, out);
        }
        scalar => out.push_str(&format!(" {scalar}\n")),
    }
}

#[test]
fn converts_as_the_webhook_does() {
    let Some(shared) = shared() else { return };
    let pairs = std::fs::read_to_string(shared.join("recorded/conversion.jsonl")).unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for (number, line) in pairs.lines().enumerate() {
        let pair: Json = serde_json::from_str(line).unwrap();
        let mut yaml = String::new();
        block(&pair["in"], 0, &mut yaml);
        let forms =
            [("block", yaml), ("json", pair["in"].to_string()), ("pretty", serde_json::to_string_pretty(&pair["in"]).unwrap())];
        for (form, text) in forms {
            count += 1;
            let problem = match (migrate::document(&text), pair.get("refused")) {
                (Outcome::Refused(_), Some(_)) => None,
                (Outcome::Migrated(migration), None) => difference(&migration.value, &pair["out"], ""),
                (other, refused) => Some(format!("{other:?}, webhook refused: {refused:?}")),
            };
            if let Some(problem) = problem {
                wrong.push(format!("pair {number} ({}, {form}): {problem}", pair["in"]["kind"]));
            }
        }
    }
    println!("{count} conversions, {} differ", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every file with manifests below a folder of the corpus.
fn streams(root: &std::path::Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(root)
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .filter(|path| !path.components().any(|part| matches!(part.as_os_str().to_str(), Some("chart" | "values"))))
        .collect();
    files.sort();
    files
}

/// The comments of a document, by lines: what follows a `#` that no scalar and no key holds.
fn comments(text: &str) -> Vec<String> {
    let mut tape = capi_lint::yaml::Tape::new();
    let Ok(parsed) = capi_lint::yaml::parse(text, &mut tape) else { return Vec::new() };
    let Some(root) = tape.document(text, parsed.nodes).root() else { return Vec::new() };
    let document = root.document();
    let mut covered = vec![false; text.len()];
    for index in root.index()..root.end_index() {
        let value = document.value(index).unwrap();
        let scalar = (!value.is_map() && !value.is_seq()).then(|| value.span().range());
        for range in [Some(value.key_span().range()), scalar].into_iter().flatten() {
            if !value.is_map() && !value.is_seq() || range.end - range.start < 200 {
                covered[range].fill(true);
            }
        }
    }
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(hash) = text[at..].find('#').map(|offset| at + offset) {
        let end = text[hash..].find('\n').map_or(text.len(), |offset| hash + offset);
        if covered[hash] {
            at = hash + 1;
        } else {
            found.push(text[hash..end].trim_end().to_owned());
            at = end;
        }
    }
    found.sort();
    found
}

#[test]
fn corpus_keeps_every_comment() {
    let Some(shared) = shared() else { return };
    let (mut migrated, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for file in streams(&shared.join("corpus")) {
        let bytes = std::fs::read(&file).unwrap();
        for (number, document) in capi_lint::yaml::split(&bytes).enumerate() {
            let Ok(text) = document.text(&bytes) else { continue };
            match migrate::document(text) {
                Outcome::Migrated(migration) => {
                    migrated += 1;
                    let (before, after) = (comments(text), comments(&migration.text));
                    if before != after {
                        let lost: Vec<_> = before.iter().filter(|comment| !after.contains(comment)).collect();
                        wrong.push(format!("{}#{number}: {lost:?}", file.display()));
                    }
                    if !matches!(migrate::document(&migration.text), Outcome::Already) {
                        wrong.push(format!("{}#{number}: not at v1beta2 after it", file.display()));
                    }
                }
                Outcome::Refused(reason) => refused.push(format!("{}#{number}: {}", file.display(), reason.message)),
                Outcome::NotConcerned | Outcome::Already => {}
            }
        }
    }
    println!("{migrated} documents migrated, {} refused\n{}", refused.len(), refused.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
