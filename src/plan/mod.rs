//! A fleet in time and space: waves, shards, how long it takes, how large it gets.
//!
//! Built from what the release says; it asks no cluster and looks at no clock. [`waves`] orders, [`model`] reckons times,
//! [`shards`] divides, [`output`] prints.

pub mod duration;
pub mod model;
pub mod output;
pub mod shards;
pub mod waves;

use serde::Serialize;

use crate::fleet::machines::{self, Machines};
use crate::release::{Membership, Release, secret_size};
use crate::rules::view::View;
use model::{Model, Times};
use waves::By;

/// What a plan is asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What makes a wave.
    pub by: Vec<By>,
    /// How times are reckoned.
    pub model: Model,
    /// Over how many management clusters the fleet is spread.
    pub shards: Option<usize>,
}

/// One wave.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WavePlan {
    /// What its clusters share.
    pub name: String,
    /// Their names.
    pub clusters: Vec<String>,
    /// Their machines.
    pub machines: u64,
    /// How long it takes.
    pub seconds: Times,
}

/// One management cluster's part.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardPlan {
    /// From 1.
    pub shard: usize,
    /// Names of its clusters.
    pub clusters: Vec<String>,
    /// Objects, those that all clusters share included.
    pub objects: usize,
    /// Machines.
    pub machines: u64,
    /// Bytes of the Secret in which Helm keeps the part as a release, the chart's own files and values aside.
    pub release_secret: usize,
    /// How long it takes, all at once.
    pub seconds: Times,
}

/// A plan.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Of the JSON shape.
    pub version: u32,
    /// Clusters.
    pub clusters: usize,
    /// Machines.
    pub machines: u64,
    /// Bytes of the release Secret, if all is one release.
    pub release_secret: usize,
    /// All clusters begun at once.
    pub at_once: Times,
    /// In order; each waits for the one before.
    pub waves: Vec<WavePlan>,
    /// All waves, one after the other.
    pub in_waves: Times,
    /// One entry a management cluster; empty where nobody asked.
    pub shards: Vec<ShardPlan>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Plans a release.
pub fn plan(view: &View<'_, '_>, options: &Options) -> Plan {
    let release = view.release;
    let machines = machines::expected(release);
    let of = |number: &usize| machines.get(*number).copied().map_or(0, Machines::total);
    let name = |number: &usize| {
        view.clusters
            .get(*number)
            .map_or_else(String::new, |cluster| full_name(&cluster.cluster.namespace, &cluster.cluster.name))
    };
    let all: Vec<usize> = (0..view.clusters.len())
        .filter(|number| view.clusters.get(*number).is_some_and(|c| c.object.is_some()))
        .collect();
    let waves: Vec<WavePlan> = waves::waves(view, &options.by)
        .into_iter()
        .map(|wave| {
            let machines: Vec<u64> = wave.clusters.iter().map(of).collect();
            WavePlan {
                name: wave.name,
                clusters: wave.clusters.iter().map(name).collect(),
                machines: machines.iter().sum(),
                seconds: options.model.times(&machines),
            }
        })
        .collect();
    let each: Vec<u64> = all.iter().map(of).collect();
    let mut plan = Plan {
        version: 1,
        clusters: all.len(),
        machines: each.iter().sum(),
        release_secret: secret_size::of_manifests(texts(release, &|_| true)),
        at_once: options.model.times(&each),
        in_waves: waves.iter().fold(Times::default(), |sum, wave| sum + wave.seconds),
        waves,
        shards: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(shards) = options.shards {
        plan.shards = shard_plans(view, shards, &options.model, &machines);
    }
    plan.notes = notes(view, &plan, options);
    plan
}

/// `namespace/name`, or the name alone.
fn full_name(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// The texts of the documents with an object whose membership fits.
fn texts<'r>(release: &'r Release<'_>, fits: &dyn Fn(Membership) -> bool) -> impl Iterator<Item = &'r str> {
    let mut documents: Vec<u32> = release
        .objects
        .iter()
        .zip(release.membership())
        .filter(|(_, membership)| fits(**membership))
        .map(|(object, _)| object.document)
        .collect();
    documents.dedup();
    documents.into_iter().map(|document| release.text_of(document))
}

fn shard_plans(view: &View<'_, '_>, shards: usize, model: &Model, machines: &[Machines]) -> Vec<ShardPlan> {
    let release = view.release;
    let assigned: Vec<usize> =
        release.clusters.iter().map(|cluster| shards::shard(&cluster.namespace, &cluster.name, shards)).collect();
    (0..shards)
        .map(|shard| {
            let is_here = |membership: Membership| match membership {
                Membership::One(number) => assigned.get(number as usize) == Some(&shard),
                Membership::Shared | Membership::Unassigned => true,
            };
            let here: Vec<usize> = (0..release.clusters.len())
                .filter(|number| assigned.get(*number) == Some(&shard))
                .filter(|number| release.clusters.get(*number).is_some_and(|cluster| cluster.object.is_some()))
                .collect();
            let each: Vec<u64> =
                here.iter().map(|number| machines.get(*number).copied().map_or(0, Machines::total)).collect();
            let named = here.iter().filter_map(|number| release.clusters.get(*number));
            ShardPlan {
                shard: shard + 1,
                clusters: named.map(|cluster| full_name(&cluster.namespace, &cluster.name)).collect(),
                objects: release.membership().iter().filter(|membership| is_here(**membership)).count(),
                machines: each.iter().sum(),
                release_secret: secret_size::of_manifests(texts(release, &is_here)),
                seconds: model.times(&each),
            }
        })
        .collect()
}

/// Clusters that one management cluster carries: well, and at most.
struct Carries {
    comfortable: usize,
    most: usize,
    source: &'static str,
}

/// The settings' limits, else those of the course for the provider in use.
fn carries(view: &View<'_, '_>) -> Carries {
    let own = view.settings.fleet_size;
    if own.comfortable.is_some() || own.most.is_some() {
        let most = own.most.or(own.comfortable).unwrap_or(usize::MAX);
        return Carries { comfortable: own.comfortable.unwrap_or(most), most, source: "the settings (fleet-size)" };
    }
    let docker = view.clusters.iter().any(|cluster| {
        cluster.infrastructure.is_some_and(|object| object.kind.starts_with("Docker") || object.kind.starts_with("Dev"))
    });
    if docker {
        Carries { comfortable: 100, most: 500, source: "the course: Docker provider, 4 CPUs, 16 GB" }
    } else {
        Carries { comfortable: 500, most: 1000, source: "the course: AWS, 8 CPUs, 32 GB" }
    }
}

fn notes(view: &View<'_, '_>, plan: &Plan, options: &Options) -> Vec<String> {
    let mut notes = Vec::new();
    let carries = carries(view);
    let parts: Vec<(String, usize, usize)> = if plan.shards.is_empty() {
        vec![("the fleet".to_owned(), plan.clusters, plan.release_secret)]
    } else {
        let part = |shard: &ShardPlan| (format!("shard {}", shard.shard), shard.clusters.len(), shard.release_secret);
        plan.shards.iter().map(part).collect()
    };
    for (name, clusters, secret) in parts {
        if clusters > carries.most {
            let shards = plan.clusters.div_ceil(carries.comfortable.max(1));
            notes.push(format!(
                "{name} has {clusters} clusters, more than the {} that one management cluster carries ({}): --shards {shards} \
                 spreads it",
                carries.most, carries.source
            ));
        } else if clusters > carries.comfortable {
            notes.push(format!(
                "{name} has {clusters} clusters, more than the {} that a management cluster carries at full speed ({})",
                carries.comfortable, carries.source
            ));
        }
        if secret > secret_size::LIMIT {
            notes.push(format!(
                "{name} as one Helm release needs a Secret of {secret} bytes, and the server takes {}: the install fails. Use \
                 several releases",
                secret_size::LIMIT
            ));
        } else if secret * 5 > secret_size::LIMIT * 4 {
            notes.push(format!(
                "{name} as one Helm release fills {} % of the Secret that Helm keeps it in; the chart's files and values come on top",
                secret * 100 / secret_size::LIMIT
            ));
        }
    }
    let full_speed = options.model.machines_at_full_speed();
    let slow = plan.waves.iter().filter(|wave| wave.machines > full_speed).count();
    if slow > 0 {
        notes.push(format!(
            "{slow} of {} waves have more than the {full_speed} machines that this management cluster brings up while one cluster \
             comes up: there its rate decides",
            plan.waves.len()
        ));
    }
    notes
}
