//! The evaluation of a resolved expression.
//!
//! Errors follow CEL: `||`, `&&`, `all` and `exists` swallow one where another operand decides alone. Every step counts towards
//! a budget, so that no rule hangs.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use super::EvalError;
use super::data::Data;
use super::functions::{self, Arguments};
use super::parser::{Constant, Operator};
use super::resolve::{Expr, Field, Loop, LoopKind};
use super::value::{Val, contains, find_entry};

/// The server's bound for one rule.
const COST_LIMIT: u64 = 1_000_000;
/// Stack is finite: nested expressions and values.
pub(super) type Outcome<T> = Result<T, EvalError>;

/// What `oldSelf` is.
pub(super) enum OldSelf<D> {
    Value(Option<D>),
    Optional(Option<D>),
}

/// Evaluates a rule.
pub(super) fn run<'v, D: Data<'v>>(root: &'v Expr, self_: D, old_self: OldSelf<D>) -> Outcome<bool> {
    let mut evaluation = Evaluation { self_, old_self, slots: Vec::new(), cost: 0 };
    match evaluation.expr(root)? {
        Val::Bool(truth) => Ok(truth),
        other => Err(EvalError::not_checked(format!("the rule yields a {}, no bool", other.type_name()))),
    }
}

pub(super) struct Evaluation<'v, D> {
    self_: D,
    old_self: OldSelf<D>,
    slots: Vec<Val<'v, D>>,
    cost: u64,
}

/// The error for an operation that the types do not have.
pub(super) fn no_overload() -> EvalError {
    EvalError::refused("no such overload")
}

fn no_key(key: &str) -> EvalError {
    EvalError::refused(format!("no such key: {key}"))
}

impl<'v, D: Data<'v>> Evaluation<'v, D> {
    pub(super) fn pay(&mut self, cost: usize) -> Outcome<()> {
        self.cost += cost as u64;
        if self.cost > COST_LIMIT { Err(EvalError::TooCostly) } else { Ok(()) }
    }

    fn expr(&mut self, expr: &'v Expr) -> Outcome<Val<'v, D>> {
        self.pay(1)?;
        match expr {
            Expr::Constant(constant) => Ok(literal(constant)),
            Expr::Type(name) => Ok(Val::Type(name)),
            Expr::Self_ => Val::of(self.self_),
            Expr::OldSelf => self.old(),
            Expr::Variable(slot) => {
                self.slots.get(*slot).cloned().ok_or_else(|| EvalError::not_checked("variable out of scope"))
            }
            Expr::Select(operand, field) => {
                let operand = self.expr(operand)?;
                let optional = matches!(operand, Val::Optional(_));
                match select(&operand, field)? {
                    Some(value) => Ok(if optional { Val::some(value) } else { value }),
                    None if optional => Ok(Val::Optional(None)),
                    None => Err(no_key(&field.plain)),
                }
            }
            Expr::Has(operand, field) => {
                let operand = self.expr(operand)?;
                Ok(Val::Bool(select(&operand, field)?.is_some()))
            }
            Expr::OptionalSelect(operand, field) => {
                let operand = self.expr(operand)?;
                Ok(select(&operand, field)?.map_or(Val::Optional(None), Val::some))
            }
            Expr::Index(pair) => {
                let (operand, index) = (self.expr(&pair.0)?, self.expr(&pair.1)?);
                let optional = matches!(operand, Val::Optional(_));
                match lookup(&operand, &index)? {
                    Ok(value) => Ok(if optional { Val::some(value) } else { value }),
                    Err(_) if optional => Ok(Val::Optional(None)),
                    Err(why) => Err(why),
                }
            }
            Expr::OptionalIndex(pair) => {
                let (operand, index) = (self.expr(&pair.0)?, self.expr(&pair.1)?);
                Ok(lookup(&operand, &index)?.map_or(Val::Optional(None), Val::some))
            }
            Expr::Not(operand) => match self.expr(operand)? {
                Val::Bool(truth) => Ok(Val::Bool(!truth)),
                _ => Err(no_overload()),
            },
            Expr::Negate(operand) => functions::arithmetic::negate(&self.expr(operand)?),
            Expr::And(pair) => self.logic(pair, false),
            Expr::Or(pair) => self.logic(pair, true),
            Expr::Binary(operator, pair) => {
                let (left, right) = (self.expr(&pair.0)?, self.expr(&pair.1)?);
                self.binary(*operator, left, &right)
            }
            Expr::Conditional(parts) => match self.expr(&parts.0)? {
                Val::Bool(true) => self.expr(&parts.1),
                Val::Bool(false) => self.expr(&parts.2),
                _ => Err(no_overload()),
            },
            Expr::List(elements) => self.build_list(elements),
            Expr::Map(entries) => self.build_map(entries),
            Expr::Pattern(function, arguments, pattern) => {
                let arguments = self.arguments(arguments)?;
                functions::text::with_pattern(self, *function, &arguments, pattern)
            }
            Expr::Call(function, arguments) => self.call(*function, arguments),
            Expr::Loop(inner) => self.run_loop(inner),
            Expr::Optional(wrap, parts, slot) => self.optional_map(*wrap, parts, *slot),
        }
    }

    fn old(&self) -> Outcome<Val<'v, D>> {
        match &self.old_self {
            OldSelf::Value(Some(old)) => Val::of(*old),
            OldSelf::Value(None) => {
                Err(EvalError::not_checked("the rule compares with an older object that is not known here"))
            }
            OldSelf::Optional(None) => Ok(Val::Optional(None)),
            OldSelf::Optional(Some(old)) => Val::of(*old).map(Val::some),
        }
    }

    fn arguments(&mut self, arguments: &'v [Expr]) -> Outcome<Arguments<'v, D>> {
        let mut values = Arguments::default();
        for argument in arguments {
            values.push(self.expr(argument)?);
        }
        Ok(values)
    }

    fn call(&mut self, function: functions::Function, arguments: &'v [Expr]) -> Outcome<Val<'v, D>> {
        // `or` and `orValue` look at their argument only where they need it.
        if matches!(function, functions::Function::Or | functions::Function::OrValue) {
            let [value, other] = arguments else { return Err(no_overload()) };
            return match self.expr(value)? {
                Val::Optional(Some(inner)) if function == functions::Function::OrValue => Ok(inner.as_ref().clone()),
                Val::Optional(Some(inner)) => Ok(Val::Optional(Some(inner))),
                Val::Optional(None) => self.expr(other),
                _ => Err(no_overload()),
            };
        }
        let arguments = self.arguments(arguments)?;
        functions::call(self, function, &arguments)
    }

    /// `&&` and `||`: `decisive` is the value that decides alone.
    fn logic(&mut self, pair: &'v (Expr, Expr), decisive: bool) -> Outcome<Val<'v, D>> {
        let left = self.truth(&pair.0);
        if left == Ok(decisive) || left == Err(EvalError::TooCostly) {
            return left.map(Val::Bool);
        }
        let right = self.truth(&pair.1);
        merge(left, right, decisive).map(Val::Bool)
    }

    fn truth(&mut self, expr: &'v Expr) -> Outcome<bool> {
        match self.expr(expr)? {
            Val::Bool(truth) => Ok(truth),
            _ => Err(no_overload()),
        }
    }

    fn binary(&mut self, operator: Operator, left: Val<'v, D>, right: &Val<'v, D>) -> Outcome<Val<'v, D>> {
        use Operator as O;
        let truth = match operator {
            O::Equal | O::NotEqual => {
                self.pay(weight(&left).min(weight(right)))?;
                left.equals(right)? == (operator == O::Equal)
            }
            O::Less | O::LessEqual | O::Greater | O::GreaterEqual => {
                let order = left.compare(right).ok_or_else(no_overload)?;
                match operator {
                    O::Less => order == Some(Ordering::Less),
                    O::LessEqual => order.is_some_and(Ordering::is_le),
                    O::Greater => order == Some(Ordering::Greater),
                    _ => order.is_some_and(Ordering::is_ge),
                }
            }
            O::In => self.is_in(&left, right)?,
            O::Add if matches!(left, Val::DataList(_) | Val::List(_)) => {
                self.pay(weight(&left) + weight(right))?;
                return functions::lists::concatenate(&left, right);
            }
            O::Add => {
                self.pay(weight(&left) + weight(right))?;
                return functions::arithmetic::add(left, right);
            }
            O::Subtract => return functions::arithmetic::subtract(&left, right),
            O::Multiply | O::Divide | O::Modulo => return functions::arithmetic::multiply(operator, &left, right),
            O::And | O::Or => return Err(no_overload()),
        };
        Ok(Val::Bool(truth))
    }

    fn is_in(&mut self, value: &Val<'v, D>, range: &Val<'v, D>) -> Outcome<bool> {
        match range {
            Val::DataMap(data) => match value {
                Val::Text(key) => Ok(data.get(key).is_some_and(|found| !data.has_fields() || !is_null(found))),
                _ => Err(no_overload()),
            },
            Val::Map(entries) => Ok(find_entry(entries, value)?.is_some()),
            _ => {
                let elements = range.elements().ok_or_else(no_overload)??;
                self.pay(elements.len())?;
                contains(&elements, value)
            }
        }
    }

    fn build_list(&mut self, elements: &'v [(bool, Expr)]) -> Outcome<Val<'v, D>> {
        let mut list = Vec::with_capacity(elements.len());
        for (optional, element) in elements {
            match (optional, self.expr(element)?) {
                (false, value) => list.push(value),
                (true, Val::Optional(Some(value))) => list.push(value.as_ref().clone()),
                (true, Val::Optional(None)) => {}
                (true, _) => return Err(no_overload()),
            }
        }
        Ok(Val::list(list))
    }

    fn build_map(&mut self, entries: &'v [(bool, Expr, Expr)]) -> Outcome<Val<'v, D>> {
        let mut map: Vec<(Val<'v, D>, Val<'v, D>)> = Vec::with_capacity(entries.len());
        for (optional, key, value) in entries {
            let key = self.expr(key)?;
            let value = match (optional, self.expr(value)?) {
                (false, value) => value,
                (true, Val::Optional(Some(value))) => value.as_ref().clone(),
                (true, Val::Optional(None)) => continue,
                (true, _) => return Err(no_overload()),
            };
            insert(&mut map, key, value)?;
        }
        Ok(Val::Map(Rc::new(map)))
    }

    fn optional_map(&mut self, wrap: bool, parts: &'v (Expr, Expr), slot: usize) -> Outcome<Val<'v, D>> {
        match self.expr(&parts.0)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => {
                self.slots.truncate(slot);
                self.slots.push(inner.as_ref().clone());
                let result = self.expr(&parts.1);
                self.slots.truncate(slot);
                result.map(|value| if wrap { Val::some(value) } else { value })
            }
            _ => Err(no_overload()),
        }
    }

    fn run_loop(&mut self, inner: &'v Loop) -> Outcome<Val<'v, D>> {
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
            return turn.finish();
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
        turn.finish()
    }

    /// One turn of a loop; whether it was the last.
    fn turn(&mut self, turn: &mut Turn<'v, D>, first: Val<'v, D>, second: Option<Val<'v, D>>) -> Outcome<bool> {
        let inner = turn.inner;
        self.pay(1)?;
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
                let truth = self.truth(&inner.body);
                if truth == Err(EvalError::TooCostly) {
                    return Err(EvalError::TooCostly);
                }
                let before = std::mem::replace(&mut turn.truth, Ok(decisive));
                turn.truth = merge(before, truth, decisive);
                return Ok(turn.truth == Ok(decisive));
            }
            LoopKind::ExistsOne => turn.count += usize::from(self.truth(&inner.body)?),
            LoopKind::Filter => {
                if self.truth(&inner.body)? {
                    turn.list.push(self.slots[slot].clone());
                }
            }
            LoopKind::List => turn.list.push(self.expr(&inner.body)?),
            LoopKind::Map => {
                let value = self.expr(&inner.body)?;
                insert(&mut turn.map, self.slots[slot].clone(), value)?;
            }
            LoopKind::MapEntries => {
                let made = self.expr(&inner.body)?;
                for (key, value) in made.pairs().ok_or_else(no_overload)??.iter() {
                    insert(&mut turn.map, key.clone(), value.clone())?;
                }
            }
            LoopKind::SortBy => {
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

/// Two operands of `&&` or `||`, the second evaluated because the first did not decide.
fn merge(left: Outcome<bool>, right: Outcome<bool>, decisive: bool) -> Outcome<bool> {
    match (left, right) {
        (Ok(truth), Ok(other)) if truth == decisive || other == decisive => Ok(decisive),
        (_, Ok(truth)) if truth == decisive => Ok(decisive),
        (_, Err(EvalError::TooCostly)) => Err(EvalError::TooCostly),
        // What is not known might have decided.
        (Err(EvalError::NotChecked(why)), _) | (_, Err(EvalError::NotChecked(why))) => Err(EvalError::NotChecked(why)),
        (Err(error), _) | (_, Err(error)) => Err(error),
        (Ok(_), Ok(_)) => Ok(!decisive),
    }
}

fn insert<'v, D: Data<'v>>(map: &mut Vec<(Val<'v, D>, Val<'v, D>)>, key: Val<'v, D>, value: Val<'v, D>) -> Outcome<()> {
    if !matches!(key, Val::Text(_) | Val::Int(_) | Val::UInt(_) | Val::Bool(_) | Val::Double(_)) {
        return Err(EvalError::refused("unsupported key type"));
    }
    if find_entry(map, &key)?.is_some() {
        return Err(EvalError::refused("key already exists"));
    }
    map.push((key, value));
    Ok(())
}

pub(super) fn literal<'v, D>(constant: &'v Constant) -> Val<'v, D> {
    match constant {
        Constant::Null => Val::Null,
        Constant::Bool(truth) => Val::Bool(*truth),
        Constant::Int(number) => Val::Int(*number),
        Constant::UInt(number) => Val::UInt(*number),
        Constant::Double(number) => Val::Double(*number),
        Constant::Str(text) => Val::Text(Cow::Borrowed(text)),
        Constant::Bytes(bytes) => Val::Bytes(Cow::Borrowed(bytes)),
    }
}

fn is_null<'v, D: Data<'v>>(data: D) -> bool {
    matches!(data.view(), super::View::Null)
}

/// The value of a field; a null in an object with declared fields is none.
fn select<'v, D: Data<'v>>(operand: &Val<'v, D>, field: &Field) -> Outcome<Option<Val<'v, D>>> {
    match operand {
        Val::DataMap(data) if data.has_fields() => {
            let found = data.get(&field.plain);
            found.filter(|found| !is_null(*found)).map(Val::of).transpose()
        }
        Val::DataMap(_) | Val::Map(_) => operand.entry(&field.written),
        Val::Optional(None) => Ok(None),
        Val::Optional(Some(inner)) => select(inner, field),
        _ => Err(no_overload()),
    }
}

/// `list[0]`, `map['key']`. The inner error is that there is none.
fn lookup<'v, D: Data<'v>>(operand: &Val<'v, D>, index: &Val<'v, D>) -> Outcome<Outcome<Val<'v, D>>> {
    match operand {
        Val::Optional(None) => return Ok(Err(EvalError::refused("optional.none() dereference"))),
        Val::Optional(Some(inner)) => return lookup(inner, index),
        Val::DataMap(_) => {
            let Val::Text(key) = index else { return Err(no_overload()) };
            return Ok(operand.entry(key)?.ok_or_else(|| no_key(key)));
        }
        Val::Map(entries) => {
            return Ok(find_entry(entries, index)?.cloned().ok_or_else(|| EvalError::refused("no such key")));
        }
        _ => {}
    }
    let at = match index {
        Val::Int(at) => usize::try_from(*at).ok(),
        Val::UInt(at) => usize::try_from(*at).ok(),
        Val::Double(at) if at.fract() == 0.0 && *at >= 0.0 => Some(*at as usize),
        _ => return Err(no_overload()),
    };
    let found = match operand {
        Val::DataList(data) => at.and_then(|at| data.items().nth(at)).map(Val::of).transpose()?,
        Val::List(elements) => at.and_then(|at| elements.get(at)).cloned(),
        _ => return Err(no_overload()),
    };
    Ok(found.ok_or_else(|| EvalError::refused("index out of bounds")))
}

/// How many steps looking through a value costs.
fn weight<'v, D: Data<'v>>(value: &Val<'v, D>) -> usize {
    match value {
        Val::Text(text) => text.len() / 10,
        Val::Bytes(bytes) => bytes.len() / 10,
        Val::DataList(data) => data.items().count(),
        Val::List(elements) => elements.len(),
        Val::DataMap(data) => data.entries().count(),
        Val::Map(entries) => entries.len(),
        _ => 0,
    }
}
