//! The reading view of a packed table: schemas, kinds, rules, read in place from bytes.
//!
//! Why in place: the bundle holds some two thousand schemas, and a post-renderer that takes longer to start than to work is no
//! use. Nothing is parsed or copied when a table is opened. A damaged table gives wrong answers, never a panic. This module
//! judges nothing.

use std::fmt;

mod json;
mod schema;

pub use super::facts::{ListType, MapType, Scope, Type};
use super::layout::{self, header, kind_flag};
pub use json::{Json, JsonArray, JsonObject};
pub use schema::{Additional, Checks, Pattern, Property, Rule, Schema};

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
            message: self.optional_string(self.word(at + 4)),
            message_expression: self.optional_string(self.word(at + 5)),
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

    /// A number that no other entry of its table has; for caches.
    pub fn number(self) -> u32 {
        self.at
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

#[cfg(test)]
mod tests;
