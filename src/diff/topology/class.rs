//! A ClusterClass as both API versions write it: its templates, variables and worker classes.

use serde_json::Value as Json;

use crate::diff::json;
use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;

/// A place in a class that names a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// The cluster's infrastructure.
    Infrastructure,
    /// The control plane.
    ControlPlane,
    /// The control plane's machines.
    MachineInfrastructure,
    /// How machines of a worker class are set up.
    Bootstrap(Workers, String),
    /// What machines of a worker class are.
    Machines(Workers, String),
}

/// Machine deployments or machine pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Workers {
    /// `machineDeployments`.
    Deployments,
    /// `machinePools`.
    Pools,
}

impl Workers {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Deployments, Self::Pools];

    /// The list's name below `workers`, in classes and clusters.
    pub fn key(self) -> &'static str {
        match self {
            Self::Deployments => "machineDeployments",
            Self::Pools => "machinePools",
        }
    }

    /// The mapping's name in a patch selector's `matchResources`.
    pub fn selector_key(self) -> &'static str {
        match self {
            Self::Deployments => "machineDeploymentClass",
            Self::Pools => "machinePoolClass",
        }
    }
}

/// The template that a slot names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRef {
    /// Group and version.
    pub api: String,
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

fn template_ref(holder: Option<&Json>) -> Option<TemplateRef> {
    let holder = holder?;
    let value = json::at(holder, &["templateRef"]).or_else(|| json::at(holder, &["ref"]))?;
    let api = json::text_at(value, &["apiVersion"])?;
    Some(TemplateRef {
        api: api.to_owned(),
        group: api.split_once('/').map_or("", |(group, _)| group).to_owned(),
        kind: json::text_at(value, &["kind"])?.to_owned(),
        name: json::text_at(value, &["name"])?.to_owned(),
    })
}

/// The worker classes of a class, by name.
pub fn worker_classes(class: &Json, workers: Workers) -> impl Iterator<Item = (&str, &Json)> {
    let list = json::items(class, &["spec", "workers", workers.key()]);
    list.iter().filter_map(|item| Some((json::text_at(item, &["class"])?, item)))
}

/// All templates of a class.
pub fn templates(class: &Json) -> Vec<(Slot, TemplateRef)> {
    let holder = |keys: &[&str]| template_ref(json::at(class, keys));
    let mut found = Vec::new();
    found.extend(holder(&["spec", "infrastructure"]).map(|of| (Slot::Infrastructure, of)));
    found.extend(holder(&["spec", "controlPlane"]).map(|of| (Slot::ControlPlane, of)));
    found
        .extend(holder(&["spec", "controlPlane", "machineInfrastructure"]).map(|of| (Slot::MachineInfrastructure, of)));
    for workers in Workers::ALL {
        for (name, item) in worker_classes(class, workers) {
            let part = |key: &str| template_ref(json::at(item, &[key]).or_else(|| json::at(item, &["template", key])));
            found.extend(part("bootstrap").map(|of| (Slot::Bootstrap(workers, name.to_owned()), of)));
            found.extend(part("infrastructure").map(|of| (Slot::Machines(workers, name.to_owned()), of)));
        }
    }
    found
}

/// The names of the variables that a class defines.
pub fn variables(class: &Json) -> impl Iterator<Item = (&str, &Json)> {
    json::items(class, &["spec", "variables"]).iter().filter_map(|item| Some((json::text_at(item, &["name"])?, item)))
}

/// Namespace (where it is not the cluster's own) and name of the class that a Cluster's tree names.
pub fn class_name(cluster: &Json) -> Option<(Option<&str>, &str)> {
    let topology = json::at(cluster, &["spec", "topology"])?;
    let name = json::text_at(topology, &["classRef", "name"]).or_else(|| json::text_at(topology, &["class"]))?;
    let namespace =
        json::text_at(topology, &["classRef", "namespace"]).or_else(|| json::text_at(topology, &["classNamespace"]));
    Some((namespace, name))
}

/// The class of a Cluster, where the release has it.
pub fn find<'r, 'a>(release: &'r Release<'a>, object: &Object<'a>, cluster: &Json) -> Option<&'r Object<'a>> {
    let (namespace, name) = class_name(cluster)?;
    let namespace = namespace.unwrap_or_else(|| object.namespace().unwrap_or_default());
    let namespace = if namespace.is_empty() { release.namespace_of(object).to_owned() } else { namespace.to_owned() };
    release.find(CLUSTER_GROUP, "ClusterClass", &namespace, name)
}
