//! Facts into a table: every distinct node, list and string is written once, and all releases and providers share it.
//!
//! Used by `build.rs` for what is bundled and at run time for schemas that a user brings; both give the same bytes for the same
//! facts. `build.rs` compiles this file too: it must not use the rest of the crate.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

use super::facts::{AdditionalFacts, Facts, KindFacts, RuleFacts, Scope};
use super::layout::{self, extra, flag, header, json, kind_flag};

/// Where facts come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseFacts {
    /// The provider's short name: `core`, `aws`, `kubernetes`.
    pub provider: String,
    /// The release: `v1.14.0`.
    pub version: String,
    /// The repository: `kubernetes-sigs/cluster-api`.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// The licence's SPDX name.
    pub licence: String,
}

impl ReleaseFacts {
    /// CAPI's own release (major, minor), where this is a part of CAPI.
    pub fn capi(&self) -> Option<(u16, u16)> {
        (self.repository == "kubernetes-sigs/cluster-api").then(|| release_number(&self.version)).flatten()
    }
}

/// Major and minor of `v1.14.0`.
fn release_number(version: &str) -> Option<(u16, u16)> {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Packs the kinds of each release, oldest release of a provider first.
pub fn pack(releases: &[(ReleaseFacts, Vec<KindFacts>)]) -> Vec<u8> {
    let names = Names::collect(releases);
    let mut arena = Arena { words: vec![0; header::WORDS], memo: HashMap::new(), names: &names };
    let mut kinds = Vec::new();
    for (number, (_, facts)) in releases.iter().enumerate() {
        for kind in facts {
            kinds.push([
                names.string(&kind.group),
                names.string(&kind.kind),
                names.string(&kind.version),
                names.string(&kind.plural),
                number as u32,
                kind_flags(kind),
                arena.node(&kind.schema),
            ]);
        }
    }
    kinds.sort_unstable();
    kinds.dedup_by_key(|entry| [entry[0], entry[1], entry[2], entry[4]]);
    let mut words = arena.words;
    words[header::MAGIC] = layout::MAGIC;
    section(&mut words, header::KINDS, Some(header::KIND_COUNT), kinds.as_flattened(), layout::KIND_WORDS);
    let slots = kind_slots(&kinds);
    words[header::KIND_SLOT_MASK] = slots.len() as u32 - 1;
    section(&mut words, header::KIND_SLOTS, None, &slots, 1);
    let sources: Vec<u32> = releases.iter().flat_map(|(release, _)| names.release(release)).collect();
    section(&mut words, header::RELEASES, Some(header::RELEASE_COUNT), &sources, layout::RELEASE_WORDS);
    let patterns: Vec<u32> = names.patterns.keys_in_order().map(|text| names.string(text)).collect();
    words.push(patterns.len() as u32);
    section(&mut words, header::PATTERNS, None, &patterns, 1);
    words[header::PATTERNS] -= 1;
    let rules: Vec<u32> = names.rules.keys_in_order().flat_map(|rule| names.rule(rule)).collect();
    section(&mut words, header::RULES, Some(header::RULE_COUNT), &rules, layout::RULE_WORDS);
    names.write(words)
}

/// An open hash of the first entry of each kind (its number plus one).
fn kind_slots(kinds: &[[u32; layout::KIND_WORDS]]) -> Vec<u32> {
    let mask = (kinds.len() * 2).next_power_of_two().max(2) - 1;
    let mut slots = vec![0; mask + 1];
    for (number, [group, kind, ..]) in (1..).zip(kinds) {
        let is_first = number == 1 || kinds[number as usize - 2][..2] != [*group, *kind];
        let mut slot = layout::kind_hash(*group, *kind) as usize & mask;
        while is_first && slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        if is_first {
            slots[slot] = number;
        }
    }
    slots
}

fn section(words: &mut Vec<u32>, at: usize, count: Option<usize>, records: &[u32], width: usize) {
    words[at] = words.len() as u32;
    if let Some(count) = count {
        words[count] = (records.len() / width) as u32;
    }
    words.extend_from_slice(records);
}

fn kind_flags(kind: &KindFacts) -> u32 {
    [
        (kind.scope == Scope::Cluster, kind_flag::CLUSTER_SCOPED),
        (kind.served, kind_flag::SERVED),
        (kind.storage, kind_flag::STORAGE),
        (kind.deprecated, kind_flag::DEPRECATED),
        (kind.native, kind_flag::NATIVE),
        (kind.status_subresource, kind_flag::STATUS_SUBRESOURCE),
    ]
    .into_iter()
    .filter_map(|(set, bit)| set.then_some(bit))
    .sum()
}

/// Things numbered in their order.
struct Numbered<T> {
    order: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    fn new(order: impl Iterator<Item = T>) -> Self {
        let order: Vec<T> = order.collect();
        let numbers = order.iter().cloned().zip(0..).collect();
        Self { order, numbers }
    }

    fn keys_in_order(&self) -> impl Iterator<Item = &T> {
        self.order.iter()
    }

    fn number(&self, key: &T) -> u32 {
        // Everything was collected before anything is looked up.
        self.numbers.get(key).copied().unwrap_or_default()
    }
}

/// A rule as a key that sorts: expression, optionalOldSelf; field path, reason, message, messageExpression.
type RuleKey<'a> = (&'a str, bool, [Option<&'a str>; 4]);

fn rule_key(rule: &RuleFacts) -> RuleKey<'_> {
    let texts = [&rule.field_path, &rule.reason, &rule.message, &rule.message_expression];
    (&rule.rule, rule.optional_old_self, texts.map(Option::as_deref))
}

/// All strings, patterns and rules of the facts.
struct Names<'a> {
    strings: Numbered<&'a str>,
    patterns: Numbered<&'a str>,
    rules: Numbered<RuleKey<'a>>,
}

impl<'a> Names<'a> {
    fn collect(releases: &'a [(ReleaseFacts, Vec<KindFacts>)]) -> Self {
        let (mut strings, mut patterns, mut rules) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (release, kinds) in releases {
            strings.extend(release_texts(release));
            for kind in kinds {
                strings.extend([&*kind.group, &*kind.kind, &*kind.version, &*kind.plural]);
                kind.schema.for_each(&mut |facts| {
                    strings.extend(facts.properties.keys().map(String::as_str));
                    strings.extend(facts.required.iter().chain(&facts.list_map_keys).map(String::as_str));
                    strings.extend(facts.format.as_deref());
                    patterns.extend(facts.pattern.as_deref());
                    rules.extend(facts.rules.iter().map(rule_key));
                    facts.enumeration.iter().chain(&facts.default).for_each(|value| json_texts(value, &mut strings));
                });
            }
        }
        strings.extend(&patterns);
        for (rule, _, texts) in &rules {
            strings.insert(*rule);
            strings.extend(texts.iter().flatten());
        }
        Self {
            strings: Numbered::new(strings.into_iter()),
            patterns: Numbered::new(patterns.into_iter()),
            rules: Numbered::new(rules.into_iter()),
        }
    }

    fn string(&self, text: &'a str) -> u32 {
        self.strings.number(&text)
    }

    fn optional(&self, text: Option<&'a str>) -> u32 {
        text.map_or(0, |text| self.string(text) + 1)
    }

    fn release(&self, release: &'a ReleaseFacts) -> [u32; layout::RELEASE_WORDS] {
        let [provider, version, repository, commit, licence] = release_texts(release).map(|text| self.string(text));
        let capi = release.capi().map_or(0, |(major, minor)| u32::from(major) << 16 | u32::from(minor));
        [provider, version, repository, commit, licence, capi]
    }

    fn rule(&self, (rule, optional_old_self, texts): &RuleKey<'a>) -> [u32; layout::RULE_WORDS] {
        let [path, reason, message, expression] = texts.map(|text| self.optional(text));
        [self.string(rule), path, reason, u32::from(*optional_old_self), message, expression]
    }

    /// Adds the strings to the words and gives the whole table as bytes.
    fn write(&self, mut words: Vec<u32>) -> Vec<u8> {
        let strings = &self.strings.order;
        let slot_count = (strings.len() * 2).next_power_of_two().max(2);
        let mut slots = vec![0_u32; slot_count];
        for (text, number) in strings.iter().zip(1..) {
            let mut slot = layout::hash(text.as_bytes()) as usize & (slot_count - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (slot_count - 1);
            }
            slots[slot] = number;
        }
        words[header::SLOT_MASK] = slot_count as u32 - 1;
        section(&mut words, header::SLOTS, None, &slots, 1);
        let mut end = 0_u32;
        let mut ends = vec![0];
        ends.extend(strings.iter().map(|text| {
            end += text.len() as u32;
            end
        }));
        words[header::STRING_COUNT] = strings.len() as u32;
        section(&mut words, header::STRINGS, None, &ends, 1);
        words[header::TEXT] = words.len() as u32;
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        for text in strings {
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

fn release_texts(release: &ReleaseFacts) -> [&str; 5] {
    [&release.provider, &release.version, &release.repository, &release.commit, &release.licence].map(String::as_str)
}

fn json_texts<'a>(value: &'a Json, strings: &mut BTreeSet<&'a str>) {
    match value {
        Json::String(text) => drop(strings.insert(text)),
        Json::Array(items) => items.iter().for_each(|item| json_texts(item, strings)),
        Json::Object(entries) => entries.iter().for_each(|(key, value)| {
            strings.insert(key);
            json_texts(value, strings);
        }),
        _ => {}
    }
}

/// Records, each distinct one once.
struct Arena<'n, 'a> {
    words: Vec<u32>,
    memo: HashMap<Vec<u32>, u32>,
    names: &'n Names<'a>,
}

impl<'a> Arena<'_, 'a> {
    fn intern(&mut self, record: Vec<u32>) -> u32 {
        if let Some(index) = self.memo.get(&record) {
            return *index;
        }
        let index = self.words.len() as u32;
        self.words.extend_from_slice(&record);
        self.memo.insert(record, index);
        index
    }

    /// A list, 0 for an empty one.
    fn list(&mut self, entries: impl IntoIterator<Item = u32>) -> u32 {
        let mut record = vec![0];
        record.extend(entries);
        record[0] = record.len() as u32 - 1;
        if record[0] == 0 { 0 } else { self.intern(record) }
    }

    fn number(&mut self, number: f64) -> u32 {
        self.intern(halves(number.to_bits()).to_vec())
    }

    fn nodes(&mut self, schemas: &'a [Facts]) -> u32 {
        let nodes: Vec<u32> = schemas.iter().map(|facts| self.node(facts)).collect();
        self.list(nodes)
    }

    fn flags_of(&self, node: u32) -> u32 {
        self.words[node as usize]
    }

    fn node(&mut self, facts: &'a Facts) -> u32 {
        let (edges, children) = self.edges(facts);
        let required: Vec<u32> = facts.required.iter().map(|name| self.names.string(name)).collect();
        let required = self.list(required);
        let items = facts.items.as_ref().map_or(0, |items| self.node(items));
        let additional = match &facts.additional {
            AdditionalFacts::Schema(schema) => self.node(schema),
            _ => 0,
        };
        let extras = self.extras(facts);
        let mut flags = own_flags(facts);
        if extras != 0 && self.words[extras as usize] & extra::CHECKS != 0 || facts.unique_items {
            flags |= flag::CHECKS;
        }
        if facts.properties.values().any(|child| child.default.is_some()) {
            flags |= flag::CHILD_DEFAULTS | flag::DEFAULTS_WITHIN;
        }
        for child in children.into_iter().chain([items, additional]).filter(|child| *child != 0) {
            flags |= self.flags_of(child) & (flag::RULES_WITHIN | flag::DEFAULTS_WITHIN);
        }
        self.intern(vec![flags, edges, required, items, additional, extras])
    }

    fn edges(&mut self, facts: &'a Facts) -> (u32, Vec<u32>) {
        if facts.properties.is_empty() {
            return (0, Vec::new());
        }
        let children: Vec<u32> = facts.properties.values().map(|child| self.node(child)).collect();
        let is_required = |name: &String| facts.required.contains(name);
        let required = facts.properties.keys().filter(|name| is_required(name)).count();
        let mut record = vec![children.len() as u32, required as u32];
        // Properties are sorted by name and strings numbered by text: the numbers ascend.
        record.extend(facts.properties.keys().map(|name| self.names.string(name)));
        record.extend(facts.properties.keys().map(|name| layout::hash(name.as_bytes())));
        record.extend(
            facts
                .properties
                .keys()
                .zip(&children)
                .map(|(name, child)| if is_required(name) { child | layout::REQUIRED_EDGE } else { *child }),
        );
        (self.intern(record), children)
    }

    fn extras(&mut self, facts: &'a Facts) -> u32 {
        let mut record = vec![0];
        let mut add = |bit: u32, word: u32| {
            record[0] |= 1 << bit;
            record.push(word);
        };
        let numbers =
            [(extra::MINIMUM, facts.minimum), (extra::MAXIMUM, facts.maximum), (extra::MULTIPLE_OF, facts.multiple_of)];
        for (bit, number) in numbers {
            if let Some(number) = number {
                add(bit, self.number(number));
            }
        }
        let counts = [
            (extra::MIN_LENGTH, facts.min_length),
            (extra::MAX_LENGTH, facts.max_length),
            (extra::MIN_ITEMS, facts.min_items),
            (extra::MAX_ITEMS, facts.max_items),
            (extra::MIN_PROPERTIES, facts.min_properties),
            (extra::MAX_PROPERTIES, facts.max_properties),
        ];
        for (bit, count) in counts {
            // Nothing that is judged is longer than 4 GiB.
            if let Some(count) = count {
                add(bit, u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
        if let Some(pattern) = facts.pattern.as_deref() {
            add(extra::PATTERN, self.names.patterns.number(&pattern) + 1);
        }
        if let Some(format) = facts.format.as_deref() {
            add(extra::FORMAT, self.names.string(format) + 1);
        }
        let enumeration: Vec<u32> = facts.enumeration.iter().map(|value| self.json(value)).collect();
        let default = facts.default.as_ref().map_or(0, |value| self.json(value));
        let map_keys: Vec<u32> = facts.list_map_keys.iter().map(|key| self.names.string(key)).collect();
        let rules: Vec<u32> = facts.rules.iter().map(|rule| self.names.rules.number(&rule_key(rule))).collect();
        let records = [
            (extra::ENUM, self.list(enumeration)),
            (extra::DEFAULT, default),
            (extra::LIST_MAP_KEYS, self.list(map_keys)),
            (extra::ALL_OF, self.nodes(&facts.all_of)),
            (extra::ANY_OF, self.nodes(&facts.any_of)),
            (extra::ONE_OF, self.nodes(&facts.one_of)),
            (extra::NOT, facts.not.as_ref().map_or(0, |not| self.node(not))),
            (extra::RULES, self.list(rules)),
        ];
        records.into_iter().filter(|(_, index)| *index != 0).for_each(|(bit, index)| add(bit, index));
        if record[0] == 0 { 0 } else { self.intern(record) }
    }

    fn json(&mut self, value: &'a Json) -> u32 {
        let record = match value {
            Json::Null => vec![json::NULL],
            Json::Bool(false) => vec![json::FALSE],
            Json::Bool(true) => vec![json::TRUE],
            Json::String(text) => vec![json::STRING, self.names.string(text)],
            Json::Number(number) => number_record(number),
            Json::Array(items) => {
                let mut record = vec![json::ARRAY, items.len() as u32];
                record.extend(items.iter().map(|item| self.json(item)).collect::<Vec<_>>());
                record
            }
            Json::Object(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                let mut record = vec![json::OBJECT, entries.len() as u32];
                for (key, value) in entries {
                    record.push(self.names.string(key));
                    record.push(self.json(value));
                }
                record
            }
        };
        self.intern(record)
    }
}

fn number_record(number: &serde_json::Number) -> Vec<u32> {
    let (tag, bits) = match (number.as_i64(), number.as_u64()) {
        (Some(int), _) => (json::INT, int as u64),
        (None, Some(uint)) => (json::UINT, uint),
        (None, None) => (json::FLOAT, number.as_f64().unwrap_or_default().to_bits()),
    };
    let [low, high] = halves(bits);
    vec![tag, low, high]
}

fn halves(bits: u64) -> [u32; 2] {
    [bits as u32, (bits >> 32) as u32]
}

fn own_flags(facts: &Facts) -> u32 {
    let composed = !(facts.all_of.is_empty() && facts.any_of.is_empty() && facts.one_of.is_empty());
    let switches = [
        (facts.nullable, flag::NULLABLE),
        (facts.preserve_unknown, flag::PRESERVE_UNKNOWN),
        (facts.embedded_resource, flag::EMBEDDED_RESOURCE),
        (facts.unique_items, flag::UNIQUE_ITEMS),
        (facts.exclusive_minimum, flag::EXCLUSIVE_MINIMUM),
        (facts.exclusive_maximum, flag::EXCLUSIVE_MAXIMUM),
        (matches!(facts.additional, AdditionalFacts::Forbidden), flag::ADDITIONAL_FORBIDDEN),
        (matches!(facts.additional, AdditionalFacts::Any), flag::ADDITIONAL_ANY),
        (composed || facts.not.is_some(), flag::COMPOSED),
        (!facts.rules.is_empty(), flag::RULES | flag::RULES_WITHIN),
    ];
    let set: u32 = switches.into_iter().filter_map(|(set, bit)| set.then_some(bit)).sum();
    set | facts.ty as u32 | (facts.list_type as u32) << flag::LIST_TYPE | (facts.map_type as u32) << flag::MAP_TYPE
}
