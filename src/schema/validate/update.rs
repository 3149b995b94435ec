//! The verdict on a change: rules on `oldSelf`, and what the server lets pass because it stood there before.

use crate::object::Object;
use crate::report::Finding;
use crate::schema::defaults::Effective;
use crate::schema::table::{Additional, Kind, ListType, Schema};
use crate::yaml::Value;

use super::{Client, Compiled, Effect, Judge, Options, rules};

/// Judges the new state of an object that is in the cluster already, both of one version. Faults in parts that do not change
/// are not reported: the server lets them be.
pub fn judge_update(
    old: &Object<'_>,
    new: &Object<'_>,
    kind: Kind<'_>,
    compiled: &Compiled,
    options: Options,
    prefilled: &[&str],
    out: &mut Vec<Finding>,
) {
    let mut found = Vec::new();
    let mut judge = Judge { prefilled, old: Some(old), ..Judge::new(new, Some(kind), compiled, options, &mut found) };
    judge.object(kind.schema());
    judge.same_system_fields(old);
    let is_duplicate = |finding: &Finding| finding.rule.name == rules::DUPLICATE_ITEM.name;
    if found.iter().any(is_duplicate) {
        // Where something stood twice before, anywhere, the server looks for nothing of the kind.
        let mut before = Vec::new();
        Judge::new(old, Some(kind), compiled, options, &mut before).object(kind.schema());
        if before.iter().any(is_duplicate) {
            found.retain(|finding| !is_duplicate(finding));
        }
    }
    let from = Correlation { kind, old, client: options.client };
    out.extend(found.into_iter().filter(|finding| !from.stood_before(new, finding)));
}

impl<'j, 'a> Judge<'j, 'a> {
    /// What of the metadata is the server's own must be as it is in the cluster.
    fn same_system_fields(&mut self, old: &Object<'_>) {
        for key in ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            let keys = ["metadata", key];
            let is_set = |value: &Value<'_>| !value.is_null() && value.as_str().is_none_or(|text| !text.is_empty());
            let Some(value) = self.object.below(&keys).filter(is_set) else { continue };
            if old.below(&keys).filter(is_set).and_then(|before| before.scalar()) != value.scalar() {
                let message = format!("`metadata.{key}` is not that of the object in the cluster; leave it out");
                self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, value, message));
            }
        }
    }

    /// Whether a value is what it was before the change.
    pub(super) fn is_unchanged(&self, value: Value<'a>) -> bool {
        let Some((kind, old)) = self.kind.zip(self.old) else { return false };
        let from = Correlation { kind, old, client: self.client };
        from.find(self.object.root, value.index()).is_some_and(|(old, new)| old.to_json() == new.to_json())
    }

    /// What a value was before, where the server can tell which one that is.
    pub(super) fn old_value(&self, value: Value<'a>) -> Option<Effective<'j>> {
        let from = Correlation { kind: self.kind?, old: self.old?, client: self.client };
        from.find(self.object.root, value.index()).map(|(old, _)| old)
    }
}

/// Finds what a part of an object was before.
struct Correlation<'c> {
    kind: Kind<'c>,
    old: &'c Object<'c>,
    client: Client,
}

impl<'c> Correlation<'c> {
    /// The old value and the schema of the node at an index of the new document. Items of lists without keys have no old value.
    fn find<'a: 'c>(&self, root: Value<'a>, index: u32) -> Option<(Effective<'c>, Effective<'c>)> {
        let schema = self.kind.schema();
        let mut old = Effective::root(self.old.root, schema, self.kind.status_subresource(), self.client);
        let mut new = Effective::root(root, schema, self.kind.status_subresource(), self.client);
        let mut schema = schema;
        let mut at = root;
        while at.index() != index {
            let child = at.children().find(|child| child.index() <= index && index < child.end_index())?;
            if at.is_map() {
                let key = child.key()?;
                old = old.get(&key)?;
                new = new.get(&key)?;
                schema = child_schema(schema, &key)?;
            } else {
                if schema.list_type() != ListType::Map {
                    return None;
                }
                let position = at.children().position(|other| other.index() == child.index())?;
                let item = new.items().nth(position)?;
                let same = |other: &Effective<'c>| {
                    schema.list_map_keys().all(|key| match (item.get(key), other.get(key)) {
                        (Some(a), Some(b)) => a.same(&b),
                        (None, None) => true,
                        _ => false,
                    })
                };
                old = old.items().find(same)?;
                new = item;
                schema = schema.items()?;
            }
            at = child;
        }
        Some((old, new))
    }

    /// Whether a fault is in a part that was the same before. Unknown fields, metadata, repetitions and rules are
    /// judged anew; rules that do not look back are left out where the value is the same ([`Judge::is_unchanged`]).
    fn stood_before(&self, new: &Object<'c>, finding: &Finding) -> bool {
        let path = finding.place.and_then(|place| place.node).map(|node| new.path(node)).unwrap_or_default();
        if path == "metadata.generateName" && finding.rule.name == rules::INVALID_METADATA.name {
            let beginning = new.at(&["metadata", "generateName"]).and_then(|value| value.as_str());
            return !beginning.is_some_and(|text| text.contains(['/', '%'])); // the rest is looked at on creation alone
        }
        let judged_anew = [
            &rules::UNKNOWN_FIELD,
            &rules::INVALID_METADATA,
            &rules::RULE_NOT_CHECKED,
            &rules::CEL_RULE,
            &rules::DUPLICATE_ITEM,
        ];
        if judged_anew.iter().any(|rule| rule.name == finding.rule.name) {
            return false;
        }
        let Some(node) = finding.place.and_then(|place| place.node) else { return false };
        // A fault of the whole object: what is missing at its root is shown at its kind.
        if node == new.root.index() || new.root.get("kind").is_some_and(|kind| kind.index() == node) {
            return false;
        }
        self.find(new.root, node).is_some_and(|(old, new)| old.to_json() == new.to_json())
    }
}

fn child_schema<'t>(schema: Schema<'t>, key: &str) -> Option<Schema<'t>> {
    match (schema.property(key), schema.additional()) {
        (Some(property), _) => Some(property.schema),
        (None, Additional::Schema(values)) => Some(values),
        _ => None,
    }
}
