//! References that lead to nothing.

use std::borrow::Cow;
use std::cell::OnceCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::view::{Link, Role, View, is_capi_group};
use crate::object::Object;
use crate::report::{Finding, Severity};
use crate::text;

crate::rule! {
    /// A reference to an object that the release does not hold.
    ///
    /// No webhook looks whether `controlPlaneRef`, `infrastructureRef`, `configRef` and their kin lead anywhere. The server takes
    /// the object, and the controller waits for the other one for ever: the cluster never comes up, and nothing fails.
    ///
    /// It is an **error** where the release holds what was probably meant: the same name in another namespace, group or kind, or
    /// a name that differs by a letter or two. Else the object may exist already: a **warning** for templates, control planes
    /// and infrastructure (an error with `complete: true`), a **note** for identities, Secrets, ConfigMaps and classes, which
    /// usually come from elsewhere.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// metadata: {name: demo}
    /// spec:
    ///   infrastructureRef:
    ///     apiGroup: infrastructure.cluster.x-k8s.io
    ///     kind: DockerCluster
    ///     name: dmeo            # the DockerCluster is called demo
    /// ```
    ///
    /// Secrets that a SealedSecret, an ExternalSecret or a Certificate of the release makes are there.
    ///
    /// ## Fix
    ///
    /// Write the name, kind, group and namespace of the object as it is. What exists on the management cluster already goes into
    /// the settings: `external: [{kind: Secret, name: "*-credentials"}]`.
    pub DANGLING_REFERENCE = "dangling-reference", Warning, Controller;
}

/// Names compared at most in one run, so that a fleet in which everything dangles is still judged in linear time. What is left
/// over then is told as if nothing were near.
const COMPARISONS: usize = 5_000_000;

/// Looks at every reference without a target.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let mut names = Names { of_kind: FxHashMap::default(), left: COMPARISONS };
    let made = OnceCell::new();
    for link in view.release.links.iter().filter(|link| link.target().is_none()) {
        let Some(from) = view.object(link.from) else { continue };
        let is_external =
            view.is_external(&link.to.group, &link.to.kind, link.namespace_in(view.release), &link.name(view.release));
        let takes_template = link.takes_template(from);
        let is_wrong = |template: bool| super::reference_kind::is_wrong(view, link, template);
        if is_external || takes_template.is_some_and(is_wrong) || is_made_by_controllers(view, link, from) {
            continue;
        }
        let of_release = || {
            made.get_or_init(|| made_secrets(view))
                .contains(&(link.namespace_in(view.release), link.name(view.release)))
        };
        if link.to.group.is_empty() && link.to.kind == "Secret" && of_release() {
            continue;
        }
        if names.of_kind.is_empty() {
            names.fill(view);
        }
        out.push(judge(view, link, from, &mut names));
    }
}

/// `demo-kubeconfig` and the certificates of a cluster: Cluster API makes them.
fn is_made_by_controllers<'a>(view: &View<'_, 'a>, link: &Link<'a>, from: &Object<'_>) -> bool {
    let cluster = crate::release::stated_cluster(from);
    let name = link.name(view.release);
    let rest = cluster.as_deref().and_then(|cluster| name.strip_prefix(cluster));
    link.to.kind == "Secret" && matches!(rest, Some("-kubeconfig" | "-ca" | "-etcd" | "-sa" | "-proxy"))
}

/// The Secrets, by namespace and name, that controllers make from other objects of the release.
fn made_secrets<'v, 'a>(view: &View<'v, 'a>) -> FxHashSet<(&'v str, Cow<'a, str>)> {
    let of = |object: &'v Object<'a>, path: &[&str]| {
        let name = object.below(path).and_then(|value| value.as_str()).filter(|name| !name.is_empty());
        (view.release.namespace_of(object), name.unwrap_or_else(|| object.name.to_cow()))
    };
    let sealed = view.of_kind("bitnami.com", "SealedSecret").map(|object| of(object, &["metadata", "name"]));
    let external =
        view.of_kind("external-secrets.io", "ExternalSecret").map(|object| of(object, &["spec", "target", "name"]));
    let certificates = view.of_kind("cert-manager.io", "Certificate").map(|object| of(object, &["spec", "secretName"]));
    sealed.chain(external).chain(certificates).collect()
}

fn judge<'a>(view: &View<'_, 'a>, link: &Link<'a>, from: &Object<'a>, names: &mut Names<'_>) -> Finding {
    let (kind, name) = (&link.to.kind, link.name(view.release));
    let never = match link.role {
        Role::Identity => "The provider never gets its credentials",
        Role::Data | Role::Class | Role::Part => "The server accepts that, and the controller waits for it for ever",
    };
    if let Some(meant) = namesake(view, link).or_else(|| names.near(view, link)) {
        let message = format!(
            "{} '{}' refers to {kind} '{name}', which this release does not hold, but it holds {}. {never}",
            from.kind,
            from.name,
            meant.description(view, link)
        );
        return Finding::new(&DANGLING_REFERENCE, message)
            .severity(Severity::Error)
            .at(link.place(from))
            .suggest(meant.suggestion(view, link));
    }
    let severity = match link.role {
        Role::Part if is_part(link, from) && view.settings.complete => Severity::Error,
        Role::Part if is_part(link, from) => Severity::Warning,
        Role::Class if view.settings.complete => Severity::Error,
        _ => Severity::Info,
    };
    let message = format!(
        "{} '{}' refers to {kind} '{name}', which is not in this release. If the management cluster does not have it already: {}{}",
        from.kind,
        from.name,
        never[..1].to_lowercase(),
        &never[1..]
    );
    let help = format!(
        "check the name; if it exists already, add to the settings: external: [{{kind: {kind}, name: {name}}}]"
    );
    Finding::new(&DANGLING_REFERENCE, message).severity(severity).at(link.place(from)).suggest(help)
}

/// Whether a cluster cannot come up without it.
fn is_part<'a>(link: &Link<'a>, from: &Object<'a>) -> bool {
    let at_known_place = ["controlPlaneRef", "infrastructureRef", "configRef", "templateRef"];
    let ends = ["Template", "ControlPlane", "Cluster", "Config", "MachinePool", "Machine"];
    at_known_place.iter().any(|key| link.value(from).key_is(key))
        || is_capi_group(&link.to.group) && ends.iter().any(|end| link.to.kind.ends_with(end))
}

/// What was probably meant.
struct Meant<'v, 'a> {
    object: &'v Object<'a>,
}

impl<'a> Meant<'_, 'a> {
    fn description(&self, view: &View<'_, 'a>, link: &Link<'a>) -> String {
        let object = self.object;
        if object.name != link.name(view.release) {
            return format!("{} '{}'", object.kind, object.name);
        }
        if object.kind != link.to.kind {
            return format!("a {} of that name", object.kind);
        }
        if object.group() != link.to.group {
            return format!("one in the group {}", object.group());
        }
        format!("one in namespace '{}'", view.release.namespace_of(object))
    }

    fn suggestion(&self, view: &View<'_, 'a>, link: &Link<'a>) -> String {
        let object = self.object;
        if object.name != link.name(view.release) {
            return format!("name: {}", object.name);
        }
        if object.kind != link.to.kind {
            return format!("kind: {}", object.kind);
        }
        if object.group() != link.to.group {
            return match link.to.version {
                Some(_) => format!("apiVersion: {}", object.api_version),
                None => format!("apiGroup: {}", object.group()),
            };
        }
        format!(
            "put both into one namespace; the reference means '{}', the object is in '{}'",
            link.namespace_in(view.release),
            view.release.namespace_of(object)
        )
    }
}

/// An object of the name that differs in kind, group or namespace only.
fn namesake<'v, 'a>(view: &View<'v, 'a>, link: &Link<'a>) -> Option<Meant<'v, 'a>> {
    let namespace = link.namespace_in(view.release);
    let score = |object: &Object<'_>| {
        let same_namespace = view.release.namespace_of(object) == namespace;
        if object.is(&link.to.group, &link.to.kind) {
            Some(0)
        } else if object.kind == link.to.kind
            && (is_capi_group(object.group()) == is_capi_group(&link.to.group) || same_namespace)
        {
            Some(1)
        } else if same_namespace && object.group() == link.to.group && is_like(&object.kind, &link.to.kind) {
            Some(2)
        } else {
            None
        }
    };
    let name = link.name(view.release);
    let candidates = view.release.named(&name).take(256).filter(|object| object.number != link.from);
    let scored = candidates.filter_map(|object| Some((score(object)?, object)));
    scored.min_by_key(|(score, object)| (*score, object.number)).map(|(_, object)| Meant { object })
}

/// Whether one kind is easily written for another: a letter, `Template` forgotten, or the same part of another provider.
fn is_like(a: &str, b: &str) -> bool {
    let part = |kind: &str| {
        let ends =
            ["MachineTemplate", "ConfigTemplate", "ClusterTemplate", "ControlPlaneTemplate", "ControlPlane", "Cluster"];
        ends.into_iter().find(|end| kind.ends_with(end))
    };
    a.strip_suffix("Template") == Some(b)
        || b.strip_suffix("Template") == Some(a)
        || text::distance(a, b, 2).is_some()
        || part(a).is_some() && part(a) == part(b)
        || matches!((a, b), ("Secret", "ConfigMap") | ("ConfigMap", "Secret"))
}

/// The objects of each kind, one of each name, to find a name that was misspelt.
struct Names<'n> {
    of_kind: FxHashMap<(&'n str, &'n str), Vec<u32>>,
    left: usize,
}

impl<'n> Names<'n> {
    fn fill<'a>(&mut self, view: &View<'n, 'a>) {
        let mut seen = FxHashSet::default();
        for object in view.of_kinds(|_, _| true) {
            let kind = (object.group(), &*object.kind);
            if seen.insert((kind, view.release.namespace_of(object), &*object.name)) {
                self.of_kind.entry(kind).or_default().push(object.number);
            }
        }
    }

    fn near<'v, 'a>(&mut self, view: &View<'v, 'a>, link: &Link<'a>) -> Option<Meant<'v, 'a>> {
        let candidates = self.of_kind.get(&(&*link.to.group, &*link.to.kind))?;
        let (namespace, name) = (link.namespace_in(view.release), link.name(view.release));
        let mut best: Option<(usize, &'v Object<'a>)> = None;
        for object in candidates.iter().filter_map(|number| view.object(*number)) {
            self.left = self.left.checked_sub(1)?;
            if object.number == link.from || view.release.namespace_of(object) != namespace {
                continue;
            }
            if !share_half(&name, &object.name) {
                continue;
            }
            let limit = best.map_or(limit(&name), |(distance, _)| distance.saturating_sub(1));
            let Some(distance) = text::distance(&name, &object.name, limit) else { continue };
            // What somebody else refers to is known to be right where it is; only a letter's difference is still a mistake.
            let is_taken = view.is_referred_to(object);
            if is_taken && (distance > 1 || link.role != Role::Part || differs_in_number(&name, &object.name)) {
                continue;
            }
            best = Some((distance, object));
            if distance <= 1 {
                break;
            }
        }
        best.map(|(_, object)| Meant { object })
    }
}

/// Whether two names begin and end alike for half of their length: a quick look before the letters are counted.
fn share_half(a: &str, b: &str) -> bool {
    let alike = |(left, right): &(u8, u8)| left == right;
    let shorter = a.len().min(b.len());
    let begin = a.bytes().zip(b.bytes()).take_while(alike).count();
    let end = a.bytes().rev().zip(b.bytes().rev()).take(shorter - begin).take_while(alike).count();
    2 * (begin + end) >= a.len().max(b.len())
}

/// Letters that a misspelt name may differ in.
fn limit(name: &str) -> usize {
    match name.chars().count() {
        0..=2 => 0,
        3 => 1,
        4..=7 => 2,
        _ => 3,
    }
}

/// `worker-1` and `worker-2`: siblings, not a slip of the finger.
fn differs_in_number(a: &str, b: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    letters(a) == letters(b)
}
