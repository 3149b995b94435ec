//! `capi-lint migrate` as a person runs it, and its fixtures.

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::{capi_lint, repository};

/// Each `fixtures/migrate/NAME.yaml` (or `.json`) with what it becomes in `NAME.migrated.yaml`.
#[test]
fn fixtures_become_what_they_say() {
    let mut count = 0;
    for file in std::fs::read_dir(repository("fixtures/migrate")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name.contains(".migrated.") {
            continue;
        }
        let (stem, extension) = name.rsplit_once('.').unwrap();
        let expected = file.with_file_name(format!("{stem}.migrated.{extension}"));
        let expected =
            std::fs::read_to_string(&expected).unwrap_or_else(|error| panic!("{}: {error}", expected.display()));
        let run = capi_lint(&["migrate"], &std::fs::read_to_string(&file).unwrap());
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        assert_eq!(run.stdout, expected, "{name}");
        let again = capi_lint(&["migrate", "--check"], &run.stdout);
        assert_eq!(
            (again.code, again.stdout.as_str()),
            (0, ""),
            "{name} is migrated once and for all: {}",
            again.stderr
        );
        count += 1;
    }
    assert!(count >= 3, "{count} fixtures");
}

/// What was written on Windows stays so, and means the same.
#[test]
fn fixtures_with_the_line_ends_of_windows_keep_them() {
    for file in std::fs::read_dir(repository("fixtures/migrate")).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        if file.to_string_lossy().contains(".migrated.") {
            continue;
        }
        let unix = capi_lint(&["migrate"], &text);
        let windows = capi_lint(&["migrate"], &text.replace('\n', "\r\n"));
        assert_eq!(windows.code, unix.code, "{}: {}", file.display(), windows.stderr);
        assert_eq!(windows.stdout, unix.stdout.replace('\n', "\r\n"), "{}", file.display());
    }
}

const OLD: &str = "apiVersion: cluster.x-k8s.io/v1beta1\nkind: Machine\nmetadata: {name: a} # a\nspec:\n  clusterName: a\n  \
                   bootstrap: {dataSecretName: a}\n  infrastructureRef: {apiVersion: a.example/v1, kind: A, name: a}\n  \
                   nodeDrainTimeout: 5m\n";
const NEW: &str = "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Machine\nmetadata: {name: a} # a\nspec:\n  clusterName: a\n  \
                   bootstrap: {dataSecretName: a}\n  infrastructureRef: {apiGroup: a.example, kind: A, name: a}\n  \
                   deletion:\n    nodeDrainTimeoutSeconds: 300\n";

/// A folder of files with these contents.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("migrate").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (file, text) in files {
        std::fs::write(folder.join(file), text).unwrap();
    }
    folder
}

fn read(folder: &std::path::Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

#[test]
fn in_place_rewrites_all_files() {
    let folder = folder("all", &[("a.yaml", OLD), ("b.yaml", NEW), ("c.yaml", "kind: ConfigMap\n")]);
    let run = capi_lint(&["migrate", "--in-place", folder.to_str().unwrap()], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert_eq!((read(&folder, "a.yaml").as_str(), read(&folder, "b.yaml").as_str()), (NEW, NEW));
    assert_eq!(read(&folder, "c.yaml"), "kind: ConfigMap\n");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3, "nothing is left behind");
}

#[test]
fn in_place_writes_nothing_when_a_document_is_refused() {
    let broken = OLD.replace("5m", "5 minutes");
    let folder = folder("refused", &[("a.yaml", OLD), ("b.yaml", &broken)]);
    let run = capi_lint(&["migrate", "--in-place", folder.to_str().unwrap()], "");
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("b.yaml:8:3: not migrated: spec.nodeDrainTimeout"), "{}", run.stderr);
    assert_eq!((read(&folder, "a.yaml").as_str(), read(&folder, "b.yaml")), (OLD, broken));
}

#[test]
fn check_says_whether_there_is_something_to_do() {
    assert_eq!(capi_lint(&["migrate", "--check"], OLD).code, 1);
    assert_eq!(capi_lint(&["migrate", "--check"], NEW).code, 0);
    assert_eq!(capi_lint(&["migrate", "--check"], "kind: ConfigMap\n").code, 0);
}

#[test]
fn diff_shows_the_lines() {
    let run = capi_lint(&["migrate", "--diff"], OLD);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("\n-  nodeDrainTimeout: 5m\n"), "{}", run.stdout);
    assert!(run.stdout.contains("\n+    nodeDrainTimeoutSeconds: 300\n"), "{}", run.stdout);
}

#[test]
fn a_refused_document_passes_as_it_was() {
    let stream = format!("{OLD}---\n{}", OLD.replace("v1beta1\nkind: Machine", "v1beta1\nkind: Marchine"));
    let run = capi_lint(&["migrate"], &stream);
    assert_eq!(run.code, 1);
    assert_eq!(run.stdout, format!("{NEW}---\n{}", OLD.replace("kind: Machine", "kind: Marchine")));
    assert!(run.stderr.contains("no Marchine of cluster.x-k8s.io/v1beta1"), "{}", run.stderr);
}

/// The chart renders both versions; the old one migrated means what the new one means.
#[test]
fn the_chart_at_v1beta1_becomes_the_chart_at_v1beta2() {
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tools/helm3");
    let helm = std::env::var_os("HELM3").map_or(target, PathBuf::from);
    let render = |version: &str| {
        let output = Command::new(&helm)
            .args(["template", "fleet", repository("charts/multi-cluster").to_str().unwrap(), "--set"])
            .arg(format!("apiVersion={version}"))
            .output()
            .ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(output.stdout)
    };
    let Some((old, new)) = render("v1beta1").zip(render("v1beta2")) else {
        println!("skipped: no helm3 here (scripts/helm-tools.sh gets one, HELM3 names one)");
        return;
    };
    let migrated = capi_lint::migrate::stream(&old).text(&old);
    assert_eq!(values(&migrated), values(&new));
}

/// What the documents of a stream mean, in any order.
fn values(stream: &[u8]) -> Vec<String> {
    let value = |document: capi_lint::yaml::RawDocument| {
        let text = document.text(stream).unwrap();
        let parsed = capi_lint::yaml::parse(text).unwrap();
        Some(sorted(&parsed.root()?.to_json()).to_string())
    };
    let mut values: Vec<String> = capi_lint::yaml::split(stream).filter_map(value).collect();
    values.sort();
    values
}

/// With keys in order, so that the same meaning is the same text.
fn sorted(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            serde_json::Value::Object(entries.into_iter().collect())
        }
        serde_json::Value::Array(items) => serde_json::Value::Array(items.iter().map(sorted).collect()),
        scalar => scalar.clone(),
    }
}

#[test]
fn templates_of_a_chart_are_proven_by_rendering() {
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tools/helm3");
    let helm = std::env::var_os("HELM3").map_or(target, PathBuf::from);
    if !helm.is_file() {
        println!("skipped: no helm3 here (scripts/helm-tools.sh gets one, HELM3 names one)");
        return;
    }
    let template = OLD
        .replace("{name: a} # a", "\n  name: {{ .Release.Name }} # a")
        .replace("  nodeDrainTimeout", "  {{- if .Values.slow }}\n  nodeDrainTimeout")
        + "  {{- end }}\n";
    let folder = folder(
        "chart",
        &[("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"), ("values.yaml", "slow: true\n")],
    );
    std::fs::create_dir(folder.join("templates")).unwrap();
    std::fs::write(folder.join("templates/machine.yaml"), &template).unwrap();
    let arguments =
        ["migrate", "--templates", folder.to_str().unwrap(), "--helm", helm.to_str().unwrap(), "--set", "slow=false"];
    let run = capi_lint(&arguments, "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("+    nodeDrainTimeoutSeconds: 300"), "{}", run.stdout);
    assert_eq!(read(&folder, "templates/machine.yaml"), template);
    let run = capi_lint(&[&arguments[..], &["--in-place"]].concat(), "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let new = read(&folder, "templates/machine.yaml");
    assert!(
        new.contains("  {{- if .Values.slow }}\n  deletion:\n    nodeDrainTimeoutSeconds: 300\n  {{- end }}\n"),
        "{new}"
    );
}

#[cfg(unix)]
#[test]
fn in_place_keeps_links_permissions_and_line_ends() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let windows = OLD.replace('\n', "\r\n");
    let folder = folder("links", &[("a.yaml", OLD), ("b.yaml", &windows)]);
    symlink(folder.join("a.yaml"), folder.join("link.yaml")).unwrap();
    let mode = |file: &str| std::fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(folder.join("a.yaml"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let paths: Vec<String> =
        ["link.yaml", "a.yaml", "b.yaml"].iter().map(|file| folder.join(file).display().to_string()).collect();
    let arguments: Vec<&str> = ["migrate", "--in-place"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let run = capi_lint(&arguments, "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(std::fs::symlink_metadata(folder.join("link.yaml")).unwrap().is_symlink());
    assert_eq!((read(&folder, "a.yaml").as_str(), mode("a.yaml")), (NEW, 0o640));
    assert_eq!(read(&folder, "b.yaml"), NEW.replace('\n', "\r\n"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3, "nothing is left behind");
}

/// The charts of the corpus, each with values that it renders with: what is migrated is proven by rendering, and what is not
/// is named with its line.
#[test]
fn charts_of_the_corpus_are_migrated_or_named() {
    let shared = std::env::var_os("CAPI_LINT_SHARED").map_or_else(|| repository("../shared"), PathBuf::from);
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tools/helm3");
    let helm = std::env::var_os("HELM3").map_or(target, PathBuf::from);
    if !helm.is_file() || !shared.is_dir() {
        println!("skipped: no helm3, or no shared data");
        return;
    }
    let cases = [
        ("capi-aws/1.0.22", "values.yaml", 0),
        ("cluster-api/0.1.0", "values-required.yaml", 0),
        ("control-plane-kubeadm/0.1.0", "values-required.yaml", 0),
        ("scs-docker-cluster-class/v1", "", 0),
        ("scs-openstack-cluster-class/v1", "", 0),
        ("scs2-openstack-cluster-class/v1", "", 0),
        ("openstack-cluster/0.27.0", "base.yaml", 1),
    ];
    for (chart, values, code) in cases {
        let folder = shared.join("corpus/charts").join(chart);
        let (chart_folder, values_file) = (folder.join("chart"), folder.join("values").join(values));
        let mut arguments = vec!["migrate", "--check", "--templates", chart_folder.to_str().unwrap()];
        arguments.extend(["--helm", helm.to_str().unwrap()]);
        if !values.is_empty() {
            arguments.extend(["-f", values_file.to_str().unwrap()]);
        }
        let run = capi_lint(&arguments, "");
        let closing = run.stderr.lines().last().unwrap_or_default().to_owned();
        println!("{chart}: {closing}");
        assert_eq!(run.code, 1, "{chart} has something to migrate: {}", run.stderr);
        assert_eq!(closing.ends_with("nothing to do by hand"), code == 0, "{chart}: {}", run.stderr);
        let named = run.stderr.lines().filter(|line| line.contains(": to do by hand: ")).count();
        assert_eq!(named > 0, code > 0, "{chart}: {}", run.stderr);
    }
}

/// A file whose lines are replaced as a finding says: from the first that goes to the first that stays.
fn replaced(text: &str, mut fixes: Vec<(usize, usize, String)>) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    fixes.sort();
    for (line, end, new) in fixes.iter().rev() {
        lines.splice(line - 1..end - 1, new.split_inclusive('\n'));
    }
    lines.concat()
}

fn number(value: &serde_json::Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn lint_as(format: &str, text: &str) -> String {
    // Tests run beside one another, each with a format of its own.
    let file = folder(&format!("fix-{format}"), &[("a.yaml", text)]).join("a.yaml");
    capi_lint(&["lint", file.to_str().unwrap(), "--format", format], "").stdout
}

/// The texts on which fixes are tried: one object of a kind each, since one finding speaks for all of a kind.
fn fixable() -> Vec<String> {
    let two = format!(
        "# first\n{OLD}---\n{}",
        OLD.replace("kind: Machine", "kind: MachineSet").replace("spec:", "spec: # b")
    );
    vec![OLD.to_owned(), two, OLD.replace('\n', "\r\n"), OLD.trim_end().to_owned()]
}

#[test]
fn fixes_in_json_make_what_migrate_makes() {
    for text in fixable() {
        let report: serde_json::Value = serde_json::from_str(&lint_as("json", &text)).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let of_rule = findings.iter().filter(|finding| finding["rule"] == "deprecated-version");
        let fixes: Vec<_> = of_rule
            .flat_map(|finding| finding["fix"].as_array().unwrap())
            .map(|fix| (number(&fix["line"]), number(&fix["endLine"]), fix["text"].as_str().unwrap().to_owned()))
            .collect();
        assert!(!fixes.is_empty(), "{report:#}");
        assert_eq!(replaced(&text, fixes), capi_lint(&["migrate"], &text).stdout, "{text:?}");
    }
}

#[test]
fn fixes_in_sarif_make_what_migrate_makes() {
    for text in fixable() {
        let report: serde_json::Value = serde_json::from_str(&lint_as("sarif", &text)).unwrap();
        let results = report["runs"][0]["results"].as_array().unwrap();
        let mut fixes = Vec::new();
        for result in results.iter().filter(|result| result["ruleId"] == "deprecated-version") {
            let fix = &result["fixes"][0];
            assert!(fix["description"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{fix:#}");
            let change = &fix["artifactChanges"][0];
            let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
            assert_eq!(change["artifactLocation"], *place);
            for replacement in change["replacements"].as_array().unwrap() {
                let region = &replacement["deletedRegion"];
                assert_eq!((number(&region["startColumn"]), number(&region["endColumn"])), (1, 1));
                let new = replacement["insertedContent"]["text"].as_str().unwrap();
                fixes.push((number(&region["startLine"]), number(&region["endLine"]), new.to_owned()));
            }
        }
        assert!(!fixes.is_empty(), "{report:#}");
        assert_eq!(replaced(&text, fixes), capi_lint(&["migrate"], &text).stdout, "{text:?}");
    }
}

#[test]
fn fixes_in_text_show_the_migrated_lines() {
    let said = lint_as("text", OLD);
    for line in ["cluster.x-k8s.io/v1beta2", "deletion:", "nodeDrainTimeoutSeconds: 300"] {
        assert!(said.contains(line), "{line:?} in {said}");
    }
}

/// Killed at any moment: each file is the old one or the new one, whole, and the next run ends the work.
#[test]
fn in_place_survives_being_killed() {
    let filler = "# a line of what must not get lost\n".repeat(300);
    let (old, new) = (format!("{OLD}{filler}"), format!("{NEW}{filler}"));
    let names: Vec<String> = (0..60).map(|n| format!("{n}.yaml")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), old.as_str())).collect();
    let (mut cut, mut delay) = (0, std::time::Duration::ZERO);
    loop {
        let folder = folder("killed", &files);
        let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
        let mut run = command.args(["migrate", "--in-place", folder.to_str().unwrap()]).spawn().unwrap();
        std::thread::sleep(delay);
        let done = run.try_wait().unwrap().is_some();
        let _ = run.kill();
        run.wait().unwrap();
        let texts: Vec<String> = names.iter().map(|name| read(&folder, name)).collect();
        assert!(texts.iter().all(|text| *text == old || *text == new), "half a file after {delay:?}");
        if done {
            break;
        }
        cut += 1;
        let again = capi_lint(&["migrate", "--in-place", folder.to_str().unwrap()], "");
        assert_eq!(again.code, 0, "{}", again.stderr);
        assert!(names.iter().all(|name| read(&folder, name) == new), "the next run ends the work");
        delay = delay * 5 / 4 + std::time::Duration::from_millis(3);
    }
    println!("killed {cut} times");
    assert!(cut > 0);
}

/// What of a class cannot follow stays, and the note says where and what to write.
#[test]
fn patches_that_cannot_follow_are_named_with_their_place() {
    let class = std::fs::read_to_string(repository("fixtures/migrate/class-patches.yaml")).unwrap();
    let template = "                template: |\n                  type: RollingUpdate\n                  rollingUpdate: {maxSurge: {{ .surge }}}\n";
    let path = "path: /spec/template/spec/kubeadmConfigSpec/clusterConfiguration/apiServer/extraArgs/anonymous-auth";
    let cases = [
        // Two patches of one argument that the template does not have.
        (
            path,
            path.replace("anonymous-auth", "new"),
            path.replace("anonymous-auth", "new"),
            "a list would then have two",
        ),
        // A duration from a variable.
        (
            "path: /spec/template/spec/rolloutStrategy\n",
            "path: /spec/template/spec/machineTemplate/nodeDrainTimeout\n".into(),
            String::new(),
            "make the variable an integer",
        ),
        // A structure from a variable.
        (template, "                variable: scheduler\n".into(), String::new(), "write the value with a template"),
    ];
    for (old, new, twice, said) in cases {
        assert!(class.contains(old), "{old}");
        let mut class = class.replace(old, &new);
        if !twice.is_empty() {
            class = class.replace("extraArgs/profiling", "extraArgs/new").replace("op: replace", "op: add");
        }
        let run = capi_lint(&["migrate"], &class);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.contains(said) && run.stderr.contains("stays at its old version"), "{said}: {}", run.stderr);
        let stays = run.stderr.lines().find(|line| line.contains("stays at")).unwrap();
        let line: usize = stays.split(':').nth(1).unwrap().parse().unwrap();
        assert!(class.lines().nth(line - 1).unwrap().contains("op:"), "{}", run.stderr);
        assert!(run.stdout.contains("      kind: KubeadmControlPlaneTemplate\n"), "{}", run.stdout);
        assert!(run.stdout.contains("apiVersion: controlplane.cluster.x-k8s.io/v1beta1"), "{}", run.stdout);
    }
}
