//! The reading view of a packed table: schemas, kinds, rules, read in place from bytes.
//!
//! Why in place: the bundle holds some two thousand schemas, and a post-renderer that takes longer to start than to work is no
//! use. Nothing is parsed or copied when a table is opened. A damaged table gives wrong answers, never a panic. This module
//! judges nothing.

use std::fmt;

pub use super::facts::{ListType, MapType, Scope, Type};
use super::layout::{self, extra, flag, header, json, kind_flag, node};

/// A packed table: the bundle's, or one made from schemas that a user brings. It lives as long as the process; a run opens
/// one or two.
#[derive(Clone, Default)]
pub struct Table {
    words: &'static [[u8; 4]],
    text: &'static [u8],
    strings: u32,
    slots: u32,
    slot_mask: u32,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} bytes, {} kinds)", self.size(), self.kinds().len())
    }
}

impl Table {
    /// Opens packed bytes; `None` where they are no table of this layout.
    pub fn open(bytes: &'static [u8]) -> Option<Self> {
        let mut table = Self { words: bytes.as_chunks::<4>().0, ..Self::default() };
        if table.word(header::MAGIC as u32) != layout::MAGIC {
            return None;
        }
        table.strings = table.word(header::STRINGS as u32);
        table.slots = table.word(header::SLOTS as u32);
        table.slot_mask = table.word(header::SLOT_MASK as u32);
        table.text = bytes.get(table.word(header::TEXT as u32) as usize * 4..).unwrap_or_default();
        Some(table)
    }

    /// Size in bytes.
    pub fn size(&self) -> usize {
        self.words.len() * 4
    }

    #[inline]
    fn word(&self, at: u32) -> u32 {
        self.words.get(at as usize).map_or(0, |word| u32::from_le_bytes(*word))
    }

    fn number(&self, at: u32) -> u64 {
        u64::from(self.word(at)) | u64::from(self.word(at + 1)) << 32
    }

    #[inline]
    fn string_bytes(&self, number: u32) -> &'static [u8] {
        let start = self.word(self.strings + number) as usize;
        let end = self.word(self.strings + number + 1) as usize;
        self.text.get(start..end).unwrap_or_default()
    }

    fn string(&self, number: u32) -> &str {
        std::str::from_utf8(self.string_bytes(number)).unwrap_or_default()
    }

    fn optional_string(&self, number_plus_one: u32) -> Option<&str> {
        number_plus_one.checked_sub(1).map(|number| self.string(number))
    }

    fn list(&self, at: u32) -> impl ExactSizeIterator<Item = u32> + Clone + use<'_> {
        let count = if at == 0 { 0 } else { self.word(at) };
        (0..count).map(move |i| self.word(at + 1 + i))
    }

    /// The number of a string that some schema of this table uses (as a name, an enum value …). One hash, one comparison.
    #[inline]
    pub fn name(&self, text: &str) -> Option<Name> {
        let mut slot = layout::hash(text.as_bytes()) & self.slot_mask;
        loop {
            let number = self.word(self.slots + slot).checked_sub(1)?;
            if self.string_bytes(number) == text.as_bytes() {
                return Some(Name(number));
            }
            slot = (slot + 1) & self.slot_mask;
        }
    }

    /// All kinds, sorted by group, kind, version and release.
    pub fn kinds(&self) -> impl DoubleEndedIterator<Item = Kind<'_>> + ExactSizeIterator {
        let (at, count) = (self.word(header::KINDS as u32), self.word(header::KIND_COUNT as u32));
        (0..count).map(move |number| Kind { table: self, at: at + number * layout::KIND_WORDS as u32 })
    }

    /// All entries of one kind: its versions in all releases.
    pub fn kind(
        &self,
        group: &str,
        kind: &str,
    ) -> impl DoubleEndedIterator<Item = Kind<'_>> + ExactSizeIterator + Clone + use<'_> {
        let entry = move |number: u32| self.word(header::KINDS as u32) + number * layout::KIND_WORDS as u32;
        let is_of = move |number: u32, group: u32, kind: u32| {
            let at = entry(number);
            self.word(at) == group && self.word(at + 1) == kind
        };
        let range = match (self.name(group), self.name(kind)) {
            (Some(Name(group)), Some(Name(kind))) => {
                let count = self.word(header::KIND_COUNT as u32);
                let first = self.first_entry(group, kind, is_of).unwrap_or(count);
                first..(first..count).find(|number| !is_of(*number, group, kind)).unwrap_or(count)
            }
            _ => 0..0,
        };
        range.map(move |number| Kind { table: self, at: entry(number) })
    }

    /// The number of a kind's first entry.
    fn first_entry(&self, group: u32, kind: u32, is_of: impl Fn(u32, u32, u32) -> bool) -> Option<u32> {
        let (slots, mask) = (self.word(header::KIND_SLOTS as u32), self.word(header::KIND_SLOT_MASK as u32));
        let mut slot = layout::kind_hash(group, kind) & mask;
        loop {
            let number = self.word(slots + slot).checked_sub(1)?;
            if is_of(number, group, kind) {
                return Some(number);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Whether any kind of this group is known.
    pub fn knows_group(&self, group: &str) -> bool {
        let (at, count) = (self.word(header::KINDS as u32), self.word(header::KIND_COUNT as u32));
        self.name(group).is_some_and(|Name(group)| {
            let key = |number: u32| self.word(at + number * layout::KIND_WORDS as u32);
            let first = partition(0, count, |number| key(number) < group);
            first < count && key(first) == group
        })
    }

    /// The releases whose kinds are here, oldest of a provider first.
    pub fn releases(&self) -> impl ExactSizeIterator<Item = Release<'_>> {
        let (at, count) = (self.word(header::RELEASES as u32), self.word(header::RELEASE_COUNT as u32));
        (0..count).map(move |number| Release { table: self, at: at + number * layout::RELEASE_WORDS as u32 })
    }

    /// All distinct patterns; a pattern's number ([`Pattern::number`]) is its place here. For caches of compiled ones.
    pub fn patterns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.list(self.word(header::PATTERNS as u32)).map(|number| self.string(number))
    }

    /// All distinct CEL rules; a rule's number ([`Rule::number`]) is its place here. For caches of compiled ones.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = Rule<'_>> {
        (0..self.word(header::RULE_COUNT as u32)).map(|number| self.rule(number))
    }

    fn rule(&self, number: u32) -> Rule<'_> {
        let at = self.word(header::RULES as u32) + number * layout::RULE_WORDS as u32;
        Rule {
            number,
            rule: self.string(self.word(at)),
            field_path: self.optional_string(self.word(at + 1)),
            reason: self.optional_string(self.word(at + 2)),
            optional_old_self: self.word(at + 3) != 0,
        }
    }
}

/// The first number of a range for which `before` no longer holds.
fn partition(mut low: u32, mut high: u32, before: impl Fn(u32) -> bool) -> u32 {
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// A string's number in its table; numbers ascend with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

/// Where schemas come from: one release of one provider.
#[derive(Clone, Copy)]
pub struct Release<'t> {
    table: &'t Table,
    at: u32,
}

impl<'t> Release<'t> {
    /// The provider's short name: `core`, `aws`, `kubernetes`.
    pub fn provider(self) -> &'t str {
        self.table.string(self.table.word(self.at))
    }

    /// The release: `v1.14.0`.
    pub fn version(self) -> &'t str {
        self.table.string(self.table.word(self.at + 1))
    }

    /// The repository: `kubernetes-sigs/cluster-api`.
    pub fn repository(self) -> &'t str {
        self.table.string(self.table.word(self.at + 2))
    }

    /// The commit.
    pub fn commit(self) -> &'t str {
        self.table.string(self.table.word(self.at + 3))
    }

    /// The licence's SPDX name.
    pub fn licence(self) -> &'t str {
        self.table.string(self.table.word(self.at + 4))
    }

    /// CAPI's own release (major, minor), where this is a part of CAPI.
    pub fn capi(self) -> Option<(u16, u16)> {
        let capi = self.table.word(self.at + 5);
        (capi != 0).then_some(((capi >> 16) as u16, capi as u16))
    }
}

impl PartialEq for Release<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.table, other.table) && self.at == other.at
    }
}

impl fmt::Debug for Release<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider(), self.version())
    }
}

/// One version of one kind in one release.
#[derive(Clone, Copy)]
pub struct Kind<'t> {
    table: &'t Table,
    at: u32,
}

impl<'t> Kind<'t> {
    fn flag(self, bit: u32) -> bool {
        self.table.word(self.at + 5) & bit != 0
    }

    /// The API group.
    pub fn group(self) -> &'t str {
        self.table.string(self.table.word(self.at))
    }

    /// The kind.
    pub fn kind(self) -> &'t str {
        self.table.string(self.table.word(self.at + 1))
    }

    /// The version.
    pub fn version(self) -> &'t str {
        self.table.string(self.table.word(self.at + 2))
    }

    /// Whether it is of this version.
    pub fn is_version(self, version: &str) -> bool {
        self.table.string_bytes(self.table.word(self.at + 2)) == version.as_bytes()
    }

    /// The name in URLs.
    pub fn plural(self) -> &'t str {
        self.table.string(self.table.word(self.at + 3))
    }

    /// The table it stands in.
    pub fn table(self) -> &'t Table {
        self.table
    }

    /// The number of its release in [`Table::releases`].
    pub fn release_number(self) -> usize {
        self.table.word(self.at + 4) as usize
    }

    /// Where it comes from.
    pub fn release(self) -> Release<'t> {
        let number = self.table.word(self.at + 4);
        let at = self.table.word(header::RELEASES as u32) + number * layout::RELEASE_WORDS as u32;
        Release { table: self.table, at }
    }

    /// Namespaced or not.
    pub fn scope(self) -> Scope {
        if self.flag(kind_flag::CLUSTER_SCOPED) { Scope::Cluster } else { Scope::Namespaced }
    }

    /// Whether the API server answers for this version.
    pub fn served(self) -> bool {
        self.flag(kind_flag::SERVED)
    }

    /// Whether objects are stored in this version.
    pub fn storage(self) -> bool {
        self.flag(kind_flag::STORAGE)
    }

    /// Whether the server warns of this version.
    pub fn deprecated(self) -> bool {
        self.flag(kind_flag::DEPRECATED)
    }

    /// Whether Go code of an API server judges it, not a CRD: only names and types are known, and nothing is defaulted here.
    pub fn native(self) -> bool {
        self.flag(kind_flag::NATIVE)
    }

    /// Whether `status` is a subresource: the server then drops what a created or changed object says there.
    pub fn status_subresource(self) -> bool {
        self.flag(kind_flag::STATUS_SUBRESOURCE)
    }

    /// The shape of the object.
    pub fn schema(self) -> Schema<'t> {
        Schema::new(self.table, self.table.word(self.at + 6))
    }
}

impl fmt::Debug for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}/{} ({:?})", self.kind(), self.group(), self.version(), self.release())
    }
}

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
}

/// A pattern that a string must match, in Go's syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern<'t> {
    /// Its number among all distinct patterns of the table.
    pub number: u32,
    /// The regular expression.
    pub text: &'t str,
}

impl<'t> Schema<'t> {
    #[inline]
    fn new(table: &'t Table, node: u32) -> Self {
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
        if self.field(node::EDGES) == 0 {
            return None;
        }
        self.property_named(self.table.name(name)?)
    }

    /// The property of a name whose number is known.
    #[inline]
    pub fn property_named(self, Name(name): Name) -> Option<Property<'t>> {
        let edges = self.field(node::EDGES);
        let count = self.property_count();
        let names = edges + 2;
        let index = if count <= 8 {
            (0..count).find(|index| self.table.word(names + index) == name)?
        } else {
            let index = partition(0, count, |index| self.table.word(names + index) < name);
            (index < count && self.table.word(names + index) == name).then_some(index)?
        };
        Some(self.property_at(edges, count, index))
    }

    fn property_at(self, edges: u32, count: u32, index: u32) -> Property<'t> {
        let child = self.table.word(edges + 2 + count + index);
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

/// A JSON value of the table: a default, or one of an enum.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are JSON's")]
pub enum Json<'t> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str(&'t str),
    Array(JsonArray<'t>),
    Object(JsonObject<'t>),
}

/// A JSON list of the table.
#[derive(Clone, Copy, Debug)]
pub struct JsonArray<'t> {
    table: &'t Table,
    at: u32,
}

/// A JSON mapping of the table.
#[derive(Clone, Copy, Debug)]
pub struct JsonObject<'t> {
    table: &'t Table,
    at: u32,
}

impl<'t> Json<'t> {
    fn read(table: &'t Table, at: u32) -> Self {
        match table.word(at) {
            json::FALSE => Json::Bool(false),
            json::TRUE => Json::Bool(true),
            json::INT => Json::Int(table.number(at + 1) as i64),
            json::UINT => Json::UInt(table.number(at + 1)),
            json::FLOAT => Json::Float(f64::from_bits(table.number(at + 1))),
            json::STRING => Json::Str(table.string(table.word(at + 1))),
            json::ARRAY => Json::Array(JsonArray { table, at: at + 1 }),
            json::OBJECT => Json::Object(JsonObject { table, at: at + 1 }),
            _ => Json::Null,
        }
    }

    /// The value as `serde_json` has it. Not for hot paths.
    pub fn to_json(self) -> serde_json::Value {
        match self {
            Json::Null => serde_json::Value::Null,
            Json::Bool(truth) => truth.into(),
            Json::Int(number) => number.into(),
            Json::UInt(number) => number.into(),
            Json::Float(number) => number.into(),
            Json::Str(text) => text.into(),
            Json::Array(array) => array.items().map(Json::to_json).collect(),
            Json::Object(object) => object.entries().map(|(key, value)| (key, value.to_json())).collect(),
        }
    }
}

impl<'t> JsonArray<'t> {
    /// The items.
    pub fn items(self) -> impl ExactSizeIterator<Item = Json<'t>> + Clone + use<'t> {
        self.table.list(self.at).map(move |at| Json::read(self.table, at))
    }
}

impl PartialEq for JsonArray<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.items().eq(other.items())
    }
}

impl<'t> JsonObject<'t> {
    /// The entries, in order of key.
    pub fn entries(self) -> impl ExactSizeIterator<Item = (&'t str, Json<'t>)> + Clone + use<'t> {
        let table = self.table;
        (0..table.word(self.at)).map(move |entry| {
            let at = self.at + 1 + entry * 2;
            (table.string(table.word(at)), Json::read(table, table.word(at + 1)))
        })
    }

    /// The value under a key.
    pub fn get(self, key: &str) -> Option<Json<'t>> {
        self.entries().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

impl PartialEq for JsonObject<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.entries().eq(other.entries())
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
