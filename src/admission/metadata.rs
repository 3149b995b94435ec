//! Labels and annotations in templates: the API server takes any text there, the webhooks do not.

use crate::yaml::Value;

use super::check::{Check, field};
use super::rules::INVALID_METADATA;
use crate::schema::validate::names::{is_label_value, is_qualified_name};

/// Annotations of one object may not be larger, keys and values together.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Judges the `metadata` of a template.
pub fn judge<'a>(check: &mut Check<'_, 'a>, metadata: Option<Value<'a>>) {
    let Some(metadata) = metadata else { return };
    maps(check, field(metadata, &["labels"]), field(metadata, &["annotations"]));
}

/// Judges a map of labels and one of annotations.
pub fn maps<'a>(check: &mut Check<'_, 'a>, labels: Option<Value<'a>>, annotations: Option<Value<'a>>) {
    for label in labels.into_iter().flat_map(|labels| labels.entries()) {
        let key = label.key().unwrap_or_default();
        if !is_qualified_name(&key) {
            let message = format!("{key:?} is no label key: the webhook refuses the object");
            check.refuse(&INVALID_METADATA, label, message, KEY_FIX);
        }
        if let Some(value) = label.as_str().filter(|value| !is_label_value(value)) {
            let message = format!("{value:?} is no label value: the webhook refuses the object");
            let fix = "use at most 63 letters, digits, `-`, `_` or `.`, with a letter or digit at both ends";
            check.refuse(&INVALID_METADATA, label, message, fix);
        }
    }
    let mut size = 0;
    for annotation in annotations.into_iter().flat_map(|annotations| annotations.entries()) {
        let key = annotation.key().unwrap_or_default();
        size += key.len() + annotation.as_str().map_or(0, |value| value.len());
        if !is_qualified_name(&key.to_lowercase()) {
            let message = format!("{key:?} is no annotation key: the webhook refuses the object");
            check.refuse(&INVALID_METADATA, annotation, message, KEY_FIX);
        }
    }
    if let Some(annotations) = annotations.filter(|_| size > ANNOTATIONS_LIMIT) {
        let message = format!("annotations of {size} bytes: the webhook refuses more than {ANNOTATIONS_LIMIT}");
        check.refuse(&INVALID_METADATA, annotations, message, "keep large texts in a ConfigMap or Secret");
    }
}

const KEY_FIX: &str = "write `name` or `domain/name`, the name at most 63 letters, digits, `-`, `_` or `.`";
