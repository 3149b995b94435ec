//! Whether the server knows an object's kind and version at all, before its fields are looked at.

use super::bundle::{Lookup, Schemas, UnknownKind, UnknownVersion};
use super::table::Kind;
use crate::config::UnknownKinds;
use crate::object::Object;
use crate::report::{Finding, Severity};

crate::rule! {
    /// No schema is known for this kind.
    ///
    /// The object is passed on unchecked. Where other kinds of its group are known, the kind is probably misspelt, and the
    /// server will answer `no matches for kind`.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// apiVersion: cluster.x-k8s.io/v1beta2
    /// kind: MachineDeploymnet
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the kind; or give the CRD with `--schemas PATH` (`kubectl get crd -o yaml` of your management cluster will
    /// do). `--unknown-kinds ignore|warn|error` says what such objects are.
    pub UNKNOWN_KIND = "unknown-kind", Info, Admission;

    /// The kind exists, but the server does not answer for this version of it.
    ///
    /// `kubectl apply` and Helm fail with `no matches for kind … in version …`. Which versions are served depends on the
    /// release of the provider; `--capi-version` chooses that of CAPI's own kinds.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// apiVersion: cluster.x-k8s.io/v1alpha4
    /// kind: Cluster
    /// ```
    ///
    /// ## Fix
    ///
    /// Write a served version; `capi-lint migrate` turns v1beta1 into v1beta2.
    pub UNSERVED_VERSION = "unserved-version", Error, Admission;

    /// The version is still served, and marked as deprecated: a later release of the provider drops it.
    ///
    /// CAPI's v1beta1 is deprecated since v1.11 and planned to be no longer served from v1.16 (April 2027).
    ///
    /// ## Example
    ///
    /// ```yaml
    /// apiVersion: cluster.x-k8s.io/v1beta1
    /// kind: Cluster
    /// ```
    ///
    /// ## Fix
    ///
    /// `capi-lint migrate` rewrites the manifests and keeps their comments.
    pub DEPRECATED_VERSION = "deprecated-version", Info, Advice;
}

/// The schema of an object; what is to be said about its kind and version goes to `out`.
pub fn find<'s>(object: &Object<'_>, schemas: &'s Schemas, unknown: UnknownKinds, out: &mut Vec<Finding>) -> Option<Kind<'s>> {
    match schemas.lookup(object.group(), object.version(), &object.kind) {
        Lookup::Found(kind) => {
            if kind.deprecated() {
                out.push(deprecated(object, kind, schemas));
            }
            Some(kind)
        }
        Lookup::UnknownVersion(version) => {
            out.push(unserved(object, &version, schemas));
            None
        }
        Lookup::UnknownKind(kind) => {
            out.extend(unknown_kind(object, &kind, unknown));
            None
        }
    }
}

fn deprecated(object: &Object<'_>, kind: Kind<'_>, schemas: &Schemas) -> Finding {
    let anchor = object.root.get("apiVersion").unwrap_or(object.root);
    let dropped = schemas.dropped_after(kind);
    let end = dropped.map_or_else(
        || format!("{} {} still serves it", kind.release().provider(), kind.release().version()),
        |release| format!("CAPI {release} serves it no longer"),
    );
    let finding = object.finding(&DEPRECATED_VERSION, anchor, format!("{} {} is deprecated: {end}", object.api_version, object.kind));
    let newer = schemas.kinds().find(|other| {
        other.group() == kind.group() && other.kind() == kind.kind() && other.served() && other.storage() && !other.deprecated()
    });
    let finding = if dropped.is_some() { finding.severity(Severity::Warning) } else { finding };
    match newer {
        Some(newer) => finding.suggest(format!("apiVersion: {}/{} (capi-lint migrate does it)", newer.group(), newer.version())),
        None => finding,
    }
}

fn unserved(object: &Object<'_>, version: &UnknownVersion<'_>, schemas: &Schemas) -> Finding {
    let anchor = object.root.get("apiVersion").unwrap_or(object.root);
    let what = format!("{} {}", object.api_version, object.kind);
    let chosen = schemas.capi();
    let Some(newest) = version.served.first() else {
        let message = match version.served_in.first() {
            Some(first) if *first > chosen => format!("{what} is not in CAPI {chosen}: it came with {first}"),
            _ => format!("{what} is not served by CAPI {chosen}"),
        };
        return object.finding(&UNSERVED_VERSION, anchor, format!("{message}. The server answers 'no matches for kind'"));
    };
    let release = newest.release();
    let why = match version.dropped_in(chosen) {
        Some(dropped) => format!("CAPI {dropped} has dropped it"),
        None => format!("{} {} does not serve it", release.provider(), release.version()),
    };
    let served = version.served.iter().map(|kind| kind.version()).collect::<Vec<_>>().join(", ");
    object
        .finding(&UNSERVED_VERSION, anchor, format!("{what}: {why}; served: {served}. The server answers 'no matches for kind'"))
        .suggest(format!("apiVersion: {}/{}", newest.group(), newest.version()))
}

fn unknown_kind(object: &Object<'_>, kind: &UnknownKind<'_>, unknown: UnknownKinds) -> Option<Finding> {
    let severity = match unknown {
        UnknownKinds::Ignore => return None,
        // A kind that its own group does not have is a mistake, not a foreign CRD.
        UnknownKinds::Note if kind.near_kind.is_some() => Severity::Warning,
        UnknownKinds::Note => Severity::Info,
        UnknownKinds::Warn => Severity::Warning,
        UnknownKinds::Error => Severity::Error,
    };
    let anchor = object.root.get("kind").unwrap_or(object.root);
    let group = object.group();
    let message = if kind.group_known {
        format!("no kind {} is known in {group}: the object is not checked", object.kind)
    } else {
        format!("no schema is known for {} {}: the object is not checked", object.api_version, object.kind)
    };
    let finding = object.finding(&UNKNOWN_KIND, anchor, message).severity(severity);
    Some(match (kind.near_kind, kind.groups.first()) {
        (Some(near), _) => finding.suggest(format!("kind: {near}")),
        (None, Some(group)) => finding.suggest(format!("the group {group} has a kind of this name")),
        (None, None) => finding,
    })
}
