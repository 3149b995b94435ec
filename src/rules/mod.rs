//! The list of all rules, and their manual.
//!
//! Every kind of finding is a [`Rule`]; each is declared beside the code that finds it and listed here, once.

use std::fmt::Write;

use crate::admission;
use crate::migrate::half_migrated;
use crate::release::Release;
use crate::report::{Finding, Rule};
use crate::schema::definition::INVALID_DEFINITION;
use crate::schema::json_schema::JSON_SCHEMA;
use crate::schema::kinds;
use crate::schema::validate::rules as schema;
use crate::{diff, ignores, release, transform};

pub mod view;

mod addon_selects_nothing;
mod autoscaled_replicas;
mod cidr_overlap;
mod cidr_overlap_across;
mod cluster_label_mismatch;
mod cluster_naming;
mod cni_not_selected;
mod control_plane_endpoint;
mod custom;
mod dangling_reference;
mod endpoint_collision;
mod even_topology_control_plane;
pub mod fleet_outlier;
mod fleet_size;
mod health_check_overlap;
mod health_check_selects_nothing;
mod long_name;
mod missing_backup;
mod missing_selector;
mod move_label;
mod overlapping_selectors;
mod override_hits_nothing;
mod plain_secret;
mod port_collision;
mod promotion_order;
mod reference_kind;
mod reference_namespace;
mod reference_version;
mod release_too_large;
mod required_label;
mod sealed_for_another;
mod shared_template;
mod single_control_plane;
mod target_selects_nothing;
mod template_without_keep;
mod unclear_target;
mod uneven_network_policy;
mod uninstall_order;
mod unknown_cluster;
mod unknown_secret_store;
mod unknown_target;
mod unreached_cluster;
mod unused_template;
mod version_policy;
mod version_skew;
mod version_without_v;

use view::{Circumstances, View};

/// A rule that looks at the whole release.
struct Check {
    rule: &'static Rule,
    check: fn(&View<'_, '_>, &mut Vec<Finding>),
}

macro_rules! checks {
    ($($module:ident :: $rule:ident),+ $(,)?) => {
        &[$(Check { rule: &$module::$rule, check: $module::check }),+]
    };
}

/// The rules that look at the whole release: each is a file, and has its one line here.
static CHECKS: &[(&str, &[Check])] = &[
    (
        "References",
        checks![
            dangling_reference::DANGLING_REFERENCE,
            reference_kind::REFERENCE_KIND,
            reference_namespace::REFERENCE_NAMESPACE,
            reference_version::REFERENCE_VERSION,
            unknown_cluster::UNKNOWN_CLUSTER,
            unused_template::UNUSED_TEMPLATE,
            shared_template::SHARED_TEMPLATE,
        ],
    ),
    (
        "Clusters",
        checks![
            version_skew::VERSION_SKEW,
            version_without_v::VERSION_WITHOUT_V,
            missing_selector::MISSING_SELECTOR,
            overlapping_selectors::OVERLAPPING_SELECTORS,
            cluster_label_mismatch::CLUSTER_LABEL_MISMATCH,
            long_name::LONG_NAME,
            health_check_selects_nothing::HEALTH_CHECK_SELECTS_NOTHING,
            health_check_overlap::HEALTH_CHECK_OVERLAP,
            addon_selects_nothing::ADDON_SELECTS_NOTHING,
            cni_not_selected::CNI_NOT_SELECTED,
            autoscaled_replicas::AUTOSCALED_REPLICAS,
            single_control_plane::SINGLE_CONTROL_PLANE,
            even_topology_control_plane::EVEN_TOPOLOGY_CONTROL_PLANE,
            control_plane_endpoint::CONTROL_PLANE_ENDPOINT,
            cidr_overlap::CIDR_OVERLAP,
        ],
    ),
    (
        "Fleet",
        checks![
            cidr_overlap_across::CIDR_OVERLAP_ACROSS,
            endpoint_collision::ENDPOINT_COLLISION,
            port_collision::PORT_COLLISION,
            cluster_naming::CLUSTER_NAMING,
            required_label::REQUIRED_LABEL,
            version_policy::VERSION_POLICY,
            promotion_order::PROMOTION_ORDER,
            fleet_size::FLEET_SIZE,
            fleet_outlier::FLEET_OUTLIER,
        ],
    ),
    (
        "Layers above Cluster API",
        checks![
            unknown_target::UNKNOWN_TARGET,
            target_selects_nothing::TARGET_SELECTS_NOTHING,
            override_hits_nothing::OVERRIDE_HITS_NOTHING,
            unclear_target::UNCLEAR_TARGET,
            unreached_cluster::UNREACHED_CLUSTER,
            uneven_network_policy::UNEVEN_NETWORK_POLICY,
            missing_backup::MISSING_BACKUP,
            unknown_secret_store::UNKNOWN_SECRET_STORE,
            sealed_for_another::SEALED_FOR_ANOTHER,
        ],
    ),
    (
        "Release",
        checks![
            release_too_large::RELEASE_TOO_LARGE,
            uninstall_order::UNINSTALL_ORDER,
            template_without_keep::TEMPLATE_WITHOUT_KEEP,
            move_label::MOVE_LABEL,
            plain_secret::PLAIN_SECRET,
        ],
    ),
];

/// What only the whole release shows: references, clusters, the fleet, the release itself.
pub fn check(release: &Release<'_>, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let view = View::new(release, circumstances);
    (0..count()).flat_map(|number| check_one(&view, number)).collect()
}

/// How many checks there are for [`check_one`].
pub fn count() -> usize {
    checks().count() + 1
}

/// What one of the checks finds: those of the list by their number, and behind them the settings' own rules. Each is by
/// itself, so that they can be made at the same time.
pub fn check_one(view: &View<'_, '_>, number: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    match checks().nth(number) {
        Some(check) => {
            if view.settings.rules.get(check.rule.name).is_none_or(|level| level.severity().is_some()) {
                (check.check)(view, &mut findings);
            }
        }
        None => custom::check(view, &mut findings),
    }
    findings
}

fn checks() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().flat_map(|(_, checks)| *checks)
}

/// The rules by layer, in the order in which the layers run.
static LAYERS: &[(&str, &[&Rule])] = &[
    (
        "Documents",
        &[&release::SYNTAX_ERROR, &release::MALFORMED_OBJECT, &release::DUPLICATE_KEY, &release::IGNORED_TEXT],
    ),
    ("Kinds", &[&kinds::UNKNOWN_KIND, &kinds::UNSERVED_VERSION, &kinds::DEPRECATED_VERSION]),
    (
        "Schema",
        &[
            &schema::UNKNOWN_FIELD,
            &half_migrated::HALF_MIGRATED,
            &schema::WRONG_TYPE,
            &schema::REQUIRED_FIELD,
            &schema::INVALID_VALUE,
            &schema::PATTERN_MISMATCH,
            &schema::OUT_OF_BOUNDS,
            &schema::DUPLICATE_ITEM,
            &schema::NULL_VALUE,
            &schema::CEL_RULE,
            &schema::RULE_NOT_CHECKED,
            &schema::INVALID_METADATA,
            &schema::INVALID_FORMAT,
            &schema::UNION_MISMATCH,
            &INVALID_DEFINITION,
            &JSON_SCHEMA,
        ],
    ),
    ("Admission webhooks", admission::RULES),
    (
        "Duplicates and labels",
        &[
            &transform::dedupe::DUPLICATE_OBJECT,
            &transform::dedupe::CONFLICTING_DUPLICATE,
            &transform::label::LABEL_CONFLICT,
            &transform::label::LABEL_NOT_ADDED,
        ],
    ),
    ("Updates", diff::verdict::RULES),
    (
        "Settings",
        &[
            &ignores::UNUSED_IGNORE,
            &ignores::INVALID_IGNORE,
            &ignores::EXPIRED_IGNORE,
            &custom::CUSTOM_RULE_NOT_CHECKED,
        ],
    ),
];

/// All rules, by layer.
fn layers() -> impl Iterator<Item = (&'static str, Vec<&'static Rule>)> {
    let objects = LAYERS.iter().map(|(layer, rules)| (*layer, rules.to_vec()));
    objects.chain(CHECKS.iter().map(|(layer, checks)| (*layer, checks.iter().map(|check| check.rule).collect())))
}

/// All rules.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    layers().flat_map(|(_, rules)| rules)
}

/// The rules that have fixtures of their own: those that look at the whole release, and those about the settings.
pub fn with_fixtures() -> impl Iterator<Item = &'static Rule> {
    let of_release = CHECKS.iter().flat_map(|(_, checks)| checks.iter().map(|check| check.rule));
    let of_settings = LAYERS.iter().filter(|(layer, _)| *layer == "Settings").flat_map(|(_, rules)| *rules);
    of_release.chain(of_settings.copied())
}

/// A rule's first sentence.
pub fn summary(rule: &Rule) -> String {
    let paragraph = rule.manual.trim_start().split("\n\n").next().unwrap_or_default();
    paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// A rule's manual page, Markdown.
pub fn page(rule: &Rule) -> String {
    let mut page = format!("# {}\n\n{} · {}\n\n", rule.name, rule.severity, rule.provenance);
    for line in rule.manual.lines() {
        // Doc comments keep the blank behind the slashes.
        page.push_str(line.strip_prefix(' ').unwrap_or(line));
        page.push('\n');
    }
    page
}

/// The whole manual, Markdown: what `docs/rules.md` holds.
pub fn manual() -> String {
    let mut manual =
        String::from("# Rules\n\nGenerated by `capi-lint rules --format markdown`; a test fails when it is stale.\n");
    for (layer, rules) in layers() {
        let _ = write!(manual, "\n## {layer}\n");
        for rule in rules {
            let page = page(rule).replace("\n## ", "\n#### ").replacen("# ", "### ", 1);
            let _ = write!(manual, "\n{}\n", page.trim_end());
        }
    }
    manual
}
