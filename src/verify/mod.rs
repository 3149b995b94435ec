//! A rendered release against what lives on the management cluster: is everything there, has it come up, is it still what was
//! rendered.
//!
//! In the order of the work: [`live`] reads what kubectl printed, [`status`] what objects say of themselves, [`drift`] compares
//! fields, [`checklist`] holds the answers, [`output`] prints them. Nothing here runs kubectl, waits, or prints a Secret's data.

pub mod checklist;
mod cluster;
pub mod drift;
pub mod live;
pub mod output;
pub mod status;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

use indexmap::IndexMap;

use crate::diff::topology::TemplateNames;
use crate::diff::update::Reading;
use crate::fleet::machines;
use crate::object::{CLUSTER_GROUP, CLUSTER_NAME_LABEL, Object};
use crate::release::{Membership, Release};
use crate::schema::bundle::Schemas;
use checklist::{Check, Checklist, Outcome, What};
use live::{HelmRelease, Live};

/// The annotation in which Helm writes the release's name.
const RELEASE_NAME: &str = "meta.helm.sh/release-name";

/// Compares a release with what lives.
pub fn verify(expected: &Release<'_>, live: &Live<'_, '_>, release_name: Option<&str>, schemas: &Schemas) -> Checklist {
    let reading = Reading::new(expected, &TemplateNames::of(live.release, expected), schemas);
    let mut list = Checklist { version: 1, ..Checklist::default() };
    list.checks.push(deployed(expected, live, release_name, &mut list.release));
    let index = cluster::Index::new(expected, live, &reading);
    let machines = machines::expected(expected);
    for (number, (cluster, machines)) in expected.clusters.iter().zip(machines).enumerate() {
        if cluster.object.is_some() {
            index.check(number, machines, &mut list);
        }
    }
    rest(expected, live, &reading, &mut list);
    unrendered(expected, live, &mut list);
    list.sum();
    list
}

/// Whether Helm finished: the newest revision of the release is deployed.
fn deployed(expected: &Release<'_>, live: &Live<'_, '_>, named: Option<&str>, info: &mut Option<HelmRelease>) -> Check {
    let check = |outcome, detail: String| Check::new("release", What::Release, outcome, detail);
    let Some(secrets) = &live.secrets else {
        return check(Outcome::Skipped, "no Secrets in the live data: add secrets to kubectl get".into());
    };
    let name = match named {
        Some(name) => name.to_owned(),
        None => match annotated(expected, live) {
            Some(name) => name.into_owned(),
            None => {
                return check(Outcome::Skipped, "no live object bears Helm's annotation: not installed by Helm".into());
            }
        },
    };
    let revisions = secrets.iter().filter_map(|secret| secret.helm.as_ref()).filter(|helm| helm.name == name);
    let Some(newest) = revisions.max_by_key(|helm| helm.revision) else {
        return check(Outcome::Failed, format!("there is no Helm release '{name}'"));
    };
    *info = Some(newest.clone());
    let detail = format!("{}/{name} is {}, revision {}", newest.namespace, newest.status, newest.revision);
    let mut check = check(if newest.status == "deployed" { Outcome::Passed } else { Outcome::Failed }, detail);
    if newest.status.starts_with("pending") {
        check.causes.push(format!(
            "Helm is at work, or was interrupted: helm history {name} -n {}; helm rollback frees a release that is stuck",
            newest.namespace
        ));
    }
    check
}

/// The release under which Helm made what is expected here, as the live objects say it.
fn annotated<'l>(expected: &Release<'_>, live: &'l Live<'_, '_>) -> Option<Cow<'l, str>> {
    expected.objects.iter().find_map(|object| counterpart(expected, live, object)?.annotation(RELEASE_NAME))
}

/// The live object of the same identity.
fn counterpart<'l, 'a>(expected: &Release<'_>, live: &Live<'l, 'a>, object: &Object<'_>) -> Option<&'l Object<'a>> {
    live.release.find(object.group(), &object.kind, expected.namespace_of(object), &object.name)
}

/// What belongs to no single cluster: is it there, and is it still the same.
fn rest(expected: &Release<'_>, live: &Live<'_, '_>, reading: &Reading<'_>, list: &mut Checklist) {
    let of_none = expected.objects.iter().zip(expected.membership()).filter(|(object, membership)| {
        !object.is_hook() && !matches!(membership, Membership::One(number) if is_whole(expected, *number))
    });
    let objects: Vec<&Object<'_>> = of_none.map(|(object, _)| object).collect();
    if !objects.is_empty() {
        presence("shared objects", (expected, live, reading), &objects, list);
    }
}

/// Whether the release holds the Cluster itself.
fn is_whole(expected: &Release<'_>, number: u32) -> bool {
    expected.clusters.get(number as usize).is_some_and(|cluster| cluster.object.is_some())
}

/// Two checks over a set of objects: all there, none changed.
fn presence(
    subject: &str,
    (expected, live, reading): (&Release<'_>, &Live<'_, '_>, &Reading<'_>),
    objects: &[&Object<'_>],
    list: &mut Checklist,
) {
    let (mut missing, mut unseen, mut drifted) = (Vec::new(), IndexMap::<&str, usize>::new(), Vec::new());
    let mut found = 0;
    for object in objects {
        match counterpart(expected, live, object) {
            Some(living) => {
                found += 1;
                drifted.extend(drift::of(object, living, reading));
            }
            None if live.tells_of(object.group(), &object.kind) => {
                missing.push(format!("{}/{}", object.kind, object.name));
            }
            None => *unseen.entry(&object.kind).or_default() += 1,
        }
    }
    let outcome = match (missing.is_empty(), found) {
        (false, _) => Outcome::Failed,
        (true, 0) => Outcome::Skipped,
        (true, _) => Outcome::Passed,
    };
    let mut detail = format!("{found} of {} there", objects.len());
    if !unseen.is_empty() {
        let kinds: Vec<&str> = unseen.keys().copied().collect();
        let _ = write!(detail, "; not in the live data: {}", kinds.join(", "));
    }
    let mut check = Check::new(subject, What::Objects, outcome, detail);
    check.causes = missing.into_iter().map(|name| format!("{name} is missing")).collect();
    list.checks.push(check);
    if found > 0 {
        let outcome = if drifted.is_empty() { Outcome::Passed } else { Outcome::Failed };
        let detail = match drifted.len() {
            0 => format!("{found} objects are as rendered"),
            1 => "1 field is not as rendered".to_owned(),
            more => format!("{more} fields are not as rendered"),
        };
        let mut check = Check::new(subject, What::Drift, outcome, detail);
        check.causes = drifted.iter().map(drift::Drift::text).collect();
        check.drift = drifted;
        list.checks.push(check);
    }
}

/// Objects of these clusters, or under this release's name, that the manifests do not hold.
fn unrendered(expected: &Release<'_>, live: &Live<'_, '_>, list: &mut Checklist) {
    let clusters: HashSet<(&str, &str)> =
        expected.clusters.iter().map(|cluster| (&*cluster.namespace, &*cluster.name)).collect();
    // Without the Secrets of Helm at hand, its annotations say as much.
    let release = list.release.as_ref().map(|release| Cow::Borrowed(release.name.as_str()));
    let release = release.or_else(|| annotated(expected, live));
    let mut found = Vec::new();
    for object in live.release.objects.iter().filter(|object| is_made_by_people(object)) {
        let namespace = live.release.namespace_of(object);
        if expected.find(object.group(), &object.kind, namespace, &object.name).is_some() {
            continue;
        }
        let owner = object.annotation(RELEASE_NAME);
        let of_release = owner.is_some() && owner == release;
        let cluster = object.at(&["spec", "clusterName"]).and_then(|value| value.as_str());
        let cluster = cluster.or_else(|| object.label(CLUSTER_NAME_LABEL));
        let of_cluster = cluster.is_some_and(|name| clusters.contains(&(namespace, &*name)));
        if of_release {
            found
                .push(format!("{}/{} bears this release's name and is not in the manifests", object.kind, object.name));
        } else if of_cluster && owner.is_none() {
            found
                .push(format!("{}/{} is of none of the manifests, and Helm did not make it", object.kind, object.name));
        }
    }
    let outcome = if found.is_empty() { Outcome::Passed } else { Outcome::Warning };
    let detail = match found.len() {
        0 => "nothing that was not rendered".to_owned(),
        1 => "1 object that nobody rendered".to_owned(),
        more => format!("{more} objects that nobody rendered"),
    };
    let mut check = Check::new("release", What::Unrendered, outcome, detail);
    check.causes = found;
    list.checks.push(check);
}

/// Whether an object of Cluster API was written by somebody, and not made by a controller.
fn is_made_by_people(object: &Object<'_>) -> bool {
    let is_controlled = object.at(&["metadata", "ownerReferences"]).is_some_and(|owners| {
        owners.items().any(|owner| owner.get("controller").and_then(|value| value.as_bool()) == Some(true))
    });
    let of_topology = object.label("topology.cluster.x-k8s.io/owned").is_some();
    let was_cloned = object.annotation("cluster.x-k8s.io/cloned-from-name").is_some();
    let is_capi = object.group() == CLUSTER_GROUP || object.group().ends_with(".cluster.x-k8s.io");
    is_capi && !is_controlled && !of_topology && !was_cloned && !matches!(&*object.kind, "Machine" | "MachineSet")
}
