//! The layers above Cluster API that put applications on its clusters: which clusters does an object target.
//!
//! One file a layer, each with one function from an object to its [`Target`]s; [`universe`] says which clusters there are and by
//! what names and labels each layer knows them. Nothing here judges: whether a target that finds nobody is a mistake is for the
//! rules.

mod argo;
mod fleet;
mod flux;
mod karmada;
mod kubefed;
mod ocm;
mod sveltos;
pub mod universe;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::object::Object;
use crate::rules::view::View;
use crate::yaml::Value;
use universe::{Found, Universe};

/// A layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Argo CD.
    Argo,
    /// Flux.
    Flux,
    /// KubeFed.
    KubeFed,
    /// Rancher's Fleet.
    Fleet,
    /// Karmada.
    Karmada,
    /// Open Cluster Management.
    Ocm,
    /// Sveltos.
    Sveltos,
    /// Cluster API's own add-ons: ClusterResourceSet, HelmChartProxy.
    Addons,
}

impl Layer {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Argo => "Argo CD",
            Self::Flux => "Flux",
            Self::KubeFed => "KubeFed",
            Self::Fleet => "Fleet",
            Self::Karmada => "Karmada",
            Self::Ocm => "Open Cluster Management",
            Self::Sveltos => "Sveltos",
            Self::Addons => "Cluster API's add-ons",
        }
    }
}

/// What an object does at its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It puts something there.
    Places,
    /// It changes what others put there.
    Overrides,
}

/// Whom a part of an object means.
#[derive(Clone, Debug)]
pub enum Aim<'a> {
    /// A cluster by the name that the layer has for it.
    Name(Cow<'a, str>),
    /// A cluster by the URL of its API server.
    Server(Cow<'a, str>),
    /// Clusters by their labels.
    Selector,
    /// All clusters that the layer knows.
    All,
    /// Said twice, or not at all: the layer refuses it, with these words.
    Unclear(String),
    /// Said, and not looked at by the layer, with these words.
    Ignored(&'static str),
    /// A parameter that nobody gives a value.
    Parameter(String),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Clusters.
    Found,
    /// The cluster that the layer itself runs in.
    Home,
    /// No cluster that anybody knows.
    Nobody,
    /// Manifests alone do not tell.
    Unknown,
}

/// One target of an object.
#[derive(Clone, Debug)]
pub struct Target<'v, 'a> {
    /// The object.
    pub object: &'v Object<'a>,
    /// Its layer.
    pub layer: Layer,
    /// What it does there.
    pub role: Role,
    /// The part of the object that says whom.
    pub value: Value<'a>,
    /// Whom it means.
    pub aim: Aim<'a>,
    /// What came of it.
    pub fate: Fate,
    /// Clusters of the release that it reaches: indexes into `View::clusters`.
    pub clusters: Vec<usize>,
    /// Names by which the layer knows those that it reaches, of the release or not.
    pub names: Vec<String>,
}

/// All targets of a release.
#[derive(Debug)]
pub struct Layers<'v, 'a> {
    /// In the order of the release.
    pub targets: Vec<Target<'v, 'a>>,
    /// Which clusters there are.
    pub universe: Universe,
}

/// How a file of a layer hands in what it finds.
struct Collector<'c, 'v, 'a> {
    view: &'c View<'v, 'a>,
    universe: &'c Universe,
    targets: Vec<Target<'v, 'a>>,
}

impl<'v, 'a> Collector<'_, 'v, 'a> {
    fn push(&mut self, object: &'v Object<'a>, layer: Layer, value: Value<'a>, aim: Aim<'a>, found: Found) {
        self.push_as(Role::Places, object, layer, value, aim, found);
    }

    fn push_as(
        &mut self,
        role: Role,
        object: &'v Object<'a>,
        layer: Layer,
        value: Value<'a>,
        aim: Aim<'a>,
        found: Found,
    ) {
        let Found { fate, mut clusters, names } = found;
        clusters.sort_unstable();
        clusters.dedup();
        self.targets.push(Target { object, layer, role, value, aim, fate, clusters, names });
    }

    /// Something that the layer would refuse.
    fn unclear(&mut self, object: &'v Object<'a>, layer: Layer, value: Value<'a>, why: impl Into<String>) {
        self.push(object, layer, value, Aim::Unclear(why.into()), Found::unknown());
    }

    fn namespace_of(&self, object: &'v Object<'a>) -> &'v str {
        object.namespace().unwrap_or_else(|| self.view.release.namespace())
    }
}

/// Whether a group belongs to a layer.
pub fn is_layer(group: &str) -> bool {
    matches!(
        group,
        "argoproj.io"
            | "kustomize.toolkit.fluxcd.io"
            | "helm.toolkit.fluxcd.io"
            | "types.kubefed.io"
            | "scheduling.kubefed.io"
            | "fleet.cattle.io"
            | "policy.karmada.io"
            | "cluster.open-cluster-management.io"
            | "work.open-cluster-management.io"
            | "addon.open-cluster-management.io"
            | "config.projectsveltos.io"
    )
}

/// Looks all layers through.
pub fn layers<'v, 'a>(view: &View<'v, 'a>) -> Layers<'v, 'a> {
    let has_layers = view.release.objects.iter().any(|object| is_layer(object.group()));
    if !has_layers && view.addons.is_empty() {
        return Layers { targets: Vec::new(), universe: Universe::default() };
    }
    let universe = Universe::new(view);
    let mut collector = Collector { view, universe: &universe, targets: Vec::new() };
    let objects = view.release.objects.iter().filter(|object| !view.release.twins().is_copy(object.number));
    for object in objects.filter(|object| !object.is_hook()) {
        match object.group() {
            "argoproj.io" => argo::targets(object, &mut collector),
            "kustomize.toolkit.fluxcd.io" | "helm.toolkit.fluxcd.io" => flux::targets(object, &mut collector),
            "types.kubefed.io" | "scheduling.kubefed.io" => kubefed::targets(object, &mut collector),
            "fleet.cattle.io" => fleet::targets(object, &mut collector),
            "policy.karmada.io" => karmada::targets(object, &mut collector),
            "cluster.open-cluster-management.io"
            | "work.open-cluster-management.io"
            | "addon.open-cluster-management.io" => ocm::targets(object, &mut collector),
            "config.projectsveltos.io" => sveltos::targets(object, &mut collector),
            _ => {}
        }
    }
    let mut targets = collector.targets;
    for addon in &view.addons {
        targets.push(Target {
            object: addon.object,
            layer: Layer::Addons,
            role: Role::Places,
            value: addon.value,
            aim: Aim::Selector,
            fate: if addon.clusters.is_empty() { Fate::Nobody } else { Fate::Found },
            clusters: addon.clusters.clone(),
            names: Vec::new(),
        });
    }
    targets.sort_by_key(|target| target.object.number);
    Layers { targets, universe }
}

impl Layers<'_, '_> {
    /// What lands on each cluster of the release: for each cluster the objects that place something there, as `Kind/name`.
    pub fn apps(&self, clusters: usize) -> Vec<Vec<String>> {
        let mut apps: Vec<BTreeMap<u32, String>> = vec![BTreeMap::new(); clusters];
        for target in self.targets.iter().filter(|target| target.role == Role::Places) {
            for cluster in &target.clusters {
                if let Some(slot) = apps.get_mut(*cluster) {
                    slot.insert(target.object.number, format!("{}/{}", target.object.kind, target.object.name));
                }
            }
        }
        apps.into_iter().map(|of_one| of_one.into_values().collect()).collect()
    }
}

/// The text under a key, where there is one.
fn text<'a>(value: Value<'a>, key: &str) -> Option<Cow<'a, str>> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}
