//! Structural facts: what a CRD says about the shape of an object, typed, and nothing else.
//!
//! Why our own types: a CRD is mostly prose. Facts hold names, types, bounds and rules, so that they can be kept in `schemas/`,
//! read by people, and packed into a table. They never hold descriptions; messages are those of a user's own definitions, and the
//! notation leaves them out. The notation is `OpenAPI`'s own (`type`, `properties`, `x-kubernetes-…`), so that a CRD's
//! `openAPIV3Schema` and a file of `schemas/` are read by the same code. `build.rs` compiles this file too: it must not use the rest of the crate.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

/// What a schema allows a value to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Type {
    /// No `type` is given.
    #[default]
    Any,
    /// A mapping.
    Object,
    /// A list.
    Array,
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// `x-kubernetes-int-or-string`.
    IntOrString,
}

impl Type {
    const NAMES: [(&'static str, Type); 6] = [
        ("object", Type::Object),
        ("array", Type::Array),
        ("string", Type::String),
        ("integer", Type::Integer),
        ("number", Type::Number),
        ("boolean", Type::Boolean),
    ];

    /// The name in `OpenAPI`; [`Type::Any`] and [`Type::IntOrString`] have none there and are named for people.
    pub fn name(self) -> &'static str {
        match self {
            Type::Any => "any",
            Type::IntOrString => "int-or-string",
            _ => Self::NAMES.iter().find(|(_, ty)| *ty == self).map_or("any", |(name, _)| name),
        }
    }
}

/// `additionalProperties`: what a mapping may hold beside its properties.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AdditionalFacts {
    /// Nothing is said.
    #[default]
    Absent,
    /// `false`.
    Forbidden,
    /// `true`.
    Any,
    /// Values of this schema under any key.
    Schema(Box<Facts>),
}

/// `x-kubernetes-list-type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ListType {
    /// Nothing is said: the server treats the list as atomic.
    #[default]
    Absent,
    /// One owner for the whole list.
    Atomic,
    /// No value stands twice.
    Set,
    /// No combination of the keys stands twice.
    Map,
}

/// `x-kubernetes-map-type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MapType {
    /// Nothing is said: granular.
    #[default]
    Absent,
    /// Each field has its owner.
    Granular,
    /// One owner for the whole mapping.
    Atomic,
}

/// One rule of `x-kubernetes-validations`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleFacts {
    /// The CEL expression.
    pub rule: String,
    /// The field that a failure is reported at.
    pub field_path: Option<String>,
    /// The machine-readable reason of a failure.
    pub reason: Option<String>,
    /// Whether a rule on `oldSelf` is evaluated on creation too.
    pub optional_old_self: bool,
    /// What its author says of a failure. `schemas/` keeps none: upstream's words are not ours.
    pub message: Option<String>,
    /// The expression that yields what is said of a failure.
    pub message_expression: Option<String>,
}

/// The schema of one value.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, clippy::struct_excessive_bools, reason = "the fields are OpenAPI's keywords")]
pub struct Facts {
    pub ty: Type,
    pub nullable: bool,
    pub preserve_unknown: bool,
    pub embedded_resource: bool,
    pub unique_items: bool,
    pub exclusive_minimum: bool,
    pub exclusive_maximum: bool,
    pub list_type: ListType,
    pub map_type: MapType,
    pub properties: BTreeMap<String, Facts>,
    pub required: Vec<String>,
    pub list_map_keys: Vec<String>,
    pub items: Option<Box<Facts>>,
    pub additional: AdditionalFacts,
    pub default: Option<Json>,
    pub enumeration: Vec<Json>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub multiple_of: Option<f64>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
    pub pattern: Option<String>,
    pub format: Option<String>,
    pub all_of: Vec<Facts>,
    pub any_of: Vec<Facts>,
    pub one_of: Vec<Facts>,
    pub not: Option<Box<Facts>>,
    pub rules: Vec<RuleFacts>,
}

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In a namespace.
    #[default]
    Namespaced,
    /// Beside the namespaces.
    Cluster,
}

impl Scope {
    /// As a CRD writes it.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Namespaced => "Namespaced",
            Scope::Cluster => "Cluster",
        }
    }
}

/// One version of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a statement of its own in a CRD")]
pub struct KindFacts {
    /// The API group; empty for Kubernetes' core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name in URLs.
    pub plural: String,
    /// The version.
    pub version: String,
    /// Namespaced or not.
    pub scope: Scope,
    /// Whether the API server answers for this version.
    pub served: bool,
    /// Whether objects are stored in this version.
    pub storage: bool,
    /// Whether the server warns of this version.
    pub deprecated: bool,
    /// Whether the kind is built into an API server rather than defined by a CRD: Go code decodes and judges it, and what is
    /// published of it is only names and types.
    pub native: bool,
    /// Whether `status` is a subresource: the server then drops what a created or changed object says there.
    pub status_subresource: bool,
    /// The shape of the object.
    pub schema: Facts,
}

/// Why a schema could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsError {
    /// The dotted path of the keyword, from the schema's root.
    pub path: String,
    /// What was expected there.
    pub expected: &'static str,
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.path, self.expected)
    }
}

impl std::error::Error for FactsError {}

impl FactsError {
    fn new(keyword: &str, expected: &'static str) -> Self {
        Self { path: keyword.to_owned(), expected }
    }

    fn under(mut self, parent: &str) -> Self {
        self.path = format!("{parent}.{}", self.path);
        self
    }
}

type Result<T> = std::result::Result<T, FactsError>;

/// Schemas nest in real CRDs some twenty levels; a thousand is an attack on the stack.
const MAX_DEPTH: usize = 200;

impl Facts {
    /// Reads a schema in `OpenAPI`'s notation. Descriptions, titles and examples are passed over.
    pub fn from_json(schema: &Json) -> Result<Self> {
        read(schema, 0)
    }

    /// Whether nothing is said at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Calls `f` for this schema and every schema below it.
    pub fn for_each<'a>(&'a self, f: &mut impl FnMut(&'a Facts)) {
        f(self);
        let additional = match &self.additional {
            AdditionalFacts::Schema(schema) => Some(schema),
            _ => None,
        };
        let single = [self.items.as_ref(), additional, self.not.as_ref()];
        let lists = [&self.all_of, &self.any_of, &self.one_of];
        self.properties.values().for_each(|child| child.for_each(f));
        single.into_iter().flatten().for_each(|child| child.for_each(f));
        lists.into_iter().flatten().for_each(|child| child.for_each(f));
    }
}

fn read(schema: &Json, depth: usize) -> Result<Facts> {
    let Some(keywords) = schema.as_object() else { return Err(FactsError::new("schema", "a mapping")) };
    if depth > MAX_DEPTH {
        return Err(FactsError::new("schema", "at most 200 levels of nesting"));
    }
    let mut facts = Facts::default();
    for (keyword, value) in keywords {
        // Go's decoder takes null for absent.
        if !value.is_null() {
            read_keyword(&mut facts, keyword, value, depth + 1)
                .map_err(|error| if error.path == *keyword { error } else { error.under(keyword) })?;
        }
    }
    // CRDs spell int-or-string twice; once is enough.
    if facts.ty == Type::IntOrString && says_int_or_string(&facts.any_of) {
        facts.any_of.clear();
    }
    Ok(facts)
}

fn says_int_or_string(any_of: &[Facts]) -> bool {
    let only = |ty| Facts { ty, ..Facts::default() };
    *any_of == [only(Type::Integer), only(Type::String)] || *any_of == [only(Type::String), only(Type::Integer)]
}

fn read_keyword(facts: &mut Facts, keyword: &str, value: &Json, depth: usize) -> Result<()> {
    match keyword {
        "type" if facts.ty != Type::IntOrString => facts.ty = read_type(value)?,
        "x-kubernetes-int-or-string" if flag(keyword, value)? => facts.ty = Type::IntOrString,
        "nullable" => facts.nullable = flag(keyword, value)?,
        "x-kubernetes-preserve-unknown-fields" => facts.preserve_unknown = flag(keyword, value)?,
        "x-kubernetes-embedded-resource" => facts.embedded_resource = flag(keyword, value)?,
        "uniqueItems" => facts.unique_items = flag(keyword, value)?,
        "exclusiveMinimum" => facts.exclusive_minimum = flag(keyword, value)?,
        "exclusiveMaximum" => facts.exclusive_maximum = flag(keyword, value)?,
        "x-kubernetes-list-type" => facts.list_type = read_list_type(value)?,
        "x-kubernetes-map-type" => facts.map_type = read_map_type(value)?,
        "x-kubernetes-list-map-keys" => facts.list_map_keys = texts(keyword, value)?,
        "required" => facts.required = texts(keyword, value)?,
        "properties" => {
            let properties = value.as_object().ok_or(FactsError::new(keyword, "a mapping"))?;
            for (name, schema) in properties {
                facts.properties.insert(name.clone(), read(schema, depth).map_err(|e| e.under(name))?);
            }
        }
        "items" => facts.items = Some(Box::new(read(value, depth)?)),
        "not" => facts.not = Some(Box::new(read(value, depth)?)),
        "additionalProperties" => {
            facts.additional = match value {
                Json::Bool(true) => AdditionalFacts::Any,
                Json::Bool(false) => AdditionalFacts::Forbidden,
                _ => AdditionalFacts::Schema(Box::new(read(value, depth)?)),
            }
        }
        "allOf" => facts.all_of = schemas(keyword, value, depth)?,
        "anyOf" => facts.any_of = schemas(keyword, value, depth)?,
        "oneOf" => facts.one_of = schemas(keyword, value, depth)?,
        "default" => facts.default = Some(value.clone()),
        "enum" => facts.enumeration.clone_from(list(keyword, value)?),
        "x-kubernetes-validations" => facts.rules = read_rules(keyword, value)?,
        _ => read_bound(facts, keyword, value)?,
    }
    Ok(())
}

fn read_bound(facts: &mut Facts, keyword: &str, value: &Json) -> Result<()> {
    let number = || value.as_f64().ok_or(FactsError::new(keyword, "a number"));
    let count = || value.as_u64().ok_or(FactsError::new(keyword, "a whole number of at least 0"));
    match keyword {
        "minimum" => facts.minimum = Some(number()?),
        "maximum" => facts.maximum = Some(number()?),
        "multipleOf" => facts.multiple_of = Some(number()?),
        "minLength" => facts.min_length = Some(count()?),
        "maxLength" => facts.max_length = Some(count()?),
        "minItems" => facts.min_items = Some(count()?),
        "maxItems" => facts.max_items = Some(count()?),
        "minProperties" => facts.min_properties = Some(count()?),
        "maxProperties" => facts.max_properties = Some(count()?),
        "pattern" => facts.pattern = non_empty(keyword, value)?,
        "format" => facts.format = non_empty(keyword, value)?,
        _ => {}
    }
    Ok(())
}

fn flag(keyword: &str, value: &Json) -> Result<bool> {
    value.as_bool().ok_or(FactsError::new(keyword, "true or false"))
}

fn text(keyword: &str, value: &Json) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or(FactsError::new(keyword, "a string"))
}

fn non_empty(keyword: &str, value: &Json) -> Result<Option<String>> {
    text(keyword, value).map(|text| (!text.is_empty()).then_some(text))
}

fn list<'a>(keyword: &str, value: &'a Json) -> Result<&'a Vec<Json>> {
    value.as_array().ok_or(FactsError::new(keyword, "a list"))
}

fn texts(keyword: &str, value: &Json) -> Result<Vec<String>> {
    list(keyword, value)?.iter().map(|item| text(keyword, item)).collect()
}

fn schemas(keyword: &str, value: &Json, depth: usize) -> Result<Vec<Facts>> {
    list(keyword, value)?.iter().map(|item| read(item, depth)).collect()
}

fn read_type(value: &Json) -> Result<Type> {
    let name = value.as_str().unwrap_or_default();
    Type::NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, ty)| *ty)
        .ok_or(FactsError::new("type", "object, array, string, integer, number or boolean"))
}

fn read_list_type(value: &Json) -> Result<ListType> {
    match value.as_str() {
        Some("atomic") => Ok(ListType::Atomic),
        Some("set") => Ok(ListType::Set),
        Some("map") => Ok(ListType::Map),
        _ => Err(FactsError::new("x-kubernetes-list-type", "atomic, set or map")),
    }
}

fn read_map_type(value: &Json) -> Result<MapType> {
    match value.as_str() {
        Some("granular") => Ok(MapType::Granular),
        Some("atomic") => Ok(MapType::Atomic),
        _ => Err(FactsError::new("x-kubernetes-map-type", "granular or atomic")),
    }
}

fn read_rules(keyword: &str, value: &Json) -> Result<Vec<RuleFacts>> {
    let optional = |rule: &Json, name: &str| rule.get(name).and_then(Json::as_str).map(str::to_owned);
    list(keyword, value)?
        .iter()
        .map(|rule| {
            Ok(RuleFacts {
                rule: optional(rule, "rule").ok_or(FactsError::new(keyword, "a rule with an expression"))?,
                field_path: optional(rule, "fieldPath"),
                reason: optional(rule, "reason"),
                optional_old_self: rule.get("optionalOldSelf").and_then(Json::as_bool).unwrap_or_default(),
                message: optional(rule, "message"),
                message_expression: optional(rule, "messageExpression"),
            })
        })
        .collect()
}

impl KindFacts {
    /// Reads one file of `schemas/`: the facts of one version of one kind.
    pub fn from_json(file: &Json) -> Result<Self> {
        let field = |name: &str| text(name, file.get(name).unwrap_or(&Json::Null));
        let switch = |name: &str| file.get(name).and_then(Json::as_bool).unwrap_or_default();
        Ok(Self {
            group: field("group")?,
            kind: field("kind")?,
            plural: field("plural")?,
            version: field("version")?,
            scope: if field("scope")? == "Cluster" { Scope::Cluster } else { Scope::Namespaced },
            served: switch("served"),
            storage: switch("storage"),
            deprecated: switch("deprecated"),
            native: switch("native"),
            status_subresource: switch("statusSubresource"),
            schema: Facts::from_json(file.get("schema").unwrap_or(&Json::Null)).map_err(|e| e.under("schema"))?,
        })
    }
}
