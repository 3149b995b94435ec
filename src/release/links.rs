//! Every reference of every object, resolved.
//!
//! Most references say group, kind and name, and are found by that shape wherever they stand, for providers nobody has heard of
//! too. The rest are those that Cluster API and its providers write by name alone. Whether a reference is right is for the rules.

mod data;

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::Release;
use crate::object::{CLUSTER_GROUP, Holder, Object, Reference, is_capi_group};
use crate::report::Place;
use crate::yaml::{PerForm, Value, Words, words_read};

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

impl Role {
    /// What a reference by group, kind and name is for.
    fn of(reference: &Reference<'_>) -> Self {
        match &*reference.kind {
            _ if reference.value.key_is("identityRef") || reference.kind.ends_with("Identity") => Self::Identity,
            "Secret" | "ConfigMap" => Self::Data,
            "ClusterClass" => Self::Class,
            _ => Self::Part,
        }
    }
}

/// What a reference says besides a name: in all objects of a kind mostly the same.
#[derive(Clone, Debug, Default)]
pub struct Naming<'a> {
    /// The group it names.
    pub group: Cow<'a, str>,
    /// The version it names, where it does.
    pub version: Option<Cow<'a, str>>,
    /// The kind it names.
    pub kind: Cow<'a, str>,
    /// The namespace it names, where it does.
    pub namespace: Option<Cow<'a, str>>,
}

/// One reference.
#[derive(Clone, Debug)]
pub struct Link<'a> {
    /// What it says besides the name.
    pub to: Arc<Naming<'a>>,
    /// The object that refers.
    pub from: u32,
    /// Where it stands in the document of that object.
    node: u32,
    /// The number behind that of the object at its end.
    behind_target: Option<NonZeroU32>,
    /// What it is for.
    pub role: Role,
    /// Whether it stands directly under `spec`.
    pub is_direct: bool,
    /// Whether it leads to the very object of which it says group, kind, namespace and name.
    pub is_exact: bool,
}

// A fleet has about as many as it has objects; see `StreamDocument`.
const _: () = assert!(size_of::<Link<'_>>() <= 24);

impl<'a> Naming<'a> {
    fn of_reference(reference: &Reference<'a>) -> Self {
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
        Self { group, version, kind: reference.kind.clone(), namespace: reference.namespace.clone() }
    }

    fn of(group: &'static str, kind: &'static str) -> Self {
        Self { group: group.into(), kind: kind.into(), ..Self::default() }
    }
}

impl<'a> Link<'a> {
    fn by_name(from: &Object<'a>, value: Value<'a>, role: Role, to: Naming<'a>) -> Self {
        let (from, node, to) = (from.number, value.index(), Arc::new(to));
        Self { to, from, node, behind_target: None, role, is_direct: false, is_exact: false }
    }

    /// The mapping, or the text where the reference is a name alone. `from` is the object that refers.
    pub fn value(&self, from: &Object<'a>) -> Value<'a> {
        debug_assert_eq!(self.from, from.number);
        from.root.document().value(self.node).unwrap_or(from.root)
    }

    /// The value that says the name.
    fn at_name(&self, from: &Object<'a>) -> Value<'a> {
        let value = self.value(from);
        value.get("name").unwrap_or(value)
    }

    /// The name. It is looked up each time, and not kept: nearly all references lead somewhere, and nobody asks.
    pub fn name(&self, release: &Release<'a>) -> Cow<'a, str> {
        let from = release.objects.get(self.from as usize);
        from.and_then(|from| self.at_name(from).as_str()).unwrap_or_default()
    }

    /// The object of the release at its end.
    pub fn target(&self) -> Option<u32> {
        self.behind_target.map(|behind| behind.get() - 1)
    }

    /// Whether the place where it stands takes a template (to make objects from) or an object itself; `None` where either may do.
    pub fn takes_template(&self, from: &Object<'a>) -> Option<bool> {
        let value = self.value(from);
        let makes_machines = value.key_is("infrastructureRef") || value.key_is("configRef");
        match (from.group(), &*from.kind) {
            (CLUSTER_GROUP, "MachineDeployment" | "MachineSet") if makes_machines => Some(true),
            (CLUSTER_GROUP, "Machine" | "MachinePool") if makes_machines => Some(false),
            (CLUSTER_GROUP, "Cluster") if makes_machines || value.key_is("controlPlaneRef") => Some(false),
            ("controlplane.cluster.x-k8s.io", kind) if kind.ends_with("ControlPlane") && makes_machines => Some(true),
            _ => None,
        }
    }

    /// The place of its name, on the path of the reference.
    pub fn place(&self, from: &Object<'a>) -> Place {
        Place { span: self.at_name(from).span(), ..from.place(self.value(from)) }
    }

    /// The namespace it means.
    pub fn namespace_in<'v>(&'v self, release: &'v Release<'a>) -> &'v str {
        match &self.to.namespace {
            Some(namespace) => namespace,
            None => release.objects.get(self.from as usize).map_or("", |from| release.namespace_of(from)),
        }
    }
}

/// The number behind that of an object.
fn behind(object: Option<u32>) -> Option<NonZeroU32> {
    NonZeroU32::new(object?.wrapping_add(1))
}

/// The references of some of a release's objects.
#[derive(Debug, Default)]
pub(super) struct Followed<'a> {
    /// In order.
    pub(super) links: Vec<Link<'a>>,
    /// Where those of each object end.
    pub(super) ends: Vec<u32>,
}

/// Follows references, and has at hand what those that it followed before have taught.
pub(super) struct Follower<'r, 'a> {
    release: &'r Release<'a>,
    forms: PerForm<'a, OfForm<'a>>,
    trail: Trail<'a>,
}

/// What is the same in all documents of a form.
struct OfForm<'a> {
    /// The mappings that may be references, where the document is an object.
    holders: Vec<Known<'a>>,
    /// Whether any key speaks of data. Nearly no fleet names its data: then no object is looked through for it.
    names_data: bool,
}

/// A mapping that may be a reference.
struct Known<'a> {
    holder: Holder,
    /// Whether it stands directly under `spec`.
    is_direct: bool,
    said: Option<Said<'a>>,
}

/// What the mapping says besides a name in all documents that keep these words.
struct Said<'a> {
    words: Words,
    to: Arc<Naming<'a>>,
    role: Role,
}

impl<'a> OfForm<'a> {
    fn of(object: &Object<'a>) -> Self {
        let document = object.root.document();
        let watched = document.watched();
        let said = |holder: &Holder| {
            let words = words_read(|| {
                let _ = Reference::named(&watched, holder, Cow::Borrowed(""));
            });
            let reference = Reference::named(document, holder, Cow::Borrowed("")).filter(|_| document.keeps(words))?;
            Some(Said { words, to: Arc::new(Naming::of_reference(&reference)), role: Role::of(&reference) })
        };
        let holders = Known::all(object).map(|known| Known { said: said(&known.holder), ..known }).collect();
        Self { holders, names_data: data::may_be_in(document.form_text().as_bytes()) }
    }
}

impl<'a> Known<'a> {
    /// Those of an object, in order of appearance, of which nothing more is known.
    fn all(object: &Object<'_>) -> impl Iterator<Item = Self> {
        let direct: Vec<u32> =
            object.spec().into_iter().flat_map(|spec| spec.children()).map(|at| at.index()).collect();
        let holders = object.holders_in_order().into_iter();
        holders.map(move |holder| Self { holder, is_direct: direct.contains(&holder.node()), said: None })
    }

    /// What the mapping says in an object: the name, what it says besides, and what for; `None` where it is no reference.
    fn read(&self, object: &Object<'a>, step: &mut Step<'a>) -> Option<(Cow<'a, str>, Arc<Naming<'a>>, Role)> {
        let document = object.root.document();
        let name = self.holder.name(document)?;
        if let Some(said) = self.said.as_ref().filter(|said| document.keeps(said.words)) {
            return Some((name, Arc::clone(&said.to), said.role));
        }
        let reference = Reference::named(document, &self.holder, name)?;
        let to = step.naming(&reference);
        let role = Role::of(&reference);
        Some((reference.name, to, role))
    }
}

impl<'r, 'a> Follower<'r, 'a> {
    /// One that has followed none.
    pub(super) fn new(release: &'r Release<'a>) -> Self {
        Self { release, forms: PerForm::default(), trail: Trail::default() }
    }

    /// The references of some of the objects.
    pub(super) fn of(&mut self, objects: &[Object<'a>]) -> Followed<'a> {
        let mut followed =
            Followed { links: Vec::with_capacity(objects.len()), ends: Vec::with_capacity(objects.len()) };
        for object in objects {
            let from = followed.links.len();
            if is_capi_group(object.group()) && !self.release.twins().is_copy(object.number) {
                self.object(object, from, &mut followed.links);
            }
            followed.ends.push(followed.links.len() as u32);
        }
        followed
    }

    /// The references of one object, the first of which is to have a number.
    fn object(&mut self, object: &Object<'a>, from: usize, links: &mut Vec<Link<'a>>) {
        let Self { release, forms, trail } = self;
        let of_form = forms.get(object.root.document(), || OfForm::of(object));
        // Items of a list stand in one document.
        let of_item = if object.root.index() == 0 { Vec::new() } else { Known::all(object).collect() };
        let holders = if object.root.index() == 0 { &of_form.holders } else { &of_item };
        by_shape(release, object, holders, trail, links);
        let by_shape = links.len();
        by_name(object, links);
        if of_form.names_data && !object.is(CLUSTER_GROUP, "ClusterClass") {
            links.extend(object.spec().into_iter().flat_map(|spec| data::of(object, spec)));
        }
        for link in links.iter_mut().skip(from).filter(|link| link.target().is_none()) {
            link.behind_target = behind(resolve(release, link).map(|target| target.number));
        }
        // By shape and then by name: in order of appearance again.
        if links.len() > by_shape {
            links.get_mut(from..).unwrap_or_default().sort_by_key(|link| link.node);
        }
    }
}

/// Where the references of one object after the other lead. Charts render kind by kind, so what the next object of a kind refers
/// to mostly stands behind what the one before referred to, and need not be sought.
#[derive(Default)]
struct Trail<'a> {
    /// By the place of a reference in its object.
    steps: Vec<Step<'a>>,
}

/// What is known of a reference from the one in its place in the object before.
#[derive(Default)]
struct Step<'a> {
    /// The object behind the target.
    next: u32,
    /// What it said, as it was written and as it is understood.
    said: Option<(Cow<'a, str>, Arc<Naming<'a>>)>,
}

impl<'a> Step<'a> {
    /// What a reference says besides its name.
    fn naming(&mut self, reference: &Reference<'a>) -> Arc<Naming<'a>> {
        let is_known = self.said.as_ref().filter(|(api, naming)| {
            is_same(api, &reference.api)
                && is_same(&naming.kind, &reference.kind)
                && naming.version.is_none() == reference.is_group
                && match (&naming.namespace, &reference.namespace) {
                    (Some(one), Some(other)) => is_same(one, other),
                    (one, other) => one.is_none() && other.is_none(),
                }
        });
        if let Some((_, naming)) = is_known {
            return Arc::clone(naming);
        }
        let naming = Arc::new(Naming::of_reference(reference));
        self.said = Some((reference.api.clone(), Arc::clone(&naming)));
        naming
    }
}

/// Whether two texts are the same; mostly they stand in one place.
fn is_same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}

impl<'a> Trail<'a> {
    /// The step of the `nth` reference of an object.
    fn step(&mut self, nth: usize) -> &mut Step<'a> {
        if self.steps.len() <= nth {
            self.steps.resize_with(nth + 1, Step::default);
        }
        &mut self.steps[nth]
    }

    /// The object to which the `nth` reference of an object leads.
    fn follow(
        &mut self,
        nth: usize,
        release: &Release<'a>,
        from: &Object<'a>,
        to: &Naming<'a>,
        name: &str,
    ) -> Option<u32> {
        let namespace = || to.namespace.as_deref().unwrap_or_else(|| release.namespace_of(from));
        let expected = self.step(nth).next;
        let expected = release.objects.get(expected as usize).filter(|object| {
            object.name == name
                // Where an identity stands twice, the first of them would have to be found.
                && release.index.is_first(expected)
                && object.is(&to.group, &to.kind)
                && release.namespace_of(object) == namespace()
        });
        let found = expected.or_else(|| release.find_or_may_be(&to.group, &to.kind, namespace(), name));
        let target = found?.number;
        self.step(nth).next = target + 1;
        Some(target)
    }
}

/// References that say group, kind and name.
fn by_shape<'a>(
    release: &Release<'a>,
    object: &Object<'a>,
    holders: &[Known<'a>],
    trail: &mut Trail<'a>,
    links: &mut Vec<Link<'a>>,
) {
    let mut nth = 0;
    for known in holders {
        let Some((name, to, role)) = known.read(object, trail.step(nth)) else { continue };
        let target = trail.follow(nth, release, object, &to, &name);
        nth += 1;
        let (from, node, is_direct) = (object.number, known.holder.node(), known.is_direct);
        links.push(Link { to, from, node, behind_target: behind(target), role, is_direct, is_exact: target.is_some() });
    }
}

/// References by name alone.
fn by_name<'a>(object: &Object<'a>, links: &mut Vec<Link<'a>>) {
    let Some(spec) = object.spec() else { return };
    match (object.group(), &*object.kind) {
        (CLUSTER_GROUP, "Cluster") => class(object, spec, links),
        ("addons.cluster.x-k8s.io", "ClusterResourceSet") => {
            for resource in spec.get("resources").iter().flat_map(Value::items) {
                let (Some(kind), Some(_)) = (text(resource, "kind"), text(resource, "name")) else { continue };
                let kind = if kind == "Secret" { "Secret" } else { "ConfigMap" };
                links.push(Link::by_name(object, resource, Role::Data, Naming::of("", kind)));
            }
        }
        (INFRASTRUCTURE, kind) if kind.starts_with("Metal3") => {
            let template = spec.at(&["template", "spec", "dataTemplate"]).or_else(|| spec.get("dataTemplate"));
            let named = template.filter(|value| text(*value, "name").is_some());
            links.extend(named.map(|value| {
                Link::by_name(object, value, Role::Part, Naming::of(INFRASTRUCTURE, "Metal3DataTemplate"))
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
    if let (Some(value), Some(_)) = (value, name) {
        let to = Naming { namespace, ..Naming::of(CLUSTER_GROUP, "ClusterClass") };
        links.push(Link::by_name(object, value, Role::Class, to));
    }
}

fn resolve<'v, 'a>(release: &'v Release<'a>, link: &Link<'a>) -> Option<&'v Object<'a>> {
    let (namespace, name) = (link.namespace_in(release), link.name(release));
    if let Some(found) = release.find_or_may_be(&link.to.group, &link.to.kind, namespace, &name) {
        return Some(found);
    }
    // Most identities are cluster-wide, and their Secrets stand in the namespace of the provider.
    let of_identity = || release.objects.get(link.from as usize).is_some_and(|from| from.kind.ends_with("Identity"));
    let anywhere =
        link.role == Role::Identity && link.to.namespace.is_none() && (link.to.kind != "Secret" || of_identity());
    if !anywhere {
        return None;
    }
    release.named(&name).take(NAMESAKES).find(|object| object.is(&link.to.group, &link.to.kind))
}
