//! What a schema says of a scalar by itself: its type, bounds, length, pattern, format, enum.
//!
//! [`faults`] is pure and serves the walk and the alternatives of [`super::union`] alike; the rest puts faults into words.

use crate::report::{Finding, Rule};
use crate::schema::formats;
use crate::schema::table::{Checks, Json, Schema, Type};
use crate::yaml::{Scalar, Value};

use super::words::{counted, one_of, quoted, scalar_name, type_name};
use super::{Compiled, Effect, Judge, rules};

/// What is wrong with a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    Type,
    Null,
    TooLong { most: u32, has: usize },
    TooShort { least: u32, has: usize },
    Pattern,
    Format,
    TooSmall { least: f64, exclusive: bool },
    TooLarge { most: f64, exclusive: bool },
    NotMultiple { of: f64 },
    Range { of: &'static str },
    BrokenBound { bound: f64, of: &'static str },
    Enum,
}

impl Fault {
    /// Whether the server runs no CEL after it.
    pub(super) fn effect(&self) -> Effect {
        match self {
            Fault::Type | Fault::Null | Fault::TooLong { .. } | Fault::Format | Fault::Enum => Effect::Blocking,
            _ => Effect::Harmless,
        }
    }
}

/// Calls `found` for each fault of a scalar under a schema.
pub(super) fn faults(schema: Schema<'_>, scalar: &Scalar<'_>, compiled: &Compiled, found: &mut impl FnMut(Fault)) {
    let ty = schema.ty();
    if !fits(ty, scalar) {
        let null = matches!(scalar, Scalar::Null);
        if null && schema.nullable() {
            // Null is one of its values; an enum still has a say.
        } else {
            return found(if null { Fault::Null } else { Fault::Type });
        }
    }
    if !schema.has_checks() {
        let number = if let Scalar::Float(number) = scalar { Some(Number::Float(*number)) } else { None };
        if let Some(of) = number.and_then(|number| range_fault(ty, None, number)) {
            found(Fault::Range { of });
        }
        return;
    }
    let checks = schema.checks();
    match scalar {
        Scalar::Str(text) => text_faults(schema, checks, text, compiled, found),
        Scalar::Int(number) => {
            number_faults(ty, checks, Number::Int(*number), found);
        }
        Scalar::UInt(number) => {
            number_faults(ty, checks, Number::Float(*number as f64), found);
        }
        Scalar::Float(number) => {
            number_faults(ty, checks, Number::Float(*number), found);
        }
        Scalar::Null | Scalar::Bool(_) => {}
    }
    if checks.enumeration().is_some_and(|mut values| !values.any(|value| equals(scalar, value))) {
        found(Fault::Enum);
    }
}

/// Whether a scalar is of a type. `null` is of none but [`Type::Any`].
pub(super) fn fits(ty: Type, scalar: &Scalar<'_>) -> bool {
    match ty {
        Type::Any => true,
        Type::Object | Type::Array => false,
        Type::String => matches!(scalar, Scalar::Str(_)),
        Type::Boolean => matches!(scalar, Scalar::Bool(_)),
        Type::Number => matches!(scalar, Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_)),
        Type::Integer => is_whole(scalar),
        Type::IntOrString => matches!(scalar, Scalar::Str(_)) || is_whole(scalar),
    }
}

fn is_whole(scalar: &Scalar<'_>) -> bool {
    match scalar {
        Scalar::Int(_) => true,
        Scalar::UInt(number) => is_whole_float(*number as f64),
        Scalar::Float(number) => is_whole_float(*number),
        _ => false,
    }
}

/// Whether the server takes a float for a whole number: within what JSON's readers agree on, and with a tolerance.
fn is_whole_float(number: f64) -> bool {
    const GREATEST: f64 = 9_007_199_254_740_991.0;
    const TOLERANCE: f64 = 1e-9;
    if !number.is_finite() || number.abs() > GREATEST {
        return false;
    }
    let whole = number.trunc();
    if number.fract() == 0.0 {
        return true;
    }
    // Go converts through an unsigned number: a negative one with a fraction comes out far away.
    number > 0.0 && whole != 0.0 && (number - whole).abs() / (number.abs() + whole.abs()) < TOLERANCE
}

#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

/// The range that type and `format` give a number, where the number is outside.
fn range_fault(ty: Type, format: Option<&str>, number: Number) -> Option<&'static str> {
    let of = if format == Some("int32") { "int32" } else { "int64" };
    match (ty, number) {
        (Type::Integer, Number::Int(number)) if of == "int32" => i32::try_from(number).is_err().then_some(of),
        (Type::Integer, Number::Float(number)) => {
            let greatest = if of == "int32" { f64::from(i32::MAX) } else { 9.3e18 };
            (number.fract() != 0.0 || number.abs() > greatest).then_some(of)
        }
        // controller-gen writes this type with `anyOf: [{type: integer}, {type: string}]`, and the first holds the number so too.
        (Type::IntOrString, Number::Float(number)) => (number.fract() != 0.0).then_some(of),
        (Type::Number, number) if format == Some("float") => {
            let number = match number {
                Number::Int(number) => number as f64,
                Number::Float(number) => number,
            };
            (number as f32).is_infinite().then_some("float")
        }
        _ => None,
    }
}

fn number_faults(ty: Type, checks: Checks<'_>, number: Number, found: &mut impl FnMut(Fault)) {
    if let Some(of) = range_fault(ty, checks.format(), number) {
        found(Fault::Range { of });
    }
    // The server holds the bounds themselves against the range, and where one is outside, nothing passes.
    for bound in [checks.multiple_of(), checks.maximum(), checks.minimum()].into_iter().flatten() {
        if let Some(of) = range_fault(ty, checks.format(), Number::Float(bound)) {
            found(Fault::BrokenBound { bound, of });
        }
    }
    // Whole numbers are compared with the whole part of a bound, as the server does it.
    if let Some(of) = checks.multiple_of() {
        let is_multiple = match number {
            Number::Int(number) => number.checked_rem(of as i64) == Some(0),
            Number::Float(number) => is_whole_float(if of < 1.0 { 1.0 / of * number } else { number / of }),
        };
        if !is_multiple {
            found(Fault::NotMultiple { of });
        }
    }
    if let Some(most) = checks.maximum() {
        let exclusive = checks.exclusive_maximum();
        let too_large = match number {
            Number::Int(number) => number > most as i64 || exclusive && number == most as i64,
            Number::Float(number) => number > most || exclusive && number >= most,
        };
        if too_large {
            found(Fault::TooLarge { most, exclusive });
        }
    }
    if let Some(least) = checks.minimum() {
        let exclusive = checks.exclusive_minimum();
        let too_small = match number {
            Number::Int(number) => number < least as i64 || exclusive && number == least as i64,
            Number::Float(number) => number < least || exclusive && number <= least,
        };
        if too_small {
            found(Fault::TooSmall { least, exclusive });
        }
    }
}

fn text_faults(schema: Schema<'_>, checks: Checks<'_>, text: &str, compiled: &Compiled, found: &mut impl FnMut(Fault)) {
    let (least, most) = (checks.min_length(), checks.max_length());
    let mut length_is_wrong = false;
    if least.is_some() || most.is_some() {
        let has = if text.is_ascii() { text.len() } else { text.chars().count() };
        if let Some(most) = most.filter(|most| has > *most as usize) {
            length_is_wrong = true;
            found(Fault::TooLong { most, has });
        } else if let Some(least) = least.filter(|least| has < *least as usize) {
            length_is_wrong = true;
            found(Fault::TooShort { least, has });
        }
    }
    let matches =
        |number| compiled.pattern(number, || checks.pattern().map_or("", |p| p.text)).is_some_and(|p| p.is_match(text));
    if checks.pattern_number().is_some_and(|number| !length_is_wrong && !matches(number)) {
        found(Fault::Pattern);
    }
    let has_format = matches!(schema.ty(), Type::String | Type::IntOrString | Type::Any);
    if has_format && checks.format().is_some_and(|format| !formats::check(format, text)) {
        found(Fault::Format);
    }
}

/// Whether a scalar is a value of an enum. Numbers compare after Go's conversion to the type of the enum's value.
fn equals(scalar: &Scalar<'_>, value: Json<'_>) -> bool {
    match (scalar, value) {
        (Scalar::Str(text), Json::Str(value)) => *text == value,
        (Scalar::Bool(truth), Json::Bool(value)) => *truth == value,
        (Scalar::Int(number), Json::Int(value)) => *number == value,
        (Scalar::Int(number), Json::Float(value)) => (*number as f64).total_cmp(&value).is_eq(),
        (Scalar::Float(number), Json::Float(value)) => number.total_cmp(&value).is_eq(),
        (Scalar::Float(number), Json::Int(value)) => *number as i64 == value,
        // Go converts a number to the character of that number.
        (Scalar::Int(number), Json::Str(value)) => {
            u32::try_from(*number).ok().and_then(char::from_u32).is_some_and(|c| value.chars().eq([c]))
        }
        _ => false,
    }
}

impl<'a> Judge<'_, 'a> {
    /// Checks a written scalar.
    pub(super) fn scalar(&mut self, schema: Schema<'_>, value: Value<'a>, scalar: &Scalar<'_>) {
        let mut found = Vec::new();
        faults(schema, scalar, self.compiled, &mut |fault| found.push(fault));
        for fault in found {
            if fault == Fault::Format && self.is_native() && is_base64_to_go(scalar) {
                continue;
            }
            let finding = self.fault_finding(schema, value, scalar, &fault);
            self.add(fault.effect(), finding);
        }
    }

    fn fault_finding(&self, schema: Schema<'_>, value: Value<'a>, scalar: &Scalar<'_>, fault: &Fault) -> Finding {
        let path = self.path(value);
        let field = if path.is_empty() { "the object".to_owned() } else { format!("`{path}`") };
        let has = scalar_name(scalar, self.holds_secrets());
        let checks = schema.checks();
        let (rule, message): (&'static Rule, String) = match fault {
            Fault::Type => return self.wrong_type(schema, value),
            Fault::Null => return self.null_finding(schema, value),
            Fault::TooLong { most, has } => (
                &rules::OUT_OF_BOUNDS,
                format!("{field} has {}; the API server takes {most} at most", counted(*has as u64, "character")),
            ),
            Fault::TooShort { least, has: 0 } => (
                &rules::OUT_OF_BOUNDS,
                format!("{field} is empty; the API server wants at least {}", counted(u64::from(*least), "character")),
            ),
            Fault::TooShort { least, has } => (
                &rules::OUT_OF_BOUNDS,
                format!("{field} has {}; the API server wants at least {least}", counted(*has as u64, "character")),
            ),
            Fault::Pattern => (
                &rules::PATTERN_MISMATCH,
                format!("{field}: {has} does not match the pattern `{}`", checks.pattern().map_or("", |p| p.text)),
            ),
            Fault::Format => {
                let format = checks.format().unwrap_or_default();
                (&rules::INVALID_FORMAT, format!("{field}: {has} is not in the format `{format}`"))
            }
            Fault::TooSmall { least, exclusive } => {
                let bound = if *exclusive { "greater than" } else { "at least" };
                (&rules::OUT_OF_BOUNDS, format!("{field}: {has} is too small; it must be {bound} {least}"))
            }
            Fault::TooLarge { most, exclusive } => {
                let bound = if *exclusive { "less than" } else { "at most" };
                (&rules::OUT_OF_BOUNDS, format!("{field}: {has} is too large; it must be {bound} {most}"))
            }
            Fault::NotMultiple { of } => (&rules::OUT_OF_BOUNDS, format!("{field}: {has} is no multiple of {of}")),
            Fault::Range { of } => (&rules::OUT_OF_BOUNDS, format!("{field}: {has} does not fit {of}")),
            Fault::BrokenBound { bound, of } => (
                &rules::OUT_OF_BOUNDS,
                format!(
                    "{field}: the API server takes no number here at all, for the kind itself is at fault: its bound {bound} \
                     does not fit {of}; leave the field out"
                ),
            ),
            Fault::Enum => return self.enum_finding(schema, value, &field, &has),
        };
        self.object.finding(rule, value, message)
    }

    fn enum_finding(&self, schema: Schema<'_>, value: Value<'a>, field: &str, has: &str) -> Finding {
        let allowed: Vec<String> = schema
            .checks()
            .enumeration()
            .into_iter()
            .flatten()
            .map(|json| match json {
                Json::Str("") => "\"\"".to_owned(),
                Json::Str(text) => text.to_owned(),
                other => other.to_json().to_string(),
            })
            .collect();
        let message = format!("{field}: {has} is not allowed; it must be {}", one_of(&allowed));
        let finding = self.object.finding(&rules::INVALID_VALUE, value, message);
        let written = value.as_str().unwrap_or_default();
        let near = crate::schema::suggest::nearest(&written, allowed.iter().map(String::as_str));
        match near.or_else(|| (allowed.len() == 1).then(|| allowed[0].as_str())) {
            Some(near) => finding.suggest(near),
            None => finding,
        }
    }

    /// The finding for a value of another type.
    pub(super) fn wrong_type(&self, schema: Schema<'_>, value: Value<'a>) -> Finding {
        let path = self.path(value);
        let wanted = type_name(schema.ty());
        let has = super::words::value_name(value, self.holds_secrets());
        let message = format!("`{path}` wants {wanted} and has {has}; the API server refuses the object");
        let finding = self.object.finding(&rules::WRONG_TYPE, value, message);
        match (schema.ty(), value.scalar()) {
            (_, _) if self.holds_secrets() => finding,
            (Type::String, Some(Scalar::Float(_))) if self.is_kubernetes_version(value) => {
                finding.suggest(format!("\"v{}.0\", or another patch release", value.raw().trim()))
            }
            (Type::Object, _) => match schema.properties().map(|(name, _)| name.to_owned()).collect::<Vec<_>>() {
                known if (1..=8).contains(&known.len()) => finding.suggest(format!("a mapping of {}", one_of(&known))),
                _ if value.is_seq() => finding.suggest("a mapping (`name: value`), not a list (`- value`)"),
                _ => finding,
            },
            (Type::String, Some(scalar)) if !matches!(scalar, Scalar::Str(_)) => {
                finding.suggest(format!("\"{}\"", value.raw().trim()))
            }
            (Type::Integer | Type::Number | Type::Boolean, Some(Scalar::Str(text))) if is_plain(schema.ty(), &text) => {
                finding.suggest(text.trim().to_owned())
            }
            (Type::Array, Some(Scalar::Str(text))) => finding.suggest(format!("[{}]", quoted(&text))),
            _ => finding,
        }
    }

    /// Whether it is where Cluster API's own kinds have the version of Kubernetes, which is `v1.31.4` and never just `1.31`.
    fn is_kubernetes_version(&self, value: Value<'a>) -> bool {
        matches!(self.object.group(), "cluster.x-k8s.io" | "controlplane.cluster.x-k8s.io") && value.key_is("version")
    }

    /// The finding for a `null` that is refused.
    pub(super) fn null_finding(&self, schema: Schema<'_>, value: Value<'a>) -> Finding {
        let path = self.path(value);
        let wanted = type_name(schema.ty());
        let message = format!("`{path}` is null and must be {wanted}; the API server refuses the object");
        let finding = self.object.finding(&rules::NULL_VALUE, value, message);
        match schema.ty() {
            Type::Object => finding.suggest("{}"),
            Type::Array => finding.suggest("[]"),
            _ => finding,
        }
    }
}

/// Go's own decoder takes empty text and line breaks.
fn is_base64_to_go(scalar: &Scalar<'_>) -> bool {
    let Scalar::Str(text) = scalar else { return false };
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    text.is_empty() || formats::check("byte", &text)
}

/// Whether text, without its quotes, is a value of the type.
fn is_plain(ty: Type, text: &str) -> bool {
    match ty {
        Type::Boolean => matches!(text.trim(), "true" | "false"),
        Type::Integer => text.trim().parse::<i64>().is_ok(),
        _ => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_floats_have_a_tolerance() {
        for whole in [3.0, -3.0, 0.0, 80.000_000_01, 9_007_199_254_740_991.0] {
            assert!(is_whole_float(whole), "{whole}");
        }
        for not in [80.5, -80.000_000_01, 0.000_1, 1e20, f64::NAN, f64::INFINITY] {
            assert!(!is_whole_float(not), "{not}");
        }
    }
}
