//! How many clusters one management cluster carries.

use super::view::View;
use crate::config::Preset;
use crate::report::{Finding, Severity};

crate::rule! {
    /// More clusters than one management cluster carries well.
    ///
    /// Controllers work through clusters one by one, and the management cluster's API server holds all of their objects. Measured by
    /// the course: with the Docker provider on 4 CPUs and 16 GB 50 clusters are fine, 100 are throttled, 500 not recommended; with
    /// AWS on 8 CPUs and 32 GB 500 are fine, above 1,000 the fleet belongs on several management clusters.
    ///
    /// Silent unless the settings say `extends: fleet`, or give limits of their own (`fleet-size: {comfortable: 200, most: 400}`;
    /// above `most` it is an error).
    ///
    /// ## Example
    ///
    /// 300 DockerClusters in one release.
    ///
    /// ## Fix
    ///
    /// Split the fleet over several management clusters (`capi-lint plan`), or give the one more.
    pub FLEET_SIZE = "fleet-size", Warning, Advice;
}

/// Counts the Clusters of the release.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let limits = view.settings.fleet_size;
    let preset = view.settings.extends(Preset::Fleet);
    if !preset && limits.comfortable.is_none() && limits.most.is_none() {
        return;
    }
    let clusters: Vec<_> = view.clusters.iter().filter_map(|cluster| Some((cluster, cluster.object?))).collect();
    let count = clusters.len();
    let Some(last) = clusters.last().and_then(|(_, object)| Some((object, object.at(&["metadata", "name"])?))) else {
        return;
    };
    let docker = clusters
        .iter()
        .filter(|(cluster, _)| cluster.infrastructure.is_some_and(|object| object.kind.starts_with("Docker")))
        .count();
    let mut say = |severity: Severity, message: String| {
        let (object, value) = last;
        let finding = object.finding(&FLEET_SIZE, value, message).severity(severity);
        out.push(finding.suggest("split the fleet over several management clusters; capi-lint plan proposes shards"));
    };
    if let Some(most) = limits.most.filter(|most| count > *most) {
        say(Severity::Error, format!("{count} clusters, and the settings allow {most} on one management cluster"));
    } else if let Some(comfortable) = limits.comfortable {
        if count > comfortable {
            say(
                Severity::Warning,
                format!("{count} clusters, more than the {comfortable} that the settings call comfortable"),
            );
        }
    } else if preset && docker >= 500 {
        say(
            Severity::Warning,
            format!(
                "{docker} clusters of the Docker provider: 500 and more are not recommended on one management cluster"
            ),
        );
    } else if preset && docker >= 100 {
        say(
            Severity::Warning,
            format!(
                "{docker} clusters of the Docker provider: at 100 and more a management cluster of 4 CPUs and 16 GB is throttled"
            ),
        );
    } else if preset && count > 1000 {
        say(Severity::Warning, format!("{count} clusters: above 1,000 a fleet belongs on several management clusters"));
    }
}
