//! The manual against the program: every command of README.md and docs/ is run, and prints what the page says.
//!
//! Blocks ```` ```console ```` hold commands after `$ ` with what they print; blocks ```` ```sh ```` hold commands that must succeed
//! (```` ```sh helm4 ```` with Helm 4). What only a cluster could answer may end with Helm's word that there is none: then the
//! command line was right. YAML blocks that begin with a file's name are checked as that file, and their commands are run.
//! `CAPI_LINT_RECORD=1` writes the generated pages and the output of the console blocks anew.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use capi_lint::output::Format;
use clap::ValueEnum;
use serde_json::Value;

mod common;

use common::{Run, repository, run};

/// The pages; each gets a sandbox of its own. The tours have files of their own and are walked by `tests/tour.rs`.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![repository("README.md")];
    let entries = fs::read_dir(repository("docs")).expect("docs is there");
    pages.extend(entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".md") && !name.starts_with("tour.")
    }));
    pages.sort();
    pages
}

fn records() -> bool {
    std::env::var_os("CAPI_LINT_RECORD").is_some()
}

/// A fenced block: the words after the fence, the first line of its text, its lines.
struct Block {
    info: String,
    line: usize,
    lines: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                blocks.push(Block { info: info.trim().to_owned(), line: number + 1, lines: Vec::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => blocks.last_mut().expect("open").lines.push(line.to_owned()),
            (None, false) => {}
        }
    }
    blocks
}

/// What a reader of the pages has: a checkout, a chart and manifests of their own, and the tools that are named.
struct Sandbox {
    folder: PathBuf,
}

impl Sandbox {
    fn new(name: &str, helm: &Path) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs").join(name);
        let _ = fs::remove_dir_all(&folder);
        let sandbox = Self { folder };
        // The tour has a fleet of its own.
        if name.starts_with("tour") {
            copy(&repository("fixtures/tour"), &sandbox.folder);
        }
        for from in ["charts", "plugins", "fixtures/render"] {
            copy(&repository(from), &sandbox.folder.join(from));
        }
        copy(&repository("charts/multi-cluster"), &sandbox.folder.join("charts/fleet"));
        let tools = sandbox.folder.join("tools");
        fs::create_dir_all(&tools).expect("target can be written");
        symlink(helm, tools.join("helm")).expect("linked");
        for binary in [env!("CARGO_BIN_EXE_capi-lint"), env!("CARGO_BIN_EXE_capi-lint-post-render")] {
            symlink(binary, tools.join(Path::new(binary).file_name().expect("a file"))).expect("linked");
        }
        // Tools that are not ours stand in here with the least that the pages need of them.
        let crds = repository("fixtures/parity/gadget-crd.yaml");
        sandbox.tool("kubectl", &format!("cat '{}'", crds.display()));
        sandbox.tool("docker", "if [ \"$1\" = run ]; then exec capi-lint; fi");
        sandbox.tool("kustomize", "cat clusters/dev.yaml");
        sandbox.tool("helmfile", "exec helm template fleet charts/fleet");
        sandbox.tool("cargo", "exit 0");
        let prepared = sandbox.bash(
            "set -euo pipefail
            mkdir -p clusters rendered values old-fleet CodeAnalysisLogs
            echo 'env: prod' > values/prod.yaml
            one() { helm template fleet charts/fleet --set \"clusters[0].name=$1\"; }
            one dev > clusters/dev.yaml
            one blue > rendered/blue.yaml
            one green > rendered/green.yaml
            { cat rendered/blue.yaml; cat rendered/green.yaml; } > rendered/blue-green.yaml
            helm template fleet charts/fleet -f values/prod.yaml > rendered/prod.yaml
            cp rendered/blue.yaml old.yaml
            cp rendered/blue.yaml new.yaml
            cp fixtures/render/multi-cluster-bad.yaml old-fleet/fleet.yaml",
        );
        assert_eq!(prepared.code, 0, "{}", prepared.stderr);
        sandbox
    }

    fn tool(&self, name: &str, script: &str) {
        let path = self.folder.join("tools").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    fn command(&self) -> Command {
        let mut command = Command::new("bash");
        let mut search = vec![self.folder.join("tools")];
        search.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        command
            .current_dir(&self.folder)
            .env("PATH", std::env::join_paths(search).expect("no colon in the path of target"))
            .env("HELM_DATA_HOME", self.folder.join("helm/data"))
            .env("HELM_CACHE_HOME", self.folder.join("helm/cache"))
            .env("HELM_CONFIG_HOME", self.folder.join("helm/config"))
            .env("HELM_PLUGINS", self.folder.join("helm/data/plugins"))
            .env("KUBECONFIG", self.folder.join("no-kubeconfig"))
            .env_remove("HELM_NAMESPACE");
        command
    }

    fn bash(&self, script: &str) -> Run {
        let mut command = self.command();
        command.args(["-c", script]);
        run(command, b"")
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("target can be written");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

fn helm(major: u8) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp lies in target");
    let named = std::env::var_os(format!("HELM{major}")).map(PathBuf::from);
    let found = named.or_else(|| Some(target.join(format!("tools/helm{major}")))).filter(|helm| helm.is_file());
    if found.is_none() {
        println!("skipped: no Helm {major} here (scripts/helm-tools.sh gets one)");
    }
    found
}

fn sandbox_name(page: &Path) -> String {
    page.file_stem().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn console_blocks_print_what_the_page_says() {
    let Some(helm) = helm(3) else { return };
    let mut wrong = String::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("readable");
        let consoles: Vec<Block> = blocks(&text).into_iter().filter(|block| block.info == "console").collect();
        if consoles.is_empty() {
            continue;
        }
        let sandbox = Sandbox::new(&sandbox_name(&page), &helm);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for block in &consoles {
            let printed = console(&sandbox, block);
            if printed != block.lines {
                let _ = writeln!(
                    wrong,
                    "{}:{}\n--- the page\n{}\n--- now\n{}\n",
                    page.display(),
                    block.line,
                    block.lines.join("\n"),
                    printed.join("\n")
                );
            }
        }
        if records() {
            let fresh = Sandbox::new(&sandbox_name(&page), &helm);
            let new: Vec<Vec<String>> = consoles.iter().map(|block| console(&fresh, block)).collect();
            for (block, printed) in consoles.iter().zip(new).rev() {
                lines.splice(block.line..block.line + block.lines.len(), printed);
            }
            fs::write(&page, lines.join("\n") + "\n").expect("written");
        }
    }
    assert!(wrong.is_empty() || records(), "{wrong}CAPI_LINT_RECORD=1 writes the pages anew");
}

/// The block as it should be: its commands, each with what it prints.
fn console(sandbox: &Sandbox, block: &Block) -> Vec<String> {
    let commands: Vec<&str> = block.lines.iter().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(!commands.is_empty(), "a console block without a command, line {}", block.line);
    let mut script = String::from("s=0\n");
    for command in &commands {
        // A separator that no output has; the exit code of the last command is there for the next.
        let _ = writeln!(script, "(exit $s)\n{command}\ns=$?; printf '\\001'");
    }
    let mut command = sandbox.command();
    command.args(["-c", &format!("exec 2>&1\n{script}")]);
    let printed = run(command, b"").stdout;
    let mut lines = Vec::new();
    for (command, printed) in commands.iter().zip(printed.split('\u{1}')) {
        lines.push(format!("$ {command}"));
        lines.extend(printed.lines().map(|line| line.trim_end().to_owned()));
    }
    lines
}

#[test]
fn shell_blocks_run() {
    for (major, info) in [(3, "sh"), (4, "sh helm4")] {
        let Some(helm) = helm(major) else { continue };
        for page in pages() {
            let text = fs::read_to_string(&page).expect("readable");
            let found: Vec<Block> = blocks(&text).into_iter().filter(|block| block.info == info).collect();
            if found.is_empty() {
                continue;
            }
            let sandbox = Sandbox::new(&format!("{}-{major}", sandbox_name(&page)), &helm);
            for block in found {
                for (at, line) in block.lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
                    let run = sandbox.bash(&format!("set -o pipefail\n{line}"));
                    let said = format!("{}{}", run.stdout, run.stderr).to_lowercase();
                    let asks_a_cluster = said.contains("cluster unreachable");
                    let is_there = line.starts_with("helm plugin install") && said.contains("plugin already exists");
                    assert!(
                        run.code == 0 || asks_a_cluster || is_there,
                        "{}:{}: {line}\n{said}",
                        page.display(),
                        block.line + at + 1
                    );
                }
            }
        }
    }
}

#[test]
fn snippets_for_ci_run_and_keep_to_their_schemas() {
    let Some(helm) = helm(3) else { return };
    let sandbox = Sandbox::new("snippets", &helm);
    let mut seen = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("readable");
        for block in blocks(&text).into_iter().filter(|block| block.info == "yaml") {
            let Some(name) = block.lines.first().and_then(|line| line.strip_prefix("# ")) else { continue };
            let file = sandbox.folder.join("snippets").join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("target can be written");
            fs::write(&file, block.lines.join("\n") + "\n").expect("written");
            let value: Value = serde_yaml::from_str(&block.lines.join("\n")).unwrap_or_else(|error| {
                panic!("{}:{}: {error}", page.display(), block.line);
            });
            let place = format!("{}:{} {name}", page.display(), block.line);
            keeps_to_schema(name, &file, &sandbox, &place);
            let mut scripts = Vec::new();
            scripts_of(&value, &mut scripts);
            for script in scripts {
                let folder = if name.starts_with("argocd") { "charts/fleet" } else { "." };
                let run = sandbox.bash(&format!(
                    "export GITHUB_STEP_SUMMARY=$PWD/summary.md ARGOCD_APP_NAME=fleet ARGOCD_APP_NAMESPACE=fleet\ncd {folder}\n{script}"
                ));
                assert_eq!(run.code, 0, "{place}\n{script}\n{}{}", run.stdout, run.stderr);
                seen.push(name.to_owned());
            }
        }
    }
    for name in [
        ".github/workflows/lint.yml",
        ".gitlab-ci.yml",
        "azure-pipelines.yml",
        "tekton-task.yaml",
        "argocd-plugin.yaml",
    ] {
        assert!(seen.iter().any(|one| one == name), "{name} ran no command");
    }
}

/// All scripts in a pipeline that run capi-lint.
fn scripts_of(value: &Value, scripts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if ["run", "script", "bash", "args"].contains(&key.as_str()) {
                    let lines: Vec<&str> = match value {
                        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
                        one => one.as_str().into_iter().collect(),
                    };
                    if lines.iter().any(|line| line.contains("capi-lint ")) {
                        scripts.push(format!("set -e\n{}", lines.join("\n")));
                    }
                } else {
                    scripts_of(value, scripts);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| scripts_of(value, scripts)),
        _ => {}
    }
}

fn keeps_to_schema(name: &str, file: &Path, sandbox: &Sandbox, place: &str) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp lies in target");
    let tools = std::env::var_os("CAPI_LINT_CONSUMERS").map_or_else(|| target.join("tools/consumers"), PathBuf::from);
    let schema = |schema: &str| {
        (tools.join("venv/bin/check-jsonschema"), vec!["--builtin-schema".to_owned(), schema.to_owned()])
    };
    let (program, mut arguments) = match name {
        _ if name.starts_with(".github/workflows/") => schema("vendor.github-workflows"),
        ".gitlab-ci.yml" => schema("vendor.gitlab-ci"),
        "azure-pipelines.yml" => schema("vendor.azure-pipelines"),
        ".pre-commit-config.yaml" => (tools.join("venv/bin/pre-commit"), vec!["validate-config".to_owned()]),
        // Kinds that are bundled.
        "argocd-application.yaml" | "flux-release.yaml" => {
            (env!("CARGO_BIN_EXE_capi-lint").into(), ["lint", "--fail-on", "error"].map(str::to_owned).into())
        }
        ".capi-lint.yaml" => {
            fs::write(file.with_file_name(".capi-lint-baseline.json"), "{\"version\": 1, \"findings\": {}}")
                .expect("written");
            let lint = ["lint", "rendered/blue.yaml", "--config"].map(str::to_owned);
            (env!("CARGO_BIN_EXE_capi-lint").into(), lint.into())
        }
        _ => return,
    };
    if !program.exists() {
        println!("skipped: no {} (scripts/test-tools.sh gets it)", program.display());
        return;
    }
    arguments.push(file.display().to_string());
    let mut command = Command::new(program);
    command.args(&arguments).current_dir(&sandbox.folder);
    let run = run(command, b"");
    assert_eq!(run.code, 0, "{place}\n{}{}", run.stdout, run.stderr);
}

/// The steps of action.yml, with a pull request made up, and a `gh` that writes down what it is asked.
#[test]
fn the_github_action_lints_compares_and_comments() {
    let Some(helm) = helm(3) else { return };
    let sandbox = Sandbox::new("action", &helm);
    sandbox.tool(
        "gh",
        "echo \"$@\" >> \"$RUNNER_TEMP/gh\"; case $* in *--jq*) cat \"$RUNNER_TEMP/known\" 2>/dev/null;; esac; exit 0",
    );
    let text = fs::read_to_string(repository("action.yml")).expect("readable");
    let action: Value = serde_yaml::from_str(&text).expect("YAML");
    let script = |id: &str| -> String {
        let steps = action["runs"]["steps"].as_array().expect("steps");
        let step = steps.iter().find(|step| step["id"] == *id || step["name"] == *id).expect("the step is there");
        step["run"].as_str().expect("a script").to_owned()
    };
    let git = "git -c user.name=test -c user.email=test@example.com -c init.defaultBranch=main";
    let prepared = sandbox.bash(&format!(
        "set -e; mkdir -p temp; {git} init -q . ; {git} add charts clusters; {git} commit -qm base; {git} rev-parse HEAD > temp/base
        sed -i 's/v1.32.8/v1.33.4/' charts/fleet/values.yaml"
    ));
    assert_eq!(prepared.code, 0, "{}", prepared.stderr);
    let environment = "export RUNNER_TEMP=$PWD/temp GITHUB_OUTPUT=$PWD/temp/output GITHUB_STEP_SUMMARY=$PWD/temp/summary \
        GITHUB_REPOSITORY=o/r PULL_REQUEST=7 BINARY=capi-lint BASE=$(cat temp/base) SUBJECT=charts/fleet FILE=$PWD/temp/capi-lint-diff.md";
    let step = |id: &str, more: &str| sandbox.bash(&format!("{environment} {more}\nset -eo pipefail\n{}", script(id)));

    let install = step("install", "");
    assert_eq!(install.code, 0, "{}", install.stderr);
    let lint = step("lint", "PATHS='charts/fleet clusters' ARGS='--fail-on error'");
    assert_eq!(lint.code, 0, "{}{}", lint.stdout, lint.stderr);
    assert!(lint.stdout.contains("::notice "), "{}", lint.stdout);
    let bad = step("lint", "PATHS=fixtures/render/multi-cluster-bad.yaml ARGS=");
    assert_eq!(bad.code, 1, "findings fail the step");
    let summary = fs::read_to_string(sandbox.folder.join("temp/summary")).expect("written");
    assert!(summary.contains("even-control-plane"), "also into the summary");

    let diff = step("diff", "DIFF_ARGS=");
    assert_eq!(diff.code, 0, "{}{}", diff.stdout, diff.stderr);
    let gated = step("diff", "DIFF_ARGS='--max-rolled-machines 0'");
    assert_eq!(gated.code, 1, "{}{}", gated.stdout, gated.stderr);
    let comment = step("Comment", "");
    assert_eq!(comment.code, 0, "{}", comment.stderr);
    fs::write(sandbox.folder.join("temp/known"), "42\n").expect("written");
    assert_eq!(step("Comment", "").code, 0);
    let asked = fs::read_to_string(sandbox.folder.join("temp/gh")).expect("written");
    assert!(
        asked.contains("POST repos/o/r/issues/7/comments") && asked.contains("PATCH repos/o/r/issues/comments/42"),
        "{asked}"
    );
    let body = fs::read_to_string(sandbox.folder.join("temp/capi-lint-comment.md")).expect("written");
    assert!(body.starts_with("<!-- capi-lint diff -->\n") && body.contains("cluster-1"), "{body}");
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).expect("readable");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.contains(' ') {
                continue;
            }
            let target = page.parent().expect("a folder").join(file);
            assert!(target.exists(), "{}: {link}", page.display());
        }
    }
}

/// A page that comes from the code.
fn generated(path: &str, text: &str) {
    let path = repository(path);
    if records() {
        fs::write(&path, text).expect("written");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(known == text, "{} is not what the code says: CAPI_LINT_RECORD=1 cargo test --test docs", path.display());
}

#[test]
fn the_page_of_commands_is_that_of_the_code() {
    let mut text = String::from(
        "# Commands\n\nGenerated from the code: `CAPI_LINT_RECORD=1 cargo test --test docs`.\n\n## Exit codes\n\n| code | means |\n|---|---|\n",
    );
    for (code, meaning) in capi_lint::cli::EXIT_CODES {
        let _ = writeln!(text, "| {code} | {meaning} |");
    }
    text.push_str(
        "\n## Environment\n\n| variable | does |\n|---|---|\n\
         | `NO_COLOR` | no colours, whatever else is said, but for `--color always` |\n\
         | `CLICOLOR_FORCE` | colours without a terminal |\n\
         | `HELM_PLUGIN_NAME`, `HELM_NAMESPACE`, `HELM_BIN` | set by Helm for its plugin: the namespace, and the Helm that renders |\n\n\
         Nothing else in the environment changes what is said, and nothing there changes a verdict but the namespace that Helm was \
         given.\n",
    );
    let command = capi_lint::cli::command().term_width(100);
    help(&command, "capi-lint", &mut text);
    generated("docs/commands.md", &text);
}

fn help(command: &clap::Command, name: &str, text: &mut String) {
    let mut shown = command.clone().bin_name(name).term_width(100);
    let printed: Vec<String> =
        shown.render_long_help().to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    let _ = writeln!(text, "\n## {name}\n\n```text\n{}\n```", printed.join("\n").trim_end());
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        help(sub, &format!("{name} {}", sub.get_name()), text);
    }
}

const SAMPLE: &str = "apiVersion: cluster.x-k8s.io/v1beta2\nkind: MachineDeployment\nmetadata: {name: workers, namespace: fleet}\n\
    spec:\n  clusterName: app\n  replcias: 3\n  selector: {}\n  template:\n    spec:\n      clusterName: app\n      version: v1.33.2\n      \
    bootstrap: {dataSecretName: \"\"}\n      infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: DockerMachineTemplate, name: app}\n";

/// Lines of a sample at most.
const SAMPLE_LINES: usize = 40;

#[test]
fn the_page_of_formats_is_that_of_the_code() {
    let mut text = String::from(
        "# Formats\n\nGenerated from the code: `CAPI_LINT_RECORD=1 cargo test --test docs`.\n\n\
         `--format NAME` chooses one for standard output, `--format NAME=FILE` writes a file; both may be repeated, with one at most for\n\
         standard output. Each is held against its readers in `tests/formats.rs`. The samples are of one manifest with two mistakes.\n\n\
         | format | for |\n|---|---|\n",
    );
    let names: Vec<(String, String)> = Format::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value)
        .map(|value| (value.get_name().to_owned(), value.get_help().map(ToString::to_string).unwrap_or_default()))
        .collect();
    for (name, purpose) in &names {
        let _ = writeln!(text, "| [`{name}`](#{name}) | {purpose} |");
    }
    text.push_str(
        "\nFingerprints in `sarif` and `gitlab` are made of the rule, the object and the field, so that they hold when lines move. A \
         finding\nabout the release as a whole stands at the first file. Fields of `json` and `jsonl` are added, never changed or \
         taken away.\n",
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs-formats");
    fs::create_dir_all(&folder).expect("target can be written");
    fs::write(folder.join("workers.yaml"), SAMPLE).expect("written");
    for (name, _) in &names {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
        command.args(["lint", "workers.yaml", "--format", name]).current_dir(&folder);
        let printed = run(command, b"").stdout;
        let mut lines: Vec<&str> = printed.lines().collect();
        if name == "sarif" {
            // The rules with their help come first, and are long.
            let results = lines.iter().position(|line| line.trim() == "\"results\": [").unwrap_or_default();
            lines.drain(..results);
        }
        if lines.len() > SAMPLE_LINES {
            lines.truncate(SAMPLE_LINES);
            lines.push("…");
        }
        let fence = match name.as_str() {
            "json" | "jsonl" | "sarif" | "gitlab" => "json",
            "junit" => "xml",
            "markdown" => "markdown",
            _ => "text",
        };
        let _ = writeln!(text, "\n## {name}\n\n```{fence}\n{}\n```", lines.join("\n"));
    }
    generated("docs/formats.md", &text);
}
