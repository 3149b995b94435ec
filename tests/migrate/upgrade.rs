//! Whole streams before and after: what a release that was migrated means to the server and to the controllers.

use std::path::Path;

use capi_lint::diff::{self, Options};
use capi_lint::input::Source;
use capi_lint::judge;
use capi_lint::migrate;
use capi_lint::release::Release;
use capi_lint::report::Severity;
use capi_lint::stream::Stream;

use super::{comments, shared, streams};

/// What capi-lint calls an error in a stream.
fn errors(release: &Release<'_>, options: &judge::Options) -> Vec<String> {
    let findings = judge::judge(release, options, Vec::new());
    let errors = findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| format!("{}: {}", finding.rule.name, finding.message)).collect()
}

/// What is wrong with a stream after its migration; `None` where there was nothing to migrate.
fn faults(file: &Path, options: &judge::Options) -> Option<Vec<String>> {
    let old = Source { name: "old.yaml".into(), bytes: std::fs::read(file).unwrap() };
    let migrated = migrate::stream(&old.bytes);
    if migrated.migrated() == 0 {
        return None;
    }
    let new = Source { name: "new.yaml".into(), bytes: migrated.text(&old.bytes) };
    let mut faults = Vec::new();
    for document in &migrated.documents {
        let migrate::Outcome::Migrated(migration) = &document.outcome else { continue };
        let text = std::str::from_utf8(&old.bytes[document.span.clone()]).unwrap();
        if comments(text) != comments(&migration.text) {
            faults.push("comments are not the same".into());
        }
    }
    let (before, after) = ([Stream::parse(&old, 1)], [Stream::parse(&new, 1)]);
    let (before, after) = (Release::new(&before, "default"), Release::new(&after, "default"));
    // What v1beta2 requires and v1beta1 did not was said when it was migrated.
    let notes = migrated.documents.iter().filter_map(|document| match &document.outcome {
        migrate::Outcome::Migrated(migration) => Some(&migration.notes),
        _ => None,
    });
    let said = notes.flatten().filter(|note| note.kind == migrate::NoteKind::Missing).count();
    if errors(&before, options).is_empty() {
        let errors = errors(&after, options);
        if errors.len() > said {
            faults.push(format!("was clean, now {errors:?}"));
        }
    }
    let diff = diff::diff(&before, &after, &Options::default());
    for change in &diff.changes {
        let paths: Vec<String> =
            change.paths.iter().map(|path| format!("{} {:?} -> {:?}", path.path, path.old, path.new)).collect();
        let object = change.new.or(change.old).map(|object| format!("{} {}", object.kind, object.name));
        faults.push(format!("diff: {object:?} {paths:?}"));
    }
    for row in &diff.rollout {
        faults.push(format!("diff rolls {} {}", row.cluster, row.owner));
    }
    Some(faults)
}

#[test]
fn streams_of_the_corpus_mean_the_same_after() {
    let Some(shared) = shared() else { return };
    let options = judge::Options::default();
    let (mut count, mut wrong) = (0, Vec::new());
    for file in streams(&shared.join("corpus")) {
        let Some(faults) = faults(&file, &options) else { continue };
        count += 1;
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", file.display())));
    }
    println!("{count} streams migrated, {} faults", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
