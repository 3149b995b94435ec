//! What Go refuses to read though the schema takes it: the server fails on such an object before it converts it.

use serde_json::Value as Json;

use super::change::Decoded;
use super::tree::{Data, Tree};
use super::{Note, Reason, duration, fit, placeholder};

/// Checks a value, and takes out of it what Go does not read.
pub(super) fn check(value: &mut Tree<'_>, form: Decoded, path: &str, notes: &mut Vec<Note>) -> Result<(), Reason> {
    match form {
        Decoded::Duration => match value.text() {
            Some(text) if duration::seconds(text).is_none() && !placeholder::is_one(text) => Err(refused(
                value,
                path,
                &format!(
                    "{text:?} is no duration; the server refuses it in v1beta1 too. Write a number with a unit, such as 5m0s or 300s"
                ),
            )),
            _ => Ok(()),
        },
        Decoded::BootstrapToken => match value.text() {
            Some(text) if !is_token(text) && !placeholder::is_one(text) => Err(refused(
                value,
                path,
                "this is no bootstrap token; the server refuses it in v1beta1 too. Write six characters, a dot and sixteen characters, all of a-z and 0-9",
            )),
            _ => Ok(()),
        },
        Decoded::JsonSchema => json_schema(value, path, notes),
    }
}

fn refused(value: &Tree<'_>, path: &str, what: &str) -> Reason {
    let offset = value.origin.map_or(0, |origin| origin.key_span().range().start);
    Reason { offset, path: path.to_owned(), message: format!("{path}: {what}") }
}

fn is_token(text: &str) -> bool {
    let part = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.split_once('.').is_some_and(|(id, secret)| part(id, 6) && part(secret, 16))
}

/// The parts of a schema that the CRD leaves open, since it cannot describe itself.
fn json_schema(schema: &mut Tree<'_>, path: &str, notes: &mut Vec<Note>) -> Result<(), Reason> {
    let Data::Map(entries) = &mut schema.data else { return Ok(()) };
    for entry in entries.iter_mut().filter(|entry| !entry.gone) {
        let path = format!("{path}.{}", entry.key);
        let value = &mut entry.value;
        if !is_fit(&entry.key, value) {
            return Err(refused(value, &path, "the server wants another type here, in v1beta1 too"));
        }
        if matches!(entry.key.as_str(), "not" | "items" | "additionalProperties") {
            one_schema(value, &path, notes)?;
            continue;
        }
        match (entry.key.as_str(), &mut value.data) {
            ("allOf" | "anyOf" | "oneOf" | "properties", Data::Scalar(Json::Null)) => {}
            ("allOf" | "anyOf" | "oneOf", Data::Seq(items)) => {
                for (number, item) in items.iter_mut().enumerate() {
                    one_schema(&mut item.value, &format!("{path}[{number}]"), notes)?;
                }
            }
            ("allOf" | "anyOf" | "oneOf", _) => {
                return Err(refused(value, &path, "the server wants a list of schemas here, in v1beta1 too"));
            }
            ("properties", Data::Map(properties)) => {
                for property in properties.iter_mut().filter(|property| !property.gone) {
                    one_schema(&mut property.value, &format!("{path}.{}", property.key), notes)?;
                }
            }
            ("properties", _) => {
                return Err(refused(value, &path, "the server wants a mapping of schemas here, in v1beta1 too"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a keyword's value has the type that the server decodes it to.
fn is_fit(key: &str, value: &Tree<'_>) -> bool {
    let Data::Scalar(json) = &value.data else {
        return !matches!(key, "type" | "format" | "pattern" | "description") && !is_bound(key) && !is_switch(key);
    };
    if json.is_null() || json.as_str().is_some_and(placeholder::is_one) {
        return true;
    }
    match key {
        "type" | "format" | "pattern" | "description" => json.is_string(),
        key if is_bound(key) => json.is_i64() || json.is_u64(),
        key if is_switch(key) => json.is_boolean(),
        _ => true,
    }
}

fn is_bound(key: &str) -> bool {
    ["maximum", "minimum"].contains(&key)
        || ["Items", "Length", "Properties"]
            .iter()
            .any(|of| key.strip_suffix(of).is_some_and(|key| key == "max" || key == "min"))
}

fn is_switch(key: &str) -> bool {
    matches!(
        key,
        "uniqueItems"
            | "exclusiveMaximum"
            | "exclusiveMinimum"
            | "x-kubernetes-preserve-unknown-fields"
            | "x-kubernetes-int-or-string"
    )
}

fn one_schema(value: &mut Tree<'_>, path: &str, notes: &mut Vec<Note>) -> Result<(), Reason> {
    match &value.data {
        Data::Map(_) => {
            // The CRD takes anything here, and Go reads the keywords that it knows.
            fit::drop_unknown_keywords(value, path, notes);
            json_schema(value, path, notes)
        }
        Data::Scalar(Json::Null) => Ok(()),
        Data::Scalar(Json::String(text)) if placeholder::is_one(text) => Ok(()),
        _ => Err(refused(value, path, "the server wants a schema here, in v1beta1 too")),
    }
}
