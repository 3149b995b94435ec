//! capi-lint against a real management plane: the API server and CAPI's managers with all their webhooks.
//!
//! `make e2e` builds and starts one (`scripts/plane.sh`) and names its kubeconfig in `CAPI_LINT_PLANE`; without it each
//! test says that it skips, and passes. The Helms are those of `tests/helm.rs`; `KUBECTL` names the kubectl. Each test has a
//! namespace of its own, so that they run side by side.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

mod common;

const CAPI_LINT: &str = env!("CARGO_BIN_EXE_capi-lint");
/// The versions of the plane, as `tests/e2e/cluster-api/go.mod` pins them, and its gates, as `scripts/plane.sh` sets them.
const PLANE: [&str; 4] = [
    "--capi-version",
    "1.13",
    "--gates",
    "ClusterTopology=true,MachinePool=true,RuntimeSDK=false,KubeadmBootstrapFormatIgnition=false,MachineTaintPropagation=false",
];
/// Machines of the Dev provider live in the manager's memory: they come up without any infrastructure.
const IN_MEMORY: &str = "--set=provider=dev";

/// The clusters of the chart with its own values.
const THREE: [&str; 3] = ["cluster-1", "cluster-2", "cluster-3"];

#[derive(Clone, Copy, PartialEq)]
enum Major {
    Helm3,
    Helm4,
}

/// A Helm, its home, and a namespace of the plane.
struct Plane {
    kubeconfig: PathBuf,
    helm: PathBuf,
    major: Major,
    home: PathBuf,
    namespace: String,
}

impl Plane {
    /// `test` names the namespace and the home. `None`, with a word about it, where there is no plane or no Helm.
    fn new(major: Major, test: &str) -> Option<Plane> {
        let Some(kubeconfig) = std::env::var_os("CAPI_LINT_PLANE").map(PathBuf::from) else {
            println!("skipped: no management plane (make e2e starts one)");
            return None;
        };
        let (variable, name) = match major {
            Major::Helm3 => ("HELM3", "helm3"),
            Major::Helm4 => ("HELM4", "helm4"),
        };
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let built = target.parent().expect("target/tmp lies in target").join("tools").join(name);
        let helm = std::env::var_os(variable).map_or(built, PathBuf::from);
        if !helm.exists() {
            println!("skipped: no {name} here (scripts/helm-tools.sh gets one, {variable} names one)");
            return None;
        }
        // The plane has no controller that would end a namespace: a second run needs other names.
        let namespace = format!("{test}-{name}-{}", std::process::id());
        let home = target.join("e2e").join(test).join(name);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join("bin")).expect("target can be written");
        std::os::unix::fs::symlink(&helm, home.join("bin/helm")).expect("a link");
        let plane = Plane { kubeconfig, helm, major, home, namespace };
        if major == Major::Helm4 {
            let plugin = common::repository("plugins/helm4-post-render");
            succeeds(&plane.helm(&["plugin", "install", plugin.to_str().expect("UTF-8")]));
        }
        succeeds(&plane.kubectl(&["create", "namespace", &plane.namespace]));
        Some(plane)
    }

    /// With Helm 3 and with Helm 4, or with those that there are.
    fn all(test: &str) -> impl Iterator<Item = Plane> {
        [Major::Helm3, Major::Helm4].into_iter().filter_map(move |major| Plane::new(major, test))
    }

    fn command(&self, program: &Path) -> Command {
        let binaries = Path::new(CAPI_LINT).parent().expect("a binary lies in a folder").to_path_buf();
        let mut search = vec![self.home.join("bin"), binaries];
        search.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new(program);
        command
            .current_dir(&self.home)
            .env("PATH", std::env::join_paths(search).expect("no colon in the path of target"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_PLUGINS", self.home.join("data/plugins"))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    fn helm(&self, arguments: &[&str]) -> Output {
        self.command(&self.helm).args(arguments).output().expect("Helm starts")
    }

    fn kubectl(&self, arguments: &[&str]) -> Output {
        let kubectl = std::env::var_os("KUBECTL").map_or_else(|| PathBuf::from("kubectl"), PathBuf::from);
        self.command(&kubectl).args(arguments).output().expect("kubectl starts")
    }

    fn capi_lint(&self, arguments: &[&str]) -> Output {
        self.command(Path::new(CAPI_LINT)).args(arguments).output().expect("capi-lint starts")
    }

    /// `helm VERB fleet CHART …` in the namespace, through capi-lint.
    fn release(&self, verb: &str, chart: &str, arguments: &[&str]) -> Output {
        let renderer: &[&str] = match self.major {
            Major::Helm3 => &["--post-renderer", CAPI_LINT, "--post-renderer-args=post-render"],
            Major::Helm4 => &["--post-renderer", "capi-lint-post-render"],
        };
        let label = ["--post-renderer-args=--cluster-label", "--post-renderer-args=cni=calico"];
        self.helm(&[&[verb, "fleet", chart, "-n", &self.namespace], renderer, &label, arguments].concat())
    }

    /// Objects of these kinds in the namespace, as the server holds them.
    fn objects(&self, kinds: &str) -> Vec<Json> {
        let output = self.kubectl(&["get", kinds, "-n", &self.namespace, "-o", "json"]);
        succeeds(&output);
        let list: Json = serde_json::from_slice(&output.stdout).expect("JSON");
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Every object that a release of the chart holds, by kind and name.
    fn fleet(&self) -> Vec<Json> {
        self.objects(
            "clusters.cluster.x-k8s.io,machinedeployments.cluster.x-k8s.io,kubeadmcontrolplanes,kubeadmconfigtemplates,\
             devclusters,devmachinetemplates,dockerclusters,dockermachinetemplates",
        )
    }

    fn history(&self) -> Vec<Json> {
        let output = self.helm(&["list", "-n", &self.namespace, "-o", "json"]);
        succeeds(&output);
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn replicas(&self) -> Vec<i64> {
        let deployments = self.objects("machinedeployments.cluster.x-k8s.io");
        deployments.iter().filter_map(|deployment| deployment["spec"]["replicas"].as_i64()).collect()
    }

    /// Waits until the Clusters of these names are gone with all that they own; their machines come down first.
    fn until_gone(&self, names: &[&str]) {
        let start = Instant::now();
        loop {
            let objects =
                self.objects("clusters.cluster.x-k8s.io,machines.cluster.x-k8s.io,machinedeployments.cluster.x-k8s.io");
            let owner = |object: &Json| {
                let name = if object["kind"] == "Cluster" {
                    &object["metadata"]["name"]
                } else {
                    &object["spec"]["clusterName"]
                };
                name.as_str().unwrap_or_default().to_owned()
            };
            let left: Vec<_> = objects.iter().filter(|object| names.contains(&owner(object).as_str())).collect();
            if left.is_empty() {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(240), "after four minutes these stay: {left:#?}");
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Waits until so many machines run. Machines that are deleted while their cluster comes up never go.
    fn until_running(&self, machines: usize) {
        let start = Instant::now();
        loop {
            let objects = self.objects("machines.cluster.x-k8s.io");
            let running = objects.iter().filter(|machine| machine["status"]["phase"] == "Running").count();
            if running == machines {
                return;
            }
            assert!(
                start.elapsed() < Duration::from_secs(300),
                "after five minutes {running} of {machines} machines run"
            );
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// A copy of the shipped chart with one template changed.
    fn chart_with(&self, template: &str, change: impl Fn(&str) -> String) -> String {
        let copy = self.home.join("chart");
        let _ = fs::remove_dir_all(&copy);
        let status = Command::new("cp").arg("-r").arg(chart()).arg(&copy).status().expect("cp starts");
        assert!(status.success());
        let template = copy.join("templates").join(template);
        let text = fs::read_to_string(&template).unwrap_or_default();
        fs::write(&template, change(&text)).expect("written");
        copy.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Plane {
    /// What a test leaves must not keep the plane's managers busy.
    fn drop(&mut self) {
        self.kubectl(&["delete", "clusters.cluster.x-k8s.io", "--all", "-n", &self.namespace, "--wait=false"]);
    }
}

fn chart() -> String {
    common::repository("charts/multi-cluster").to_str().expect("UTF-8").to_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}{}", stdout(output), stderr(output));
}

fn refused(output: &Output) {
    assert!(!output.status.success(), "went through: {}{}", stdout(output), stderr(output));
}

fn misspelt(text: &str) -> String {
    assert!(text.contains("\n  replicas: "));
    text.replace("\n  replicas: ", "\n  replcias: ")
}

#[test]
fn install_upgrade_rollback_uninstall() {
    for plane in Plane::all("life") {
        succeeds(&plane.release("install", &chart(), &[IN_MEMORY]));
        let fleet = plane.fleet();
        assert_eq!(fleet.len(), 21, "seven objects a cluster");
        plane.until_running(9);
        for object in &fleet {
            let labels = &object["metadata"]["labels"];
            assert!(labels["cluster.x-k8s.io/cluster-name"].is_string(), "{object:#}");
            assert!(object["kind"] != "Cluster" || labels["cni"] == "calico", "{object:#}");
        }
        let more = "--set=clusters[0].name=cluster-1,clusters[0].workerReplicas=3,clusters[1].name=cluster-2,clusters[2].name=cluster-3";
        succeeds(&plane.release("upgrade", &chart(), &[IN_MEMORY, more]));
        plane.until_running(10);
        assert_eq!(plane.replicas(), [3, 2, 2]);
        succeeds(&plane.helm(&["rollback", "fleet", "1", "-n", &plane.namespace]));
        plane.until_running(9);
        assert_eq!(plane.replicas(), [2, 2, 2]);
        // Deleted together with their DevCluster, machines wait for ever: so capi-lint says, and says what to do.
        let uninstall = plane.capi_lint(&["diff", "release:fleet", "--uninstall", "-n", &plane.namespace]);
        assert!(stdout(&uninstall).contains("stuck-uninstall"), "{}{}", stdout(&uninstall), stderr(&uninstall));
        succeeds(&plane.kubectl(&[
            "delete",
            "clusters.cluster.x-k8s.io",
            "--all",
            "-n",
            &plane.namespace,
            "--wait=false",
        ]));
        plane.until_gone(&THREE);
        succeeds(&plane.helm(&["uninstall", "fleet", "-n", &plane.namespace]));
        assert!(plane.history().is_empty());
    }
}

/// A fleet as it comes up, runs, and is changed behind Helm's back.
#[test]
fn verify_tells_when_the_fleet_runs_and_what_drifted() {
    for plane in Plane::all("verify") {
        let kubectl = std::env::var("KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
        let verify = |arguments: &[&str]| {
            let own = ["verify", "release:fleet", "-n", &plane.namespace, "--kubectl", &kubectl];
            plane.capi_lint(&[&own[..], arguments].concat())
        };
        succeeds(&plane.release("install", &chart(), &[IN_MEMORY]));
        let coming_up = verify(&[]);
        assert_eq!(coming_up.status.code(), Some(1), "{}{}", stdout(&coming_up), stderr(&coming_up));
        let running = verify(&["--wait", "5m", "--interval", "1s"]);
        succeeds(&running);
        let machines = plane.objects("machines.cluster.x-k8s.io");
        assert_eq!(machines.iter().filter(|machine| machine["status"]["phase"] == "Running").count(), 9);
        let deployment = "machinedeployments.cluster.x-k8s.io";
        let name = plane.objects(deployment)[0]["metadata"]["name"].as_str().expect("a name").to_owned();
        let patch =
            ["patch", deployment, &name, "-n", &plane.namespace, "--type=merge", "-p", r#"{"spec":{"replicas":3}}"#];
        succeeds(&plane.kubectl(&patch));
        let drifted = verify(&[]);
        assert_eq!(drifted.status.code(), Some(1), "{}", stdout(&drifted));
        assert!(stdout(&drifted).contains("spec.replicas"), "{}", stdout(&drifted));
        // Machines that come up while their cluster goes would never go.
        plane.until_running(10);
    }
}

#[test]
fn a_bad_chart_is_refused_before_anything_is_created() {
    for plane in Plane::all("bad") {
        let bad = plane.chart_with("machinedeployment.yaml", misspelt);
        let output = plane.release("install", &bad, &[]);
        refused(&output);
        assert!(stderr(&output).contains("replcias"), "{}", stderr(&output));
        assert!(plane.history().is_empty() && plane.fleet().is_empty(), "something was created");

        succeeds(&plane.release("install", &chart(), &[]));
        let before = plane.fleet();
        refused(&plane.release("upgrade", &bad, &["--set=env=dev"]));
        let history = plane.history();
        assert_eq!((&history[0]["revision"], &history[0]["status"]), (&"1".into(), &"deployed".into()));
        let generations =
            |fleet: &[Json]| fleet.iter().map(|object| object["metadata"]["generation"].clone()).collect::<Vec<_>>();
        assert_eq!(generations(&before), generations(&plane.fleet()), "a refused upgrade changes nothing");
    }
}

/// Helm 3 takes empty output for an empty release and would delete the fleet: the forgotten argument must fail instead.
#[test]
fn a_forgotten_post_render_fails_and_changes_nothing() {
    for plane in Plane::all("forgotten") {
        let forgotten =
            |verb: &str| plane.helm(&[verb, "fleet", &chart(), "-n", &plane.namespace, "--post-renderer", CAPI_LINT]);
        refused(&forgotten("install"));
        assert!(plane.fleet().is_empty());
        let _ = plane.helm(&["uninstall", "fleet", "-n", &plane.namespace]);
        succeeds(&plane.release("install", &chart(), &[]));
        refused(&forgotten("upgrade"));
        assert_eq!(plane.fleet().len(), 21, "the fleet is untouched");
    }
}

/// Helm 3 fails half-way over an object that stands twice, Helm 4 lets the last one win in silence.
#[test]
fn duplicates_are_taken_out_or_refused() {
    for plane in Plane::all("twice") {
        let again = "{{- range $i := until 2 }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata: {value: same}\n{{- end }}\n";
        let conflicting = again.replace("same", "{{ printf \"v%d\" $i }}");
        let bad = plane.chart_with("twice.yaml", |_| conflicting.clone());
        let output = plane.release("install", &bad, &[]);
        refused(&output);
        assert!(stderr(&output).contains("twice"), "{}", stderr(&output));
        assert!(plane.history().is_empty());
        let good = plane.chart_with("twice.yaml", |_| again.to_owned());
        succeeds(&plane.release("install", &good, &[]));
        assert_eq!(plane.fleet().len(), 21);
    }
}

#[test]
fn diff_reads_the_release_from_the_server() {
    for plane in Plane::all("diff") {
        succeeds(&plane.release("install", &chart(), &[IN_MEMORY]));
        let diff = |arguments: &[&str]| {
            let release = [
                "diff",
                "release:fleet",
                &chart(),
                "-n",
                &plane.namespace,
                "--set",
                "provider=dev",
                "--format",
                "json",
            ];
            let output = plane.capi_lint(&[&release[..], arguments].concat());
            serde_json::from_slice::<Json>(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
        };
        let same = diff(&[]);
        assert_eq!((&same["accepted"], same["rollout"].as_array().map(Vec::len)), (&true.into(), Some(0)), "{same:#}");
        let newer = diff(&["--set", "defaultKubernetesVersion=v1.33.4,clusters=null,env=staging"]);
        assert_eq!(newer["accepted"], false, "three clusters would be deleted: {newer:#}");
    }
}

/// Each document of our fixtures alone: the plane's dry run against capi-lint's verdict.
#[test]
fn the_plane_and_capi_lint_agree_on_each_fixture() {
    let Some(plane) = Plane::new(Major::Helm3, "verdicts") else { return };
    let documents = fixture_documents();
    let named = documents.iter().flat_map(|document| document.split("namespace: ").skip(1));
    let named = named.filter_map(|rest| rest.split([',', '}', '\n']).next());
    for namespace in named.collect::<BTreeSet<_>>() {
        plane.kubectl(&["create", "namespace", namespace]);
    }
    let file = |number: usize| plane.home.join(format!("object-{number}.yaml")).to_str().expect("UTF-8").to_owned();
    let mut create = vec!["create".to_owned(), "--dry-run=server".to_owned(), "--validate=strict".to_owned()];
    for (number, document) in documents.iter().enumerate() {
        fs::write(file(number), document).expect("written");
        create.extend(["-f".to_owned(), file(number)]);
    }
    let server = plane.kubectl(&create.iter().map(String::as_str).collect::<Vec<_>>());
    let said = stderr(&server);
    let (mut tried, mut wrong) = (0, Vec::new());
    for (number, document) in documents.iter().enumerate() {
        let file = file(number);
        let refusal = said.lines().find(|line| line.contains(&file) && line.to_lowercase().starts_with("error"));
        if refusal.is_some_and(is_artefact) {
            continue;
        }
        let output = plane.capi_lint(&[&["lint", "--format", "json", &file], &PLANE[..]].concat());
        let report: Json = serde_json::from_slice(&output.stdout).expect("JSON");
        let is_refusal = |finding: &&Json| {
            finding["severity"] == "error" && ["admission", "client"].iter().any(|by| finding["provenance"] == *by)
        };
        let refusals: Vec<_> = report["findings"].as_array().into_iter().flatten().filter(is_refusal).collect();
        tried += 1;
        if refusal.is_none() != refusals.is_empty() {
            wrong.push(format!("{document}\nserver: {refusal:?}\ncapi-lint: {refusals:#?}"));
        }
    }
    println!("{} of {tried} fixtures: the same verdict", tried - wrong.len());
    assert!(wrong.is_empty(), "{} of {tried} differ:\n{}", wrong.len(), wrong.join("\n=====\n"));
    assert!(tried > 100, "only {tried} documents were tried");
}

/// Documents of our fixtures whose kinds the plane serves and whose rules hold for its version.
fn fixture_documents() -> Vec<String> {
    let served = |document: &str| {
        let field = |name: &str| document.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let (group, kind) = (field("apiVersion: ").split('/').next().unwrap_or_default(), field("kind: "));
        match group {
            "cluster.x-k8s.io" => true,
            "bootstrap.cluster.x-k8s.io" | "controlplane.cluster.x-k8s.io" => kind.starts_with("Kubeadm"),
            "infrastructure.cluster.x-k8s.io" => kind.starts_with("Docker") || kind.starts_with("Dev"),
            _ => false,
        }
    };
    let mut files = Vec::new();
    for folder in ["fixtures/admission", "fixtures/rules", "fixtures/render"] {
        for entry in walkdir::WalkDir::new(common::repository(folder)).sort_by_file_name() {
            let path = entry.expect("readable").into_path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(fs::read_to_string(path).expect("UTF-8"));
            }
        }
    }
    let documents = files.iter().flat_map(|text| text.split("\n---"));
    let chosen = documents.filter(|document| {
        let asks_for_another_plane =
            document.lines().any(|line| line.starts_with("# capi ") || line.starts_with("# gates "));
        served(document) && !asks_for_another_plane && document.lines().any(|line| line.starts_with("metadata:"))
    });
    chosen.map(|document| document.trim_start().to_owned()).collect()
}

/// What the plane says about itself rather than about the object: kinds of providers that are not installed here.
fn is_artefact(message: &str) -> bool {
    message.contains("failed to get CustomResourceDefinition metadata") || message.contains("no matches for kind")
}
