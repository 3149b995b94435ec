//! What server-side apply refuses beyond the schema: before anything is defaulted, the body must fit the types of the kind's
//! published description, `status` included, and lists with keys must tell their items apart.

use crate::schema::table::{Additional, ListType, Schema, Type};
use crate::yaml::{Kind, Scalar, Value};

use super::words::one_of;
use super::{Effect, Judge, rules};

impl<'a> Judge<'_, 'a> {
    /// Reports what only an apply refuses.
    pub(super) fn apply_only(&mut self, schema: Schema<'_>, root: Value<'a>) {
        if let Some(metadata) = root.get("metadata") {
            self.applied_metadata(metadata);
        }
        let status = root.get("status").zip(schema.property("status"));
        if let Some((value, property)) = status.filter(|_| self.drops_status()) {
            self.fits_type(property.schema, value);
        }
    }

    fn applied_metadata(&mut self, metadata: Value<'a>) {
        // A list with something else than mappings in it reads as none.
        let is_given = |value: &Value<'a>| value.is_seq() && value.items().all(|item| item.is_map());
        if let Some(value) = metadata.get("managedFields").filter(is_given) {
            let message =
                "`metadata.managedFields` is the server's own; server-side apply refuses an object that has it";
            self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, value, message));
        }
        if let Some(value) = metadata.get("uid").filter(|uid| uid.as_str().is_some_and(|uid| !uid.is_empty())) {
            let message =
                "`metadata.uid` asks for one particular object; server-side apply creates none under a given uid";
            self.add(Effect::Harmless, self.object.finding(&rules::INVALID_METADATA, value, message));
        }
        for (list, key) in [("finalizers", None), ("ownerReferences", Some("uid"))] {
            let items: Vec<Value<'a>> = metadata.get(list).into_iter().flat_map(|list| list.items()).collect();
            let text = |item: &Value<'a>| key.map_or(Some(*item), |key| item.get(key)).and_then(|value| value.as_str());
            for (n, item) in items.iter().enumerate() {
                if items[..n].iter().any(|other| text(other) == text(item)) {
                    let message = format!("`{}` stands twice; server-side apply refuses the object", self.path(*item));
                    self.add(Effect::Harmless, self.object.finding(&rules::DUPLICATE_ITEM, *item, message));
                }
            }
        }
    }

    /// The items of a set or of a list with keys must be such that they can be told apart.
    pub(super) fn applied_list(&mut self, schema: Schema<'_>, list: Value<'a>) {
        for item in list.items() {
            let what = match schema.list_type() {
                ListType::Map if item.is_map() => {
                    self.tells_itself_apart(schema, item);
                    continue;
                }
                ListType::Map | ListType::Set if item.is_null() => "null",
                ListType::Set if item.is_map() => "a mapping",
                ListType::Set if item.is_seq() => "a list",
                _ => continue,
            };
            let path = self.path(item);
            let message = format!(
                "`{path}` is {what}, by which server-side apply cannot tell items apart; it refuses the object"
            );
            self.add(Effect::Blocking, self.object.finding(&rules::WRONG_TYPE, item, message));
        }
    }

    /// An item of a list with keys must have at least one of them, or a default for one.
    fn tells_itself_apart(&mut self, schema: Schema<'_>, item: Value<'a>) {
        let has_default = |key: &str| {
            schema.items().and_then(|items| items.property(key)).is_some_and(|key| key.schema.default().is_some())
        };
        if !schema.list_map_keys().any(|key| item.get(key).is_some() || has_default(key)) {
            let keys: Vec<String> = schema.list_map_keys().map(str::to_owned).collect();
            let message =
                format!("`{}` has no {}; server-side apply refuses the object", self.path(item), one_of(&keys));
            self.add(Effect::Blocking, self.object.finding(&rules::REQUIRED_FIELD, item, message));
        }
    }

    /// Whether a value that the server drops later has at least the right type: apply looks before it drops.
    fn fits_type(&mut self, schema: Schema<'_>, value: Value<'a>) {
        match (value.kind(), schema.ty()) {
            (Kind::Map, Type::Object) => {
                for entry in value.entries() {
                    let key = entry.key().unwrap_or_default();
                    match (schema.property(&key), schema.additional()) {
                        (Some(property), _) => self.fits_type(property.schema, entry),
                        (None, Additional::Schema(values)) => self.fits_type(values, entry),
                        _ => {} // unknown fields are reported for all clients
                    }
                }
            }
            (Kind::Seq, Type::Array) => {
                for (item, items) in value.items().filter_map(|item| Some((item, schema.items()?))) {
                    self.fits_type(items, item);
                }
                self.applied_list(schema, value);
                self.repetitions(schema, value, value.items().count());
            }
            (_, Type::Any) => {}
            (Kind::Scalar, ty) => {
                let fits = match (ty, value.scalar()) {
                    (_, None | Some(Scalar::Null)) | (Type::IntOrString, _) => true,
                    // Text of a format has no type in what apply looks at; bytes are text.
                    (Type::String, Some(scalar)) => {
                        matches!(scalar, Scalar::Str(_))
                            || schema.checks().format().is_some_and(|format| format != "byte")
                    }
                    (Type::Boolean, Some(scalar)) => matches!(scalar, Scalar::Bool(_)),
                    (Type::Integer | Type::Number, Some(scalar)) => {
                        matches!(scalar, Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_))
                    }
                    _ => false,
                };
                if !fits {
                    let finding = self.wrong_type(schema, value);
                    self.add(Effect::Blocking, finding);
                }
            }
            _ => {
                let finding = self.wrong_type(schema, value);
                self.add(Effect::Blocking, finding);
            }
        }
    }
}
