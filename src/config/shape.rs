//! What the settings look like, told once: the structs that hold them give their JSON Schema (for editors) and their manual
//! page. The doc comment of a field is what both say about it.
//!
//! It describes and judges nothing: reading the file is serde's part.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Map, Value as Json, json};

/// Something that a setting can hold.
pub trait Described {
    /// What it looks like.
    fn shape() -> Shape;
}

/// What a value of the settings looks like.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Text, with what kind of text it is.
    Text(&'static str),
    /// `true` or `false`.
    Truth,
    /// A whole number.
    Count,
    /// One of some words, each with what it means.
    Choice(Vec<(String, String)>),
    /// A list.
    List(Box<Shape>),
    /// Names of the user's own, with values.
    Map(Box<Shape>),
    /// One value or a list of them.
    OneOrMany(Box<Shape>),
    /// Names that are known, with what they mean, and the user's own; the same kind of value for all.
    Names(Vec<(String, String)>, Box<Shape>),
    /// Settings with names of ours.
    Settings(Vec<Setting>),
}

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// As it is written.
    pub name: String,
    /// What it does.
    pub about: String,
    /// What it holds.
    pub shape: Shape,
    /// Whether it cannot be left out.
    pub required: bool,
}

impl Setting {
    /// A field of a struct, by its name and doc comment.
    pub fn new(field: &str, doc: &str, shape: Shape, required: &[&str]) -> Self {
        let about = doc.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned();
        Self { name: field.replace('_', "-"), about, shape, required: required.contains(&field) }
    }
}

/// Declares a struct of settings: serde reads it, [`Described`] tells what it looks like. Names behind `requires` cannot be left
/// out; fields behind `and` are no settings.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        $(#[derive($($derive:ident),+)])?
        $(#[serde($($container:tt)+)])?
        pub struct $name:ident $(requires $($required:ident),+)? {
            $( $(#[doc = $doc:literal])+ pub $field:ident: $type:ty, )+
        }
        $(and { $( $(#[doc = $inner_doc:literal])+ pub $inner:ident: $inner_type:ty, )+ })?
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, serde::Deserialize $($(, $derive)+)?)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case" $(, $($container)+)?)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )+
            $($( $(#[doc = $inner_doc])+ #[serde(skip)] pub $inner: $inner_type, )+)?
        }

        impl $crate::config::shape::Described for $name {
            fn shape() -> $crate::config::shape::Shape {
                use $crate::config::shape::{Setting, Shape};
                let required: &[&str] = &[$($(stringify!($required)),+)?];
                Shape::Settings(vec![$(Setting::new(
                    stringify!($field),
                    concat!($($doc, "\n"),+),
                    <$type as $crate::config::shape::Described>::shape(),
                    required,
                )),+])
            }
        }
    };
}

pub(crate) use settings;

/// The words of a choice, which are those of the command line.
pub fn choice<T: ValueEnum>() -> Shape {
    let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let word = |value: clap::builder::PossibleValue| {
        (value.get_name().to_owned(), value.get_help().map(ToString::to_string).unwrap_or_default())
    };
    Shape::Choice(values.map(word).collect())
}

macro_rules! choices {
    ($($type:ty),+ $(,)?) => {$(
        impl Described for $type {
            fn shape() -> Shape {
                choice::<Self>()
            }
        }
    )+};
}

choices!(
    super::FailOn,
    super::UnknownKinds,
    super::Switch,
    super::DedupeSetting,
    super::Preset,
    super::Level,
    super::Scope,
    crate::schema::validate::Client,
);

macro_rules! texts {
    ($($type:ty: $what:literal),+ $(,)?) => {$(
        impl Described for $type {
            fn shape() -> Shape {
                Shape::Text($what)
            }
        }
    )+};
}

texts!(
    String: "text",
    PathBuf: "path",
    super::Pattern: "pattern with * and ?",
    super::Expression: "CEL",
    crate::transform::label::NamePattern: "pattern with {names}",
);

impl Described for bool {
    fn shape() -> Shape {
        Shape::Truth
    }
}

impl Described for usize {
    fn shape() -> Shape {
        Shape::Count
    }
}

impl<T: Described> Described for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Described> Described for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

impl<T: Described> Described for BTreeMap<String, T> {
    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }
}

impl Described for super::Presets {
    fn shape() -> Shape {
        Shape::OneOrMany(Box::new(super::Preset::shape()))
    }
}

impl Described for super::Levels {
    fn shape() -> Shape {
        let rules = crate::rules::all().map(|rule| (rule.name.to_owned(), crate::rules::summary(rule)));
        Shape::Names(rules.collect(), Box::new(super::Level::shape()))
    }
}

/// The JSON Schema of `.capi-lint.yaml`, for editors.
pub fn json_schema() -> Json {
    let mut schema = Map::new();
    schema.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
    schema.insert("title".into(), "Settings of capi-lint (.capi-lint.yaml)".into());
    if let Json::Object(root) = as_schema(&super::Settings::shape()) {
        schema.extend(root);
    }
    // An empty file holds null.
    schema.insert("type".into(), json!(["object", "null"]));
    Json::Object(schema)
}

fn as_schema(shape: &Shape) -> Json {
    match shape {
        // `team: 1.30` and `gpu: true` are read as what they say.
        Shape::Text(_) => json!({"type": ["string", "number", "boolean"]}),
        Shape::Truth => json!({"type": "boolean"}),
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Choice(words) => json!({"enum": words.iter().map(|(word, _)| word).collect::<Vec<_>>()}),
        Shape::List(item) => json!({"type": "array", "items": as_schema(item)}),
        Shape::Map(value) => json!({"type": "object", "additionalProperties": as_schema(value)}),
        Shape::OneOrMany(item) => {
            json!({"oneOf": [as_schema(item), {"type": "array", "items": as_schema(item)}]})
        }
        Shape::Names(names, value) => {
            let properties = names.iter().map(|(name, about)| (name.clone(), described(about, as_schema(value))));
            json!({"type": "object", "properties": properties.collect::<Map<_, _>>(), "additionalProperties": as_schema(value)})
        }
        Shape::Settings(settings) => {
            let properties = settings
                .iter()
                .map(|setting| (setting.name.clone(), described(&setting.about, as_schema(&setting.shape))));
            let mut schema = json!({"type": "object", "properties": properties.collect::<Map<_, _>>(), "additionalProperties": false});
            let required: Vec<&String> =
                settings.iter().filter(|setting| setting.required).map(|setting| &setting.name).collect();
            if !required.is_empty() {
                schema["required"] = json!(required);
            }
            schema
        }
    }
}

fn described(about: &str, mut schema: Json) -> Json {
    schema["description"] = about.replace('`', "").into();
    schema
}

/// An example with every kind of setting in it; a test reads it.
pub const EXAMPLE: &str = include_str!("example.yaml");

/// The manual page of the settings, Markdown: what `docs/settings.md` holds.
pub fn manual() -> String {
    let mut page = String::from(
        "# Settings\n\nGenerated by `capi-lint schema settings --format markdown`; a test fails when it is stale.\n\n\
         capi-lint reads `.capi-lint.yaml`, found upwards from the working directory (`--config` names another). Flags go over \
         settings. Every setting may be left out; unknown ones are refused, so that a misspelt setting does not do nothing in \
         silence. `capi-lint schema settings` prints the JSON Schema for editors: with the YAML language server, \
         `# yaml-language-server: $schema=settings.schema.json` at the top of the file.\n\n## An example\n\n```yaml\n",
    );
    page.push_str(EXAMPLE);
    page.push_str("```\n\n## All settings\n\n");
    if let Shape::Settings(settings) = super::Settings::shape() {
        for setting in &settings {
            tell(setting, 0, &mut page);
        }
    }
    page
}

fn tell(setting: &Setting, depth: usize, page: &mut String) {
    let indent = "  ".repeat(depth);
    let required = if setting.required { ", required" } else { "" };
    let _ = writeln!(page, "{indent}- **`{}`** ({}{required}): {}", setting.name, kind(&setting.shape), setting.about);
    match innermost(&setting.shape) {
        Shape::Settings(settings) => settings.iter().for_each(|inner| tell(inner, depth + 1, page)),
        Shape::Choice(words) => {
            for (word, about) in words {
                let _ = writeln!(page, "{indent}  - `{word}`: {}", about.trim_end_matches('.'));
            }
        }
        _ => {}
    }
}

fn innermost(shape: &Shape) -> &Shape {
    match shape {
        Shape::List(inner) | Shape::Map(inner) | Shape::OneOrMany(inner) => innermost(inner),
        _ => shape,
    }
}

fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Text(what) => (*what).to_owned(),
        Shape::Truth => "true or false".to_owned(),
        Shape::Count => "number".to_owned(),
        Shape::Choice(_) => "one of".to_owned(),
        Shape::List(item) => format!("list: {}", kind(item)),
        Shape::Map(value) => format!("map: {}", kind(value)),
        Shape::OneOrMany(item) => format!("{}, or a list", kind(item)),
        Shape::Names(_, value) => match &**value {
            Shape::Choice(words) => {
                let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
                format!("map of rule names: {}", words.join(", "))
            }
            other => format!("map: {}", kind(other)),
        },
        Shape::Settings(_) => "settings".to_owned(),
    }
}
