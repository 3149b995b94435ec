//! One cluster with its parts: control plane, workers, the labels their machines will carry, its environment and version.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use super::{Labels, Version, View, labels};
use crate::grouped::Grouped;
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object};
use crate::release::{Cluster, Release};
use crate::yaml::Value;

/// A cluster of the release.
#[derive(Debug)]
pub struct ClusterView<'v, 'a> {
    /// Namespace and name.
    pub cluster: &'v Cluster<'a>,
    /// Its Cluster object, where the release holds it.
    pub object: Option<&'v Object<'a>>,
    /// The objects that belong to it and to no other, in order.
    pub members: Members<'v, 'a>,
    /// The control plane that it refers to, or the only one there is where nothing refers.
    pub control_plane: Option<&'v Object<'a>>,
    /// The infrastructure that it refers to.
    pub infrastructure: Option<&'v Object<'a>>,
    /// Where it serves.
    pub environment: Environment,
    /// The environment's name as the cluster has it.
    pub environment_name: Option<Cow<'v, str>>,
}

/// The objects of one cluster. They stand in one list with those of all others, so that no cluster asks for memory of its own.
#[derive(Debug)]
pub struct Members<'v, 'a> {
    of_all: Arc<Grouped<&'v Object<'a>>>,
    cluster: usize,
}

impl<'v, 'a> Deref for Members<'v, 'a> {
    type Target = [&'v Object<'a>];

    fn deref(&self) -> &Self::Target {
        self.of_all.of(self.cluster)
    }
}

/// Where a cluster serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Nobody says.
    Unknown,
    /// A name that is none of the settings'.
    Other,
    /// Development and tests.
    Development,
    /// Where changes are tried before production.
    Staging,
    /// Where it hurts.
    Production,
}

/// Which machines an object makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of the control plane.
    ControlPlane,
    /// Workers, as Machine objects.
    Workers,
    /// Workers of a pool, which have Machine objects with some providers only.
    Pool,
}

/// Something that makes machines, and what they look like.
#[derive(Debug)]
pub struct MachineSource<'v, 'a> {
    /// The control plane, deployment, set, pool, machine; the Cluster itself for parts of a topology.
    pub object: &'v Object<'a>,
    /// Which machines.
    pub part: Part,
    /// The Kubernetes version as written.
    pub version: Option<Value<'a>>,
    /// The `metadata` that their Machine objects take over.
    metadata: Option<Value<'a>>,
    mark: Mark<'a>,
}

/// What Cluster API writes on the machines of a source besides the cluster's name.
#[derive(Debug)]
enum Mark<'a> {
    /// Of a control plane of this name.
    ControlPlane(Cow<'a, str>),
    /// Under this key the name of what made them, unless the template says otherwise.
    Maker(&'static str, Cow<'a, str>),
    /// Of a topology: this key and text.
    Topology(&'static str, Cow<'a, str>),
    /// Nothing: the machine stands in the manifests itself.
    Nothing,
}

impl<'a> MachineSource<'_, 'a> {
    /// The labels their Machine objects will carry, as far as they can be known.
    pub fn labels(&self, cluster: &ClusterView<'_, 'a>) -> Labels<'a> {
        let mut labels = labels(self.metadata.and_then(|metadata| metadata.get("labels")));
        labels.insert(CLUSTER_NAME_LABEL.into(), cluster.cluster.name.to_cow());
        match &self.mark {
            Mark::ControlPlane(name) => {
                labels.insert(CONTROL_PLANE.into(), "".into());
                labels.insert(CONTROL_PLANE_NAME.into(), name.clone());
            }
            Mark::Maker(key, name) => {
                labels.entry((*key).into()).or_insert_with(|| name.clone());
            }
            Mark::Topology(key, text) => {
                labels.insert(OWNED.into(), "".into());
                labels.insert((*key).into(), text.clone());
            }
            Mark::Nothing => {}
        }
        labels
    }
}

/// Labels that Cluster API puts on Machine objects.
const CONTROL_PLANE: &str = "cluster.x-k8s.io/control-plane";
const CONTROL_PLANE_NAME: &str = "cluster.x-k8s.io/control-plane-name";
const DEPLOYMENT_NAME: &str = "cluster.x-k8s.io/deployment-name";
const SET_NAME: &str = "cluster.x-k8s.io/set-name";
const POOL_NAME: &str = "cluster.x-k8s.io/pool-name";
const OWNED: &str = "topology.cluster.x-k8s.io/owned";
const TOPOLOGY_DEPLOYMENT: &str = "topology.cluster.x-k8s.io/deployment-name";
const TOPOLOGY_POOL: &str = "topology.cluster.x-k8s.io/pool-name";

/// All clusters of a release, in the order of `Release::clusters`.
pub fn collect<'v, 'a>(view: &View<'v, 'a>) -> Vec<ClusterView<'v, 'a>> {
    let release = view.release;
    let members = Arc::new(members(release));
    let mut clusters: Vec<ClusterView<'v, 'a>> = release
        .clusters
        .iter()
        .enumerate()
        .map(|(number, cluster)| {
            let object = cluster.object.and_then(|number| view.object(number));
            let (environment, environment_name) = environment(view, cluster, object);
            ClusterView {
                cluster,
                object,
                members: Members { of_all: Arc::clone(&members), cluster: number },
                control_plane: object.and_then(|object| view.target_of(object, "controlPlaneRef")),
                infrastructure: object.and_then(|object| view.target_of(object, "infrastructureRef")),
                environment,
                environment_name,
            }
        })
        .collect();
    // A part of a chart, rendered alone: one control plane and workers of one cluster, and no Cluster that says they belong
    // together.
    if let [only] = clusters.as_mut_slice()
        && only.object.is_none()
    {
        let mut planes = release.objects.iter().filter(|object| is_control_plane(object));
        only.control_plane = planes.next().filter(|_| planes.next().is_none());
    }
    clusters
}

/// The objects of each cluster.
fn members<'v, 'a>(release: &'v Release<'a>) -> Grouped<&'v Object<'a>> {
    let (membership, twins) = (release.membership(), release.twins());
    let of_clusters = release.objects.iter().filter_map(|object| {
        let cluster = membership.get(object.number as usize)?.one()?;
        (!twins.is_copy(object.number)).then_some((cluster, object))
    });
    Grouped::new(release.clusters.len(), &of_clusters)
}

fn is_control_plane(object: &Object<'_>) -> bool {
    object.group() == "controlplane.cluster.x-k8s.io" && object.kind.ends_with("ControlPlane")
}

fn environment<'v, 'a>(
    view: &View<'v, 'a>,
    cluster: &'v Cluster<'a>,
    object: Option<&Object<'a>>,
) -> (Environment, Option<Cow<'v, str>>) {
    let known = &view.settings.environments;
    let is_one_of = |names: &[String], text: &str| names.iter().any(|name| name.eq_ignore_ascii_case(text));
    let read = |text: &str| {
        if is_one_of(&known.production, text) {
            Environment::Production
        } else if is_one_of(&known.staging, text) {
            Environment::Staging
        } else if is_one_of(&known.development, text) {
            Environment::Development
        } else {
            Environment::Other
        }
    };
    if let Some(label) = object.and_then(|object| object.label(&known.label)) {
        return (read(&label), Some(label));
    }
    let parts = cluster.name.split(['-', '.', '_']).map(|part| (read(part), part));
    let named = parts.rev().find(|(environment, _)| *environment != Environment::Other);
    match named {
        Some((environment, part)) => (environment, Some(part.into())),
        None => (Environment::Unknown, None),
    }
}

impl<'v, 'a> ClusterView<'v, 'a> {
    /// The version of the control plane, as a value of the object that says it.
    pub fn version(&self) -> Option<(&'v Object<'a>, Value<'a>)> {
        let of_topology = self.object.and_then(|object| Some((object, object.at(&["spec", "topology", "version"])?)));
        of_topology.or_else(|| self.control_plane.and_then(|plane| Some((plane, plane.at(&["spec", "version"])?))))
    }

    /// The version of the control plane, where it can be read.
    pub fn parsed_version(&self) -> Option<Version> {
        Version::parse(&self.version()?.1.as_str()?)
    }

    /// Whether it is made from a class.
    pub fn has_topology(&self) -> bool {
        self.object.is_some_and(|object| object.at(&["spec", "topology"]).is_some())
    }

    /// What makes machines in it, control plane first.
    pub fn machine_sources(&self) -> impl Iterator<Item = MachineSource<'v, 'a>> {
        let workers = self.members.iter().filter_map(|object| worker_source(object));
        let topology = self.object.and_then(|object| Some((object, object.at(&["spec", "topology"])?)));
        let of_topology = topology.into_iter().flat_map(|(object, topology)| topology_sources(object, topology));
        self.control_plane.map(control_plane_source).into_iter().chain(workers).chain(of_topology)
    }
}

fn control_plane_source<'v, 'a>(object: &'v Object<'a>) -> MachineSource<'v, 'a> {
    MachineSource {
        object,
        part: Part::ControlPlane,
        version: object.at(&["spec", "version"]),
        metadata: object.at(&["spec", "machineTemplate", "metadata"]),
        mark: Mark::ControlPlane(object.name.to_cow()),
    }
}

fn worker_source<'v, 'a>(object: &'v Object<'a>) -> Option<MachineSource<'v, 'a>> {
    let (key, part) = match &*object.kind {
        "MachineDeployment" => (Some(DEPLOYMENT_NAME), Part::Workers),
        "MachineSet" => (Some(SET_NAME), Part::Workers),
        "MachinePool" => (Some(POOL_NAME), Part::Pool),
        "Machine" => (None, Part::Workers),
        _ => return None,
    };
    if object.group() != CLUSTER_GROUP {
        return None;
    }
    let root = if key.is_some() { object.at(&["spec", "template"])? } else { object.root };
    let metadata = root.get("metadata");
    let is_plane = || metadata.and_then(|metadata| metadata.at(&["labels", CONTROL_PLANE])).is_some();
    let part = if key.is_none() && is_plane() { Part::ControlPlane } else { part };
    let mark = key.map_or(Mark::Nothing, |key| Mark::Maker(key, object.name.to_cow()));
    Some(MachineSource { object, part, version: root.at(&["spec", "version"]), metadata, mark })
}

fn topology_sources<'v, 'a>(object: &'v Object<'a>, topology: Value<'a>) -> Vec<MachineSource<'v, 'a>> {
    let mut sources = Vec::new();
    let mut source = |value: Value<'a>, part: Part, key: &'static str, text: Cow<'a, str>| {
        let metadata = value.get("metadata");
        sources.push(MachineSource { object, part, version: None, metadata, mark: Mark::Topology(key, text) });
    };
    source(topology.get("controlPlane").unwrap_or(topology), Part::ControlPlane, CONTROL_PLANE, "".into());
    for (field, part, key) in
        [("machineDeployments", Part::Workers, TOPOLOGY_DEPLOYMENT), ("machinePools", Part::Pool, TOPOLOGY_POOL)]
    {
        for item in topology.below(&["workers", field]).iter().flat_map(Value::items) {
            source(item, part, key, item.get("name").and_then(|name| name.as_str()).unwrap_or_default());
        }
    }
    sources
}
