//! Migration of any stream: what comes out is what was meant to, is at its goal, and what is not concerned keeps its bytes.

use capi_lint::migrate::{self, Outcome};
use capi_lint::yaml;

use super::engine::{Shape, Target};
use super::seeds;

pub struct Migrate;

impl Target for Migrate {
    fn name(&self) -> &'static str {
        "migrate"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = seeds::files(&seeds::repository("fixtures/migrate"), &["yaml", "json"], 8000);
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/migrate"), &["txt"], 8000));
        let documents = seeds::documents(&seeds::manifests(1 << 18), 3000);
        all.extend(documents.into_iter().filter(|text| String::from_utf8_lossy(text).contains("v1beta1")));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "\n",
            "  ",
            "- ",
            ": ",
            "#x\n",
            " # x",
            "{}",
            "[]",
            "null",
            "~",
            "\"",
            "'",
            "{",
            "}",
            "[",
            "]",
            ",",
            "|\n",
            ">-\n",
            "&a ",
            "*a",
            "<<: *a\n",
            "!!int ",
            "? a\n: b\n",
            "\r\n",
            "\t",
            "---\n",
            "...\n",
            "é",
            "apiVersion: cluster.x-k8s.io/v1beta1\n",
            "apiVersion: controlplane.cluster.x-k8s.io/v1beta1\n",
            "kind: ClusterClass\n",
            "kind: Cluster\n",
            "kind: List\nitems:\n",
            "kind: KubeadmControlPlane\n",
            "kind: MachineHealthCheck\n",
            "namespace: a\n",
            "infrastructureRef:\n",
            "    apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\n",
            "    kind: DockerCluster\n",
            "extraArgs:\n",
            "      a: b\n",
            "timeout: 5m\n",
            "nodeDrainTimeout: 1h30m\n",
            "10s",
            "1.5h",
            "-1s",
            "999999h",
            "rolloutAfter: null\n",
            "strategy: {}\n",
            "type: RollingUpdate\n",
            "topology:\n",
            "variables:\n",
            "class: a\n",
            "maxUnhealthy: 40%\n",
            "unhealthyConditions: []\n",
            "minReadySeconds: 10\n",
            "progressDeadlineSeconds: 1\n",
            "patches:\n",
            "path: /spec/template/spec/a/-\n",
            "valueFrom: {template: '{{ .x }}'}\n",
            "failureDomains: {}\n",
            "paused: false\n",
            "true",
            "1",
            "0",
            "yes",
        ]
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let migrated = migrate::stream(input);
        let text = migrated.text(input);
        let mut shape = Vec::new();
        for document in &migrated.documents {
            shape.push(match &document.outcome {
                Outcome::NotConcerned => 0,
                Outcome::Already => 1,
                Outcome::Refused(reason) => 2 + Shape::of(reason.message.get(..12)).0 % 64,
                Outcome::Migrated(migration) => 100 + migration.notes.len().min(4) as u64,
            });
            let Outcome::Migrated(migration) = &document.outcome else { continue };
            // As it was read: with its last line ended.
            let text =
                if migration.text.ends_with('\n') { migration.text.clone() } else { format!("{}\n", migration.text) };
            let parsed = yaml::parse(&text).map_err(|error| format!("no YAML: {error}\n{text}"))?;
            let root = parsed.root().ok_or("nothing came out")?;
            if root.to_json() != migration.value {
                return Err(format!("another tree\n{}\n{}", migration.text, migration.value));
            }
        }
        let again = migrate::stream(&text);
        if again.documents.len() != migrated.documents.len() {
            return Err(format!("{} documents became {}", migrated.documents.len(), again.documents.len()));
        }
        for (document, after) in migrated.documents.iter().zip(&again.documents) {
            let (was, is) = (&input[document.span.clone()], &text[after.span.clone()]);
            let stays = !matches!(document.outcome, Outcome::Migrated(_));
            if stays && was != is {
                return Err("a document changed that is not concerned".into());
            }
            if !stays && matches!(after.outcome, Outcome::NotConcerned) {
                return Err(format!("it is of no kind any more\n{}", String::from_utf8_lossy(is)));
            }
            if !stays && let Outcome::Migrated(migration) = &after.outcome {
                return Err(format!(
                    "the second time changes it again\n{}\n---\n{}",
                    String::from_utf8_lossy(is),
                    migration.text
                ));
            }
        }
        shape.truncate(4);
        Ok(Shape::of(shape))
    }
}
