//! `KubeadmControlPlane`: the list of fields that may change, and the steps that its version may take.

use serde_json::Value as Json;

use super::{IMMUTABLE_FIELD, VERSION_DOWNGRADE, VERSION_SKIP, Verdict};
use crate::diff::defaults::CONTROL_PLANE_GROUP;
use crate::diff::json;
use crate::diff::update::Update;
use crate::diff::version::Version;
use crate::report::Severity;

/// Paths below `spec` that may change, with everything under them; names of both API versions.
const ALLOWED: &[&str] = &[
    "kubeadmConfigSpec.clusterConfiguration.etcd",
    "kubeadmConfigSpec.clusterConfiguration.dns",
    "kubeadmConfigSpec.clusterConfiguration.imageRepository",
    "kubeadmConfigSpec.clusterConfiguration.featureGates",
    "kubeadmConfigSpec.clusterConfiguration.apiServer",
    "kubeadmConfigSpec.clusterConfiguration.controllerManager",
    "kubeadmConfigSpec.clusterConfiguration.scheduler",
    "kubeadmConfigSpec.clusterConfiguration.certificateValidityPeriodDays",
    "kubeadmConfigSpec.clusterConfiguration.encryptionAlgorithm",
    "kubeadmConfigSpec.initConfiguration.nodeRegistration",
    "kubeadmConfigSpec.initConfiguration.patches",
    "kubeadmConfigSpec.initConfiguration.skipPhases",
    "kubeadmConfigSpec.initConfiguration.bootstrapTokens",
    "kubeadmConfigSpec.initConfiguration.localAPIEndpoint",
    "kubeadmConfigSpec.initConfiguration.timeouts",
    "kubeadmConfigSpec.joinConfiguration.nodeRegistration",
    "kubeadmConfigSpec.joinConfiguration.patches",
    "kubeadmConfigSpec.joinConfiguration.skipPhases",
    "kubeadmConfigSpec.joinConfiguration.caCertPath",
    "kubeadmConfigSpec.joinConfiguration.controlPlane",
    "kubeadmConfigSpec.joinConfiguration.discovery",
    "kubeadmConfigSpec.joinConfiguration.timeouts",
    "kubeadmConfigSpec.bootCommands",
    "kubeadmConfigSpec.preKubeadmCommands",
    "kubeadmConfigSpec.postKubeadmCommands",
    "kubeadmConfigSpec.files",
    "kubeadmConfigSpec.verbosity",
    "kubeadmConfigSpec.users",
    "kubeadmConfigSpec.ntp",
    "kubeadmConfigSpec.ignition",
    "kubeadmConfigSpec.diskSetup",
    "kubeadmConfigSpec.format",
    "kubeadmConfigSpec.mounts",
    "machineTemplate",
    "replicas",
    "version",
    "remediation",
    "remediationStrategy",
    "machineNaming",
    "machineNamingStrategy",
    "rollout",
    "rolloutStrategy",
    "rolloutBefore",
    "rolloutAfter",
];

/// Fields of v1beta1 that conversion drops before the webhook looks: they may change, and nothing comes of it.
const DROPPED_BY_CONVERSION: &[&str] = &[
    "kubeadmConfigSpec.useExperimentalRetryJoin",
    "kubeadmConfigSpec.clusterConfiguration.networking",
    "kubeadmConfigSpec.clusterConfiguration.kubernetesVersion",
    "kubeadmConfigSpec.clusterConfiguration.clusterName",
    "kubeadmConfigSpec.clusterConfiguration.apiVersion",
    "kubeadmConfigSpec.clusterConfiguration.kind",
    "kubeadmConfigSpec.initConfiguration.apiVersion",
    "kubeadmConfigSpec.initConfiguration.kind",
    "kubeadmConfigSpec.joinConfiguration.apiVersion",
    "kubeadmConfigSpec.joinConfiguration.kind",
];

/// Judges a control plane that is in both releases.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    if !update.new.is(CONTROL_PLANE_GROUP, "KubeadmControlPlane") {
        return;
    }
    for path in frozen_paths(&update.before, &update.after) {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let message = format!(
            "{} of a running control plane must not change: the webhook of KubeadmControlPlane lets only fields change that \
             it can roll out",
            path.join(".")
        );
        let help = "take the change back; where it has to be, make a new cluster and move the workloads";
        verdict.say(update, &IMMUTABLE_FIELD, &keys, message, help);
    }
    etcd(update, verdict);
    version(update, verdict);
}

/// Paths that changed and are not on the list.
fn frozen_paths(before: &Json, after: &Json) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let spec = |tree| json::at(tree, &["spec"]);
    json::leaf_differences(spec(before), spec(after), &mut Vec::new(), &mut paths);
    let may_change = |path: &Vec<String>| {
        let path = path.join(".");
        ALLOWED
            .iter()
            .chain(DROPPED_BY_CONVERSION)
            .any(|allowed| path.strip_prefix(allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    let frozen = paths.into_iter().filter(|path| !may_change(path));
    frozen.map(|path| std::iter::once("spec".to_owned()).chain(path).collect()).collect()
}

const ETCD: [&str; 4] = ["spec", "kubeadmConfigSpec", "clusterConfiguration", "etcd"];

fn has_external_etcd(tree: &Json) -> bool {
    json::at(tree, &[&ETCD[..], &["external"]].concat()).is_some()
}

fn etcd(update: &Update<'_, '_>, verdict: &mut Verdict) {
    if has_external_etcd(&update.before) != has_external_etcd(&update.after) {
        let keys = [&ETCD[..], &["external"]].concat();
        let message = "external etcd cannot be added to a running control plane, nor taken away".to_owned();
        verdict.say(update, &IMMUTABLE_FIELD, &keys, message, "take the change back; make a new cluster for it");
    }
}

fn version(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "version"];
    let Some((old, new)) = update.texts(&keys) else { return };
    let (Some(from), Some(to)) = (Version::parse(old), Version::parse(new)) else { return };
    if skips(&from, &to) {
        let message = format!(
            "the version goes from {old} to {new}: the webhook of KubeadmControlPlane refuses more than one minor release at \
             a time"
        );
        let help = format!("upgrade to v{}.{} first", from.major, from.minor + 1);
        verdict.say(update, &VERSION_SKIP, &keys, message, &help);
    } else if to.is_below(&from) {
        let message = format!(
            "the version goes down from {old} to {new}: accepted, and every control plane machine is rolled back, which \
             neither etcd nor the API server supports"
        );
        verdict.say_as(Severity::Warning, update, &VERSION_DOWNGRADE, &keys, message, &format!("stay at {old}"));
    }
}

fn skips(from: &Version, to: &Version) -> bool {
    to.major != from.major || to.minors_above(from).is_some_and(|minors| minors > 1)
}

/// Why the webhook would refuse this control plane, which nobody wrote: the topology controller did. `before` is what it
/// made before.
pub fn refuses(before: Option<&Json>, after: &Json) -> Option<(String, &'static str)> {
    let replicas = json::at(after, &["spec", "replicas"]).and_then(Json::as_i64).unwrap_or(1);
    if replicas <= 0 {
        return Some((format!("{replicas} control plane replicas"), "replicas"));
    }
    if replicas % 2 == 0 && !has_external_etcd(after) {
        return Some((format!("{replicas} control plane replicas: an even number with stacked etcd"), "replicas"));
    }
    let before = before?;
    if let Some(path) = frozen_paths(before, after).first() {
        return Some((format!("a change of {}", path.join(".")), "spec"));
    }
    let version = |tree| json::text_at(tree, &["spec", "version"]).and_then(Version::parse);
    let (from, to) = (version(before)?, version(after)?);
    skips(&from, &to).then(|| ("a step of more than one minor version".to_owned(), "version"))
}
