//! What capi-lint has to say: findings, how bad they are, and where they come from.
//!
//! Rules and layers make [`Finding`]s and know nothing of how they are printed; `output` prints them and judges nothing.

use std::fmt;
use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably not what was meant.
    Warning,
    /// The management cluster refuses it, loses it, or never brings it up.
    Error,
}

/// Who would stumble over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Lost before the server sees it: duplicate keys, conflicting duplicates.
    Client,
    /// The API server or an admission webhook refuses it.
    Admission,
    /// Accepted, then stuck or ignored by a controller.
    Controller,
    /// Nobody refuses it; experience speaks against it.
    Advice,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Client => "client",
            Self::Admission => "admission",
            Self::Controller => "controller",
            Self::Advice => "advice",
        })
    }
}

/// A kind of finding: its name, its default severity, who would stumble over it, and its manual page.
///
/// Made with the [`rule!`](crate::rule) macro, whose doc comment is the manual page.
#[derive(Debug)]
pub struct Rule {
    /// The name as users write it, in kebab-case: `even-control-plane`.
    pub name: &'static str,
    /// Unless the settings say otherwise.
    pub severity: Severity,
    /// Who would stumble over it.
    pub provenance: Provenance,
    /// The manual page, Markdown: what it finds, why it is bad, an example, the fix.
    pub manual: &'static str,
}

/// Declares a [`Rule`] whose doc comment is its manual page.
///
/// ```
/// capi_lint::rule! {
///     /// Control plane with an even number of machines.
///     ///
///     /// Two members of etcd need both for a majority …
///     pub EVEN_CONTROL_PLANE = "even-control-plane", Error, Admission;
/// }
/// assert_eq!(EVEN_CONTROL_PLANE.name, "even-control-plane");
/// ```
#[macro_export]
macro_rules! rule {
    ($($(#[doc = $line:literal])+ pub $id:ident = $name:literal, $severity:ident, $provenance:ident;)+) => {$(
        $(#[doc = $line])+
        pub static $id: $crate::report::Rule = $crate::report::Rule {
            name: $name,
            severity: $crate::report::Severity::$severity,
            provenance: $crate::report::Provenance::$provenance,
            manual: concat!($($line, "\n"),+),
        };
    )+};
}

/// Where a finding points: a range of bytes in one document of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The document, counted over the whole run.
    pub document: u32,
    /// The object in it, counted over the whole run; `None` where the document is no object.
    pub object: Option<u32>,
    /// The node it is about; `None` where the document has no nodes (broken YAML).
    pub node: Option<u32>,
    /// First byte and byte behind the last, in the document's text.
    pub span: crate::yaml::Span,
}

/// A change of whole lines of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes of the document that go.
    pub span: std::ops::Range<usize>,
    /// What comes in their place.
    pub text: String,
}

/// One thing to say about one place.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its kind.
    pub rule: &'static Rule,
    /// How bad this one is; the rule's own severity unless the layer or the settings decided otherwise.
    pub severity: Severity,
    /// What is wrong, what the server would do. One paragraph, no trailing newline.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// The path, where it is not that of `place.node`: of a field that is missing, below the node.
    pub path: Option<String>,
    /// What to type instead.
    pub suggestion: Option<String>,
    /// Changes of whole lines in the document of `place` that settle it.
    pub fix: Vec<Edit>,
    /// Further places of the same finding, the first ones; `count` says how many there are in all.
    pub others: Vec<Place>,
    /// Places in all, at least 1.
    pub count: usize,
}

/// How many further places a finding that stands for many names.
const NAMED_PLACES: usize = 10;

/// One thing that is to be said about many objects, such as a kind that is deprecated: kept once, however many there are.
#[derive(Clone, Debug)]
pub struct Alike {
    /// What is said, nowhere yet.
    pub finding: Finding,
    /// The field of the objects at which it points.
    pub field: &'static str,
    /// The objects, in order.
    pub objects: Vec<u32>,
}

impl Alike {
    /// What several parts of the input say, in order, with the same said once.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let mut known: FxHashMap<_, usize> = FxHashMap::default();
        for part in parts {
            let Finding { rule, severity, message, .. } = &part.finding;
            let at = *known.entry((rule.name, *severity, message.clone())).or_insert(all.len());
            match all.get_mut(at) {
                Some(known) => known.objects.extend(part.objects),
                None => all.push(part),
            }
        }
        all
    }

    /// A finding for each object; `place` tells where the field of an object stands.
    pub fn one_by_one(self, place: impl Fn(u32, &str) -> Option<Place>) -> impl Iterator<Item = Finding> {
        let Self { finding, field, objects } = self;
        objects.into_iter().filter_map(move |object| Some(finding.clone().at(place(object, field)?)))
    }

    /// One finding with a count; `None` where there are no objects. `place` is as in [`Alike::one_by_one`].
    pub fn together(self, place: impl Fn(u32, &str) -> Option<Place>) -> Option<Finding> {
        let Self { finding, field, objects } = self;
        let (first, others) = objects.split_first()?;
        let others = others.iter().take(NAMED_PLACES).filter_map(|object| place(*object, field)).collect();
        Some(Finding { others, count: objects.len(), ..finding.at(place(*first, field)?) })
    }
}

/// Findings below an error that say the same of many places become one with a count: a deprecated kind in a fleet of a
/// thousand clusters is one thing to know. Errors stay apart, since each has to be mended.
pub fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    const USUAL: usize = 1024;
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let mut merged: Vec<Finding> = Vec::with_capacity(errors + USUAL.min(findings.len() - errors));
    // By what they say; where two things have one hash, the second stands behind the first.
    let mut known: FxHashMap<u64, usize> = FxHashMap::default();
    'findings: for finding in findings {
        if finding.severity == Severity::Error {
            merged.push(finding);
            continue;
        }
        let mut hash = FxBuildHasher.hash_one((finding.rule.name, finding.severity, &finding.message));
        while let Some(first) = known.get(&hash).and_then(|at| merged.get_mut(*at)) {
            if says_the_same(first, &finding) {
                first.count += finding.count;
                if first.others.len() < NAMED_PLACES {
                    first.others.extend(finding.place);
                }
                continue 'findings;
            }
            hash = hash.wrapping_add(1);
        }
        known.insert(hash, merged.len());
        merged.push(finding);
    }
    merged
}

fn says_the_same(one: &Finding, other: &Finding) -> bool {
    one.rule.name == other.rule.name && one.severity == other.severity && one.message == other.message
}

/// Keeps the first `most` findings of each rule; the last of them counts for those that go. A million documents that are all
/// broken alike are one thing to mend, and not worth a million lines.
pub fn cap(findings: &mut Vec<Finding>, most: usize) {
    if findings.len() <= most {
        return;
    }
    let mut seen: FxHashMap<&'static str, (usize, usize)> = FxHashMap::default();
    for finding in findings.iter() {
        let (kept, more) = seen.entry(finding.rule.name).or_default();
        if *kept < most {
            *kept += 1;
        } else {
            *more += finding.count;
        }
    }
    let mut left: FxHashMap<&'static str, usize> = FxHashMap::default();
    findings.retain_mut(|finding| {
        let kept = left.entry(finding.rule.name).or_default();
        *kept += 1;
        if *kept == most {
            finding.count += seen.get(finding.rule.name).map_or(0, |(_, more)| *more);
        }
        *kept <= most
    });
}

impl Finding {
    /// A finding of a rule, nowhere yet.
    pub fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message: message.into(),
            place: None,
            path: None,
            suggestion: None,
            fix: Vec::new(),
            others: Vec::new(),
            count: 1,
        }
    }

    /// With another severity than the rule's own.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Pointing at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// About a path that has no node of its own, such as a missing field.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// With what to type instead.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}
