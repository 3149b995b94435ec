//! The settings: their JSON Schema and manual page against the code, what is refused and where, rules of one's own, ignores and
//! baselines on the command line.
//!
//! Write schema and page anew with `CAPI_LINT_RECORD=1 cargo test --test settings`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use capi_lint::config::{Settings, shape};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_fresh(name: &str, text: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("CAPI_LINT_RECORD").is_some() {
        fs::write(&path, text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/{name} is stale: CAPI_LINT_RECORD=1 cargo test --test settings writes it anew");
}

#[test]
fn schema_and_manual_are_fresh() {
    is_fresh("settings.schema.json", &format!("{:#}\n", shape::json_schema()));
    is_fresh("settings.md", &shape::manual());
}

/// What an editor with the JSON Schema says of a text.
fn fits_the_schema(text: &str) -> bool {
    let validator = jsonschema::validator_for(&shape::json_schema()).expect("a JSON Schema");
    let value: serde_json::Value = serde_yaml::from_str(text).expect("YAML");
    validator.is_valid(&value)
}

#[test]
fn the_example_is_read_and_editors_accept_it() {
    let settings = Settings::parse(shape::EXAMPLE).expect("the example");
    assert_eq!(settings.compiled_rules.len(), 2);
    assert!(fits_the_schema(shape::EXAMPLE));
    assert!(fits_the_schema(""));
}

/// Settings that are refused; what the message must hold; whether an editor sees it too.
const REFUSED: &[(&str, &[&str], bool)] = &[
    ("fail-on: error\nlables: {}\n", &["line 2", "column 1", "lables", "did you mean 'labels'"], true),
    ("naming:\n  patern: x\n", &["line 2", "patern", "did you mean 'pattern'"], true),
    ("fail-on: warn\n", &["line 1", "warn", "known are error, warning"], true),
    ("rules:\n  long-names: off\n", &["line 2, column 3", "long-names", "did you mean 'long-name'"], false),
    ("rules: {long-name: quiet}\n", &["line 1", "quiet"], true),
    ("naming: {pattern: '['}\n", &["line 1, column 10", "naming.pattern"], false),
    ("versions: {prod: newest}\n", &["line 1, column 12", "versions.prod", "newest"], false),
    ("newest-version: latest\n", &["line 1", "latest"], false),
    ("ignores:\n  - rule: long-name\n    reason: ''\n", &["line 3, column 5", "ignores[0].reason"], false),
    ("ignores:\n  - rule: long-name\n", &["reason", "line 2"], true),
    ("ignores:\n  - {rule: long-name, reason: x, until: 1.7.2026}\n", &["line 2", "1.7.2026", "2026-12-31"], false),
    ("ignores:\n  - {rule: longname, reason: x}\n", &["line 2", "did you mean 'long-name'"], false),
    ("labels:\n  all:\n    a b: c\n", &["line 3, column 5", "labels.all", "no label key"], false),
    ("labels: {inherit: [a, 'b c']}\n", &["labels.inherit[1]"], false),
    ("fleet-size: {comfortable: 5, most: 3}\n", &["line 1", "fleet-size.comfortable"], false),
    ("fleet-size: {most: many}\n", &["line 1", "fleet-size"], true),
    ("extends: flet\n", &["line 1", "fleet"], true),
    ("complete: maybe\n", &["line 1", "maybe"], true),
    ("custom-rules:\n  - {name: x, expression: 'true'}\n", &["line 2", "message"], true),
    ("custom-rules:\n  - {name: Long Name, expression: 'true', message: m}\n", &["line 2", "Long Name"], false),
    ("custom-rules:\n  - {name: long-name, expression: 'true', message: m}\n", &["line 2", "already"], false),
    (
        "custom-rules:\n  - name: mine\n    message: m\n    expression: self.spec.replicas >\n",
        &["line 4", "custom-rules[0].expression"],
        false,
    ),
    (
        "custom-rules:\n  - name: mine\n    message: m\n    expression: |\n      self.a == 1 &&\n      self.b === 2\n",
        &["line 6, column 16", "custom-rules[0].expression"],
        false,
    ),
    (
        "custom-rules:\n  - {name: mine, message: m, expression: 'self.name.matches(\"[\")'}\n",
        &["line 2", "custom-rules[0].expression"],
        false,
    ),
    ("custom-rules:\n  - {name: mine, message: m, expression: oldSelf == self}\n", &["line 2", "oldSelf"], false),
    (
        "custom-rules:\n  - {name: mine, message: m, expression: 'true', over: cluster, kind: Cluster}\n",
        &["line 2", "kind"],
        false,
    ),
];

#[test]
fn what_is_refused_says_where_and_what_was_meant() {
    let mut faults = Vec::new();
    for (text, words, by_editors) in REFUSED {
        let error = Settings::parse(text).expect_err(text);
        let absent: Vec<&&str> = words.iter().filter(|word| !error.contains(**word)).collect();
        if !absent.is_empty() || fits_the_schema(text) == *by_editors {
            faults.push(format!(
                "{text}says: {error}\nand not: {absent:?}; editors accept it: {}",
                fits_the_schema(text)
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

const FLEET: &str = "\
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: app-prod-eu, namespace: fleet}
spec:
  clusterNetwork: {pods: {cidrBlocks: [10.0.0.0/16]}}
---
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDeployment
metadata: {name: app-prod-eu-md-0, namespace: fleet}
spec:
  clusterName: app-prod-eu
  replicas: 1
  selector: {}
  template: {spec: {clusterName: app-prod-eu, version: v1.34.0}}
";

/// Runs the program on a text with settings, in a folder of its own.
fn lint(name: &str, settings: &str, text: &str, arguments: &[&str]) -> (i32, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("settings").join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(".capi-lint.yaml"), settings).unwrap();
    fs::write(folder.join("fleet.yaml"), text).unwrap();
    let output: Output = Command::new(env!("CARGO_BIN_EXE_capi-lint"))
        .args(["lint", "fleet.yaml", "--format", "compact", "--admission", "off"])
        .args(arguments)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
}

#[test]
fn a_field_that_no_object_has_is_an_error_of_the_settings() {
    let rule = |rest: &str| format!("custom-rules:\n  - name: mine\n    message: m\n{rest}");
    let refused = rule(
        "    kind: MachineDeployment\n    expression: |\n      has(self.spec.replicas) &&\n      self.spec.replica >= 2\n",
    );
    let (code, text) = lint("custom-field", &refused, FLEET, &[]);
    assert_eq!(code, 2, "{text}");
    for words in ["line 7, column 17", "custom-rules[0].expression", "`replica`", "did you mean `replicas`"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let refused = rule("    kind: Cluster\n    expression: 'true'\n    when: has(self.spec.topologi)\n");
    let (code, text) = lint("custom-when", &refused, FLEET, &[]);
    assert!(code == 2 && text.contains("custom-rules[0].when") && text.contains("topology"), "{text}");
    // Fields of either version, labels, and kinds that nobody knows.
    for fine in [
        "    kind: MachineDeployment\n    expression: '!has(self.spec.strategy) && !has(self.spec.rollout)'\n",
        "    kind: Cluster\n    expression: '!has(self.metadata.labels) || self.metadata.labels.size() > 0'\n",
        "    kind: Mystery\n    expression: self.spec.anything == 1\n",
        "    kind: '*'\n    expression: '!has(self.spec) || !has(self.spec.nonsense)'\n",
    ] {
        let (code, text) = lint("custom-fine", &rule(fine), FLEET, &[]);
        assert!(code < 2, "{fine}: {text}");
    }
}

#[test]
fn rules_of_ones_own_look_at_objects_and_at_clusters() {
    let settings = "custom-rules:
- {name: two-workers, kind: MachineDeployment, expression: self.spec.replicas >= 2, message: two at least, field: spec.replicas, severity: error}
- {name: has-check, over: cluster, expression: \"self.objects.exists(o, o.kind == 'MachineHealthCheck')\", message: no health check}
- {name: is-small, over: cluster, when: self.environment == 'dev', expression: self.objects.size() < 2, message: not small}
- {name: has-endpoint, kind: Cluster, expression: self.spec.controlPlaneEndpoint.port == 6443, message: m}
";
    let (code, text) = lint("custom", settings, FLEET, &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("two-workers") && text.contains("two at least") && text.contains("fleet.yaml:12"), "{text}");
    assert!(text.contains("has-check") && text.contains("cluster 'app-prod-eu'"), "{text}");
    assert!(!text.contains("is-small"), "{text}");
    assert!(text.contains("custom-rule-not-checked") && text.contains("has-endpoint"), "{text}");
    // They are switched off and ignored like all others.
    let off = format!("{settings}rules: {{two-workers: off}}\nignores: [{{rule: has-check, reason: none yet}}]\n");
    let (_, text) = lint("custom-off", &off, FLEET, &[]);
    assert!(!text.contains("two at least") && !text.contains("no health check"), "{text}");
}

#[test]
fn ignores_hold_by_file_object_and_field_until_their_last_day() {
    let custom = "custom-rules: [{name: two-workers, kind: MachineDeployment, expression: self.spec.replicas >= 2, message: two at \
                  least, field: spec.replicas, severity: error}]\n";
    let told = |ignore: &str, arguments: &[&str]| {
        let (_, text) = lint("ignores", &format!("{custom}ignores: [{{{ignore}, reason: known}}]\n"), FLEET, arguments);
        (text.contains("two at least"), text)
    };
    for ignore in [
        "rule: two-workers",
        "rule: 'two-*', path: '*fleet.yaml'",
        "object: MachineDeployment/app-prod-eu-md-0",
        "object: MachineDeployment/fleet/*",
        "rule: two-workers, field: 'spec.rep*'",
        "rule: two-workers, until: '2026-12-31'",
    ] {
        let (told, text) = told(ignore, &["--today", "2026-12-31"]);
        assert!(!told, "{ignore}: {text}");
    }
    for ignore in
        ["rule: two-workers, path: other.yaml", "object: Cluster/*", "rule: two-workers, field: metadata.name"]
    {
        let (told, text) = told(ignore, &[]);
        assert!(told && text.contains("unused-ignore"), "{ignore}: {text}");
    }
    let expired = "rule: two-workers, until: '2026-12-30'";
    assert!(!told(expired, &[]).0, "without a date it holds");
    let (told, text) = told(expired, &["--today", "2026-12-31"]);
    assert!(told && text.contains("expired-ignore"), "{text}");
}

#[test]
fn annotations_and_comments_ignore_with_a_reason_only() {
    let custom = "custom-rules: [{name: two-workers, kind: MachineDeployment, expression: self.spec.replicas >= 2, message: two at \
                  least, field: spec.replicas}]\n";
    let told = |name: &str, text: &str| lint(name, custom, text, &[]).1;
    let annotated = |reason: &str| {
        let line = "metadata: {name: app-prod-eu-md-0, namespace: fleet}";
        let with = format!(
            "metadata:\n  name: app-prod-eu-md-0\n  namespace: fleet\n  annotations: {{capi-lint/ignore: \"two-workers{reason}\"}}"
        );
        FLEET.replace(line, &with)
    };
    assert!(!told("annotation", &annotated(" (a spare one)")).contains("two at least"));
    let text = told("annotation-bare", &annotated(""));
    assert!(text.contains("two at least") && text.contains("invalid-ignore"), "{text}");
    for comment in [
        "  replicas: 1 # capi-lint: ignore two-workers (spare)",
        "  # capi-lint: ignore two-workers (spare)\n  replicas: 1",
    ] {
        assert!(!told("comment", &FLEET.replace("  replicas: 1", comment)).contains("two at least"), "{comment}");
    }
    let elsewhere = FLEET.replace("  selector: {}", "  selector: {} # capi-lint: ignore two-workers (spare)");
    let text = told("comment-elsewhere", &elsewhere);
    assert!(text.contains("two at least") && text.contains("unused-ignore"), "{text}");
}

#[test]
fn a_baseline_holds_back_what_was_there_and_nothing_new() {
    let custom = "custom-rules: [{name: two-workers, kind: MachineDeployment, expression: self.spec.replicas >= 2, message: two at \
                  least, severity: error}]\n";
    let (code, _) = lint("baseline", custom, FLEET, &["--write-baseline", "known.json"]);
    assert_eq!(code, 1);
    let (code, text) = lint("baseline", custom, FLEET, &["--baseline", "known.json"]);
    assert_eq!(code, 0, "{text}");
    let moved = format!("# moved down\n\n{FLEET}");
    assert_eq!(lint("baseline", custom, &moved, &["--baseline", "known.json"]).0, 0);
    let more = format!("{FLEET}---\n{}", FLEET.split("---\n").nth(1).unwrap().replace("md-0", "md-1"));
    let (code, text) = lint("baseline", custom, &more, &["--baseline", "known.json"]);
    assert!(code == 1 && text.contains("md-1") && !text.contains("'app-prod-eu-md-0'"), "{text}");
}
