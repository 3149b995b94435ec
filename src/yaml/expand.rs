//! Aliases and merge keys: puts the content of anchors where they are used, in Go's order and with Go's limit.
//!
//! Walks the nodes as Go's decoder does, so that its count of decoded and of aliased nodes, on which its guard against
//! alias bombs rests, comes out the same. Runs only for documents that have aliases or merge keys.

use super::MAX_DEPTH;
use super::build::{Alias, MERGE, REFERENCE};
use super::error::{Problem, SyntaxError};
use super::tape::{ALIASED, KEY_WRITTEN, Node, Pair, Style, Tag, VERBATIM};

/// Writes `raw` to the end of `out` with every reference replaced by what it refers to.
pub(super) fn expand(text: &str, raw: &[Node], aliases: &[Alias], out: &mut Vec<Node>) -> Result<()> {
    let base = out.len();
    let mut expansion = Expansion {
        text,
        raw,
        aliases,
        out,
        base,
        active: vec![false; aliases.len()],
        decoded: 0,
        aliased: 0,
        alias_depth: 0,
        depth: 0,
    };
    expansion.copy(0, None, false)
}

struct Expansion<'a> {
    text: &'a str,
    raw: &'a [Node],
    aliases: &'a [Alias],
    out: &'a mut Vec<Node>,
    base: usize,
    /// Aliases that are being expanded just now.
    active: Vec<bool>,
    decoded: u32,
    aliased: u32,
    alias_depth: u32,
    depth: usize,
}

type Result<T> = std::result::Result<T, SyntaxError>;

impl Expansion<'_> {
    fn error<T>(node: &Node, problem: Problem) -> Result<T> {
        Err(SyntaxError::new(node.value.start as usize, problem))
    }

    /// Counts one decoding step, and refuses when too large a part of them comes out of aliases.
    fn count(&mut self, node: &Node) -> Result<()> {
        self.decoded += 1;
        self.aliased += u32::from(self.alias_depth > 0);
        let ratio = f64::from(self.aliased) / f64::from(self.decoded);
        if self.aliased > 100 && self.decoded > 1000 && ratio > allowed_ratio(self.decoded) {
            return Self::error(node, Problem::ExcessiveAliasing);
        }
        Ok(())
    }

    /// Copies the node at `index` with everything below it; `key` is the entry it stands in, if it came by an alias, and whether
    /// that entry is foreign too.
    fn copy(&mut self, index: u32, key: Option<(&Node, bool)>, foreign: bool) -> Result<()> {
        let Some(node) = self.raw.get(index as usize).copied() else { return Ok(()) };
        self.count(&node)?;
        if node.flags & REFERENCE != 0 {
            return self.follow(&node, |this, target| this.copy(target, Some((&node, foreign)), true));
        }
        let written = matches!(key, Some((_, false)));
        let keyed = key.map_or(&node, |(key, _)| key);
        let at = self.out.len();
        self.out.push(Node {
            key: keyed.key,
            styles: Pair::<Style>::new(node.styles.value(), keyed.styles.key()),
            tags: Pair::<Tag>::new(node.tags.value(), keyed.tags.key()),
            flags: (node.flags & (ALIASED | VERBATIM))
                | (keyed.flags & !(REFERENCE | MERGE | ALIASED | VERBATIM))
                | if foreign { ALIASED } else { 0 }
                | if written { KEY_WRITTEN } else { 0 },
            ..node
        });
        self.children(index, foreign)?;
        self.out[at].next = (self.out.len() - self.base) as u32;
        Ok(())
    }

    /// Goes from an alias to what it names.
    fn follow(&mut self, node: &Node, then: impl FnOnce(&mut Self, u32) -> Result<()>) -> Result<()> {
        let use_index = node.value.start as usize;
        let Some(alias) = self.aliases.get(use_index).copied() else { return Ok(()) };
        let problem = |problem| Err(SyntaxError::new(alias.span.start as usize - 1, problem));
        if self.active[use_index] {
            let name = self.text.get(alias.span.range()).unwrap_or_default();
            return problem(Problem::SelfReference(name.to_owned()));
        }
        self.active[use_index] = true;
        self.alias_depth += 1;
        let done = then(self, alias.target);
        self.alias_depth -= 1;
        self.active[use_index] = false;
        match done {
            // Where the limit is passed matters less than which alias passes it.
            Err(error) if error.problem == Problem::ExcessiveAliasing => problem(Problem::ExcessiveAliasing),
            done => done,
        }
    }

    fn children(&mut self, index: u32, foreign: bool) -> Result<()> {
        let node = self.raw[index as usize];
        let is_map = matches!(node.styles.value(), Style::BlockMap | Style::FlowMap);
        if node.next == index + 1 {
            return Ok(());
        }
        if self.depth >= MAX_DEPTH {
            return Self::error(&node, Problem::TooDeep);
        }
        self.depth += 1;
        let mut child = index + 1;
        while child < node.next {
            let entry = self.raw[child as usize];
            if entry.flags & MERGE != 0 {
                self.merge(child)?;
            } else {
                if is_map {
                    self.count(&entry)?;
                }
                self.copy(child, None, foreign)?;
            }
            child = entry.next;
        }
        self.depth -= 1;
        Ok(())
    }

    /// The value of a `<<`: a mapping, an alias to one, or a list of those, of which the first counts most.
    fn merge(&mut self, index: u32) -> Result<()> {
        let node = self.raw[index as usize];
        if !matches!(node.styles.value(), Style::BlockSeq | Style::FlowSeq) || node.flags & REFERENCE != 0 {
            return self.merge_one(index);
        }
        let mut items = Vec::new();
        let mut child = index + 1;
        while child < node.next {
            items.push(child);
            child = self.raw[child as usize].next;
        }
        items.into_iter().rev().try_for_each(|item| self.merge_one(item))
    }

    fn merge_one(&mut self, index: u32) -> Result<()> {
        let node = self.raw[index as usize];
        let target = if node.flags & REFERENCE != 0 {
            self.aliases.get(node.value.start as usize).and_then(|alias| self.raw.get(alias.target as usize))
        } else {
            Some(&node)
        };
        if !target.is_some_and(|target| matches!(target.styles.value(), Style::BlockMap | Style::FlowMap)) {
            let at = self.aliases.get(node.value.start as usize).filter(|_| node.flags & REFERENCE != 0);
            let at = at.map_or(node.value.start, |alias| alias.span.start - 1);
            return Err(SyntaxError::new(at as usize, Problem::BadMerge));
        }
        self.count(&node)?;
        if node.flags & REFERENCE == 0 {
            return self.children(index, true);
        }
        self.follow(&node, |this, target| {
            let named = this.raw[target as usize];
            this.count(&named)?;
            this.children(target, true)
        })
    }
}

/// The part of decoding steps that may come out of aliases: 99 % for small documents, falling to 10 % for large ones.
fn allowed_ratio(decoded: u32) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let part = (f64::from(decoded).clamp(LOW, HIGH) - LOW) / (HIGH - LOW);
    0.99 - 0.89 * part
}
