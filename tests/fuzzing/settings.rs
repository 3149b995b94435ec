//! Any settings file is taken or refused with a message; what is taken, an editor with the JSON Schema takes too (but for keys
//! that still lack their value: the editor marks them, and they count as absent).

use capi_lint::config::{Settings as Parsed, shape};

use super::engine::{Shape, Target};
use super::seeds;

pub struct Settings {
    schema: jsonschema::Validator,
}

impl Settings {
    pub fn new() -> Self {
        Self { schema: jsonschema::validator_for(&shape::json_schema()).expect("a JSON Schema") }
    }
}

impl Target for Settings {
    fn name(&self) -> &'static str {
        "settings"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = vec![
            shape::EXAMPLE.as_bytes().to_vec(),
            b"fail-on: warning\nlabels:\n  all: {owner: platform}\n  by-cluster:\n    app-prod-*: {tier: gold}\n".to_vec(),
            b"labels: {from-name: '{app}-{environment}-{region}', inherit: [a]}\n".to_vec(),
            b"ignores:\n  - rule: long-name\n    reason: x\n    until: 2026-12-31\nrules: {long-name: off}\nextends: [fleet]\n".to_vec(),
            b"custom-rules:\n  - name: my-rule\n    kind: Cluster\n    expression: self.metadata.name != ''\n    message: no name\n".to_vec(),
            b"naming: {pattern: '^[a-z]+$'}\nversions: {prod: N-1, dev: v1.34}\nnewest-version: v1.34.0\nfleet-size: {most: 5}\n".to_vec(),
        ];
        // Parts of the example, so that changes meet.
        let paragraphs = shape::EXAMPLE.split("\n\n").map(|part| part.replace("\n# ", "\n").into_bytes());
        all.extend(paragraphs);
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/settings"), &["txt"], 20_000));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "\n",
            ": ",
            "- ",
            "  ",
            "{}",
            "[]",
            "null",
            "~",
            "1",
            "-1",
            "true",
            "off",
            "'",
            "\"",
            "|\n",
            "&a ",
            "*a",
            "<<: *a\n",
            "!!str ",
            "!x ",
            "#",
            "fail-on: never\n",
            "extends: fleet\n",
            "rules:\n",
            "ignores:\n",
            "labels:\n",
            "all: {a: b}\n",
            "until: 2026-02-31\n",
            "pattern: '('\n",
            "expression: 'true'\n",
            "when: 'self.'\n",
            "over: cluster\n",
            "severity: error\n",
            "name: a-b\n",
            "message: x\n",
            "reason: x\n",
            "custom-rules:\n",
            "versions: {a: N-99999999999}\n",
            "client: apply\n",
            "unknown-kinds: error\n",
            "dedupe: off\n",
            "---\n",
            "\t",
            "\u{feff}",
            "external:\n",
            "fleet-size: {comfortable: 2, most: 1}\n",
            "from-name: '{a}{b}'\n",
            "inherit: ['a b']\n",
            "\r\n",
            "? ",
            "é",
            "\0",
            "*",
            ".inf",
        ]
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Shape(0)) };
        match Parsed::parse(text) {
            Err(message) if message.trim().is_empty() => Err("refused without a word".into()),
            Err(message) => {
                Ok(Shape::of(message.chars().filter(char::is_ascii_alphabetic).rev().take(20).collect::<String>()))
            }
            Ok(settings) => {
                // An editor sees the value; tags and merge keys it does not know.
                if let Ok(value) = serde_yaml::from_str::<serde_json::Value>(text)
                    && !text.contains(['!', '<', '&'])
                    && !holds_null(&value)
                    && let Err(error) = self.schema.validate(&value)
                {
                    return Err(format!("the JSON Schema refuses what is taken: {error} at {}", error.instance_path()));
                }
                let debug = format!("{settings:?}");
                Ok(Shape::of(("taken", debug.len() / 16)))
            }
        }
    }
}

fn holds_null(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Array(items) => items.iter().any(holds_null),
        serde_json::Value::Object(entries) => entries.values().any(holds_null),
        other => other.is_null(),
    }
}
