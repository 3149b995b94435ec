//! What a person sees: exit codes, what goes to which stream, and that nothing is lost.

mod common;

use capi_lint::input::Source;
use capi_lint::release::Release;
use capi_lint::stream::Stream;
use capi_lint::{transform, yaml};

use common::{capi_lint, repository, shared};

const CLUSTER: &str = "\
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata:
  name: one # the first
  labels:
    environment: \"dev\"
spec:
  clusterNetwork:
    pods: {cidrBlocks: [\"10.0.0.0/16\"]}
  infrastructureRef:
    apiGroup: infrastructure.cluster.x-k8s.io
    kind: DockerCluster
    name: one
---
# Source: fleet/templates/infra.yaml
apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
kind: DockerCluster
metadata:
  name: one
spec: {}
";

fn fixture(name: &str) -> String {
    std::fs::read_to_string(repository("fixtures/render").join(name)).expect("a fixture")
}

#[test]
fn bare_capi_lint_lints_standard_input() {
    let run = capi_lint(&[], &fixture("multi-cluster.yaml"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    // The Docker kinds are deprecated, and the clusters share their address ranges: that is all there is to say.
    assert_eq!(run.stdout.lines().last(), Some("capi-lint: 21 objects checked, 3 notes"));
}

#[test]
fn the_report_is_never_empty_and_never_manifests() {
    for arguments in [&["--quiet"][..], &["lint", "-", "--quiet"], &[]] {
        for stdin in [fixture("multi-cluster.yaml"), fixture("multi-cluster-bad.yaml")] {
            let run = capi_lint(arguments, &stdin);
            assert!(run.stdout.lines().any(|line| line.starts_with("capi-lint: ")), "{}", run.stdout);
            assert!(!run.stdout.contains("\napiVersion:"));
        }
    }
}

#[test]
fn empty_input_is_refused_unless_allowed() {
    for command in ["lint", "count"] {
        let run = capi_lint(&[command], "\n");
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.contains("--allow-empty"), "{}", run.stderr);
        assert_eq!(capi_lint(&[command, "--allow-empty"], "").code, 0);
    }
    let run = capi_lint(&["post-render"], "");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
}

#[test]
fn count_shows_kinds_and_machines_and_is_a_gate() {
    let fleet = fixture("multi-cluster.yaml");
    let run = capi_lint(&["count", "--format", "json"], &fleet);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(json["total"], serde_json::json!({"clusters": 3, "objects": 21, "machines": 9}));
    assert_eq!(json["clusters"][0]["objects"], 7);
    assert_eq!(json["clusters"][0]["machines"], serde_json::json!({"controlPlane": 1, "workers": 2}));
    assert_eq!(json["clusters"][0]["kinds"]["DockerMachineTemplate"], 2);
    for (arguments, code) in [
        (&["count", "--expect", "Cluster=3", "--expect-per-cluster", "7", "--expect-machines", "9"][..], 0),
        (&["count", "--expect", "Cluster=4"], 1),
        (&["count", "--expect-machines", "8"], 1),
        (&["count", "--expect-per-cluster", "6"], 1),
        (&["count", "--expect", "Cluster"], 2),
    ] {
        assert_eq!(capi_lint(arguments, &fleet).code, code, "{arguments:?}");
    }
}

#[test]
fn a_bad_document_does_not_hide_the_others() {
    let mut documents: Vec<String> = (0..10)
        .map(|number| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{number}\ndata: {{}}\n"))
        .collect();
    documents[2] = "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n".into();
    let run = capi_lint(&["lint", "--format", "json"], &documents.join("---\n"));
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((run.code, &json["objects"]), (1, &serde_json::json!(9)));
    let broken: Vec<_> = json["findings"].as_array().unwrap().iter().filter(|f| f["rule"] == "syntax-error").collect();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0]["file"], "<stdin>");
    assert!(broken[0]["line"].as_u64().unwrap() >= 13);
}

#[test]
fn kinds_that_no_server_can_have_are_errors_and_foreign_ones_are_not() {
    for (api_version, kind, expected) in [
        ("v1", "Deployment", "error[unserved-version]: v1 Deployment is none of Kubernetes' core group"),
        ("v1", "Deployment", "help: apiVersion: apps/v1"),
        ("v1", "Secert", "error[unknown-kind]: v1 Secert: Kubernetes' core group has no such kind"),
        ("v1", "Secert", "help: kind: Secret"),
        ("v2", "ConfigMap", "help: apiVersion: v1"),
        ("cluster.x-k8s.io", "Cluster", "names a group and no version of it"),
        ("cluster.x-k8s.io", "Cluster", "help: apiVersion: cluster.x-k8s.io/v1beta2"),
        ("cluster.x-k8s.io/v1beta2", "Machinedeployment", "error[unknown-kind]"),
        ("cluster.x-k8s.io/v1beta2", "DockerCluster", "warning[unknown-kind]"),
        ("cluster.x-k8s.io/v1beta2", "DockerCluster", "help: apiVersion: infrastructure.cluster.x-k8s.io/v1beta"),
        ("clusters.x-k8s.io/v1beta2", "Cluster", "warning[unknown-kind]"),
        ("clusters.x-k8s.io/v1beta2", "Cluster", "help: apiVersion: cluster.x-k8s.io/v1beta2"),
        ("acme.example/v1", "Cluster", "info[unknown-kind]"),
        ("acme.example/v1", "Deployment", "info[unknown-kind]"),
        ("networking.k8s.io/v1", "Foo", "info[unknown-kind]"),
        ("v1", "Config", "info[unknown-kind]"),
    ] {
        let run = capi_lint(&[], &format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\n"));
        assert!(run.stdout.contains(expected), "{api_version} {kind}: {}", run.stdout);
    }
    let ignored =
        capi_lint(&["lint", "-", "--unknown-kinds", "ignore"], "apiVersion: v1\nkind: Foo\nmetadata: {name: x}\n");
    assert_eq!(ignored.code, 0, "{}", ignored.stdout);
}

#[test]
fn metadata_of_another_type_is_told_once() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, finalizers: x, generation: \"x\", creationTimestamp: 5}\n";
    let run = capi_lint(&["lint", "-", "--format", "compact"], text);
    assert_eq!(run.stdout.matches("[wrong-type]").count(), 3, "{}", run.stdout);
}

#[test]
fn what_kustomize_is_told_is_no_manifest() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("kustomized");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("cluster.yaml"), CLUSTER).unwrap();
    std::fs::write(folder.join("kustomization.yaml"), "resources:\n- cluster.yaml\n").unwrap();
    let run = capi_lint(&["lint", folder.to_str().unwrap(), "--format", "compact"], "");
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("2 objects checked"), "{}", run.stdout);
}

#[test]
fn a_picture_of_a_cluster_that_is_not_there_is_no_picture() {
    for (name, said) in [("ome", "did you mean 'one'?"), ("prod-*", "capi-lint count lists them")] {
        let run = capi_lint(&["graph", "-", "--cluster", name], CLUSTER);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}

#[test]
fn what_lies_beside_manifests_in_a_folder_is_none() {
    let folder = std::env::temp_dir().join(format!("capi-lint-beside-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in [
        ("cluster.yaml", CLUSTER),
        ("values.yaml", "replicas: 3\nworkers:\n  kind: large\n"),
        ("package.json", "{\"name\": \"tools\", \"private\": true}"),
        ("pipeline.yml", "on: push\njobs: {}\n"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let path = folder.to_str().unwrap();
    let run = capi_lint(&["lint", path], "");
    assert!(run.code == 0 && run.stdout.contains("2 objects checked"), "{}", run.stdout);
    // By name, and where it half says what it is, a file is meant to be one.
    let run = capi_lint(&["lint", &format!("{path}/values.yaml")], "");
    assert!(run.code == 1 && run.stdout.contains("malformed-object"), "{}", run.stdout);
    for half in
        ["kind: Cluster\nmetadata: {name: a}\n", "{\"metadata\": {}, \"apiVersion\" : \"v1\"}", "\u{feff}kind: a: b\n"]
    {
        std::fs::write(folder.join("half.yaml"), half).unwrap();
        let run = capi_lint(&["lint", path], "");
        assert!(run.code == 1 && run.stdout.contains("half.yaml"), "{half:?}: {}", run.stdout);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn unreadable_sources_and_wrong_usage_are_exit_2() {
    for arguments in
        [&["lint", "no/such/file.yaml"][..], &["lint", "--no-such-flag"], &["frobnicate"], &["lint", "/dev/null/x"]]
    {
        let run = capi_lint(arguments, "");
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!run.stderr.is_empty());
    }
}

#[test]
fn arguments_that_could_not_be_meant_are_exit_2_with_a_reason() {
    for (arguments, reason) in [
        (&["lint", "-n", "Bad NS"][..], "a namespace is at most 63"),
        (&["post-render", "--label", "team=web", "--label", "team=db"], "--label team is given twice"),
        (
            &["post-render", "--cluster-label", "cni=a", "--cluster-label", "cni=b"],
            "--cluster-label cni is given twice",
        ),
    ] {
        let run = capi_lint(arguments, CLUSTER);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(reason), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
    let twice_the_same = capi_lint(&["post-render", "--label", "team=web", "--label", "team=web"], CLUSTER);
    assert_eq!(twice_the_same.code, 0, "{}", twice_the_same.stderr);
}

#[test]
fn garbage_is_a_finding_and_no_panic() {
    for garbage in
        ["\u{0}\u{1}\u{2}", "%PDF-1.4 \u{7f}", "{{{{", "- - - [", "key: value: more\n", "\t\tx: y", "a: *nope\n"]
    {
        let run = capi_lint(&["lint"], garbage);
        assert_eq!(run.code, 1, "{garbage:?}: {}", run.stderr);
        let run = capi_lint(&["post-render"], garbage);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{garbage:?}");
    }
}

#[test]
fn post_render_labels_and_changes_nothing_else() {
    let run = capi_lint(&["post-render", "--label", "owner=platform", "--cluster-label", "cni=calico"], CLUSTER);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let added = ["cluster.x-k8s.io/cluster-name: one", "owner: platform", "cni: calico", "labels:"];
    let mut kept = run.stdout.lines().filter(|line| !added.contains(&line.trim()) || line.trim() == "labels:");
    let mut labels = 0;
    for line in CLUSTER.lines() {
        let mut next = kept.next();
        // The DockerCluster had no labels: the key is new there.
        if next.is_some_and(|text| text.trim() == "labels:") && line.trim() != "labels:" {
            labels += 1;
            next = kept.next();
        }
        assert_eq!(next, Some(line));
    }
    assert_eq!((kept.next(), labels), (None, 1));
    assert_eq!(run.stdout.matches("cluster.x-k8s.io/cluster-name: one").count(), 2);
    assert_eq!(run.stdout.matches("cni: calico").count(), 1);
    let again = capi_lint(&["post-render", "--label", "owner=platform", "--cluster-label", "cni=calico"], &run.stdout);
    assert_eq!(again.stdout, run.stdout, "a second pass changes nothing");
}

#[test]
fn labels_that_are_there_are_never_overwritten() {
    let run = capi_lint(&["post-render", "--cluster-label", "environment=prod"], CLUSTER);
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("label-conflict"), "{}", run.stderr);
    assert!(run.stdout.contains("environment: \"dev\""));
    assert!(!run.stdout.contains("environment: prod"));
}

#[test]
fn identical_duplicates_go_and_conflicting_ones_are_refused() {
    let map = |value: &str| {
        format!(
            "---\n# Source: c/{value}.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{x: {value}}}\n"
        )
    };
    let same = format!("{}{}", map("one"), map("one").replace("data: {x: one}", "data:\n  x: \"one\" # again"));
    let run = capi_lint(&["post-render"], &same);
    assert_eq!((run.code, run.stdout.as_str()), (0, map("one").as_str()), "{}", run.stderr);
    assert!(run.stderr.contains("duplicate-object"), "{}", run.stderr);

    let different = map("one") + &map("two");
    let run = capi_lint(&["post-render"], &different);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    for expected in ["conflicting-duplicate", "c/one.yaml", "c/two.yaml", "data.x"] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    for (mode, kept) in [("keep-first", map("one")), ("keep-last", map("two")), ("off", different.clone())] {
        let run = capi_lint(&["post-render", "--dedupe", mode], &different);
        assert_eq!((run.code, &run.stdout), (0, &kept), "{mode}");
    }
}

#[test]
fn a_hook_and_a_template_of_one_name_are_not_duplicates() {
    let hook =
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations: {helm.sh/hook: pre-install}\n";
    let plain = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let run = capi_lint(&["lint"], &format!("{hook}{plain}{}", hook.replace("pre-install", "post-delete")));
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn the_report_file_holds_the_report_and_a_full_disk_is_an_error() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.txt");
    let path = path.to_str().unwrap();
    let run = capi_lint(&["post-render", "--report-file", path], "apiVersion: v1\nkind: [\n");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(std::fs::read_to_string(path).unwrap().contains("syntax-error"));
    let run = capi_lint(&["post-render", "--report-file", "/dev/full"], CLUSTER);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "nothing goes out when the report cannot be written");
}

#[test]
fn the_next_post_renderer_gets_the_manifests() {
    let run = capi_lint(&["post-render", "--exec", "cat"], CLUSTER);
    assert_eq!((run.code, run.stdout.matches("kind:").count()), (0, 3), "{}", run.stderr);
    for broken in [&["false"][..], &["no-such-program"], &["true"]] {
        let run = capi_lint(&[&["post-render", "--exec"], broken].concat(), CLUSTER);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{broken:?}");
    }
}

#[test]
fn secrets_are_never_printed() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  key: c4n4ry\n";
    let other = secret.replace("c4n4ry", "c4n4ry-two");
    for stdin in [format!("{secret}---\n{other}"), format!("{secret}  key: c4n4ry\n"), format!("{secret} : c4n4ry [\n")]
    {
        for arguments in [&["lint"][..], &["lint", "--format", "json"], &["post-render"]] {
            let run = capi_lint(arguments, &stdin);
            assert!(run.code != 0 && !run.stderr.contains("c4n4ry"), "{}", run.stderr);
            assert!(!run.stdout.contains("c4n4ry"), "{}", run.stdout);
        }
    }
}

#[test]
fn corpus_documents_without_an_edit_leave_byte_for_byte() {
    let Some(corpus) = shared("corpus") else { return };
    let (mut streams, mut kept, mut edited) = (0, 0, 0);
    for entry in walkdir::WalkDir::new(corpus).sort_by_file_name().into_iter().flatten() {
        // Chart templates are no manifests yet.
        let is_yaml = entry.path().extension().is_some_and(|extension| extension == "yaml");
        if !is_yaml || entry.path().components().any(|part| part.as_os_str() == "chart" || part.as_os_str() == "values")
        {
            continue;
        }
        let source = Source { name: "corpus".into(), bytes: std::fs::read(entry.path()).expect("bytes") };
        let parsed = [Stream::parse(&source, 1)];
        let release = Release::new(&parsed, "");
        let options = transform::Options { dedupe: transform::Dedupe::Off, ..transform::Options::default() };
        let plan = transform::plan(&release, &options);
        let output = transform::write(&release, &plan).expect("edits that are what they declare").to_bytes();
        let (before, after) = (yaml::split(&source.bytes), yaml::split(&output));
        for (number, (before, after)) in before.zip(after).enumerate() {
            if plan.edits(number as u32) {
                edited += 1;
            } else {
                assert_eq!(
                    source.bytes[before.span],
                    output[after.span],
                    "{}: document {number}",
                    entry.path().display()
                );
                kept += 1;
            }
        }
        assert_eq!(yaml::split(&source.bytes).count(), yaml::split(&output).count(), "{}", entry.path().display());
        streams += 1;
    }
    println!("{streams} streams, {kept} documents as they came, {edited} with labels");
    assert!(streams > 500 && kept > 100 && edited > 1000, "{streams} {kept} {edited}");
}

#[test]
fn what_only_server_side_apply_refuses_is_a_warning_under_helm_4() {
    let manifest = CLUSTER.replace("spec: {}", "spec:\n  loadBalancer:\n    imageTag:\n");
    let plain = capi_lint(&["post-render"], &manifest);
    assert_eq!((plain.code, plain.stderr.contains("null-value")), (0, false), "{}", plain.stderr);
    let helm4 = capi_lint(&["post-render", "--host", "helm4"], &manifest);
    assert_eq!((helm4.code, helm4.stderr.contains("warning[null-value]")), (0, true), "{}", helm4.stderr);
    let apply = capi_lint(&["post-render", "--host", "helm4", "--client", "apply"], &manifest);
    assert_eq!((apply.code, apply.stdout.as_str()), (1, ""), "{}", apply.stderr);
}

#[test]
fn schemas_of_ones_own_win() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("own/example.org");
    std::fs::create_dir_all(&folder).expect("a folder");
    let schema = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}, "additionalProperties": false}}}"#;
    std::fs::write(folder.join("widget_v1.json"), schema).expect("a file");
    let widget =
        |spec: &str| format!("apiVersion: example.org/v1\nkind: Widget\nmetadata: {{name: a}}\nspec: {spec}\n");
    let own = folder.to_str().expect("text");
    for (spec, code) in [("{size: 1}", 0), ("{size: c4n4ry}", 1), ("{color: red}", 1)] {
        let run = capi_lint(&["lint", "--schemas", own], &widget(spec));
        assert_eq!(run.code, code, "{spec}: {}{}", run.stdout, run.stderr);
        assert!(!run.stdout.replace("size: c4n4ry", "").contains("c4n4ry"), "{}", run.stdout);
    }
    let run = capi_lint(&["lint", "--schemas", "no/such/folder"], &widget("{}"));
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
}

#[test]
fn what_a_webhook_decodes_comes_back_as_go_writes_it() {
    let plane = "apiVersion: controlplane.cluster.x-k8s.io/v1beta1\nkind: KubeadmControlPlane\nmetadata: {name: a}\nspec:\n  version: v1.31.0\n  replicas: 3\n  \
        machineTemplate:\n    infrastructureRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta1, kind: DockerMachineTemplate, name: a}\n  \
        kubeadmConfigSpec:\n    clusterConfiguration: {imageRepository: \"\"}\n";
    let without_replicas = plane.replace("  replicas: 3\n", "");
    let bounds = |version: &str, plane: &str| {
        capi_lint(&["lint", "--capi-version", version], plane).stdout.contains("error[out-of-bounds]")
    };
    assert!(!bounds("1.10", plane), "the webhook of v1.10 decodes v1beta1 and leaves the empty text out");
    assert!(bounds("1.13", plane), "the webhook of v1.13 decodes v1beta2, and changes nothing: what was sent stays");
    assert!(!bounds("1.13", &without_replicas), "it writes replicas, and what was sent goes to v1beta2 and back");
    let run =
        capi_lint(&["lint"], "apiVersion: cluster.x-k8s.io/v1beta2\nkind: MachineDeployment\nmetadata: {name: a}\n");
    assert!(run.code == 1 && run.stdout.contains("error[required-field]"), "{}", run.stdout);
}

#[test]
fn a_duplicate_in_a_run_of_json_goes_where_nothing_else_hangs_on_it() {
    let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#;
    let run = capi_lint(&["post-render"], &format!("{object}\n{object}\n"));
    assert_eq!((run.code, run.stdout.trim_end()), (0, object), "{}", run.stderr);
    // What follows would be read as part of the first one.
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
    let input = format!("{object}{object}{other}");
    let run = capi_lint(&["post-render"], &input);
    assert_eq!((run.code, run.stdout.as_str()), (0, input.as_str()), "{}", run.stderr);
    assert!(run.stderr.contains("warning[duplicate-object]"), "{}", run.stderr);
}

#[test]
fn what_goes_takes_nothing_of_its_neighbours_with_it() {
    let value =
        |name: &str| format!(r#"{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "{name}"}}}}"#);
    let (a, b) = (value("a"), value("b"));
    let rest = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n";
    for (before, first, last) in [
        (format!("{a}{a}\n{rest}"), format!("{a}\n{rest}"), format!("{a}\n{rest}")),
        (format!("{a} {b}{a}\r\n{rest}"), format!("{a} {b}\r\n{rest}"), format!(" {b}{a}\r\n{rest}")),
        (format!("{a}{b}{a}{b}\n{rest}"), format!("{a}{b}\n{rest}"), format!("{a}{b}\n{rest}")),
        (format!("{a}{a}"), a.clone(), a.clone()),
        (format!("{rest}{rest}"), rest.to_owned(), rest.to_owned()),
    ] {
        for (mode, after) in [("keep-first", first), ("keep-last", last)] {
            let run = capi_lint(&["post-render", "--dedupe", mode], &before);
            assert_eq!((run.code, run.stdout), (0, after), "{mode}: {before:?}\n{}", run.stderr);
        }
    }
}

#[test]
fn a_label_that_is_there_already_is_no_conflict() {
    let labels = "labels: {cluster.x-k8s.io/cluster-name: c, team: web}";
    let object = format!(
        "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Machine\nmetadata: {{name: m, {labels}}}\nspec:\n  clusterName: c\n  \
         bootstrap: {{dataSecretName: s}}\n  infrastructureRef: {{apiGroup: infrastructure.cluster.x-k8s.io, kind: DevMachine, name: m}}\n"
    );
    let run = capi_lint(&["post-render", "--label", "team=web"], &object);
    assert_eq!((run.code, run.stdout.as_str()), (0, object.as_str()), "{}", run.stderr);
    assert!(!run.stderr.contains("label-conflict"), "{}", run.stderr);
    let run = capi_lint(&["post-render", "--label", "team=db"], &object);
    assert!(run.stderr.contains("warning[label-conflict]"), "{}", run.stderr);
}
