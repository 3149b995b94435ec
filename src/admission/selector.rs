//! Label selectors: the rules that Kubernetes itself sets for them.

use std::borrow::Cow;

use crate::yaml::Value;

use super::check::{field, items, text};
use crate::schema::validate::names::{is_label_value, is_qualified_name};

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
    let at = |name: &str| field(expression, name).unwrap_or(expression);
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
