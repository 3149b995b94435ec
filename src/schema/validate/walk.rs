//! The walk: a value of the tape beside its schema, fields and their absence.

use std::borrow::Cow;

use crate::report::{Finding, Severity};
use crate::schema::defaults::{Effective, Null, null_under_key};
use crate::schema::suggest;
use crate::schema::table::{Additional, Property, Schema, Type};
use crate::yaml::tape::push_key;
use crate::yaml::{Kind, Scalar, Value};

use super::scalars::fits;
use super::words::{counted, one_of};
use super::{Client, Effect, Judge, rules};

/// The keys that every object has.
pub(super) fn is_meta_key(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

/// The fields of a mapping, as far as the walk saw them.
#[derive(Clone, Copy, Default)]
struct FieldCount {
    /// Declared, with a value other than null.
    declared: u32,
    /// All others that are written.
    others: u32,
}

impl<'j, 'a> Judge<'j, 'a> {
    /// Judges the whole object.
    pub(super) fn object(&mut self, schema: Schema<'j>) {
        let root = self.object.root;
        self.object_metadata();
        let before = self.blocking;
        self.map(schema, root, true);
        if self.client == Client::Apply {
            self.apply_only(schema, root);
        }
        self.whole_object(schema, before);
    }

    /// What holds for the object as a whole; `before` is what was blocking when its fields began to be judged.
    pub(super) fn whole_object(&mut self, schema: Schema<'_>, before: usize) {
        let root = self.object.root;
        if schema.is_composed() {
            self.composed(schema, self.effective_root(schema), root);
        }
        if schema.has_rules() && self.blocking == before {
            self.cel_rules(schema, self.effective_root(schema), root);
        }
        self.refused_elsewhere(schema, root);
    }

    /// The object as the server sees it.
    fn effective_root<'s>(&self, schema: Schema<'s>) -> Effective<'s>
    where
        'a: 's,
    {
        Effective::root(self.object.root, schema, self.drops_status(), self.client)
    }

    /// Judges a value under a schema. `null` is the caller's business: what becomes of it depends on where it stands.
    pub(super) fn value(&mut self, schema: Schema<'_>, value: Value<'a>) {
        let (blocking, complaints) = (self.blocking, self.complaints);
        match (value.kind(), schema.ty()) {
            (Kind::Map, Type::Object | Type::Any) => {
                self.map(schema, value, schema.embedded_resource());
                if schema.embedded_resource() {
                    self.embedded_metadata(value);
                }
            }
            (Kind::Seq, Type::Array | Type::Any) => self.list(schema, value),
            // The server's check of types looks at the format alone where one is given, and only text has a format.
            (Kind::Seq, Type::String) if self.client != Client::Apply && has_known_format(schema) => {}
            (Kind::Scalar, _) => {
                if let Some(scalar) = value.scalar() {
                    self.scalar(schema, value, &scalar);
                }
            }
            _ => {
                let finding = self.wrong_type(schema, value);
                self.add(Effect::Blocking, finding);
                return;
            }
        }
        if schema.is_composed() && self.complaints == complaints {
            self.composed(schema, Effective::new(value, schema, self.client), value);
        }
        if schema.has_rules() && self.blocking == blocking {
            self.cel_rules(schema, Effective::new(value, schema, self.client), value);
        }
    }

    /// Judges a mapping. `is_resource`: `apiVersion`, `kind` and `metadata` are looked at elsewhere.
    pub(super) fn map(&mut self, schema: Schema<'_>, map: Value<'a>, is_resource: bool) {
        let mut required = 0;
        let mut count = FieldCount::default();
        let is_root = map.index() == self.object.root.index();
        for entry in map.entries() {
            let Some(key) = entry.key() else { continue };
            let property = schema.property(&key);
            if is_resource && is_meta_key(&key) {
                let is_null = entry.is_null() && !is_root;
                let present = match property.filter(|_| is_null) {
                    Some(property) => self.field(property.schema, entry),
                    None => true,
                };
                required += usize::from(present && property.is_some_and(|property| property.required));
                self.described_metadata(property, &key, entry);
                count.others += 1;
                continue;
            }
            match property {
                Some(property) if is_root && key == "status" && self.drops_status() => {
                    count.others += 1;
                    self.dropped(Some(property.schema), entry);
                }
                Some(property) => {
                    let present = self.field(property.schema, entry);
                    required += usize::from(present && property.required);
                    *(if is_written_null(entry) { &mut count.others } else { &mut count.declared }) += 1;
                }
                None => {
                    self.undeclared(schema, map, &key, entry);
                    count.others += 1;
                }
            }
        }
        if required < schema.required().len() {
            self.missing_fields(schema, map);
        }
        if schema.has_checks() {
            self.count_of_fields(schema, map, count);
        }
    }

    /// Judges the value under a declared key; whether the field counts as present.
    fn field(&mut self, schema: Schema<'_>, entry: Value<'a>) -> bool {
        if is_written_null(entry) {
            let fate = if self.is_native() { Null::Dropped } else { null_under_key(schema, self.client) };
            return match fate {
                Null::Kept => {
                    self.scalar(schema, entry, &Scalar::Null);
                    true
                }
                Null::Defaulted => true,
                Null::Dropped => false,
                Null::Refused => {
                    let finding = self.null_finding(schema, entry);
                    self.add(Effect::Blocking, finding);
                    true
                }
            };
        }
        self.value(schema, entry);
        true
    }

    /// What a CRD says of the object's own `metadata` (a name's pattern, for instance), beside what holds for all objects.
    pub(super) fn described_metadata(&mut self, property: Option<Property<'_>>, key: &str, entry: Value<'a>) {
        let Some(property) = property.filter(|property| property.schema.property_count() > 0) else { return };
        if key != "metadata" {
            return;
        }
        for field in entry.entries() {
            let described = field.key().and_then(|key| property.schema.property(&key));
            // A null here is no value: the server has decoded it to nothing before it looks. What is of another type it could not
            // decode, and that is told already.
            if let (Some(described), Some(scalar)) =
                (described, field.scalar().filter(|scalar| *scalar != Scalar::Null))
                && fits(described.schema.ty(), &scalar)
            {
                self.scalar(described.schema, field, &scalar);
            }
        }
    }

    /// A key that is no property.
    fn undeclared(&mut self, schema: Schema<'_>, map: Value<'a>, key: &str, entry: Value<'a>) {
        match schema.additional() {
            Additional::Schema(values) => {
                self.field(values, entry);
            }
            Additional::Any => self.undescribed(entry),
            _ if schema.preserve_unknown() || self.applies_anything(schema) => {}
            _ => self.unknown_field(Some(schema), map, key, entry),
        }
    }

    /// Server-side apply prunes nothing: it knows the fields of a mapping that declares some, and lets all others be.
    pub(super) fn applies_anything(&self, schema: Schema<'_>) -> bool {
        self.client == Client::Apply && schema.property_count() == 0
    }

    /// A value that the server drops after decoding: unknown fields in it are unknown all the same.
    fn dropped(&mut self, schema: Option<Schema<'_>>, value: Value<'a>) {
        let Some(schema) = schema else { return self.undescribed(value) };
        for item in value.items() {
            if schema.items().is_some() || !schema.preserve_unknown() {
                self.dropped(schema.items(), item);
            }
        }
        for entry in value.entries() {
            let key = entry.key().unwrap_or_default();
            match (schema.property(&key), schema.additional()) {
                (Some(property), _) => self.dropped(Some(property.schema), entry),
                (None, Additional::Schema(values)) => self.dropped(Some(values), entry),
                (None, Additional::Any) => self.undescribed(entry),
                _ if schema.preserve_unknown() || self.applies_anything(schema) => {}
                _ => self.unknown_field(Some(schema), value, &key, entry),
            }
        }
    }

    /// A value that nothing describes and nothing keeps: every field within is unknown.
    pub(super) fn undescribed(&mut self, value: Value<'a>) {
        if self.client == Client::Apply {
            return;
        }
        for child in value.children() {
            match child.key() {
                Some(key) if value.is_map() => self.unknown_field(None, value, &key, child),
                _ => self.undescribed(child),
            }
        }
    }

    fn unknown_field(&mut self, schema: Option<Schema<'_>>, map: Value<'a>, key: &str, entry: Value<'a>) {
        let path = self.path(entry);
        let parent = self.path(map);
        let holder = if parent.is_empty() { "the object".to_owned() } else { format!("`{parent}`") };
        let fate = match self.client {
            Client::Warn => "the API server drops it with a warning: it has no effect",
            _ => "the API server refuses the object",
        };
        let mut message = format!("`{key}` is no field of {holder} in {}; {fate}", self.kind_name());
        let known: Vec<&str> = schema.iter().flat_map(|schema| schema.properties().map(|(name, _)| name)).collect();
        let near = suggest::nearest(key, known.iter().copied());
        let moved = if near.is_none() { self.moved(key, &path) } else { None };
        let near = near.or_else(|| suggest::beginning(key, known.iter().copied()).filter(|_| moved.is_none()));
        let kind = &self.object.kind;
        let mut elsewhere = Some(format!("leave it out; capi-lint schema show {kind} lists the fields"));
        if let Some((_, sentence)) = &moved {
            message.push_str(sentence);
        } else if near.is_none() && (1..=8).contains(&known.len()) {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            message.push_str(". Known here: ");
            message.push_str(&one_of(&known));
            elsewhere = None;
        }
        let mut finding = Finding::new(&rules::UNKNOWN_FIELD, message).at(self.object.key_place(entry)).path(path);
        finding.suggestion =
            near.map(|near| format!("write `{near}`")).or_else(|| moved.map(|(place, _)| place)).or(elsewhere);
        if self.client == Client::Warn {
            finding.severity = Severity::Warning;
        }
        // On the server it hides everything else; here everything else is judged as if it were not there.
        self.out.push(finding);
    }

    /// Where a field lives that is unknown at this path: elsewhere in this version, or here in another one.
    fn moved(&self, key: &str, path: &str) -> Option<(String, String)> {
        let kind = self.kind?;
        let is_telling = !suggest::is_common_name(key);
        let here = if is_telling { suggest::places_of(key, kind.schema()) } else { Vec::new() };
        let versions = kind.schema().table().kind(kind.group(), kind.kind());
        let other = versions
            .filter(|other| other.version() != kind.version() && suggest::schema_at(other.schema(), path).is_some())
            .max_by_key(|other| (other.served(), other.version()));
        // Of several places, the one that shares most of the path is the likeliest.
        let shared = |place: &str| place.split('.').zip(path.split('.')).take_while(|(a, b)| a == b).count();
        let best = here.iter().max_by_key(|place| (shared(place), std::cmp::Reverse(place.len())));
        let is_clear = |place: &&String| {
            here.len() == 1
                || here.iter().filter(|other| shared(other) == shared(place)).count() == 1 && shared(place) > 1
                || suggest::is_beside(place, path, &here)
        };
        let place = best.filter(is_clear);
        match (place, other) {
            (Some(place), Some(other)) => {
                Some((place.clone(), format!(". It is one in {}; here it is `{place}`", other.version())))
            }
            (Some(place), None) => Some((place.clone(), format!(". It belongs to `{place}`"))),
            (None, Some(other)) => {
                let parent = path.strip_suffix(key).unwrap_or_default().trim_end_matches('.');
                let parents = [kind, other].map(|kind| suggest::schema_at(kind.schema(), parent));
                let renamed = match parents {
                    [Some(here), Some(there)] => suggest::renamed(key, here, there),
                    _ => None,
                };
                let version = format!("{}/{}", other.group(), other.version());
                let is = if other.served() { "is one in" } else { "was one in" };
                Some(match renamed {
                    Some(name) if !other.served() => (
                        format!("write `{name}`"),
                        format!(". It {is} {}; here it seems to be `{name}`", other.version()),
                    ),
                    None if !other.served() => (
                        format!("leave it out; capi-lint schema show {} lists the fields", kind.kind()),
                        format!(
                            ". It {is} {}, which is no longer served: its place or name has changed since, or it is gone",
                            other.version()
                        ),
                    ),
                    Some(name) => (
                        format!("write `{name}`, or apiVersion {version} for the whole object"),
                        format!(". It {is} {}; here it seems to be `{name}`", other.version()),
                    ),
                    None => (
                        format!("apiVersion {version} for the whole object"),
                        format!(". It {is} {}: its place or name has changed between the versions", other.version()),
                    ),
                })
            }
            (None, None) => None,
        }
    }

    /// Reports the required fields that are neither written nor filled in.
    fn missing_fields(&mut self, schema: Schema<'_>, map: Value<'a>) {
        let is_root = map.index() == self.object.root.index();
        let effective = if is_root { self.effective_root(schema) } else { Effective::new(map, schema, self.client) };
        for name in schema.required() {
            if effective.get(name).is_some() {
                continue;
            }
            let mut path = self.path(map);
            push_key(&mut path, name);
            if self.prefilled.iter().any(|filled| matches_path(filled, &path)) {
                continue;
            }
            let is_null = map.get(name).is_some();
            let why = if is_null {
                "is required and set to null, which counts as missing"
            } else {
                "is required and missing"
            };
            let message = format!("`{path}` {why}; the API server refuses the object");
            let anchor = if is_root { map.get("kind").unwrap_or(map) } else { map };
            let finding = Finding::new(&rules::REQUIRED_FIELD, message).at(self.object.key_place(anchor)).path(path);
            self.add(Effect::Blocking, finding);
        }
    }

    /// How many fields of a mapping are filled in by webhooks because they are not written.
    fn prefilled_in(&self, map: Value<'a>, effective: &Effective<'a>) -> usize {
        if self.prefilled.is_empty() {
            return 0;
        }
        let path = self.path(map);
        let field = |filled: &&str| {
            filled
                .rsplit_once('.')
                .is_some_and(|(parent, name)| matches_path(parent, &path) && effective.get(name).is_none())
        };
        self.prefilled.iter().filter(|filled| field(filled)).count()
    }

    fn count_of_fields(&mut self, schema: Schema<'_>, map: Value<'a>, written: FieldCount) {
        let checks = schema.checks();
        let (least, most) = (checks.min_properties(), checks.max_properties());
        let is_enum = checks.enumeration().is_some();
        // Declared fields with a value count for certain; what else there is need not be looked at where it changes nothing.
        let is_enough = least.is_none_or(|least| written.declared >= least);
        let is_exact = written.others == 0 && !schema.has_child_defaults();
        let is_few = most.is_none_or(|most| is_exact && written.declared <= most);
        if is_enough && is_few && !is_enum {
            return;
        }
        let is_root = map.index() == self.object.root.index();
        let effective = if is_root { self.effective_root(schema) } else { Effective::new(map, schema, self.client) };
        let has = effective.entries().count() + self.prefilled_in(map, &effective);
        let bound = match (least, most) {
            (Some(least), _) if has < least as usize => Some((format!("at least {least}"), Effect::Harmless)),
            (_, Some(most)) if has > most as usize => Some((format!("at most {most}"), Effect::Blocking)),
            _ => None,
        };
        if let Some((bound, effect)) = bound {
            let path = self.path(map);
            let message = format!("`{path}` has {}; it must have {bound}", counted(has as u64, "field"));
            self.add(effect, self.object.finding(&rules::OUT_OF_BOUNDS, map, message));
        }
        if checks
            .enumeration()
            .is_some_and(|mut values| !values.any(|value| super::union::equals_json(&effective, value)))
        {
            let path = self.path(map);
            let message = format!("`{path}` is none of the values that the API server allows here");
            self.add(Effect::Blocking, self.object.finding(&rules::INVALID_VALUE, map, message));
        }
    }

    /// Whether values may not be shown.
    pub(super) fn holds_secrets(&self) -> bool {
        self.object.kind == "Secret"
    }
}

/// Whether a value is `null`. Most are too long for it, and need not be resolved to tell.
pub(super) fn is_written_null(value: Value<'_>) -> bool {
    value.is_null()
}

/// Whether the server checks the format of this text.
fn has_known_format(schema: Schema<'_>) -> bool {
    schema.has_checks() && schema.checks().format().is_some_and(is_known_format)
}

fn is_known_format(format: &str) -> bool {
    crate::schema::formats::Format::named(format).is_some() || format == "password"
}

/// Whether a path is one that a pattern with `[*]` names.
fn matches_path(pattern: &str, path: &str) -> bool {
    let generic: Cow<'_, str> = if path.contains('[') {
        let mut out = String::new();
        for (n, part) in path.split('[').enumerate() {
            match part.split_once(']') {
                Some((inside, rest)) if n > 0 && inside.bytes().all(|b| b.is_ascii_digit()) => {
                    out.push_str("[*]");
                    out.push_str(rest);
                }
                _ if n > 0 => {
                    out.push('[');
                    out.push_str(part);
                }
                _ => out.push_str(part),
            }
        }
        Cow::Owned(out)
    } else {
        Cow::Borrowed(path)
    };
    pattern == path || pattern == generic
}
