//! What happens when the machine fails: nobody reads, the disk is full, somebody stops the process, memory ends. Whatever it is,
//! no part of a release reaches Helm as a success, and no file is left half written.
#![allow(clippy::format_collect, reason = "inputs of tests are built once")]

mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_capi-lint");

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a name").to_owned()
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).expect("the folder").flatten();
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn good() -> String {
    let path = common::repository("fixtures/render/multi-cluster.yaml");
    fs::read_to_string(path).expect("the fixture")
}

/// What post-render makes of it.
fn post_rendered() -> String {
    let mut command = command(&["post-render"]);
    command.stdout(Stdio::piped());
    String::from_utf8(run(command, &good()).stdout).expect("text")
}

/// A release of some megabytes.
fn large() -> String {
    (0..300).map(|number| good().replace(": cluster-", &format!(": fleet{number}-"))).collect()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR")).env("NO_COLOR", "1");
    command
}

fn piped(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

/// Runs a command with input; the writer does not mind if nobody reads it.
fn run(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("standard input");
    let input = input.to_owned();
    let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: {program} is not here");
    }
    found
}

/// Whether mounts may be made in a namespace of one's own.
fn may_mount() -> bool {
    let tried =
        Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]).stderr(Stdio::null()).status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        eprintln!("skipped: no file system can be mounted here");
    }
    may
}

#[test]
fn a_reader_that_goes_away_is_no_success() {
    let input = large();
    for arguments in [&["post-render"][..], &["lint", "--format", "sarif", "-"], &["report"], &["migrate"], &["graph"]]
    {
        let mut child = piped(arguments);
        let mut stdin = child.stdin.take().expect("standard input");
        let mut stdout = child.stdout.take().expect("standard output");
        let text = input.clone();
        let writer = thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
        let mut first = [0; 10];
        stdout.read_exact(&mut first).expect("it begins");
        drop(stdout);
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("the writer ends");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("defect") && !stderr(&output).contains("Broken pipe"), "{}", stderr(&output));
    }
}

#[test]
fn a_full_standard_output_is_no_success() {
    let folder = Folder::new("full");
    let release = folder.path("release.yaml");
    fs::write(&release, good()).expect("a file");
    let kubeconfig = folder.path("kubeconfig");
    fs::write(
        &kubeconfig,
        "kind: Config\ncontexts: [{name: a, context: {cluster: b, user: c}}]\nclusters: []\nusers: []\n",
    )
    .expect("a file");
    let split = folder.path("split");
    let r = release.as_str();
    let commands: &[&[&str]] = &[
        &["lint", r],
        &["lint", "--format", "json", r],
        &["lint", "--format", "sarif", r],
        &["post-render"],
        &["post-render", "--exec", "cat"],
        &["count", r],
        &["count", "--format", "json", r],
        &["migrate", r],
        &["migrate", "--diff", "-"],
        &["diff", r, r],
        &["diff", "--format", "json", r, r],
        &["report", r],
        &["graph", r],
        &["graph", "--format", "svg", r],
        &["plan", r],
        &["split", "--by", "cluster", "-o", &split, r],
        &["verify", r, "--live", r],
        &["contexts", &kubeconfig],
        &["hook", "manifests", "--context", &split, r],
        &["schema", "list"],
        &["schema", "show", "Cluster"],
        &["explain", "long-name"],
        &["rules"],
        &["version"],
        &["completions", "bash"],
    ];
    for arguments in commands {
        let mut command = command(arguments);
        command.stdout(File::options().write(true).open("/dev/full").expect("/dev/full"));
        let input = if arguments.contains(&"--diff") { old_release() } else { good() };
        let output = run(command, &input);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("No space left"), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_full_disk_is_no_success() {
    let folder = Folder::new("reports");
    let release = folder.path("release.yaml");
    fs::write(&release, good()).expect("a file");
    let r = release.as_str();
    for arguments in [
        &["lint", "--format", "sarif=/dev/full", r][..],
        &["lint", "--write-baseline", "/dev/full", r],
        &["report", "-o", "/dev/full", r],
        &["diff", r, r, "-o", "/dev/full"],
        &["post-render", "--report-file", "/dev/full"],
        &["lint", "--format", "sarif=/nowhere/at/all", r],
        &["lint", "--write-baseline", "/nowhere/at/all", r],
        &["report", "-o", "/nowhere/at/all", r],
        &["diff", r, r, "-o", "/nowhere/at/all"],
        &["post-render", "--report-file", "/nowhere/at/all"],
        &["split", "--by", "cluster", "-o", "/proc/nothing", r],
        &["schema", "import", "-o", "/proc/nothing", r],
    ] {
        let mut command = command(arguments);
        command.stdout(Stdio::piped());
        let output = run(command, &good());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).starts_with("capi-lint: "), "{arguments:?}: {}", stderr(&output));
        if arguments[0] == "post-render" {
            assert!(output.stdout.is_empty(), "a report that cannot be written stops the release");
        }
    }
}

#[test]
fn a_disk_that_fills_up_leaves_the_old_file() {
    if !may_mount() {
        return;
    }
    let folder = Folder::new("disk");
    fs::write(folder.path("release.yaml"), large()).expect("a file");
    fs::write(folder.path("old.yaml"), old_release()).expect("a file");
    let script = format!(
        "cd {0} && mkdir disk && mount -t tmpfs -o size=16k none disk && cd disk && \
         for what in \"report -o old\" \"lint --fail-on never --format json=old\" \"lint --fail-on never --write-baseline old\" \"diff \
         -o old $PWD/../release.yaml\"; do echo before > old; {BINARY} $what ../release.yaml > ../out 2> ../err; \
         echo \"$? $(cat old | head -c 9 | head -n 1) $(ls -A | tr '\\n' ' ')\"; done; head -c 9000 ../old.yaml > m.yaml; \
         rm -f old; {BINARY} migrate --in-place m.yaml 2> ../err; head -c 9000 ../old.yaml | cmp - \
         m.yaml && echo same",
        folder.path("")
    );
    let output = Command::new("unshare").args(["-rm", "sh", "-c", &script]).output().expect("unshare");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.iter().filter(|line| **line == "2 before old ").count();
    assert!(kept >= 2, "the old file stays, and nothing beside it: {text}{}", stderr(&output));
    for line in &lines {
        assert!(line.starts_with("2 before old") || line.starts_with("0 ") || *line == "same", "{text}");
    }
}

#[test]
fn a_read_only_folder_is_left_alone() {
    if !may_mount() {
        return;
    }
    let folder = Folder::new("read-only");
    let release = good().replace("cluster.x-k8s.io/v1beta2", "cluster.x-k8s.io/v1beta1");
    fs::write(folder.path("release.yaml"), &release).expect("a file");
    let script = format!(
        "mount --bind {0} {0} && mount -o remount,bind,ro {0} && cd {0} && {BINARY} migrate --in-place release.yaml; echo $?; \
         {BINARY} lint --write-baseline b.json release.yaml > /dev/null; echo $?; {BINARY} split --by cluster -o out release.yaml > \
         /dev/null; echo $?",
        folder.path("")
    );
    let output = Command::new("unshare").args(["-rm", "sh", "-c", &script]).output().expect("unshare");
    if !stderr(&output).contains("Read-only file system") {
        eprintln!("skipped: no folder can be made read-only here: {}", stderr(&output));
        return;
    }
    let codes: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    assert!(codes.iter().all(|code| code != "0"), "{codes:?}");
    assert_eq!(fs::read_to_string(folder.path("release.yaml")).expect("the file"), release);
    assert_eq!(folder.names(), ["release.yaml"]);
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
}

/// Whether this process, and so each that it starts, has a signal ignored, as `nohup` and a shell's `&` have it.
fn ignored(number: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map_or("", str::trim);
    u64::from_str_radix(mask, 16).is_ok_and(|mask| mask >> (number - 1) & 1 == 1)
}

#[test]
fn a_signal_in_the_middle_is_no_success() {
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("KILL", 9)] {
        // While it reads: half of a release that is fine so far.
        if ignored(number) {
            eprintln!("skipped: whoever started this test has SIG{name} ignored");
            continue;
        }
        let mut child = piped(&["post-render"]);
        let mut stdin = child.stdin.take().expect("standard input");
        stdin.write_all(good().as_bytes()).expect("it reads");
        thread::sleep(Duration::from_millis(100));
        signal(&child, name);
        let output = child.wait_with_output().expect("it ends");
        drop(stdin);
        assert_eq!(output.status.signal(), Some(number), "{:?}", output.status);
        assert!(output.stdout.is_empty(), "nothing leaves before all came in");
    }
    // While it works and while it writes.
    let (input, whole) = (large(), large().len());
    for delay in 0..20 {
        let mut child = piped(&["post-render", "--label", "a=b"]);
        let mut stdin = child.stdin.take().expect("standard input");
        let text = input.clone();
        let writer = thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
        thread::sleep(Duration::from_millis(delay * 40));
        signal(&child, "TERM");
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("the writer ends");
        assert!(output.status.code() != Some(0) || output.stdout.len() > whole, "a success is whole");
    }
}

#[test]
fn a_producer_that_is_stuck_is_waited_for() {
    let mut child = piped(&["post-render"]);
    let mut stdin = child.stdin.take().expect("standard input");
    let (good, mut said) = (good(), Vec::new());
    let (first, rest) = good.split_at(good.len() / 2);
    stdin.write_all(first.as_bytes()).expect("it reads");
    thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().expect("it is there").is_none(), "it waits");
    stdin.write_all(rest.as_bytes()).expect("it reads");
    drop(stdin);
    child.stdout.take().expect("standard output").read_to_end(&mut said).expect("it writes");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(String::from_utf8_lossy(&said), post_rendered(), "nothing is missing");
    // With paths nobody looks at standard input.
    let folder = Folder::new("stuck");
    fs::write(folder.path("a.yaml"), &good).expect("a file");
    let mut child = piped(&["lint", &folder.path("a.yaml")]);
    let stdin = child.stdin.take();
    let start = Instant::now();
    while child.try_wait().expect("it is there").is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "lint of a path waits for standard input");
        thread::sleep(Duration::from_millis(10));
    }
    drop(stdin);
}

/// The text before and after a migration.
fn migration() -> (String, String) {
    let path = common::repository("fixtures/render/multi-cluster-v1beta1.yaml");
    let old = fs::read_to_string(path).unwrap_or_else(|_| old_release());
    let output = run(
        {
            let mut command = command(&["migrate"]);
            command.stdout(Stdio::piped());
            command
        },
        &old,
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let new = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_ne!(old, new);
    (old, new)
}

fn old_release() -> String {
    (0..200)
        .map(|number| {
            format!(
                "apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nmetadata: {{name: c{number}, namespace: a}}\nspec:\n  \
                 infrastructureRef:\n    apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\n    kind: DockerCluster\n    name: \
                 c{number}\n---\n"
            )
        })
        .collect()
}

/// After a run that was stopped: each file is the old one or the new one, and a further run comes to the end.
fn assert_whole(folder: &Folder, files: &[&str], old: &str, new: &str) {
    for file in files {
        let text = fs::read_to_string(folder.path(file)).expect("the file is there");
        assert!(text == old || text == new, "{file} is neither the old file nor the new one ({} bytes)", text.len());
    }
}

#[test]
fn a_migration_that_is_killed_leaves_whole_files() {
    let (old, new) = migration();
    let folder = Folder::new("in-place");
    let files = ["a.yaml", "b.yaml"];
    let paths = files.map(|file| folder.path(file));
    let mut went_through = 0;
    for step in 0..60 {
        for path in &paths {
            fs::write(path, &old).expect("a file");
        }
        let mut child = piped(&["migrate", "--in-place", &paths[0], &paths[1]]);
        thread::sleep(Duration::from_millis(step * 2));
        let _ = child.kill();
        went_through += usize::from(child.wait_with_output().expect("it ends").status.success());
        assert_whole(&folder, &files, &old, &new);
    }
    eprintln!("{went_through} of 60 runs came to their end");
}

/// Kills the binary at the n-th call of each system call that changes a file; gives how often it was killed.
fn killed_at_each(arguments: &[&str], before: &dyn Fn(), after: &dyn Fn(Option<i32>)) -> usize {
    let mut killed = 0;
    for call in ["write", "fsync", "rename", "unlink", "mkdir", "openat", "fchmod", "close"] {
        for number in 1..200 {
            before();
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
            strace.args(["-e", &format!("inject={call}:signal=SIGKILL:when={number}"), BINARY]).args(arguments);
            let status =
                strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("strace");
            after(status.code());
            if status.success() {
                break;
            }
            killed += 1;
        }
    }
    killed
}

#[test]
fn a_migration_is_whole_at_every_system_call() {
    if !is_there("strace") {
        return;
    }
    let (old, new) = migration();
    let folder = Folder::new("calls");
    let files = ["a.yaml", "b.yaml"];
    let paths = files.map(|file| folder.path(file));
    let before = || {
        for path in &paths {
            fs::write(path, &old).expect("a file");
        }
    };
    let after = |_: Option<i32>| assert_whole(&folder, &files, &old, &new);
    let killed = killed_at_each(&["migrate", "--in-place", &paths[0], &paths[1]], &before, &after);
    assert!(killed > 20, "killed {killed} times");
    eprintln!("migrate --in-place: killed at {killed} system calls");
    // A baseline is replaced in the same way.
    let (release, baseline) = (folder.path("r.yaml"), folder.path("baseline.json"));
    fs::write(&release, good().replace("replicas: 3", "replicas: 4")).expect("a file");
    let arguments = ["lint", "--fail-on", "never", "--write-baseline", &baseline, &release];
    let full = || {
        let status = command(&arguments).stdout(Stdio::null()).stdin(Stdio::null()).status().expect("it runs");
        assert!(status.success());
        fs::read_to_string(&baseline).expect("the baseline")
    };
    let new = full();
    let before = || fs::write(&baseline, "old").expect("a file");
    let after = |_: Option<i32>| {
        let text = fs::read_to_string(&baseline).expect("it is there");
        assert!(text == "old" || text == new, "{text}");
    };
    let killed = killed_at_each(&arguments, &before, &after);
    eprintln!("lint --write-baseline: killed at {killed} system calls");
}

#[test]
fn a_file_is_replaced_by_a_rename_of_what_is_on_disk() {
    if !is_there("strace") {
        return;
    }
    let (old, _) = migration();
    let folder = Folder::new("order");
    let (file, log) = (folder.path("a.yaml"), folder.path("log"));
    fs::write(&file, &old).expect("a file");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-y", "-o", &log, "-e", "trace=openat,write,fsync,rename,renameat2", BINARY])
        .args(["migrate", "--in-place", &file])
        .stderr(Stdio::null())
        .status()
        .expect("strace");
    assert!(status.success());
    let log = fs::read_to_string(&log).expect("the log");
    let at = |what: &str| log.find(what).unwrap_or_else(|| panic!("no {what} in:\n{log}"));
    assert!(at("O_EXCL") < at("fsync(") && at("fsync(") < at("rename"), "{log}");
    let truncated = log.lines().any(|line| line.contains("a.yaml\"") && line.contains("O_TRUNC"));
    assert!(!truncated, "the file itself is never opened to be emptied:\n{log}");
}

#[test]
fn a_split_that_is_killed_can_be_done_again() {
    if !is_there("strace") {
        return;
    }
    let folder = Folder::new("split");
    let (release, out) = (folder.path("r.yaml"), folder.path("out"));
    let arguments = ["split", "--by", "cluster", "-o", &out, &release];
    let old = good();
    let new = good().replace("replicas: 3", "replicas: 5").replace("cluster-3", "cluster-4");
    let split = || {
        let mut command = command(&arguments);
        let output = command.stdin(Stdio::null()).output().expect("it runs");
        assert!(output.status.success(), "{}", stderr(&output));
    };
    let before = || {
        let _ = fs::remove_dir_all(&out);
        fs::write(&release, &old).expect("a file");
        split();
        fs::write(&release, &new).expect("a file");
    };
    let after = |_: Option<i32>| {
        // Nobody edited anything: the next run neither refuses nor leaves anything behind.
        split();
        let all: String = ["cluster-1", "cluster-2", "cluster-4"]
            .iter()
            .map(|cluster| fs::read_to_string(Path::new(&out).join(cluster).join("manifests.yaml")).expect("the part"))
            .collect();
        assert!(!all.contains("replicas: 3") && !Path::new(&out).join("cluster-3").exists());
    };
    let killed = killed_at_each(&arguments, &before, &after);
    eprintln!("split: killed at {killed} system calls");
}

#[test]
fn too_little_memory_is_no_success() {
    let folder = Folder::new("memory");
    fs::write(folder.path("in"), large()).expect("a file");
    let whole = large().len();
    let mut refused = 0;
    for megabytes in [4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 400, 2000] {
        let script = format!(
            "ulimit -v {}; exec {BINARY} post-render --label a=b < {} > {}",
            megabytes * 1024,
            folder.path("in"),
            folder.path("out")
        );
        let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
        let out = fs::metadata(folder.path("out")).expect("the output").len() as usize;
        if output.status.success() {
            assert!(out > whole, "with {megabytes} MB a part of the release passes for all of it");
        } else {
            refused += 1;
            assert_eq!(out, 0, "with {megabytes} MB it fails and puts something out: {}", stderr(&output));
        }
    }
    assert!(refused > 0, "no limit was tight");
}

#[test]
fn many_at_once_come_to_the_same() {
    let expected = post_rendered();
    let all: Vec<_> = (0..64)
        .map(|number| {
            let mut child = piped(&["post-render"]);
            let mut stdin = child.stdin.take().expect("standard input");
            let text = good();
            let writer = thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
            (number, child, writer)
        })
        .collect();
    for (number, child, writer) in all {
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("the writer ends");
        assert!(output.status.success(), "run {number}: {}", stderr(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "run {number}");
    }
}

/// Helm with a post-renderer that is killed, runs out of memory, or cannot write.
#[test]
fn helm_takes_no_part_for_the_whole() {
    let folder = Folder::new("helm");
    let faults = [
        ("killed", format!("(cat; sleep 1) | timeout -s KILL 0.2 {BINARY} post-render")),
        ("killed-writing", format!("{BINARY} post-render | head -c 3000; kill -9 $$")),
        ("memory", format!("ulimit -v 8000; exec {BINARY} post-render")),
        ("full", format!("exec {BINARY} post-render > /dev/full")),
        ("report", format!("exec {BINARY} post-render --report-file /dev/full")),
        ("defect", "exit 134".to_owned()),
    ];
    for (variable, major) in [("HELM3", 3), ("HELM4", 4)] {
        let Some(helm) = std::env::var_os(variable) else {
            eprintln!("skipped: {variable} names no Helm");
            continue;
        };
        for (name, script) in &faults {
            let renderer = renderer(&folder, name, script, major);
            let chart = common::repository("charts/multi-cluster");
            let output = Command::new(&helm)
                .args(["template", "a"])
                .arg(&chart)
                .args(["--post-renderer", &renderer])
                .env("HELM_PLUGINS", folder.path("plugins"))
                .env("HELM_DATA_HOME", folder.path("data"))
                .env("HELM_CACHE_HOME", folder.path("cache"))
                .env("HELM_CONFIG_HOME", folder.path("config"))
                .output()
                .expect("Helm runs");
            assert!(!output.status.success(), "{variable}, {name}: Helm takes it for a success");
            assert!(output.stdout.is_empty(), "{variable}, {name}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

/// A post-renderer as each Helm takes it: a program for Helm 3, a plugin for Helm 4.
fn renderer(folder: &Folder, name: &str, script: &str, major: u32) -> String {
    use std::os::unix::fs::PermissionsExt;
    let home = PathBuf::from(folder.path("plugins")).join(name);
    fs::create_dir_all(&home).expect("a folder");
    let program = home.join("run.sh");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may run");
    if major == 3 {
        return program.to_str().expect("a path").to_owned();
    }
    let plugin = format!(
        "apiVersion: v1\ntype: postrenderer/v1\nname: {name}\nversion: 0.1.0\nruntime: subprocess\nruntimeConfig:\n  \
         platformCommand:\n    - command: ${{HELM_PLUGIN_DIR}}/run.sh\n"
    );
    fs::write(home.join("plugin.yaml"), plugin).expect("a plugin");
    name.to_owned()
}
