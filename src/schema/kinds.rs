//! Whether the server knows an object's kind and version at all, before its fields are looked at.

use rustc_hash::FxHashMap;

use super::bundle::{Lookup, Schemas, UnknownKind, UnknownVersion};
use super::table::Kind;
use crate::config::UnknownKinds;
use crate::object::Object;
use crate::report::{Alike, Finding, Place, Rule, Severity};

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

/// What is known of kinds and versions, worked out once for each that appears.
pub struct Kinds<'s> {
    schemas: &'s Schemas,
    unknown: UnknownKinds,
    known: FxHashMap<String, FxHashMap<String, Known<'s>>>,
}

/// One kind in one version.
struct Known<'s> {
    schema: Option<Kind<'s>>,
    remark: Option<Remark>,
    /// Where the remark holds.
    places: Vec<Place>,
}

/// What is to be said about every object of a kind and version.
struct Remark {
    rule: &'static Rule,
    severity: Severity,
    /// The field it points at.
    field: &'static str,
    message: String,
    suggestion: Option<String>,
}

impl Remark {
    fn new(rule: &'static Rule, field: &'static str, message: String) -> Self {
        Self { rule, severity: rule.severity, field, message, suggestion: None }
    }

    fn place(&self, object: &Object<'_>) -> Place {
        object.place(object.root.get(self.field).unwrap_or(object.root))
    }

    fn finding(self) -> Finding {
        let finding = Finding::new(self.rule, self.message).severity(self.severity);
        match self.suggestion {
            Some(suggestion) => finding.suggest(suggestion),
            None => finding,
        }
    }
}

impl<'s> Kinds<'s> {
    /// Nothing worked out yet.
    pub fn new(schemas: &'s Schemas, unknown: UnknownKinds) -> Self {
        Self { schemas, unknown, known: FxHashMap::default() }
    }

    /// The schema of an object; what is to be said about its kind and version, [`remarks`](Self::remarks) tells in the end.
    pub fn find(&mut self, object: &Object<'_>) -> Option<Kind<'s>> {
        let seen = self.known.get_mut(&*object.api_version).and_then(|kinds| kinds.get_mut(&*object.kind));
        if let Some(known) = seen {
            known.places.extend(known.remark.as_ref().map(|remark| remark.place(object)));
            return known.schema;
        }
        let (schema, remark) = self.work_out(object);
        let places = remark.iter().map(|remark| remark.place(object)).collect();
        let known = Known { schema, remark, places };
        self.known.entry(object.api_version.to_string()).or_default().insert(object.kind.to_string(), known);
        schema
    }

    /// What is to be said about the kinds and versions of the objects that were asked for, in the order of the input.
    pub fn remarks(self) -> Vec<Alike> {
        let known = self.known.into_values().flat_map(FxHashMap::into_values);
        let alike = |known: Known<'_>| Some(Alike { finding: known.remark?.finding(), places: known.places });
        let mut remarks: Vec<Alike> = known.filter_map(alike).collect();
        remarks.sort_by_key(|alike| alike.places.first().map(|place| (place.document, place.object)));
        remarks
    }

    fn work_out(&self, object: &Object<'_>) -> (Option<Kind<'s>>, Option<Remark>) {
        match self.schemas.lookup(object.group(), object.version(), &object.kind) {
            Lookup::Found(kind) => {
                let remark = kind.deprecated().then(|| deprecated(object, kind, self.schemas));
                (Some(kind), remark)
            }
            Lookup::UnknownVersion(version) => (None, Some(unserved(object, &version, self.schemas))),
            Lookup::UnknownKind(kind) => (None, unknown_kind(object, &kind, self.unknown)),
        }
    }
}

fn deprecated(object: &Object<'_>, kind: Kind<'_>, schemas: &Schemas) -> Remark {
    let dropped = schemas.dropped_after(kind);
    let end = dropped.map_or_else(
        || format!("{} {} still serves it", kind.release().provider(), kind.release().version()),
        |release| format!("CAPI {release} serves it no longer"),
    );
    let message = format!("{} {} is deprecated: {end}", object.api_version, object.kind);
    let newer = schemas.kinds().find(|other| {
        other.group() == kind.group()
            && other.kind() == kind.kind()
            && other.served()
            && other.storage()
            && !other.deprecated()
    });
    Remark {
        severity: if dropped.is_some() { Severity::Warning } else { DEPRECATED_VERSION.severity },
        suggestion: newer
            .map(|newer| format!("apiVersion: {}/{} (capi-lint migrate does it)", newer.group(), newer.version())),
        ..Remark::new(&DEPRECATED_VERSION, "apiVersion", message)
    }
}

fn unserved(object: &Object<'_>, version: &UnknownVersion<'_>, schemas: &Schemas) -> Remark {
    let what = format!("{} {}", object.api_version, object.kind);
    let chosen = schemas.capi();
    let Some(newest) = version.served.first() else {
        let why = match version.served_in.first() {
            Some(first) if *first > chosen => format!("is not in CAPI {chosen}: it came with {first}"),
            _ => format!("is not served by CAPI {chosen}"),
        };
        return Remark::new(
            &UNSERVED_VERSION,
            "apiVersion",
            format!("{what} {why}. The server answers 'no matches for kind'"),
        );
    };
    let release = newest.release();
    let why = match version.dropped_in(chosen) {
        Some(dropped) => format!("CAPI {dropped} has dropped it"),
        None => format!("{} {} does not serve it", release.provider(), release.version()),
    };
    let served = version.served.iter().map(|kind| kind.version()).collect::<Vec<_>>().join(", ");
    let message = format!("{what}: {why}; served: {served}. The server answers 'no matches for kind'");
    let suggestion = Some(format!("apiVersion: {}/{}", newest.group(), newest.version()));
    Remark { suggestion, ..Remark::new(&UNSERVED_VERSION, "apiVersion", message) }
}

fn unknown_kind(object: &Object<'_>, kind: &UnknownKind<'_>, unknown: UnknownKinds) -> Option<Remark> {
    let severity = match unknown {
        UnknownKinds::Ignore => return None,
        // A kind that its own group does not have is a mistake, not a foreign CRD.
        UnknownKinds::Note if kind.near_kind.is_some() => Severity::Warning,
        UnknownKinds::Note => Severity::Info,
        UnknownKinds::Warn => Severity::Warning,
        UnknownKinds::Error => Severity::Error,
    };
    let message = if kind.group_known {
        format!("no kind {} is known in {}: the object is not checked", object.kind, object.group())
    } else {
        format!("no schema is known for {} {}: the object is not checked", object.api_version, object.kind)
    };
    let suggestion = match (kind.near_kind, kind.groups.first()) {
        (Some(near), _) => Some(format!("kind: {near}")),
        (None, Some(group)) => Some(format!("the group {group} has a kind of this name")),
        (None, None) => None,
    };
    Some(Remark { severity, suggestion, ..Remark::new(&UNKNOWN_KIND, "kind", message) })
}
