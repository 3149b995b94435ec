//! Which machines of a control plane are outdated.
//!
//! A control plane's first machine was made by `kubeadm init`, the others by `kubeadm join`. The controller takes a machine
//! for up to date when what it was made with equals what the control plane says now; the first machine is compared twice: as
//! if it had joined, and as it was made, and either will do. So an edit of the join configuration rolls only the machines
//! that joined.

use serde_json::{Value as Json, json};

use super::fields::{self, Effect};
use super::workers::reference;
use super::{OwnerKind, times};
use crate::diff::json;
use crate::diff::version::Version;

/// Outdated machines and why.
#[derive(Debug, Default)]
pub struct Outdated {
    /// How many of the old ones.
    pub machines: u64,
    /// Paths of the changes.
    pub causes: Vec<String>,
    /// What depends on the control plane's history, and how machines are exchanged.
    pub notes: Vec<String>,
}

/// Compares a control plane with what it becomes, both in v1beta2 with defaults; `machines` is how many it has.
pub fn outdated(before: &Json, after: &Json, machines: u64) -> Outdated {
    let mut found = Outdated::default();
    if json::text_at(after, &["kind"]) != Some("KubeadmControlPlane") {
        found.causes = other_providers(before, after);
        found.machines = if found.causes.is_empty() { 0 } else { machines };
        return found;
    }
    let changed = |keys: &[&str]| !json::same(json::at(before, keys), json::at(after, keys));
    if changed(&["spec", "version"]) {
        found.causes.push("spec.version".into());
    }
    for keys in INFRASTRUCTURE {
        if reference(json::at(before, keys)) != reference(json::at(after, keys)) {
            found.causes.push(keys.join("."));
        }
    }
    let time = ["spec", "rollout", "after"];
    let version = json::text_at(before, &["spec", "version"]);
    if times::finds_machines(json::at(before, &time), json::at(after, &time), version) {
        found.causes.push(time.join("."));
    }
    let keys = ["spec", "kubeadmConfigSpec"];
    if json::at(before, &keys) != json::at(after, &keys) {
        configuration(before, after, machines, &mut found);
    } else if !found.causes.is_empty() {
        found.machines = machines;
    }
    found.notes.extend(times::note(&found.causes));
    if found.machines > 0 {
        found.notes.push(exchange(after));
    }
    found
}

/// Compares what machines were made with.
fn configuration(before: &Json, after: &Json, machines: u64, found: &mut Outdated) {
    // Which gates the controller turns on hangs on the version, which is a cause of its own.
    let version = json::text_at(after, &["spec", "version"]);
    let (old, new) = (Configuration::of(before, version), Configuration::of(after, version));
    found.causes.extend(differences(&old.common, &new.common, "spec.kubeadmConfigSpec"));
    if found.causes.is_empty() {
        by_history(&old, &new, machines, found);
    } else {
        found.machines = machines;
    }
}

const INFRASTRUCTURE: [&[&str]; 2] =
    [&["spec", "machineTemplate", "spec", "infrastructureRef"], &["spec", "machineTemplate", "infrastructureRef"]];

/// Nothing changed that every machine has: what was made by `init` and what by `join` go apart.
fn by_history(old: &Configuration, new: &Configuration, machines: u64, found: &mut Outdated) {
    let mut join = new.join.clone();
    let joined_differ = !json::equal(&old.join, &join);
    // The path of the authority's certificate exists only for `join`.
    json::remove(&mut join, &["caCertPath"]);
    let first_differs = !json::equal(&old.init_as_join(), &join) && !json::equal(&old.init, &new.init);
    let joined = machines.saturating_sub(1);
    found.machines = if joined_differ { joined } else { 0 } + u64::from(first_differs && machines > 0);
    if joined_differ {
        found.causes.extend(differences(&old.join, &new.join, "spec.kubeadmConfigSpec.joinConfiguration"));
    }
    if first_differs {
        found.causes.extend(differences(&old.init, &new.init, "spec.kubeadmConfigSpec.initConfiguration"));
    }
    if joined_differ && !first_differs && machines > 0 {
        found.notes.push(
            "depends on history: the first machine, made by kubeadm init, keeps its configuration; where it was replaced \
             since then, it rolls too"
                .into(),
        );
    } else if first_differs && !joined_differ {
        found.notes.push(
            "depends on history: only the first machine, made by kubeadm init, rolls; where it was replaced since then, \
             none does"
                .into(),
        );
    } else if !json::equal(&old.init, &new.init) && found.machines == 0 {
        found.notes.push("initConfiguration changes: nothing rolls, it is used for the first machine only".into());
    }
}

fn exchange(after: &Json) -> String {
    let surge = json::at(after, &["spec", "rollout", "strategy", "rollingUpdate", "maxSurge"]);
    let surge = surge.and_then(|surge| surge.as_i64().or_else(|| surge.as_str()?.parse().ok())).unwrap_or(1);
    if surge == 0 {
        "one by one, the old machine goes first".into()
    } else {
        "one by one, the new machine comes first".into()
    }
}

/// A control plane's kubeadm configuration without what never rolls a machine.
struct Configuration {
    /// Without `initConfiguration` and `joinConfiguration`.
    common: Json,
    init: Json,
    join: Json,
}

/// Keys whose empty list says something else than no list.
const MEANINGFUL_WHEN_EMPTY: &[&str] = &["taints"];

impl Configuration {
    fn of(tree: &Json, version: Option<&str>) -> Self {
        let mut common = json::at(tree, &["spec", "kubeadmConfigSpec"]).cloned().unwrap_or_else(|| json!({}));
        for (row, effect) in fields::table(OwnerKind::ControlPlane) {
            let keys: Vec<&str> = row.split('.').collect();
            if let (Some((&"kubeadmConfigSpec", keys)), Effect::Nothing | Effect::NextMachine) =
                (keys.split_first(), effect)
            {
                json::remove(&mut common, keys);
            }
        }
        for role in ["initConfiguration", "joinConfiguration"] {
            default(&mut common, &[role, "nodeRegistration", "imagePullPolicy"], "IfNotPresent".into());
        }
        default(&mut common, &["format"], "cloud-config".into());
        feature_gates(&mut common, version);
        let mut take = |role: &str| {
            let mut part = json::remove(&mut common, &[role]).unwrap_or_else(|| json!({}));
            json::drop_empty(&mut part, MEANINGFUL_WHEN_EMPTY);
            part
        };
        let (init, join) = (take("initConfiguration"), take("joinConfiguration"));
        json::drop_empty(&mut common, MEANINGFUL_WHEN_EMPTY);
        Self { common, init, join }
    }

    /// The first machine's configuration, written as if it had joined.
    fn init_as_join(&self) -> Json {
        let mut join = json!({});
        for key in ["timeouts", "patches", "skipPhases", "nodeRegistration"] {
            if let Some(value) = self.init.get(key) {
                json::insert(&mut join, &[key], value.clone());
            }
        }
        if let Some(endpoint) = self.init.get("localAPIEndpoint") {
            json::insert(&mut join, &["controlPlane", "localAPIEndpoint"], endpoint.clone());
        }
        join
    }
}

fn default(tree: &mut Json, keys: &[&str], value: Json) {
    if json::at(tree, keys).is_none() {
        json::insert(tree, keys, value);
    }
}

/// The controller turns this gate on for the releases that know it.
fn feature_gates(configuration: &mut Json, version: Option<&str>) {
    let knows =
        version.and_then(Version::parse).is_some_and(|version| version.major == 1 && (31..36).contains(&version.minor));
    if knows {
        default(configuration, &["clusterConfiguration", "featureGates", "ControlPlaneKubeletLocalMode"], true.into());
    }
}

fn differences(before: &Json, after: &Json, at: &str) -> Vec<String> {
    let mut paths = Vec::new();
    json::leaf_differences(Some(before), Some(after), &mut vec![at.to_owned()], &mut paths);
    paths.into_iter().map(|path| path.join(".")).collect()
}

/// Control planes of other providers: the version, and whatever else is not about numbers and pace.
fn other_providers(before: &Json, after: &Json) -> Vec<String> {
    const HARMLESS: &[&str] = &[
        "replicas",
        "rolloutStrategy",
        "rollout",
        "remediation",
        "remediationStrategy",
        "machineNaming",
        "registrationMethod",
    ];
    let mut paths = Vec::new();
    let spec = |tree| json::at(tree, &["spec"]);
    json::leaf_differences(spec(before), spec(after), &mut vec!["spec".to_owned()], &mut paths);
    let rolls = |path: &Vec<String>| {
        let harmless = path.get(1).is_some_and(|key| HARMLESS.contains(&key.as_str()));
        let metadata = path.iter().any(|key| key == "metadata" || key.starts_with("node") && key.contains("Timeout"));
        !harmless && !metadata
    };
    paths.into_iter().filter(rolls).map(|path| path.join(".")).collect()
}
