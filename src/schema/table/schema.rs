//! The view of one schema: what its node, edges and extras say.

use std::fmt;

use super::super::facts::{ListType, MapType, Type};
use super::super::layout::{self, extra, flag, header, node};
use super::{Json, Name, Table, partition};

/// The schema of one value. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Schema<'t> {
    table: &'t Table,
    node: u32,
    flags: u32,
}

impl PartialEq for Schema<'_> {
    /// Equal schemas of one table are one node.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.table, other.table) && self.node == other.node
    }
}

impl fmt::Debug for Schema<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({} at {})", self.ty().name(), self.node)
    }
}

/// What a mapping may hold beside its properties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Additional<'t> {
    /// Nothing is said: unknown keys are pruned, unless [`Schema::preserve_unknown`].
    Absent,
    /// `false`.
    Forbidden,
    /// `true`.
    Any,
    /// Values of this schema under any key.
    Schema(Schema<'t>),
}

/// One property of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Property<'t> {
    /// Its schema.
    pub schema: Schema<'t>,
    /// Whether it must be there.
    pub required: bool,
    /// Its number among the properties of its parent, in order of name.
    pub index: u32,
}

/// One CEL rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<'t> {
    /// Its number among all distinct rules of the table.
    pub number: u32,
    /// The expression.
    pub rule: &'t str,
    /// The field that a failure is reported at.
    pub field_path: Option<&'t str>,
    /// The machine-readable reason of a failure.
    pub reason: Option<&'t str>,
    /// Whether a rule on `oldSelf` is evaluated on creation too.
    pub optional_old_self: bool,
    /// What its author says of a failure; the bundle has none.
    pub message: Option<&'t str>,
    /// The expression that yields what is said of a failure; the bundle has none.
    pub message_expression: Option<&'t str>,
}

/// A pattern that a string must match, in Go's syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern<'t> {
    /// Its number among all distinct patterns of the table.
    pub number: u32,
    /// The regular expression.
    pub text: &'t str,
}

/// Among so few properties the hashes are looked through one by one.
const FEW: u32 = 24;

impl<'t> Schema<'t> {
    #[inline]
    pub(super) fn new(table: &'t Table, node: u32) -> Self {
        Self { table, node, flags: table.word(node + node::FLAGS) }
    }

    #[inline]
    fn flag(self, bit: u32) -> bool {
        self.flags & bit != 0
    }

    #[inline]
    fn field(self, field: u32) -> u32 {
        self.table.word(self.node + field)
    }

    fn extra(self, bit: u32) -> Option<u32> {
        let extras = self.field(node::EXTRAS);
        let mask = if extras == 0 { 0 } else { self.table.word(extras) };
        let before = (mask & ((1 << bit) - 1)).count_ones();
        (mask & (1 << bit) != 0).then(|| self.table.word(extras + 1 + before))
    }

    fn schemas(self, bit: u32) -> impl ExactSizeIterator<Item = Schema<'t>> + Clone + use<'t> {
        let table = self.table;
        table.list(self.extra(bit).unwrap_or_default()).map(move |node| Schema::new(table, node))
    }

    /// The table it stands in: rule and pattern numbers count there.
    pub fn table(self) -> &'t Table {
        self.table
    }

    /// A number that is the same for equal schemas of one table; for caches.
    pub fn number(self) -> u32 {
        self.node
    }

    /// What the value may be.
    #[inline]
    pub fn ty(self) -> Type {
        match self.flags & flag::TYPE {
            1 => Type::Object,
            2 => Type::Array,
            3 => Type::String,
            4 => Type::Integer,
            5 => Type::Number,
            6 => Type::Boolean,
            7 => Type::IntOrString,
            _ => Type::Any,
        }
    }

    /// Whether `null` is a value.
    pub fn nullable(self) -> bool {
        self.flag(flag::NULLABLE)
    }

    /// Whether unknown fields are kept.
    pub fn preserve_unknown(self) -> bool {
        self.flag(flag::PRESERVE_UNKNOWN)
    }

    /// Whether the value is an object with `apiVersion`, `kind` and `metadata`.
    pub fn embedded_resource(self) -> bool {
        self.flag(flag::EMBEDDED_RESOURCE)
    }

    /// Whether any check of the value itself is here (bounds, lengths, counts, pattern, format, enum): the fast way out.
    #[inline]
    pub fn has_checks(self) -> bool {
        self.flag(flag::CHECKS)
    }

    /// Whether allOf, anyOf, oneOf or not is here.
    #[inline]
    pub fn is_composed(self) -> bool {
        self.flag(flag::COMPOSED)
    }

    /// Whether CEL rules are here.
    #[inline]
    pub fn has_rules(self) -> bool {
        self.flag(flag::RULES)
    }

    /// Whether CEL rules are here or on anything below.
    #[inline]
    pub fn has_rules_within(self) -> bool {
        self.flag(flag::RULES_WITHIN)
    }

    /// Whether a property of this mapping has a default.
    #[inline]
    pub fn has_child_defaults(self) -> bool {
        self.flag(flag::CHILD_DEFAULTS)
    }

    /// Whether a property here or anywhere below has a default.
    #[inline]
    pub fn has_defaults_within(self) -> bool {
        self.flag(flag::DEFAULTS_WITHIN)
    }

    /// The property of this name.
    #[inline]
    pub fn property(self, name: &str) -> Option<Property<'t>> {
        let edges = self.field(node::EDGES);
        if edges == 0 {
            return None;
        }
        let count = self.table.word(edges);
        if count > FEW {
            return self.property_named(edges, count, self.table.name(name)?);
        }
        let hash = layout::hash(name.as_bytes()).to_le_bytes();
        let hashes = self.table.words.get((edges + 2 + count) as usize..(edges + 2 + 2 * count) as usize)?;
        let mut from = 0;
        loop {
            let index = from + hashes.get(from..)?.iter().position(|other| *other == hash)?;
            let number = self.table.word(edges + 2 + index as u32);
            if self.table.string_bytes(number) == name.as_bytes() {
                return Some(self.property_at(edges, count, index as u32));
            }
            from = index + 1;
        }
    }

    fn property_named(self, edges: u32, count: u32, Name(name): Name) -> Option<Property<'t>> {
        let names = edges + 2;
        let index = partition(0, count, |index| self.table.word(names + index) < name);
        (index < count && self.table.word(names + index) == name).then(|| self.property_at(edges, count, index))
    }

    fn property_at(self, edges: u32, count: u32, index: u32) -> Property<'t> {
        let child = self.table.word(edges + 2 + 2 * count + index);
        Property {
            schema: Schema::new(self.table, child & !layout::REQUIRED_EDGE),
            required: child & layout::REQUIRED_EDGE != 0,
            index,
        }
    }

    /// Number of properties.
    #[inline]
    pub fn property_count(self) -> u32 {
        let edges = self.field(node::EDGES);
        if edges == 0 { 0 } else { self.table.word(edges) }
    }

    /// How many of the properties are required; a name that is required but no property is not counted.
    #[inline]
    pub fn required_count(self) -> u32 {
        let edges = self.field(node::EDGES);
        if edges == 0 { 0 } else { self.table.word(edges + 1) }
    }

    /// All properties with their names, in order of name.
    pub fn properties(self) -> impl ExactSizeIterator<Item = (&'t str, Property<'t>)> + Clone + use<'t> {
        let (edges, count) = (self.field(node::EDGES), self.property_count());
        (0..count).map(move |index| {
            (self.table.string(self.table.word(edges + 2 + index)), self.property_at(edges, count, index))
        })
    }

    /// The names that must be there, as listed; they need not be properties.
    pub fn required(self) -> impl ExactSizeIterator<Item = &'t str> + Clone + use<'t> {
        let table = self.table;
        table.list(self.field(node::REQUIRED)).map(move |name| table.string(name))
    }

    /// The schema of a list's items.
    #[inline]
    pub fn items(self) -> Option<Schema<'t>> {
        let items = self.field(node::ITEMS);
        (items != 0).then(|| Schema::new(self.table, items))
    }

    /// What a mapping may hold beside its properties.
    #[inline]
    pub fn additional(self) -> Additional<'t> {
        match self.field(node::ADDITIONAL) {
            0 if self.flag(flag::ADDITIONAL_FORBIDDEN) => Additional::Forbidden,
            0 if self.flag(flag::ADDITIONAL_ANY) => Additional::Any,
            0 => Additional::Absent,
            schema => Additional::Schema(Schema::new(self.table, schema)),
        }
    }

    /// `x-kubernetes-list-type`.
    #[inline]
    pub fn list_type(self) -> ListType {
        match self.flags >> flag::LIST_TYPE & 0b11 {
            1 => ListType::Atomic,
            2 => ListType::Set,
            3 => ListType::Map,
            _ => ListType::Absent,
        }
    }

    /// `x-kubernetes-list-map-keys`.
    pub fn list_map_keys(self) -> impl ExactSizeIterator<Item = &'t str> + Clone + use<'t> {
        let table = self.table;
        table.list(self.extra(extra::LIST_MAP_KEYS).unwrap_or_default()).map(move |key| table.string(key))
    }

    /// `x-kubernetes-map-type`.
    pub fn map_type(self) -> MapType {
        match self.flags >> flag::MAP_TYPE & 0b11 {
            1 => MapType::Granular,
            2 => MapType::Atomic,
            _ => MapType::Absent,
        }
    }

    /// The default that the server puts where the value is absent.
    pub fn default(self) -> Option<Json<'t>> {
        self.extra(extra::DEFAULT).map(|at| Json::read(self.table, at))
    }

    /// All checks of the value itself.
    pub fn checks(self) -> Checks<'t> {
        Checks { schema: self }
    }

    /// `allOf`.
    pub fn all_of(self) -> impl ExactSizeIterator<Item = Schema<'t>> + Clone + use<'t> {
        self.schemas(extra::ALL_OF)
    }

    /// `anyOf`.
    pub fn any_of(self) -> impl ExactSizeIterator<Item = Schema<'t>> + Clone + use<'t> {
        self.schemas(extra::ANY_OF)
    }

    /// `oneOf`.
    pub fn one_of(self) -> impl ExactSizeIterator<Item = Schema<'t>> + Clone + use<'t> {
        self.schemas(extra::ONE_OF)
    }

    /// `not`.
    #[allow(clippy::should_implement_trait, reason = "the keyword's name")]
    pub fn not(self) -> Option<Schema<'t>> {
        self.extra(extra::NOT).map(|node| Schema::new(self.table, node))
    }

    /// The CEL rules of this value.
    pub fn rules(self) -> impl ExactSizeIterator<Item = Rule<'t>> + Clone + use<'t> {
        let table = self.table;
        table.list(self.extra(extra::RULES).unwrap_or_default()).map(move |number| table.rule(number))
    }
}

/// The checks of a value itself. Each is looked up when asked for.
#[derive(Clone, Copy, Debug)]
pub struct Checks<'t> {
    schema: Schema<'t>,
}

impl<'t> Checks<'t> {
    fn number(self, bit: u32) -> Option<f64> {
        self.schema.extra(bit).map(|at| f64::from_bits(self.schema.table.number(at)))
    }

    /// The lower bound; see [`Checks::exclusive_minimum`].
    pub fn minimum(self) -> Option<f64> {
        self.number(extra::MINIMUM)
    }

    /// The upper bound; see [`Checks::exclusive_maximum`].
    pub fn maximum(self) -> Option<f64> {
        self.number(extra::MAXIMUM)
    }

    /// Whether the lower bound itself is refused.
    pub fn exclusive_minimum(self) -> bool {
        self.schema.flag(flag::EXCLUSIVE_MINIMUM)
    }

    /// Whether the upper bound itself is refused.
    pub fn exclusive_maximum(self) -> bool {
        self.schema.flag(flag::EXCLUSIVE_MAXIMUM)
    }

    /// The number that the value must be a multiple of.
    pub fn multiple_of(self) -> Option<f64> {
        self.number(extra::MULTIPLE_OF)
    }

    /// Least number of characters.
    pub fn min_length(self) -> Option<u32> {
        self.schema.extra(extra::MIN_LENGTH)
    }

    /// Greatest number of characters.
    pub fn max_length(self) -> Option<u32> {
        self.schema.extra(extra::MAX_LENGTH)
    }

    /// Least number of items.
    pub fn min_items(self) -> Option<u32> {
        self.schema.extra(extra::MIN_ITEMS)
    }

    /// Greatest number of items.
    pub fn max_items(self) -> Option<u32> {
        self.schema.extra(extra::MAX_ITEMS)
    }

    /// Least number of keys.
    pub fn min_properties(self) -> Option<u32> {
        self.schema.extra(extra::MIN_PROPERTIES)
    }

    /// Greatest number of keys.
    pub fn max_properties(self) -> Option<u32> {
        self.schema.extra(extra::MAX_PROPERTIES)
    }

    /// Whether no item may stand twice (CRDs cannot say so; native kinds and JSON Schemas can).
    pub fn unique_items(self) -> bool {
        self.schema.flag(flag::UNIQUE_ITEMS)
    }

    /// The pattern that the text must match somewhere.
    pub fn pattern(self) -> Option<Pattern<'t>> {
        let table = self.schema.table;
        let number = self.schema.extra(extra::PATTERN)?.checked_sub(1)?;
        let list = table.word(header::PATTERNS as u32);
        Some(Pattern { number, text: table.string(table.word(list + 1 + number)) })
    }

    /// The number of the pattern: [`Pattern::number`].
    #[inline]
    pub fn pattern_number(self) -> Option<u32> {
        self.schema.extra(extra::PATTERN)?.checked_sub(1)
    }

    /// The format's name.
    pub fn format(self) -> Option<&'t str> {
        self.schema.extra(extra::FORMAT).and_then(|number| self.schema.table.optional_string(number))
    }

    /// The values that are allowed; `None` where any is.
    pub fn enumeration(self) -> Option<impl ExactSizeIterator<Item = Json<'t>> + Clone + use<'t>> {
        let table = self.schema.table;
        self.schema.extra(extra::ENUM).map(|at| table.list(at).map(move |at| Json::read(table, at)))
    }
}
