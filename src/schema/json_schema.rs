//! JSON Schemas that a user brings, for kinds whose CRD is not at hand: plain JSON Schema, as validators such as kubeconform
//! take it. They win over the bundle for their kinds.
//!
//! Which kind a schema is for is read from the schema (`x-kubernetes-group-version-kind`, or `const` and `enum` of `kind` and
//! `apiVersion`), else from the file's name (`<kind>_<version>.json`, `<kind>-<group>-<version>.json`). The verdict is that of
//! the `jsonschema` crate; what only the API server does (defaults, list types, CEL) is not in such a schema.

use std::collections::HashMap;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value as Json;

use super::load::LoadError;
use crate::input::Source;
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::{self, Value};

crate::rule! {
    /// The object does not fit the JSON Schema that `--schemas` gives for its kind.
    ///
    /// ## Example
    ///
    /// A schema that wants `spec.size` as a number, and an object with `size: big`.
    ///
    /// ## Fix
    ///
    /// Correct the field that the message names; or the schema, where it is older than the cluster.
    pub JSON_SCHEMA = "json-schema", Error, Admission;
}

/// The schemas, by kind.
#[derive(Debug, Default)]
pub struct JsonSchemas {
    /// By kind in lower case.
    by_kind: HashMap<String, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    group: Group,
    version: String,
    validator: Validator,
}

/// For which groups a schema is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Group {
    /// Nothing tells.
    Any,
    /// This one.
    Is(String),
    /// Those whose first part this is: all that the names of `kubernetes-json-schema` tell.
    BeginsWith(String),
}

impl Group {
    fn has(&self, group: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Is(name) => name == group,
            Self::BeginsWith(part) => group.split('.').next() == Some(part),
        }
    }
}

impl JsonSchemas {
    /// The JSON Schemas among these sources; other documents are left to others.
    ///
    /// # Errors
    /// A schema that cannot be compiled, or that does not tell its kind.
    pub fn load(sources: &[Source]) -> Result<Self, LoadError> {
        let mut schemas = Self::default();
        for source in sources {
            let Some(mut schema) = parse(&source.bytes) else { continue };
            name_draft(&mut schema);
            let fail = |problem: String| LoadError { place: source.name.clone(), problem };
            let targets = targets(&schema, &source.name);
            if targets.is_empty() {
                return Err(fail(
                    "a JSON Schema that does not tell its kind: name the file <kind>_<version>.json, or give it \
                     x-kubernetes-group-version-kind"
                        .into(),
                ));
            }
            for (group, version, kind) in targets {
                let validator = jsonschema::options().build(&schema).map_err(|error| fail(error.to_string()))?;
                schemas.by_kind.entry(kind.to_lowercase()).or_default().push(Entry { group, version, validator });
            }
        }
        Ok(schemas)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_kind.is_empty()
    }

    /// Judges an object by the schema of its kind; `false` where there is none.
    pub fn judge(&self, object: &Object<'_>, out: &mut Vec<Finding>) -> bool {
        if self.is_empty() {
            return false;
        }
        let entries = self.by_kind.get(&object.kind.to_lowercase());
        let fits = |entry: &&Entry| entry.version == object.version() && entry.group.has(object.group());
        let Some(entry) = entries.and_then(|entries| entries.iter().find(fits)) else { return false };
        for error in entry.validator.iter_errors(&object.root.to_json()) {
            let place = at(object.root, &error.instance_path().to_string());
            // Masked: values are not repeated, since they may be secrets.
            let message = format!("{} (your JSON Schema)", error.masked());
            out.push(
                object
                    .finding(&JSON_SCHEMA, place, message)
                    .suggest("see the field that is named, or update the schema"),
            );
        }
        true
    }
}

/// The JSON Schema in these bytes, if they hold one.
fn parse(bytes: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(bytes).ok()?;
    let parsed = yaml::parse(text).ok()?;
    let root = parsed.root()?;
    is_schema(root).then(|| root.to_json())
}

fn is_schema(document: Value<'_>) -> bool {
    let is_object = document.get("kind").is_none_or(|kind| kind.as_str().is_none());
    is_object && (document.get("$schema").is_some() || document.get("properties").is_some_and(|value| value.is_map()))
}

/// OpenAPI's schemas, and what tools make of them, are of draft 4 without saying so, or say `http://json-schema.org/schema#`.
/// One can tell by `exclusiveMinimum: true`, which is a number since.
fn name_draft(schema: &mut Json) {
    let says = schema.get("$schema").and_then(Json::as_str).unwrap_or_default();
    if !says.contains("draft") && has_switched_bounds(schema) {
        schema["$schema"] = "http://json-schema.org/draft-04/schema#".into();
    }
}

fn has_switched_bounds(schema: &Json) -> bool {
    match schema {
        Json::Object(keywords) => keywords.iter().any(|(keyword, value)| {
            matches!(keyword.as_str(), "exclusiveMinimum" | "exclusiveMaximum") && value.is_boolean()
                || has_switched_bounds(value)
        }),
        Json::Array(values) => values.iter().any(has_switched_bounds),
        _ => false,
    }
}

/// The groups, versions and kinds that a schema is for.
fn targets(schema: &Json, file: &str) -> Vec<(Group, String, String)> {
    let text = |value: &Json, key: &str| value.get(key).and_then(Json::as_str).map(str::to_owned);
    let declared = schema.get("x-kubernetes-group-version-kind").and_then(Json::as_array);
    let declared: Vec<_> = declared
        .into_iter()
        .flatten()
        .filter_map(|target| {
            let group = text(target, "group").map_or(Group::Any, Group::Is);
            Some((group, text(target, "version")?, text(target, "kind")?))
        })
        .collect();
    if !declared.is_empty() {
        return declared;
    }
    let fixed = |field: &str| {
        let property = schema.pointer("/properties")?.get(field)?;
        let only = property
            .get("enum")
            .and_then(Json::as_array)
            .filter(|values| values.len() == 1)
            .and_then(|values| values.first());
        property.get("const").or(only)?.as_str()
    };
    if let (Some(api_version), Some(kind)) = (fixed("apiVersion"), fixed("kind")) {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        return vec![(Group::Is(group.to_owned()), version.to_owned(), kind.to_owned())];
    }
    from_name(Path::new(file)).into_iter().collect()
}

/// `<group>/<kind>_<version>.json` as the catalogue of CRDs has it, `<kind>-<first part of the group>-<version>.json` or, for
/// Kubernetes' core group, `<kind>-<version>.json` as kubeconform names the schemas of Kubernetes.
fn from_name(file: &Path) -> Option<(Group, String, String)> {
    let stem = file.file_stem()?.to_str()?;
    let folder = file.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let is_version =
        |text: &str| text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    // A folder may also be that of a release: `v1.33.0-standalone`.
    let group = folder.filter(|name| name.contains('.') && !is_version(name)).map(|name| Group::Is(name.to_owned()));
    if let Some((kind, version)) = stem.rsplit_once('_') {
        return Some((group.unwrap_or(Group::Any), version.to_owned(), kind.to_owned()));
    }
    let (front, version) = stem.rsplit_once('-').filter(|(_, version)| is_version(version))?;
    let named = match front.split_once('-') {
        None => (Group::Is(String::new()), front),
        Some((kind, part)) => (Group::BeginsWith(part.to_owned()), kind),
    };
    Some((group.unwrap_or(named.0), version.to_owned(), named.1.to_owned()))
}

/// The value at a JSON pointer, or the nearest one above it.
fn at<'a>(root: Value<'a>, pointer: &str) -> Value<'a> {
    let mut value = root;
    for part in pointer.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        let next = if value.is_seq() { key.parse().ok().and_then(|at| value.items().nth(at)) } else { value.get(&key) };
        let Some(next) = next else { break };
        value = next;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_draft_4_are_known_by_their_bounds() {
        for says in [Json::Null, "http://json-schema.org/schema#".into()] {
            let mut schema = serde_json::json!({"properties": {"a": {"minimum": 3, "exclusiveMinimum": true}}});
            if !says.is_null() {
                schema["$schema"] = says;
            }
            name_draft(&mut schema);
            let validator = jsonschema::options().build(&schema).unwrap();
            assert!(
                !validator.is_valid(&serde_json::json!({"a": 3})) && validator.is_valid(&serde_json::json!({"a": 4}))
            );
        }
    }

    #[test]
    fn file_names_tell_the_kind() {
        let name = |file: &str| from_name(Path::new(file)).map(|(group, version, kind)| (group, kind, version));
        let named = |group, kind: &str, version: &str| Some((group, kind.to_owned(), version.to_owned()));
        let is = |group: &str| Group::Is(group.to_owned());
        let begins = |part: &str| Group::BeginsWith(part.to_owned());
        assert_eq!(name("cluster.x-k8s.io/cluster_v1beta2.json"), named(is("cluster.x-k8s.io"), "cluster", "v1beta2"));
        assert_eq!(name("mine/cluster_v1beta2.json"), named(Group::Any, "cluster", "v1beta2"));
        assert_eq!(name("v1.33.0-standalone/deployment-apps-v1.json"), named(begins("apps"), "deployment", "v1"));
        assert_eq!(name("cluster-cluster-v1beta1.json"), named(begins("cluster"), "cluster", "v1beta1"));
        assert_eq!(name("pod-v1.json"), named(is(""), "pod", "v1"));
        assert_eq!(name("values.schema.json"), None);
        assert!(begins("infrastructure").has("infrastructure.cluster.x-k8s.io") && !begins("apps").has("batch"));
    }
}
