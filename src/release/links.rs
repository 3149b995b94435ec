//! Every reference of every object, resolved.
//!
//! Most references say group, kind and name, and are found by that shape wherever they stand, for providers nobody has heard of
//! too. The rest are those that Cluster API and its providers write by name alone. Whether a reference is right is for the rules.

mod data;

use std::borrow::Cow;

use super::Release;
use super::names::Names;
use crate::object::{CLUSTER_GROUP, Holders, Object, Reference, is_capi_group};
use crate::report::Place;
use crate::yaml::{PerForm, Value};

const INFRASTRUCTURE: &str = "infrastructure.cluster.x-k8s.io";

/// How many objects of one name are looked at: in a fleet with a namespace a cluster all may bear the same.
const NAMESAKES: usize = 256;

/// What a reference is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A part of the cluster: a template, a control plane, an infrastructure object.
    Part,
    /// Whom the provider acts as.
    Identity,
    /// A Secret or ConfigMap with data.
    Data,
    /// The class of a cluster with a topology.
    Class,
}

/// One reference.
#[derive(Clone, Debug)]
pub struct Link<'a> {
    /// The object that refers.
    pub from: u32,
    /// The mapping, or the text where the reference is a name alone.
    pub value: Value<'a>,
    /// What it is for.
    pub role: Role,
    /// The group it names.
    pub group: Cow<'a, str>,
    /// The version it names, where it does.
    pub version: Option<Cow<'a, str>>,
    /// The kind it names.
    pub kind: Cow<'a, str>,
    /// The namespace it names, where it does.
    pub namespace: Option<Cow<'a, str>>,
    /// The name.
    pub name: Cow<'a, str>,
    /// The object of the release at its end.
    pub target: Option<u32>,
    /// Whether it stands directly under `spec`.
    pub is_direct: bool,
}

impl<'a> Link<'a> {
    fn of_reference(from: &Object<'a>, reference: Reference<'a>) -> Self {
        let (group, version) = match (reference.is_group, &reference.api) {
            (true, api) => (api.clone(), None),
            (false, Cow::Borrowed(api)) => match api.split_once('/') {
                Some((group, version)) => (Cow::Borrowed(group), Some(Cow::Borrowed(version))),
                None => (Cow::Borrowed(""), Some(Cow::Borrowed(*api))),
            },
            (false, Cow::Owned(api)) => match api.split_once('/') {
                Some((group, version)) => (group.to_owned().into(), Some(version.to_owned().into())),
                None => (Cow::Borrowed(""), Some(api.clone().into())),
            },
        };
        let role = match &*reference.kind {
            _ if reference.value.key_is("identityRef") || reference.kind.ends_with("Identity") => Role::Identity,
            "Secret" | "ConfigMap" => Role::Data,
            "ClusterClass" => Role::Class,
            _ => Role::Part,
        };
        Self {
            from: from.number,
            value: reference.value,
            role,
            group,
            version,
            kind: reference.kind,
            namespace: reference.namespace,
            name: reference.name,
            target: None,
            is_direct: false,
        }
    }

    fn by_name(
        from: &Object<'a>,
        value: Value<'a>,
        role: Role,
        target: (&'static str, &'static str),
        name: Cow<'a, str>,
    ) -> Self {
        Self {
            from: from.number,
            value,
            role,
            group: target.0.into(),
            version: None,
            kind: target.1.into(),
            namespace: None,
            name,
            target: None,
            is_direct: false,
        }
    }

    /// Whether the place where it stands takes a template (to make objects from) or an object itself; `None` where either may do.
    pub fn takes_template(&self, from: &Object<'_>) -> Option<bool> {
        let makes_machines = self.value.key_is("infrastructureRef") || self.value.key_is("configRef");
        match (from.group(), &*from.kind) {
            (CLUSTER_GROUP, "MachineDeployment" | "MachineSet") if makes_machines => Some(true),
            (CLUSTER_GROUP, "Machine" | "MachinePool") if makes_machines => Some(false),
            (CLUSTER_GROUP, "Cluster") if makes_machines || self.value.key_is("controlPlaneRef") => Some(false),
            ("controlplane.cluster.x-k8s.io", kind) if kind.ends_with("ControlPlane") && makes_machines => Some(true),
            _ => None,
        }
    }

    /// The place of its name, on the path of the reference.
    pub fn place(&self, from: &Object<'a>) -> Place {
        let at_name = self.value.get("name").unwrap_or(self.value);
        Place { span: at_name.span(), ..from.place(self.value) }
    }

    /// The namespace it means.
    pub fn namespace_in<'v>(&'v self, release: &'v Release<'a>) -> &'v str {
        match &self.namespace {
            Some(namespace) => namespace,
            None => release.objects.get(self.from as usize).map_or("", |from| release.namespace_of(from)),
        }
    }
}

/// The references of some of a release's objects.
#[derive(Debug, Default)]
pub(super) struct Followed<'a> {
    /// In order.
    pub(super) links: Vec<Link<'a>>,
    /// How many of them each object has.
    pub(super) counts: Vec<u32>,
    /// Objects, each with one that it names by group, kind and name, in order; many for one object where it names many.
    pub(super) named: Vec<(u32, u32)>,
}

/// Follows the references of some of a release's objects; `names` are those of all.
pub(super) fn of<'a>(release: &Release<'a>, names: &Names, objects: &[Object<'a>]) -> Followed<'a> {
    let mut followed = Followed {
        links: Vec::with_capacity(objects.len()),
        counts: Vec::with_capacity(objects.len()),
        named: Vec::with_capacity(objects.len()),
    };
    let Followed { links, counts, named } = &mut followed;
    // Nearly no fleet names its data: then no object is looked through for it. Keys are the same in all documents of a form.
    let mut names_data = PerForm::default();
    let mut holders = Holders::default();
    let mut trail = Trail { names, next: Vec::new() };
    for object in objects {
        let from = links.len();
        if is_capi_group(object.group()) {
            by_shape(release, object, &mut holders, &mut trail, links);
            let by_shape = links.len();
            let targets = links.iter().skip(from).filter_map(|link| link.target);
            named.extend(targets.map(|target| (object.number, target)));
            by_name(object, links);
            let document = object.root.document();
            let may_name_data = *names_data.get(document, || data::may_be_in(document.form_text().as_bytes()));
            if may_name_data && !object.is(CLUSTER_GROUP, "ClusterClass") {
                links.extend(object.spec().into_iter().flat_map(|spec| data::of(object, spec)));
            }
            for link in links.iter_mut().skip(from).filter(|link| link.target.is_none()) {
                link.target = resolve(release, link).map(|target| target.number);
            }
            // By shape and then by name: in order of appearance again.
            if links.len() > by_shape {
                links.get_mut(from..).unwrap_or_default().sort_by_key(|link| link.value.index());
            }
        }
        counts.push((links.len() - from) as u32);
    }
    followed
}

/// Where the references of one object after the other lead. Charts render kind by kind, so what the next object of a kind refers
/// to mostly stands behind what the one before referred to, and need not be sought.
struct Trail<'n> {
    /// Of all objects.
    names: &'n Names,
    /// By the place of a reference in its object: the object behind the last target.
    next: Vec<u32>,
}

impl Trail<'_> {
    /// As [`Release::resolve`], for the `nth` reference of an object.
    fn follow<'a>(&mut self, nth: usize, release: &Release<'a>, from: &Object<'a>, to: &Reference<'a>) -> Option<u32> {
        if self.next.len() <= nth {
            self.next.resize(nth + 1, 0);
        }
        let expected = self.next[nth] as usize;
        // Where an identity stands twice, the first of them would have to be found.
        let is_named = release.index.is_unique() && self.names.is(expected, &to.name);
        let expected = release.objects.get(expected).filter(|object| {
            let namespace = || to.namespace.as_deref().unwrap_or_else(|| release.namespace_of(from));
            is_named && object.is(to.group(), &to.kind) && release.namespace_of(object) == namespace()
        });
        let target = expected.or_else(|| release.resolve(from, to))?.number;
        self.next[nth] = target + 1;
        Some(target)
    }
}

/// Whether the text of a document holds something: asked once for a document, however many objects stand in it.
#[derive(Debug, Default)]
pub struct LookedAt {
    last: Option<(u32, bool)>,
    room: String,
}

impl LookedAt {
    /// Whether the document that an object stands in holds it.
    pub fn holds(&mut self, release: &Release<'_>, object: &Object<'_>, test: impl Fn(&[u8]) -> bool) -> bool {
        match self.last {
            Some((document, holds)) if document == object.document => holds,
            _ => {
                self.room.clear();
                release.write_text(object.document, &mut self.room);
                let holds = test(self.room.as_bytes());
                self.last = Some((object.document, holds));
                holds
            }
        }
    }
}

/// References that say group, kind and name.
fn by_shape<'a>(
    release: &Release<'a>,
    object: &Object<'a>,
    holders: &mut Holders<'a>,
    trail: &mut Trail<'_>,
    links: &mut Vec<Link<'a>>,
) {
    let mut fields = object.spec().into_iter().flat_map(|spec| spec.children()).map(|field| field.index()).peekable();
    for (nth, reference) in object.references_known(holders).enumerate() {
        let node = reference.value.index();
        while fields.peek().is_some_and(|field| *field < node) {
            fields.next();
        }
        let is_direct = fields.peek() == Some(&node);
        let target = trail.follow(nth, release, object, &reference);
        links.push(Link { target, is_direct, ..Link::of_reference(object, reference) });
    }
}

/// References by name alone.
fn by_name<'a>(object: &Object<'a>, links: &mut Vec<Link<'a>>) {
    let Some(spec) = object.spec() else { return };
    match (object.group(), &*object.kind) {
        (CLUSTER_GROUP, "Cluster") => class(object, spec, links),
        ("addons.cluster.x-k8s.io", "ClusterResourceSet") => {
            for resource in spec.get("resources").iter().flat_map(Value::items) {
                let (Some(kind), Some(name)) = (text(resource, "kind"), text(resource, "name")) else { continue };
                let kind = if kind == "Secret" { "Secret" } else { "ConfigMap" };
                links.push(Link::by_name(object, resource, Role::Data, ("", kind), name));
            }
        }
        (INFRASTRUCTURE, kind) if kind.starts_with("Metal3") => {
            let template = spec.at(&["template", "spec", "dataTemplate"]).or_else(|| spec.get("dataTemplate"));
            let named = template.and_then(|value| Some((value, text(value, "name")?)));
            links.extend(named.map(|(value, name)| {
                Link::by_name(object, value, Role::Part, (INFRASTRUCTURE, "Metal3DataTemplate"), name)
            }));
        }
        _ => {}
    }
}

fn text<'a>(value: Value<'a>, key: &str) -> Option<Cow<'a, str>> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// `spec.topology.classRef` (v1beta2), `spec.topology.class` with `classNamespace` (v1beta1).
fn class<'a>(object: &Object<'a>, spec: Value<'a>, links: &mut Vec<Link<'a>>) {
    let Some(topology) = spec.get("topology").filter(|_| object.is(CLUSTER_GROUP, "Cluster")) else { return };
    let (value, name, namespace) = match topology.get("classRef") {
        Some(value) => (Some(value), text(value, "name"), text(value, "namespace")),
        None => (topology.get("class"), text(topology, "class"), text(topology, "classNamespace")),
    };
    if let (Some(value), Some(name)) = (value, name) {
        let link = Link::by_name(object, value, Role::Class, (CLUSTER_GROUP, "ClusterClass"), name);
        links.push(Link { namespace, ..link });
    }
}

fn resolve<'v, 'a>(release: &'v Release<'a>, link: &Link<'a>) -> Option<&'v Object<'a>> {
    let namespace = link.namespace_in(release);
    if let Some(found) = release.find_or_may_be(&link.group, &link.kind, namespace, &link.name) {
        return Some(found);
    }
    // Most identities are cluster-wide, and their Secrets stand in the namespace of the provider.
    let of_identity = || release.objects.get(link.from as usize).is_some_and(|from| from.kind.ends_with("Identity"));
    let anywhere = link.role == Role::Identity && link.namespace.is_none() && (link.kind != "Secret" || of_identity());
    if !anywhere {
        return None;
    }
    release.named(&link.name).take(NAMESAKES).find(|object| object.is(&link.group, &link.kind))
}
