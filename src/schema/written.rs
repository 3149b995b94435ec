//! What CEL sees of a manifest as it is written, before any server has typed it: the declaration that rules of the settings are
//! checked against.
//!
//! Unlike the server's ([`super::declare`]) it knows all versions of a kind at once, since one rule looks at all of them, and what a
//! schema leaves open may be anything. It must never miss a field that a manifest can have.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use super::bundle::Schemas;
use super::cel::check::declared::{Declared, Shape, escape};
use super::cel::check::types::Type as CelType;
use super::table::{Additional, Schema, Type};

/// The most versions of kinds that are put together: a rule for more of them is one for everything.
const MOST: usize = 40;

/// The declaration of all kinds that fit, in all of their versions; nothing where none is known or they are too many.
pub fn declared(schemas: &Schemas, fits: impl Fn(&str, &str) -> bool) -> Option<Rc<Declared>> {
    let kinds: Vec<_> = schemas.kinds().filter(|kind| fits(kind.group(), kind.kind())).take(MOST + 1).collect();
    if kinds.len() > MOST {
        return None;
    }
    let meta = schemas.object_meta().map(value);
    kinds.into_iter().map(|kind| object(kind.schema(), meta.as_ref())).reduce(|a, b| merged(&a, &b))
}

fn anything() -> Rc<Declared> {
    Rc::new(Declared::plain(CelType::Dyn, 1, 0))
}

/// An object with its identity.
fn object(schema: Schema<'_>, meta: Option<&Rc<Declared>>) -> Rc<Declared> {
    let declared = value(schema);
    let Shape::Object(fields) = &declared.shape else { return declared };
    let mut fields = fields.clone();
    for name in ["apiVersion", "kind"] {
        fields.insert(name.to_owned(), Rc::new(Declared::text(None)));
    }
    fields.insert("metadata".to_owned(), meta.map_or_else(anything, Rc::clone));
    Rc::new(Declared::object(fields, 2))
}

fn value(schema: Schema<'_>) -> Rc<Declared> {
    let declared = match schema.ty() {
        Type::Boolean => Declared::plain(CelType::Bool, 4, 0),
        Type::Integer => Declared::plain(CelType::Int, 1, 0),
        Type::String => Declared::text(None),
        // A number may be written as a whole one.
        Type::Any | Type::IntOrString | Type::Number => return anything(),
        Type::Array => match schema.items() {
            Some(items) => Declared::list(value(items), None),
            None => return anything(),
        },
        Type::Object if schema.preserve_unknown() => return anything(),
        Type::Object => match schema.additional() {
            Additional::Schema(values) if schema.property_count() == 0 => Declared::map(value(values), None),
            _ if schema.property_count() == 0 => return anything(),
            _ => {
                let properties = schema.properties();
                let named = properties.filter_map(|(name, property)| Some((escape(name)?, value(property.schema))));
                Declared::object(named.collect::<BTreeMap<_, _>>(), 2)
            }
        },
    };
    Rc::new(declared)
}

/// What has the fields of both.
fn merged(a: &Rc<Declared>, b: &Rc<Declared>) -> Rc<Declared> {
    match (&a.shape, &b.shape) {
        (Shape::Object(ours), Shape::Object(theirs)) => {
            let mut fields = ours.clone();
            for (name, field) in theirs {
                match fields.entry(name.clone()) {
                    Entry::Vacant(free) => {
                        free.insert(Rc::clone(field));
                    }
                    Entry::Occupied(mut known) => {
                        let both = merged(known.get(), field);
                        known.insert(both);
                    }
                }
            }
            Rc::new(Declared::object(fields, 2))
        }
        (Shape::List(ours), Shape::List(theirs)) => Rc::new(Declared::list(merged(ours, theirs), None)),
        (Shape::Map(ours), Shape::Map(theirs)) => Rc::new(Declared::map(merged(ours, theirs), None)),
        (Shape::Plain(ours), Shape::Plain(theirs)) if ours.is(theirs) => Rc::clone(a),
        _ => anything(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::cel::CelError;
    use crate::schema::cel::check::{Checker, OldSelf};

    #[test]
    fn fields_of_any_version_are_known() {
        let schemas = Schemas::default();
        let declared = declared(&schemas, |_, kind| kind == "MachineDeployment").unwrap();
        let check = |text: &str| Checker::new().expression(text, &declared, OldSelf::Value).map(|_| ());
        for known in [
            "has(self.spec.strategy) || has(self.spec.rollout.strategy)",
            "self.metadata.labels['a'] == self.metadata.name && self.kind == 'x'",
            "self.spec.template.spec.infrastructureRef.name == self.spec.template.spec.infrastructureRef.apiGroup",
            "self.spec.rollout.strategy.rollingUpdate.maxSurge == 1",
        ] {
            check(known).unwrap_or_else(|error| panic!("{known}: {error}"));
        }
        for wrong in ["self.spec.replica > 1", "self.metadata.label.size() > 0", "has(self.spec.templat.spec)"] {
            assert!(matches!(check(wrong), Err(CelError::Field { .. })), "{wrong}: {:?}", check(wrong));
        }
    }
}
