//! Objects of the new release that the server refuses for themselves, whatever they were before, and its rules on changes (CEL
//! with `oldSelf`).

use super::Verdict;
use crate::diff::changes::Change;
use crate::diff::json::Side;
use crate::judge;
use crate::release::{MALFORMED_OBJECT, Release, SYNTAX_ERROR};
use crate::report::{Provenance, Severity};

/// Takes in what schema and webhooks say of the objects that this upgrade sends; Helm does not send what it did not change.
pub fn judge<'a>(
    old: &Release<'a>,
    new: &Release<'a>,
    changes: &[Change<'_, 'a>],
    options: &judge::Options,
    verdict: &mut Verdict,
) {
    let stops_all = [SYNTAX_ERROR.name, MALFORMED_OBJECT.name];
    for finding in new.findings.iter().filter(|finding| stops_all.contains(&finding.rule.name)) {
        verdict.refuse_document(finding.clone());
    }
    let sent = changes.iter().filter_map(|change| {
        let new = change.new.filter(|new| !new.is_hook())?;
        Some((change.old.filter(|old| old.name == new.name), new))
    });
    for finding in judge::judge_sent(sent, old, options) {
        let object = finding.place.and_then(|place| new.objects.get(place.object? as usize));
        let refused = finding.severity == Severity::Error && finding.rule.provenance == Provenance::Admission;
        let (Some(object), true) = (object, refused) else { continue };
        let node = finding.place.and_then(|place| place.node);
        let path = finding.path.clone().unwrap_or_else(|| node.map_or_else(String::new, |node| object.path(node)));
        if !verdict.has_refused(object, &path) {
            verdict.add(finding, Side::New, object, &path);
        }
    }
}
