//! Karmada: propagation policies place, override policies change; both by names, exclusions and labels, all that are set ANDed.

use super::universe::Found;
use super::{Aim, Collector, Fate, Layer, Role};
use crate::object::Object;
use crate::rules::view::Selector;
use crate::yaml::Value;

pub fn targets<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    match &*object.kind {
        "PropagationPolicy" | "ClusterPropagationPolicy" => {
            let Some(placement) = object.at(&["spec", "placement"]) else { return };
            let (one, several) = (placement.get("clusterAffinity"), placement.get("clusterAffinities"));
            if let (Some(_), Some(value)) = (one, several) {
                let why = "placement says both clusterAffinity and clusterAffinities: Karmada refuses it";
                return out.unclear(object, Layer::Karmada, value, why);
            }
            let all = one.into_iter().chain(several.iter().flat_map(Value::items));
            for affinity in all.collect::<Vec<_>>() {
                self::affinity(Role::Places, object, affinity, out);
            }
        }
        "OverridePolicy" | "ClusterOverridePolicy" => {
            let rules = object.at(&["spec", "overrideRules"]);
            let of_rules = rules.iter().flat_map(Value::items).filter_map(|rule| rule.get("targetCluster"));
            for target in of_rules.chain(object.at(&["spec", "targetCluster"])).collect::<Vec<_>>() {
                affinity(Role::Overrides, object, target, out);
            }
        }
        _ => {}
    }
}

fn affinity<'v, 'a>(role: Role, object: &'v Object<'a>, affinity: Value<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let names: Vec<Value<'a>> = affinity.get("clusterNames").iter().flat_map(Value::items).collect();
    let excluded = affinity.get("exclude");
    let excluded: Vec<_> = excluded.iter().flat_map(Value::items).filter_map(|value| value.as_str()).collect();
    // Which Cluster of the release a name stands for is not kept: where some are taken out, nothing is claimed.
    let without = |found: Found| {
        let hits = found.names.iter().any(|name| excluded.iter().any(|other| other == name));
        if hits { Found::unknown() } else { found }
    };
    if names.is_empty() {
        let open = affinity.get("fieldSelector").is_some();
        let (value, selector) = match affinity.get("labelSelector") {
            Some(value) => (value, Selector::read(value)),
            None => (affinity, Some(Selector::default())),
        };
        let Some(selector) = selector else { return };
        let found =
            if open { Found::unknown() } else { without(out.universe.selected(Layer::Karmada, None, &selector)) };
        let aim = if selector.is_empty() { Aim::All } else { Aim::Selector };
        // All clusters of a control plane that nobody described are not nobody.
        let found = if found.fate == Fate::Nobody && selector.is_empty() { Found::unknown() } else { found };
        return out.push_as(role, object, Layer::Karmada, value, aim, found);
    }
    for value in names {
        let Some(name) = value.as_str().filter(|name| !name.is_empty()) else { continue };
        let found =
            if excluded.contains(&name) { Found::nobody() } else { out.universe.named(Layer::Karmada, None, &name) };
        out.push_as(role, object, Layer::Karmada, value, Aim::Name(name), found);
    }
}
