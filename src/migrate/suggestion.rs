//! The migrated text as the suggestion of `deprecated-version`.
//!
//! Only where a finding is about to be printed: of thousand objects of one kind, which are one finding, the first is migrated.

use super::{Context, Outcome, document};
use crate::release::Release;
use crate::report::{Edit, Finding};
use crate::schema::kinds::DEPRECATED_VERSION;

/// Gives findings about deprecated versions the lines that migrate writes.
pub fn add(release: &Release<'_>, findings: &mut [Finding]) {
    for finding in findings.iter_mut().filter(|finding| finding.rule.name == DEPRECATED_VERSION.name) {
        if let Some(fix) = fix(release, finding) {
            finding.fix = fix;
        }
    }
}

fn fix(release: &Release<'_>, finding: &Finding) -> Option<Vec<Edit>> {
    let text = release.text_of(finding.place?.document);
    match document(text, &Context::default()) {
        Outcome::Migrated(migration) => Some(edits(text, &migration.text)),
        _ => None,
    }
}

/// The lines in which two texts differ.
fn edits(old: &str, new: &str) -> Vec<Edit> {
    let diff = similar::TextDiff::from_lines(old, new);
    let offset = |line: usize| old.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let changed = diff.ops().iter().filter(|operation| operation.tag() != similar::DiffTag::Equal);
    changed
        .map(|operation| {
            let (from, to) = (operation.old_range(), operation.new_range());
            let text = new.split_inclusive('\n').skip(to.start).take(to.len()).collect();
            Edit { span: offset(from.start)..offset(from.end), text }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::edits;

    #[test]
    fn edits_make_the_new_text() {
        let (old, new) = ("a: 1\nb: 2\nc: 3\n", "a: 1\nd:\n  b: 2\nc: 3\ne: 4\n");
        let mut text = old.to_owned();
        for edit in edits(old, new).into_iter().rev() {
            text.replace_range(edit.span, &edit.text);
        }
        assert_eq!(text, new);
    }
}
