//! Names of clusters that say what a cluster is.

use regex::Regex;

use super::view::View;
use crate::config::{Preset, Settings};
use crate::report::Finding;

crate::rule! {
    /// A cluster's name does not follow the fleet's convention.
    ///
    /// Among a hundred clusters the name is what a person sees first, at night too: it should say which application, which
    /// environment, which region.
    ///
    /// Silent unless the settings give a `naming.pattern` (a regular expression for the whole name) or say `extends: fleet`, which
    /// asks for `<application>-<environment>-<region>`: `app-prod-eu-west-1`, `app-staging-us-east-1`, `app-dev-local`.
    ///
    /// ## Example
    ///
    /// `cluster-1`, `k8s-test`, `production`
    ///
    /// ## Fix
    ///
    /// A new cluster takes a new name; one that runs cannot be renamed, and goes into the settings as an ignore with its reason.
    pub CLUSTER_NAMING = "cluster-naming", Warning, Advice;
}

/// Looks at the name of each Cluster.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let Some((pattern, wanted)) = convention(view.settings) else { return };
    for object in view.clusters.iter().filter_map(|cluster| cluster.object) {
        let Some(name) = object.at(&["metadata", "name"]) else { continue };
        if pattern.is_match(&object.name) {
            continue;
        }
        let message = format!("the cluster's name '{}' does not follow the convention {wanted}", object.name);
        let finding = object.finding(&CLUSTER_NAMING, name, message);
        // A pattern of one's own may not take the example.
        let has_own = view.settings.naming.pattern.is_some();
        out.push(if has_own { finding } else { finding.suggest("such as app-prod-eu-west-1") });
    }
}

fn convention(settings: &Settings) -> Option<(Regex, String)> {
    if let Some(pattern) = &settings.naming.pattern {
        return Some((Regex::new(&format!("^(?:{pattern})$")).ok()?, pattern.clone()));
    }
    if !settings.extends(Preset::Fleet) {
        return None;
    }
    let known = &settings.environments;
    let names: Vec<String> = known
        .production
        .iter()
        .chain(&known.staging)
        .chain(&known.development)
        .map(|name| regex::escape(name))
        .collect();
    let pattern = format!("^[a-z][a-z0-9]*(?:-[a-z0-9]+)*-(?:{})-[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", names.join("|"));
    Some((Regex::new(&pattern).ok()?, "<application>-<environment>-<region>".to_owned()))
}
