//! A schema in words: the tree that `capi-lint schema show` prints.

use super::table::{Additional, Checks, Kind, ListType, Schema, Scope};

/// Column at which types begin, unless a name reaches further.
const TYPE_COLUMN: usize = 44;

/// One kind as a tree: a line for each field, with its type and bounds. `status` only if asked for: nobody writes it.
pub fn kind(kind: Kind<'_>, with_status: bool) -> String {
    let mut out = title(kind);
    out.push('\n');
    let root = kind.schema();
    for rule in root.rules() {
        line(&mut out, 1, "(rule)", rule.rule);
    }
    for (name, property) in root.properties() {
        let is_known = matches!(name, "apiVersion" | "kind" | "metadata");
        if !is_known && (with_status || name != "status") {
            field(&mut out, 1, name, property.schema, property.required);
        }
    }
    out
}

/// `Cluster.cluster.x-k8s.io/v1beta2 (core v1.14.0, namespaced, deprecated)`.
pub fn title(kind: Kind<'_>) -> String {
    let mut notes = vec![format!("{} {}", kind.release().provider(), kind.release().version()).trim().to_owned()];
    notes.push(match kind.scope() {
        Scope::Namespaced => "namespaced".into(),
        Scope::Cluster => "cluster-scoped".into(),
    });
    let flags = [
        (kind.native(), "built in: values are judged by the server's own code"),
        (kind.deprecated(), "deprecated"),
        (!kind.served(), "not served"),
    ];
    notes.extend(flags.into_iter().filter(|(on, _)| *on).map(|(_, note)| note.to_owned()));
    format!("{} ({})", name(kind), notes.join(", "))
}

/// `Cluster.cluster.x-k8s.io/v1beta2`; `Secret/v1` for the core group.
pub fn name(kind: Kind<'_>) -> String {
    let dot = if kind.group().is_empty() { "" } else { "." };
    format!("{}{dot}{}/{}", kind.kind(), kind.group(), kind.version())
}

fn line(out: &mut String, depth: usize, name: &str, text: &str) {
    let width = TYPE_COLUMN.saturating_sub(depth * 2);
    out.push_str(&"  ".repeat(depth));
    out.push_str(format!("{name:width$} {text}").trim_end());
    out.push('\n');
}

fn field(out: &mut String, depth: usize, name: &str, schema: Schema<'_>, required: bool) {
    let mut words = vec![type_name(schema)];
    words.extend(required.then(|| "required".to_owned()));
    words.extend(facts(schema));
    line(out, depth, name, &words.join(", "));
    below(out, depth + 1, schema);
}

/// What stands below a value: its properties, those of its items, or those of its values.
fn below(out: &mut String, depth: usize, schema: Schema<'_>) {
    for rule in schema.rules() {
        line(out, depth, "(rule)", rule.rule);
    }
    for (name, property) in schema.properties() {
        field(out, depth, name, property.schema, property.required);
    }
    if let Some(items) = schema.items() {
        below(out, depth, items);
    }
    if let Additional::Schema(values) = schema.additional() {
        below(out, depth, values);
    }
}

/// `object`, `list of string`, `map of integer`.
pub fn type_name(schema: Schema<'_>) -> String {
    match (schema.items(), schema.additional()) {
        (Some(items), _) => format!("list of {}", with_format(items)),
        (None, Additional::Schema(values)) => format!("map of {}", with_format(values)),
        _ => with_format(schema),
    }
}

fn with_format(schema: Schema<'_>) -> String {
    match schema.checks().format() {
        Some(format) if schema.items().is_none() => format!("{} {format}", schema.ty().name()),
        _ if schema.items().is_some() => type_name(schema),
        _ => schema.ty().name().to_owned(),
    }
}

fn facts(schema: Schema<'_>) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(schema.default().map(|default| format!("default {}", default.to_json())));
    words.extend(checks(schema.checks()));
    if let Some(items) = schema.items() {
        words.extend(checks(items.checks()).into_iter().map(|check| format!("each {check}")));
    }
    match schema.list_type() {
        ListType::Set => words.push("no item twice".into()),
        ListType::Map => {
            words.push(format!("unique by {}", schema.list_map_keys().collect::<Vec<_>>().join(" and ")));
        }
        ListType::Atomic | ListType::Absent => {}
    }
    words.extend(schema.nullable().then(|| "nullable".to_owned()));
    words.extend(schema.preserve_unknown().then(|| "any fields".to_owned()));
    words.extend(schema.embedded_resource().then(|| "an object with apiVersion and kind".to_owned()));
    words
}

fn checks(checks: Checks<'_>) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(values) = checks.enumeration() {
        words.push(format!("one of {}", values.map(|value| value.to_json().to_string()).collect::<Vec<_>>().join(" ")));
    }
    let bound =
        |number: f64, exclusive: bool| if exclusive { format!("{number} (exclusive)") } else { number.to_string() };
    let minimum = checks.minimum().map(|number| bound(number, checks.exclusive_minimum()));
    let maximum = checks.maximum().map(|number| bound(number, checks.exclusive_maximum()));
    words.extend(range("", minimum, maximum));
    let count = |count: Option<u32>| count.map(|count| count.to_string());
    words.extend(range(" characters", count(checks.min_length()), count(checks.max_length())));
    words.extend(range(" items", count(checks.min_items()), count(checks.max_items())));
    words.extend(range(" fields", count(checks.min_properties()), count(checks.max_properties())));
    words.extend(checks.multiple_of().map(|number| format!("multiple of {number}")));
    words.extend(checks.pattern().map(|pattern| format!("matches {}", pattern.text)));
    words
}

fn range(unit: &str, least: Option<String>, most: Option<String>) -> Option<String> {
    match (least, most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) => Some(format!("at least {least}{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Schemas;
    use super::*;

    #[test]
    fn a_kind_is_a_tree_of_fields() {
        let schemas = Schemas::default();
        let text = kind(schemas.find("cluster.x-k8s.io", "v1beta2", "MachineDeployment").unwrap(), false);
        assert!(text.starts_with("MachineDeployment.cluster.x-k8s.io/v1beta2 (core v1."), "{text}");
        let line = |start: &str| text.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or_default();
        assert!(line("spec ").ends_with("object, required"), "{text}");
        assert!(line("replicas ").contains("integer int32"), "{text}");
        assert!(line("clusterName ").contains("string, required, 1 to 63 characters"), "{text}");
        assert!(!text.contains("\n  status"), "{text}");
    }
}
