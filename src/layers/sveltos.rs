//! Sveltos: profiles select Cluster API's Clusters (and SveltosClusters) by label, by reference, and by sets.

use super::universe::Found;
use super::{Aim, Collector, Layer, text};
use crate::object::Object;
use crate::rules::view::Selector;
use crate::yaml::Value;

const SETS: &str = "lib.projectsveltos.io";

pub fn targets<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let (namespace, set) = match &*object.kind {
        "ClusterProfile" => (None, "ClusterSet"),
        "Profile" => (Some(out.namespace_of(object)), "Set"),
        _ => return,
    };
    chosen(object, object, namespace, out);
    for value in object.at(&["spec", "setRefs"]).iter().flat_map(Value::items) {
        let Some(name) = value.as_str() else { continue };
        let found =
            match out.view.release.find(SETS, set, namespace.unwrap_or_else(|| out.view.release.namespace()), &name) {
                Some(set) => {
                    let before = out.targets.len();
                    chosen(object, set, namespace, out);
                    let found = out.targets.drain(before..).collect::<Vec<_>>();
                    union(found.into_iter().map(|target| Found {
                        fate: target.fate,
                        clusters: target.clusters,
                        names: target.names,
                    }))
                }
                None => Found::unknown(),
            };
        out.push(object, Layer::Sveltos, value, Aim::Selector, found);
    }
}

/// What a selector and references in the `spec` of `from` choose.
fn chosen<'v, 'a>(
    object: &'v Object<'a>,
    from: &'v Object<'a>,
    namespace: Option<&str>,
    out: &mut Collector<'_, 'v, 'a>,
) {
    if let Some(value) = from.at(&["spec", "clusterSelector"])
        && let Some(selector) = Selector::read(value)
        && !selector.is_empty()
    {
        let found = out.universe.selected(Layer::Sveltos, namespace, &selector);
        out.push(object, Layer::Sveltos, value, Aim::Selector, found);
    }
    for reference in from.at(&["spec", "clusterRefs"]).iter().flat_map(Value::items).collect::<Vec<_>>() {
        let Some(name) = text(reference, "name") else { continue };
        let stated = text(reference, "namespace");
        let within = namespace.or(stated.as_deref());
        let found = out.universe.named(Layer::Sveltos, within, &name);
        out.push(object, Layer::Sveltos, reference.get("name").unwrap_or(reference), Aim::Name(name), found);
    }
}

fn union(all: impl Iterator<Item = Found>) -> Found {
    use super::Fate;
    let mut sum = Found::nobody();
    for found in all {
        sum.fate = match (&sum.fate, &found.fate) {
            (Fate::Found, _) | (_, Fate::Found) => Fate::Found,
            (Fate::Unknown, _) | (_, Fate::Unknown) => Fate::Unknown,
            _ => Fate::Nobody,
        };
        sum.clusters.extend(found.clusters);
        sum.names.extend(found.names);
    }
    sum
}
