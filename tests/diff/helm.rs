//! `release:NAME[@REVISION]`: a script that notes what it was asked, and the real Helm against a server that knows one release.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use super::*;

const OLD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: one}\n";
const HOOK: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: h, annotations: {helm.sh/hook: pre-upgrade}}\n";

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

fn run(helm: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
    command.arg("diff").args(arguments).arg("--helm").arg(helm);
    command.envs(environment.iter().copied()).output().unwrap()
}

fn script(name: &str, body: &str) -> PathBuf {
    let path = folder(name).join("helm");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn new_manifest(name: &str) -> String {
    let path = folder(name).join("new.yaml");
    fs::write(&path, OLD.replace("one", "two")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_release_is_asked_for_with_its_hooks() {
    let place = folder("helm-asked");
    let log = place.join("asked");
    let _ = fs::remove_file(&log);
    let body = format!(
        "echo \"$@\" >> '{}'\ncase \"$2\" in\nmanifest) printf '%s' '{OLD}';;\nhooks) printf -- '---\\n%s' '{HOOK}';;\nesac",
        log.display()
    );
    let helm = script("helm-asked", &body);
    let output = run(&helm, &[], &["release:fleet@7", &new_manifest("helm-asked"), "-n", "prod", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["summary"]["changed"], 1);
    assert_eq!(document["changes"][0]["paths"][0]["old"], "one");
    assert_eq!(document["summary"]["removed"], 1, "the hook is gone");
    assert_eq!(
        fs::read_to_string(log).unwrap(),
        "get manifest --namespace prod --revision 7 -- fleet\nget hooks --namespace prod --revision 7 -- fleet\n"
    );
}

#[test]
fn what_stands_in_the_way_is_said_with_the_way_out() {
    let new = new_manifest("helm-errors");
    let error = |output: Output| {
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let none = error(run(Path::new("no-helm-here"), &[], &["release:fleet", &new]));
    assert!(none.contains("kubectl get secret") && none.contains("no-helm-here"), "{none}");
    let down = script("helm-down", "echo 'Error: Kubernetes cluster unreachable: dial tcp' >&2; exit 1");
    let down = error(run(&down, &[], &["release:fleet", &new]));
    assert!(down.contains("unreachable") && down.contains("KUBECONFIG"), "{down}");
    let unknown = script("helm-unknown", "echo 'Error: release: not found' >&2; exit 1");
    let unknown = error(run(&unknown, &[], &["release:fleet", &new]));
    assert!(unknown.contains("helm list"), "{unknown}");
    let revision = error(run(Path::new("no-helm-here"), &[], &["release:fleet@last", &new]));
    assert!(revision.contains("no revision"), "{revision}");
}

/// Answers what `helm get` asks: the version, the Secrets of a release, one of them.
fn serve(listener: &TcpListener, secret: &Json) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut request = String::new();
        reader.read_line(&mut request).unwrap();
        let mut header = String::new();
        while reader.read_line(&mut header).is_ok_and(|read| read > 2) {
            header.clear();
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let body = if path.starts_with("/version") {
            serde_json::json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0"})
        } else if path.contains("/secrets?") {
            serde_json::json!({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [secret]})
        } else if path.contains("/secrets/") {
            secret.clone()
        } else {
            serde_json::json!({})
        }
        .to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
        let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    }
}

fn real(variable: &str, name: &str) -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("tools").join(name);
    let named = std::env::var_os(variable).map(PathBuf::from);
    let found = [named, Some(built)].into_iter().flatten().find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: no {name} here ({variable} names one)");
    }
    found
}

#[test]
fn the_real_helm_tells_its_release() {
    let release = serde_json::json!({
        "name": "fleet", "namespace": "prod", "version": 3, "manifest": format!("---\n{OLD}"),
        "info": {"status": "deployed"}, "chart": {"metadata": {"name": "c", "version": "1.0.0"}},
        "hooks": [{"name": "h", "kind": "Secret", "path": "c/h.yaml", "manifest": HOOK, "events": ["pre-upgrade"]}],
    });
    let mut secret: Json = serde_json::from_str(&command::release_secret_of(&release)).unwrap();
    secret["metadata"] = serde_json::json!({
        "name": "sh.helm.release.v1.fleet.v3", "namespace": "prod",
        "labels": {"name": "fleet", "owner": "helm", "status": "deployed", "version": "3"},
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || serve(&listener, &secret));
    let config = folder("helm-real").join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{}}}}]\ncurrent-context: a\n"
    );
    fs::write(&config, text).unwrap();
    let new = new_manifest("helm-real");
    for (variable, name) in [("HELM3", "helm3"), ("HELM4", "helm4")] {
        let Some(helm) = real(variable, name) else { continue };
        for release in ["release:fleet", "release:fleet@3"] {
            let environment = [("KUBECONFIG", config.to_str().unwrap())];
            let output = run(&helm, &environment, &[release, &new, "-n", "prod", "--format", "json"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{name}: {said}");
            let document: Json = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(document["changes"][0]["paths"][0]["old"], "one", "{name} {release}: {document}");
            assert_eq!(document["summary"]["removed"], 1, "{name}: the hook is gone");
        }
    }
}
