//! Versions reach production last.

use super::view::{Environment, Version, View};
use crate::config::Preset;
use crate::report::Finding;

crate::rule! {
    /// A production cluster runs a newer Kubernetes version than every staging cluster.
    ///
    /// Then nobody has tried that version before production did.
    ///
    /// Silent unless the settings say `extends: fleet`, and where there is no staging cluster.
    ///
    /// ## Example
    ///
    /// `app-prod-eu` at `v1.34.1`, all of `app-staging-*` at `v1.33.4`.
    ///
    /// ## Fix
    ///
    /// Upgrade a staging cluster first.
    pub PROMOTION_ORDER = "promotion-order", Warning, Advice;
}

/// Compares production with the newest of staging.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    if !view.settings.extends(Preset::Fleet) {
        return;
    }
    let versions = |environment: Environment| {
        let clusters = view.clusters.iter().filter(move |cluster| cluster.environment == environment);
        clusters.filter_map(|cluster| Some((cluster, cluster.parsed_version()?)))
    };
    let Some(newest): Option<Version> = versions(Environment::Staging).map(|(_, version)| version).max() else {
        return;
    };
    for (cluster, version) in versions(Environment::Production).filter(|(_, version)| *version > newest) {
        let Some((object, value)) = cluster.version() else { continue };
        let message = format!(
            "production cluster '{}' runs {version}; the newest of staging is {newest}: nobody has tried this version before",
            cluster.cluster.name
        );
        out.push(
            object
                .finding(&PROMOTION_ORDER, value, message)
                .suggest(format!("upgrade a staging cluster to {version} first")),
        );
    }
}
