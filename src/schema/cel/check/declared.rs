//! What a schema declares to the rules on it: the types of its values, and how large they can get.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::parser::RESERVED;
use super::types::Type;

/// The most bytes that the server takes in one request.
pub const MAX_REQUEST: u64 = 3 * 1024 * 1024;

/// A declared value.
#[derive(Clone, Debug)]
pub struct Declared {
    /// What it is.
    pub shape: Shape,
    /// How many elements, entries, characters or bytes it can have at most.
    pub max_elements: u64,
    /// The fewest bytes that it takes as JSON.
    pub min_size: u64,
}

/// What a declared value is.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A value without parts.
    Plain(Type),
    /// A list.
    List(Rc<Declared>),
    /// A map from text.
    Map(Rc<Declared>),
    /// An object with declared fields, by the names that rules call them.
    Object(BTreeMap<String, Rc<Declared>>),
}

impl Declared {
    /// A value without parts.
    pub fn plain(ty: Type, min_size: u64, max_elements: u64) -> Self {
        Self { shape: Shape::Plain(ty), max_elements, min_size }
    }

    /// Text of at most so many bytes.
    pub fn text(max_elements: Option<u64>) -> Self {
        Self::plain(Type::Text, 2, max_elements.unwrap_or(MAX_REQUEST - 2))
    }

    /// A list; without a bound, as many elements as fit into a request.
    pub fn list(elements: Rc<Declared>, max: Option<u64>) -> Self {
        let most = (MAX_REQUEST - 2) / (elements.min_size + 1);
        Self { shape: Shape::List(elements), max_elements: max.unwrap_or(most), min_size: 2 }
    }

    /// A map from text; without a bound, as many entries as fit into a request.
    pub fn map(values: Rc<Declared>, max: Option<u64>) -> Self {
        let most = (MAX_REQUEST - 2) / (values.min_size + 6);
        Self { shape: Shape::Map(values), max_elements: max.unwrap_or(most), min_size: 2 }
    }

    /// An object with fields.
    pub fn object(fields: BTreeMap<String, Rc<Declared>>, min_size: u64) -> Self {
        Self { shape: Shape::Object(fields), max_elements: 0, min_size }
    }

    /// The type that expressions see.
    pub fn ty(self: &Rc<Self>) -> Type {
        match &self.shape {
            Shape::Plain(ty) => ty.clone(),
            Shape::List(elements) => Type::list(elements.ty()),
            Shape::Map(values) => Type::map(Type::Text, values.ty()),
            Shape::Object(_) => Type::Object(Rc::clone(self)),
        }
    }

    /// How often such a value can stand in one request.
    pub fn cardinality(&self) -> u64 {
        MAX_REQUEST / (self.min_size + 1)
    }
}

/// A field name as rules write it; `None` where they cannot.
pub fn escape(name: &str) -> Option<String> {
    const LITERALS: [&str; 4] = ["true", "false", "null", "in"];
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        return None;
    }
    if LITERALS.contains(&name) || RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let mut out = String::new();
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let (written, taken) = match c {
            '_' if rest.starts_with("__") => ("__underscores__", 2),
            '.' => ("__dot__", 1),
            '-' => ("__dash__", 1),
            '/' => ("__slash__", 1),
            c if c.is_ascii_alphanumeric() || c == '_' => (&rest[..1], 1),
            _ => return None,
        };
        out.push_str(written);
        rest = &rest[taken..];
    }
    Some(out)
}
