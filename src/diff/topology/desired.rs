//! The control plane and worker groups that the topology controller would make, as trees that the bill compares like any other.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use serde_json::{Value as Json, json};

use super::blueprint::Blueprint;
use super::class::{self, Slot, Workers};
use super::patches::{self, Target};
use super::variables;
use crate::diff::rollout::{CONTROL_PLANE, OwnerKind};
use crate::diff::{defaults, json};
use crate::fleet::machines;
use crate::migrate;
use crate::yaml;

/// One control plane or worker group.
#[derive(Debug)]
pub struct Owned {
    /// What it is.
    pub kind: OwnerKind,
    /// Its machines, where it is made anew.
    pub replicas: u64,
    /// Whether the Cluster states that number.
    pub is_stated: bool,
    /// Its annotations, in so far as the Cluster and the class give them; the autoscaler's limits are among them.
    pub annotations: Option<Json>,
    /// The object as the controller writes it, in so far as it decides about machines; a template stands for its content.
    pub tree: Json,
    /// What patches depend on that could not be worked out; empty where all could.
    pub uncertain: Vec<String>,
    /// The annotation that puts its upgrade off.
    pub deferred: Option<&'static str>,
    /// Where a worker group stands in the list of its kind.
    pub place: usize,
}

/// Puts the upgrade of one worker group off.
const DEFER: &str = "topology.cluster.x-k8s.io/defer-upgrade";
/// Puts the upgrade of a worker group and of all behind it off.
const HOLD: &str = "topology.cluster.x-k8s.io/hold-upgrade-sequence";
/// How many worker groups take up a version at a time.
const CONCURRENCY: &str = "topology.cluster.x-k8s.io/upgrade-concurrency";

/// What the controller makes of a Cluster.
#[derive(Debug, Default)]
pub struct Desired {
    /// By their names in the bill.
    pub owners: BTreeMap<String, Owned>,
    /// Why it fails.
    pub errors: Vec<String>,
    /// How many worker groups take up a version at a time.
    pub concurrency: usize,
}

/// What is needed to patch the templates of one cluster.
struct Maker<'b> {
    cluster: &'b Json,
    blueprint: Option<&'b Blueprint>,
    variables: &'b BTreeMap<String, Json>,
    builtin: Json,
    errors: Vec<String>,
}

impl Desired {
    /// Computes it; without a class only numbers and versions are known.
    pub fn of(
        cluster: &Json,
        namespace: &str,
        blueprint: Option<&Blueprint>,
        variables: &BTreeMap<String, Json>,
    ) -> Self {
        let Some(topology) = json::at(cluster, &["spec", "topology"]) else { return Self::default() };
        let builtin = builtin(cluster, namespace, topology);
        let mut maker = Maker { cluster, blueprint, variables, builtin, errors: Vec::new() };
        let mut owners = BTreeMap::new();
        if let Some(control_plane) = maker.control_plane(topology) {
            owners.insert(CONTROL_PLANE.to_owned(), control_plane);
        }
        for workers in Workers::ALL {
            let mut held = None;
            for (place, item) in json::items(topology, &["workers", workers.key()]).iter().enumerate() {
                let Some(name) = json::text_at(item, &["name"]) else { continue };
                let annotated = |key: &str| json::at(item, &["metadata", "annotations", key]).is_some();
                held = held.or(Some(HOLD).filter(|key| annotated(key)));
                let mut made = maker.workers(topology, item, workers, name);
                made.deferred = held.or(Some(DEFER).filter(|key| annotated(key)));
                made.place = place;
                owners.insert(name.to_owned(), made);
            }
        }
        maker.errors.dedup();
        let concurrency = json::text_at(cluster, &["metadata", "annotations", CONCURRENCY]);
        let concurrency = concurrency.and_then(|number| number.parse().ok()).unwrap_or(1);
        Self { owners, errors: maker.errors, concurrency }
    }
}

/// What patches may ask of the cluster. Names that the controller makes up are the same on both sides.
fn builtin(cluster: &Json, namespace: &str, topology: &Json) -> Json {
    let (class_namespace, class) = class::class_name(cluster).unwrap_or_default();
    let class_namespace = class_namespace.unwrap_or(namespace);
    let mut cluster_facts = json!({
        "name": json::at(cluster, &["metadata", "name"]),
        "namespace": namespace,
        "uid": "(uid)",
        "topology": {
            "version": topology.get("version"),
            "class": class,
            "classNamespace": class_namespace,
            "classRef": {"name": class, "namespace": class_namespace},
        },
        "metadata": {
            "labels": json::at(cluster, &["metadata", "labels"]),
            "annotations": json::at(cluster, &["metadata", "annotations"]),
        },
        "network": {
            "serviceDomain": json::at(cluster, &["spec", "clusterNetwork", "serviceDomain"]),
            "services": json::at(cluster, &["spec", "clusterNetwork", "services", "cidrBlocks"]),
            "pods": json::at(cluster, &["spec", "clusterNetwork", "pods", "cidrBlocks"]),
        },
    });
    json::drop_nulls(&mut cluster_facts);
    json!({"cluster": cluster_facts})
}

impl Owned {
    /// Its machines where it takes over from `before`. A number that is no longer stated is taken back from the server, and a
    /// default comes in its place; one that never was is not spoken of, and what is there stays.
    pub fn replicas_after(&self, before: &Self) -> u64 {
        if self.is_stated {
            self.replicas
        } else if before.is_stated {
            let old = i64::try_from(before.replicas).ok();
            let within = defaults::autoscaled(self.annotations.as_ref(), old).unwrap_or(1);
            machines::count(within)
        } else {
            before.replicas
        }
    }
}

fn stated_replicas(part: &Json) -> Option<u64> {
    let stated = json::at(part, &["replicas"]).and_then(Json::as_i64)?;
    Some(machines::count(stated))
}

/// The annotations of a control plane or worker group: its class's (v1beta1 has those of workers in a template), and its own over
/// them.
fn annotations(class: Option<&Json>, item: &Json) -> Option<Json> {
    let of = |part: &Json| {
        let metadata = json::at(part, &["metadata"]).or_else(|| json::at(part, &["template", "metadata"]))?;
        json::at(metadata, &["annotations"])?.as_object().cloned()
    };
    let mut all = class.and_then(of).unwrap_or_default();
    all.extend(of(item).unwrap_or_default());
    (!all.is_empty()).then_some(Json::Object(all))
}

/// How a worker group exchanges machines: what it says itself; only where it says nothing, what its class says.
fn rollout(class: Option<&Json>, item: &Json) -> Json {
    let strategy =
        |part: &Json| json::at(part, &["rollout", "strategy"]).or_else(|| json::at(part, &["strategy"])).cloned();
    let after = json::at(item, &["rollout", "after"]);
    let class = class.filter(|_| after.is_none());
    let mut rollout = json!({"after": after, "strategy": strategy(item).or_else(|| strategy(class?))});
    json::drop_nulls(&mut rollout);
    rollout
}

impl Maker<'_> {
    fn control_plane(&mut self, topology: &Json) -> Option<Owned> {
        let part = json::at(topology, &["controlPlane"]).cloned().unwrap_or_else(|| json!({}));
        let version = topology.get("version").cloned().unwrap_or(Json::Null);
        // Some classes have a control plane without machines.
        let blueprint = self.blueprint;
        let has_machines =
            blueprint.is_none_or(|blueprint| blueprint.templates.contains_key(&Slot::MachineInfrastructure));
        if !has_machines {
            return None;
        }
        let mut facts = json!({"name": "(control plane)", "version": version, "machineTemplate": {"infrastructureRef": {"name": "(template)"}}});
        if let Some(count) = part.get("replicas") {
            json::insert(&mut facts, &["replicas"], count.clone());
        }
        let target = Target::ControlPlane;
        let overrides = variables::of_list(json::items(&part, &["variables", "overrides"]));
        let mut uncertain = Vec::new();
        let template = self.patched(&Slot::ControlPlane, target, "controlPlane", &facts, &overrides, &mut uncertain);
        let machines =
            self.patched(&Slot::MachineInfrastructure, target, "controlPlane", &facts, &overrides, &mut uncertain);
        let kind = blueprint
            .and_then(|blueprint| blueprint.templates.get(&Slot::ControlPlane))
            .map_or("KubeadmControlPlane", |(of, _)| of.kind.strip_suffix("Template").unwrap_or(&of.kind));
        let spec = template.as_ref().and_then(|template| json::at(template, &["spec", "template", "spec"]));
        let mut tree = json!({"kind": kind, "spec": spec.cloned().unwrap_or_else(|| json!({}))});
        json::insert(&mut tree, &["spec", "version"], version);
        let stated = stated_replicas(&part);
        let replicas = stated.unwrap_or(1);
        json::insert(&mut tree, &["spec", "replicas"], replicas.into());
        if let Some(time) = json::at(&part, &["rollout", "after"]) {
            json::insert(&mut tree, &["spec", "rollout", "after"], time.clone());
        }
        let of_class = blueprint.and_then(|blueprint| json::at(&blueprint.class, &["spec", "controlPlane"]));
        let reference = reference(&Slot::MachineInfrastructure, blueprint, machines.as_ref());
        json::insert(&mut tree, &["spec", "machineTemplate", "spec", "infrastructureRef"], reference);
        Some(Owned {
            kind: OwnerKind::ControlPlane,
            replicas,
            is_stated: stated.is_some(),
            annotations: annotations(of_class, &part),
            tree,
            uncertain,
            deferred: None,
            place: 0,
        })
    }

    fn workers(&mut self, topology: &Json, item: &Json, workers: Workers, name: &str) -> Owned {
        let class = json::text_at(item, &["class"]).unwrap_or_default().to_owned();
        let version = topology.get("version").cloned().unwrap_or(Json::Null);
        let mut facts = json!({
            "version": version, "class": class, "name": format!("({name})"), "topologyName": name,
            "bootstrap": {"configRef": {"name": "(template)"}}, "infrastructureRef": {"name": "(template)"},
            "metadata": item.get("metadata"),
        });
        if let Some(count) = item.get("replicas") {
            json::insert(&mut facts, &["replicas"], count.clone());
        }
        json::drop_nulls(&mut facts);
        let (key, kind) = match workers {
            Workers::Deployments => ("machineDeployment", OwnerKind::MachineDeployment),
            Workers::Pools => ("machinePool", OwnerKind::MachinePool),
        };
        let overrides = variables::of_list(json::items(item, &["variables", "overrides"]));
        let mut uncertain = Vec::new();
        let (bootstrap, machines) = (Slot::Bootstrap(workers, class.clone()), Slot::Machines(workers, class.clone()));
        let target = Target::Workers(workers, &class);
        let setup = self.patched(&bootstrap, target, key, &facts, &overrides, &mut uncertain);
        let what = self.patched(&machines, target, key, &facts, &overrides, &mut uncertain);
        let of_class = self
            .blueprint
            .and_then(|blueprint| class::worker_classes(&blueprint.class, workers).find(|(known, _)| *known == class))
            .map(|(_, class)| class);
        let failure_domain = json::at(item, &["failureDomain"])
            .or_else(|| of_class.and_then(|class| json::at(class, &["failureDomain"])));
        let annotations = annotations(of_class, item);
        let stated = stated_replicas(item);
        let limits = || defaults::autoscaled(annotations.as_ref(), None).map(machines::count);
        let replicas = stated.or_else(limits).unwrap_or(1);
        let spec = json!({
            "version": version,
            "failureDomain": failure_domain,
            "bootstrap": {"configRef": reference(&bootstrap, self.blueprint, setup.as_ref())},
            "infrastructureRef": reference(&machines, self.blueprint, what.as_ref()),
        });
        let rollout = rollout(of_class, item);
        let mut tree = json!({"spec": {"replicas": replicas, "rollout": rollout, "template": {"spec": spec}}});
        json::drop_nulls(&mut tree);
        Owned { kind, replicas, is_stated: stated.is_some(), annotations, tree, uncertain, deferred: None, place: 0 }
    }

    /// The template of a slot with all patches applied.
    fn patched(
        &mut self,
        slot: &Slot,
        target: Target<'_>,
        key: &str,
        facts: &Json,
        overrides: &BTreeMap<String, Json>,
        uncertain: &mut Vec<String>,
    ) -> Option<Json> {
        let blueprint = self.blueprint?;
        let (of, template) = blueprint.templates.get(slot)?;
        let mut template = template.clone()?;
        let mut values = self.variables.clone();
        values.extend(overrides.iter().map(|(name, value)| (name.clone(), value.clone())));
        let mut builtin = self.builtin.clone();
        json::insert(&mut builtin, &[key], facts.clone());
        values.insert("builtin".to_owned(), builtin);
        for patch in blueprint.patches() {
            if let Err(error) = patches::apply(patch, &mut template, of, slot, target, &values, uncertain) {
                let cluster = json::text_at(self.cluster, &["metadata", "name"]).unwrap_or_default();
                self.errors.push(format!("cluster {cluster}: {error}"));
            }
        }
        Some(in_v1beta2(template))
    }
}

/// A patched template as v1beta2 has it: patches speak of the version that the class names, what is made from it does not.
fn in_v1beta2(template: Json) -> Json {
    if !json::text_at(&template, &["apiVersion"]).is_some_and(|version| version.ends_with("/v1beta1")) {
        return template;
    }
    let text = template.to_string();
    let parsed = yaml::parse(&text);
    let meaning = parsed.ok().and_then(|parsed| migrate::meaning(parsed.root()?));
    meaning.unwrap_or(template)
}

/// A reference whose name is the content: rotated exactly when the content is another.
fn reference(slot: &Slot, blueprint: Option<&Blueprint>, template: Option<&Json>) -> Json {
    let Some((of, _)) = blueprint.and_then(|blueprint| blueprint.templates.get(slot)) else { return Json::Null };
    let name = match template {
        // A template that the release does not have is known by its name alone.
        None => of.name.clone(),
        Some(template) => {
            let mut hasher = FxHasher::default();
            let mut spec = template.get("spec").cloned().unwrap_or_default();
            json::drop_nulls(&mut spec);
            sorted(&spec).hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        }
    };
    json!({"apiGroup": of.group, "kind": of.kind, "name": name})
}

/// The value as text with keys in order.
fn sorted(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            let parts: Vec<String> =
                entries.into_iter().map(|(key, value)| format!("{key:?}:{}", sorted(value))).collect();
            format!("{{{}}}", parts.join(","))
        }
        Json::Array(list) => format!("[{}]", list.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
