//! `Cluster`: references that must stay, and what a topology may become.

use serde_json::Value as Json;

use super::{CLASS_CHANGED, Releases, VERSION_DOWNGRADE, VERSION_SKIP, Verdict, cluster_class};
use crate::diff::json;
use crate::diff::topology::class::{self, Workers};
use crate::diff::update::Update;
use crate::diff::version::Version;
use crate::object::CLUSTER_GROUP;
use crate::report::Rule;

crate::rule! {
    /// A reference of a Cluster is taken away.
    ///
    /// Once set, `controlPlaneRef` and `infrastructureRef` may change, but not go: the webhook refuses the update.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// spec:
    ///   infrastructureRef: {…}   # controlPlaneRef stood here
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep the reference.
    pub REFERENCE_REMOVED = "reference-removed", Error, Admission;

    /// A Cluster's topology is taken away, or comes to a cluster that had none.
    ///
    /// Both are refused: a managed topology cannot be given up, and an existing cluster does not get one without the
    /// annotation `unsafe.topology.cluster.x-k8s.io/disable-update-class-name-check`.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// spec:
    ///   controlPlaneRef: {…}   # topology stood here
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep the topology, or make a new cluster.
    pub TOPOLOGY_REMOVED = "topology-removed", Error, Admission;

    /// A topology uses what its ClusterClass does not have when the webhook looks.
    ///
    /// Helm sends a Cluster before the ClusterClass (custom resources go by kind, in alphabetical order), so a worker class, a
    /// variable or a class that comes with the same upgrade is not there yet, and the webhook refuses the Cluster.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// spec:
    ///   topology:
    ///     variables:
    ///     - {name: proxy, value: none}   # defined in the ClusterClass by this same upgrade
    /// ```
    ///
    /// ## Fix
    ///
    /// Two upgrades: first the ClusterClass, then the Clusters that use what is new in it.
    pub NOT_IN_CLASS = "not-in-class", Error, Admission;
}

const NAME_CHECK: &str = "unsafe.topology.cluster.x-k8s.io/disable-update-class-name-check";
const VERSION_CHECK: &str = "unsafe.topology.cluster.x-k8s.io/disable-update-version-check";

/// Judges a Cluster that is in both releases.
pub fn judge(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    if !update.new.is(CLUSTER_GROUP, "Cluster") {
        return;
    }
    for field in ["controlPlaneRef", "infrastructureRef"] {
        let keys = ["spec", field];
        if let (Some(_), None) = update.both(&keys) {
            let message = format!("spec.{field} is taken away: the webhook of Cluster refuses that once it was set");
            verdict.say(update, &REFERENCE_REMOVED, &keys, message, "keep the reference");
        }
    }
    let keys = ["spec", "topology"];
    match update.both(&keys) {
        (Some(_), None) => {
            let message = "spec.topology is taken away: the webhook refuses to give a managed topology up".to_owned();
            verdict.say(update, &TOPOLOGY_REMOVED, &keys, message, "keep the topology, or make a new cluster");
        }
        (None, Some(_)) if update.new.annotation(NAME_CHECK).is_none() => {
            let message = "spec.topology comes to a cluster that had none: the webhook refuses that".to_owned();
            let help = "make a new cluster with the topology";
            verdict.say(update, &TOPOLOGY_REMOVED, &keys, message, help);
        }
        (Some(_), Some(_)) => {
            version(update, releases, verdict);
            uses(update, releases, verdict);
            other_class(update, releases, verdict);
        }
        _ => {}
    }
}

fn version(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "topology", "version"];
    let Some((old, new)) = update.texts(&keys) else { return };
    let (Some(from), Some(to)) = (Version::parse(old), Version::parse(new)) else { return };
    if update.new.annotation(VERSION_CHECK).is_some() {
        return;
    }
    if to.is_below(&from) {
        let message =
            format!("the topology's version goes down from {old} to {new}: the webhook of Cluster refuses that");
        verdict.say(update, &VERSION_DOWNGRADE, &keys, message, &format!("stay at {old}"));
    } else if to.major > from.major || to.minors_above(&from).is_some_and(|minors| minors > 1) {
        let class = class::find(releases.fleet.old, update.old, &update.after);
        let lists = class.is_some_and(|class| {
            class.at(&["spec", "kubernetesVersions"]).is_some_and(|list| list.items().next().is_some())
                || class.at(&["spec", "upgrade", "external", "generateUpgradePlanExtension"]).is_some()
        });
        if !lists {
            let message = format!(
                "the topology's version goes from {old} to {new}: more than one minor release at a time is refused unless \
                 the class lists its kubernetesVersions"
            );
            let help = format!("upgrade to v{}.{} first", from.major, from.minor + 1);
            verdict.say(update, &VERSION_SKIP, &keys, message, &help);
        }
    }
}

/// A cluster that goes over to another class: both must name templates of the same kinds.
fn other_class(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "topology"];
    let names = (class::class_name(&update.before), class::class_name(&update.after));
    let (Some((_, from)), Some((_, to))) = names else { return };
    if names.0 == names.1 {
        return;
    }
    let classes = releases.fleet.old;
    let (Some(before), Some(after)) =
        (class::find(classes, update.old, &update.before), class::find(classes, update.new, &update.after))
    else {
        return;
    };
    for (_, message) in cluster_class::incompatible(&before.root.to_json(), &after.root.to_json()) {
        let message = format!("the cluster goes over from the ClusterClass {from} to {to}, and {message}");
        let help = "take a class with templates of the same kinds, or make a new cluster";
        verdict.say(update, &CLASS_CHANGED, &keys, message, help);
    }
}

/// What the topology uses of its class, as the class is when Helm sends the Cluster: before this upgrade reaches it.
fn uses(update: &Update<'_, '_>, releases: Releases<'_, '_>, verdict: &mut Verdict) {
    let Some((_, name)) = class::class_name(&update.after) else { return };
    let comes = class::find(releases.fleet.new, update.new, &update.after);
    let Some(class) = class::find(releases.fleet.old, update.old, &update.after) else {
        if comes.is_some() {
            let rule = &NOT_IN_CLASS;
            let message = format!(
                "the ClusterClass {name} comes with this same upgrade, and Helm sends the Cluster before it: the webhook \
                 finds no class and refuses the update"
            );
            let help = "two upgrades: first the new ClusterClass, then the Clusters that go over to it";
            verdict.say(update, rule, &["spec", "topology"], message, help);
        }
        return;
    };
    // What neither class has, the webhook's own check of the topology says.
    let Some(next) = comes.map(|class| class.root.to_json()) else { return };
    let class = class.root.to_json();
    let say = |verdict: &mut Verdict, rule: &'static Rule, keys: &[&str], what: String| {
        let message = format!(
            "the ClusterClass {name} has no {what} when Helm sends this Cluster (it goes before the class): the webhook \
             refuses the update"
        );
        let help = "two upgrades: first the ClusterClass, then the Clusters that use what is new in it";
        verdict.say(update, rule, keys, message, help);
    };
    for workers in Workers::ALL {
        let known: Vec<&str> = class::worker_classes(&class, workers).map(|(name, _)| name).collect();
        let keys = ["spec", "topology", "workers", workers.key()];
        for item in json::items(&update.after, &keys) {
            let Some(used) = json::text_at(item, &["class"]).filter(|used| !known.contains(used)) else { continue };
            if !class::worker_classes(&next, workers).any(|(name, _)| name == used) {
                continue;
            }
            say(verdict, &NOT_IN_CLASS, &keys, format!("worker class '{used}' in {}", workers.key()));
        }
    }
    let known: Vec<&str> = class::variables(&class).map(|(name, _)| name).collect();
    let keys = ["spec", "topology", "variables"];
    for variable in json::items(&update.after, &keys) {
        let Some(used) = variable.get("name").and_then(Json::as_str) else { continue };
        if !known.contains(&used) && class::variables(&next).any(|(name, _)| name == used) {
            say(verdict, &NOT_IN_CLASS, &keys, format!("variable '{used}'"));
        }
    }
}
