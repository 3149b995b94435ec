//! What becomes of an object when a defaulting webhook decodes it into Go structs and hands it back, before its schema is asked.
//!
//! Fields without `omitempty` come back with their zero value, so that what `required` would miss is there, and an absent
//! `spec` comes back with an empty `clusterName`. Up to CAPI 1.10 the webhook decodes the version that was sent, and empty
//! texts and lists of optional fields do not come back at all. Since 1.11 it decodes v1beta2 and takes nothing out; but an
//! older version is converted there and back wherever the webhook changed anything, and that takes the empty ones out too.
//! Measured on planes of CAPI 1.10 and 1.13; which fields come back was read in the json tags of the Go types.

use super::check::{Check, field, filled, is_set};
use super::selector;
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object};
use crate::report::{Finding, Rule};
use crate::schema::bundle::CapiVersion;
use crate::schema::suggest::schema_at;
use crate::schema::table::{Kind, Schema, Type};
use crate::schema::validate::names::is_label_value;
use crate::schema::validate::rules::{INVALID_METADATA, OUT_OF_BOUNDS, REQUIRED_FIELD};
use crate::yaml::{Once, Scalar, Value};

const CONTROL_PLANE: &str = "controlplane.cluster.x-k8s.io";
const INFRASTRUCTURE: &str = "infrastructure.cluster.x-k8s.io";

/// Kinds whose defaulting webhook sees an empty `spec` where there is none, with the field that the schema then refuses.
const NEEDS: &[(&str, &str, &str)] = &[
    (CLUSTER_GROUP, "Machine", "clusterName"),
    (CLUSTER_GROUP, "MachineSet", "clusterName"),
    (CLUSTER_GROUP, "MachineDeployment", "clusterName"),
    (CLUSTER_GROUP, "MachinePool", "clusterName"),
    (CLUSTER_GROUP, "MachineHealthCheck", "clusterName"),
    (CONTROL_PLANE, "KubeadmControlPlane", "version"),
];

/// An object without `spec`, and a template without one.
pub fn judge(check: &mut Check<'_, '_>) {
    let object = check.object;
    let Some((_, _, needed)) = NEEDS.iter().find(|(group, kind, _)| object.is(group, kind)) else { return };
    let Some(spec) = object.spec().filter(|spec| !spec.is_null()) else {
        let message =
            format!("{} has no `spec`: the webhook makes an empty one, and the API server refuses it", object.kind);
        check.out.push(
            object
                .missing(&REQUIRED_FIELD, &["spec", needed], message)
                .suggest(format!("write `spec` with `{needed}`")),
        );
        return;
    };
    if !check.since(11) {
        return;
    }
    if check.is_old() && matches!(&*object.kind, "MachineSet" | "MachineDeployment" | "MachinePool") {
        empty_template(check, spec);
    }
    if !check.is_old() && &*object.kind == "MachineDeployment" {
        unfilled_strategy(check, spec);
    }
}

/// A cluster's name that cannot be the label into which it is written.
pub fn cluster_name(check: &mut Check<'_, '_>) {
    let object = check.object;
    if let Some(at) = check.at(&["spec", "clusterName"]).filter(|_| check.since(11))
        && let Some(name) = at.as_str().filter(|name| name.len() <= 63 && !is_label_value(name))
        && NEEDS.iter().any(|(group, kind, _)| *group == CLUSTER_GROUP && object.is(group, kind))
    {
        let message = format!(
            "clusterName {name:?} cannot be the value of a label: the webhook writes it into {CLUSTER_NAME_LABEL}, and the \
             API server refuses the object"
        );
        check.refuse(&INVALID_METADATA, at, message, "name a cluster with letters, digits, `-` and `.` alone");
    }
}

/// Only a rolling update gets its limits from the webhook.
fn unfilled_strategy<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(strategy) = field(spec, &["rollout", "strategy"]) else { return };
    let is_rolling = filled(strategy, &["type"]).is_none_or(|ty| ty == "RollingUpdate");
    let limits = field(strategy, &["rollingUpdate"]).filter(Value::is_map);
    if let Some(limits) = limits.filter(|limits| !is_rolling && limits.entries().all(|limit| limit.is_null())) {
        let message = "`rollingUpdate` has no fields and the strategy is no rolling update: the webhook fills in none, and the \
                       API server refuses the object";
        check.refuse(&OUT_OF_BOUNDS, limits, message, "drop `rollingUpdate`");
    }
}

/// A template without `spec` comes back from v1beta2 with an empty one; without `template`, a MachineSet gets that too.
fn empty_template<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let template = field(spec, &["template"]);
    if template.is_none() && &*check.object.kind != "MachineSet"
        || template.is_some_and(|template| field(template, &["spec"]).is_some())
    {
        return;
    }
    let (above, keys) = match template {
        Some(template) => (template, &["spec", "clusterName"][..]),
        None => (spec, &["template", "spec", "clusterName"][..]),
    };
    let message = "the template has no `spec`: on the way through v1beta2 it gets an empty one without a cluster's name, \
                   and the API server refuses it";
    check.absent(&REQUIRED_FIELD, above, keys, message, "write `spec` of the template, with `clusterName`");
}

/// An object on its way through the webhooks: what is sent, and what it replaces.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'r, 'a> {
    /// What is sent.
    pub new: &'r Object<'a>,
    /// What the last release sent; `None` on creation.
    pub old: Option<&'r Object<'a>>,
    /// Who writes the label with the cluster's name, where nobody has.
    pub labelled_by: LabelledBy,
}

/// Who writes the label with the cluster's name onto an object that comes without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelledBy {
    /// The webhook, which changes the object thereby.
    #[default]
    Webhook,
    /// post-render, so that the webhook finds it there.
    PostRender,
}

/// Whether a finding of the schema is about something that the webhook, or the way there and back, mends before the schema is
/// asked.
pub fn drops(sent: Sent<'_, '_>, kind: Kind<'_>, capi: CapiVersion, finding: &Finding) -> bool {
    let object = sent.new;
    let is = |rule: &Rule| finding.rule.name == rule.name;
    if !capi.since(11) {
        let core = matches!(
            object.group(),
            CLUSTER_GROUP | "bootstrap.cluster.x-k8s.io" | CONTROL_PLANE | "addons.cluster.x-k8s.io"
        );
        if core && is(&REQUIRED_FIELD) {
            let missing = finding.path.as_deref().and_then(|path| schema_at(kind.schema(), path));
            return missing.is_some_and(|schema| schema.ty() == Type::Boolean);
        }
        return core && is(&OUT_OF_BOUNDS) && vanishes(object, kind, finding);
    }
    if !is_decoded(object) {
        return false;
    }
    let is_old = object.version() != "v1beta2";
    if is(&REQUIRED_FIELD) {
        let Some(path) = finding.path.as_deref() else { return false };
        let comes_back = if is_old { comes_back_old(object, path) } else { comes_back_new(object, path) };
        // Before 1.13 a webhook wrote its v1beta2 back whether it had changed anything or not. And what came back when the
        // object was made is there since, unless the change takes it away.
        let is_stored = || {
            let keys: Vec<&str> = path.split('.').collect();
            sent.old.is_some() && !path.contains('[') && !sent.lacks(&keys)
        };
        let is_written = || !is_old && !capi.since(13) || is_stored() || is_written_back(sent);
        return comes_back && schema_at(kind.schema(), path).is_some_and(passes_as_zero) && is_written();
    }
    let Some(value) = finding.place.and_then(|place| object.root.document().value(place.node?)) else { return false };
    let path = object.path(value.index());
    if is(&INVALID_METADATA) && is_own_label(object, value) {
        return true;
    }
    if is_defaulted_over(sent, &path, value) {
        return true;
    }
    if !is(&OUT_OF_BOUNDS) {
        return false;
    }
    if is_old {
        is_written_back(sent) && vanishes(object, kind, finding)
    } else {
        sent.old.is_none() && vanishes_with_struct(object, &path)
    }
}

/// Whether the webhook writes its default over a value, since it is as good as none.
fn is_defaulted_over(sent: Sent<'_, '_>, path: &str, value: Value<'_>) -> bool {
    let is_empty_text = || value.as_str().is_some_and(|text| text.is_empty());
    match (&*sent.new.kind, path) {
        ("ClusterResourceSet", "spec.strategy") | ("MachineDeployment", "spec.rollout.strategy.type") => {
            is_empty_text()
        }
        // Only one strategy is known, and the webhook writes it whatever stands there.
        ("KubeadmControlPlane", "spec.rollout.strategy.type") => value.as_str().is_some(),
        (_, path) if path.ends_with(".controlPlaneEndpoint") => !is_set(Some(value)) && is_given_port(sent),
        (_, path) if path.ends_with(".controlPlaneEndpoint.port") => is_given_port(sent),
        _ => false,
    }
}

/// Whether a value is the label with the cluster's name, which the webhook overwrites.
fn is_own_label(object: &Object<'_>, value: Value<'_>) -> bool {
    let label = object.at(&["metadata", "labels", CLUSTER_NAME_LABEL]);
    object.group() == CLUSTER_GROUP
        && &*object.kind != "Cluster"
        && label.is_some_and(|label| label.index() == value.index())
}

/// Structs of v1beta2 into which webhooks write: where nothing else stands in one, what is empty in it does not come back.
const WRITTEN_INTO: [(&str, &str); 5] = [
    ("KubeadmControlPlane", "spec.rollout."),
    ("MachineDeployment", "spec.rollout."),
    ("Machine", "spec.deletion."),
    ("MachinePool", "spec.template.spec.deletion."),
    ("MachineHealthCheck", "spec.checks."),
];

fn vanishes_with_struct(object: &Object<'_>, path: &str) -> bool {
    let into = WRITTEN_INTO.iter().find(|(kind, into)| &*object.kind == *kind && path.starts_with(into));
    into.is_some_and(|(_, into)| {
        let keys: Vec<&str> = into.trim_end_matches('.').split('.').collect();
        field(object.root, Once(&keys)).is_some_and(holds_nothing)
    })
}

/// Whether nothing but zero values stands in a value; an empty list is none.
pub fn holds_nothing(value: Value<'_>) -> bool {
    match value.scalar() {
        Some(Scalar::Null | Scalar::Int(0) | Scalar::UInt(0) | Scalar::Bool(false)) => true,
        Some(Scalar::Str(text)) => text.is_empty(),
        None if value.is_map() => value.entries().all(holds_nothing),
        _ => false,
    }
}

/// Kinds with a defaulting webhook since CAPI 1.11.
fn is_decoded(object: &Object<'_>) -> bool {
    matches!(
        (object.group(), &*object.kind),
        (
            CLUSTER_GROUP,
            "Cluster" | "Machine" | "MachineSet" | "MachineDeployment" | "MachinePool" | "MachineHealthCheck"
        ) | ("bootstrap.cluster.x-k8s.io", "KubeadmConfigTemplate")
            | (CONTROL_PLANE, "KubeadmControlPlane")
            | ("addons.cluster.x-k8s.io", "ClusterResourceSet")
            | ("runtime.cluster.x-k8s.io", "ExtensionConfig")
            | (
                INFRASTRUCTURE,
                "DevCluster"
                    | "DevClusterTemplate"
                    | "DevMachine"
                    | "DevMachineTemplate"
                    | "DockerCluster"
                    | "DockerClusterTemplate"
            )
    )
}

impl<'a> Sent<'_, 'a> {
    /// Whether a field that a webhook fills is not there when it looks: not sent, and, on an update, taken away by it. What was
    /// filled in once stays there.
    fn lacks(self, keys: &[&str]) -> bool {
        let is_there = |object: &Object<'_>, depth: usize| {
            keys.get(..depth).is_some_and(|keys| field(object.root, Once(keys)).is_some())
        };
        let Some(depth) = (1..=keys.len()).find(|depth| !is_there(self.new, *depth)) else { return false };
        self.old.is_none_or(|old| is_there(old, depth))
    }

    /// Whether a version is sent that has no `v` yet.
    fn is_unprefixed(self, keys: &[&str]) -> bool {
        let version = |object: &Object<'a>| filled(object.root, Once(keys));
        let new = version(self.new).filter(|version| !version.starts_with('v'));
        new.is_some() && self.old.is_none_or(|old| version(old) != new)
    }

    /// Whether the label with the cluster's name has to be written.
    fn is_unlabelled(self) -> bool {
        let label = ["metadata", "labels", CLUSTER_NAME_LABEL];
        let cluster = |object: &Object<'a>| filled(object.root, &["spec", "clusterName"]);
        let stated = field(self.new.root, Once(&label)).and_then(|label| label.as_str());
        self.labelled_by == LabelledBy::Webhook && self.lacks(&label)
            || stated.is_some_and(|label| Some(label) != cluster(self.new))
            || self.old.is_some_and(|old| cluster(old) != cluster(self.new))
    }
}

/// Whether the webhook changes an object: one that has all the defaults already stays as it was sent.
fn is_written_back(sent: Sent<'_, '_>) -> bool {
    let is_old = sent.new.version() != "v1beta2";
    let lacks = |keys: &[&str]| sent.lacks(keys);
    let either = |old: &[&str], new: &[&str]| sent.lacks(if is_old { old } else { new });
    let root = sent.new.root;
    match &*sent.new.kind {
        "Cluster" => sent.is_unprefixed(&["spec", "topology", "version"]),
        "Machine" => {
            sent.is_unlabelled()
                || either(&["spec", "nodeDeletionTimeout"], &["spec", "deletion", "nodeDeletionTimeoutSeconds"])
                || sent.is_unprefixed(&["spec", "version"])
        }
        "MachineHealthCheck" => {
            sent.is_unlabelled()
                || either(&["spec", "nodeStartupTimeout"], &["spec", "checks", "nodeStartupTimeoutSeconds"])
        }
        "MachinePool" => {
            sent.is_unlabelled()
                || lacks(&["spec", "replicas"])
                || either(
                    &["spec", "template", "spec", "nodeDeletionTimeout"],
                    &["spec", "template", "spec", "deletion", "nodeDeletionTimeoutSeconds"],
                )
                || sent.is_unprefixed(&["spec", "template", "spec", "version"])
        }
        "MachineSet" => is_set_completed(sent),
        "MachineDeployment" => {
            let strategy: &[&str] = if is_old { &["spec", "strategy"] } else { &["spec", "rollout", "strategy"] };
            let below = |keys: &[&'static str]| [strategy, keys].concat();
            is_set_completed(sent)
                || lacks(&below(&["type"]))
                || lacks(&below(&["rollingUpdate", "maxSurge"]))
                || lacks(&below(&["rollingUpdate", "maxUnavailable"]))
                || lacks(&["spec", "selector", "matchLabels", CLUSTER_NAME_LABEL])
                || lacks(&["spec", "template", "metadata", "labels", CLUSTER_NAME_LABEL])
        }
        "ClusterResourceSet" => lacks(&["spec", "strategy"]),
        "ExtensionConfig" => {
            let service = ["spec", "clientConfig", "service"];
            lacks(&["spec", "namespaceSelector"])
                || field(root, Once(&service)).is_some() && lacks(&[&service[..], &["port"]].concat())
        }
        "KubeadmControlPlane" => {
            // The schema of v1beta1 fills in the strategy as a whole.
            let strategy: &[&str] =
                if is_old { &["spec", "rolloutStrategy"] } else { &["spec", "rollout", "strategy"] };
            let has_default = is_old && field(root, strategy).is_none();
            lacks(&["spec", "replicas"])
                || !has_default && lacks(&[strategy, &["rollingUpdate", "maxSurge"]].concat())
                || !has_default && lacks(&[strategy, &["type"]].concat())
                || lacks(&["spec", "version"])
                || sent.is_unprefixed(&["spec", "version"])
        }
        "DevMachine" | "DevMachineTemplate" => is_given_backend(sent),
        "DevCluster" | "DevClusterTemplate" | "DockerCluster" | "DockerClusterTemplate" => {
            is_given_port(sent) || sent.new.kind.starts_with("Dev") && is_given_backend(sent)
        }
        _ => false,
    }
}

/// Whether a MachineSet, or what a MachineDeployment has in common with it, gets anything from its webhook.
fn is_set_completed(sent: Sent<'_, '_>) -> bool {
    sent.is_unlabelled()
        || sent.lacks(&["spec", "replicas"])
        || sent.is_unprefixed(&["spec", "template", "spec", "version"])
        || sent.old.is_none() && selector::is_empty(field(sent.new.root, &["spec", "selector"]))
}

/// Where the settings of a Docker or Dev kind stand.
fn settings(object: &Object<'_>) -> &'static [&'static str] {
    if object.kind.ends_with("Template") { &["spec", "template", "spec"] } else { &["spec"] }
}

/// Whether the webhook chooses the backend of a Dev kind.
fn is_given_backend(sent: Sent<'_, '_>) -> bool {
    let has = |object: &Object<'_>| ["docker", "inMemory"].iter().any(|name| has_at(object, &["backend", name]));
    !has(sent.new) && sent.old.is_none_or(has)
}

fn has_at(object: &Object<'_>, keys: &[&str]) -> bool {
    field(object.root, Once(&[settings(object), keys].concat())).is_some()
}

/// Whether the webhook gives a cluster of the Docker or Dev provider its port: not where it lives in memory alone.
fn is_given_port(sent: Sent<'_, '_>) -> bool {
    let object = sent.new;
    let port = |object: &Object<'_>| {
        let keys = [settings(object), &["controlPlaneEndpoint", "port"]].concat();
        field(object.root, Once(&keys)).and_then(|port| port.as_i64()).filter(|port| *port != 0)
    };
    let is_cluster =
        matches!(&*object.kind, "DevCluster" | "DevClusterTemplate" | "DockerCluster" | "DockerClusterTemplate");
    if !is_cluster || object.group() != INFRASTRUCTURE || port(object).is_some() {
        return false;
    }
    object.kind.starts_with("Docker")
        || has_at(object, &["backend", "docker"])
        || !has_at(object, &["backend", "inMemory"])
}

/// Whether a required field of an older version comes back when it is absent. All do but those that later versions added.
fn comes_back_old(object: &Object<'_>, path: &str) -> bool {
    let is_worker_template = path == "spec.template"
        && matches!(&*object.kind, "MachineDeployment" | "MachinePool")
        && object.group() == CLUSTER_GROUP;
    let (list, name) = last_two(path);
    let is_omitted = match (list, name) {
        ("taints", "key" | "effect" | "propagation") => !path.contains("nodeRegistration"),
        ("unhealthyMachineConditions", "type" | "status") | ("diskLayout", "percentage") => true,
        _ => false,
    };
    !is_omitted && !is_worker_template
}

/// Whether a required field of v1beta2 comes back when it is absent: those of the Docker and Dev kinds and of types that
/// belong to Kubernetes do.
fn comes_back_new(object: &Object<'_>, path: &str) -> bool {
    match last_two(path) {
        ("spec", "template" | "backend") | ("template", "spec") | ("provisioning", "startupDuration") => {
            object.group() == INFRASTRUCTURE
        }
        ("taints", "key" | "effect") => path.contains("nodeRegistration"),
        ("matchExpressions", "key" | "operator")
        | ("extraEnvs", "name")
        | ("fieldRef", "fieldPath")
        | ("resourceFieldRef", "resource")
        | ("configMapKeyRef" | "secretKeyRef", "key")
        | ("fileKeyRef", "volumeName" | "path" | "key") => true,
        _ => false,
    }
}

/// The name of a field and of what it stands in, without positions.
fn last_two(path: &str) -> (&str, &str) {
    let plain = |step: &'_ str| step.find('[').unwrap_or(step.len());
    let mut steps = path.rsplit('.');
    let name = steps.next().unwrap_or_default();
    let above = steps.next().unwrap_or_default();
    (above.get(..plain(above)).unwrap_or_default(), name.get(..plain(name)).unwrap_or_default())
}

/// Whether the zero value of a Go field fits the schema; that of a list or a map is null, which does not.
fn passes_as_zero(schema: Schema<'_>) -> bool {
    let checks = schema.checks();
    match schema.ty() {
        Type::String => {
            checks.min_length().unwrap_or_default() == 0 && checks.enumeration().is_none() && checks.pattern().is_none()
        }
        Type::Integer | Type::Number => {
            checks.minimum().is_none_or(|least| least <= 0.0) && checks.maximum().is_none_or(|most| most >= 0.0)
        }
        Type::Boolean => true,
        Type::Object => {
            let zero = |name: &str| schema.property(name).is_some_and(|property| passes_as_zero(property.schema));
            schema.property_count() > 0
                && checks.min_properties().unwrap_or_default() == 0
                && schema.required().all(zero)
        }
        _ => false,
    }
}

/// Whether a finding is about an empty text or list of an optional field, which an encoder leaves out.
fn vanishes(object: &Object<'_>, kind: Kind<'_>, finding: &Finding) -> bool {
    let value = finding.place.and_then(|place| object.root.document().value(place.node?));
    let is_empty = |value: Value<'_>| {
        value.as_str().is_some_and(|text| text.is_empty()) || value.is_seq() && value.items().next().is_none()
    };
    let Some(value) = value.filter(|value| is_empty(*value)) else { return false };
    let path = object.path(value.index());
    let Some((parent, field)) = path.rsplit_once('.') else { return false };
    let property = schema_at(kind.schema(), parent).and_then(|schema| schema.property(field));
    property.is_some_and(|property| !property.required)
}
