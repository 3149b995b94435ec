//! Label selectors, label values and names: the rules that Kubernetes itself sets for them.

use std::borrow::Cow;

use crate::yaml::Value;

use super::check::{field, items, text};

/// A label's value: empty, or at most 63 letters, digits, `-`, `_` and `.` with a letter or digit at both ends.
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || (text.len() <= 63 && is_name(text, |byte| matches!(byte, b'-' | b'_' | b'.')))
}

/// A label's or annotation's key: a name, with or without a domain in front.
pub fn is_qualified_name(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    !name.is_empty() && is_label_value(name) && prefix.is_none_or(is_dns1123_subdomain)
}

/// An object's name: at most 253 lower-case letters, digits, `-` and `.`.
pub fn is_dns1123_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// A namespace's name: at most 63 lower-case letters, digits and `-`.
pub fn is_dns1123_label(text: &str) -> bool {
    text.len() <= 63 && !text.contains('.') && is_dns1123_subdomain(text)
}

/// A Service's name: a DNS label that begins with a letter.
pub fn is_dns1035_label(text: &str) -> bool {
    is_dns1123_label(text) && text.starts_with(|first: char| first.is_ascii_lowercase())
}

fn is_name(text: &str, inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|&byte| byte.is_ascii_alphanumeric() || inner(byte))
}

/// Whether a selector selects by nothing: absent, or without labels and expressions. One of the wrong type is none that could be
/// empty: the schema tells of it.
pub fn is_empty(selector: Option<Value<'_>>) -> bool {
    selector.is_none_or(|selector| {
        let (labels, expressions) = (field(selector, &["matchLabels"]), field(selector, &["matchExpressions"]));
        (selector.is_map() || selector.is_null())
            && labels.is_none_or(|labels| labels.is_map() && labels.entries().next().is_none())
            && expressions.is_none_or(|expressions| expressions.is_seq() && expressions.items().next().is_none())
    })
}

/// What is wrong with a selector: the value and why.
pub fn problem(selector: Value<'_>) -> Option<(Value<'_>, String)> {
    let in_labels =
        field(selector, &["matchLabels"]).into_iter().flat_map(|labels| labels.entries()).find_map(|entry| {
            let key = entry.key().unwrap_or_default();
            if !is_qualified_name(&key) {
                return Some((entry, format!("{key:?} is no label key")));
            }
            let value = entry.as_str()?;
            (!is_label_value(&value)).then(|| (entry, format!("{value:?} is no label value")))
        });
    in_labels.or_else(|| items(selector, &["matchExpressions"]).find_map(expression_problem))
}

fn expression_problem(expression: Value<'_>) -> Option<(Value<'_>, String)> {
    let key = text(expression, &["key"]).unwrap_or_default();
    let operator = text(expression, &["operator"]).unwrap_or_default();
    let at = |name: &str| field(expression, &[name]).unwrap_or(expression);
    let mut values = items(expression, &["values"]);
    let first = values.next();
    match &*operator {
        "In" | "NotIn" if first.is_none() => return Some((at("operator"), format!("{operator} needs values"))),
        "Exists" | "DoesNotExist" if first.is_some() => {
            return Some((at("values"), format!("{operator} takes no values")));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => return Some((at("operator"), format!("{operator:?} is none of In, NotIn, Exists, DoesNotExist"))),
    }
    if !is_qualified_name(&key) {
        return Some((at("key"), format!("{key:?} is no label key")));
    }
    first.into_iter().chain(values).find_map(|value| {
        let label = value.as_str()?;
        (!is_label_value(&label)).then(|| (value, format!("{label:?} is no label value")))
    })
}

/// Whether a selector's labels and expressions hold for a map of labels; `more` are labels that a webhook adds to both.
pub fn selects<'a>(
    selector: Option<Value<'a>>,
    more: &[Option<(&'static str, Cow<'a, str>)>],
    labels: Option<Value<'a>>,
) -> bool {
    let Some(selector) = selector else { return true };
    let added = |key: &str| more.iter().flatten().find(|(name, _)| *name == key).map(|(_, label)| label.clone());
    let label = |key: &str| added(key).or_else(|| labels?.get(key)?.as_str());
    let wanted = field(selector, &["matchLabels"]);
    let mut wanted = wanted.iter().flat_map(Value::entries).filter_map(|entry| Some((entry.key()?, entry.as_str()?)));
    wanted.all(|(key, text)| added(&key).is_some() || label(&key) == Some(text))
        && items(selector, &["matchExpressions"]).all(|expression| {
            let key = text(expression, &["key"]).unwrap_or_default();
            let label = label(&key);
            let is_listed = || items(expression, &["values"]).any(|value| label.is_some() && value.as_str() == label);
            match text(expression, &["operator"]).as_deref() {
                Some("In") => label.is_some() && is_listed(),
                Some("NotIn") => label.is_none() || !is_listed(),
                Some("Exists") => label.is_some(),
                Some("DoesNotExist") => label.is_none(),
                _ => true,
            }
        })
}
