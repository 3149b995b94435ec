//! The command: gates and exit codes, formats, what is masked, Helm's stored releases.

use std::io::Write;
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn fixture(case: &str, side: &str) -> String {
    format!("fixtures/diff/{case}/{side}.yaml")
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("diff").args(arguments).output().unwrap()
}

fn code(case: &str, more: &[&str]) -> Option<i32> {
    let (old, new) = (fixture(case, "old"), fixture(case, "new"));
    run(&[&[old.as_str(), new.as_str()], more].concat()).status.code()
}

#[test]
fn exit_codes_and_gates() {
    assert_eq!(code("join-arguments", &[]), Some(0));
    assert_eq!(code("join-arguments", &["--exit-code"]), Some(3));
    assert_eq!(code("noise", &["--exit-code"]), Some(0));
    assert_eq!(code("aws-template", &["--exit-code"]), Some(1));
    assert_eq!(code("join-arguments", &["--max-rolled-machines", "1"]), Some(1));
    assert_eq!(code("join-arguments", &["--max-rolled-machines", "2"]), Some(0));
    assert_eq!(code("join-arguments", &["--max-rolled-clusters", "50%"]), Some(1));
    assert_eq!(code("join-arguments", &["--fail-on", "rollout"]), Some(1));
    assert_eq!(code("cluster-gone", &[]), Some(1));
    assert_eq!(code("cluster-gone", &["--allow-delete", "prod"]), Some(0));
    assert_eq!(code("cluster-gone", &["--allow-delete", "fleet/prod", "--fail-on", "delete"]), Some(1));
    assert_eq!(run(&["nowhere.yaml", "nowhere.yaml"]).status.code(), Some(2));
}

#[test]
fn secrets_are_masked_in_every_format() {
    for format in ["text", "json", "markdown", "github"] {
        let output = run(&[&fixture("secret", "old"), &fixture("secret", "new"), "--format", format]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("hunter2"), "{format}: {text}");
    }
}

#[test]
fn the_document_for_programs_has_its_shape() {
    let output = run(&[&fixture("workers-first", "old"), &fixture("workers-first", "new"), "--format", "json"]);
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["accepted"], true);
    let row = &document["rollout"][0];
    assert_eq!((&row["kind"], &row["cluster"]), (&"machine-deployment".into(), &"fleet/prod".into()));
    assert!(row["blocked"].as_str().is_some_and(|reason| reason.contains("ahead of the control plane")));
    let change = &document["changes"][0];
    assert_eq!(
        (&change["kind"], &change["object"]),
        (&"changed".into(), &"MachineDeployment fleet/prod-workers".into())
    );
    assert!(change["paths"][0]["path"].is_string());
}

fn release_secret(manifest: &str) -> String {
    release_secret_of(&serde_json::json!({"name": "fleet", "manifest": manifest, "hooks": []}))
}

/// As Helm stores it: base64 of base64 of a gzipped document.
pub fn release_secret_of(release: &Json) -> String {
    let release = release.to_string();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(release.as_bytes()).unwrap();
    let stored = base64(base64(&encoder.finish().unwrap()).as_bytes());
    serde_json::json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": stored}})
        .to_string()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for number in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * number) & 63) as usize] as char;
            text.push(if number > chunk.len() { '=' } else { letter });
        }
    }
    text
}

#[test]
fn helm_keeps_releases_in_secrets() {
    let manifest = fs::read_to_string(fixture("join-arguments", "old")).unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let secret = folder.join("release.json");
    fs::write(&secret, release_secret(&manifest)).unwrap();
    let output = run(&[secret.to_str().unwrap(), &fixture("join-arguments", "old"), "--exit-code"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_recorded_release_secret_is_read() {
    let Some(shared) = shared() else { return };
    let secret = shared.join("recorded/live/helm3-release-secret.json");
    let manifest = shared.join("recorded/live/running.manifest.yaml");
    let output = run(&[secret.to_str().unwrap(), manifest.to_str().unwrap(), "--exit-code"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Of a list, what an upgrade starts from counts: the deployed revision, not a newer one that failed.
#[test]
fn of_a_list_the_deployed_release_counts() {
    let manifest =
        |value: u32| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{k: '{value}'}}\n");
    let item = |version: u32, status: &str, name: &str| {
        let mut secret: Json = serde_json::from_str(&release_secret(&manifest(version))).unwrap();
        secret["metadata"] = serde_json::json!({"labels": {"owner": "helm", "name": name, "status": status, "version": version.to_string()}});
        secret
    };
    let list = |items: Vec<Json>| serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (releases, wanted) = (folder.join("releases.json"), folder.join("wanted.yaml"));
    let three = vec![item(1, "superseded", "fleet"), item(2, "deployed", "fleet"), item(10, "failed", "fleet")];
    fs::write(&releases, list(three)).unwrap();
    fs::write(&wanted, manifest(2)).unwrap();
    let (releases, wanted) = (releases.to_str().unwrap(), wanted.to_str().unwrap());
    assert_eq!(run(&[releases, wanted, "--exit-code"]).status.code(), Some(0));
    fs::write(releases, list(vec![item(1, "deployed", "fleet"), item(1, "deployed", "other")])).unwrap();
    let output = run(&[releases, wanted]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("several releases"));
}

#[test]
fn a_comment_fits_where_it_goes() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let map = |name: usize, value: &str| {
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{name}}}\ndata: {{a: {value}}}\n")
    };
    let write = |file: &str, value: &str| {
        let path = folder.join(file);
        fs::write(&path, (0..2000).map(|name| map(name, value)).collect::<String>()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (write("many-old.yaml", "x"), write("many-new.yaml", "y"));
    let output = run(&[&old, &new, "--format", "markdown"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.chars().count() <= 65_000);
    assert!(text.contains("2000 changed") && text.contains("left out"), "{}", &text[..500]);
    let output = run(&[&old, &new, "--summary"]);
    assert!(output.stdout.len() < 2000);
}

#[test]
fn a_class_is_still_in_use_when_its_turn_comes() {
    let class = "apiVersion: cluster.x-k8s.io/v1beta2\nkind: ClusterClass\nmetadata: {name: quick, namespace: classes}\nspec: {}\n---\n";
    let cluster = |topology: &str| {
        format!(
            "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {{name: demo, namespace: fleet}}\nspec:\n  topology: {topology}\n"
        )
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("class-in-use");
    fs::create_dir_all(&folder).unwrap();
    let stuck = |text: &str| {
        let path = folder.join("release.yaml");
        fs::write(&path, text).unwrap();
        let output = run(&[path.to_str().unwrap(), "--uninstall", "--format", "json"]);
        let document: Json = serde_json::from_slice(&output.stdout).unwrap();
        let all = [&document["refusals"], &document["warnings"]];
        all.iter().filter_map(|list| list.as_array()).flatten().any(|found| {
            found["rule"] == "stuck-uninstall" && found["object"].as_str().unwrap().starts_with("ClusterClass")
        })
    };
    assert!(stuck(&format!("{class}{}", cluster("{classRef: {name: quick, namespace: classes}, version: v1.34.1}"))));
    assert!(stuck(&format!("{class}{}", cluster("{class: quick, classNamespace: classes, version: v1.34.1}"))));
    assert!(!stuck(&format!("{class}{}", cluster("{classRef: {name: quick}, version: v1.34.1}"))));
    let kept = "namespace: classes, annotations: {helm.sh/resource-policy: keep}";
    let kept = class.replace("namespace: classes", kept);
    assert!(!stuck(&format!("{kept}{}", cluster("{classRef: {name: quick, namespace: classes}, version: v1.34.1}"))));
}

#[test]
fn uninstall_tells_what_gets_stuck() {
    let output = run(&[&fixture("join-arguments", "old"), "--uninstall", "--format", "json"]);
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["warnings"].as_array().is_some_and(|all| !all.is_empty()), "{document}");
}
