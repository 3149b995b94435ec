//! The layers above Cluster API: the chapters' examples right and wrong, inventories, contexts, what lands where.

mod common;

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use common::{capi_lint, repository};

fn fixture(name: &str) -> String {
    repository("fixtures/layers").join(name).display().to_string()
}

fn marked(path: &Path, mark: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let comments = text.lines().take_while(|line| line.starts_with('#'));
    comments.filter_map(|line| line.strip_prefix("# ")?.strip_prefix(mark)).map(|line| line.trim().to_owned()).collect()
}

fn found(path: &str, more: &[&str]) -> Vec<String> {
    let run = capi_lint(&[&["lint", path, "--format", "json", "--fail-on", "never"], more].concat(), "");
    let report: Json = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr));
    let mut lines: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("severity"), text("rule"), text("path")).trim_end().to_owned()
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn the_examples_are_found_right_and_wrong() {
    let inventory = fixture("inventory.yaml");
    let mut faults = Vec::new();
    for entry in fs::read_dir(repository("fixtures/layers")).unwrap().map(|entry| entry.unwrap().path()) {
        if !entry.is_dir() || entry.ends_with("kubeconfig") {
            continue;
        }
        for name in ["right.yaml", "wrong.yaml"] {
            let path = entry.join(name);
            let mut expected: Vec<String> =
                marked(&path, "expect:").into_iter().filter(|line| line != "nothing").collect();
            expected.sort();
            assert!(name == "right.yaml" || !expected.is_empty(), "{}", path.display());
            let found = found(&path.display().to_string(), &["--inventory", &inventory]);
            if found != expected {
                faults.push(format!("{}\n  expected {expected:#?}\n  found {found:#?}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_name_of_a_kubeconfig_secret_is_no_secret() {
    let run =
        capi_lint(&["lint", &fixture("flux-kustomization/wrong.yaml"), "--inventory", &fixture("inventory.yaml")], "");
    assert!(run.stdout.contains("app-prod") && !run.stdout.contains("(hidden)"), "{}", run.stdout);
}

#[test]
fn external_secrets_say_the_version_that_is_served() {
    let run = capi_lint(&["lint", &fixture("external-secrets/wrong.yaml")], "");
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("external-secrets.io/v1"), "{}", run.stdout);
}

#[test]
fn without_an_inventory_nothing_is_claimed_of_clusters_that_nobody_knows() {
    for name in ["federated-deployment", "application-per-environment", "flux-kustomization"] {
        let found = found(&fixture(&format!("{name}/right.yaml")), &[]);
        assert_eq!(found, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn an_inventory_that_names_no_cluster_is_refused() {
    let run = capi_lint(&["lint", "-", "--inventory", &fixture("cockroachdb/right.yaml")], "a: b");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("names no cluster"), "{}", run.stderr);
}

#[test]
fn a_kubeconfig_serves_as_inventory() {
    let kubeconfig = fixture("kubeconfig/right.yaml");
    let right = found(&fixture("application-per-environment/right.yaml"), &["--inventory", &kubeconfig]);
    assert_eq!(right, Vec::<String>::new());
    let wrong = found(&fixture("application-per-environment/wrong.yaml"), &["--inventory", &kubeconfig]);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}

#[test]
fn contexts_are_hub_and_spokes() {
    let (kubeconfig, fleet) = (fixture("kubeconfig/right.yaml"), fixture("inventory.yaml"));
    let run = capi_lint(&["contexts", &kubeconfig, "--manifests", &fleet, "--format", "json", "--fail-on", "info"], "");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let all: Json = serde_json::from_str(&run.stdout).unwrap();
    let roles: Vec<(&str, &str)> = all["contexts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["role"].as_str().unwrap(), row["reaches"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(
        roles,
        [("hub", ""), ("spoke", "fleet/app-dev"), ("spoke", "fleet/app-staging"), ("spoke", "fleet/app-prod")]
    );
    let table = capi_lint(&["contexts", &kubeconfig, "--manifests", &fleet], "");
    assert!(!table.stdout.contains("not-a-real-token") && !table.stdout.contains("bm90"), "{}", table.stdout);
    assert!(table.stdout.contains("4 contexts, 3 spokes, 0 remarks"), "{}", table.stdout);
}

#[test]
fn contexts_that_lead_nowhere_are_told() {
    let (path, fleet) = (fixture("kubeconfig/wrong.yaml"), fixture("inventory.yaml"));
    let run = capi_lint(&["contexts", &path, "--manifests", &fleet], "");
    assert_eq!(run.code, 1);
    let expected = marked(Path::new(&path), "expect:");
    for line in &expected {
        let (severity, message) = line.split_once(' ').unwrap();
        let hit = run.stdout.lines().any(|line| line.starts_with(severity) && line.contains(message));
        assert!(hit, "{line} is not in\n{}", run.stdout);
    }
    assert!(run.stdout.contains(&format!("{} remarks", expected.len())), "{}", run.stdout);
    assert!(!run.stdout.contains("not-a-real-token"));
    assert_eq!(capi_lint(&["contexts", "-"], "kind: ConfigMap\napiVersion: v1\n").code, 2);
    assert_eq!(capi_lint(&["contexts", &path, "--hub", "nope"], "").code, 2);
}

#[test]
fn contexts_are_named_as_the_settings_ask() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contexts");
    fs::create_dir_all(&folder).unwrap();
    let settings = folder.join("settings.yaml");
    fs::write(&settings, "naming:\n  pattern: shop-.*\n").unwrap();
    let run =
        capi_lint(&["contexts", &fixture("kubeconfig/right.yaml"), "--config", &settings.display().to_string()], "");
    assert_eq!(run.stdout.matches("is not named as the settings ask").count(), 3, "{}", run.stdout);
}

#[test]
fn what_lands_on_each_cluster_is_counted() {
    let fleet = fs::read_to_string(fixture("inventory.yaml")).unwrap();
    let apps = ["federated-deployment", "applicationset", "flux-kustomization"]
        .map(|name| fs::read_to_string(fixture(&format!("{name}/right.yaml"))).unwrap());
    let text = format!("{fleet}---\n{}", apps.join("---\n"));
    let run = capi_lint(&["count", "-", "--apps", "--format", "json"], &text);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let count: Json = serde_json::from_str(&run.stdout).unwrap();
    let of = |name: &str| -> Vec<String> {
        let cluster = count["clusters"].as_array().unwrap().iter().find(|cluster| cluster["name"] == name).unwrap();
        cluster["apps"].as_array().unwrap().iter().map(|app| app.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("app-dev"), ["FederatedDeployment/storefront", "ApplicationSet/storefront"]);
    assert_eq!(
        of("app-prod"),
        ["FederatedDeployment/storefront", "ApplicationSet/storefront", "Kustomization/storefront"]
    );
    let table = capi_lint(&["count", "-", "--apps"], &text);
    assert!(table.stdout.contains("APPS"), "{}", table.stdout);
}
