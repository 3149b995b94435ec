//! What a time says about machines without a clock: they are younger than the Kubernetes release that they run.

use serde_json::Value as Json;

use crate::diff::version::Version;

/// Days on which minor releases of Kubernetes 1 came out; later ones are later than the last.
const RELEASED: &[(u64, &str)] = &[
    (26, "2022-12-09"),
    (27, "2023-04-11"),
    (28, "2023-08-15"),
    (29, "2023-12-13"),
    (30, "2024-04-17"),
    (31, "2024-08-13"),
    (32, "2024-12-11"),
    (33, "2025-04-23"),
    (34, "2025-08-27"),
];

fn text(value: Option<&Json>) -> Option<&str> {
    value.and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// Whether a time may find machines that are older: it is new, or later than before (RFC 3339 in one zone compares as text; an
/// earlier one finds none that the later one did not), and not older than what the machines run.
pub fn finds_machines(old: Option<&Json>, new: Option<&Json>, version: Option<&str>) -> bool {
    let is_later = match (text(old), text(new)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => new > old,
    };
    is_later && !is_before_release(new, version)
}

/// Whether a time lies before the release of a Kubernetes version.
pub fn is_before_release(time: Option<&Json>, version: Option<&str>) -> bool {
    let Some((time, version)) = text(time).zip(version.and_then(Version::parse)) else { return false };
    let released = RELEASED.iter().rev().find(|(minor, _)| version.major == 1 && version.minor >= *minor);
    released.is_some_and(|(_, day)| time < *day)
}

/// What to say where a time is among the causes: no manifest tells when machines were made.
pub fn note(causes: &[String]) -> Option<String> {
    let time = causes.iter().find(|cause| *cause == "spec.rollout.after")?;
    Some(format!("{time}: machines made before that time roll when it comes"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn machines_are_younger_than_their_kubernetes() {
        let (past, near) = (json!("2020-01-01T00:00:00Z"), json!("2026-11-21T07:00:00Z"));
        assert!(!finds_machines(None, Some(&past), Some("v1.32.8")));
        assert!(finds_machines(None, Some(&near), Some("v1.32.8")));
        assert!(!finds_machines(Some(&near), Some(&past), Some("v1.32.8")));
        assert!(finds_machines(None, Some(&past), None));
        assert!(!finds_machines(Some(&near), None, None));
    }
}
