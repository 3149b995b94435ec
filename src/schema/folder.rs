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
    let name = |kind: &KindFacts| match is_first(kind) {
        true => format!("{}_{}.json", kind.kind, kind.version),
        false => format!("{}.{}_{}.json", kind.kind, kind.group, kind.version),
    };
    kinds.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
