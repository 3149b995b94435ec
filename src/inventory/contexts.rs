//! A kubeconfig as a picture of hub and spokes, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Serialize;

use super::kubeconfig::{Context, Kubeconfig};
use crate::report::Severity;
use crate::schema::suggest::nearest;

/// What a context leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The management cluster.
    Hub,
    /// A cluster of the release.
    Spoke,
    /// Something else, or nobody said what there is.
    Other,
}

/// One context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub context: String,
    /// What it leads to.
    pub role: Role,
    /// The cluster that it names.
    pub cluster: String,
    /// The API server; empty where the cluster is absent.
    pub server: String,
    /// The user that it names.
    pub user: String,
    /// The namespace that it sets.
    pub namespace: Option<String>,
    /// Whether kubectl uses it where nobody says otherwise.
    pub current: bool,
    /// The Cluster of the release that it reaches: `namespace/name`.
    pub reaches: Option<String>,
}

/// Something that is wrong, or worth a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// How bad.
    pub severity: Severity,
    /// The file.
    pub file: String,
    /// What, and what to do.
    pub message: String,
}

/// What kubeconfig files show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contexts {
    /// All contexts, the hub first.
    pub contexts: Vec<Row>,
    /// What is wrong.
    pub remarks: Vec<Remark>,
}

/// What is known of the fleet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fleet<'f> {
    /// Clusters of the release: namespace and name.
    pub clusters: &'f [(String, String)],
    /// The context of the management cluster, where the user says it.
    pub hub: Option<&'f str>,
    /// What names look like, by the settings.
    pub naming: Option<&'f str>,
}

/// Words by which people name the management cluster.
const HUB_WORDS: &[&str] = &["hub", "mgmt", "management"];

/// Looks through kubeconfig files as kubectl merges them: the first of a name wins.
pub fn contexts(files: &[Kubeconfig], fleet: Fleet<'_>) -> Contexts {
    let mut all = Contexts::default();
    let current = files.iter().find_map(|file| file.current.clone());
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for file in files {
        for context in &file.contexts {
            if let Some(other) = seen.get(&context.name) {
                remark(
                    &mut all,
                    Severity::Warning,
                    file,
                    format!(
                        "context '{}' stands in {other} too, and that one wins: this one is never used",
                        context.name
                    ),
                );
                continue;
            }
            seen.insert(context.name.clone(), file.file.clone());
            let row = row(files, context, fleet, current.as_deref());
            dangling(files, file, context, &mut all);
            all.contexts.push(row);
        }
        for cluster in file.clusters.iter().filter(|cluster| cluster.skips_verification) {
            remark(
                &mut all,
                Severity::Warning,
                file,
                format!(
                    "cluster '{}' has insecure-skip-tls-verify: whoever answers at {} is believed. Use certificate-authority-data",
                    cluster.name, cluster.server
                ),
            );
        }
        unused(files, file, &mut all);
    }
    if let (Some(current), Some(file)) = (&current, files.first())
        && !seen.contains_key(current)
    {
        let near = nearest(current, seen.keys().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
        remark(
            &mut all,
            Severity::Error,
            file,
            format!("current-context '{current}' does not exist: kubectl without --context fails{near}"),
        );
    }
    choose_hub(&mut all, fleet);
    names(files, &mut all, fleet);
    unreached(files, &mut all, fleet);
    all.contexts.sort_by_key(|row| row.role != Role::Hub);
    all
}

fn remark(all: &mut Contexts, severity: Severity, file: &Kubeconfig, message: String) {
    all.remarks.push(Remark { severity, file: file.file.clone(), message });
}

fn row(files: &[Kubeconfig], context: &Context, fleet: Fleet<'_>, current: Option<&str>) -> Row {
    let server = files.iter().find_map(|file| file.endpoint(&context.cluster)).map(|endpoint| endpoint.server.clone());
    let reaches = reached(context, fleet);
    Row {
        context: context.name.clone(),
        role: if reaches.is_some() { Role::Spoke } else { Role::Other },
        cluster: context.cluster.clone(),
        server: server.unwrap_or_default(),
        user: context.user.clone(),
        namespace: context.namespace.clone(),
        current: current == Some(context.name.as_str()),
        reaches,
    }
}

/// The Cluster that a context reaches, by name: Cluster API calls its cluster after the Cluster, and the context
/// `NAME-admin@NAME`.
fn reached(context: &Context, fleet: Fleet<'_>) -> Option<String> {
    let behind_at = context.name.rsplit_once('@').map(|(_, cluster)| cluster);
    let names = [Some(context.cluster.as_str()), behind_at, Some(context.name.as_str())];
    let found = names.into_iter().flatten().find_map(|name| {
        fleet.clusters.iter().find(|(namespace, cluster)| {
            cluster == name || format!("{namespace}-{cluster}") == name || format!("{namespace}/{cluster}") == name
        })
    })?;
    let (namespace, name) = found;
    Some(if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") })
}

fn dangling(files: &[Kubeconfig], file: &Kubeconfig, context: &Context, all: &mut Contexts) {
    let clusters: Vec<&str> =
        files.iter().flat_map(|file| &file.clusters).map(|cluster| cluster.name.as_str()).collect();
    let users: Vec<&str> = files.iter().flat_map(|file| &file.users).map(String::as_str).collect();
    for (what, name, known) in [("cluster", &context.cluster, clusters), ("user", &context.user, users)] {
        if known.contains(&name.as_str()) {
            continue;
        }
        let near = nearest(name, known.into_iter());
        let near = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
        let named = if name.is_empty() {
            format!("names no {what}")
        } else {
            format!("names the {what} '{name}', which does not exist")
        };
        remark(all, Severity::Error, file, format!("context '{}' {named}: kubectl cannot use it{near}", context.name));
    }
}

fn unused(files: &[Kubeconfig], file: &Kubeconfig, all: &mut Contexts) {
    let contexts: Vec<&Context> = files.iter().flat_map(|file| &file.contexts).collect();
    for cluster in &file.clusters {
        if !contexts.iter().any(|context| context.cluster == cluster.name) {
            remark(all, Severity::Info, file, format!("no context leads to the cluster '{}'", cluster.name));
        }
    }
    for user in &file.users {
        if !contexts.iter().any(|context| context.user == *user) {
            remark(
                all,
                Severity::Info,
                file,
                format!("no context uses the user '{user}': its credentials lie about for nothing"),
            );
        }
    }
}

/// The hub: as the user says; else a context that is called so; else the current one, where it leads to no cluster of the release.
fn choose_hub(all: &mut Contexts, fleet: Fleet<'_>) {
    let is_called_so = |row: &Row| {
        row.context.split(['-', '.', '_', '@', '/']).any(|word| HUB_WORDS.contains(&word.to_lowercase().as_str()))
    };
    let position = |fits: &dyn Fn(&Row) -> bool| all.contexts.iter().position(fits);
    let chosen = fleet.hub.map_or_else(
        || {
            let called = position(&|row| row.role == Role::Other && is_called_so(row));
            called.or_else(|| position(&|row| row.role == Role::Other && row.current && !fleet.clusters.is_empty()))
        },
        |name| position(&|row| row.context == name),
    );
    if let Some(row) = chosen.and_then(|number| all.contexts.get_mut(number)) {
        row.role = Role::Hub;
    }
}

/// Contexts that are not named as the settings ask.
fn names(files: &[Kubeconfig], all: &mut Contexts, fleet: Fleet<'_>) {
    let Some(pattern) = fleet.naming.and_then(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok()) else { return };
    let odd: Vec<String> = all
        .contexts
        .iter()
        .filter(|row| row.role != Role::Hub)
        .filter(|row| {
            let name = row.context.rsplit_once('@').map_or(row.context.as_str(), |(_, cluster)| cluster);
            !pattern.is_match(name)
        })
        .map(|row| row.context.clone())
        .collect();
    for name in odd {
        if let Some(file) = files.iter().find(|file| file.contexts.iter().any(|context| context.name == name)) {
            let text = fleet.naming.unwrap_or_default();
            remark(
                all,
                Severity::Warning,
                file,
                format!(
                    "context '{name}' is not named as the settings ask (naming.pattern: {text}): kubectl config rename-context {name} NEW"
                ),
            );
        }
    }
}

/// Clusters of the release that no context reaches.
fn unreached(files: &[Kubeconfig], all: &mut Contexts, fleet: Fleet<'_>) {
    let Some(file) = files.first() else { return };
    let reached: BTreeSet<&str> = all.contexts.iter().filter_map(|row| row.reaches.as_deref()).collect();
    let missing: Vec<String> = fleet
        .clusters
        .iter()
        .filter(|(namespace, name)| {
            let full = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
            !reached.contains(full.as_str())
        })
        .map(|(namespace, name)| {
            let of = if namespace.is_empty() { String::new() } else { format!(" -n {namespace}") };
            format!("cluster '{name}' of the release has no context: clusterctl get kubeconfig {name}{of}")
        })
        .collect();
    for message in missing {
        remark(all, Severity::Warning, file, message);
    }
}
