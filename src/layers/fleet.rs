//! Rancher's Fleet: targets with a name, a selector, a group; all that are set must fit, within the workspace.

use super::universe::Found;
use super::{Aim, Collector, Fate, Layer, text};
use crate::object::Object;
use crate::rules::view::Selector;
use crate::yaml::Value;

pub fn targets<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    match &*object.kind {
        "GitRepo" | "HelmOp" | "Bundle" => {}
        "ClusterGroup" => return group(object, out),
        _ => return,
    }
    let Some(list) = object.at(&["spec", "targets"]) else {
        // Without targets the group "default" is meant, which Rancher makes.
        if let Some(spec) = object.spec() {
            out.push(object, Layer::Fleet, spec, Aim::All, Found::unknown());
        }
        return;
    };
    for item in list.items() {
        target(object, item, out);
    }
}

/// A group reaches nobody by itself, but one that selects nobody is a mistake all the same.
fn group<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let Some(value) = object.at(&["spec", "selector"]) else { return };
    let Some(selector) = Selector::read(value) else { return };
    let mut found = in_workspace(object, &selector, out);
    found.clusters.clear();
    out.push(object, Layer::Fleet, value, Aim::Selector, found);
}

fn in_workspace<'v, 'a>(object: &'v Object<'a>, selector: &Selector<'_>, out: &Collector<'_, 'v, 'a>) -> Found {
    out.universe.selected(Layer::Fleet, Some(out.namespace_of(object)), selector)
}

fn target<'v, 'a>(object: &'v Object<'a>, item: Value<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let namespace = out.namespace_of(object);
    let mut found: Option<Found> = None;
    let mut aim = Aim::Selector;
    let mut value = item;
    if let Some(name) = text(item, "clusterName") {
        value = item.get("clusterName").unwrap_or(item);
        found = Some(both(found, out.universe.named(Layer::Fleet, Some(namespace), &name)));
        aim = Aim::Name(name);
    }
    if let Some(at) = item.get("clusterSelector") {
        let Some(selector) = Selector::read(at) else { return };
        value = at;
        found = Some(both(found, in_workspace(object, &selector, out)));
    }
    if let Some(name) = text(item, "clusterGroup") {
        value = item.get("clusterGroup").unwrap_or(item);
        let group = out.view.release.find("fleet.cattle.io", "ClusterGroup", namespace, &name);
        let selector = group.and_then(|group| Selector::read(group.at(&["spec", "selector"])?));
        found =
            Some(both(found, selector.map_or_else(Found::unknown, |selector| in_workspace(object, &selector, out))));
    }
    if item.get("clusterGroupSelector").is_some() {
        found = Some(both(found, Found::unknown()));
    }
    match found {
        Some(found) => out.push(object, Layer::Fleet, value, aim, found),
        None => out.unclear(
            object,
            Layer::Fleet,
            item,
            "the target says no cluster, selector or group: Fleet matches nothing with it",
        ),
    }
}

/// What both find.
fn both(a: Option<Found>, b: Found) -> Found {
    let Some(a) = a else { return b };
    match (&a.fate, &b.fate) {
        (Fate::Nobody, _) | (_, Fate::Nobody) => Found::nobody(),
        (Fate::Found, Fate::Found) => {
            let names: Vec<String> = a.names.into_iter().filter(|name| b.names.contains(name)).collect();
            let clusters = a.clusters.into_iter().filter(|number| b.clusters.contains(number)).collect();
            if names.is_empty() { Found::nobody() } else { Found { fate: Fate::Found, clusters, names } }
        }
        _ => Found::unknown(),
    }
}
