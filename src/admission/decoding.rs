//! What becomes of an object when a defaulting webhook decodes it into Go structs and hands it back.
//!
//! Measured on recorded planes (CAPI 1.10 and 1.13): fields without `omitempty` come back with their zero value, so that an
//! absent `spec` comes back with an empty `clusterName`; empty texts and lists of optional fields do not come back at all,
//! where the webhook decodes the version that was sent (up to v1.10 that is v1beta1).

use super::check::Check;
use crate::object::Object;
use crate::report::Finding;
use crate::schema::bundle::CapiVersion;
use crate::schema::suggest::schema_at;
use crate::schema::table::{Kind, Type};
use crate::schema::validate::rules::{OUT_OF_BOUNDS, REQUIRED_FIELD};
use crate::yaml::Value;

/// Kinds whose defaulting webhook sees an empty `spec` where there is none, with the field that the schema then refuses.
const NEEDS: &[(&str, &str, &str)] = &[
    ("cluster.x-k8s.io", "Machine", "clusterName"),
    ("cluster.x-k8s.io", "MachineSet", "clusterName"),
    ("cluster.x-k8s.io", "MachineDeployment", "clusterName"),
    ("cluster.x-k8s.io", "MachinePool", "clusterName"),
    ("cluster.x-k8s.io", "MachineHealthCheck", "clusterName"),
    ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane", "version"),
];

/// An object without `spec`.
pub fn judge(check: &mut Check<'_, '_>) {
    let object = check.object;
    let Some((_, _, field)) = NEEDS.iter().find(|(group, kind, _)| object.is(group, kind)) else { return };
    if object.spec().is_some_and(|spec| !spec.is_null()) {
        return;
    }
    let message =
        format!("{} has no `spec`: the webhook makes an empty one, and the API server refuses it", object.kind);
    check.out.push(
        object.missing(&REQUIRED_FIELD, &["spec", field], message).suggest(format!("write `spec` with `{field}`")),
    );
}

/// Whether a finding of the schema is about an empty value that the webhook takes out before the schema is asked, or about a
/// truth value that is missing and that the webhook writes as `false`.
pub fn drops(object: &Object<'_>, kind: Kind<'_>, capi: CapiVersion, finding: &Finding) -> bool {
    let core = matches!(
        object.group(),
        "cluster.x-k8s.io" | "bootstrap.cluster.x-k8s.io" | "controlplane.cluster.x-k8s.io" | "addons.cluster.x-k8s.io"
    );
    if !core || capi.since(11) {
        return false;
    }
    if finding.rule.name == REQUIRED_FIELD.name {
        let missing = finding.path.as_deref().and_then(|path| schema_at(kind.schema(), path));
        return missing.is_some_and(|schema| schema.ty() == Type::Boolean);
    }
    if finding.rule.name != OUT_OF_BOUNDS.name {
        return false;
    }
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
