//! What an engine needs beside the manifests: kustomizations, an Argo CD ApplicationSet, Flux Kustomizations.

use serde_json::{Value as Json, json};

use super::{By, Files, MANIFESTS, Options, Part, SHARED, SplitError};
use crate::object::CLUSTER_GROUP;
use crate::rules::view::View;
use crate::yaml::render;

/// For whom the folders are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// kubectl apply -f, or anything that reads YAML.
    #[default]
    Plain,
    /// A kustomization.yaml in every folder.
    Kustomize,
    /// An Argo CD ApplicationSet that rolls out wave after wave.
    Argocd,
    /// Flux Kustomizations that depend on the wave before.
    Flux,
}

/// How an engine finds the folders, and what its objects are called.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    /// Begins the names of the engine's objects.
    pub name: String,
    /// The repository that Argo CD reads.
    pub repository: String,
    /// The branch, tag or commit.
    pub revision: String,
    /// Where the folders stand in the repository, without slashes at the ends; empty for its root.
    pub path: String,
    /// The GitRepository that Flux reads.
    pub source: String,
    /// The namespace of objects that name none.
    pub namespace: String,
}

/// The label by which an Application says to which wave it belongs.
const WAVE_LABEL: &str = "fleet-wave";

impl Layout {
    /// Whether the folders stand in waves.
    pub fn has_waves(self) -> bool {
        matches!(self, Self::Argocd | Self::Flux)
    }

    /// Whether it makes sense for these parts.
    ///
    /// # Errors
    /// It does not; with the reason.
    pub fn fits(self, by: By) -> Result<(), SplitError> {
        if self.has_waves() && by == By::Kind {
            return Err(SplitError::Layout(
                "kinds depend on each other, and an engine would bring them up in any order: use --by cluster, wave or shard \
                 with --layout argocd or flux",
            ));
        }
        Ok(())
    }
}

impl Engine {
    fn at(&self, folder: &str) -> String {
        if self.path.is_empty() { folder.to_owned() } else { format!("{}/{folder}", self.path) }
    }

    /// How many folders lie above the parts in the repository.
    fn depth(&self) -> usize {
        self.path.split('/').filter(|part| !part.is_empty()).count()
    }
}

/// Adds the files of the layout.
pub fn add(parts: &[Part], view: &View<'_, '_>, options: &Options, files: &mut Files) {
    match options.layout {
        Layout::Plain => {}
        Layout::Kustomize => {
            let folders: Vec<&str> = parts.iter().map(|part| part.folder.as_str()).collect();
            for folder in &folders {
                kustomization(folder, &[MANIFESTS], files);
            }
            kustomization("", &folders, files);
        }
        Layout::Argocd => {
            let sets = argocd(parts, options);
            let note = if options.by == By::Shard { "" } else { ROLLING };
            files.insert("argocd/applicationset.yaml".to_owned(), format!("{note}{}", stream(&sets)).into_bytes());
        }
        Layout::Flux => flux(parts, view, options, files),
    }
}

const HEAD: &str = "# Written by capi-lint split. The next run writes it anew.\n";

const ROLLING: &str = "# RollingSync needs an ApplicationSet controller with progressive syncs enabled; without, all waves begin at once.\n";

fn stream(objects: &[Json]) -> String {
    let documents: Vec<String> = objects.iter().map(|object| render::block(object, 0) + "\n").collect();
    format!("{HEAD}{}", documents.join("---\n"))
}

fn kustomization(folder: &str, resources: &[&str], files: &mut Files) {
    let object = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
    });
    let path = if folder.is_empty() { "kustomization.yaml".to_owned() } else { format!("{folder}/kustomization.yaml") };
    files.insert(path, stream(&[object]).into_bytes());
}

/// The waves in order, by folder: `00-shared`, `01-dev`, ….
fn waves(parts: &[Part]) -> Vec<&str> {
    let mut waves: Vec<&str> = parts.iter().map(|part| wave(&part.folder)).collect();
    waves.dedup();
    waves
}

fn wave(folder: &str) -> &str {
    folder.split('/').next().unwrap_or(folder)
}

fn argocd(parts: &[Part], options: &Options) -> Vec<Json> {
    let engine = &options.engine;
    if options.by == By::Shard {
        return argocd_shards(parts, engine);
    }
    let pattern = if options.by == By::Cluster { "*/*" } else { "*" };
    let generator = json!({"git": {
        "repoURL": engine.repository,
        "revision": engine.revision,
        "directories": [
            {"path": engine.at(pattern)},
            {"path": engine.at("argocd"), "exclude": true},
        ],
    }});
    let segment = format!("{{{{ index .path.segments {} }}}}", engine.depth());
    let number = format!("{{{{ index .path.segments {} | trunc 2 }}}}", engine.depth());
    let mut destination = json!({"server": "https://kubernetes.default.svc"});
    if !engine.namespace.is_empty() {
        destination["namespace"] = engine.namespace.as_str().into();
    }
    let steps: Vec<Json> = waves(parts)
        .iter()
        .map(|wave| json!({"matchExpressions": [{"key": WAVE_LABEL, "operator": "In", "values": [wave]}]}))
        .collect();
    let template = json!({
        "metadata": {
            "name": format!("{}-{{{{ .path.basenameNormalized }}}}", engine.name),
            "labels": {WAVE_LABEL: segment},
            "annotations": {"argocd.argoproj.io/sync-wave": number},
        },
        "spec": application(engine, "{{ .path.path }}", &destination),
    });
    let mut spec = set_spec(&generator, &template);
    spec["strategy"] = json!({"type": "RollingSync", "rollingSync": {"steps": steps}});
    vec![set(&engine.name, &spec)]
}

/// One management cluster for each shard, known to Argo CD by the shard's name; what is shared goes to all of them.
fn argocd_shards(parts: &[Part], engine: &Engine) -> Vec<Json> {
    let shards: Vec<Json> =
        parts.iter().filter(|part| part.folder != SHARED).map(|part| json!({"shard": part.folder})).collect();
    let mut destination = json!({"name": "{{ .shard }}"});
    if !engine.namespace.is_empty() {
        destination["namespace"] = engine.namespace.as_str().into();
    }
    let generator = json!({"list": {"elements": shards}});
    let one = |suffix: &str, path: &str, wave: &str| {
        let template = json!({
            "metadata": {
                "name": format!("{}-{{{{ .shard }}}}{suffix}", engine.name),
                "annotations": {"argocd.argoproj.io/sync-wave": wave},
            },
            "spec": application(engine, path, &destination),
        });
        set(&format!("{}{suffix}", engine.name), &set_spec(&generator, &template))
    };
    let mut sets = Vec::new();
    if parts.iter().any(|part| part.folder == SHARED) {
        sets.push(one("-shared", &engine.at(SHARED), "0"));
    }
    sets.push(one("", &engine.at("{{ .shard }}"), "1"));
    sets
}

fn application(engine: &Engine, path: &str, destination: &Json) -> Json {
    json!({
        "project": "default",
        "source": {"repoURL": engine.repository, "targetRevision": engine.revision, "path": path},
        "destination": destination,
        "syncPolicy": {"syncOptions": ["CreateNamespace=true", "ServerSideApply=true"]},
    })
}

fn set_spec(generator: &Json, template: &Json) -> Json {
    json!({
        "goTemplate": true,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [generator],
        "template": template,
        // Whoever deletes the set must not delete the clusters.
        "syncPolicy": {"preserveResourcesOnDeletion": true},
    })
}

fn set(name: &str, spec: &Json) -> Json {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": spec,
    })
}

fn flux(parts: &[Part], view: &View<'_, '_>, options: &Options, files: &mut Files) {
    for part in parts {
        kustomization(&part.folder, &[MANIFESTS], files);
    }
    let health = health_checks(view);
    let waves = waves(parts);
    if options.by == By::Cluster {
        for wave in &waves {
            let inside: Vec<&str> =
                parts.iter().filter_map(|part| part.folder.strip_prefix(wave)?.strip_prefix('/')).collect();
            kustomization(wave, &inside, files);
        }
    }
    let one = |wave: &str, after: Option<&str>| flux_kustomization(options, wave, after, &health);
    if options.by == By::Shard {
        // Every management cluster runs a Flux of its own, which takes what is shared and its part.
        let shared = waves.iter().find(|wave| **wave == SHARED).copied();
        for shard in waves.iter().filter(|wave| **wave != SHARED) {
            let mut objects: Vec<Json> = shared.map(|shared| one(shared, None)).into_iter().collect();
            objects.push(one(shard, shared));
            files.insert(format!("flux/{shard}/kustomizations.yaml"), stream(&objects).into_bytes());
        }
        return;
    }
    let objects: Vec<Json> = waves
        .iter()
        .enumerate()
        .map(|(number, wave)| one(wave, number.checked_sub(1).and_then(|before| waves.get(before)).copied()))
        .collect();
    files.insert("flux/kustomizations.yaml".to_owned(), stream(&objects).into_bytes());
}

fn flux_kustomization(options: &Options, wave: &str, after: Option<&str>, health: &[Json]) -> Json {
    let engine = &options.engine;
    let name = |wave: &str| format!("{}-{wave}", engine.name);
    let mut spec = json!({
        "interval": "10m",
        "timeout": "30m",
        "path": format!("./{}", engine.at(wave)),
        // What is taken out of the folder is a cluster: somebody should delete it on purpose.
        "prune": false,
        "wait": true,
        "sourceRef": {"kind": "GitRepository", "name": engine.source},
    });
    if let Some(after) = after {
        spec["dependsOn"] = json!([{"name": name(after)}]);
    }
    if !health.is_empty() {
        spec["healthCheckExprs"] = health.into();
    }
    if !engine.namespace.is_empty() {
        spec["targetNamespace"] = engine.namespace.as_str().into();
    }
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name(wave), "namespace": "flux-system"},
        "spec": spec,
    })
}

/// When a Cluster counts as up: without it Flux would go on as soon as the object exists.
fn health_checks(view: &View<'_, '_>) -> Vec<Json> {
    let mut versions: Vec<&str> =
        view.release.of_kind(CLUSTER_GROUP, "Cluster").map(|cluster| cluster.version()).collect();
    versions.sort_unstable();
    versions.dedup();
    let check = |version: &&str| {
        let condition = if **version == *"v1beta1" { "Ready" } else { "Available" };
        json!({
            "apiVersion": format!("{CLUSTER_GROUP}/{version}"),
            "kind": "Cluster",
            "current": format!("status.conditions.exists(c, c.type == '{condition}' && c.status == 'True')"),
            "inProgress": format!("!status.conditions.exists(c, c.type == '{condition}' && c.status == 'True')"),
        })
    };
    versions.iter().map(check).collect()
}
