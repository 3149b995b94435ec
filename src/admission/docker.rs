//! The Docker and Dev providers, the ones for trying out.

use crate::yaml::Once;

use super::Gate;
use super::check::{Check, field, items, text};
use super::metadata;
use super::rules::UNSORTED_FAILURE_DOMAINS;

/// Judges a Docker or Dev object.
pub fn judge(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let kind = &*check.object.kind;
    match kind {
        "DockerCluster" => failure_domains(check, &["spec", "failureDomains"]),
        "DevCluster" => failure_domains(check, &["spec", "backend", "docker", "failureDomains"]),
        "DockerClusterTemplate" | "DevClusterTemplate" => {
            let at = field(root, &["kind"]).unwrap_or(root);
            if check.gate(Gate::ClusterTopology, at, &format!("a {kind}")) {
                let path: &[&str] = if kind == "DevClusterTemplate" {
                    &["spec", "template", "spec", "backend", "docker", "failureDomains"]
                } else {
                    &["spec", "template", "spec", "failureDomains"]
                };
                failure_domains(check, path);
                metadata::judge(check, check.at(&["spec", "template", "metadata"]));
            }
        }
        "DockerMachineTemplate" | "DevMachineTemplate" => {
            metadata::judge(check, check.at(&["spec", "template", "metadata"]));
        }
        _ => {}
    }
}

fn failure_domains(check: &mut Check<'_, '_>, path: &[&str]) {
    if !check.since(11) || check.is_old() {
        return;
    }
    let mut last = String::new();
    for domain in items(check.object.root, Once(path)) {
        let name = text(domain, &["name"]).unwrap_or_default().into_owned();
        if name < last {
            let message =
                format!("failure domain {name:?} stands behind {last:?}: the webhook wants them sorted by name");
            check.refuse(&UNSORTED_FAILURE_DOMAINS, domain, message, format!("move {name:?} before {last:?}"));
            return;
        }
        last = name;
    }
}
