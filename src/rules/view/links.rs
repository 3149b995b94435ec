//! Every reference of every object, resolved.
//!
//! Most references say group, kind and name, and are found by that shape wherever they stand, for providers nobody has heard of
//! too. The rest are the few that Cluster API writes by name alone.

use std::borrow::Cow;

use super::{View, is_capi_group};
use crate::object::{CLUSTER_GROUP, Object, Reference};
use crate::report::Place;
use crate::yaml::Value;

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

/// All references of a release's Cluster API objects, in order.
pub fn collect<'a>(view: &View<'_, 'a>) -> Vec<Link<'a>> {
    let mut links = Vec::new();
    for object in &view.release.objects {
        if is_capi_group(object.group()) {
            let from = links.len();
            of_object(object, &mut links);
            // `spec` is walked by shape and then by name: in order of appearance again.
            if let Some(own) = links.get_mut(from..) {
                own.sort_by_key(|link| link.value.index());
            }
        }
    }
    for number in 0..links.len() {
        let target = links.get(number).and_then(|link| resolve(view, link));
        if let Some(link) = links.get_mut(number) {
            link.target = target.map(|target| target.number);
        }
    }
    links
}

fn of_object<'a>(object: &Object<'a>, links: &mut Vec<Link<'a>>) {
    links.extend(object.references().map(|reference| Link::of_reference(object, reference)));
    let Some(spec) = object.spec() else { return };
    class(object, spec, links);
    identity(object, spec, links);
    if let Some(value) = spec.at(&["template", "spec", "dataTemplate"]).or_else(|| spec.get("dataTemplate")) {
        let name = text(value, "name").filter(|_| object.group() == INFRASTRUCTURE);
        links.extend(
            name.map(|name| Link::by_name(object, value, Role::Part, (INFRASTRUCTURE, "Metal3DataTemplate"), name)),
        );
    }
    match (object.group(), &*object.kind) {
        ("addons.cluster.x-k8s.io", "ClusterResourceSet") => {
            for resource in spec.get("resources").iter().flat_map(Value::items) {
                let (Some(kind), Some(name)) = (text(resource, "kind"), text(resource, "name")) else { continue };
                let kind = if kind == "Secret" { "Secret" } else { "ConfigMap" };
                links.push(Link::by_name(object, resource, Role::Data, ("", kind), name));
            }
        }
        (CLUSTER_GROUP, "Machine" | "MachineSet" | "MachineDeployment" | "MachinePool") => {
            let bootstrap = spec.at(&["bootstrap"]).or_else(|| spec.at(&["template", "spec", "bootstrap"]));
            let secret = bootstrap.and_then(|bootstrap| bootstrap.get("dataSecretName"));
            if let Some((value, name)) =
                secret.and_then(|value| Some((value, value.as_str().filter(|name| !name.is_empty())?)))
            {
                links.push(Link::by_name(object, value, Role::Data, ("", "Secret"), name));
            }
        }
        ("bootstrap.cluster.x-k8s.io" | "controlplane.cluster.x-k8s.io", _) => secrets_of_kubeadm(object, spec, links),
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

/// `identityRef` without a group: a Secret, or a kind of the provider's own group.
fn identity<'a>(object: &Object<'a>, spec: Value<'a>, links: &mut Vec<Link<'a>>) {
    let template = spec.at(&["template", "spec"]);
    for value in [spec.get("identityRef"), template.and_then(|spec| spec.get("identityRef"))].into_iter().flatten() {
        let Some(name) = text(value, "name") else { continue };
        if Reference::from_value(value).is_some() {
            continue;
        }
        let kind = text(value, "kind").or_else(|| text(value, "type")).unwrap_or(Cow::Borrowed("Secret"));
        let group = if kind == "Secret" { String::new() } else { object.group().to_owned() };
        // OpenStack calls its OpenStackClusterIdentity by its type.
        let kind = if kind == "ClusterIdentity" { Cow::Borrowed("OpenStackClusterIdentity") } else { kind };
        links.push(Link {
            from: object.number,
            value,
            role: Role::Identity,
            group: group.into(),
            version: None,
            kind,
            namespace: text(value, "namespace"),
            name,
            target: None,
        });
    }
}

/// `files[].contentFrom.secret` and `users[].passwdFrom.secret`, at any depth.
fn secrets_of_kubeadm<'a>(object: &Object<'a>, spec: Value<'a>, links: &mut Vec<Link<'a>>) {
    for index in spec.index()..spec.end_index() {
        let Some(value) = spec.document().value(index) else { continue };
        if !(value.key_is("contentFrom") || value.key_is("passwdFrom")) {
            continue;
        }
        let Some(secret) = value.get("secret") else { continue };
        if let Some(name) = text(secret, "name") {
            links.push(Link::by_name(object, secret, Role::Data, ("", "Secret"), name));
        }
    }
}

fn resolve<'v, 'a>(view: &View<'v, 'a>, link: &Link<'a>) -> Option<&'v Object<'a>> {
    let namespace = link.namespace_in(view);
    if let Some(found) = view.release.find(&link.group, &link.kind, namespace, &link.name) {
        return Some(found);
    }
    // An object without a namespace lands where the release is installed, which nobody told us: it may be there. Identities are
    // cluster-wide in most providers.
    let anywhere = link.role == Role::Identity && link.kind != "Secret" && link.namespace.is_none();
    view.named(&link.name).take(NAMESAKES).find(|object| {
        let theirs = view.release.namespace_of(object);
        object.is(&link.group, &link.kind) && (anywhere || namespace.is_empty() != theirs.is_empty())
    })
}
