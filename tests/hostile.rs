//! Input that means harm: whatever comes in by whatever door, capi-lint says what is wrong in words, soon, and in little memory.
//!
//! The inputs are made here, of moderate size; `CAPI_LINT_HOSTILE=full` makes them as large as issue 10 has them, and
//! `CAPI_LINT_RECORD=1` writes what was measured into `docs/reliability.md` (`scripts/hostile.sh` does both with an optimised
//! binary).

#[path = "common/mod.rs"]
mod common;
#[path = "hostile/inputs.rs"]
mod inputs;
#[path = "common/measured.rs"]
mod measured;
#[path = "hostile/record.rs"]
mod record;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use inputs::{Folder, Input};
use measured::Measured;

/// A way to hand a file to a command.
struct Door {
    name: &'static str,
    arguments: fn(&str) -> Vec<&str>,
    by_stdin: bool,
}

const GOOD: &str = "good.yaml";

const DOORS: &[Door] = &[
    Door { name: "lint", arguments: |file| vec!["lint", file], by_stdin: false },
    Door { name: "post-render", arguments: |_| vec!["post-render"], by_stdin: true },
    Door { name: "lint --format sarif", arguments: |file| vec!["lint", "--format", "sarif", file], by_stdin: false },
    Door { name: "count", arguments: |_| vec!["count"], by_stdin: true },
    Door { name: "migrate", arguments: |file| vec!["migrate", file], by_stdin: false },
    Door { name: "diff NEW", arguments: |file| vec!["diff", GOOD, file], by_stdin: false },
    Door { name: "diff OLD", arguments: |file| vec!["diff", file, GOOD], by_stdin: false },
    Door { name: "report", arguments: |file| vec!["report", file], by_stdin: false },
    Door { name: "graph", arguments: |file| vec!["graph", file], by_stdin: false },
    Door { name: "plan", arguments: |file| vec!["plan", file], by_stdin: false },
    Door {
        name: "split",
        arguments: |file| vec!["split", "--by", "cluster", "-o", "split", "--force", file],
        by_stdin: false,
    },
    Door { name: "verify", arguments: |file| vec!["verify", file, "--live", GOOD], by_stdin: false },
    Door { name: "verify --live", arguments: |file| vec!["verify", GOOD, "--live", file], by_stdin: false },
    Door { name: "schema import", arguments: |file| vec!["schema", "import", file, "-o", "imported"], by_stdin: false },
    Door { name: "contexts", arguments: |file| vec!["contexts", file], by_stdin: false },
    Door { name: "--schemas", arguments: |file| vec!["lint", GOOD, "--schemas", file], by_stdin: false },
    Door { name: "--config", arguments: |file| vec!["lint", GOOD, "--config", file], by_stdin: false },
    Door { name: "--inventory", arguments: |file| vec!["lint", GOOD, "--inventory", file], by_stdin: false },
    Door { name: "--baseline", arguments: |file| vec!["lint", GOOD, "--baseline", file], by_stdin: false },
    Door { name: "hook", arguments: |file| vec!["hook", "manifests", "--context", "empty", file], by_stdin: false },
];

/// What a run may take: the input and what is said about it, a few times over; for inputs that were packed, unpacked.
fn memory_bound(input: &Input, run: &Measured) -> u64 {
    (96 << 20) + 5 * (input.size + run.output) + input.unpacked * 3
}

/// Two seconds, and a time that grows as the input does; an unoptimised binary takes many times as long.
fn time_bound(input: &Input) -> Duration {
    let per_megabyte = if measured::is_release() { 20 } else { 600 };
    let start = if measured::is_release() { 2000 } else { 8000 };
    let megabytes = (input.size + input.unpacked) / 1_000_000;
    Duration::from_millis(start + per_megabyte * megabytes)
}

fn check(door: &Door, input: &Input, folder: &Folder) -> Measured {
    let arguments = (door.arguments)(&input.file);
    let stdin = door.by_stdin.then(|| folder.path.join(&input.file));
    let most = time_bound(input) * 20;
    let run = measured::run(&arguments, stdin.as_deref(), &folder.path, most);
    let what = format!("{} of {} ({} bytes)", door.name, input.file, input.size);
    let _ = fs::remove_dir_all(folder.path.join("split"));
    assert!(!run.stopped, "{what} does not end within {most:?}");
    assert!([0, 1, 2].contains(&run.code), "{what}: exit code {}\n{}", run.code, run.stderr);
    for word in ["a defect of capi-lint", "panicked", "overflow"] {
        assert!(!run.stderr.contains(word), "{what}: {}", run.stderr);
    }
    assert!(run.code == 0 || run.output > 0, "{what} fails without a word");
    if run.code == 2 {
        assert!(run.stderr.starts_with("capi-lint: "), "{what}: {}", run.stderr);
    }
    if door.name == "post-render" && run.code != 0 {
        assert!(run.stdout.is_empty(), "{what} is refused and puts something out");
    }
    if door.name == "lint" {
        assert!(run.stdout.contains(input.says), "{what} does not say '{}':\n{}", input.says, run.stdout);
    }
    assert!(run.time <= time_bound(input), "{what} took {:?}", run.time);
    let most = memory_bound(input, &run);
    assert!(run.memory <= most, "{what} took {} MB of {}", run.memory >> 20, most >> 20);
    run
}

/// All doors for one input.
fn all_doors(input: &Input, folder: &Folder) -> Vec<(&'static str, Measured)> {
    DOORS.iter().map(|door| (door.name, check(door, input, folder))).collect()
}

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::copy(common::repository("fixtures/render/multi-cluster.yaml"), folder.path.join(GOOD)).expect("the fixture");
    fs::create_dir(folder.path.join("empty")).expect("a folder");
    folder
}

fn suite(name: &'static str, make: fn(&Folder, &mut dyn FnMut(Input))) {
    let folder = folder(name);
    let mut rows = Vec::new();
    make(&folder, &mut |input: Input| {
        let runs = all_doors(&input, &folder);
        rows.push(record::row(&input, &runs));
        fs::remove_file(folder.path.join(&input.file)).expect("the input");
    });
    record::write(name, &rows);
}

#[test]
fn what_nests() {
    suite("nested", inputs::nested);
}

#[test]
fn what_is_long() {
    suite("long", inputs::long);
}

#[test]
fn what_is_many() {
    suite("many", inputs::many);
}

#[test]
fn what_is_packed() {
    suite("packed", inputs::packed);
}

#[test]
fn what_is_no_text() {
    suite("bytes", inputs::bytes);
}

/// Runs lint with settings, schemas or manifests that are slow to judge; gives what it said.
fn judged(folder: &Folder, files: &[(&str, &str)], arguments: &[&str]) -> Measured {
    for (name, text) in files {
        fs::write(folder.path.join(name), text).expect("a file");
    }
    let limit = if measured::is_release() { 2 } else { 30 };
    let run = measured::run(arguments, None, &folder.path, Duration::from_secs(20 * limit));
    let what = format!("{arguments:?}: {}{}", run.stdout, run.stderr);
    assert!(!run.stopped && run.time < Duration::from_secs(limit), "{:?} for {what}", run.time);
    assert!([0, 1, 2].contains(&run.code) && run.memory < 512 << 20, "{} MB, {what}", run.memory >> 20);
    assert!(!run.stderr.contains("a defect of"), "{what}");
    run
}

fn crd(schema: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: widgets.example.org\nspec:\n  \
         group: example.org\n  scope: Namespaced\n  names: {{kind: Widget, plural: widgets, singular: widget, listKind: \
         WidgetList}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        \
         type: object\n        properties:\n          spec:\n            type: object\n{schema}"
    )
}

fn widget(spec: &str) -> String {
    format!("apiVersion: example.org/v1\nkind: Widget\nmetadata: {{name: a, namespace: b}}\nspec:\n{spec}")
}

#[test]
fn patterns_are_never_slow() {
    let folder = folder("patterns");
    for pattern in
        ["(a+)+$", "(a|a)*b", "(a*)*b", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?:a{1000}){1000}", "(.*){0,1000}b"]
    {
        let schema = format!("            properties:\n              a: {{type: string, pattern: '{pattern}'}}\n");
        let manifest = widget(&format!("  a: {}\n", "a".repeat(100_000)));
        let files = [("crd.yaml", &*crd(&schema)), ("w.yaml", &*manifest)];
        let run = judged(&folder, &files, &["lint", "w.yaml", "--schemas", "crd.yaml"]);
        assert!(!run.stdout.is_empty() || !run.stderr.is_empty(), "{pattern}");
    }
}

#[test]
fn json_schemas_are_never_slow_and_reach_nothing() {
    let folder = folder("json-schemas");
    let manifest = widget(&format!("  a: {}\n", "a".repeat(5_000)));
    let kind = r#""x-kubernetes-group-version-kind": [{"group": "example.org", "version": "v1", "kind": "Widget"}]"#;
    for body in [
        r#""properties": {"spec": {"properties": {"a": {"pattern": "^(?=a)(a+)+\\1$"}}}}"#,
        r#""properties": {"spec": {"properties": {"a": {"pattern": "^(a+)+$"}}}}"#,
        r##""properties": {}, "$ref": "#""##,
        r##""properties": {}, "allOf": [{"$ref": "#/definitions/a"}], "definitions": {"a": {"anyOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/a"}]}}"##,
        r#""properties": {"spec": {"$ref": "http://127.0.0.1:9/schema.json"}}"#,
        r#""properties": {"spec": {"$ref": "file:///etc/passwd"}}"#,
    ] {
        let schema = format!("{{\"$schema\": \"http://json-schema.org/draft-07/schema#\", {kind}, {body}}}");
        judged(&folder, &[("s.json", &schema), ("w.yaml", &manifest)], &["lint", "w.yaml", "--schemas", "s.json"]);
    }
}

#[test]
fn rules_in_cel_stop_at_the_servers_budget() {
    let folder = folder("cel");
    let list: String = (0..500).map(|number| format!("  - {number}\n")).collect();
    let manifest = widget(&format!("  list:\n{}", list.replace("  - ", "    - ")));
    let schema = "            properties:\n              list: {type: array, items: {type: integer}}\n            \
                  x-kubernetes-validations:\n            - rule: RULE\n";
    for rule in [
        "self.list.all(a, self.list.all(b, self.list.all(c, a + b + c >= 0)))",
        "self.list.map(a, self.list.map(b, self.list.map(c, a + b + c))).size() >= 0",
        "self.list.all(a, self.list.exists(b, self.list.exists(c, string(a + b + c).matches('(a+)+$'))))",
        "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, \
         [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, [1,2,3,4,5,6,7,8,9].all(g, [1,2,3,4,5,6,7,8,9].all(h, a+b+c+d+e+f+g+h > \
         0))))))))",
    ] {
        let crd = crd(&schema.replace("RULE", &format!("\"{rule}\"")));
        let run =
            judged(&folder, &[("crd.yaml", &crd), ("w.yaml", &manifest)], &["lint", "w.yaml", "--schemas", "crd.yaml"]);
        assert_ne!(run.code, 0, "{rule}: {}", run.stdout);
        // The same as a rule of the settings.
        let rule = rule.replace("self.", "self.spec.");
        let settings =
            format!("custom-rules:\n- {{name: slow, kind: Widget, expression: \"{rule}\", message: slow}}\n");
        let run =
            judged(&folder, &[("s.yaml", &settings), ("w.yaml", &manifest)], &["lint", "w.yaml", "--config", "s.yaml"]);
        assert!(run.stdout.contains("costs more than the server allows"), "{rule}: {}{}", run.stdout, run.stderr);
    }
    let deep = format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000));
    let long = vec!["true"; 200_000].join(" && ");
    let nots = format!("{}true", "!".repeat(200_000));
    let growing = format!(
        "{}size() > 0",
        "'aaaaaaaaaaaaaaaa'".to_owned() + &".replace('a', 'aaaaaaaaaaaaaaaa')".repeat(12) + "."
    );
    for rule in [deep, long, nots, growing] {
        let settings =
            format!("custom-rules:\n- {{name: slow, kind: Widget, expression: \"{rule}\", message: slow}}\n");
        judged(&folder, &[("s.yaml", &settings), ("w.yaml", &manifest)], &["lint", "w.yaml", "--config", "s.yaml"]);
        let crd = crd(&schema.replace("RULE", &format!("\"{rule}\"")));
        judged(&folder, &[("crd.yaml", &crd), ("w.yaml", &manifest)], &["lint", "w.yaml", "--schemas", "crd.yaml"]);
    }
}

#[test]
fn variables_of_classes_stop_at_the_servers_budget() {
    let folder = folder("variables");
    let class = |schema: &str| {
        format!(
            "apiVersion: cluster.x-k8s.io/v1beta2\nkind: ClusterClass\nmetadata: {{name: a, namespace: b}}\nspec:\n  controlPlane: \
             {{templateRef: {{apiVersion: controlplane.cluster.x-k8s.io/v1beta2, kind: KubeadmControlPlaneTemplate, name: x}}}}\n  \
             infrastructure: {{templateRef: {{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerClusterTemplate, name: \
             x}}}}\n  variables:\n  - name: v\n    required: true\n    schema:\n      openAPIV3Schema: {schema}\n"
        )
    };
    for schema in [
        "{type: object, properties: {l: {type: array, items: {type: string}}}, x-kubernetes-validations: [{rule: 'self.l.all(a, \
         self.l.all(b, self.l.all(c, a+b+c != \"\")))'}]}"
            .to_owned(),
        "{type: string, pattern: '(?:a{1000}){1000}'}".to_owned(),
        format!("{}{{type: string}}{}", "{type: array, items: ".repeat(400), "}".repeat(400)),
        format!("{{type: object, x-kubernetes-validations: [{{rule: '{}true{}'}}]}}", "(".repeat(50_000), ")".repeat(50_000)),
    ] {
        let run = judged(&folder, &[("c.yaml", &class(&schema))], &["lint", "c.yaml", "--gates", "ClusterTopology=true"]);
        let is_refused = run.stdout.contains("error[invalid-variable-schema]");
        assert_eq!(is_refused, !schema.starts_with("{type: array"), "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn settings_are_never_slow() {
    let folder = folder("settings");
    let star = "*a".repeat(2000);
    for settings in [
        "naming: {pattern: '(a{1000}){1000}'}\n".to_owned(),
        format!("ignores:\n- {{object: '{star}', reason: x}}\n"),
        "labels: &a {all: {x: y}}\nrules: *a\n".to_owned(),
        format!("x: {}\n", "[".repeat(200_000)),
        format!("a0: &a0 [x]\n{}", (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect::<String>()),
        "fail-on: !!binary aGVsbG8=\n".to_owned(),
        format!("extends: {}\n", "x".repeat(3_000_000)),
        format!("rules:\n{}", (0..100_000).map(|n| format!("  r{n}: error\n")).collect::<String>()),
        "- a\n- b\n".to_owned(),
        "just text\n".to_owned(),
        "\0\0\0".to_owned(),
    ] {
        let run = judged(&folder, &[("s.yaml", &settings)], &["lint", GOOD, "--config", "s.yaml"]);
        assert!(run.stderr.len() < 3000, "a message of {} bytes", run.stderr.len());
    }
}

/// Runs a command of the machine; `false` where it is not there.
fn made(program: &str, arguments: &[&str]) -> bool {
    std::process::Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
}

#[test]
fn what_is_no_file_is_passed_over_or_named() {
    let folder = folder("special");
    let path = |name: &str| folder.path.join(name);
    let dir = path("release");
    fs::create_dir(&dir).expect("a folder");
    fs::copy(path(GOOD), dir.join("a.yaml")).expect("a copy");
    let text = |path: &Path| path.to_str().expect("a name").to_owned();
    let has_pipe = made("mkfifo", &[&text(&dir.join("pipe.yaml"))]);
    let socket = std::os::unix::net::UnixListener::bind(dir.join("socket.yaml"));
    let link = |to: &str, from: PathBuf| std::os::unix::fs::symlink(to, from).expect("a link");
    link("/dev/zero", dir.join("zero.yaml"));
    link("..", dir.join("up"));
    link(".", dir.join("here"));
    fs::create_dir(dir.join(std::ffi::OsStr::new("caf\u{e9}"))).expect("a folder");
    {
        use std::os::unix::ffi::OsStrExt;
        fs::copy(path(GOOD), dir.join(std::ffi::OsStr::from_bytes(b"b\xFF.yaml"))).expect("a name that is no UTF-8");
    }
    let most = Duration::from_secs(20);
    let run = |arguments: &[&str]| measured::run(arguments, None, &folder.path, most);
    let judged = run(&["count", "--format", "json", "release"]);
    assert!(!judged.stopped && judged.code == 0, "{}", judged.stderr);
    assert!(judged.stdout.contains("\"objects\": 42"), "both files, and each once: {}", judged.stdout);
    let shown = run(&["lint", "--fail-on", "never", "release"]);
    assert!(shown.code == 0 && !shown.stopped, "{}", shown.stderr);
    for arguments in [
        &["lint", "/dev/zero"][..],
        &["lint", GOOD, "--config", "/dev/zero"],
        &["lint", GOOD, "--baseline", "/dev/zero"],
        &["lint", GOOD, "--schemas", "/dev/zero"],
        &["lint", GOOD, "--inventory", "/dev/zero"],
        &["diff", GOOD, "/dev/zero"],
        &["verify", GOOD, "--live", "/dev/zero"],
    ] {
        let run = run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains("/dev/zero is a device that does not end"), "{}", run.stderr);
        assert!(run.memory < 128 << 20);
    }
    let endless = measured::run(&["post-render"], Some(Path::new("/dev/zero")), &folder.path, most);
    assert!(
        endless.code == 2 && endless.stdout.is_empty() && endless.stderr.contains("does not end"),
        "{}",
        endless.stderr
    );
    assert_eq!(run(&["lint", "/dev/null"]).code, 0, "no documents, but no mistake of reading either");
    if socket.is_ok() {
        let run = run(&["lint", "release/socket.yaml"]);
        assert!(run.code == 2 && run.stderr.contains("cannot read"), "{}", run.stderr);
    }
    if has_pipe {
        // A pipe that is named is read: it is how shells hand over <(helm template …).
        let (pipe, good) = (dir.join("pipe.yaml"), fs::read(path(GOOD)).expect("the fixture"));
        let writer = std::thread::spawn(move || fs::write(pipe, good));
        let run = run(&["count", "--expect", "Cluster=3", "release/pipe.yaml"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        writer.join().expect("it ends").expect("it was read");
    }
    link("nowhere.yaml", dir.join("lost.yaml"));
    let lost = run(&["lint", "release"]);
    assert!(
        lost.code == 2 && lost.stderr.contains("lost.yaml"),
        "a manifest that is lost is no success: {}",
        lost.stderr
    );
    fs::remove_file(dir.join("lost.yaml")).expect("the link");
    link("loop.yaml", dir.join("loop.yaml"));
    let looped = run(&["lint", "release"]);
    assert!(looped.code == 2 && looped.stderr.contains("loop.yaml"), "{}", looped.stderr);
    for arguments in [&["lint", "nowhere"][..], &["lint", "good.yaml/x"], &["lint", "/proc/self/mem"]] {
        let run = run(arguments);
        assert!(run.code == 2 && run.stderr.starts_with("capi-lint: "), "{arguments:?}: {} {}", run.code, run.stderr);
    }
}

#[test]
fn a_large_file_is_refused_before_it_is_read() {
    let folder = folder("sparse");
    let file = fs::File::create(folder.path.join("large.yaml")).expect("a file");
    if file.set_len(6 << 30).is_err() {
        eprintln!("skipped: no file of 6 GB can be made here");
        return;
    }
    let run = measured::run(&["lint", "large.yaml"], None, &folder.path, Duration::from_secs(10));
    assert!(run.code == 2 && run.stderr.contains("larger than four gigabytes"), "{}", run.stderr);
    assert!(run.memory < 64 << 20 && run.time < Duration::from_secs(5));
}

#[test]
fn a_chart_named_like_an_option_is_a_chart() {
    let folder = folder("chart");
    let chart = folder.path.join("--foo");
    fs::create_dir_all(chart.join("templates")).expect("a folder");
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: foo\nversion: 1.0.0\n").expect("a chart");
    fs::copy(folder.path.join(GOOD), chart.join("templates/a.yaml")).expect("a template");
    for helm in ["HELM3", "HELM4"] {
        let Some(helm) = std::env::var_os(helm) else {
            eprintln!("skipped: {helm} names no Helm");
            continue;
        };
        let helm = helm.to_str().expect("a path");
        for path in ["./--foo", "."] {
            let run =
                measured::run(&["count", "--helm", helm, "--", path], None, &folder.path, Duration::from_secs(60));
            assert!(run.code == 0, "{path}: {}", run.stderr);
        }
        let run = measured::run(&["count", "--helm", helm, "--", "--foo"], None, &folder.path, Duration::from_secs(60));
        assert!(run.code == 0 && run.stdout.contains("cluster-1"), "{}{}", run.stdout, run.stderr);
    }
    let run = measured::run(&["lint", "--foo"], None, &folder.path, Duration::from_secs(20));
    assert!(run.code == 2 && run.stderr.contains("--foo"), "{}", run.stderr);
}
