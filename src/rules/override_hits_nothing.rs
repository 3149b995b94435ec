//! Differences for clusters that get nothing.

use super::view::View;
use crate::layers::{Aim, Fate, Layer, Role};
use crate::report::{Finding, Severity};
use crate::schema::suggest::nearest;

crate::rule! {
    /// An override is for a cluster on which nothing is placed.
    ///
    /// It does nothing, without a word: production runs with the two replicas of the template instead of its own ten. Looked at
    /// are KubeFed's `overrides` (against the placement of the same object) and `ReplicaSchedulingPreference`, and Karmada's override
    /// policies.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: FederatedDeployment
    /// spec:
    ///   placement:
    ///     clusters: [{name: app-dev}, {name: app-prod}]
    ///   overrides:
    ///   - clusterName: app-prd
    ///     clusterOverrides: [{path: /spec/replicas, value: 10}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the cluster's name as the placement has it, or place the object there.
    pub OVERRIDE_HITS_NOTHING = "override-hits-nothing", Warning, Controller;
}

/// Looks at every override.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let layers = view.layers();
    for target in layers.targets.iter().filter(|target| target.role == Role::Overrides && target.fate == Fate::Nobody) {
        let object = target.object;
        let named = match &target.aim {
            Aim::Name(name) => Some(name),
            _ => None,
        };
        let whom = named.map_or_else(|| "clusters that it selects".to_owned(), |name| format!("cluster '{name}'"));
        let message = format!(
            "{} '{}' overrides something for {whom}, and nothing is placed there: it has no effect",
            object.kind, object.name
        );
        let finding = object.finding(&OVERRIDE_HITS_NOTHING, target.value, message);
        let same = layers.targets.iter().filter(|other| {
            other.role == Role::Places && (target.layer == Layer::Karmada || other.object.number == object.number)
        });
        let placed: Vec<&str> = same.flat_map(|other| other.names.iter().map(String::as_str)).collect();
        out.push(match named.and_then(|name| nearest(name, placed.into_iter())) {
            Some(near) => finding.severity(Severity::Error).suggest(format!("did you mean '{near}'?")),
            None => finding.suggest("place the object on that cluster, or take the override out"),
        });
    }
}
