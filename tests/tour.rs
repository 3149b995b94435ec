//! The tour in the documentation, run: every `capi-lint` command in it gives the output that stands below it.
//!
//! Blocks marked `console` are run by a shell in a folder with the files of `fixtures/tour`; blocks marked `sh` are the course's
//! own commands, which need a management cluster, and are not. Write the outputs anew with
//! `CAPI_LINT_RECORD=1 cargo test --test tour`.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{repository, run};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tour").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(repository("fixtures/tour")).unwrap().map(|entry| entry.unwrap().path()) {
        fs::copy(&entry, folder.join(entry.file_name().unwrap())).unwrap();
    }
    folder
}

/// Standard output and standard error of a shell command, as a person sees them.
fn output(command: &str, folder: &Path) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_capi-lint")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{{ {command}\n}} 2>&1")).current_dir(folder).env("PATH", path).env("HOME", folder);
    run(shell, b"").stdout.trim_end().to_owned()
}

/// The text with every output as it is now, and the commands.
fn played(text: &str, folder: &Path) -> (String, Vec<String>) {
    let (mut out, mut commands, mut is_console) = (Vec::new(), Vec::new(), false);
    for line in text.lines() {
        if is_console {
            if line == "```" {
                is_console = false;
            } else if let Some(command) = line.strip_prefix("$ ") {
                out.push(line.to_owned());
                let said = output(command, folder);
                out.extend(said.lines().map(|line| line.trim_end().to_owned()));
                commands.push(command.to_owned());
                continue;
            } else {
                continue;
            }
        }
        is_console |= line == "```console";
        out.push(line.to_owned());
    }
    (out.join("\n") + "\n", commands)
}

#[test]
#[cfg(unix)]
fn the_tour_shows_what_the_commands_say() {
    let mut all = Vec::new();
    for name in ["tour.md", "tour.fr.md"] {
        let path = repository("docs").join(name);
        let text = fs::read_to_string(&path).unwrap();
        let (played, commands) = played(&text, &folder(name));
        if std::env::var_os("CAPI_LINT_RECORD").is_some() {
            fs::write(&path, &played).unwrap();
        } else {
            assert!(
                played == text,
                "{name} is stale: CAPI_LINT_RECORD=1 cargo test --test tour writes it anew\n{}",
                difference(&text, &played)
            );
        }
        let steps = text.lines().filter(|line| line.starts_with("## ")).count();
        assert_eq!(steps, 15, "{name} has {steps} steps");
        all.push(commands);
    }
    assert_eq!(all[0], all[1], "both languages run the same commands");
    assert!(all[0].len() >= 15);
}

fn difference(old: &str, new: &str) -> String {
    let pairs = old.lines().zip(new.lines()).enumerate();
    let lines = pairs.filter(|(_, (a, b))| a != b).take(5);
    lines.map(|(number, (a, b))| format!("line {}:\n- {a}\n+ {b}\n", number + 1)).collect()
}
