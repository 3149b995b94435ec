//! Whether the server knows an object's kind and version at all, before its fields are looked at.

use std::mem::take;

use rustc_hash::FxHashMap;

use super::bundle::{Lookup, Schemas, UnknownKind, UnknownVersion};
use super::table::Kind;
use crate::config::UnknownKinds;
use crate::object::{Object, is_capi_group};
use crate::report::{Alike, Finding, Rule, Severity};
use crate::text;

crate::rule! {
    /// No schema is known for this kind.
    ///
    /// The object is passed on unchecked. Where other kinds of its group are known, the kind is probably misspelt, and the
    /// server will answer `no matches for kind`: a warning. It is an **error** where that is certain: in Kubernetes' core group
    /// (`apiVersion: v1`), to which nobody can add kinds, and where only capitals differ.
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
    /// release of the provider; `--capi-version` chooses that of CAPI's own kinds. A kind of another group under `v1`, and a
    /// group without a version (`apiVersion: cluster.x-k8s.io`), end the same way.
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
    /// Version, kind and what is known of them of the object that was asked for last: charts render kind by kind.
    latest: Option<(String, String, Known<'s>)>,
    /// What is to be said, and where it was not said yet.
    remarks: Vec<Alike>,
}

/// One kind in one version.
#[derive(Clone, Copy)]
struct Known<'s> {
    schema: Option<Kind<'s>>,
    /// Which remark holds of it.
    remark: Option<usize>,
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
        Self { schemas, unknown, known: FxHashMap::default(), latest: None, remarks: Vec::new() }
    }

    /// The schema of an object; what is to be said about its kind and version, [`remarks`](Self::remarks) tells in the end.
    pub fn find(&mut self, object: &Object<'_>) -> Option<Kind<'s>> {
        let known = match &self.latest {
            Some((version, kind, known)) if *kind == *object.kind && *version == *object.api_version => *known,
            _ => {
                let known = self.known_or_worked_out(object);
                let (version, kind, latest) = self.latest.get_or_insert_with(|| (String::new(), String::new(), known));
                object.api_version.as_ref().clone_into(version);
                object.kind.as_ref().clone_into(kind);
                *latest = known;
                known
            }
        };
        if let Some(alike) = known.remark.and_then(|remark| self.remarks.get_mut(remark)) {
            alike.objects.push(object.number);
        }
        known.schema
    }

    fn known_or_worked_out(&mut self, object: &Object<'_>) -> Known<'s> {
        let seen = self.known.get(&*object.api_version).and_then(|kinds| kinds.get(&*object.kind));
        seen.copied().unwrap_or_else(|| {
            let (schema, remark) = self.work_out(object);
            let remark = remark.map(|remark| {
                let field = remark.field;
                self.remarks.push(Alike { finding: remark.finding(), field, objects: Vec::new() });
                self.remarks.len() - 1
            });
            let known = Known { schema, remark };
            self.known.entry(object.api_version.to_string()).or_default().insert(object.kind.to_string(), known);
            known
        })
    }

    /// What is to be said about the kinds and versions of the objects that were asked for since it was said last, in their order.
    pub fn remarks(&mut self) -> Vec<Alike> {
        let said = self.remarks.iter_mut().filter(|alike| !alike.objects.is_empty());
        let said = said.map(|Alike { finding, field, objects }| {
            let (finding, objects) = (finding.clone(), take(objects));
            Alike { finding, field, objects }
        });
        let mut said: Vec<Alike> = said.collect();
        said.sort_by_key(|alike| alike.objects.first().copied());
        said
    }

    fn work_out(&self, object: &Object<'_>) -> (Option<Kind<'s>>, Option<Remark>) {
        match self.schemas.lookup(object.group(), object.version(), &object.kind) {
            Lookup::Found(kind) => {
                let remark = kind.deprecated().then(|| deprecated(object, kind, self.schemas));
                (Some(kind), remark)
            }
            Lookup::UnknownVersion(version) => (None, Some(unserved(object, &version, self.schemas))),
            Lookup::UnknownKind(kind) => (None, self.unknown_kind(object, &kind)),
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
        // Flags first: texts of the table are checked each time they are read.
        other.served()
            && other.storage()
            && !other.deprecated()
            && other.kind() == kind.kind()
            && other.group() == kind.group()
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
    let suggestion = Some(format!("apiVersion: {}", api_version(*newest)));
    Remark { suggestion, ..Remark::new(&UNSERVED_VERSION, "apiVersion", message) }
}

/// What is wrong with an object of Kubernetes' core group whose kind is none of it; nobody can add one.
fn not_in_core(object: &Object<'_>, kind: &UnknownKind<'_>, elsewhere: Option<String>) -> Remark {
    let what = format!("{} {}", object.api_version, object.kind);
    let end = "The server answers 'no matches for kind'";
    if let Some(api_version) = elsewhere {
        let group = api_version.split_once('/').map_or(&*api_version, |(group, _)| group);
        let why = if object.api_version == group {
            "names a group and no version of it".to_owned()
        } else {
            format!("is none of Kubernetes' core group; {} belongs to {group}", object.kind)
        };
        let message = format!("{what} {why}. {end}");
        let suggestion = Some(format!("apiVersion: {api_version}"));
        return Remark { suggestion, ..Remark::new(&UNSERVED_VERSION, "apiVersion", message) };
    }
    let message = format!("{what}: Kubernetes' core group has no such kind, and nobody can add one. {end}");
    let suggestion = kind.near_kind.map(|near| format!("kind: {near}"));
    Remark { severity: Severity::Error, suggestion, ..Remark::new(&UNKNOWN_KIND, "kind", message) }
}

/// What kubectl takes without a server that knows it: lists, and its own configuration.
fn is_clients(object: &Object<'_>) -> bool {
    object.kind.ends_with("List") || object.kind == "Config"
}

/// The group and version of a kind, as objects write them.
fn api_version(kind: Kind<'_>) -> String {
    if kind.group().is_empty() { kind.version().to_owned() } else { format!("{}/{}", kind.group(), kind.version()) }
}

/// Letters by which a group may be misspelt.
const MISSPELT: usize = 2;

impl Kinds<'_> {
    fn unknown_kind(&self, object: &Object<'_>, kind: &UnknownKind<'_>) -> Option<Remark> {
        let unknown = self.unknown;
        if unknown == UnknownKinds::Ignore {
            return None;
        }
        let group = object.group();
        // Of several groups that have the kind, the one that was nearly written; then Cluster API's own, then Kubernetes'.
        let likeness = |other: &&str| {
            let written = if group.is_empty() { &*object.api_version } else { group };
            let apart = text::distance(written, other, MISSPELT).unwrap_or(usize::MAX);
            (apart, !other.ends_with("cluster.x-k8s.io"), other.contains('.'))
        };
        let meant = kind.groups.iter().copied().min_by_key(likeness);
        let elsewhere = meant.and_then(|group| {
            let mut versions =
                self.schemas.kinds().filter(|known| known.group() == group && known.kind() == object.kind);
            versions.find(|known| known.served() && known.storage()).map(api_version)
        });
        if group.is_empty() && !is_clients(object) {
            return Some(not_in_core(object, kind, elsewhere));
        }
        let near = kind.near_kind.filter(|_| !is_clients(object));
        let is_misspelt = meant.is_some_and(|meant| text::distance(group, meant, MISSPELT).is_some());
        let is_misplaced = is_capi_group(group) && meant.is_some_and(is_capi_group);
        // A group has no two kinds that differ in capitals alone: their resources would have one name.
        let is_miscased = near.is_some_and(|near| near.eq_ignore_ascii_case(&object.kind));
        let severity = match unknown {
            UnknownKinds::Note | UnknownKinds::Warn if is_miscased => Severity::Error,
            // A kind that its own group does not have is a mistake, not a foreign CRD.
            UnknownKinds::Note if near.is_some() || is_misspelt || is_misplaced => Severity::Warning,
            UnknownKinds::Ignore | UnknownKinds::Note => Severity::Info,
            UnknownKinds::Warn => Severity::Warning,
            UnknownKinds::Error => Severity::Error,
        };
        let message = if is_miscased {
            format!("no kind {} is known in {group}: the server answers 'no matches for kind'", object.kind)
        } else if kind.group_known && !group.is_empty() {
            format!("no kind {} is known in {group}: the object is not checked", object.kind)
        } else {
            format!("no schema is known for {} {}: the object is not checked", object.api_version, object.kind)
        };
        let suggestion = match (near, elsewhere) {
            (Some(near), _) => Some(format!("kind: {near}")),
            (None, Some(api_version)) if is_misspelt || is_misplaced => Some(format!("apiVersion: {api_version}")),
            (None, Some(_)) => meant.map(|group| format!("the group {group} has a kind of this name")),
            (None, None) => None,
        };
        Some(Remark { severity, suggestion, ..Remark::new(&UNKNOWN_KIND, "kind", message) })
    }
}
