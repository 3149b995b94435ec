//! Long work shows itself: on a terminal, on standard error, past a second, and leaves no trace. Python gives the terminal.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

mod common;

use common::{repository, run};

/// A chart, and a Helm that takes its time.
fn slow_helm(test: &str, seconds: &str) -> (PathBuf, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("progress").join(test);
    fs::create_dir_all(folder.join("fleet")).expect("target can be written");
    fs::write(folder.join("fleet/Chart.yaml"), "apiVersion: v2\nname: fleet\nversion: 0.1.0\n").expect("written");
    let helm = folder.join("helm");
    let rendered = repository("fixtures/render/multi-cluster.yaml");
    fs::write(&helm, format!("#!/bin/sh\nsleep {seconds}\nexec cat '{}'\n", rendered.display())).expect("written");
    fs::set_permissions(&helm, fs::Permissions::from_mode(0o755)).expect("executable");
    (folder, helm)
}

/// Runs with standard error on a terminal, and gives what arrived there and on standard output.
fn on_terminal(folder: &Path, helm: &Path, variables: &[(&str, &str)]) -> Option<(String, String)> {
    let script = "import os, pty, subprocess, sys
ours, theirs = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs)
os.close(theirs)
out = child.stdout.read()
seen = b''
while True:
    try:
        part = os.read(ours, 4096)
    except OSError:
        break
    if not part:
        break
    seen += part
child.wait()
sys.stdout.buffer.write(seen + b'\\0' + out)";
    let mut command = Command::new("python3");
    command.args(["-c", script, env!("CARGO_BIN_EXE_capi-lint"), "lint", "fleet", "--quiet", "--helm"]).arg(helm);
    command.current_dir(folder).env("TERM", "xterm").envs(variables.iter().copied());
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: no python3 for a terminal");
        return None;
    }
    let run = run(command, b"");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (seen, out) = run.stdout.split_once('\0').expect("both");
    Some((seen.to_owned(), out.to_owned()))
}

#[test]
fn a_chart_that_takes_long_is_named_and_the_line_goes_away() {
    let (folder, helm) = slow_helm("slow", "2.5");
    let Some((seen, out)) = on_terminal(&folder, &helm, &[]) else { return };
    assert!(seen.contains("capi-lint: rendering fleet … 1 s"), "{seen:?}");
    assert!(seen.ends_with("\r\u{1b}[K"), "the line is wiped: {seen:?}");
    assert_eq!(out, "capi-lint: 21 objects checked, 3 notes\n");
}

#[test]
fn what_is_quick_says_nothing() {
    let (folder, helm) = slow_helm("quick", "0");
    let Some((seen, _)) = on_terminal(&folder, &helm, &[]) else { return };
    assert_eq!(seen, "");
}

#[test]
fn no_terminal_and_a_dumb_one_see_nothing() {
    let (folder, helm) = slow_helm("dumb", "1.5");
    let Some((seen, _)) = on_terminal(&folder, &helm, &[("TERM", "dumb")]) else { return };
    assert_eq!(seen, "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
    command.args(["lint", "fleet", "--quiet", "--helm"]).arg(&helm).current_dir(&folder);
    assert_eq!(run(command, b"").stderr, "");
}

#[test]
fn verbose_says_how_long_each_phase_took() {
    let (folder, helm) = slow_helm("verbose", "0.2");
    let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
    command.args(["--verbose", "lint", "fleet", "--helm"]).arg(&helm).current_dir(&folder);
    let said = run(command, b"").stderr;
    for phase in ["reading ", "rendering 0.", "parsing ", "judging ", "writing ", "s in all"] {
        assert!(said.contains(phase), "{phase}: {said}");
    }
}

/// What a person does wrong, and what they are told.
#[test]
fn mistakes_are_answered_with_what_to_type() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("progress/mistakes");
    fs::create_dir_all(folder.join("fleet/templates")).expect("target can be written");
    fs::write(folder.join("fleet/Chart.yaml"), "apiVersion: v2\nname: fleet\nversion: 0.1.0\n").expect("written");
    fs::write(folder.join("fleet/templates/a.yaml"), "name: {{ .Release.Name }}\n").expect("written");
    fs::write(folder.join("prod.yaml"), "").expect("written");
    let helm = folder.join("failing-helm");
    fs::write(
        &helm,
        "#!/bin/sh\necho 'Error: found in Chart.yaml, but missing in charts/ directory: base' >&2\nexit 1\n",
    )
    .expect("written");
    fs::set_permissions(&helm, fs::Permissions::from_mode(0o755)).expect("executable");
    let helm = helm.display().to_string();
    for (arguments, told) in [
        (vec!["--formt", "json"], "'--format'"),
        (vec!["lnt"], "'lint'"),
        (vec!["lint", "prd.yaml"], "did you mean prod.yaml?"),
        (vec!["prd.yaml"], "did you mean prod.yaml?"),
        (vec!["lint", "fleet/templates/a.yaml"], "capi-lint lint fleet"),
        (vec!["lint", "fleet", "--helm", "no-such-helm"], "Install Helm, name one with --helm FILE"),
        (
            vec!["lint", "fleet", "--helm", &helm],
            "missing in charts/ directory: base\nhelp: helm dependency build fleet",
        ),
        (vec!["lint", "prod.yaml", "--format", "xml"], "take one of text, compact, json"),
        (vec!["diff", "fleet-prod", "fleet"], "an installed release is written release:fleet-prod"),
        (vec!["diff", "release:fleet", "fleet", "--helm", "no-such-helm"], "release:fleet asks Helm for the release"),
        (vec!["explain", "dangling-refernce"], "did you mean 'dangling-reference'?"),
        (vec!["lint", "prod.yaml", "--gates", "ClusterTopology"], "write GATE=true or GATE=false"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
        command.args(&arguments).current_dir(&folder);
        let run = run(command, b"");
        assert_eq!(run.code, 2, "{arguments:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(told), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
}
