//! Machines and what makes them: MachineSet, MachineDeployment, MachinePool.

use crate::object::CLUSTER_NAME_LABEL;
use crate::yaml::Value;

use super::check::{Check, field, filled, is_set, items, text};
use super::go_names::{self, MACHINE_SET};
use super::health_check::share;
use super::quantity::{IntOrPercent, int_or_percent};
use super::rules::{
    CLUSTER_NAME_MISMATCH, FOREIGN_REFERENCE, INVALID_NAME, INVALID_REPLICAS, INVALID_ROLLOUT, INVALID_TAINT,
    MISSING_BOOTSTRAP, SELECTOR_MISMATCH, UNKNOWN_PREFLIGHT_CHECK,
};
use super::selector;
use super::taint::Bearer;
use super::{Gate, Judgement, metadata, taint};
use crate::schema::validate::names::is_label_value;

const CONTROL_PLANE_LABEL: &str = "cluster.x-k8s.io/control-plane";
const DEPLOYMENT_LABEL: &str = "cluster.x-k8s.io/deployment-name";
const SET_LABEL: &str = "cluster.x-k8s.io/set-name";
const SKIP_PREFLIGHT: &str = "machineset.cluster.x-k8s.io/skip-preflight-checks";
/// The autoscaler's annotations for the smallest and largest number of machines.
pub const AUTOSCALER: [&str; 2] = [
    "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size",
    "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size",
];

/// The labels of the Machines that come of a template.
const TEMPLATE_LABELS: [&str; 4] = ["spec", "template", "metadata", "labels"];

/// Judges a Machine.
pub fn judge_machine(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let Some(spec) = check.at(&["spec"]) else { return };
    let is_pooled = items(root, &["metadata", "ownerReferences"])
        .any(|owner| text(owner, &["kind"]).as_deref() == Some("MachinePool"));
    if !is_pooled {
        bootstrap(check, spec);
    }
    check.version(field(spec, &["version"]));
    let is_control_plane =
        field(root, &["metadata", "labels"]).is_some_and(|map| map.get(CONTROL_PLANE_LABEL).is_some());
    let bearer = if is_control_plane { Bearer::Any } else { Bearer::Worker };
    taint::judge(check, field(spec, &["taints"]), bearer);
    namespaces(check, spec);
}

/// The checks of a MachineSet.
pub const OF_SET: &[Judgement] = &[
    template_metadata,
    |check| template_spec(check, Bearer::Worker),
    same_cluster,
    autoscaler,
    preflight,
    naming,
    template_namespaces,
    form_of_selector,
    |check| select(check, SET_LABEL, false),
];

/// The checks of a MachineDeployment.
pub const OF_DEPLOYMENT: &[Judgement] = &[
    becomes_a_label,
    template_metadata,
    |check| template_spec(check, Bearer::Worker),
    same_cluster,
    autoscaler,
    preflight,
    naming,
    form_of_selector,
    |check| select(check, DEPLOYMENT_LABEL, true),
    rollout,
];

/// Judges a name that the controllers write into a label.
pub fn becomes_a_label(check: &mut Check<'_, '_>) {
    if !is_label_value(check.name())
        && let Some(name) = check.at(&["metadata", "name"])
    {
        let message = "the webhook refuses the name: it becomes a label value, of at most 63 characters";
        check.refuse(&INVALID_NAME, name, message, "use a shorter name");
    }
}

fn rollout(check: &mut Check<'_, '_>) {
    let strategy = check.either(&["spec", "strategy"], &["spec", "rollout", "strategy"]);
    rolling_update(check, strategy, true);
    let limit =
        check.either(&["spec", "strategy", "remediation", "maxInFlight"], &["spec", "remediation", "maxInFlight"]);
    share(check, limit, "maxInFlight");
}

/// Judges a MachinePool.
pub fn judge_pool(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    if !check.gate(Gate::MachinePool, field(root, &["kind"]).unwrap_or(root), "a MachinePool") {
        return;
    }
    template_metadata(check);
    template_spec(check, Bearer::Any);
    same_cluster(check);
    autoscaler(check);
    template_namespaces(check);
    if let Some(taints) = check.at(&["spec", "template", "spec", "taints"])
        && taints.items().next().is_some()
    {
        let message = "MachinePools cannot carry taints to their Nodes yet: the webhook refuses any";
        check.refuse(
            &INVALID_TAINT,
            taints,
            message,
            "drop `taints`, or register the Nodes with taints by the bootstrap provider",
        );
    }
}

fn template_metadata(check: &mut Check<'_, '_>) {
    metadata::judge(check, check.at(&["spec", "template", "metadata"]));
}

/// What the three that make Machines have in common.
fn template_spec(check: &mut Check<'_, '_>, bearer: Bearer) {
    let Some(spec) = check.at(&["spec", "template", "spec"]) else { return };
    check.version(field(spec, &["version"]));
    if bearer == Bearer::Worker {
        taint::judge(check, field(spec, &["taints"]), bearer);
    }
    if check.since(11) {
        bootstrap(check, spec);
    }
}

/// The name of the cluster stands in the template once more.
fn same_cluster(check: &mut Check<'_, '_>) {
    if !check.since(11) {
        return;
    }
    let nested = check.at(&["spec", "template", "spec", "clusterName"]);
    let own = filled(check.object.root, &["spec", "clusterName"]);
    // An absent one is the schema's to miss.
    if let (Some(own), Some(nested)) = (own, nested)
        && let Some(other) = nested.as_str().filter(|other| !other.is_empty() && *other != own)
    {
        let message =
            format!("the template's clusterName {other:?} is not spec.clusterName {own:?}: the webhook refuses it");
        check.refuse(&CLUSTER_NAME_MISMATCH, nested, message, format!("write {own:?} in both places"));
    }
}

fn bootstrap<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let reference = field(spec, &["bootstrap", "configRef"]);
    // Before 1.11 and in v1beta1 an empty reference counted as one.
    let is_referred = if check.since(11) { is_reference(reference) } else { reference.is_some() };
    if is_referred || field(spec, &["bootstrap", "dataSecretName"]).is_some() {
        return;
    }
    let message = "neither `configRef` nor `dataSecretName`: no machine could join, and the webhook refuses the object";
    let fix =
        "point `bootstrap.configRef` at a bootstrap configuration, or name a Secret in `bootstrap.dataSecretName`";
    match field(spec, &["bootstrap"]) {
        Some(bootstrap) => check.refuse(&MISSING_BOOTSTRAP, bootstrap, message, fix),
        None => check.absent(&MISSING_BOOTSTRAP, spec, &["bootstrap"], message, fix),
    }
}

/// Whether a reference says anything; its namespace alone does not count, nor does a version without group.
pub fn is_reference(reference: Option<Value<'_>>) -> bool {
    let Some(reference) = reference else { return false };
    ["apiGroup", "kind", "name"].iter().any(|key| is_set(field(reference, *key)))
        || filled(reference, &["apiVersion"]).is_some_and(|api| api.contains('/'))
}

fn template_namespaces(check: &mut Check<'_, '_>) {
    if let Some(spec) = check.at(&["spec", "template", "spec"]) {
        namespaces(check, spec);
    }
}

/// Up to CAPI 1.10 references had a namespace, which had to be the object's own.
fn namespaces<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    namespace(check, field(spec, &["bootstrap", "configRef"]));
    namespace(check, field(spec, &["infrastructureRef"]));
}

/// Judges the namespace of a reference, where both it and the object's own are written down.
pub fn namespace<'a>(check: &mut Check<'_, 'a>, reference: Option<Value<'a>>) {
    if check.since(11) || !check.is_old() {
        return;
    }
    let Some(value) = reference.and_then(|reference| field(reference, &["namespace"])) else { return };
    let (Some(own), Some(other)) = (check.namespace(), value.as_str()) else { return };
    if !other.is_empty() && own != other {
        let message = format!("refers into namespace {other:?} from {own:?}: the webhook refuses it");
        check.refuse(&FOREIGN_REFERENCE, value, message, "drop `namespace`: it defaults to the object's own");
    }
}

fn form_of_selector(check: &mut Check<'_, '_>) {
    check.selector(check.at(&["spec", "selector"]));
}

/// The selector must fit the template, after the webhook put its own labels into both.
fn select(check: &mut Check<'_, '_>, own_label: &'static str, with_cluster: bool) {
    let root = check.object.root;
    let chosen = check.at(&["spec", "selector"]);
    let more = [
        // What it is does not matter: the webhook puts the same into selector and template.
        selector::is_empty(chosen).then_some((own_label, "".into())),
        with_cluster.then(|| (CLUSTER_NAME_LABEL, text(root, &["spec", "clusterName"]).unwrap_or_default())),
    ];
    if selector::selects(chosen, &more, field(root, &TEMPLATE_LABELS)) {
        return;
    }
    // The webhook blames the labels, which may not be there at all.
    let message = "does not match spec.selector: the webhook refuses it";
    let fix = "give the template each label of the selector, or drop the selector: the webhook makes one";
    if let Some(value) = field(root, &TEMPLATE_LABELS).or(chosen) {
        let finding = check.object.finding(&SELECTOR_MISMATCH, value, message);
        check.out.push(finding.path(TEMPLATE_LABELS.join(".")).suggest(fix));
    }
}

/// Judges the limits of a rolling update. `is_defaulted` where the webhook fills what is absent.
pub fn rolling_update<'a>(check: &mut Check<'_, 'a>, strategy: Option<Value<'a>>, is_defaulted: bool) {
    let Some(strategy) = strategy else { return };
    let Some(update) = field(strategy, &["rollingUpdate"]) else { return };
    let (surge, unavailable) = (field(update, &["maxSurge"]), field(update, &["maxUnavailable"]));
    share(check, surge, "maxSurge");
    share(check, unavailable, "maxUnavailable");
    let is_rolling = matches!(filled(strategy, &["type"]).as_deref(), None | Some("RollingUpdate"));
    let default = |number: i64| (is_defaulted && is_rolling).then_some(IntOrPercent::Int(number));
    let surge = surge.map_or(default(1), int_or_percent);
    let unavailable = unavailable.map_or(default(0), int_or_percent);
    if check.since(11) && surge == Some(IntOrPercent::Int(0)) && unavailable == Some(IntOrPercent::Int(0)) {
        let message = "maxSurge and maxUnavailable are both 0 (maxUnavailable is 0 unless set): nothing could ever roll, \
                       and the webhook refuses it";
        check.refuse(
            &INVALID_ROLLOUT,
            update,
            message,
            "use `maxSurge: 1`, or allow a machine to be missing: `maxUnavailable: 1`",
        );
    }
}

fn naming(check: &mut Check<'_, '_>) {
    let template = check.either(&["spec", "machineNamingStrategy", "template"], &["spec", "machineNaming", "template"]);
    go_names::judge_machines(check, template, &MACHINE_SET);
}

/// With both annotations of the autoscaler and no replicas the webhook reads the smallest number.
fn autoscaler(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    if check.at(&["spec", "replicas"]).is_some() {
        return;
    }
    let Some(annotations) = field(root, &["metadata", "annotations"]) else { return };
    let sizes = AUTOSCALER.map(|key| field(annotations, key));
    let [Some(min), Some(max)] = sizes else { return };
    for size in [min, max] {
        if size.as_str().is_some_and(|text| text.parse::<i32>().is_err()) {
            let message = "no number: the webhook cannot tell how many machines to start with, and refuses the object";
            check.refuse(&INVALID_REPLICAS, size, message, "write a whole number in quotes");
        }
    }
}

fn preflight(check: &mut Check<'_, '_>) {
    const KNOWN: [&str; 5] =
        ["All", "KubeadmVersionSkew", "KubernetesVersionSkew", "ControlPlaneIsStable", "ControlPlaneVersionSkew"];
    let Some(value) = field(check.object.root, &["metadata", "annotations", SKIP_PREFLIGHT]) else { return };
    let Some(text) = value.as_str() else { return };
    let unknown: Vec<_> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty() && !KNOWN.contains(name)).collect();
    if !unknown.is_empty() {
        let message = format!("no such preflight check: {}; the webhook refuses the object", unknown.join(", "));
        check.refuse(&UNKNOWN_PREFLIGHT_CHECK, value, message, format!("use of {}", KNOWN.join(", ")));
    }
}
