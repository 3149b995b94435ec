//! Open Cluster Management: placements select ManagedClusters by label, works and add-ons lie in the namespace of theirs.

use super::universe::Found;
use super::{Aim, Collector, Layer};
use crate::inventory::Origin;
use crate::object::Object;
use crate::rules::view::Selector;
use crate::yaml::Value;

pub fn targets<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    match &*object.kind {
        "Placement" => placement(object, out),
        "ManifestWork" | "ManagedClusterAddOn" => {
            let Some(value) = object.at(&["metadata", "namespace"]) else { return };
            let Some(name) = value.as_str() else { return };
            let found = out.universe.named(Layer::Ocm, None, &name);
            out.push(object, Layer::Ocm, value, Aim::Name(name), found);
        }
        _ => {}
    }
}

fn placement<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let predicates: Vec<Value<'a>> = object.at(&["spec", "predicates"]).iter().flat_map(Value::items).collect();
    let Some(spec) = object.spec() else { return };
    if predicates.is_empty() || !out.universe.has(Origin::Ocm) {
        return out.push(object, Layer::Ocm, spec, Aim::All, Found::unknown());
    }
    for predicate in predicates {
        let required = predicate.get("requiredClusterSelector");
        let labels = required.and_then(|required| required.get("labelSelector"));
        let others =
            required.is_some_and(|required| required.get("claimSelector").or(required.get("celSelector")).is_some());
        let Some((value, selector)) = labels.and_then(|value| Some((value, Selector::read(value)?))) else {
            out.push(object, Layer::Ocm, predicate, Aim::All, Found::unknown());
            continue;
        };
        let found = if others { Found::unknown() } else { out.universe.selected(Layer::Ocm, None, &selector) };
        out.push(object, Layer::Ocm, value, Aim::Selector, found);
    }
}
