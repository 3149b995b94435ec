//! Upgrades that we measured ourselves: the Dev provider's machines on a real management plane with Cluster API 1.13.5, by
//! `helm upgrade`. What is held here is what was seen there, by owner: machines replaced, added, removed.

use std::collections::BTreeMap;

use capi_lint::admission::Gate;
use serde::Deserialize;
use serde_json::Value as Json;

use super::edits::{Edit, Steps, source_of};
use super::*;

#[derive(Deserialize)]
struct Case {
    name: String,
    /// From the base to the release that the upgrade starts from.
    #[serde(default)]
    before: Step,
    #[serde(flatten)]
    step: Step,
    /// Whether the server took it.
    #[serde(default = "taken")]
    accepted: bool,
    #[serde(default)]
    rollout: BTreeMap<String, [u64; 3]>,
    /// What came of the way back, where that was measured too.
    back: Option<BTreeMap<String, [u64; 3]>>,
}

fn taken() -> bool {
    true
}

#[derive(Default, Deserialize)]
struct Step {
    #[serde(default)]
    edits: Vec<Edit>,
    #[serde(default)]
    add: Vec<Json>,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
}

impl Step {
    fn from(&self, base: &[Json]) -> Vec<Json> {
        let steps = Steps { rename: &self.rename, edits: &self.edits, remove: &self.remove, add: &self.add };
        steps.from(base)
    }
}

/// As the managers there were started.
const GATES: [(Gate, bool); 3] =
    [(Gate::ClusterTopology, true), (Gate::MachinePool, true), (Gate::MachineTaintPropagation, false)];

fn fault(old: &[Json], new: &[Json], accepted: bool, expected: &BTreeMap<String, [u64; 3]>) -> Option<String> {
    let (old, new) = (source_of("release", old), source_of("release", new));
    let (before, after) = ([Stream::parse(&old, 1)], [Stream::parse(&new, 1)]);
    let (before, after) = (Release::new(&before, "default"), Release::new(&after, "default"));
    let mut options = Options::default();
    options.judge.gates = GATES.into_iter().collect();
    let diff = diff::diff(&before, &after, &options);
    if diff.is_accepted() != accepted {
        let said: Vec<_> = diff.verdict.refusals.iter().map(|said| &said.finding.message).collect();
        return Some(format!("accepted there: {accepted}, ours: {} {said:?}", diff.is_accepted()));
    }
    let [replaced, added, removed] = moves(&diff);
    let mut rollout: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for (place, map) in [replaced, added, removed].into_iter().enumerate() {
        for (owner, number) in map {
            rollout.entry(owner).or_default()[place] = number;
        }
    }
    (accepted && rollout != *expected).then(|| format!("there {expected:?}, ours {rollout:?}"))
}

#[test]
fn what_we_measured_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diff/measured");
    let (mut number, mut faults) = (0, Vec::new());
    for group in ["own-v1beta1", "own-v1beta2", "topology-v1beta1", "topology-v1beta2"] {
        let base = source(&folder.join(group).join("base.yaml"));
        let streams = [Stream::parse(&base, 1)];
        let release = Release::new(&streams, "default");
        let base: Vec<Json> = release.objects.iter().map(|object| object.root.to_json()).collect();
        let cases = fs::read(folder.join(group).join("cases.yaml")).unwrap();
        let cases: Vec<Case> = serde_yaml::from_slice(&cases).unwrap();
        for case in &cases {
            let old = case.before.from(&base);
            let new = case.step.from(&old);
            let found = fault(&old, &new, case.accepted, &case.rollout);
            faults.extend(found.map(|fault| format!("{group}, {}: {fault}", case.name)));
            number += 1;
            if let Some(back) = &case.back {
                let found = fault(&new, &old, true, back);
                faults.extend(found.map(|fault| format!("{group}, back from {}: {fault}", case.name)));
                number += 1;
            }
        }
    }
    println!("{} of {number} measured upgrades hold", number - faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
