//! The main job with the real Helm 3 and the real Helm 4: `charts/multi-cluster` through the post-renderer, good and bad.
//!
//! Helm is taken from `HELM3` and `HELM4`, else from `target/tools` (`scripts/helm-tools.sh` puts it there), else from
//! PATH, by its major version. A test without its Helm says that it skips, and passes. Nothing here asks an API server:
//! `template` works without one in both, `install --dry-run=client` in Helm 4 only.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const CAPI_LINT: &str = env!("CARGO_BIN_EXE_capi-lint");
const CAPI_LINT_POST_RENDER: &str = env!("CARGO_BIN_EXE_capi-lint-post-render");
const OBJECTS: usize = 21;

#[derive(Clone, Copy, PartialEq)]
enum Major {
    Helm3,
    Helm4,
}

impl Major {
    const BOTH: [Major; 2] = [Major::Helm3, Major::Helm4];

    /// A Helm of this major version, if the machine has one.
    fn find(self) -> Option<PathBuf> {
        let (variable, name, version) = match self {
            Major::Helm3 => ("HELM3", "helm3", "v3."),
            Major::Helm4 => ("HELM4", "helm4", "v4."),
        };
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp lies in target");
        let named = std::env::var_os(variable).map(PathBuf::from);
        let built = target.join("tools").join(name);
        let found = [named, Some(built), Some(PathBuf::from("helm"))].into_iter().flatten().find(|helm| {
            let output = Command::new(helm).args(["version", "--template", "{{.Version}}"]).output();
            output.is_ok_and(|output| output.stdout.starts_with(version.as_bytes()))
        });
        if found.is_none() {
            println!("skipped: no {name} here (scripts/helm-tools.sh gets one, {variable} names one)");
        }
        found
    }
}

/// A Helm with a home of its own, so that neither plugins nor settings of this machine take part.
struct Helm {
    program: PathBuf,
    major: Major,
    home: PathBuf,
}

impl Helm {
    /// `test` names the home; Helm 4 gets both plugins, Helm 3 its own.
    fn new(major: Major, test: &str) -> Option<Helm> {
        let program = major.find()?;
        let (folder, plugins): (_, &[&str]) = match major {
            Major::Helm3 => ("helm3", &["plugins/helm3"]),
            Major::Helm4 => ("helm4", &["plugins/helm4-post-render", "plugins/helm4-cli"]),
        };
        let helm = Helm { program, major, home: empty_folder(&format!("{folder}/{test}")) };
        for plugin in plugins {
            let output = helm.run(["plugin", "install", &path(plugin)]);
            assert!(output.status.success(), "plugin install {plugin}: {}", stderr(&output));
        }
        Some(helm)
    }

    /// Both, or those that there are.
    fn all(test: &str) -> impl Iterator<Item = Helm> {
        Major::BOTH.into_iter().filter_map(move |major| Helm::new(major, test))
    }

    fn command(&self) -> Command {
        let binaries = Path::new(CAPI_LINT).parent().expect("a binary lies in a folder");
        let mut search = vec![binaries.to_path_buf()];
        search.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.home)
            .env("PATH", std::env::join_paths(search).expect("no colon in the path of target"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_PLUGINS", self.home.join("data/plugins"))
            .env("KUBECONFIG", self.home.join("no-kubeconfig"))
            .env_remove("HELM_NAMESPACE")
            .env_remove("HELM_DEBUG")
            .stdin(Stdio::null());
        command
    }

    /// Standard output and standard error are pipes.
    fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        self.command().args(arguments).output().expect("Helm starts")
    }

    /// `helm VERB… --post-renderer …`, with arguments for `capi-lint post-render`.
    fn post_render(&self, verb: &[&str], arguments: &[&str]) -> Output {
        let renderer: &[&str] = match self.major {
            Major::Helm3 => &["--post-renderer", CAPI_LINT, "--post-renderer-args=post-render"],
            Major::Helm4 => &["--post-renderer", "capi-lint-post-render"],
        };
        let arguments = arguments.iter().map(|argument| format!("--post-renderer-args={argument}"));
        self.command().args(verb).args(renderer).args(arguments).output().expect("Helm starts")
    }

    /// What `helm template` prints for the chart; it must succeed.
    fn template(&self, arguments: &[&str]) -> String {
        let output = self.run([&["template", "fleet", &chart()], arguments].concat());
        assert!(output.status.success(), "helm template {arguments:?}: {}", stderr(&output));
        stdout(&output)
    }

    /// A copy of the chart in which a person mistyped `replicas` of the `MachineDeployment` objects.
    fn misspelt_chart(&self) -> String {
        let copy = self.home.join("multi-cluster");
        fs::create_dir_all(copy.join("templates")).expect("target can be written");
        for folder in ["", "templates"] {
            for entry in fs::read_dir(Path::new(&chart()).join(folder)).expect("the chart is there") {
                let entry = entry.expect("readable");
                if entry.path().is_file() {
                    fs::copy(entry.path(), copy.join(folder).join(entry.file_name())).expect("copied");
                }
            }
        }
        let template = copy.join("templates/machinedeployment.yaml");
        let text = fs::read_to_string(&template).expect("readable");
        assert!(text.contains("\n  replicas: "));
        fs::write(template, text.replace("\n  replicas: ", "\n  replcias: ")).expect("written");
        copy.to_str().expect("UTF-8").to_owned()
    }
}

fn path(relative: &str) -> String {
    format!("{}/{relative}", env!("CARGO_MANIFEST_DIR"))
}

fn chart() -> String {
    path("charts/multi-cluster")
}

fn shipped(name: &str) -> String {
    fs::read_to_string(path("fixtures/render/") + name).expect("shipped")
}

/// An empty folder below target.
fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("target can be written");
    folder
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// capi-lint with `input` on standard input.
fn capi_lint(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(CAPI_LINT)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("capi-lint starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    // It may refuse its arguments without reading: then the pipe is closed, which is no fault of the test.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("capi-lint ends");
    writer.join().expect("writer ends");
    output
}

fn objects(manifests: &str) -> usize {
    manifests.lines().filter(|line| line.starts_with("kind:")).count()
}

/// Names of all objects of a kind, sorted.
fn names(manifests: &str, kind: &str) -> Vec<String> {
    let kind = format!("kind: {kind}");
    let mut names: Vec<String> = manifests
        .split("---\n")
        .filter(|document| document.lines().any(|line| line == kind))
        .filter_map(|document| document.lines().find_map(|line| line.strip_prefix("  name: ")))
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

/// How many objects have the cluster's label among their own labels: four blanks deep, selectors are deeper.
fn labelled(manifests: &str) -> usize {
    manifests.lines().filter(|line| line.starts_with("    cluster.x-k8s.io/cluster-name:")).count()
}

/// The message must name the mistake, what was meant, and where it came from.
fn assert_tells_the_mistake(message: &str) {
    for part in ["replcias", "replicas", "templates/machinedeployment.yaml", "cluster-1-md-0"] {
        assert!(message.contains(part), "no {part:?} in what a person sees:\n{message}");
    }
}

#[test]
fn template_passes_a_good_chart() {
    for helm in Helm::all("good") {
        let output = helm.post_render(&["template", "fleet", &chart()], &[]);
        assert!(output.status.success(), "{}", stderr(&output));
        let rendered = stdout(&output);
        assert_eq!(objects(&rendered), OBJECTS);
        assert_eq!(labelled(&rendered), OBJECTS, "every object belongs to one cluster:\n{rendered}");
        assert_eq!(names(&rendered, "Cluster"), ["cluster-1", "cluster-2", "cluster-3"]);
    }
}

#[test]
fn helm_3_gets_its_bytes_back_but_for_the_labels() {
    let Some(helm) = Helm::new(Major::Helm3, "bytes") else { return };
    let before = helm.template(&[]);
    let after = stdout(&helm.post_render(&["template", "fleet", &chart()], &[]));
    let mut original = before.lines().peekable();
    for line in after.lines() {
        if original.peek() == Some(&line) {
            original.next();
        } else {
            let inserted = line == "  labels:" || line.starts_with("    cluster.x-k8s.io/cluster-name: ");
            assert!(inserted, "unexpected line {line:?}; next of the original: {:?}", original.peek());
        }
    }
    assert_eq!(original.next(), None, "lines are lost");
    assert_eq!(after.matches("# Source: multi-cluster/templates/").count(), OBJECTS);
}

#[test]
fn the_second_binary_needs_no_arguments() {
    let Some(helm) = Helm::new(Major::Helm3, "second-binary") else { return };
    let output = helm.run(["template", "fleet", &chart(), "--post-renderer", CAPI_LINT_POST_RENDER]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(labelled(&stdout(&output)), OBJECTS);
}

/// Helm 3 takes empty output for an empty release: a forgotten `post-render` must not look like one.
#[test]
fn helm_3_without_post_render_gets_neither_manifests_nor_nothing() {
    let Some(helm) = Helm::new(Major::Helm3, "forgotten") else { return };
    for arguments in [&[][..], &["--post-renderer-args=--quiet"]] {
        let output = helm.run([&["template", "fleet", &chart(), "--post-renderer", CAPI_LINT], arguments].concat());
        assert!(output.status.success(), "a clean release is reported as such: {}", stderr(&output));
        let printed = stdout(&output);
        assert_eq!(objects(&printed), 0, "{printed}");
        let is_content = |line: &str| !line.is_empty() && !line.starts_with('#') && line != "---";
        assert!(printed.lines().any(|line| is_content(line.trim())), "a YAML reader finds nothing: {printed:?}");
    }
}

#[test]
fn helm_4_installs_a_good_chart_in_a_dry_run() {
    let Some(helm) = Helm::new(Major::Helm4, "install") else { return };
    let output = helm.post_render(&["install", "fleet", &chart(), "--dry-run=client"], &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(labelled(&stdout(&output)), OBJECTS);
    assert!(!stdout(&output).contains("postrenderer.helm.sh"), "Helm removes its marks of origin again");
}

#[test]
fn helm_3_refuses_a_misspelt_field() {
    let Some(helm) = Helm::new(Major::Helm3, "misspelt") else { return };
    let output = helm.post_render(&["template", "fleet", &helm.misspelt_chart()], &[]);
    assert!(!output.status.success());
    assert_eq!(objects(&stdout(&output)), 0, "half a release: {}", stdout(&output));
    assert_tells_the_mistake(&stderr(&output));
}

/// Helm 4 swallows what a plugin says: the refusal must come another way.
#[test]
fn helm_4_refuses_a_misspelt_field() {
    let Some(helm) = Helm::new(Major::Helm4, "misspelt") else { return };
    let chart = helm.misspelt_chart();
    for verb in [&["template", "fleet", &chart][..], &["install", "fleet", &chart, "--dry-run=client"]] {
        let report = helm.home.join("report.txt");
        let _ = fs::remove_file(&report);
        let output = helm.post_render(verb, &["--report-file", report.to_str().expect("UTF-8")]);
        assert!(!output.status.success());
        assert_eq!(objects(&stdout(&output)), 0, "half a release: {}", stdout(&output));
        assert_tells_the_mistake(&fs::read_to_string(&report).expect("the report was written"));
        assert_tells_the_mistake(&stderr(&output));
    }
}

/// Helm has its own position in a file and would write over what capi-lint put there: so it must not write there.
#[test]
fn helm_4_with_standard_error_in_a_file_keeps_its_own_words() {
    let Some(helm) = Helm::new(Major::Helm4, "stderr-file") else { return };
    let (log, report) = (helm.home.join("log.txt"), helm.home.join("report.txt"));
    let status = helm
        .command()
        .args(["template", "fleet", &helm.misspelt_chart(), "--post-renderer", "capi-lint-post-render"])
        .args(["--post-renderer-args=--report-file", &format!("--post-renderer-args={}", report.display())])
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).expect("target can be written"))
        .status()
        .expect("Helm starts");
    assert!(!status.success());
    let log = fs::read_to_string(log).expect("UTF-8");
    assert!(log.starts_with("Error: ") && log.contains("capi-lint-post-render"), "{log}");
    assert!(!log.contains("replcias"), "{log}");
    assert_tells_the_mistake(&fs::read_to_string(report).expect("the report was written"));
}

#[test]
fn both_refuse_a_value_that_no_server_takes() {
    let too_long = format!("--set=serviceDomain={}", "a".repeat(300));
    for helm in Helm::all("value") {
        let output = helm.post_render(&["template", "fleet", &chart(), &too_long], &[]);
        assert!(!output.status.success());
        assert_eq!(objects(&stdout(&output)), 0);
        let seen = stderr(&output);
        assert!(seen.contains("serviceDomain") && seen.contains("253"), "{seen}");
    }
}

#[test]
fn what_template_prints_is_linted_and_counted() {
    let expected =
        "count --expect Cluster=3 --expect DockerMachineTemplate=6 --expect-per-cluster 7 --expect-machines 9";
    for helm in Helm::all("pipe") {
        let rendered = helm.template(&[]);
        for arguments in ["", "lint", expected] {
            let arguments: Vec<&str> = arguments.split_whitespace().collect();
            let output = capi_lint(&arguments, &rendered);
            assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        }
    }
}

#[test]
fn a_packaged_chart_is_a_chart() {
    let Some(helm) = Helm::all("packaged").next() else { return };
    let folder = empty_folder("packaged-chart");
    let folder = folder.to_str().expect("UTF-8");
    assert!(helm.run(["package", &chart(), "--destination", folder]).status.success());
    let package = format!("{folder}/multi-cluster-0.1.0.tgz");
    let program = helm.program.to_str().expect("UTF-8");
    let lint = capi_lint(&["lint", &package, "--helm", program], "");
    assert!(stdout(&lint).contains("21 objects checked"), "{}{}", stdout(&lint), stderr(&lint));
    let diff = capi_lint(&["diff", &package, &chart(), "--helm", program, "--exit-code"], "");
    assert_eq!(stdout(&diff), "no changes\n", "{}", stderr(&diff));
}

#[test]
fn charts_of_a_folder_are_rendered_at_once_and_come_in_their_order() {
    let Some(helm) = Helm::all("several").next() else { return };
    let folder = empty_folder("several-charts");
    for name in ["c", "a", "b"] {
        let templates = folder.join(name).join("templates");
        fs::create_dir_all(&templates).expect("target can be written");
        fs::write(folder.join(name).join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n"))
            .expect("written");
        // A key that no ConfigMap has, so that each chart is heard of.
        let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndatta: {{}}\n");
        fs::write(templates.join("map.yaml"), text).expect("written");
    }
    let lint = |jobs: &str| {
        let program = helm.program.to_str().expect("UTF-8");
        let arguments =
            ["lint", folder.to_str().expect("UTF-8"), "--helm", program, "--jobs", jobs, "--format", "compact"];
        stdout(&capi_lint(&arguments, ""))
    };
    let one = lint("1");
    let order: Vec<_> = ["a", "b", "c"].map(|name| one.find(&format!("several-charts/{name}"))).into();
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{one}");
    assert_eq!(lint("3"), one);
}

#[test]
fn a_report_compares_a_chart_with_its_old_values() {
    let Some(helm) = Helm::all("old-values").next() else { return };
    let folder = empty_folder("old-values");
    let values = folder.join("old.yaml");
    fs::write(&values, "env: dev\n").expect("written");
    let program = helm.program.to_str().expect("UTF-8");
    let (chart, values) = (chart(), values.to_str().expect("UTF-8").to_owned());
    let report = |more: &[&str]| {
        let arguments = [&["report", &chart, "--diff", &chart, "--helm", program], more].concat();
        let output = capi_lint(&arguments, "");
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let added = |page: &str| {
        let (_, summary) = page.split_once("\"summary\":{\"added\":").expect("a summary of the comparison");
        summary.split(|byte: char| !byte.is_ascii_digit()).next().unwrap_or_default().parse::<u32>().expect("a number")
    };
    assert_eq!(added(&report(&[])), 0);
    assert!(added(&report(&["--old-values", &values])) > 0);
}

#[test]
fn every_rendering_of_the_chart_is_clean() {
    let Some(helm) = Helm::all("renderings").next() else { return };
    let values = ["values", "values-small", "values-regions", "values-environments"];
    let values = values.map(|name| format!("--values={}/{name}.yaml", chart()));
    let environments = ["dev", "staging", "prod"].map(|name| format!("--set=env={name}"));
    for choice in values.iter().chain(&environments) {
        for version in ["v1beta1", "v1beta2"] {
            for provider in ["docker", "dev", "aws"] {
                let set = format!("--set=apiVersion={version},provider={provider}");
                let output = capi_lint(&["lint"], &helm.template(&[choice, &set]));
                assert!(output.status.success(), "{choice} {set}: {}{}", stdout(&output), stderr(&output));
            }
        }
    }
}

#[test]
fn the_plugin_runs_the_command_line() {
    for helm in Helm::all("plugin") {
        let lint = |name: &str| helm.run(["capi-lint", "lint", &path(&format!("fixtures/render/{name}"))]);
        let good = lint("multi-cluster.yaml");
        assert!(good.status.success(), "{}{}", stdout(&good), stderr(&good));
        let bad = lint("multi-cluster-bad.yaml");
        assert_eq!(bad.status.code(), Some(1), "{}{}", stdout(&bad), stderr(&bad));
        assert!(stdout(&bad).contains("verison"), "{}", stdout(&bad));
    }
}

/// Machine templates are immutable: what changes them must change their names, and nothing else may.
#[test]
fn names_of_templates_follow_their_content_alone() {
    let Some(helm) = Helm::all("names").next() else { return };
    let templates = |sets: &[&str]| {
        let rendered = helm.template(&[&["--set=env=staging,provider=aws"], sets].concat());
        ["DockerMachineTemplate", "AWSMachineTemplate", "KubeadmConfigTemplate"]
            .map(|kind| names(&rendered, kind))
            .concat()
    };
    let before = templates(&[]);
    assert_eq!(before.len(), 6);
    for harmless in [
        "apiVersion=v1beta1",
        "environments.staging.workerReplicas=9",
        "environments.staging.controlPlaneReplicas=5",
        "environments.staging.labels.cni=calico",
        "environments.staging.team=core",
        "defaultKubernetesVersion=v1.33.4",
    ] {
        assert_eq!(templates(&["--set", harmless]), before, "{harmless}");
    }
    let kept = |after: &[String]| after.iter().filter(|name| before.contains(name)).count();
    let after = templates(&["--set=instanceTypes.medium=m7i.large"]);
    assert_eq!(kept(&after), 2, "only the KubeadmConfigTemplates stay: {before:?} {after:?}");
    assert_eq!(kept(&templates(&["--set=provider=docker"])), 0, "another provider has other templates");
}

#[test]
fn shipped_renderings_are_those_of_the_chart() {
    let Some(helm) = Helm::new(Major::Helm3, "shipped") else { return };
    let (rendered, shipped) = (helm.template(&[]), shipped("multi-cluster.yaml"));
    // Releases of Helm 3 differ in blank lines.
    let lines = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&rendered), lines(&shipped), "scripts/render-fixtures.sh renders them anew");
}

/// What a machine without Helm can show of all this.
#[test]
fn shipped_renderings_go_through_or_are_refused() {
    for good in ["multi-cluster.yaml", "multi-cluster-helm4.yaml"] {
        let manifests = shipped(good);
        let output = capi_lint(&["post-render"], &manifests);
        assert!(output.status.success(), "{good}: {}", stderr(&output));
        assert_eq!(labelled(&stdout(&output)), OBJECTS);
        let marks = |text: &str| text.matches("multi-cluster/templates/").count();
        assert_eq!(marks(&stdout(&output)), marks(&manifests), "marks of origin survive");
    }
    let output = capi_lint(&["post-render"], &shipped("multi-cluster-bad.yaml"));
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "a refusal writes nothing to standard output");
    for mistake in ["cidrBlock", "apiGroup", "certSans", "verison", "replicas"] {
        assert!(stderr(&output).contains(mistake), "no {mistake} in {}", stderr(&output));
    }
}
