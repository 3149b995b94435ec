//! The checks of one cluster, in the order in which it comes up.

use std::borrow::Cow;
use std::fmt::Write;

use rustc_hash::FxHashMap;

use super::checklist::{Check, Checklist, Outcome, What};
use super::live::Live;
use super::status::{self, ControlPlane};
use super::{counterpart, presence};
use crate::diff::update::Reading;
use crate::fleet::machines::Machines;
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object, Reference};
use crate::release::{Membership, Release};
use crate::yaml::Value;

/// Machines that are named one by one.
const NAMED: usize = 5;

/// Both sides by cluster, so that no check looks at the whole fleet.
pub struct Index<'s, 'e, 'l, 'a> {
    expected: &'s Release<'e>,
    live: &'s Live<'l, 'a>,
    reading: &'s Reading<'s>,
    /// For each cluster of the release: its objects.
    members: Vec<Vec<&'s Object<'e>>>,
    /// Live machines, and what makes them, by namespace and name of their cluster.
    machinery: FxHashMap<(&'l str, Cow<'a, str>), Vec<&'l Object<'a>>>,
}

/// What is looked at.
struct Subject<'s, 'e, 'l, 'a> {
    index: &'s Index<'s, 'e, 'l, 'a>,
    number: usize,
    name: &'s str,
    namespace: &'s str,
    title: String,
}

impl Subject<'_, '_, '_, '_> {
    fn check(&self, what: What, outcome: Outcome, detail: impl Into<String>) -> Check {
        Check::new(&self.title, what, outcome, detail)
    }
}

impl<'s, 'e, 'l, 'a> Index<'s, 'e, 'l, 'a> {
    /// Sorts both sides by cluster.
    pub fn new(expected: &'s Release<'e>, live: &'s Live<'l, 'a>, reading: &'s Reading<'s>) -> Self {
        let mut members = vec![Vec::new(); expected.clusters.len()];
        for (object, membership) in expected.objects.iter().zip(expected.membership()) {
            if let Membership::One(number) = membership
                && let Some(slot) = members.get_mut(*number as usize).filter(|_| !object.is_hook())
            {
                slot.push(object);
            }
        }
        let mut machinery: FxHashMap<_, Vec<&'l Object<'a>>> = FxHashMap::default();
        for object in &live.release.objects {
            if is_owner(object) || object.is(CLUSTER_GROUP, "Machine") {
                let named = object.at(&["spec", "clusterName"]).and_then(|value| value.as_str());
                let Some(cluster) = named.or_else(|| object.label(CLUSTER_NAME_LABEL)) else { continue };
                machinery.entry((live.release.namespace_of(object), cluster)).or_default().push(object);
            }
        }
        Self { expected, live, reading, members, machinery }
    }

    /// Checks one cluster of the release.
    pub fn check(&'s self, number: usize, machines: Machines, list: &mut Checklist) {
        let Some(cluster) = self.expected.clusters.get(number) else { return };
        let Some(rendered) = cluster.object.and_then(|object| self.expected.objects.get(object as usize)) else {
            return;
        };
        let title = match &*cluster.namespace {
            "" => format!("cluster {}", cluster.name),
            namespace => format!("cluster {namespace}/{}", cluster.name),
        };
        let subject = Subject { index: self, number, name: &cluster.name, namespace: &cluster.namespace, title };
        list.summary.clusters += 1;
        list.summary.machines_expected += machines.total();
        list.summary.workers_expected += machines.workers;
        let Some(living) = counterpart(self.expected, self.live, rendered) else {
            list.checks.push(subject.check(What::Present, Outcome::Failed, "there is no such Cluster"));
            return;
        };
        let present = if status::is_deleted(living) {
            subject.check(What::Present, Outcome::Failed, "the Cluster is being deleted")
        } else {
            subject.check(What::Present, Outcome::Passed, "the Cluster is there")
        };
        list.checks.push(present);
        let provisioned = provisioned(&subject, living);
        list.summary.provisioned += usize::from(provisioned.outcome == Outcome::Passed);
        list.checks.push(provisioned);
        let plane = control_plane(&subject, living);
        let (mut check, running) = running(&subject, machines);
        // Machines that wait for the control plane have no reasons of their own.
        check.causes.retain(|cause| !plane.causes.contains(cause));
        list.checks.push(plane);
        list.summary.machines_running += running;
        list.checks.push(check);
        list.checks.push(labels(&subject, rendered, living));
        list.checks.push(kubeconfig(&subject));
        let members = self.members.get(number).map_or(&[][..], Vec::as_slice);
        presence(&subject.title, (self.expected, self.live, self.reading), members, list);
    }
}

fn provisioned(subject: &Subject<'_, '_, '_, '_>, living: &Object<'_>) -> Check {
    let phase = status::phase(living).unwrap_or_else(|| "without a phase".into());
    if status::is_provisioned(living) {
        return subject.check(What::Provisioned, Outcome::Passed, format!("{phase}"));
    }
    let mut check = subject.check(What::Provisioned, Outcome::Failed, format!("{phase}"));
    if status::is_paused(living) {
        check.causes.push("it is paused: no controller works on it until spec.paused is false".into());
    }
    if status::is_behind(living) {
        check.causes.push("the controller has not seen the newest version of it".into());
    }
    if living.at(&["status"]).is_none_or(|status| status.entries().next().is_none()) {
        check.causes.push("no controller has written a status: is Cluster API running?".into());
    }
    check.causes.extend(status::condition(living, &["InfrastructureReady"]).filter(|c| !c.is_true).map(|c| c.text()));
    if let Some(infrastructure) = referred(subject, living, "infrastructureRef") {
        check.causes.extend(bad_conditions(infrastructure));
    }
    tell_once(&mut check.causes);
    check
}

/// Conditions quote each other: what an earlier one says in the same words is not said again.
fn tell_once(causes: &mut Vec<String>) {
    let words = |cause: &str| {
        let message = cause.split_once(": ").map_or(cause, |(_, message)| message);
        message.trim_start_matches("* ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut told: Vec<String> = Vec::new();
    causes.retain(|cause| {
        let message = words(cause);
        let is_new = !told.iter().any(|earlier| earlier.contains(&message));
        told.push(message);
        is_new
    });
}

fn control_plane(subject: &Subject<'_, '_, '_, '_>, living: &Object<'_>) -> Check {
    let (outcome, detail) = match status::control_plane(living) {
        ControlPlane::Available => (Outcome::Passed, "available"),
        ControlPlane::Initialized => (Outcome::Failed, "initialized, not available"),
        ControlPlane::NotInitialized => (Outcome::Failed, "not initialized"),
    };
    let mut check = subject.check(What::ControlPlane, outcome, detail);
    if outcome == Outcome::Failed {
        let kinds = ["ControlPlaneAvailable", "ControlPlaneInitialized", "ControlPlaneReady"];
        check.causes.extend(status::condition(living, &kinds).filter(|c| !c.is_true).map(|c| c.text()));
        if let Some(plane) = referred(subject, living, "controlPlaneRef") {
            check.causes.extend(bad_conditions(plane));
        }
        tell_once(&mut check.causes);
    }
    check
}

/// The live object that a live Cluster refers to.
fn referred<'l, 'a>(subject: &Subject<'_, '_, 'l, 'a>, living: &Object<'a>, field: &str) -> Option<&'l Object<'a>> {
    let reference = Reference::from_value(living.below(&["spec", field])?)?;
    let namespace = reference.namespace.as_deref().unwrap_or(subject.namespace);
    subject.index.live.release.find(reference.group(), &reference.kind, namespace, &reference.name)
}

/// What an object complains about in words; a type without words says no more than its owner.
fn bad_conditions(object: &Object<'_>) -> Vec<String> {
    status::conditions(object)
        .iter()
        .filter(|condition| condition.is_bad() && !condition.message.trim().is_empty())
        .map(|condition| format!("{}/{} {}", object.kind, object.name, condition.text()))
        .collect()
}

/// Objects that own machines and report how many are ready.
fn is_owner(object: &Object<'_>) -> bool {
    let of_core =
        object.group() == CLUSTER_GROUP && matches!(&*object.kind, "MachineDeployment" | "MachinePool" | "MachineSet");
    of_core || object.group() == "controlplane.cluster.x-k8s.io" && object.kind.ends_with("ControlPlane")
}

/// Machines that run, against those that the release asks for.
fn running(subject: &Subject<'_, '_, '_, '_>, wanted: Machines) -> (Check, u64) {
    let machinery = subject.index.machinery.get(&(subject.namespace, Cow::Borrowed(subject.name)));
    let (machines, owners): (Vec<&Object<'_>>, Vec<&Object<'_>>) =
        machinery.into_iter().flatten().copied().partition(|object| object.kind == "Machine");
    let mut causes = Vec::new();
    let total = wanted.total();
    let (running, known) = if machines.is_empty() {
        let sets = owners.iter().filter(|owner| owner.kind != "MachineSet" || !is_controlled(owner));
        (
            sets.clone().map(|owner| status::ready_replicas(owner)).sum(),
            sets.count() > 0 || subject.index.live.tells_of(CLUSTER_GROUP, "Machine"),
        )
    } else {
        let runs = |machine: &&&Object<'_>| {
            status::phase(machine).as_deref() == Some("Running") && !status::is_deleted(machine)
        };
        let others: Vec<&&Object<'_>> = machines.iter().filter(|machine| !runs(machine)).collect();
        causes.extend(others.iter().take(NAMED).map(|machine| stuck_machine(machine)));
        if others.len() > NAMED {
            causes.push(format!("and {} more machines", others.len() - NAMED));
        }
        // Pools of most providers have no Machine objects.
        let pools = owners.iter().filter(|owner| owner.kind == "MachinePool" && !has_machines(owner, &machines));
        let in_pools: u64 = pools.map(|pool| status::ready_replicas(pool)).sum();
        ((machines.len() - others.len()) as u64 + in_pools, true)
    };
    if !known {
        let detail = format!("{total} expected; no machines in the live data");
        return (subject.check(What::Machines, Outcome::Skipped, detail), 0);
    }
    let outdated: u64 =
        owners.iter().filter(|owner| owner.kind != "MachineSet").map(|owner| status::outdated_replicas(owner)).sum();
    let autoscaled = is_autoscaled(subject);
    let enough = running == total || autoscaled && running > total;
    let mut detail =
        format!("{running} of {total} running ({} control plane, {} workers)", wanted.control_plane, wanted.workers);
    if outdated > 0 {
        let _ = write!(detail, "; {outdated} of an older shape still to be replaced");
    }
    let passed = enough && outdated == 0 && causes.is_empty();
    if !passed {
        causes.extend(owners.iter().flat_map(|owner| bad_conditions(owner)));
        if running > total {
            causes.push(format!(
                "{} more than the release asks for: a rollout, or somebody scaled by hand",
                running - total
            ));
        }
    }
    tell_once(&mut causes);
    let mut check = subject.check(What::Machines, if passed { Outcome::Passed } else { Outcome::Failed }, detail);
    check.causes = causes;
    (check, running.min(if autoscaled { running } else { total }))
}

fn is_controlled(object: &Object<'_>) -> bool {
    object.at(&["metadata", "ownerReferences"]).is_some_and(|owners| {
        owners.items().any(|owner| owner.get("controller").and_then(|value| value.as_bool()) == Some(true))
    })
}

fn has_machines(pool: &Object<'_>, machines: &[&Object<'_>]) -> bool {
    machines.iter().any(|machine| machine.label("cluster.x-k8s.io/pool-name").is_some_and(|name| name == pool.name))
}

fn stuck_machine(machine: &Object<'_>) -> String {
    let phase = if status::is_deleted(machine) {
        "Deleting".into()
    } else {
        status::phase(machine).unwrap_or_else(|| "without a phase".into())
    };
    let said = status::conditions(machine).into_iter().find(|c| c.is_bad() && !c.message.trim().is_empty());
    let said = said.map_or_else(String::new, |condition| format!("; {}", condition.text()));
    format!("Machine/{} is {phase}{said}", machine.name)
}

/// Whether the autoscaler sets the number of some workers.
fn is_autoscaled(subject: &Subject<'_, '_, '_, '_>) -> bool {
    let mut members = subject.index.members.get(subject.number).into_iter().flatten();
    members.any(|object| object.annotation("cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size").is_some())
}

fn labels(subject: &Subject<'_, '_, '_, '_>, rendered: &Object<'_>, living: &Object<'_>) -> Check {
    let wanted = rendered.at(&["metadata", "labels"]);
    let entries: Vec<_> = wanted.iter().flat_map(Value::entries).collect();
    let mut causes = Vec::new();
    for entry in &entries {
        let (Some(key), Some(value)) = (entry.key(), entry.as_str()) else { continue };
        match living.label(&key) {
            Some(found) if found == value => {}
            Some(found) => causes.push(format!("{key} is '{found}', the manifest says '{value}'")),
            None => causes.push(format!("{key} is missing; the manifest says '{value}'")),
        }
    }
    let outcome = if causes.is_empty() { Outcome::Passed } else { Outcome::Failed };
    let detail = format!("{} of {} there", entries.len() - causes.len(), entries.len());
    let mut check = subject.check(What::Labels, outcome, detail);
    check.causes = causes;
    check
}

/// The Secret by which everybody reaches the cluster; what it holds is not looked at.
fn kubeconfig(subject: &Subject<'_, '_, '_, '_>) -> Check {
    let name = format!("{}-kubeconfig", subject.name);
    let Some(secrets) = &subject.index.live.secrets else {
        return subject.check(What::Kubeconfig, Outcome::Skipped, "no Secrets in the live data");
    };
    if secrets.iter().any(|secret| secret.name == name && secret.namespace == subject.namespace) {
        subject.check(What::Kubeconfig, Outcome::Passed, format!("Secret/{name} is there"))
    } else {
        subject.check(
            What::Kubeconfig,
            Outcome::Failed,
            format!("Secret/{name} is missing: nobody can reach the cluster"),
        )
    }
}
