//! Keys that stand twice in one mapping: Kubernetes' reader takes the last, and nobody hears of the first.

use rustc_hash::FxHashMap;

use super::DuplicateKey;
use super::scalar;
use super::tape::{ALIASED, KEY_NEEDS_DECODING, KEY_WRITTEN, Node, SHADOWED, Style};
use std::borrow::Cow;

/// Mappings up to this size are compared pair by pair.
const SMALL: usize = 24;

/// Fingerprints of the keys of the mapping in hand, and their nodes; kept for its room.
pub(super) type Scratch = Vec<(u64, u32)>;

/// Marks every entry that a later one hides, and reports those written in the text itself. `nodes` is one document.
pub(super) fn find_duplicates(text: &str, nodes: &mut [Node], scratch: &mut Scratch, found: &mut Vec<DuplicateKey>) {
    for index in 0..nodes.len() {
        let node = nodes[index];
        if matches!(node.styles.value(), Style::BlockMap | Style::FlowMap) && node.next as usize > index + 2 {
            in_mapping(text, nodes, index, scratch, found);
        }
    }
}

fn in_mapping(text: &str, nodes: &mut [Node], index: usize, seen: &mut Scratch, found: &mut Vec<DuplicateKey>) {
    seen.clear();
    let end = nodes[index].next;
    let mut child = index as u32 + 1;
    while child < end {
        let node = &nodes[child as usize];
        let (mark, next) = (fingerprint(text, node), node.next);
        let alike = seen.iter().rev().find(|(other, _)| *other == mark).map(|&(_, earlier)| earlier);
        if let Some(earlier) = alike {
            if key(text, &nodes[earlier as usize]) != key(text, &nodes[child as usize]) {
                // Two keys of one fingerprint, differing in between: let the exact way decide.
                return in_large_mapping(text, nodes, index, found);
            }
            shadow(nodes, earlier, child, found);
        }
        if seen.len() == SMALL {
            return in_large_mapping(text, nodes, index, found);
        }
        seen.push((mark, child));
        child = next;
    }
}

fn in_large_mapping(text: &str, nodes: &mut [Node], index: usize, found: &mut Vec<DuplicateKey>) {
    let mut last: FxHashMap<Cow<'_, str>, u32> = FxHashMap::default();
    let end = nodes[index].next;
    let mut child = index as u32 + 1;
    while child < end {
        let next = nodes[child as usize].next;
        if let Some(earlier) = last.insert(key(text, &nodes[child as usize]), child) {
            shadow(nodes, earlier, child, found);
        }
        child = next;
    }
}

fn shadow(nodes: &mut [Node], earlier: u32, later: u32, found: &mut Vec<DuplicateKey>) {
    let fresh = nodes[earlier as usize].flags & SHADOWED == 0;
    nodes[earlier as usize].flags |= SHADOWED;
    let (first, second) = (&nodes[earlier as usize], &nodes[later as usize]);
    // What came in by an alias is reported at its anchor, and hiding is what merge keys are for.
    let is_written = |node: &Node| node.flags & (ALIASED | KEY_WRITTEN) != ALIASED;
    if fresh && is_written(first) && is_written(second) {
        found.push(DuplicateKey { node: later, first: first.key, second: second.key });
    }
}

fn key<'t>(text: &'t str, node: &Node) -> Cow<'t, str> {
    let raw = text.get(node.key.range()).unwrap_or_default();
    if node.flags & KEY_NEEDS_DECODING == 0 {
        Cow::Borrowed(raw)
    } else {
        scalar::key_text(raw, node.styles.key(), node.tags.key())
    }
}

/// Equal for equal keys, and cheap: the length, the first eight bytes and the last eight.
fn fingerprint(text: &str, node: &Node) -> u64 {
    if node.flags & KEY_NEEDS_DECODING != 0 {
        let key = key(text, node);
        return of_bytes(key.as_bytes(), 0, key.len());
    }
    of_bytes(text.as_bytes(), node.key.start as usize, node.key.end as usize)
}

fn of_bytes(bytes: &[u8], start: usize, end: usize) -> u64 {
    let length = end.saturating_sub(start);
    let word = |at: usize| bytes.get(at..at + 8).and_then(|part| part.try_into().ok()).map(u64::from_le_bytes);
    let mixed = match word(start) {
        Some(first) if length >= 8 => first ^ word(end - 8).unwrap_or(0).rotate_left(21),
        // What lies behind a short key is cut off.
        Some(first) => first & !(u64::MAX << (8 * length)),
        // So short a key, so near the end of the text.
        None => {
            bytes.get(start..end).unwrap_or_default().iter().rev().fold(0, |mixed, &byte| mixed << 8 | u64::from(byte))
        }
    };
    mixed.wrapping_add((length as u64) << 56)
}
