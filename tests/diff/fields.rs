//! Updates of single fields, by kind: which of them the provider's webhook refuses (`fixtures/diff/fields.yaml`).

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    of: String,
    old: Json,
    new: Json,
    /// The paths of the fields that must not change so.
    #[serde(default)]
    refused: Vec<String>,
}

#[test]
fn fields_are_frozen_as_the_webhooks_freeze_them() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diff/fields.yaml");
    let cases: Vec<Case> = serde_yaml::from_slice(&fs::read(file).unwrap()).unwrap();
    for (number, case) in cases.iter().enumerate() {
        let (version, kind) = case.of.rsplit_once(' ').unwrap();
        let source = |spec: &Json| {
            let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": spec});
            Source { name: "release".into(), bytes: object.to_string().into_bytes() }
        };
        let (old, new) = (source(&case.old), source(&case.new));
        let (before, after) = ([Stream::parse(&old, 1)], [Stream::parse(&new, 1)]);
        let (before, after) = (Release::new(&before, "default"), Release::new(&after, "default"));
        let diff = diff::diff(&before, &after, &Options::default());
        let frozen = diff.verdict.refusals.iter().filter(|said| said.finding.rule.name == "immutable-field");
        let refused: Vec<&str> = frozen.map(|said| said.path.as_str()).collect();
        assert_eq!(refused, case.refused, "case {number}: {} from {} to {}", case.of, case.old, case.new);
    }
}
