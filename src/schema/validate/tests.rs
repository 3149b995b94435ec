use crate::input::Source;
use crate::release::Release;
use crate::report::{Finding, Severity};
use crate::schema::bundle::{Schemas, bundled};
use crate::stream::Stream;

use super::{Client, Compiled, Options, Pattern, judge, judge_update};

fn findings(text: &str, client: Client, prefilled: &[&str]) -> Vec<Finding> {
    let source = Source { name: "test".into(), bytes: text.as_bytes().to_vec() };
    let streams = [Stream::parse(&source, 1)];
    let release = Release::new(&streams, "default");
    let schemas = Schemas::default();
    let compiled = Compiled::new(bundled());
    let mut out = Vec::new();
    for object in &release.objects {
        let kind = schemas.find(object.group(), object.version(), &object.kind).expect("a known kind");
        judge(object, kind, &compiled, Options { client }, prefilled, &mut out);
        for finding in &mut out {
            let node = finding.place.and_then(|place| place.node);
            finding.path = finding.path.take().or_else(|| node.map(|node| object.path(node)));
        }
    }
    out
}

/// Rule, path and suggestion of each finding.
fn judged(text: &str, client: Client) -> Vec<(&'static str, String, String)> {
    let found = findings(text, client, &[]);
    let plain = |finding: Finding| {
        (finding.rule.name, finding.path.unwrap_or_default(), finding.suggestion.unwrap_or_default())
    };
    found.into_iter().map(plain).collect()
}

fn machine_deployment(spec: &str) -> String {
    format!(
        "apiVersion: cluster.x-k8s.io/v1beta2\nkind: MachineDeployment\nmetadata: {{name: md}}\nspec:\n  clusterName: c\n  \
         selector: {{matchLabels: {{a: b}}}}\n  template:\n    spec:\n      clusterName: c\n      bootstrap: {{dataSecretName: x}}\n      \
         infrastructureRef: {{apiGroup: infrastructure.cluster.x-k8s.io, kind: DockerMachineTemplate, name: x}}\n{spec}"
    )
}

#[test]
fn a_right_object_has_no_findings() {
    for client in [Client::Create, Client::Warn, Client::Apply] {
        assert_eq!(judged(&machine_deployment("  replicas: 3\n"), client), []);
    }
}

#[test]
fn unknown_fields_are_named_with_what_was_meant() {
    let text = machine_deployment("  replica: 3\n");
    assert_eq!(judged(&text, Client::Create), [("unknown-field", "spec.replica".into(), "write `replicas`".into())]);
    let warned = findings(&text, Client::Warn, &[]);
    assert_eq!(warned[0].severity, Severity::Warning);
}

#[test]
fn a_field_that_moved_is_named_with_its_new_place() {
    let text = "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: a}\nspec:\n  topology: {class: q, version: v1.34.0}\n";
    let found = findings(text, Client::Create, &[]);
    let moved = found.iter().find(|finding| finding.rule.name == "unknown-field").expect("a finding");
    assert_eq!(moved.path.as_deref(), Some("spec.topology.class"));
    assert_eq!(moved.suggestion.as_deref(), Some("write `classRef`"));
    let text =
        machine_deployment("").replace("      clusterName: c\n", "      clusterName: c\n      nodeDrainTimeout: 5m\n");
    let moved = &findings(&text, Client::Create, &[])[0];
    assert_eq!(moved.suggestion.as_deref(), Some("spec.template.spec.deletion.nodeDrainTimeoutSeconds"));
    assert!(moved.message.contains("v1beta1"), "{}", moved.message);
}

#[test]
fn nulls_depend_on_the_client() {
    let text = machine_deployment("  replicas: 3\n").replace("{matchLabels: {a: b}}", "\n    matchLabels:\n");
    let of = |client| judged(&text, client).into_iter().map(|(rule, path, _)| (rule, path)).collect::<Vec<_>>();
    assert_eq!(of(Client::Apply), [("null-value", "spec.selector.matchLabels".to_owned())]);
    assert_ne!(of(Client::Create), of(Client::Apply));
}

#[test]
fn what_webhooks_fill_in_is_not_missing() {
    let text = machine_deployment("").replace("  selector: {matchLabels: {a: b}}\n", "");
    assert_eq!(findings(&text, Client::Create, &[])[0].rule.name, "required-field");
    assert!(findings(&text, Client::Create, &["spec.selector"]).is_empty());
}

#[test]
fn types_say_what_to_type() {
    let found = judged(&machine_deployment("  replicas: \"3\"\n"), Client::Create);
    assert_eq!(found, [("wrong-type", "spec.replicas".into(), "3".into())]);
    let text = machine_deployment("  paused: maybe\n");
    assert_eq!(judged(&text, Client::Create)[0].0, "wrong-type");
}

#[test]
fn metadata_is_judged() {
    let text = machine_deployment("").replace("{name: md}", "{name: My_Name, labels: {a: yes, \"b c\": d}}");
    let found = judged(&text, Client::Create);
    assert_eq!(found[0], ("wrong-type", "metadata.labels.a".into(), "\"yes\"".into()));
    let text = text.replace("a: yes", "a: \"x y\"");
    let names: Vec<_> = judged(&text, Client::Create).into_iter().map(|(rule, path, _)| (rule, path)).collect();
    assert!(names.iter().all(|(rule, _)| *rule == "invalid-metadata") && names.len() == 3, "{names:?}");
}

#[test]
fn rules_of_the_kind_are_run_with_defaults() {
    let text = "apiVersion: bootstrap.cluster.x-k8s.io/v1beta2\nkind: KubeadmConfig\nmetadata: {name: a}\nspec:\n  joinConfiguration:\n    \
                nodeRegistration:\n      kubeletExtraArgs: [{name: v, value: \"2\"}, {name: v, value: \"2\"}]\n";
    let found: Vec<_> = judged(text, Client::Create).into_iter().map(|(rule, path, _)| (rule, path)).collect();
    let args = "spec.joinConfiguration.nodeRegistration.kubeletExtraArgs".to_owned();
    assert!(
        found.iter().any(|(rule, path)| matches!(*rule, "cel-rule" | "duplicate-item") && path.starts_with(&args)),
        "{found:?}"
    );
}

#[test]
fn secrets_are_never_shown() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: 1234}\ndata: {token: \"not base64\"}\n";
    let found = findings(text, Client::Create, &[]);
    assert_eq!(found.len(), 2);
    for finding in found {
        let said = format!("{} {:?}", finding.message, finding.suggestion);
        assert!(!said.contains("1234") && !said.contains("not base64"), "{said}");
    }
}

#[test]
fn native_kinds_are_decoded_by_go() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, creationTimestamp: null}\ndata: {a: \"\", b: null, c: \"YWJj\\nZGVm\"}\n---\n\
                apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: \"system:node\"}\nrules:\n";
    assert_eq!(judged(text, Client::Apply), []);
}

#[test]
fn an_update_may_keep_what_was_wrong_before_but_not_break_a_rule_on_change() {
    let manifest = |replicas: &str, provider: &str| {
        format!(
            "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Machine\nmetadata: {{name: m}}\nspec:\n  clusterName: c\n  providerID: {provider}\n  \
             minReadySeconds: {replicas}\n  bootstrap: {{dataSecretName: x}}\n  infrastructureRef: {{apiGroup: infrastructure.cluster.x-k8s.io, kind: DockerMachine, name: x}}\n"
        )
    };
    let sources =
        [manifest("-1", "a"), manifest("-1", "b")].map(|text| Source { name: "t".into(), bytes: text.into_bytes() });
    let streams = [[Stream::parse(&sources[0], 1)], [Stream::parse(&sources[1], 1)]];
    let [old, new] = [Release::new(&streams[0], "default"), Release::new(&streams[1], "default")];
    let schemas = Schemas::default();
    let (old, new) = (old.objects.get(0).unwrap(), new.objects.get(0).unwrap());
    let kind = schemas.find(new.group(), new.version(), &new.kind).expect("a known kind");
    let mut out = Vec::new();
    judge_update(old, new, kind, &Compiled::new(bundled()), Options::default(), &[], &mut out);
    assert!(out.iter().all(|finding| finding.path.as_deref() != Some("spec.minReadySeconds")), "{out:?}");
}

/// An object of which one scalar is written in another way is judged the same, whether its like has passed before or not.
#[test]
fn what_passed_before_changes_no_verdict() {
    const OTHERS: [&str; 7] = ["x", "-1", "true", "'0'", "~", "Not-A_Name!", "7000000000"];
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut compared = 0;
    for entry in walkdir::WalkDir::new(fixtures).sort_by_file_name().into_iter().flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let source = Source { name: "test".into(), bytes: std::fs::read(entry.path()).unwrap() };
        for raw in crate::yaml::split(&source.bytes).take(40) {
            let Ok(text) = raw.text(&source.bytes) else { continue };
            compared += variants_agree(text, &OTHERS);
        }
    }
    assert!(compared > 2000, "{compared}");
}

fn variants_agree(text: &str, others: &[&str]) -> usize {
    let Ok(document) = crate::yaml::parse(text) else { return 0 };
    let mut texts = vec![text.to_owned()];
    let scalars = (0..).map_while(|index| document.value(index)).filter(|value| value.scalar().is_some());
    for (number, value) in scalars.enumerate() {
        let range = value.span().range();
        // Two of the others each: together they meet every scalar of every kind, in a third of the time.
        let chosen = [number % others.len(), (number + 3) % others.len()].map(|index| others[index]);
        texts.extend(chosen.map(|other| format!("{}{other}{}", &text[..range.start], &text[range.end..])));
    }
    // In one stream they share their forms; in streams of their own every other one will do.
    let joined = texts.join("\n---\n");
    same_as_alone(vec![joined]) + same_as_alone(texts.into_iter().step_by(2).collect())
}

/// How many objects were judged, each alone and one after the other.
fn same_as_alone(texts: Vec<String>) -> usize {
    let sources: Vec<Source> =
        texts.into_iter().map(|text| Source { name: "test".into(), bytes: text.into_bytes() }).collect();
    let streams: Vec<_> = sources.iter().map(|source| Stream::parse(source, 1)).collect();
    let release = Release::new(&streams, "default");
    let schemas = Schemas::default();
    let compiled = Compiled::new(bundled());
    let mut passed = super::Passed::default();
    for object in &release.objects {
        let Some(kind) = schemas.find(object.group(), object.version(), &object.kind) else { continue };
        let options = Options { client: Client::Warn };
        let (mut full, mut short) = (Vec::new(), Vec::new());
        judge(object, kind, &compiled, options, &[], &mut full);
        super::judge_alike(object, kind, &compiled, options, &[], &mut passed, &mut short);
        assert_eq!(format!("{full:?}"), format!("{short:?}"), "{}", object.root.raw());
    }
    release.objects.len()
}

#[test]
fn names_with_dots_are_told_as_their_pattern_tells_them() {
    let pattern = crate::schema::pattern::GoPattern::compile(Pattern::DOTTED).expect("a pattern");
    let own = Pattern::compile(Pattern::DOTTED).expect("a pattern");
    assert!(matches!(own, Pattern::Dotted));
    let signs = ["a", "9", "-", ".", "A", "\n", "é", "_"];
    // Every text of up to five of these signs.
    let mut texts = vec![String::new()];
    for _ in 0..5 {
        let longer = texts.iter().flat_map(|text| signs.map(|sign| format!("{text}{sign}")));
        texts = texts.iter().cloned().chain(longer).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    }
    texts.push("a".repeat(300));
    for text in texts {
        assert_eq!(own.is_match(&text), pattern.is_match(&text), "{text:?}");
    }
}
