//! The Kubernetes version of each environment.

use super::view::{ClusterView, Version, View};
use crate::report::Finding;

crate::rule! {
    /// A cluster runs another Kubernetes version than its environment is to run.
    ///
    /// Silent unless the settings name `versions`: `N` is the newest minor of the fleet (or `newest-version`), `N-1` the one before,
    /// and `v1.34` or `v1.34.2` that version.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// versions: {dev: N, staging: N-1, prod: N-1}
    /// ```
    ///
    /// with a cluster of `prod` at the version of `dev`.
    ///
    /// ## Fix
    ///
    /// The version that the policy asks for.
    pub VERSION_POLICY = "version-policy", Warning, Advice;
}

/// What an environment is to run.
#[derive(Clone, Copy)]
enum Wanted {
    Minor(Version),
    Exactly(Version),
}

/// Compares each cluster with the policy of its environment.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let settings = view.settings;
    if settings.versions.is_empty() {
        return;
    }
    let given = settings.newest_version.as_deref().and_then(Version::parse);
    let newest = given.or_else(|| view.clusters.iter().filter_map(ClusterView::parsed_version).max());
    for cluster in &view.clusters {
        let Some(environment) = &cluster.environment_name else { continue };
        let policy = settings.versions.get(&**environment).and_then(|policy| Some((policy, wanted(policy, newest?)?)));
        let Some((policy, wanted)) = policy else { continue };
        let (Some((object, value)), Some(version)) = (cluster.version(), cluster.parsed_version()) else { continue };
        let (fits, target) = match wanted {
            Wanted::Minor(minor) => ((version.major, version.minor) == (minor.major, minor.minor), minor.minor_text()),
            Wanted::Exactly(exact) => (version == exact, exact.to_string()),
        };
        if !fits {
            let message = format!(
                "cluster '{}' runs {version}, and {environment} is to run {target} ({policy})",
                cluster.cluster.name
            );
            out.push(object.finding(&VERSION_POLICY, value, message).suggest(format!("version: {target}…")));
        }
    }
}

fn wanted(policy: &str, newest: Version) -> Option<Wanted> {
    let back = match policy.strip_prefix('N') {
        Some("") => Some(0),
        Some(rest) => Some(rest.strip_prefix('-')?.parse::<u32>().ok()?),
        None => None,
    };
    if let Some(back) = back {
        return Some(Wanted::Minor(Version { minor: newest.minor.checked_sub(back)?, patch: 0, ..newest }));
    }
    let version = Version::parse(policy)?;
    Some(if policy.matches('.').count() >= 2 { Wanted::Exactly(version) } else { Wanted::Minor(version) })
}
