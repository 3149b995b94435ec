//! Objects of the new release that the server refuses for themselves, whatever they were before, and its rules on changes (CEL
//! with `oldSelf`).

use super::Verdict;
use crate::diff::changes::Change;
use crate::diff::json::Side;
use crate::diff::rollout::Fleet;
use crate::judge;
use crate::release::{MALFORMED_OBJECT, Release, SYNTAX_ERROR};
use crate::report::{Provenance, Severity};
use crate::transform::dedupe;

/// Documents that are no objects, and objects that stand twice.
pub fn release(new: &Release<'_>, old: &Release<'_>, verdict: &mut Verdict) {
    let stops_all = [SYNTAX_ERROR.name, MALFORMED_OBJECT.name];
    for finding in new.findings.iter().filter(|finding| stops_all.contains(&finding.rule.name)) {
        verdict.refuse_document(finding.clone());
    }
    for finding in dedupe::findings(new) {
        let object = finding.place.and_then(|place| new.objects.get(place.object? as usize));
        let Some(object) = object else { continue };
        // Helm sends both. The second finds what the first has just made, and fails; an object that was there before is
        // patched twice, and the last one wins.
        let was_there = old.find(object.group(), &object.kind, new.namespace_of(object), &object.name).is_some();
        let is_conflict = finding.rule.name == dedupe::CONFLICTING_DUPLICATE.name;
        let severity = if is_conflict && !was_there { Severity::Error } else { Severity::Warning };
        let path = finding.path.clone().unwrap_or_default();
        verdict.add(finding.severity(severity), Side::New, object, &path);
    }
}

/// Takes in what schema and webhooks say of the objects that this upgrade sends; Helm does not send what it did not change.
pub fn judge<'a>(fleet: Fleet<'_, 'a>, changes: &[Change<'_, 'a>], options: &judge::Options, verdict: &mut Verdict) {
    let sent = changes.iter().filter_map(|change| {
        let new = change.new.filter(|new| !new.is_hook())?;
        Some((change.old.filter(|old| old.name == new.name), new))
    });
    for finding in judge::judge_sent(sent, fleet.old, options) {
        let object = finding.place.and_then(|place| fleet.new.objects.get(place.object? as usize));
        let refused = finding.severity == Severity::Error && finding.rule.provenance == Provenance::Admission;
        let (Some(object), true) = (object, refused) else { continue };
        let node = finding.place.and_then(|place| place.node);
        let path = finding.path.clone().unwrap_or_else(|| node.map_or_else(String::new, |node| object.path(node)));
        if !verdict.has_refused(object, &path) {
            verdict.add(finding, Side::New, object, &path);
        }
    }
}
