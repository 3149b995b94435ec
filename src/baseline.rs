//! What was wrong on the day the tool was adopted: findings in a baseline are not told again, new ones are.
//!
//! A finding is known by its rule, its object and its field, never by line or wording, so that moving things about or a new
//! release of capi-lint brings nothing back.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ignores;
use crate::release::Release;
use crate::report::Finding;
use crate::secrets;

/// How often each finding may occur.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    version: u32,
    /// Rule, object and field, in one line; with the number of times.
    findings: BTreeMap<String, usize>,
}

impl Baseline {
    /// A baseline that holds these findings.
    pub fn of(release: &Release<'_>, findings: &[Finding]) -> Self {
        let mut baseline = Self { version: 1, findings: BTreeMap::new() };
        baseline.add(release, findings);
        baseline
    }

    /// Adds the findings of a further release.
    pub fn add(&mut self, release: &Release<'_>, findings: &[Finding]) {
        self.version = 1;
        for finding in findings {
            *self.findings.entry(key(release, finding)).or_default() += finding.count;
        }
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let fault = |what: String| format!("{}: {what}", path.display());
        let text = crate::input::whole(path).map_err(|error| error.to_string())?;
        let baseline: Self = serde_json::from_slice(&text)
            .map_err(|error| fault(format!("is no baseline: {}", secrets::unquoted(&error.to_string()))))?;
        if baseline.version != 1 {
            return Err(fault(format!("has version {}, and this capi-lint knows version 1", baseline.version)));
        }
        Ok(baseline)
    }

    /// The text of a baseline file.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Takes out the findings that are known, each as often as it was.
    pub fn retain_new(&self, release: &Release<'_>, findings: &mut Vec<Finding>) {
        let mut left = self.findings.clone();
        findings.retain(|finding| match left.get_mut(&key(release, finding)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
    }
}

fn key(release: &Release<'_>, finding: &Finding) -> String {
    let object = finding.place.and_then(|place| release.objects.get(place.object? as usize));
    let who = object
        .map_or_else(String::new, |object| format!("{}/{}/{}", object.kind, release.namespace_of(object), object.name));
    format!("{} {who} {}", finding.rule.name, ignores::field(object, finding)).trim_end().to_owned()
}
