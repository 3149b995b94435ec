//! Running the binary with an eye on time and memory.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The binary: `CAPI_LINT_BIN`, by default the one that cargo built for the tests.
pub fn binary() -> PathBuf {
    std::env::var_os("CAPI_LINT_BIN").map_or_else(|| env!("CARGO_BIN_EXE_capi-lint").into(), PathBuf::from)
}

/// Whether it is optimised as a release is: then times mean something.
pub fn is_release() -> bool {
    std::env::var_os("CAPI_LINT_BIN").is_some()
}

/// What a run took.
#[derive(Debug)]
pub struct Measured {
    /// The exit code; -1 for a signal.
    pub code: i32,
    /// Bytes on standard output.
    pub output: u64,
    /// The first of them.
    pub stdout: String,
    /// The first of standard error.
    pub stderr: String,
    /// Of all processors: what else the machine does is no part of it.
    pub time: Duration,
    /// The most memory that it held, in bytes. Looked up all the time while it runs, since only a parent's system call knows it
    /// exactly, and that is none of the safe ones.
    pub memory: u64,
    /// Whether it had to be stopped.
    pub stopped: bool,
}

/// Runs the binary in a folder; `stdin` is a file. It is stopped after `most`.
pub fn run(arguments: &[&str], stdin: Option<&Path>, folder: &Path, most: Duration) -> Measured {
    let (out, err) = (folder.join(".out"), folder.join(".err"));
    let input = stdin.map_or_else(Stdio::null, |path| File::open(path).expect("the input").into());
    let start = Instant::now();
    let mut child = Command::new(binary())
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(input)
        .stdout(File::create(&out).expect("a file"))
        .stderr(File::create(&err).expect("a file"))
        .spawn()
        .expect("the binary runs");
    let status = format!("/proc/{}/status", child.id());
    let stat = format!("/proc/{}/stat", child.id());
    let (mut memory, mut time) = (0, Duration::ZERO);
    let mut stopped = false;
    let code = loop {
        memory = memory.max(peak(&status));
        time = time.max(worked(&stat));
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status.code().unwrap_or(-1);
        }
        if start.elapsed() > most {
            stopped = true;
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let output = fs::metadata(&out).map_or(0, |metadata| metadata.len()) + fs::metadata(&err).map_or(0, |m| m.len());
    Measured { code, output, stdout: head(&out), stderr: head(&err), time, memory, stopped }
}

/// The time that a process has worked, of all its threads; counted in hundredths of a second.
fn worked(path: &str) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u64 = fields.split(' ').skip(12).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn peak(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn head(path: &Path) -> String {
    let mut bytes = Vec::new();
    let _ = File::open(path).map(|file| file.take(4000).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}
