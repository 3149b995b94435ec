//! The values of a topology's variables: what is written, and the defaults that the webhook stored.
//!
//! The webhook appends a class's defaults to the Cluster when it is created, and they stay there: a default that changes later
//! does not reach clusters that exist. Where the list of variables itself changes, Helm's patch replaces it as a whole, and
//! what it leaves out is filled in anew, from the class as it is then: Helm sends Clusters before ClusterClasses.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::blueprint::Blueprint;
use super::class;
use crate::diff::json;

/// What the Cluster of the old release holds on the server.
pub fn stored(cluster: Option<&Json>, class: Option<&Blueprint>) -> BTreeMap<String, Json> {
    let mut values = written(cluster, class);
    default(&mut values, class);
    values
}

/// What the Cluster of the new release will hold.
pub fn given(
    cluster: Option<&Json>,
    stored: &BTreeMap<String, Json>,
    old: Option<&Blueprint>,
    new: Option<&Blueprint>,
    is_changed: bool,
) -> BTreeMap<String, Json> {
    let mut values = if is_changed { written(cluster, old) } else { stored.clone() };
    default(&mut values, old);
    fill_nested(&mut values, new);
    default(&mut values, new);
    values
}

fn written(cluster: Option<&Json>, class: Option<&Blueprint>) -> BTreeMap<String, Json> {
    let mut values =
        cluster.map(|cluster| of_list(json::items(cluster, &["spec", "topology", "variables"]))).unwrap_or_default();
    fill_nested(&mut values, class);
    values
}

/// A list of variables as a map.
pub fn of_list(list: &[Json]) -> BTreeMap<String, Json> {
    let entry = |item: &Json| Some((item.get("name")?.as_str()?.to_owned(), item.get("value")?.clone()));
    list.iter().filter_map(entry).collect()
}

fn schemas(class: Option<&Blueprint>) -> impl Iterator<Item = (&str, &Json)> {
    class
        .into_iter()
        .flat_map(|class| class::variables(&class.class))
        .filter_map(|(name, variable)| Some((name, json::at(variable, &["schema", "openAPIV3Schema"])?)))
}

/// Adds variables that are not there and have a default.
fn default(values: &mut BTreeMap<String, Json>, class: Option<&Blueprint>) {
    for (name, schema) in schemas(class) {
        if let (false, Some(value)) = (values.contains_key(name), schema.get("default")) {
            let mut value = value.clone();
            fill(&mut value, schema);
            values.insert(name.to_owned(), value);
        }
    }
}

fn fill_nested(values: &mut BTreeMap<String, Json>, class: Option<&Blueprint>) {
    for (name, schema) in schemas(class) {
        if let Some(value) = values.get_mut(name) {
            fill(value, schema);
        }
    }
}

/// Fills defaults in below a value.
fn fill(value: &mut Json, schema: &Json) {
    match value {
        Json::Object(map) => {
            let properties = schema.get("properties").and_then(Json::as_object);
            for (key, schema) in properties.into_iter().flatten() {
                if let (None, Some(default)) = (map.get(key), schema.get("default")) {
                    map.insert(key.clone(), default.clone());
                }
                if let Some(value) = map.get_mut(key) {
                    fill(value, schema);
                }
            }
            if let Some(schema) = schema.get("additionalProperties").filter(|schema| schema.is_object()) {
                map.values_mut().for_each(|value| fill(value, schema));
            }
        }
        Json::Array(list) => {
            if let Some(schema) = schema.get("items") {
                for item in list {
                    fill(item, schema);
                }
            }
        }
        _ => {}
    }
}
