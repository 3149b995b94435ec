//! Any CRD is taken or refused; what is taken is, packed and opened again, what was read, and a schema of its own notation.

use std::collections::HashSet;

use capi_lint::input::Source;
use capi_lint::schema::declare;
use capi_lint::schema::facts::{Facts, KindFacts};
use capi_lint::schema::pack::{ReleaseFacts, pack};
use capi_lint::schema::table::Table;
use capi_lint::schema::{load, notation};

use super::engine::{Shape, Target};
use super::seeds;

/// Tables live as long as the program: no more of them than memory has room for.
const LEAKED: usize = 1 << 30;

#[derive(Default)]
pub struct Schema {
    leaked: usize,
}

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: widgets.example.org\nspec:\n  \
    group: example.org\n  scope: Namespaced\n  names:\n    kind: Widget\n    plural: widgets\n  versions:\n  - name: v1\n    served: true\n    \
    storage: true\n    subresources:\n      status: {}\n    schema:\n      openAPIV3Schema:\n        type: object\n        required: [spec]\n        \
    properties:\n          spec:\n            type: object\n            x-kubernetes-validations:\n            - rule: self.size > 1\n              \
    message: too small\n            properties:\n              size:\n                type: integer\n                minimum: 1\n                \
    maximum: 10\n                default: 3\n              names:\n                type: array\n                x-kubernetes-list-type: set\n                \
    maxItems: 5\n                items:\n                  type: string\n                  pattern: ^[a-z]+$\n                  enum: [a, b]\n              \
    port:\n                x-kubernetes-int-or-string: true\n                anyOf:\n                - type: integer\n                - type: string\n              \
    labels:\n                type: object\n                additionalProperties:\n                  type: string\n                  nullable: true\n";

impl Target for Schema {
    fn name(&self) -> &'static str {
        "schema"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = vec![CRD.as_bytes().to_vec()];
        all.extend(seeds::files(&seeds::repository("fixtures/parity"), &["yaml"], 20_000));
        all.extend(seeds::files(&seeds::repository("tests/oracle/verdict/cases"), &["yaml"], 20_000));
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/schema"), &["txt"], 20_000));
        for folder in ["crds/helm-addon", "crds/in-cluster-ipam", "crds/fleet-addon", "crds-fleet/kubefed-types"] {
            all.extend(seeds::shared(folder).into_iter().flat_map(|folder| seeds::files(&folder, &["yaml"], 12_000)));
        }
        let mut json = Vec::new();
        for yaml in &all {
            let Ok(text) = std::str::from_utf8(yaml) else { continue };
            let Ok(parsed) = capi_lint::yaml::parse(text) else { continue };
            json.extend(parsed.root().map(|root| root.to_json().to_string().into_bytes()));
        }
        all.extend(json);
        all
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "type: object\n",
            "type: array\n",
            "type: string\n",
            "type: integer\n",
            "type: number\n",
            "type: [string]\n",
            "items: {}\n",
            "items: []\n",
            "properties:\n",
            "additionalProperties: false\n",
            "additionalProperties: true\n",
            "additionalProperties: {}\n",
            "required: []\n",
            "required: [a]\n",
            "pattern: '['\n",
            "pattern: '(?!a)'\n",
            "enum: []\n",
            "enum: [1, a, null]\n",
            "default: {}\n",
            "default: null\n",
            "default: 1\n",
            "format: date-time\n",
            "format: x\n",
            "nullable: true\n",
            "maxItems: -1\n",
            "minLength: 1.5\n",
            "maximum: 1e400\n",
            "multipleOf: 0\n",
            "x-kubernetes-validations:\n- rule: 'true'\n",
            "rule: oldSelf == self\n",
            "rule: self.x\n",
            "x-kubernetes-preserve-unknown-fields: true\n",
            "x-kubernetes-list-type: map\n",
            "x-kubernetes-list-map-keys: [a]\n",
            "x-kubernetes-embedded-resource: true\n",
            "x-kubernetes-int-or-string: true\n",
            "anyOf: []\n",
            "allOf:\n- {}\n",
            "not: {}\n",
            "oneOf:\n- required: [a]\n",
            "$ref: '#/x'\n",
            "versions: []\n",
            "served: 1\n",
            "name: ''\n",
            "group: a\n",
            "null",
            "{}",
            "[]",
            "\n",
            "  ",
            "- ",
            ": ",
            "\"",
            "---\n",
            "apiVersion: apiextensions.k8s.io/v1beta1\n",
            "kind: List\nitems:\n- ",
            ",",
            "}",
            "{",
            "]",
            "[",
            "1",
            "-1",
        ]
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let sources = [Source { name: "crds.yaml".into(), bytes: input.to_vec() }];
        let kinds = match load::kinds(&sources) {
            Ok(kinds) => kinds,
            Err(error) => {
                let said: String = error.problem.chars().filter(char::is_ascii_alphabetic).rev().take(24).collect();
                return Ok(Shape::of(said));
            }
        };
        let mut shape = (kinds.len(), 0_u64);
        for kind in &kinds {
            round_trip(kind)?;
            kind.schema.for_each(&mut |facts| shape.1 |= 1 << (Shape::of(format!("{:?}", facts.ty)).0 % 64));
        }
        let packed = pack(&[(ReleaseFacts::default(), kinds.clone())]);
        self.leaked += packed.len();
        if self.leaked < LEAKED {
            let size = packed.len();
            opened(packed, &kinds).map_err(|error| format!("{error} ({size} bytes packed)"))?;
        }
        Ok(Shape::of(shape))
    }
}

/// A kind is what its own notation says; the words of its authors are left out of that.
fn round_trip(kind: &KindFacts) -> Result<(), String> {
    let text = notation::kind(kind);
    let json = serde_json::from_str(&text).map_err(|error| format!("the notation is no JSON: {error}\n{text}"))?;
    let read = KindFacts::from_json(&json).map_err(|error| format!("the notation is not read: {error}\n{text}"))?;
    let mut has_words = false;
    kind.schema.for_each(&mut |facts| {
        has_words |= facts.rules.iter().any(|rule| rule.message.is_some() || rule.message_expression.is_some());
    });
    let same = if has_words { notation::kind(&read) == text } else { read == *kind };
    if same { Ok(()) } else { Err(format!("the notation says something else\n{kind:?}\n{read:?}")) }
}

/// A table is what was packed.
fn opened(packed: Vec<u8>, kinds: &[KindFacts]) -> Result<(), String> {
    let table = Table::open(packed.leak()).ok_or("the packed table does not open")?;
    let names: HashSet<(&str, &str, &str)> =
        kinds.iter().map(|kind| (kind.group.as_str(), kind.kind.as_str(), kind.version.as_str())).collect();
    for kind in table.kinds() {
        if !names.contains(&(kind.group(), kind.kind(), kind.version())) {
            return Err(format!("the table holds a kind {} of nobody's", kind.kind()));
        }
        let schema = kind.schema();
        let is_resource = ["metadata", "spec"].iter().all(|name| schema.property(name).is_some());
        let _ = declare::check_all(schema, is_resource);
        let alike: Vec<&Facts> = kinds
            .iter()
            .filter(|facts| {
                (facts.group.as_str(), facts.kind.as_str(), facts.version.as_str())
                    == (kind.group(), kind.kind(), kind.version())
            })
            .map(|facts| &facts.schema)
            .collect();
        if !alike.iter().any(|facts| facts.properties.len() == schema.properties().len()) {
            return Err(format!("{} has {} properties in the table", kind.kind(), schema.properties().len()));
        }
    }
    Ok(())
}
