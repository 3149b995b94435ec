//! `KubeadmControlPlane`: the list of fields that may change, and the steps that its version may take.

use serde_json::Value as Json;

use super::{IMMUTABLE_FIELD, VERSION_DOWNGRADE, VERSION_SKIP, Verdict, core_dns};
use crate::diff::defaults::CONTROL_PLANE_GROUP;
use crate::diff::json;
use crate::diff::update::Update;
use crate::diff::version::Version;
use crate::report::Severity;

crate::rule! {
    /// CoreDNS goes to a version that its configuration cannot be migrated to.
    ///
    /// The webhook of KubeadmControlPlane looks at `dns.imageTag`: only steps up, from and to versions that it knows, are
    /// accepted. With the annotation `controlplane.cluster.x-k8s.io/skip-coredns` CAPI leaves CoreDNS alone.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: KubeadmControlPlane
    /// spec:
    ///   kubeadmConfigSpec:
    ///     clusterConfiguration:
    ///       dns: {imageTag: v1.10.1}   # was v1.11.3
    /// ```
    ///
    /// ## Fix
    ///
    /// Take a known version above the present one.
    pub CORE_DNS_MIGRATION = "core-dns-migration", Error, Admission;
}

/// Paths below `spec` that may change or go; under those that end in `*` everything may. v1beta2's names: the webhook sees
/// every object in that version.
const ALLOWED: &[&str] = &[
    "kubeadmConfigSpec.clusterConfiguration.etcd.*",
    "kubeadmConfigSpec.clusterConfiguration.dns.*",
    "kubeadmConfigSpec.clusterConfiguration.imageRepository",
    "kubeadmConfigSpec.clusterConfiguration.featureGates.*",
    "kubeadmConfigSpec.clusterConfiguration.apiServer.*",
    "kubeadmConfigSpec.clusterConfiguration.controllerManager.*",
    "kubeadmConfigSpec.clusterConfiguration.scheduler.*",
    "kubeadmConfigSpec.clusterConfiguration.certificateValidityPeriodDays",
    "kubeadmConfigSpec.clusterConfiguration.encryptionAlgorithm",
    "kubeadmConfigSpec.initConfiguration.nodeRegistration.*",
    "kubeadmConfigSpec.initConfiguration.patches.directory",
    "kubeadmConfigSpec.initConfiguration.patches",
    "kubeadmConfigSpec.initConfiguration.skipPhases",
    "kubeadmConfigSpec.initConfiguration.bootstrapTokens",
    "kubeadmConfigSpec.initConfiguration.localAPIEndpoint.*",
    "kubeadmConfigSpec.initConfiguration.timeouts.*",
    "kubeadmConfigSpec.joinConfiguration.nodeRegistration.*",
    "kubeadmConfigSpec.joinConfiguration.patches.directory",
    "kubeadmConfigSpec.joinConfiguration.patches",
    "kubeadmConfigSpec.joinConfiguration.skipPhases",
    "kubeadmConfigSpec.joinConfiguration.caCertPath",
    "kubeadmConfigSpec.joinConfiguration.controlPlane.*",
    "kubeadmConfigSpec.joinConfiguration.discovery.*",
    "kubeadmConfigSpec.joinConfiguration.timeouts.*",
    "kubeadmConfigSpec.bootCommands",
    "kubeadmConfigSpec.preKubeadmCommands",
    "kubeadmConfigSpec.postKubeadmCommands",
    "kubeadmConfigSpec.files",
    "kubeadmConfigSpec.verbosity",
    "kubeadmConfigSpec.users",
    "kubeadmConfigSpec.ntp.*",
    "kubeadmConfigSpec.ignition.*",
    "kubeadmConfigSpec.diskSetup.*",
    "kubeadmConfigSpec.format",
    "kubeadmConfigSpec.mounts",
    "machineTemplate.metadata.*",
    "machineTemplate.spec.*",
    "replicas",
    "version",
    "remediation.*",
    "machineNaming.*",
    "rollout.*",
];

/// Fields of `spec` that may change and go as a whole; nearly every upgrade of a fleet changes only these.
const MUTABLE: &[&str] = &["replicas", "version", "remediation", "machineNaming", "rollout"];

/// Whether a path is on the list.
fn may_change(path: &str) -> bool {
    ALLOWED.iter().any(|allowed| match allowed.strip_suffix(".*") {
        Some(above) => path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        None => path == *allowed,
    })
}

/// Judges a control plane that is in both releases.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    if !update.new.is(CONTROL_PLANE_GROUP, "KubeadmControlPlane") {
        return;
    }
    let (before, after) = update.in_v1beta2();
    for path in frozen_paths(&before, &after) {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let is_gone = json::at(&after, &keys).is_none();
        let (message, help) = if is_gone && has_allowed_within(&path) {
            (
                format!(
                    "{} is taken away as a whole: the webhook of KubeadmControlPlane lets only the fields within it change",
                    path.join(".")
                ),
                "keep the mapping with at least one field in it, such as nodeRegistration.imagePullPolicy: IfNotPresent",
            )
        } else {
            (
                format!(
                    "{} of a running control plane must not change: the webhook of KubeadmControlPlane lets only fields \
                     change that it can roll out",
                    path.join(".")
                ),
                "take the change back; where it has to be, make a new cluster and move the workloads",
            )
        };
        verdict.say(update, &IMMUTABLE_FIELD, &keys, message, help);
    }
    etcd(&before, &after, update, verdict);
    version(update, verdict);
    core_dns(&before, &after, update, verdict);
}

/// Whether fields below a frozen path may change one by one.
fn has_allowed_within(path: &[String]) -> bool {
    let prefix = format!("{}.", path.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join("."));
    ALLOWED.iter().any(|allowed| allowed.starts_with(&prefix))
}

/// Lists that say something else empty than absent.
const MEANINGFUL_WHEN_EMPTY: &[&str] = &["taints"];

/// Paths of the webhook's merge patch that are not on the list.
fn frozen_paths(before: &Json, after: &Json) -> Vec<Vec<String>> {
    let fields = |tree| json::at(tree, &["spec"]).and_then(Json::as_object);
    if let (Some(old), Some(new)) = (fields(before), fields(after))
        && old.keys().chain(new.keys()).all(|key| MUTABLE.contains(&key.as_str()) || old.get(key) == new.get(key))
    {
        return Vec::new();
    }
    let spec = |tree: &Json| {
        let mut spec = json::at(tree, &["spec"]).cloned().unwrap_or(Json::Null);
        json::drop_empty(&mut spec, MEANINGFUL_WHEN_EMPTY);
        spec
    };
    let mut paths = Vec::new();
    json::merge_patch_paths(&spec(before), &spec(after), &mut Vec::new(), &mut paths);
    let frozen = paths.into_iter().filter(|path| !may_change(&path.join(".")));
    frozen.map(|path| std::iter::once("spec".to_owned()).chain(path).collect()).collect()
}

const ETCD: [&str; 4] = ["spec", "kubeadmConfigSpec", "clusterConfiguration", "etcd"];

fn has_external_etcd(tree: &Json) -> bool {
    json::at(tree, &[&ETCD[..], &["external"]].concat()).is_some()
}

fn etcd(before: &Json, after: &Json, update: &Update<'_, '_>, verdict: &mut Verdict) {
    if has_external_etcd(before) != has_external_etcd(after) {
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
    to.major > from.major || to.minors_above(from).is_some_and(|minors| minors > 1)
}

const DNS_TAG: [&str; 5] = ["spec", "kubeadmConfigSpec", "clusterConfiguration", "dns", "imageTag"];
const SKIP_CORE_DNS: &str = "controlplane.cluster.x-k8s.io/skip-coredns";

/// CoreDNS goes only up, and only along the versions whose configuration can be migrated.
fn core_dns(before: &Json, after: &Json, update: &Update<'_, '_>, verdict: &mut Verdict) {
    let (Some(old), Some(new)) = (json::text_at(before, &DNS_TAG), json::text_at(after, &DNS_TAG)) else { return };
    let (Some(from), Some(to)) = (core_dns::version(old), core_dns::version(new)) else { return };
    if from == to || update.new.annotation(SKIP_CORE_DNS).is_some() {
        return;
    }
    let reason = match core_dns::migration(from, to) {
        core_dns::Migration::Possible => return,
        core_dns::Migration::Down => "CoreDNS is never migrated down",
        core_dns::Migration::UnknownStart => "it does not know the version in use",
        core_dns::Migration::UnknownTarget => "it does not know how to migrate to that version",
    };
    let message =
        format!("CoreDNS goes from {old} to {new}, and the webhook of KubeadmControlPlane refuses it: {reason}");
    let help = format!(
        "take a version from {} to {} above the present one, or keep CoreDNS to yourself with the annotation {SKIP_CORE_DNS}",
        core_dns::FIRST,
        core_dns::LAST
    );
    verdict.say(update, &CORE_DNS_MIGRATION, &DNS_TAG, message, &help);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_mappings_may_change_within() {
        let within = |path: &str| has_allowed_within(&path.split('.').map(str::to_owned).collect::<Vec<_>>());
        assert!(within("spec.kubeadmConfigSpec.initConfiguration"));
        assert!(within("spec.kubeadmConfigSpec"));
        assert!(!within("spec.kubeadmConfigSpec.clusterConfiguration.certificatesDir"));
        assert!(!within("spec.kubeadmConfigSpec.init"));
    }
}
