//! Every reference of every object, resolved.
//!
//! Most references say group, kind and name, and are found by that shape wherever they stand, for providers nobody has heard of
//! too. The rest are those that Cluster API and its providers write by name alone.

mod data;

use std::borrow::Cow;

use super::{View, is_capi_group};
use crate::object::{CLUSTER_GROUP, Holders, Object, Reference};
use crate::release::Release;
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
    pub fn namespace_in<'v>(&'v self, view: &'v View<'_, 'a>) -> &'v str {
        match &self.namespace {
            Some(namespace) => namespace,
            None => view.object(self.from).map_or("", |from| view.release.namespace_of(from)),
        }
    }
}

/// All references of a release's Cluster API objects, in order; and for each object where its own begin.
pub fn collect<'a>(view: &View<'_, 'a>) -> (Vec<Link<'a>>, Vec<u32>) {
    let release = view.release;
    let mut links: Vec<Link<'a>> = Vec::with_capacity(release.objects.len());
    let mut begins = Vec::with_capacity(release.objects.len() + 1);
    // Nearly no fleet names its data: then no object is looked through for it. Keys are the same in all documents of a form.
    let mut names_data = PerForm::default();
    let mut holders = Holders::default();
    for object in &release.objects {
        begins.push(links.len() as u32);
        if !is_capi_group(object.group()) {
            continue;
        }
        let from = links.len();
        by_shape(view, object, &mut holders, &mut links);
        let by_shape = links.len();
        by_name(object, &mut links);
        let document = object.root.document();
        let may_name_data = *names_data.get(document, || data::may_be_in(document.form_text().as_bytes()));
        if may_name_data && !object.is(CLUSTER_GROUP, "ClusterClass") {
            links.extend(object.spec().into_iter().flat_map(|spec| data::of(object, spec)));
        }
        for link in links.get_mut(by_shape..).unwrap_or_default() {
            link.target = resolve(view, link).map(|target| target.number);
        }
        // By shape and then by name: in order of appearance again.
        if links.len() > by_shape {
            links.get_mut(from..).unwrap_or_default().sort_by_key(|link| link.value.index());
        }
    }
    begins.push(links.len() as u32);
    (links, begins)
}

/// Whether the text of a document holds something: asked once for a document, however many objects stand in it.
#[derive(Debug, Default)]
pub struct LookedAt {
    last: Option<(u32, bool)>,
}

impl LookedAt {
    /// Whether the document that an object stands in holds it.
    pub fn holds(&mut self, release: &Release<'_>, object: &Object<'_>, test: impl Fn(&[u8]) -> bool) -> bool {
        match self.last {
            Some((document, holds)) if document == object.document => holds,
            _ => {
                let holds = test(release.text_of(object.document).as_bytes());
                self.last = Some((object.document, holds));
                holds
            }
        }
    }
}

/// References that say group, kind and name; the release has resolved them, in the same order.
fn by_shape<'a>(view: &View<'_, 'a>, object: &Object<'a>, holders: &mut Holders<'a>, links: &mut Vec<Link<'a>>) {
    let mut fields = object.spec().into_iter().flat_map(|spec| spec.children()).map(|field| field.index()).peekable();
    for (reference, edge) in object.references_known(holders).zip(view.release.edges_from(object.number)) {
        while fields.peek().is_some_and(|field| *field < edge.node) {
            fields.next();
        }
        let is_direct = fields.peek() == Some(&edge.node);
        let mut link = Link { is_direct, target: edge.target, ..Link::of_reference(object, reference) };
        if link.target.is_none() {
            link.target = resolve(view, &link).map(|target| target.number);
        }
        links.push(link);
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

fn resolve<'v, 'a>(view: &View<'v, 'a>, link: &Link<'a>) -> Option<&'v Object<'a>> {
    let namespace = link.namespace_in(view);
    if let Some(found) = view.release.find_or_may_be(&link.group, &link.kind, namespace, &link.name) {
        return Some(found);
    }
    // Most identities are cluster-wide, and their Secrets stand in the namespace of the provider.
    let of_identity = || view.object(link.from).is_some_and(|from| from.kind.ends_with("Identity"));
    let anywhere = link.role == Role::Identity && link.namespace.is_none() && (link.kind != "Secret" || of_identity());
    if !anywhere {
        return None;
    }
    view.named(&link.name).take(NAMESAKES).find(|object| object.is(&link.group, &link.kind))
}
