//! The hooks of `.pre-commit-hooks.yaml` with the real pre-commit, on a repository made for the purpose.
//!
//! pre-commit is the one that `scripts/test-tools.sh` installs, else that on PATH; without one the tests say that they skip. The
//! hooks of language `rust` compile capi-lint, which takes minutes: `CAPI_LINT_TEST_RUST_HOOK=1` tries them too.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod common;

use common::{Run, repository, run};

const CONFIG: &str = "complete: true\n";

const TEMPLATE: &str = "apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
kind: DockerMachineTemplate
metadata: {name: workers, namespace: fleet}
spec: {template: {spec: {}}}
---
apiVersion: bootstrap.cluster.x-k8s.io/v1beta2
kind: KubeadmConfigTemplate
metadata: {name: workers, namespace: fleet}
spec: {template: {spec: {format: cloud-config}}}
---
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: one, namespace: fleet}
spec:
  infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: DockerCluster, name: one}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
kind: DockerCluster
metadata: {name: one, namespace: fleet}
spec: {}
";

/// Refers to objects that stand in another file.
const WORKERS: &str = "apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDeployment
metadata: {name: workers, namespace: fleet}
spec:
  clusterName: one
  replicas: 3
  selector: {}
  template:
    spec:
      clusterName: one
      version: v1.33.2
      bootstrap: {configRef: {apiGroup: bootstrap.cluster.x-k8s.io, kind: KubeadmConfigTemplate, name: workers}}
      infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: DockerMachineTemplate, name: workers}
";

/// A repository with pre-commit in it.
struct Repository {
    folder: PathBuf,
    pre_commit: PathBuf,
}

impl Repository {
    /// `hooks` as they stand in the user's configuration.
    fn new(test: &str, hooks: &[&str]) -> Option<Self> {
        let pre_commit = pre_commit()?;
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("precommit").join(test);
        let _ = fs::remove_dir_all(&root);
        let hooks_from = root.join("capi-lint");
        fs::create_dir_all(&hooks_from).expect("target can be written");
        fs::copy(repository(".pre-commit-hooks.yaml"), hooks_from.join(".pre-commit-hooks.yaml")).expect("copied");
        let repository = Self { folder: root.join("fleet"), pre_commit };
        let source = Self { folder: hooks_from, pre_commit: repository.pre_commit.clone() };
        source.git(&["init", "--quiet"]);
        source.commit("hooks");
        let revision = source.git(&["rev-parse", "HEAD"]).stdout;
        fs::create_dir_all(&repository.folder).expect("target can be written");
        repository.git(&["init", "--quiet"]);
        let hooks: String = hooks.iter().flat_map(|hook| ["      - id: ", hook, "\n"]).collect();
        let config =
            format!("repos:\n  - repo: {}\n    rev: {}\n    hooks:\n{hooks}", source.folder.display(), revision.trim());
        repository.write(".pre-commit-config.yaml", &config);
        repository.write(".capi-lint.yaml", CONFIG);
        repository.commit("empty");
        Some(repository)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("target can be written");
        fs::write(path, text).expect("written");
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let binaries = Path::new(env!("CARGO_BIN_EXE_capi-lint")).parent().expect("a binary lies in a folder");
        let mut search = vec![binaries.to_path_buf(), self.folder.with_file_name("tools")];
        search.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        command
            .current_dir(&self.folder)
            .env("PATH", std::env::join_paths(search).expect("no colon in the path of target"))
            .env("PRE_COMMIT_HOME", self.folder.with_file_name("home"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "test")
            .env("GIT_AUTHOR_EMAIL", "test@example.com")
            .env("GIT_COMMITTER_NAME", "test")
            .env("GIT_COMMITTER_EMAIL", "test@example.com");
        command
    }

    fn git(&self, arguments: &[&str]) -> Run {
        let mut command = self.command(Path::new("git"));
        command.args(arguments);
        let run = run(command, b"");
        assert_eq!(run.code, 0, "git {arguments:?}: {}", run.stderr);
        run
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--no-verify", "--message", message]);
    }

    /// pre-commit on what is staged.
    fn hooks(&self) -> Run {
        self.git(&["add", "--all"]);
        let mut command = self.command(&self.pre_commit);
        command.args(["run", "--color", "never"]);
        run(command, b"")
    }
}

fn pre_commit() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp lies in target");
    let tools = std::env::var_os("CAPI_LINT_CONSUMERS").map_or_else(|| target.join("tools/consumers"), PathBuf::from);
    let places = [tools.join("venv/bin/pre-commit"), PathBuf::from("pre-commit")];
    let found = places.into_iter().find(|program| Command::new(program).arg("--version").output().is_ok());
    if found.is_none() {
        println!("skipped: no pre-commit here (scripts/test-tools.sh gets one)");
    }
    found
}

/// A Helm for the charts, put beside the repository under the name that the hook looks for.
fn helm(repository: &Repository) -> bool {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp lies in target");
    let named = ["HELM3", "HELM4"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let built = ["helm3", "helm4"].into_iter().map(|name| target.join("tools").join(name));
    let Some(helm) = named.chain(built).find(|helm| helm.is_file()) else {
        println!("skipped: no Helm here (scripts/helm-tools.sh gets one)");
        return false;
    };
    let tools = repository.folder.with_file_name("tools");
    fs::create_dir_all(&tools).expect("target can be written");
    std::os::unix::fs::symlink(helm, tools.join("helm")).expect("linked");
    true
}

#[test]
fn manifests_that_changed_are_judged_with_the_rest_of_the_folder() {
    let Some(repository) = Repository::new("manifests", &["capi-lint-system"]) else { return };
    repository.write("base/shared.yaml", TEMPLATE);
    repository.commit("what others refer to");

    repository.write("workers.yaml", WORKERS);
    let good = repository.hooks();
    assert_eq!(good.code, 0, "{}", good.stdout);
    assert!(good.stdout.contains("Passed"), "{}", good.stdout);
    repository.commit("workers");

    repository.write("workers.yaml", &WORKERS.replace("replicas: 3", "replcias: 3"));
    let bad = repository.hooks();
    assert_eq!(bad.code, 1, "{}", bad.stdout);
    assert!(bad.stdout.contains("workers.yaml:6:3") && bad.stdout.contains("write `replicas`"), "{}", bad.stdout);

    // What the settings ignore elsewhere is not unused because it is not in this file.
    repository.write(".capi-lint.yaml", "complete: true\nignores:\n  - {rule: long-name, reason: none has one}\n");
    repository.write("workers.yaml", &WORKERS.replace("replicas: 3", "replcias: 3"));
    assert_eq!(repository.hooks().stdout.matches("unused-ignore").count(), 1);

    // What is nowhere is missing.
    repository.write(
        "workers.yaml",
        &WORKERS.replace("DockerMachineTemplate, name: workers", "DockerMachineTemplate, name: wrkers"),
    );
    let bad = repository.hooks();
    assert_eq!(bad.code, 1, "{}", bad.stdout);
    assert!(bad.stdout.contains("dangling-reference"), "{}", bad.stdout);
}

#[test]
fn what_is_no_manifest_is_passed_over() {
    let Some(repository) = Repository::new("others", &["capi-lint-system"]) else { return };
    repository.write("values.yaml", "replicas: 3\n");
    repository.write("broken.yaml", "a: [\n");
    repository.write(
        "kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a]\n",
    );
    repository.write("kubeconfig.yaml", "apiVersion: v1\nkind: Config\nclusters: []\n");
    repository.write("package.json", "{\"name\": \"x\"}\n");
    repository.write("charts/x/Chart.yaml", "apiVersion: v2\nname: x\nversion: 0.1.0\n");
    repository
        .write("charts/x/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n");
    // The same objects in two environments are no duplicates: each file is what somebody applies.
    repository.write("dev/shared.yaml", TEMPLATE);
    repository.write(
        "prod/shared.yaml",
        &TEMPLATE.replace("spec: {template: {spec: {}}}", "spec: {template: {spec: {customImage: a}}}"),
    );
    let run = repository.hooks();
    assert_eq!(run.code, 0, "{}", run.stdout);
    repository.commit("all");
    fs::remove_file(repository.folder.join("dev/shared.yaml")).expect("there");
    let run = repository.hooks();
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn charts_that_changed_are_rendered() {
    let Some(repository) = Repository::new("charts", &["capi-lint-charts-system", "capi-lint-system"]) else { return };
    if !helm(&repository) {
        return;
    }
    let template = format!(
        "{TEMPLATE}---\n{}",
        WORKERS.replace("replicas: 3", "replicas: {{ required \"say how many\" .Values.replicas }}")
    );
    repository.write("charts/fleet/Chart.yaml", "apiVersion: v2\nname: fleet\nversion: 0.1.0\n");
    repository.write("charts/fleet/templates/fleet.yaml", &template);
    repository.write("charts/fleet/values.yaml", "replicas: 3\n");
    repository.write("charts/lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n");
    let good = repository.hooks();
    assert_eq!(good.code, 0, "{}", good.stdout);
    repository.commit("a chart");

    // Only the values changed: it is the chart that is rendered.
    repository.write("charts/fleet/values.yaml", "replicas: -1\n");
    let bad = repository.hooks();
    assert_eq!(bad.code, 1, "{}", bad.stdout);
    assert!(bad.stdout.contains("charts/fleet") && bad.stdout.contains("spec.replicas"), "{}", bad.stdout);

    // With ci/*-values.yaml each of them is tried, and named.
    repository.write("charts/fleet/values.yaml", "replicas: 3\n");
    repository.write("charts/fleet/ci/prod-values.yaml", "replicas: -3\n");
    repository.write("charts/fleet/ci/dev-values.yaml", "replicas: 1\n");
    let bad = repository.hooks();
    assert_eq!(bad.code, 1, "{}", bad.stdout);
    assert!(bad.stdout.contains("charts/fleet (ci/prod-values.yaml): 1 error"), "{}", bad.stdout);

    // A chart that does not render: Helm's own words.
    fs::remove_dir_all(repository.folder.join("charts/fleet/ci")).expect("there");
    repository.write("charts/fleet/values.yaml", "{}\n");
    let broken = repository.hooks();
    assert_eq!(broken.code, 1, "{}", broken.stdout);
    assert!(broken.stdout.contains("say how many"), "{}", broken.stdout);
}

#[test]
fn the_rust_hook_compiles_capi_lint() {
    if std::env::var_os("CAPI_LINT_TEST_RUST_HOOK").is_none() {
        println!("skipped: takes minutes (CAPI_LINT_TEST_RUST_HOOK=1 runs it)");
        return;
    }
    let Some(pre_commit) = pre_commit() else { return };
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("precommit/rust");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).expect("target can be written");
    let fleet = Repository { folder: root.join("fleet"), pre_commit };
    fs::create_dir_all(&fleet.folder).expect("target can be written");
    fleet.git(&["init", "--quiet"]);
    let source = Repository { folder: repository("."), pre_commit: fleet.pre_commit.clone() };
    let revision = source.git(&["rev-parse", "HEAD"]).stdout;
    let config = format!(
        "repos:\n  - repo: {}\n    rev: {}\n    hooks: [{{id: capi-lint}}]\n",
        repository(".").display(),
        revision.trim()
    );
    fleet.write(".pre-commit-config.yaml", &config);
    fleet.write("fleet.yaml", TEMPLATE);
    let good = fleet.hooks();
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    fleet.write("fleet.yaml", &TEMPLATE.replace("infrastructureRef", "infraRef"));
    assert_eq!(fleet.hooks().code, 1);
}
