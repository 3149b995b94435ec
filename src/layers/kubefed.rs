//! KubeFed: federated types say by placement where their template goes, and by overrides what is different there.

use std::borrow::Cow;

use super::universe::Found;
use super::{Aim, Collector, Fate, Layer, Role, text};
use crate::object::Object;
use crate::rules::view::Selector;
use crate::yaml::Value;

pub fn targets<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    match &*object.kind {
        "ReplicaSchedulingPreference" => {
            for entry in object.at(&["spec", "clusters"]).iter().flat_map(Value::entries) {
                let Some(name) = entry.key().filter(|name| name != "*") else { continue };
                let found = out.universe.named(Layer::KubeFed, None, &name);
                out.push_as(Role::Overrides, object, Layer::KubeFed, entry, Aim::Name(name), found);
            }
        }
        kind if kind.starts_with("Federated") && kind != "FederatedTypeConfig" => federated(object, out),
        _ => {}
    }
}

fn federated<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let first = out.targets.len();
    placement(object, out);
    within_namespace(object, first, out);
    let placed: Vec<String> = out.targets.iter().skip(first).flat_map(|target| target.names.clone()).collect();
    let is_open = out.targets.iter().skip(first).any(|target| target.fate == Fate::Unknown);
    let stated: Vec<Cow<'a, str>> = placed_names(object);
    for item in object.at(&["spec", "overrides"]).iter().flat_map(Value::items) {
        let (Some(value), Some(name)) = (item.get("clusterName"), text(item, "clusterName")) else { continue };
        let hits = placed.iter().any(|placed| *placed == name) || stated.contains(&name);
        let found = match (hits, is_open) {
            (true, _) => Found { fate: Fate::Found, clusters: Vec::new(), names: vec![name.to_string()] },
            (false, true) => Found::unknown(),
            (false, false) => Found::nobody(),
        };
        out.push_as(Role::Overrides, object, Layer::KubeFed, value, Aim::Name(name), found);
    }
}

/// The names of a placement, whether or not anybody knows them.
fn placed_names<'a>(object: &Object<'a>) -> Vec<Cow<'a, str>> {
    let clusters = object.at(&["spec", "placement", "clusters"]);
    clusters.iter().flat_map(Value::items).filter_map(|item| text(item, "name")).collect()
}

/// `clusters` wins over `clusterSelector`, even when it is empty; neither means nobody.
fn placement<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let Some(spec) = object.spec() else { return };
    let placement = spec.get("placement");
    let clusters = placement.and_then(|placement| placement.get("clusters"));
    let selector = placement.and_then(|placement| placement.get("clusterSelector"));
    match (clusters, selector) {
        (Some(clusters), selector) => {
            if let Some(selector) = selector {
                let why = "placement says both clusters and clusterSelector: KubeFed looks at clusters alone";
                // Whom it reaches, the names tell.
                out.push_as(Role::Overrides, object, Layer::KubeFed, selector, Aim::Ignored(why), Found::home());
            }
            let items: Vec<Value<'a>> = clusters.items().collect();
            if items.is_empty() {
                out.push(object, Layer::KubeFed, clusters, Aim::Selector, Found::nobody());
            }
            for item in items {
                let (Some(value), Some(name)) = (item.get("name"), text(item, "name")) else { continue };
                let found = out.universe.named(Layer::KubeFed, None, &name);
                out.push(object, Layer::KubeFed, value, Aim::Name(name), found);
            }
        }
        (None, Some(value)) => {
            let Some(selector) = Selector::read(value) else { return };
            let found = out.universe.selected(Layer::KubeFed, None, &selector);
            let aim = if selector.is_empty() { Aim::All } else { Aim::Selector };
            out.push(object, Layer::KubeFed, value, aim, found);
        }
        (None, None) => {
            let value = placement.or_else(|| spec.get("template")).unwrap_or(spec);
            out.push(object, Layer::KubeFed, value, Aim::Selector, Found::nobody());
        }
    }
}

/// A namespaced type reaches only clusters that the FederatedNamespace in its namespace reaches too.
fn within_namespace<'v, 'a>(object: &'v Object<'a>, first: usize, out: &mut Collector<'_, 'v, 'a>) {
    if object.kind == "FederatedNamespace" {
        return;
    }
    let namespace = out.namespace_of(object);
    let mut all = out.view.release.of_kind("types.kubefed.io", "FederatedNamespace");
    let Some(around) = all.find(|other| out.view.release.namespace_of(other) == namespace) else { return };
    let allowed = placed_names(around);
    if allowed.is_empty() {
        return;
    }
    for target in out.targets.iter_mut().skip(first) {
        let reaches = target.names.iter().any(|name| allowed.iter().any(|allowed| allowed == name));
        if target.fate == Fate::Found && matches!(target.aim, Aim::Name(_)) && !reaches {
            let name = target.names.first().cloned().unwrap_or_default();
            target.aim = Aim::Unclear(format!(
                "FederatedNamespace '{}' does not reach '{name}': KubeFed places nothing there",
                around.name
            ));
            target.fate = Fate::Nobody;
            target.clusters.clear();
            target.names.clear();
        }
    }
}
