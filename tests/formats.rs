//! Each format of the report, held against what its readers say of it: SARIF's schema, JUnit's XSD, GitLab's report as types,
//! a TAP parser, GitHub's own escaping, Markdown as it is rendered. `scripts/test-tools.sh` gets those readers from package
//! registries; without them a test says that it skips, and passes.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

mod common;

use common::{Run, repository, run};

/// A folder of manifests that try every kind of escaping: in names of files, of fields, of objects.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("formats").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("target can be written");
    fs::copy(repository("fixtures/render/multi-cluster-bad.yaml"), folder.join("bad.yaml")).expect("copied");
    fs::write(folder.join("we,ird: na%me.yaml"), ODD).expect("written");
    fs::write(folder.join("broken.yaml"), "a: [1\n\u{1}b: \"\n").expect("written");
    folder
}

const ODD: &str = r#"apiVersion: v1
kind: ConfigMap
metadata: {name: "odd"}
da|ta: {}
"<script>&amp;\"'": 1
"100% `of` *it* _too_ [x](y) #": 2
"line\nbreak": 3
"ünïcödé 🚀": 4
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: "not|a<b>name"
"#;

fn lint(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
    command.args(["lint", "."]).args(arguments).current_dir(folder);
    let run = run(command, b"");
    assert_eq!(run.code, 1, "{}", run.stderr);
    run
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A file of `scripts/test-tools.sh`.
fn tool(path: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp lies in target");
    let tools = std::env::var_os("CAPI_LINT_CONSUMERS").map_or_else(|| target.join("tools/consumers"), PathBuf::from);
    let path = tools.join(path);
    if !path.exists() {
        println!("skipped: no {} (scripts/test-tools.sh gets it)", path.display());
        return None;
    }
    Some(path)
}

fn node(script: &str, input: &str) -> Option<Run> {
    let modules = tool("node_modules/typescript")?.parent()?.to_path_buf();
    let mut command = Command::new("node");
    command.args(["-e", script]).current_dir(modules.parent()?);
    Some(run(command, input.as_bytes()))
}

#[test]
fn sarif_keeps_to_its_schema() {
    let Some(schema) = tool("node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json") else { return };
    // One of its patterns has a bracket too many, which a strict reader of patterns refuses.
    let schema = fs::read_to_string(schema).expect("readable").replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
    let schema = json(&schema);
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let document = json(&lint(&folder("sarif"), &["--format", "sarif"]).stdout);
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in run["results"].as_array().expect("results") {
        assert_eq!(rules[result["ruleIndex"].as_u64().expect("a number") as usize]["id"], result["ruleId"]);
        assert!(!result["locations"].as_array().expect("places").is_empty(), "GitHub refuses results without a place");
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("a URI");
        assert!(!uri.starts_with("./") && !uri.contains([' ', ':', ',']), "{uri}");
    }
    assert!(rules.iter().all(|rule| rule["help"]["text"].as_str().is_some_and(|text| text.len() > 40)));
}

#[test]
fn findings_about_the_run_as_a_whole_have_a_place_for_ci() {
    let folder = folder("nowhere");
    let settings = "ignores:\n  - {rule: long-name, reason: nothing here has one}\n";
    fs::write(folder.join(".capi-lint.yaml"), settings).expect("written");
    let document = json(&lint(&folder, &["--format", "sarif"]).stdout);
    let results = document["runs"][0]["results"].as_array().expect("results");
    let whole: Vec<&Value> = results.iter().filter(|result| result["ruleId"] == "unused-ignore").collect();
    assert_eq!(whole.len(), 1);
    assert_eq!(whole[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "bad.yaml");
    let issues = json(&lint(&folder, &["--format", "gitlab"]).stdout);
    assert!(issues.as_array().expect("a list").iter().all(|issue| issue["location"]["path"].is_string()));
}

#[test]
fn junit_keeps_to_its_schema() {
    let folder = folder("junit");
    let text = lint(&folder, &["--format", "junit"]).stdout;
    let (Some(schema), Some(validate)) = (tool("junit-10.xsd"), tool("venv/bin/xmlschema-validate")) else { return };
    fs::write(folder.join("junit.xml"), text).expect("written");
    let mut command = Command::new(validate);
    command.arg("--schema").arg(schema).arg(folder.join("junit.xml"));
    let run = run(command, b"");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn gitlab_takes_its_report() {
    let text = lint(&folder("gitlab"), &["--format", "gitlab"]).stdout;
    let issues = json(&text);
    let issues = issues.as_array().expect("a list");
    let fingerprints: BTreeSet<&str> = issues.iter().filter_map(|issue| issue["fingerprint"].as_str()).collect();
    assert_eq!(fingerprints.len(), issues.len(), "GitLab shows one of those with the same fingerprint");
    for issue in issues {
        assert!(issue["location"]["path"].as_str().is_some_and(|path| !path.starts_with(['.', '/'])));
        assert!(issue["location"]["lines"]["begin"].as_u64().is_some_and(|line| line > 0));
        assert!(!issue["description"].as_str().expect("a text").contains('\n'));
    }
    let program =
        format!("import type {{ Issue }} from 'codeclimate-types';\nexport const report: Issue[] = {text};\n");
    let script = "const ts = require('typescript'), fs = require('fs'), path = require('path');
        const file = path.resolve('report.ts');
        const source = fs.readFileSync(0, 'utf8');
        const options = {noEmit: true, strict: true, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: []};
        const host = ts.createCompilerHost(options);
        const read = host.readFile, exists = host.fileExists, get = host.getSourceFile;
        host.readFile = name => name === file ? source : read(name);
        host.fileExists = name => name === file || exists(name);
        host.getSourceFile = (name, version) => name === file ? ts.createSourceFile(name, source, version) : get(name, version);
        const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
        for (const one of found) console.log(ts.flattenDiagnosticMessageText(one.messageText, ' '));
        process.exit(found.length ? 1 : 0);";
    let Some(run) = node(script, &program) else { return };
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_tap_parser_understands_tap() {
    let text = lint(&folder("tap"), &["--format", "tap"]).stdout;
    let script = "import('tap-parser').then(({Parser}) => {
        const parser = new Parser(result => console.log(JSON.stringify({
            ok: result.ok, count: result.count, fail: result.fail, bailout: result.bailout, plan: result.plan.end,
            failures: result.failures.map(one => one.name || String(one)), errors: result.failures.filter(one => one.tapError).length})));
        let extra = [];
        parser.on('extra', line => { if (line.trim()) extra.push(line); });
        parser.on('complete', () => { if (extra.length) { console.error(extra); process.exit(1); } });
        parser.end(require('fs').readFileSync(0, 'utf8'));
    });";
    let Some(run) = node(script, &text) else { return };
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let result = json(&run.stdout);
    assert_eq!((&result["ok"], &result["errors"]), (&json!(false), &json!(0)), "{result}");
    assert_eq!(result["count"], result["plan"]);
    let failing = text.lines().filter(|line| line.starts_with("not ok")).count();
    assert_eq!(result["fail"], json!(failing));
}

#[test]
fn annotations_are_escaped_as_github_does() {
    let folder = folder("github");
    let ours = lint(&folder, &["--format", "github"]).stdout;
    let findings = json(&lint(&folder, &["--format", "json"]).stdout)["findings"].clone();
    let expected: Vec<Value> = findings.as_array().expect("findings").iter().map(annotation).collect();
    // The fields as a runner reads them from our lines are the fields that the JSON has.
    let lines: Vec<&str> = ours.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.iter().zip(&expected) {
        assert_eq!(&parsed(line), expected);
    }
    // And GitHub's own toolkit writes the same lines.
    let script =
        "import('@actions/core/lib/command.js').catch(() => require('@actions/core/lib/command')).then(module => {
        const {issueCommand} = module.default || module;
        for (const one of JSON.parse(require('fs').readFileSync(0, 'utf8')))
            issueCommand(one.command, one.properties, one.message);
    });";
    let Some(run) = node(script, &Value::from(expected).to_string()) else { return };
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), lines);
}

fn annotation(finding: &Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let severity = match finding["severity"].as_str() {
        Some("info") => "notice",
        Some(other) => other,
        None => "",
    };
    let object = &finding["object"];
    let mut message = match (object.is_null(), object["namespace"].as_str()) {
        (true, _) => String::new(),
        (false, Some(namespace)) => format!("{} {namespace}/{}", text(&object["kind"]), text(&object["name"])),
        (false, None) => format!("{} {}", text(&object["kind"]), text(&object["name"])),
    };
    if !object.is_null() {
        let path = text(&finding["path"]);
        message = if path.is_empty() { format!("{message}: ") } else { format!("{message} {path}: ") };
    }
    message.push_str(&text(&finding["message"]));
    if let Some(help) = finding["suggestion"].as_str() {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    if let Some(count @ 2..) = finding["count"].as_u64() {
        message = format!("{message} ({count} places)");
    }
    let file = text(&finding["file"]);
    json!({
        "command": severity,
        "properties": {
            "file": file.trim_start_matches("./"),
            "line": finding["line"].to_string(),
            "col": finding["column"].to_string(),
            "title": format!("capi-lint {}", text(&finding["rule"])),
        },
        "message": message,
    })
}

/// A workflow command as the runner reads it.
fn parsed(line: &str) -> Value {
    let unescaped = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    let (head, message) = line.trim_start_matches("::").split_once("::").expect("two parts");
    let (command, properties) = head.split_once(' ').expect("properties");
    let properties: serde_json::Map<String, Value> = properties
        .split(',')
        .filter_map(|property| property.split_once('='))
        .map(|(key, value)| {
            let value = value.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
            (key.to_owned(), value.replace("%25", "%").into())
        })
        .collect();
    json!({"command": command, "properties": properties, "message": unescaped(message)})
}

#[test]
fn markdown_renders_to_a_table_with_every_message() {
    let folder = folder("markdown");
    let text = lint(&folder, &["--format", "markdown"]).stdout;
    let findings = json(&lint(&folder, &["--format", "json"]).stdout)["findings"].clone();
    let script = "import('marked').then(({marked}) => {
        const table = marked.lexer(require('fs').readFileSync(0, 'utf8')).find(token => token.type === 'table');
        const unescape = text => text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '\"').replace(/&#39;/g, \"'\").replace(/&amp;/g, '&');
        const plain = tokens => tokens.map(token => token.tokens ? plain(token.tokens) : token.type === 'html' ? '<HTML>' + token.raw : token.type === 'codespan' ? token.text : unescape(token.text)).join('');
        console.log(JSON.stringify(table.rows.map(row => row.map(cell => plain(cell.tokens)))));
    });";
    let Some(run) = node(script, &text) else { return };
    assert_eq!(run.code, 0, "{}", run.stderr);
    let rows = json(&run.stdout);
    let (rows, findings) = (rows.as_array().expect("rows"), findings.as_array().expect("findings"));
    assert_eq!(rows.len(), findings.len());
    for (row, finding) in rows.iter().zip(findings) {
        assert_eq!(row.as_array().map(Vec::len), Some(4), "{row}");
        let words = |text: &str| text.replace('`', "").split_whitespace().collect::<Vec<_>>().join(" ");
        let message = words(finding["message"].as_str().expect("a message"));
        let shown = words(row[2].as_str().expect("a cell"));
        assert!(shown.starts_with(&message), "{shown}\n{message}");
        assert!(!row.to_string().contains("<HTML>"), "{row}");
    }
}

#[test]
fn fingerprints_hold_when_lines_move() {
    let folder = folder("fingerprints");
    let prints = || -> (BTreeMap<String, usize>, BTreeSet<String>) {
        let sarif = json(&lint(&folder, &["--format", "sarif"]).stdout);
        let mut seen = BTreeMap::new();
        for result in sarif["runs"][0]["results"].as_array().expect("results") {
            *seen.entry(result["partialFingerprints"]["capiLint/v1"].to_string()).or_default() += 1;
        }
        let gitlab = json(&lint(&folder, &["--format", "gitlab"]).stdout);
        let gitlab = gitlab.as_array().expect("a list").iter().map(|issue| issue["fingerprint"].to_string()).collect();
        (seen, gitlab)
    };
    let before = prints();
    assert!(before.0.values().all(|times| *times == 1), "{:?}", before.0);
    let path = folder.join("bad.yaml");
    let text = fs::read_to_string(&path).expect("readable");
    let added = "# a comment\n\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n---\n";
    fs::write(&path, format!("{added}{}", text.replace("\nspec:", "\n# another\nspec:"))).expect("written");
    assert_eq!(before, prints());
}

#[test]
fn several_formats_at_once() {
    let folder = folder("several");
    let run = lint(&folder, &["--format", "compact", "--format", "sarif=out.sarif", "--format", "junit=junit.xml"]);
    assert!(run.stdout.contains("bad.yaml:11:5: error [required-field]"), "{}", run.stdout);
    assert_eq!(json(&fs::read_to_string(folder.join("out.sarif")).expect("written"))["version"], "2.1.0");
    assert!(fs::read_to_string(folder.join("junit.xml")).expect("written").starts_with("<?xml"));
    // Only files: the terminal still has the text for people.
    let run = lint(&folder, &["--format", "json=out.json"]);
    assert!(run.stdout.contains("-->") && run.stdout.ends_with('\n'), "{}", run.stdout);
    let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
    command.args(["lint", ".", "--format", "json", "--format", "sarif"]).current_dir(&folder);
    let run = common::run(command, b"");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("two formats go to standard output"), "{}", run.stderr);
}

/// More findings than are written at once, by one thread and by several.
#[test]
fn a_long_report_reads_the_same_for_any_number_of_threads() {
    const FINDINGS: usize = 9000;
    let broken =
        |number| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c-{number}\ndata: {number}\n---\n");
    let stream: String = (0..FINDINGS).map(broken).collect();
    let text = |jobs| common::capi_lint(&["lint", "--jobs", jobs], &stream).stdout;
    let one = text("1");
    assert_eq!(one.matches("\nerror[").count() + 1, FINDINGS, "{}", one.get(..2000).unwrap_or(&one));
    for jobs in ["2", "5"] {
        assert!(text(jobs) == one, "another report with {jobs} threads");
    }
}

#[test]
fn text_is_grouped_by_file_and_shows_the_source() {
    let text = lint(&folder("text"), &[]).stdout;
    let heading = text.lines().find(|line| line.ends_with("bad.yaml: 9 errors, 3 notes"));
    assert!(heading.is_some(), "{text}");
    assert!(text.contains("  12 |       cidrBlock: [\"192.168.0.0/16\"]\n     |       ^^^^^^^^^\n"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn colours_follow_the_terminal_and_the_environment() {
    let folder = folder("colour");
    let coloured = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
        command.args(["lint", "bad.yaml"]).args(arguments).current_dir(&folder);
        command
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .env("TERM", "xterm")
            .envs(variables.iter().copied());
        let output = command.output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "no terminal");
    assert!(coloured(&[], &["--color", "always"]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "0")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(coloured(&[("NO_COLOR", "")], &["--color", "always"]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
}
