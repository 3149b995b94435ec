//! Objects of the new release that the server refuses for themselves, whatever they were before.

use std::collections::HashSet;

use super::Verdict;
use crate::diff::json::Side;
use crate::judge;
use crate::release::{MALFORMED_OBJECT, Release, SYNTAX_ERROR};
use crate::report::{Provenance, Severity};

/// Takes in what the layers say of the objects that this upgrade sends (`sent`: their numbers); Helm does not send what it did
/// not change.
pub fn judge(new: &Release<'_>, sent: &HashSet<u32>, options: &judge::Options, verdict: &mut Verdict) {
    for finding in judge::judge(new, options, Vec::new()) {
        let stops_all = [SYNTAX_ERROR.name, MALFORMED_OBJECT.name].contains(&finding.rule.name);
        let Some(place) = finding.place else { continue };
        let object = place.object.and_then(|number| new.objects.get(number as usize));
        let is_sent = object.is_some_and(|object| sent.contains(&object.number) && !object.is_hook());
        let refused = finding.severity == Severity::Error && finding.rule.provenance == Provenance::Admission;
        let path = finding.path.clone().or_else(|| {
            Some(object?.path(place.node?))
        });
        match object {
            Some(object) if is_sent && refused => verdict.add(finding, Side::New, object, &path.unwrap_or_default()),
            None if stops_all => verdict.refuse_document(finding),
            _ => {}
        }
    }
}
