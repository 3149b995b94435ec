//! Labels that every Cluster of a fleet carries.

use std::collections::BTreeMap;

use super::view::View;
use crate::config::{Preset, Settings};
use crate::report::Finding;

crate::rule! {
    /// A Cluster lacks a label that the fleet requires, or gives it a value that is not allowed.
    ///
    /// Labels are how add-ons, dashboards, bills and people find their clusters; one without them is left out everywhere, in
    /// silence.
    ///
    /// Silent unless the settings name `required-labels` (with the values allowed, or none for any), or say `extends: fleet`, which
    /// asks for `environment`, `region`, `team` and `cost-center`.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// required-labels:
    ///   environment: [dev, staging, prod]
    ///   team: []
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the label on the Cluster, or let capi-lint do so while post-rendering (`labels` in the settings).
    pub REQUIRED_LABEL = "required-label", Warning, Advice;
}

const FLEET: &[&str] = &["environment", "region", "team", "cost-center"];

/// Looks at the labels of each Cluster.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let required = required(view.settings);
    for object in view.clusters.iter().filter_map(|cluster| cluster.object) {
        for (key, allowed) in &required {
            // What post-render adds is as good as there.
            let added = &view.settings.labels;
            if added.clusters.contains_key(*key) || added.all.contains_key(*key) {
                continue;
            }
            let labels = object.at(&["metadata", "labels"]);
            match labels.and_then(|labels| labels.get(key)) {
                None => {
                    let message = format!(
                        "Cluster '{}' has no label {key}, which every cluster of the fleet carries",
                        object.name
                    );
                    let example = allowed.first().map_or("…", String::as_str);
                    let finding = object.missing(&REQUIRED_LABEL, &["metadata", "labels", key], message);
                    out.push(finding.suggest(format!("{key}: {example}")));
                }
                Some(label) => {
                    let text = label.as_str().unwrap_or_default();
                    let is_allowed =
                        allowed.is_empty() && !text.is_empty() || allowed.iter().any(|value| *value == text);
                    if is_allowed {
                        continue;
                    }
                    let message = format!(
                        "the label {key} of Cluster '{}' is '{text}', which is none of the values allowed",
                        object.name
                    );
                    let help = if allowed.is_empty() {
                        "give it a value".to_owned()
                    } else {
                        format!("one of {}", allowed.join(", "))
                    };
                    out.push(object.finding(&REQUIRED_LABEL, label, message).suggest(help));
                }
            }
        }
    }
}

fn required(settings: &Settings) -> BTreeMap<&str, &[String]> {
    let mut required: BTreeMap<&str, &[String]> = BTreeMap::new();
    if settings.extends(Preset::Fleet) {
        required.extend(FLEET.iter().map(|key| (*key, &[][..])));
    }
    required.extend(settings.required_labels.iter().map(|(key, allowed)| (key.as_str(), allowed.as_slice())));
    required
}
