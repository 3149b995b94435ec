//! A release against what lives: the recorded planes both ways, both contract versions, kubectl, waiting.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use common::{Run, capi_lint, repository, shared};

fn fixture(name: &str) -> String {
    repository("fixtures/live").join(name).display().to_string()
}

fn live(version: &str) -> Json {
    serde_json::from_str(&fs::read_to_string(fixture(&format!("running-{version}.json"))).unwrap()).unwrap()
}

fn verify(version: &str, live: &Json, more: &[&str]) -> Run {
    let manifest = fixture(&format!("fleet-{version}.yaml"));
    let mut arguments = vec!["verify", &manifest, "--live", "-"];
    arguments.extend(more);
    capi_lint(&arguments, &live.to_string())
}

fn item<'j>(live: &'j mut Json, kind: &str, name: &str) -> &'j mut Json {
    let items = live["items"].as_array_mut().unwrap();
    items.iter_mut().find(|item| item["kind"] == kind && item["metadata"]["name"] == name).unwrap()
}

fn remove(live: &mut Json, kind: &str, name: &str) {
    let items = live["items"].as_array_mut().unwrap();
    items.retain(|item| !(item["kind"] == kind && item["metadata"]["name"] == name));
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_recorded_fleet_that_runs_passes() {
    let Some(data) = shared("recorded/live") else { return };
    let manifest = data.join("running.manifest.yaml").display().to_string();
    for more in [&[][..], &["-n", "dev"]] {
        let live = data.join("running.json").display().to_string();
        let run = capi_lint(&[&["verify", &manifest, "--live", &live], more].concat(), "");
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains("3 of 3 clusters provisioned, 9 of 9 machines running"), "{}", run.stdout);
    }
}

#[test]
fn the_recorded_fleet_that_is_stuck_says_why() {
    let Some(data) = shared("recorded/live") else { return };
    let manifest = data.join("stuck.manifest.yaml").display().to_string();
    let live = fs::read_to_string(data.join("stuck.json")).unwrap();
    let run = capi_lint(&["verify", &manifest, "--live", "-"], &live);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("0 of 3 clusters provisioned, 0 of 9 machines running"), "{}", run.stdout);
    assert!(run.stdout.contains("docker.sock"), "the reason is told: {}", run.stdout);
    assert_eq!(run.stdout.matches("failed to connect to the docker API").count(), 3, "once a cluster: {}", run.stdout);
}

#[test]
fn the_recorded_helm_release_is_found_and_what_it_holds_is_not_printed() {
    let Some(data) = shared("recorded/live") else { return };
    let manifest = data.join("running.manifest.yaml").display().to_string();
    let both = ["running.json", "helm3-release-secret.json"].map(|name| fs::read_to_string(data.join(name)).unwrap());
    for format in ["text", "json", "junit"] {
        let run = capi_lint(
            &["verify", &manifest, "--live", "-", "--format", format, "--fail-on", "never"],
            &both.join("\n"),
        );
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains("dev/dev is deployed, revision 1"), "{}", run.stdout);
        assert!(!run.stdout.contains("SDRzSU"), "the release's data came out");
    }
}

#[test]
fn both_contract_versions_are_read_and_compared_with_each_other() {
    for manifest in ["v1beta1", "v1beta2"] {
        for version in ["v1beta1", "v1beta2"] {
            let run = verify(manifest, &live(version), &[]);
            assert_eq!(run.code, 0, "{manifest} against {version}: {}{}", run.stdout, run.stderr);
            assert!(run.stdout.contains("2 of 2 clusters provisioned, 6 of 6 machines running"), "{}", run.stdout);
        }
    }
}

#[test]
fn what_is_not_up_fails_with_its_reason() {
    for version in ["v1beta1", "v1beta2"] {
        let mut live = live(version);
        item(&mut live, "Machine", "one-1")["status"] = json!({"phase": "Provisioning", "conditions": [
            {"type": "Ready", "status": "False", "reason": "X", "message": "no IP address left in the pool"}]});
        remove(&mut live, "Cluster", "two");
        let run = verify(version, &live, &["-n", "fleet"]);
        assert_eq!(run.code, 1);
        assert!(run.stdout.contains("2 of 3 running"), "{}", run.stdout);
        assert!(
            run.stdout.contains("Machine/one-1 is Provisioning; Ready: no IP address left in the pool"),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains("there is no such Cluster"), "{}", run.stdout);
        assert!(run.stdout.contains("1 of 2 clusters provisioned, 2 of 6 machines running"), "{}", run.stdout);
    }
}

#[test]
fn machines_of_an_older_shape_are_not_the_release() {
    let mut live = live("v1beta2");
    item(&mut live, "MachineDeployment", "one-md")["status"]["upToDateReplicas"] = json!(1);
    let run = verify("v1beta2", &live, &[]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("1 of an older shape still to be replaced"), "{}", run.stdout);
}

#[test]
fn drift_is_about_fields_that_the_manifest_sets() {
    let mut live = live("v1beta2");
    let deployment = item(&mut live, "MachineDeployment", "one-md");
    deployment["spec"]["replicas"] = json!(2);
    deployment["spec"]["template"]["spec"]["version"] = json!("v1.33.0");
    // Filled in by the server, or added by others: none of the manifest's business.
    deployment["spec"]["template"]["spec"]["deletion"] = json!({"nodeDeletionTimeoutSeconds": 10});
    deployment["metadata"]["labels"]["team"] = json!("blue");
    item(&mut live, "Cluster", "two")["spec"]["clusterNetwork"]["pods"]["cidrBlocks"] =
        json!(["10.0.0.0/16", "10.9.0.0/16"]);
    item(&mut live, "Cluster", "two")["metadata"]["labels"]["cni"] = json!("cilium");
    let run = verify("v1beta2", &live, &["--format", "json"]);
    assert_eq!(run.code, 1);
    let list: Json = serde_json::from_str(&run.stdout).unwrap();
    let drift: Vec<String> = list["checks"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|check| check["drift"].as_array().cloned().unwrap_or_default())
        .map(|drift| format!("{} {}", drift["object"].as_str().unwrap(), drift["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        drift,
        [
            "MachineDeployment/one-md spec.template.spec.version",
            "Cluster/two metadata.labels.cni",
            "Cluster/two spec.clusterNetwork.pods.cidrBlocks[1]"
        ]
    );
}

#[test]
fn the_autoscaler_may_change_replicas() {
    let mut live = live("v1beta2");
    let deployment = item(&mut live, "MachineDeployment", "one-md");
    deployment["spec"]["replicas"] = json!(5);
    let run = verify("v1beta2", &live, &[]);
    assert!(run.stdout.contains("MachineDeployment/one-md spec.replicas: 5, the manifest says 2"), "{}", run.stdout);
    item(&mut live, "MachineDeployment", "one-md")["metadata"]["annotations"] =
        json!({"cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size": "9"});
    assert_eq!(verify("v1beta2", &live, &[]).code, 0);
}

#[test]
fn objects_that_nobody_rendered_are_told_and_those_of_controllers_are_not() {
    let mut live = live("v1beta2");
    let mut extra = item(&mut live, "MachineDeployment", "one-md").clone();
    extra["metadata"]["name"] = json!("by-hand");
    extra["spec"]["replicas"] = json!(0);
    extra["status"] = json!({"replicas": 0});
    live["items"].as_array_mut().unwrap().push(extra);
    let run = verify("v1beta2", &live, &[]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("MachineDeployment/by-hand is of none of the manifests"), "{}", run.stdout);
    assert_eq!(run.stdout.matches("is of none of the manifests").count(), 1);
    assert_eq!(verify("v1beta2", &live, &["--fail-on", "warning"]).code, 1);
}

#[test]
fn helms_annotation_tells_what_was_not_rendered_where_its_secrets_are_not_given() {
    let mut live = live("v1beta2");
    live["items"].as_array_mut().unwrap().retain(|item| item["kind"] != "Secret");
    for item in live["items"].as_array_mut().unwrap() {
        item["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "fleet"});
    }
    let count = live["items"].as_array().unwrap().iter().filter(|item| item["kind"] == "MachineDeployment").count();
    assert!(count > 0);
    let mut stray =
        live["items"].as_array().unwrap().iter().find(|i| i["kind"] == "MachineDeployment").unwrap().clone();
    stray["metadata"]["name"] = json!("stray");
    live["items"].as_array_mut().unwrap().push(stray);
    let run = verify("v1beta2", &live, &[]);
    assert!(run.stdout.contains("MachineDeployment/stray bears this release's name"), "{}", run.stdout);
}

#[test]
fn secrets_are_looked_at_by_name_alone() {
    let secret = |name: &str, kind: &str, labels: Json| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "data": {"value": "c2VjcmV0LWRhdGE="},
            "metadata": {"name": name, "namespace": "fleet", "labels": labels}})
    };
    let mut live = live("v1beta2");
    let helm =
        |status: &str, revision: &str| json!({"owner": "helm", "name": "fleet", "status": status, "version": revision});
    live["items"].as_array_mut().unwrap().extend([
        secret("one-kubeconfig", "cluster.x-k8s.io/secret", json!({})),
        secret("sh.helm.release.v1.fleet.v1", "helm.sh/release.v1", helm("superseded", "1")),
        secret("sh.helm.release.v1.fleet.v10", "helm.sh/release.v1", helm("pending-upgrade", "10")),
    ]);
    let run = verify("v1beta2", &live, &[]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("Secret/one-kubeconfig is there"), "{}", run.stdout);
    assert!(run.stdout.contains("Secret/two-kubeconfig is missing"), "{}", run.stdout);
    assert!(run.stdout.contains("fleet/fleet is pending-upgrade, revision 10"), "{}", run.stdout);
    for format in ["text", "json", "junit"] {
        assert!(!verify("v1beta2", &live, &["--format", format]).stdout.contains("c2Vjcm"), "data came out");
    }
}

#[test]
fn a_cluster_that_is_deleted_or_paused_is_not_well() {
    let mut live = live("v1beta2");
    item(&mut live, "Cluster", "one")["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let two = item(&mut live, "Cluster", "two");
    two["spec"]["paused"] = json!(true);
    two["status"] = json!({"phase": "Pending"});
    let run = verify("v1beta2", &live, &[]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("is being deleted") && run.stdout.contains("it is paused"), "{}", run.stdout);
}

#[test]
fn an_empty_answer_is_a_failure_and_a_broken_one_no_verdict() {
    let empty = json!({"apiVersion": "v1", "kind": "List", "items": []});
    let run = verify("v1beta2", &empty, &[]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("0 of 2 clusters provisioned"), "{}", run.stdout);
    let manifest = fixture("fleet-v1beta2.yaml");
    for broken in ["", "{\"items\": [", "- 1\n", "Error from server (Forbidden)"] {
        let run = capi_lint(&["verify", &manifest, "--live", "-"], broken);
        assert_eq!(run.code, 2, "{broken:?}: {}", run.stdout);
        assert!(run.stdout.is_empty());
    }
    assert_eq!(capi_lint(&["verify", "--live", "-"], "kind: X").code, 2);
}

#[test]
fn names_in_several_namespaces_need_a_namespace() {
    let mut live = live("v1beta2");
    let mut other = item(&mut live, "Cluster", "one").clone();
    other["metadata"]["namespace"] = json!("elsewhere");
    live["items"].as_array_mut().unwrap().push(other);
    let run = verify("v1beta2", &live, &[]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("elsewhere, fleet"), "{}", run.stderr);
    assert_eq!(verify("v1beta2", &live, &["-n", "fleet"]).code, 0);
}

#[test]
fn junit_is_a_case_a_check() {
    let run = verify("v1beta2", &live("v1beta2"), &["--format", "junit"]);
    assert!(run.stdout.contains(r#"<testsuite name="cluster fleet/one" tests="8" failures="0""#), "{}", run.stdout);
    assert_eq!(run.stdout.matches("<testcase ").count(), run.stdout.matches("</testcase>").count());
}

/// A kubectl that notes how it was called and prints a file.
fn fake_kubectl(folder: &Path, script: &str) -> String {
    let path = folder.join("kubectl");
    fs::write(&path, format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> {0}/calls\n{script}\n", folder.display())).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    path.display().to_string()
}

#[test]
#[cfg(unix)]
fn kubectl_is_asked_for_the_kinds_of_the_release_and_never_for_what_secrets_hold() {
    let folder = folder("verify-kubectl");
    let secrets = "printf 'fleet\\tone-kubeconfig\\tcluster.x-k8s.io/secret\\t\\t\\t\\nfleet\\ttwo-kubeconfig\\tX\\t\\t\\t\\n\
                   fleet\\tsh.helm.release.v1.fleet.v2\\thelm.sh/release.v1\\tfleet\\tdeployed\\t2\\n'";
    let script = format!("case \"$*\" in *jsonpath*) {secrets};; *) cat {};; esac", fixture("running-v1beta2.json"));
    let kubectl = fake_kubectl(&folder, &script);
    let manifest = fixture("fleet-v1beta2.yaml");
    let arguments =
        ["verify", &manifest, "--kubectl", &kubectl, "--kubeconfig", "hub.conf", "--context", "hub", "-n", "fleet"];
    let run = capi_lint(&arguments, "");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("fleet/fleet is deployed, revision 2"), "{}", run.stdout);
    assert!(run.stdout.contains("Secret/two-kubeconfig is there"), "{}", run.stdout);
    let calls = fs::read_to_string(folder.join("calls")).unwrap();
    let first = calls.lines().next().unwrap();
    assert!(first.starts_with("--kubeconfig hub.conf --context hub get "), "{first}");
    assert!(first.ends_with(" -n fleet -o json --ignore-not-found"), "{first}");
    for resource in [
        "clusters.v1beta2.cluster.x-k8s.io",
        "machines.v1beta2.cluster.x-k8s.io",
        "kubeadmcontrolplanes.v1beta2.controlplane.cluster.x-k8s.io",
    ] {
        assert!(first.contains(resource), "{first}");
    }
    let of_secrets = calls.lines().nth(1).unwrap();
    assert!(of_secrets.contains("get secrets -n fleet -o jsonpath=") && !of_secrets.contains(".data"), "{of_secrets}");
}

#[test]
#[cfg(unix)]
fn what_kubectl_was_asked_for_and_did_not_find_is_missing() {
    let folder = folder("verify-missing");
    let mut live = live("v1beta2");
    for name in ["one-md", "two-md"] {
        remove(&mut live, "MachineDeployment", name);
    }
    fs::write(folder.join("live.json"), live.to_string()).unwrap();
    let kubectl = fake_kubectl(
        &folder,
        &format!("case \"$*\" in *jsonpath*) exit 1;; *) cat {}/live.json;; esac", folder.display()),
    );
    let run = capi_lint(&["verify", &fixture("fleet-v1beta2.yaml"), "--kubectl", &kubectl], "");
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("MachineDeployment/one-md is missing"), "{}", run.stdout);
    assert!(run.stderr.contains("Secrets are not looked at"), "{}", run.stderr);
}

#[test]
#[cfg(unix)]
fn a_kubectl_that_fails_or_is_absent_is_no_verdict() {
    let folder = folder("verify-broken");
    let kubectl = fake_kubectl(&folder, "echo 'connection refused' >&2; exit 1");
    let manifest = fixture("fleet-v1beta2.yaml");
    let run = capi_lint(&["verify", &manifest, "--kubectl", &kubectl], "");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("connection refused"), "{}", run.stderr);
    let run = capi_lint(&["verify", &manifest, "--kubectl", "no-such-kubectl"], "");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("Install kubectl"), "{}", run.stderr);
}

#[test]
#[cfg(unix)]
fn waiting_tells_what_it_waits_for_and_ends_when_all_is_up() {
    let folder = folder("verify-wait");
    let mut stuck = live("v1beta2");
    let two = item(&mut stuck, "Cluster", "two");
    two["status"]["phase"] = json!("Provisioning");
    two["status"]["conditions"] = json!([{"type": "InfrastructureReady", "status": "False", "reason": "X", "message": "waiting for a load balancer"}]);
    fs::write(folder.join("stuck.json"), stuck.to_string()).unwrap();
    // Down for two looks, away for one, then up.
    let script = format!(
        "n=$(grep -c ' json' {0}/calls); case \"$*\" in *jsonpath*) exit 1;; esac\n\
         if [ $n -le 2 ]; then cat {0}/stuck.json; elif [ $n -eq 3 ]; then exit 1; else cat {1}; fi",
        folder.display(),
        fixture("running-v1beta2.json")
    );
    let kubectl = fake_kubectl(&folder, &script);
    let manifest = fixture("fleet-v1beta2.yaml");
    let wait = ["verify", &manifest, "--kubectl", &kubectl, "--wait", "1m", "--interval", "100ms"];
    let run = capi_lint(&wait, "");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("waiting for cluster fleet/two, provisioned"), "{}", run.stderr);
    assert!(run.stderr.contains("waiting for a load balancer"), "{}", run.stderr);
    // The same words are not said twice.
    assert_eq!(run.stderr.matches("waiting for a load balancer").count(), 1, "{}", run.stderr);
}

#[test]
fn waiting_ends_with_a_failure_and_does_not_wait_for_what_time_does_not_heal() {
    let folder = folder("verify-timeout");
    let file = folder.join("live.json");
    let manifest = fixture("fleet-v1beta2.yaml");
    let mut stuck = live("v1beta2");
    item(&mut stuck, "Machine", "one-1")["status"]["phase"] = json!("Failed");
    fs::write(&file, stuck.to_string()).unwrap();
    let file = file.display().to_string();
    let run = capi_lint(&["verify", &manifest, "--live", &file, "--wait", "300ms", "--interval", "100ms"], "");
    assert_eq!(run.code, 1);
    let mut drifted = live("v1beta2");
    item(&mut drifted, "MachineDeployment", "one-md")["spec"]["template"]["spec"]["version"] = json!("v1.30.0");
    fs::write(&file, drifted.to_string()).unwrap();
    let start = std::time::Instant::now();
    assert_eq!(capi_lint(&["verify", &manifest, "--live", &file, "--wait", "10m"], "").code, 1);
    assert!(start.elapsed().as_secs() < 60);
}
