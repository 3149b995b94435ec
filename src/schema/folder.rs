//! The folder `schemas/`: one file per kind and version, in `<provider>/<release>/`, and `SOURCES.json` that says where each
//! release comes from.
//!
//! `build.rs` compiles this file too: it must not use the rest of the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use super::facts::KindFacts;
use super::pack::ReleaseFacts;

/// The file that names the origin of each release.
pub const SOURCES: &str = "SOURCES.json";

/// Reads the whole folder, releases in the order of `SOURCES.json`. The error is a sentence that names the file.
pub fn read(folder: &Path) -> Result<Vec<(ReleaseFacts, Vec<KindFacts>)>, String> {
    let sources = read_json(&folder.join(SOURCES))?;
    let sources = sources.as_array().ok_or(format!("{SOURCES}: expected a list"))?;
    sources
        .iter()
        .map(|source| {
            let release = release(source);
            let kinds = read_release(&folder.join(&release.provider).join(&release.version))?;
            Ok((release, kinds))
        })
        .collect()
}

/// One entry of `SOURCES.json`.
pub fn release(source: &Json) -> ReleaseFacts {
    let text = |name: &str| source.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    ReleaseFacts {
        provider: text("provider"),
        version: text("version"),
        repository: text("repository"),
        commit: text("commit"),
        licence: text("licence"),
    }
}

/// The entries of `SOURCES.json` with one more (or the same release anew), a provider's releases from the oldest on.
pub fn with_release(sources: Vec<Json>, release: &ReleaseFacts) -> Vec<Json> {
    let mut entry = serde_json::Map::new();
    let texts = [
        ("provider", &release.provider),
        ("version", &release.version),
        ("repository", &release.repository),
        ("commit", &release.commit),
        ("licence", &release.licence),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        entry.insert(name.into(), text.as_str().into());
    }
    let is_same = |other: &ReleaseFacts| (&other.provider, &other.version) == (&release.provider, &release.version);
    let mut sources: Vec<Json> = sources.into_iter().filter(|source| !is_same(&self::release(source))).collect();
    sources.push(entry.into());
    sources.sort_by_cached_key(order);
    sources
}

/// The order of `SOURCES.json`: by provider, then by release as its numbers count.
pub fn order(source: &Json) -> (String, Vec<u32>) {
    let release = release(source);
    let numbers = release.version.trim_start_matches('v').split(['.', '-']);
    (release.provider, numbers.map(|number| number.parse().unwrap_or_default()).collect())
}

fn read_release(folder: &Path) -> Result<Vec<KindFacts>, String> {
    let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(|error| describe(&error))? {
        files.insert(entry.map_err(|error| describe(&error))?.path());
    }
    files
        .iter()
        .map(|file| KindFacts::from_json(&read_json(file)?).map_err(|e| format!("{}: {e}", file.display())))
        .collect()
}

fn read_json(file: &Path) -> Result<Json, String> {
    let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| describe(&error))?;
    serde_json::from_str(&text).map_err(|error| describe(&error))
}

/// The name of each kind's file: `Cluster_v1beta2.json`; where two groups of a release have the same kind and version, the
/// later group's file is called after the group too.
pub fn file_names(kinds: &[KindFacts]) -> Vec<String> {
    let mut groups: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for kind in kinds {
        groups.entry((&kind.kind, &kind.version)).or_default().insert(&kind.group);
    }
    let is_first = |kind: &KindFacts| groups[&(&*kind.kind, &*kind.version)].first() == Some(&&*kind.group);
    let name = |kind: &KindFacts| {
        if is_first(kind) {
            format!("{}_{}.json", kind.kind, kind.version)
        } else {
            format!("{}.{}_{}.json", kind.kind, kind.group, kind.version)
        }
    };
    kinds.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_stand_in_order_and_once() {
        let release = |version: &str, commit: &str| ReleaseFacts {
            provider: "aws".into(),
            version: version.into(),
            commit: commit.into(),
            ..ReleaseFacts::default()
        };
        let sources =
            ["v2.10.0", "v2.9.1"].iter().fold(Vec::new(), |all, version| with_release(all, &release(version, "")));
        let sources = with_release(sources, &release("v2.9.1", "abc"));
        let read: Vec<ReleaseFacts> = sources.iter().map(super::release).collect();
        assert_eq!(read, [release("v2.9.1", "abc"), release("v2.10.0", "")]);
    }

    #[test]
    fn kinds_of_two_groups_get_two_files() {
        let kind = |group: &str, kind: &str| KindFacts {
            group: group.into(),
            kind: kind.into(),
            version: "v1".into(),
            ..KindFacts::default()
        };
        let names = file_names(&[kind("events.k8s.io", "Event"), kind("", "Event"), kind("", "Pod")]);
        assert_eq!(names, ["Event.events.k8s.io_v1.json", "Event_v1.json", "Pod_v1.json"]);
    }
}
