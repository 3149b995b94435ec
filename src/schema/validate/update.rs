//! The verdict on a change: rules on `oldSelf`, and what the server lets pass because it stood there before.

use crate::object::Object;
use crate::report::Finding;
use crate::schema::defaults::Effective;
use crate::schema::table::{Additional, Kind, ListType, Schema};
use crate::yaml::Value;

use super::{Client, Compiled, Effect, Judge, Options, rules};

/// Judges the new state of an object that is in the cluster already, both of one version. Faults in parts that do not change
/// are not reported: the server lets them be.
pub fn judge_update<'a>(
    old: &Object<'_>,
    new: &Object<'a>,
    kind: Kind<'_>,
    compiled: &Compiled,
    options: Options,
    prefilled: &[&str],
    out: &mut Vec<Finding>,
) {
    let mut found = Vec::new();
    let mut judge = Judge { prefilled, old: Some(old), ..Judge::new(new, Some(kind), compiled, options, &mut found) };
    judge.object(kind.schema());
    judge.same_uid(old);
    let from = Correlation { kind, old, client: options.client };
    out.extend(found.into_iter().filter(|finding| !from.stood_before(new, finding)));
}

impl<'a> Judge<'_, 'a> {
    /// A uid is the server's to give; another one than the stored object's is a conflict.
    fn same_uid(&mut self, old: &Object<'_>) {
        let keys = ["metadata", "uid"];
        let Some(uid) = self.object.at(&keys).filter(|uid| uid.as_str().is_some_and(|text| !text.is_empty())) else {
            return;
        };
        if old.at(&keys).and_then(|before| before.as_str()) != uid.as_str() {
            let message = "`metadata.uid` is not that of the object in the cluster; leave it out";
            self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, uid, message));
        }
    }

    /// What a value was before, where the server can tell which one that is.
    pub(super) fn old_value(&self, value: Value<'a>) -> Option<Effective<'_>> {
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

    /// Whether a fault is in a part that was the same before. Unknown fields, metadata and rules on `oldSelf` are judged anew.
    fn stood_before(&self, new: &Object<'c>, finding: &Finding) -> bool {
        let named = [rules::UNKNOWN_FIELD.name, rules::INVALID_METADATA.name, rules::RULE_NOT_CHECKED.name];
        if named.contains(&finding.rule.name) || finding.message.contains("oldSelf") {
            return false;
        }
        let Some(node) = finding.place.and_then(|place| place.node) else { return false };
        if node == new.root.index() {
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
