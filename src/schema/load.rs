//! Schemas that a user brings: CRDs as files, as `kubectl get crd -o json|yaml` gives them, or imported facts.
//!
//! What is no CRD is passed over (a folder of CRDs holds a `kustomization.yaml` too); what is one and cannot be read is an
//! error, since its kinds would be judged by other schemas in silence. This module reads bytes, not files.

use std::fmt;

use super::facts::KindFacts;
use super::import;
use super::pack::{ReleaseFacts, pack};
use super::table::Table;
use crate::input::Source;
use crate::secrets;
use crate::yaml;

/// Why a user's schemas could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file, with the line where one can be named.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.problem) } else { write!(f, "{}: {}", self.place, self.problem) }
    }
}

impl std::error::Error for LoadError {}

/// The provider that a user's own schemas go by.
pub const PROVIDER: &str = "yours";

/// The kinds of all CRDs in these sources.
pub fn kinds(sources: &[Source]) -> Result<Vec<KindFacts>, LoadError> {
    let mut kinds = Vec::new();
    for source in sources {
        for document in yaml::split(&source.bytes) {
            let bytes = source.bytes.get(document.span.clone()).unwrap_or_default();
            let first_line = || line(source.bytes.get(..document.span.start).unwrap_or_default());
            kinds.extend(document_kinds(&source.name, &first_line, bytes)?);
        }
    }
    Ok(kinds)
}

/// The sources' CRDs as a table. It is an error if there are none: somebody expected to be judged by them.
pub fn table(sources: &[Source]) -> Result<Table, LoadError> {
    let kinds = kinds(sources)?;
    if kinds.is_empty() {
        let problem = "no CustomResourceDefinition in these schemas (CRDs as YAML or JSON, or what kubectl get crd -o yaml \
                       prints)";
        return Err(LoadError { place: String::new(), problem: problem.into() });
    }
    let release = ReleaseFacts { provider: PROVIDER.into(), ..ReleaseFacts::default() };
    Ok(Table::open(pack(&[(release, kinds)]).leak()).unwrap_or_default())
}

fn document_kinds(name: &str, first_line: &dyn Fn() -> usize, bytes: &[u8]) -> Result<Vec<KindFacts>, LoadError> {
    let fail = |line: usize, problem: String| LoadError { place: format!("{name}:{line}"), problem };
    let text = std::str::from_utf8(bytes).map_err(|error| fail(first_line(), error.to_string()))?;
    let parsed = yaml::parse(text).map_err(|error| {
        let before = bytes.get(..error.offset).unwrap_or_default();
        let said = error.to_string();
        let said = secrets::Values::around(text, error.offset).scrub(&said).into_owned();
        fail(first_line() + line(before) - 1, said)
    })?;
    let Some(root) = parsed.root() else { return Ok(Vec::new()) };
    if !import::may_hold_kinds(root) {
        return Ok(Vec::new());
    }
    import::document(&root.to_json()).map_err(|error| fail(first_line(), error.to_string()))
}

/// The line behind these bytes, from 1.
fn line(before: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', before).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: widgets.example.org\n\
        spec:\n  group: example.org\n  scope: Namespaced\n  names:\n    kind: Widget\n    plural: widgets\n  versions:\n  - name: v1\n    \
        served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n";

    fn source(text: &str) -> Source {
        Source { name: "crds.yaml".into(), bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn crds_among_other_documents_are_found() {
        let table =
            table(&[source("kind: Kustomization\n---\n"), source(&format!("# none\n---\n{CRD}---\na: 1\n"))]).unwrap();
        let kinds: Vec<_> = table.kinds().map(|kind| (kind.kind(), kind.release().provider())).collect();
        assert_eq!(kinds, [("Widget", PROVIDER)]);
    }

    #[test]
    fn errors_name_file_and_line() {
        let error = table(&[source(&format!("a: 1\n---\n{}", CRD.replace("type: object", "type: map")))]).unwrap_err();
        assert_eq!(error.place, "crds.yaml:3");
        assert!(error.problem.starts_with("widgets.example.org: version v1: type: expected object"), "{error}");
        let error = table(&[source("a: 1\n---\nb: 2\nc: \"open\n")]).unwrap_err();
        assert!(error.place.starts_with("crds.yaml:"), "{error}");
        assert!(table(&[source("a: 1\n")]).unwrap_err().problem.contains("no CustomResourceDefinition"));
    }
}
