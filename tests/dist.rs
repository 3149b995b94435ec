//! What `make dist` makes: contents, the same bytes twice, and the plugins in the real Helm 3 and Helm 4. The binaries are those of
//! the tests; that a release builds is not tried here, but that a profile can be made for it.
#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

mod common;

use common::{Run, repository, run};

/// `dist/`, made once for all tests here.
fn dist() -> &'static Path {
    static DIST: OnceLock<PathBuf> = OnceLock::new();
    DIST.get_or_init(|| make("first"))
}

fn make(name: &str) -> PathBuf {
    let dist = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dist").join(name);
    let binaries = dist.with_extension("binaries");
    fs::create_dir_all(&binaries).expect("target can be written");
    for binary in [env!("CARGO_BIN_EXE_capi-lint"), env!("CARGO_BIN_EXE_capi-lint-post-render")] {
        let copy = binaries.join(Path::new(binary).file_name().expect("a file"));
        fs::copy(binary, &copy).expect("copied");
        // What tests are built with is many times what a release is.
        let _ = Command::new("strip").arg(&copy).status();
    }
    let mut command = Command::new(repository("scripts/dist.sh"));
    command
        .env("DIST", &dist)
        .env("BINARIES", &binaries)
        .env("GZIP_LEVEL", "1")
        .env("SOURCE_DATE_EPOCH", "1760000000")
        .env("TARGET", host());
    let run = run(command, b"");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    dist
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

fn name() -> String {
    format!("capi-lint-{}-{}", env!("CARGO_PKG_VERSION"), host())
}

#[test]
fn the_tarball_holds_what_a_distribution_needs() {
    let mut command = Command::new("tar");
    command.arg("-tzf").arg(dist().join(format!("{}.tar.gz", name())));
    let listed = run(command, b"").stdout;
    for file in [
        "capi-lint",
        "capi-lint-post-render",
        "LICENSE",
        "NOTICE",
        "THIRD-PARTY",
        "README.md",
        "completions/capi-lint.bash",
        "completions/_capi-lint",
        "completions/capi-lint.fish",
        "completions/_capi-lint.ps1",
        "man/capi-lint.1",
        "man/capi-lint-lint.1",
        "man/capi-lint-post-render.1",
        "docs/rules.md",
    ] {
        assert!(listed.lines().any(|line| line == format!("{}/{file}", name())), "{file} is missing in\n{listed}");
    }
    let stage = dist().join(name());
    let notices = fs::read_to_string(stage.join("THIRD-PARTY")).expect("readable");
    for krate in ["\nserde ", "\nclap ", "\nregex "] {
        assert!(notices.contains(krate), "{krate}");
    }
    assert!(!notices.contains("\nclap_mangen "), "that is in no binary");
    assert_eq!(notices.contains("glibc"), host().ends_with("-linux-gnu"), "the C library that is part of the binary");
    let texts = ["Permission is hereby granted", "Apache License", "GNU LESSER GENERAL PUBLIC LICENSE\n"];
    let texts: usize = texts.iter().map(|text| notices.matches(text).count()).sum();
    assert!(texts >= notices.matches(&"=".repeat(80)).count(), "a crate without a licence text");
    let man = fs::read_to_string(stage.join("man/capi-lint-lint.1")).expect("readable");
    assert!(man.contains(".TH capi-lint-lint 1") && man.contains("fail\\-on"), "{man}");
    let mut bash = Command::new("bash");
    bash.args(["-n"]).arg(stage.join("completions/capi-lint.bash"));
    assert_eq!(run(bash, b"").code, 0);
}

#[test]
fn the_same_commit_gives_the_same_bytes() {
    let sums = |dist: &Path| fs::read_to_string(dist.join("SHA256SUMS")).expect("readable");
    assert_eq!(sums(dist()), sums(&make("second")));
    let mut command = Command::new("sha256sum");
    command.args(["--check", "--quiet", "SHA256SUMS"]).current_dir(dist());
    assert_eq!(run(command, b"").code, 0);
}

/// What `scripts/release.sh` makes its profile from: a command that is gone would leave it half as good, and nobody would know.
#[test]
fn the_training_of_a_profile_runs() {
    let mut command = Command::new(repository("scripts/training.sh"));
    command.arg(env!("CARGO_BIN_EXE_capi-lint"));
    let run = run(command, b"");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn plugins_have_the_version_of_the_crate() {
    for plugin in ["helm3", "helm4-cli", "helm4-post-render"] {
        let text = fs::read_to_string(repository(&format!("plugins/{plugin}/plugin.yaml"))).expect("readable");
        let version = format!("\nversion: {}\n", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&version), "plugins/{plugin}/plugin.yaml");
    }
}

/// A Helm with a home of its own, and a cluster that says that it is there.
struct Helm {
    program: PathBuf,
    home: PathBuf,
}

impl Helm {
    fn all(test: &str) -> Vec<(u8, Helm)> {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp lies in target");
        let mut found = Vec::new();
        for major in [3, 4] {
            let named = std::env::var_os(format!("HELM{major}")).map(PathBuf::from);
            let program = named.unwrap_or_else(|| target.join(format!("tools/helm{major}")));
            if !program.is_file() {
                println!("skipped: no Helm {major} here (scripts/helm-tools.sh gets one)");
                continue;
            }
            let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dist-helm{major}")).join(test);
            let _ = fs::remove_dir_all(&home);
            fs::create_dir_all(&home).expect("target can be written");
            fs::write(home.join("releases.yaml"), "[]\n").expect("written");
            found.push((major, Helm { program, home }));
        }
        found
    }

    /// PATH holds neither Helm nor capi-lint: the plugin brings the one along and is told of the other.
    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&self.home)
            .env("PATH", "/usr/bin:/bin")
            .env("HELM_DATA_HOME", self.home.join("data"))
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_PLUGINS", self.home.join("data/plugins"))
            .env("HELM_DRIVER", "memory")
            .env("HELM_MEMORY_DRIVER_DATA", self.home.join("releases.yaml"))
            .env("KUBECONFIG", self.home.join("kubeconfig"))
            .env_remove("HELM_NAMESPACE");
        run(command, b"")
    }

    /// The release `fleet` in the namespace `prod`, as installed from the chart with these values.
    fn installed(&self, values: &[&str]) {
        let chart = repository("charts/multi-cluster").display().to_string();
        let rendered = self.run(&[&["template", "fleet", &chart, "-n", "prod"], values].concat());
        assert_eq!(rendered.code, 0, "{}", rendered.stderr);
        let manifest: String = rendered.stdout.lines().flat_map(|line| ["    ", line, "\n"]).collect();
        let release = format!(
            "- name: fleet\n  namespace: prod\n  version: 1\n  info: {{status: deployed}}\n  manifest: |\n{manifest}"
        );
        fs::write(self.home.join("releases.yaml"), release).expect("written");
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: test\n  cluster: {{server: \"http://{}\"}}\n\
             contexts:\n- name: test\n  context: {{cluster: test, user: test}}\nusers:\n- name: test\n  user: {{}}\n",
            cluster()
        );
        fs::write(self.home.join("kubeconfig"), kubeconfig).expect("written");
    }
}

/// An API server that knows its version and nothing else: Helm asks for it before it reads a release.
fn cluster() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("bound").to_string();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let body = r#"{"major": "1", "minor": "33", "gitVersion": "v1.33.0"}"#;
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        address
    })
}

#[test]
fn the_real_helms_install_the_plugins() {
    for (major, helm) in Helm::all("install") {
        let plugins: &[&str] = if major == 3 { &["helm3"] } else { &["helm4-cli", "helm4-post-render"] };
        for plugin in plugins {
            let folder = dist().join("plugins").join(plugin).display().to_string();
            let installed = helm.run(&["plugin", "install", &folder]);
            assert_eq!(installed.code, 0, "{}", installed.stderr);
        }
        let help = helm.run(&["capi-lint", "--help"]);
        assert!(help.code == 0 && help.stdout.contains("post-render"), "Helm {major}: {}{}", help.stdout, help.stderr);
        let chart = repository("charts/multi-cluster").display().to_string();
        let lint = helm.run(&["capi-lint", "lint", &chart]);
        assert_eq!(lint.code, 0, "Helm {major}: {}{}", lint.stdout, lint.stderr);
        assert!(lint.stdout.contains("21 objects checked"), "{}", lint.stdout);
        let bad = helm.run(&["capi-lint", "lint", &chart, "--set", "env=nosuch"]);
        assert!(bad.code != 0 && bad.stderr.contains("there is no \"nosuch\""), "Helm {major}: {}", bad.stderr);
        if major == 4 {
            let rendered = helm.run(&["template", "fleet", &chart, "--post-renderer", "capi-lint-post-render"]);
            assert_eq!(rendered.code, 0, "{}", rendered.stderr);
            assert!(rendered.stdout.contains("cluster.x-k8s.io/cluster-name"));
        }
    }
}

/// Both Helms take `-n` for themselves, wherever it stands; the plugin is told by `HELM_NAMESPACE`.
#[test]
fn the_plugin_compares_an_installed_release_with_a_chart() {
    for (major, helm) in Helm::all("diff") {
        let plugin = dist().join("plugins").join(if major == 3 { "helm3" } else { "helm4-cli" });
        let installed = helm.run(&["plugin", "install", &plugin.display().to_string()]);
        assert_eq!(installed.code, 0, "{}", installed.stderr);
        helm.installed(&[]);
        let chart = repository("charts/multi-cluster").display().to_string();
        for arguments in [
            ["capi-lint", "diff", "fleet", &chart, "-n", "prod", "--exit-code"],
            ["-n", "prod", "capi-lint", "diff", "fleet", &chart, "--exit-code"],
            ["capi-lint", "diff", "--namespace=prod", "release:fleet@1", &chart, "--exit-code", "--summary"],
        ] {
            let same = helm.run(&arguments);
            assert_eq!(same.code, 0, "Helm {major}, {arguments:?}: {}{}", same.stdout, same.stderr);
        }
        let other = helm.run(&["capi-lint", "diff", "fleet", &chart, "-n", "prod", "--set", "env=prod", "--exit-code"]);
        assert!(other.code != 0 && !other.stdout.is_empty(), "Helm {major}: {}{}", other.stdout, other.stderr);
        let missing = helm.run(&["capi-lint", "diff", "flet", &chart, "-n", "prod"]);
        assert!(missing.stderr.contains("release: not found"), "Helm {major}: {}", missing.stderr);
    }
}

/// Helm's own words; docs/helm.md says what to do about them.
#[test]
fn helm_4_refuses_an_executable_and_the_manual_says_what_to_install() {
    let Some((_, helm)) = Helm::all("executable").into_iter().find(|(major, _)| *major == 4) else { return };
    let chart = repository("charts/multi-cluster").display().to_string();
    let refused = helm.run(&["template", "fleet", &chart, "--post-renderer", env!("CARGO_BIN_EXE_capi-lint")]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("Type:postrenderer/v1} not found"), "{}", refused.stderr);
    let manual = fs::read_to_string(repository("docs/helm.md")).expect("readable");
    assert!(manual.contains("Type:postrenderer/v1} not found") && manual.contains("helm plugin install"));
}
