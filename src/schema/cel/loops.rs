//! Loops of macros, and what is a loop to the server: `optMap`, and the rule that no two elements are alike.
//!
//! What is paid here is what the server pays for the accumulator and the condition that a macro stands for.

use std::rc::Rc;

use super::EvalError;
use super::data::Data;
use super::eval::{Evaluation, Outcome, insert, merge, no_key, no_overload, select};
use super::functions::{self, costs};
use super::resolve::{Expr, Field, Loop, LoopKind, is_constant};
use super::value::{Val, contains};

impl<'v, D: Data<'v>> Evaluation<'v, D> {
    pub(super) fn optional_map(&mut self, wrap: bool, parts: &'v (Expr, Expr), slot: usize) -> Outcome<Val<'v, D>> {
        let before = self.cost;
        let value = self.expr(&parts.0)?;
        let asking = self.cost - before;
        self.pay(1)?; // hasValue()
        match value {
            Val::Optional(None) => {
                self.pay(1)?; // optional.none()
                Ok(Val::Optional(None))
            }
            Val::Optional(Some(inner)) => {
                // The server works the value out twice: to ask for it, and to take it; and it wraps the result.
                self.pay(asking + 1 + u64::from(wrap))?;
                self.slots.truncate(slot);
                self.slots.push(inner.as_ref().clone());
                let result = self.expr(&parts.1);
                self.slots.truncate(slot);
                result.map(|value| if wrap { Val::some(value) } else { value })
            }
            _ => Err(no_overload()),
        }
    }

    pub(super) fn unique(&mut self, range: &'v Expr, field: Option<&Field>) -> Outcome<Val<'v, D>> {
        let before = self.cost;
        let range = self.expr(range)?;
        let asking = self.cost - before;
        let mut seen: Vec<Val<'v, D>> = Vec::new();
        let elements = match &range {
            // The keys of a map differ, and have no fields.
            Val::Map(_) | Val::DataMap(_) if field.is_none() => return Ok(Val::Bool(true)),
            other => other.elements().ok_or_else(no_overload)??,
        };
        for element in elements.iter() {
            let key = match field {
                Some(field) => select(element, field)?.ok_or_else(|| no_key(&field.plain))?,
                None => element.clone(),
            };
            seen.push(key);
        }
        self.pay(uniqueness(&seen, asking, field.is_some()))?;
        for (at, key) in seen.iter().enumerate() {
            if contains(&seen[..at], key)? {
                return Ok(Val::Bool(false));
            }
        }
        Ok(Val::Bool(true))
    }

    pub(super) fn run_loop(&mut self, inner: &'v Loop) -> Outcome<Val<'v, D>> {
        let range = self.expr(&inner.range)?;
        // The most frequent loops run over lists of the object: these are not copied out first.
        if let (Val::DataList(data), false) = (&range, inner.two) {
            let mut turn = Turn::new(inner);
            for item in data.items() {
                let value = Val::of(item)?;
                if self.turn(&mut turn, value, None)? {
                    break;
                }
            }
            return self.finish(turn);
        }
        let mut turn = Turn::new(inner);
        if let Some(elements) = range.elements() {
            for (at, value) in elements?.iter().enumerate() {
                let (first, second) =
                    if inner.two { (Val::Int(at as i64), Some(value.clone())) } else { (value.clone(), None) };
                if self.turn(&mut turn, first, second)? {
                    break;
                }
            }
        } else {
            for (key, value) in range.pairs().ok_or_else(no_overload)??.iter() {
                if self.turn(&mut turn, key.clone(), inner.two.then(|| value.clone()))? {
                    break;
                }
            }
        }
        self.finish(turn)
    }

    /// What a loop gives, and what it takes to say it.
    fn finish(&mut self, turn: Turn<'v, D>) -> Outcome<Val<'v, D>> {
        self.pay(match turn.inner.kind {
            LoopKind::ExistsOne => 2,
            LoopKind::SortBy => {
                let is_text = matches!(turn.map.first(), Some((Val::Text(_) | Val::Bytes(_), _)));
                2 + 1 + costs::sorting(turn.map.len() as u64, is_text)
            }
            _ => 1,
        })?;
        turn.finish()
    }

    /// One turn of a loop; whether it was the last.
    fn turn(&mut self, turn: &mut Turn<'v, D>, first: Val<'v, D>, second: Option<Val<'v, D>>) -> Outcome<bool> {
        let inner = turn.inner;
        // The condition of the loop is asked for before each turn, and says whether there is one.
        self.pay(match inner.kind {
            LoopKind::All => 2,
            LoopKind::Exists => 3,
            _ => 0,
        })?;
        if matches!(inner.kind, LoopKind::All | LoopKind::Exists) && turn.truth == Ok(inner.kind == LoopKind::Exists) {
            return Ok(true);
        }
        self.slots.truncate(inner.slot);
        self.slots.push(first);
        self.slots.extend(second);
        let done = self.turn_body(turn);
        self.slots.truncate(inner.slot);
        done
    }

    fn turn_body(&mut self, turn: &mut Turn<'v, D>) -> Outcome<bool> {
        let inner = turn.inner;
        let slot = inner.slot;
        if let Some(filter) = &inner.filter
            && !self.truth(filter)?
        {
            return Ok(false);
        }
        match inner.kind {
            LoopKind::All | LoopKind::Exists => {
                let decisive = inner.kind == LoopKind::Exists;
                self.pay(1)?;
                let truth = self.truth(&inner.body);
                if truth == Err(EvalError::TooCostly) {
                    return Err(EvalError::TooCostly);
                }
                let before = std::mem::replace(&mut turn.truth, Ok(decisive));
                turn.truth = merge(before, truth, decisive);
            }
            LoopKind::ExistsOne => {
                if self.truth(&inner.body)? {
                    self.pay(2)?;
                    turn.count += 1;
                }
            }
            LoopKind::Filter => {
                if self.truth(&inner.body)? {
                    self.pay(1 + costs::LIST + 1 + 1)?;
                    turn.list.push(self.slots[slot].clone());
                }
            }
            LoopKind::List => {
                self.pay(1 + if is_constant(&inner.body) { 0 } else { costs::LIST } + 1)?;
                turn.list.push(self.expr(&inner.body)?);
            }
            LoopKind::Map => {
                self.pay(3)?;
                let value = self.expr(&inner.body)?;
                insert(&mut turn.map, self.slots[slot].clone(), value)?;
            }
            LoopKind::MapEntries => {
                self.pay(2)?;
                let made = self.expr(&inner.body)?;
                for (key, value) in made.pairs().ok_or_else(no_overload)??.iter() {
                    insert(&mut turn.map, key.clone(), value.clone())?;
                }
            }
            LoopKind::SortBy => {
                self.pay(1 + costs::LIST + 1)?;
                let key = self.expr(&inner.body)?;
                turn.map.push((key, self.slots[slot].clone()));
            }
        }
        Ok(false)
    }
}

/// A loop under way.
struct Turn<'v, D> {
    inner: &'v Loop,
    truth: Outcome<bool>,
    count: usize,
    list: Vec<Val<'v, D>>,
    map: Vec<(Val<'v, D>, Val<'v, D>)>,
}

impl<'v, D: Data<'v>> Turn<'v, D> {
    fn new(inner: &'v Loop) -> Self {
        Self { inner, truth: Ok(inner.kind == LoopKind::All), count: 0, list: Vec::new(), map: Vec::new() }
    }

    fn finish(self) -> Outcome<Val<'v, D>> {
        Ok(match self.inner.kind {
            LoopKind::All | LoopKind::Exists => Val::Bool(self.truth?),
            LoopKind::ExistsOne => Val::Bool(self.count == 1),
            LoopKind::Filter | LoopKind::List => Val::list(self.list),
            LoopKind::Map | LoopKind::MapEntries => Val::Map(Rc::new(self.map)),
            LoopKind::SortBy => functions::lists::sort_by_keys(self.map)?,
        })
    }
}

/// What it costs to compare all elements of a list with each other, the range of the inner loop being worked out anew for each.
fn uniqueness<'v, D: Data<'v>>(keys: &[Val<'v, D>], range: u64, is_field: bool) -> u64 {
    let count = keys.len() as u64;
    let reading = if is_field { 4 } else { 2 };
    // Each turn of the outer loop: its condition, its accumulator, the inner range, what the inner loop makes of its count.
    let turns = count * (3 + range + 2 + 2);
    let is_short = |key: &Val<'v, D>| matches!(key, Val::Text(text) if (1..=10).contains(&text.len()));
    let compared = if keys.iter().all(is_short) {
        count * count
    } else {
        let sizes: Vec<u64> = keys.iter().map(costs::size).collect();
        sizes.iter().flat_map(|a| sizes.iter().map(move |b| costs::traversal(*a.min(b)))).sum()
    };
    1 + turns + count * count * reading + compared
}
