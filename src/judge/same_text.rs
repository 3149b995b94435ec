//! Objects of documents that are the same to the byte: what one of them came to holds for all. They stand in one namespace, so that
//! a webhook that asks for another object of the release is answered the same for each.
//!
//! What was found is told of each object by itself. It judges nothing.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::object::Object;
use crate::report::{Finding, Place};
use crate::yaml::SharedText;

/// What objects came to, in as many tables as keep threads from waiting for one another.
#[derive(Debug, Default)]
pub struct SameText {
    known: [Mutex<Known>; Self::TABLES],
}

/// By the text of an object's document, and the place of its root in it.
type Known = FxHashMap<(SharedText, u32), Arc<[Finding]>>;

fn key(object: &Object<'_>) -> Option<(SharedText, u32)> {
    Some((object.root.document().shared_text()?, object.root.index()))
}

impl SameText {
    const TABLES: usize = 32;

    /// Where a key is to be looked for.
    fn known(&self, key: &(SharedText, u32)) -> MutexGuard<'_, Known> {
        let table = FxBuildHasher.hash_one(key) as usize % Self::TABLES;
        self.known[table].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be found about an object, where it was found about another.
    pub fn findings(&self, object: &Object<'_>) -> Option<Vec<Finding>> {
        let key = key(object)?;
        let known = Arc::clone(self.known(&key).get(&key)?);
        let here = |place: &Place| Place { document: object.document, object: Some(object.number), ..*place };
        let findings = known.iter().map(|finding| {
            let (place, others) = (finding.place.as_ref().map(here), finding.others.iter().map(here).collect());
            Finding { place, others, ..finding.clone() }
        });
        Some(findings.collect())
    }

    /// Remembers what was found about an object.
    pub fn remember(&self, object: &Object<'_>, findings: &[Finding]) {
        let is_own = |place: &Place| place.object == Some(object.number);
        let all_are_own = findings.iter().flat_map(|finding| finding.place.iter().chain(&finding.others)).all(is_own);
        if let Some(key) = key(object).filter(|_| all_are_own) {
            self.known(&key).insert(key, findings.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::input::Source;
    use crate::judge::{Options, judge};
    use crate::output::locate::Locator;
    use crate::release::Release;
    use crate::stream::Stream;

    /// Findings as they are told, of a text with each document so many times.
    fn told(text: &str, times: usize) -> Vec<String> {
        let documents: Vec<&str> = text.split("---\n").collect();
        let bytes = documents.iter().flat_map(|document| vec![format!("---\n{document}"); times]).collect::<String>();
        let source = Source { name: "same".into(), bytes: bytes.into_bytes() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "");
        let options = Options { jobs: 1, ..Options::default() };
        // Unmerged, so that each object's findings are seen.
        let findings = crate::judge::unmerged(&release, &options, Vec::new());
        assert_eq!(judge(&release, &options, Vec::new()).is_empty(), findings.is_empty());
        let located = Locator::new(&release).locate(findings);
        let seen = located.iter().filter_map(|found| {
            let location = found.location.as_ref()?;
            let of_one = !found.finding.rule.name.contains("duplicate");
            of_one.then(|| {
                format!("{} {} {} {}", location.line, location.path, found.finding.rule.name, found.finding.message)
            })
        });
        seen.collect()
    }

    #[test]
    fn each_of_the_same_text_is_told_of_at_its_own_place() {
        let text =
            "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Machine\nmetadata:\n  name: A_b\nspec:\n  clusterName: 1\n";
        let (once, thrice) = (told(text, 1), told(text, 3));
        assert!(!once.is_empty());
        let line =
            |told: &String| told.split_once(' ').map(|(line, rest)| (line.parse::<usize>().unwrap(), rest.to_owned()));
        for copy in 0..3 {
            for (at, what) in once.iter().filter_map(line) {
                let there = (at + copy * (text.lines().count() + 1), what);
                assert!(thrice.iter().filter_map(line).any(|told| told == there), "{there:?}: {thrice:#?}");
            }
        }
    }
}
