//! Alternatives: allOf, anyOf, oneOf, not. Their schemas only check; they neither drop nor fill in fields.
//!
//! They see the value with its defaults, so the check runs on [`Effective`] and not on the tape.

use crate::report::{Finding, Rule};
use crate::schema::defaults::Effective;
use crate::schema::table::{Additional, Json, Schema, Type};
use crate::yaml::Value;
use crate::yaml::tape::push_key;

use super::words::{one_of, type_name};
use super::{Compiled, Effect, Judge, rules, scalars};

/// One way in which a value fails an alternative.
struct Mismatch {
    /// From the value that has the alternatives.
    path: String,
    rule: &'static Rule,
    what: String,
}

impl<'a> Judge<'_, 'a> {
    /// Checks the alternatives of a written value.
    pub(super) fn composed(&mut self, schema: Schema<'_>, effective: Effective<'_>, value: Value<'a>) {
        let mut found = Vec::new();
        for alternative in schema.all_of() {
            mismatches(alternative, &effective, "", self.compiled, &mut found);
        }
        for mismatch in found {
            let path = join(&self.path(value), &mismatch.path);
            let message = format!("`{path}` {}; the API server refuses the object", mismatch.what);
            let finding = Finding::new(mismatch.rule, message).at(self.object.place(value)).path(path);
            self.add(Effect::Blocking, finding);
        }
        let path = self.path(value);
        let field = if path.is_empty() { "the object".to_owned() } else { format!("`{path}`") };
        if schema.any_of().len() > 0 && !schema.any_of().any(|one| holds(one, &effective, self.compiled)) {
            let message =
                format!("{field} fits none of its alternatives: {}", self.alternatives(schema.any_of(), &effective));
            self.add(Effect::Blocking, self.object.finding(&rules::UNION_MISMATCH, value, message));
        }
        if schema.one_of().len() > 0 {
            let fitting = schema.one_of().filter(|one| holds(*one, &effective, self.compiled)).count();
            if fitting != 1 {
                let how = if fitting == 0 { "fits none" } else { "fits more than one" };
                let alternatives = self.alternatives(schema.one_of(), &effective);
                let message =
                    format!("{field} {how} of its alternatives, of which exactly one must hold: {alternatives}");
                self.add(Effect::Blocking, self.object.finding(&rules::UNION_MISMATCH, value, message));
            }
        }
        if schema.not().is_some_and(|not| holds(not, &effective, self.compiled)) {
            let names: Vec<String> = schema.not().into_iter().flat_map(Schema::required).map(str::to_owned).collect();
            let message = match names.as_slice() {
                [] => format!("{field} has a value that is ruled out here"),
                names => format!("{field} must not have {} set", one_of(names)),
            };
            self.add(Effect::Blocking, self.object.finding(&rules::UNION_MISMATCH, value, message));
        }
    }

    /// The alternatives in words: the fields that each wants, or how the value fails the nearest one.
    fn alternatives<'s>(&self, all: impl Iterator<Item = Schema<'s>> + Clone, value: &Effective<'_>) -> String {
        let wanted: Vec<String> = all.clone().map(|one| one.required().collect::<Vec<_>>().join("` and `")).collect();
        if wanted.iter().all(|names| !names.is_empty()) {
            return format!("set {}", one_of(&wanted));
        }
        let fails = |one| {
            let mut found = Vec::new();
            mismatches(one, value, "", self.compiled, &mut found);
            found
        };
        let nearest = all.map(fails).filter(|found| !found.is_empty()).min_by_key(Vec::len).unwrap_or_default();
        let said: Vec<String> = nearest
            .iter()
            .take(3)
            .map(|found| {
                if found.path.is_empty() {
                    format!("it {}", found.what)
                } else {
                    format!("`{}` {}", found.path, found.what)
                }
            })
            .collect();
        if said.is_empty() { "they contradict each other".to_owned() } else { said.join(", ") }
    }
}

/// Whether a value fits a schema.
pub(super) fn holds(schema: Schema<'_>, value: &Effective<'_>, compiled: &Compiled) -> bool {
    let mut found = Vec::new();
    mismatches(schema, value, "", compiled, &mut found);
    found.is_empty()
}

/// Every way in which a value fails a schema.
fn mismatches(schema: Schema<'_>, value: &Effective<'_>, path: &str, compiled: &Compiled, found: &mut Vec<Mismatch>) {
    let fail = |rule: &'static Rule, what: String| Mismatch { path: path.to_owned(), rule, what };
    let ty = schema.ty();
    if let Some(scalar) = value.scalar() {
        scalars::faults(schema, &scalar, compiled, &mut |fault| {
            let (rule, what) = fault_words(schema, &fault);
            found.push(fail(rule, what));
        });
        if value.is_null() {
            return;
        }
    } else if !matches!((value.is_map(), ty), (_, Type::Any) | (true, Type::Object) | (false, Type::Array)) {
        return found.push(fail(&rules::WRONG_TYPE, format!("must be {}", type_name(ty))));
    } else if value.is_map() {
        map_mismatches(schema, value, path, compiled, found);
    } else {
        list_mismatches(schema, value, path, compiled, found);
    }
    if value.scalar().is_none() && schema.has_checks() {
        let outside = schema.checks().enumeration().is_some_and(|mut all| !all.any(|one| equals_json(value, one)));
        if outside {
            found.push(fail(&rules::INVALID_VALUE, "is none of the values that are allowed".into()));
        }
    }
    if schema.is_composed() {
        schema.all_of().for_each(|one| mismatches(one, value, path, compiled, found));
        let fits_any = schema.any_of().len() == 0 || schema.any_of().any(|one| holds(one, value, compiled));
        let fits_one =
            schema.one_of().len() == 0 || schema.one_of().filter(|one| holds(*one, value, compiled)).count() == 1;
        if !fits_any || !fits_one || schema.not().is_some_and(|not| holds(not, value, compiled)) {
            found.push(fail(&rules::UNION_MISMATCH, "fits none of its alternatives".into()));
        }
    }
}

fn map_mismatches(
    schema: Schema<'_>,
    value: &Effective<'_>,
    path: &str,
    compiled: &Compiled,
    found: &mut Vec<Mismatch>,
) {
    for name in schema.required() {
        if value.get(name).is_none() {
            found.push(Mismatch {
                path: key_path(path, name),
                rule: &rules::REQUIRED_FIELD,
                what: "is required and missing".into(),
            });
        }
    }
    for (name, property) in schema.properties() {
        if let Some(child) = value.get(name) {
            mismatches(property.schema, &child, &key_path(path, name), compiled, found);
        }
    }
    let others = || value.entries().filter(|(key, _)| schema.property(key).is_none());
    match schema.additional() {
        Additional::Schema(values) => {
            others().for_each(|(key, child)| mismatches(values, &child, &key_path(path, &key), compiled, found));
        }
        Additional::Forbidden => {
            for (key, _) in others() {
                let what = "is not allowed here".to_owned();
                found.push(Mismatch { path: key_path(path, &key), rule: &rules::UNION_MISMATCH, what });
            }
        }
        Additional::Any | Additional::Absent => {}
    }
    if schema.has_checks() {
        let checks = schema.checks();
        let has = value.entries().count();
        let wrong = checks.min_properties().is_some_and(|least| has < least as usize)
            || checks.max_properties().is_some_and(|most| has > most as usize);
        if wrong {
            let what = format!("has {has} fields, which is too few or too many");
            found.push(Mismatch { path: path.to_owned(), rule: &rules::OUT_OF_BOUNDS, what });
        }
    }
}

fn list_mismatches(
    schema: Schema<'_>,
    value: &Effective<'_>,
    path: &str,
    compiled: &Compiled,
    found: &mut Vec<Mismatch>,
) {
    let mut has = 0;
    for (n, item) in value.items().enumerate() {
        has = n + 1;
        if let Some(items) = schema.items() {
            mismatches(items, &item, &format!("{path}[{n}]"), compiled, found);
        }
    }
    if schema.has_checks() {
        let checks = schema.checks();
        let wrong = checks.min_items().is_some_and(|least| has < least as usize)
            || checks.max_items().is_some_and(|most| has > most as usize);
        if wrong {
            let what = format!("has {has} items, which is too few or too many");
            found.push(Mismatch { path: path.to_owned(), rule: &rules::OUT_OF_BOUNDS, what });
        }
    }
}

fn key_path(path: &str, key: &str) -> String {
    let mut path = path.to_owned();
    push_key(&mut path, key);
    path
}

fn join(path: &str, below: &str) -> String {
    match (path, below) {
        ("", below) => below.to_owned(),
        (path, "") => path.to_owned(),
        (path, below) if below.starts_with('[') => format!("{path}{below}"),
        (path, below) => format!("{path}.{below}"),
    }
}

/// Whether a value equals one of the table.
pub(super) fn equals_json(value: &Effective<'_>, json: Json<'_>) -> bool {
    let mut sorted = json.to_json();
    sorted.sort_all_objects();
    value.to_json() == sorted
}

fn fault_words(schema: Schema<'_>, fault: &scalars::Fault) -> (&'static Rule, String) {
    use scalars::Fault;
    match fault {
        Fault::Type => (&rules::WRONG_TYPE, format!("must be {}", type_name(schema.ty()))),
        Fault::Null => (&rules::NULL_VALUE, "is null".into()),
        Fault::TooLong { most, .. } => (&rules::OUT_OF_BOUNDS, format!("must have at most {most} characters")),
        Fault::TooShort { least, .. } => (&rules::OUT_OF_BOUNDS, format!("must have at least {least} characters")),
        Fault::Pattern => {
            let pattern = schema.checks().pattern().map_or("", |pattern| pattern.text);
            (&rules::PATTERN_MISMATCH, format!("must match the pattern `{pattern}`"))
        }
        Fault::Format => (
            &rules::INVALID_FORMAT,
            format!("must be in the format `{}`", schema.checks().format().unwrap_or_default()),
        ),
        Fault::TooSmall { least, .. } => (&rules::OUT_OF_BOUNDS, format!("must be at least {least}")),
        Fault::TooLarge { most, .. } => (&rules::OUT_OF_BOUNDS, format!("must be at most {most}")),
        Fault::NotMultiple { of } => (&rules::OUT_OF_BOUNDS, format!("must be a multiple of {of}")),
        Fault::Range { of } => (&rules::OUT_OF_BOUNDS, format!("must fit {of}")),
        Fault::BrokenBound { of, .. } => (&rules::OUT_OF_BOUNDS, format!("has a bound that does not fit {of}")),
        Fault::Enum => {
            let allowed: Vec<String> =
                schema.checks().enumeration().into_iter().flatten().map(|v| v.to_json().to_string()).collect();
            (&rules::INVALID_VALUE, format!("must be {}", one_of(&allowed)))
        }
    }
}
