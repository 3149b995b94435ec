//! What the integration tests share: running the binary, and finding the shared data.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the binary gave.
pub struct Run {
    /// The exit code; -1 for a signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs `capi-lint` with arguments and standard input, away from any settings file.
pub fn capi_lint(arguments: &[&str], stdin: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR"));
    run(command, stdin.as_bytes())
}

/// Runs a command with standard input.
pub fn run(mut command: Command, stdin: &[u8]) -> Run {
    let mut child = command
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut input = child.stdin.take().expect("standard input");
    let stdin = stdin.to_vec();
    let writer = std::thread::spawn(move || drop(input.write_all(&stdin)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A file of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The shared data: `CAPI_LINT_SHARED`, by default `../shared` beside the checkout. `None`, and a word about it, where it is
/// absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CAPI_LINT_SHARED").map_or_else(|| repository("../shared"), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here (CAPI_LINT_SHARED names another place)", path.display());
    None
}
