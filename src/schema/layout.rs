//! The layout of the packed table, shared by the code that writes it (`pack`) and the code that reads it (`table`).
//!
//! A table is a sequence of little-endian `u32` words followed by the text of all strings. An index is a word's number from the
//! table's start; 0 means "none". Every distinct record stands once, whatever refers to it. `build.rs` compiles this file too.
//!
//! | record | words |
//! |---|---|
//! | node | flags, edges, required, items, additional, extras |
//! | edges | count, required count, names in ascending order, their hashes, nodes (top bit: required) |
//! | list | count, entries |
//! | extras | mask of what follows, one word for each bit set, in the order of the bits |
//! | number | low half, high half of an `f64` |
//! | JSON | tag, payload |
//!
//! Strings are numbered in ascending order of their text.

/// The first word: `CLT` and the version of the layout.
pub const MAGIC: u32 = u32::from_le_bytes(*b"CLT2");

/// Words of the header, by number.
pub mod header {
    #![allow(missing_docs, reason = "the names say it")]
    pub const MAGIC: usize = 0;
    pub const STRINGS: usize = 1;
    pub const STRING_COUNT: usize = 2;
    pub const SLOTS: usize = 3;
    pub const SLOT_MASK: usize = 4;
    pub const KINDS: usize = 5;
    pub const KIND_COUNT: usize = 6;
    pub const RELEASES: usize = 7;
    pub const RELEASE_COUNT: usize = 8;
    pub const PATTERNS: usize = 9;
    pub const RULES: usize = 10;
    pub const RULE_COUNT: usize = 11;
    /// Where the text begins.
    pub const TEXT: usize = 12;
    pub const KIND_SLOTS: usize = 13;
    pub const KIND_SLOT_MASK: usize = 14;
    pub const WORDS: usize = 15;
}

/// Words of a node.
pub mod node {
    #![allow(missing_docs, reason = "the names say it")]
    pub const FLAGS: u32 = 0;
    pub const EDGES: u32 = 1;
    pub const REQUIRED: u32 = 2;
    pub const ITEMS: u32 = 3;
    pub const ADDITIONAL: u32 = 4;
    pub const EXTRAS: u32 = 5;
}

/// Bits of a node's flags. The lowest three are the type.
pub mod flag {
    #![allow(missing_docs, reason = "the names say it")]
    pub const TYPE: u32 = 0b111;
    pub const NULLABLE: u32 = 1 << 3;
    pub const PRESERVE_UNKNOWN: u32 = 1 << 4;
    pub const EMBEDDED_RESOURCE: u32 = 1 << 5;
    pub const UNIQUE_ITEMS: u32 = 1 << 6;
    pub const EXCLUSIVE_MINIMUM: u32 = 1 << 7;
    pub const EXCLUSIVE_MAXIMUM: u32 = 1 << 8;
    pub const LIST_TYPE: u32 = 9;
    pub const MAP_TYPE: u32 = 11;
    pub const ADDITIONAL_FORBIDDEN: u32 = 1 << 13;
    pub const ADDITIONAL_ANY: u32 = 1 << 14;
    /// Some check of the value itself: bounds, pattern, enum …
    pub const CHECKS: u32 = 1 << 15;
    /// allOf, anyOf, oneOf or not.
    pub const COMPOSED: u32 = 1 << 16;
    pub const RULES: u32 = 1 << 17;
    /// Rules here or anywhere below.
    pub const RULES_WITHIN: u32 = 1 << 18;
    /// A property has a default.
    pub const CHILD_DEFAULTS: u32 = 1 << 19;
    /// Defaults of properties here or anywhere below.
    pub const DEFAULTS_WITHIN: u32 = 1 << 20;
}

/// The top bit of an edge's node: the property is required.
pub const REQUIRED_EDGE: u32 = 1 << 31;

/// Bits of the mask of extras.
pub mod extra {
    #![allow(missing_docs, reason = "the names say it")]
    pub const MINIMUM: u32 = 0;
    pub const MAXIMUM: u32 = 1;
    pub const MULTIPLE_OF: u32 = 2;
    pub const MIN_LENGTH: u32 = 3;
    pub const MAX_LENGTH: u32 = 4;
    pub const MIN_ITEMS: u32 = 5;
    pub const MAX_ITEMS: u32 = 6;
    pub const MIN_PROPERTIES: u32 = 7;
    pub const MAX_PROPERTIES: u32 = 8;
    /// The pattern's number plus one.
    pub const PATTERN: u32 = 9;
    /// A string's number plus one.
    pub const FORMAT: u32 = 10;
    pub const ENUM: u32 = 11;
    pub const DEFAULT: u32 = 12;
    pub const LIST_MAP_KEYS: u32 = 13;
    pub const ALL_OF: u32 = 14;
    pub const ANY_OF: u32 = 15;
    pub const ONE_OF: u32 = 16;
    pub const NOT: u32 = 17;
    pub const RULES: u32 = 18;
    /// The bits that check a value by themselves.
    pub const CHECKS: u32 = (1 << DEFAULT) - 1;
}

/// Words of a kind's entry: group, kind, version, plural, release, flags, node. Sorted by the first three, then release.
pub const KIND_WORDS: usize = 7;

/// The hash that a kind's first entry is found by, from the numbers of group and kind.
pub fn kind_hash(group: u32, kind: u32) -> u32 {
    (u64::from(group) << 32 | u64::from(kind)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32) as u32
}

/// Bits of a kind's flags.
pub mod kind_flag {
    #![allow(missing_docs, reason = "the names say it")]
    pub const CLUSTER_SCOPED: u32 = 1;
    pub const SERVED: u32 = 2;
    pub const STORAGE: u32 = 4;
    pub const DEPRECATED: u32 = 8;
    pub const NATIVE: u32 = 16;
    pub const STATUS_SUBRESOURCE: u32 = 32;
}

/// Words of a release: provider, version, repository, commit, licence, CAPI's release (`major << 16 | minor`, else 0).
pub const RELEASE_WORDS: usize = 6;

/// Words of a CEL rule: expression, field path, reason, optionalOldSelf, message, messageExpression (of what may be absent, a
/// string's number plus one, else 0).
pub const RULE_WORDS: usize = 6;

/// Tags of JSON values.
pub mod json {
    #![allow(missing_docs, reason = "the names say it")]
    pub const NULL: u32 = 0;
    pub const FALSE: u32 = 1;
    pub const TRUE: u32 = 2;
    pub const INT: u32 = 3;
    pub const UINT: u32 = 4;
    pub const FLOAT: u32 = 5;
    pub const STRING: u32 = 6;
    pub const ARRAY: u32 = 7;
    pub const OBJECT: u32 = 8;
}

/// The hash that strings are found by: length, first and last eight bytes, and eight of the middle for long ones.
pub fn hash(text: &[u8]) -> u32 {
    const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
    let length = text.len();
    let eight = |at: usize| text.get(at..).and_then(|t| t.first_chunk::<8>()).map_or(0, |b| u64::from_le_bytes(*b));
    let four = |at: usize| text.get(at..).and_then(|t| t.first_chunk::<4>()).map_or(0, |b| u32::from_le_bytes(*b));
    let (first, last) = match length {
        0..4 => (text.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0),
        4..8 => (u64::from(four(0)), u64::from(four(length - 4))),
        8..=16 => (eight(0), eight(length - 8)),
        _ => (eight(0) ^ eight(length / 2 - 4).rotate_left(23), eight(length - 8)),
    };
    let product = u128::from(first ^ length as u64) * u128::from(last ^ SEED | 1);
    (((product as u64) ^ (product >> 64) as u64).wrapping_mul(SEED) >> 32) as u32
}
