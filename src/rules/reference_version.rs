//! References by a version that is not the object's own.

use rustc_hash::FxHashSet;

use super::view::{Link, View};
use crate::object::Object;
use crate::report::{Finding, Severity};
use crate::schema::bundle::Lookup;

crate::rule! {
    /// A reference names an API version that the server does not serve, or another one than the object it leads to.
    ///
    /// Up to v1.10 Cluster API asks the server for the version that the reference names: one that is not served is an **error**,
    /// and the cluster never comes up. From v1.11 on it drops the version and looks for the one that is served: a **warning**,
    /// since everybody else who follows the reference stumbles. (Not where the object is written so too: that is said of the
    /// object.) Two versions that are both served are a **note**: mostly a
    /// migration that was left half done.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// infrastructureRef:
    ///   apiVersion: infrastructure.cluster.x-k8s.io/v1alpha4    # the object is written as v1beta1
    ///   kind: DockerCluster
    ///   name: demo
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the version of the object, or move to v1beta2, whose references name the group alone.
    pub REFERENCE_VERSION = "reference-version", Warning, Controller;
}

/// Looks at the versions that references name.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    // What has been found fine once is so for the whole fleet.
    let mut served: FxHashSet<(&str, &str, &str)> = FxHashSet::default();
    for link in &view.release.links {
        let (Some(from), Some(version)) = (view.object(link.from), &link.to.version) else { continue };
        let target = link.target().and_then(|target| view.object(target));
        let kind = (&*link.to.group, &**version, &*link.to.kind);
        let is_same = target.is_none_or(|target| target.version() == version);
        if is_same && served.contains(&kind) {
            continue;
        }
        let Some((severity, message)) = judge(view, link, version, target) else {
            served.insert(kind);
            continue;
        };
        let Some(value) = link.value(from).get("apiVersion") else { continue };
        let finding = from.finding(&REFERENCE_VERSION, value, message).severity(severity);
        out.push(match target.filter(|target| target.version() != version) {
            Some(target) => finding.suggest(format!("apiVersion: {}", target.api_version)),
            None => finding.suggest("the version that is served, for the object too"),
        });
    }
}

fn judge(
    view: &View<'_, '_>,
    link: &Link<'_>,
    version: &str,
    target: Option<&Object<'_>>,
) -> Option<(Severity, String)> {
    let differs = target.filter(|target| target.version() != version);
    let named = format!("{}/{version}", link.to.group);
    let written =
        |target: &Object<'_>| format!("the {} in this release is written as {}", link.to.kind, target.version());
    match view.schemas.map(|schemas| (schemas.capi(), schemas.lookup(&link.to.group, version, &link.to.kind))) {
        // That the object itself is written so has been said of the object.
        Some((_, Lookup::UnknownVersion(_))) if target.is_some() && differs.is_none() => None,
        Some((capi, Lookup::UnknownVersion(known))) if !known.served.is_empty() => {
            let served: Vec<&str> = known.served.iter().map(|kind| kind.version()).collect();
            let (severity, end) = if capi.since(11) {
                (
                    Severity::Warning,
                    "Cluster API drops the version, and whoever else follows the reference finds nothing",
                )
            } else {
                (Severity::Error, "Cluster API asks for it, finds nothing, and the cluster never comes up")
            };
            Some((
                severity,
                format!(
                    "the reference names {named}, which is not served for {} (served: {}): {end}",
                    link.to.kind,
                    served.join(", ")
                ),
            ))
        }
        Some((_, Lookup::Found(_))) => {
            let target = differs?;
            Some((Severity::Info, format!("the reference names {named}, and {}: both are served", written(target))))
        }
        _ => {
            let target = differs?;
            Some((
                Severity::Warning,
                format!("the reference names {named}, and {}: one of them is behind", written(target)),
            ))
        }
    }
}
