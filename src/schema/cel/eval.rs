//! The evaluation of a resolved expression.
//!
//! Errors follow CEL: `||`, `&&`, `all` and `exists` swallow one where another operand decides alone. Every step costs what it
//! costs on the server, which refuses an object whose rules cost too much; so no rule hangs either.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use super::EvalError;
use super::data::Data;
use super::functions::costs;
use super::functions::{self, Arguments};
use super::parser::{Constant, Operator};
use super::resolve::{Expr, Field};
use super::value::{Val, contains, find_entry};

/// The server's bound for one rule.
const COST_LIMIT: u64 = 1_000_000;
/// A result, or why there is none.
pub(super) type Outcome<T> = Result<T, EvalError>;

/// What `oldSelf` is.
pub(super) enum OldSelf<D> {
    Value(Option<D>),
    Optional(Option<D>),
}

/// Evaluates an expression; gives what it cost too.
pub(super) fn run<'v, D: Data<'v>>(root: &'v Expr, self_: D, old_self: OldSelf<D>) -> (Outcome<Val<'v, D>>, u64) {
    let mut evaluation = Evaluation { self_, old_self, slots: Vec::new(), cost: 0 };
    let result = evaluation.expr(root);
    (result, evaluation.cost)
}

pub(super) struct Evaluation<'v, D> {
    self_: D,
    old_self: OldSelf<D>,
    pub(super) slots: Vec<Val<'v, D>>,
    pub(super) cost: u64,
}

/// The error for an operation that the types do not have.
pub(super) fn no_overload() -> EvalError {
    EvalError::refused("no such overload")
}

pub(super) fn no_key(key: &str) -> EvalError {
    EvalError::refused(format!("no such key: {key}"))
}

impl<'v, D: Data<'v>> Evaluation<'v, D> {
    pub(super) fn pay(&mut self, cost: u64) -> Outcome<()> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > COST_LIMIT { Err(EvalError::TooCostly) } else { Ok(()) }
    }

    /// A step to a field or an element. What is not a path that the server follows at once costs one more.
    fn pay_step(&mut self, operand: &Expr) -> Outcome<()> {
        self.pay(if is_path(operand) || matches!(operand, Expr::Conditional(_)) { 1 } else { 2 })
    }

    pub(super) fn expr(&mut self, expr: &'v Expr) -> Outcome<Val<'v, D>> {
        if matches!(expr, Expr::Self_ | Expr::OldSelf | Expr::Variable(_) | Expr::Not(_) | Expr::Negate(_)) {
            self.pay(1)?;
        }
        match expr {
            Expr::Constant(constant) => Ok(literal(constant)),
            Expr::Type(name) => Ok(Val::Type(name)),
            Expr::Self_ => Val::of(self.self_),
            Expr::OldSelf => self.old(),
            Expr::Variable(slot) => {
                self.slots.get(*slot).cloned().ok_or_else(|| EvalError::not_checked("variable out of scope"))
            }
            Expr::Fixed(constant) => {
                let before = self.cost;
                let value = self.expr(constant);
                self.cost = before;
                value
            }
            Expr::Select(..) | Expr::Has(..) | Expr::OptionalSelect(..) | Expr::Index(_) | Expr::OptionalIndex(_) => {
                self.step(expr)
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
                // Membership in a list that the rule itself spells out is one look at a table.
                if !(*operator == Operator::In && is_plain_list(&pair.1)) {
                    self.pay(costs::operator(*operator, &left, &right))?;
                }
                binary(*operator, left, &right)
            }
            Expr::Conditional(parts) => match self.expr(&parts.0)? {
                Val::Bool(true) => self.branch(&parts.1),
                Val::Bool(false) => self.branch(&parts.2),
                _ => Err(no_overload()),
            },
            Expr::List(elements) => self.build_list(elements),
            Expr::Map(entries) => self.build_map(entries),
            Expr::Pattern(function, arguments, pattern) => {
                let arguments = self.arguments(arguments)?;
                let result = functions::text::with_pattern(*function, &arguments, pattern)?;
                self.pay(costs::call(*function, &arguments, &result))?;
                Ok(result)
            }
            Expr::Call(function, arguments) => self.call(*function, arguments),
            Expr::Loop(inner) => self.run_loop(inner),
            Expr::Unique(range, field) => self.unique(range, field.as_ref()),
            Expr::Optional(wrap, parts, slot) => self.optional_map(*wrap, parts, *slot),
        }
    }

    /// A step from a value to one of its fields or elements, or the question whether there is one.
    fn step(&mut self, expr: &'v Expr) -> Outcome<Val<'v, D>> {
        match expr {
            Expr::Select(path, field) => {
                let operand = self.expr(path)?;
                let optional = matches!(operand, Val::Optional(_));
                let found = select(&operand, field)?;
                if found.is_some() || !optional {
                    self.pay_step(path)?;
                }
                match found {
                    Some(value) => Ok(if optional { Val::some(value) } else { value }),
                    None if optional => Ok(Val::Optional(None)),
                    None => Err(no_key(&field.plain)),
                }
            }
            Expr::Has(path, field) => {
                let operand = self.expr(path)?;
                if !is_path(path) {
                    self.pay(1)?;
                }
                Ok(Val::Bool(match &operand {
                    Val::DataMap(data) if data.has_fields() => {
                        data.get(&field.plain).is_some_and(|found| !is_null(found))
                    }
                    _ => select(&operand, field)?.is_some(),
                }))
            }
            Expr::OptionalSelect(path, field) => {
                let operand = self.expr(path)?;
                let found = select(&operand, field)?;
                if found.is_some() {
                    self.pay_step(path)?;
                }
                Ok(found.map_or(Val::Optional(None), Val::some))
            }
            Expr::Index(pair) => {
                let (operand, index) = (self.expr(&pair.0)?, self.branch(&pair.1)?);
                let optional = matches!(operand, Val::Optional(_));
                let found = lookup(&operand, &index)?;
                if found.is_ok() || !optional {
                    self.pay_step(&pair.0)?;
                }
                match found {
                    Ok(value) => Ok(if optional { Val::some(value) } else { value }),
                    Err(_) if optional => Ok(Val::Optional(None)),
                    Err(why) => Err(why),
                }
            }
            Expr::OptionalIndex(pair) => {
                let (operand, index) = (self.expr(&pair.0)?, self.branch(&pair.1)?);
                let found = lookup(&operand, &index)?;
                if found.is_ok() {
                    self.pay_step(&pair.0)?;
                }
                Ok(found.map_or(Val::Optional(None), Val::some))
            }
            _ => Err(no_overload()),
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
        if functions::exceeds(function, &arguments, COST_LIMIT) {
            return Err(EvalError::TooCostly);
        }
        let result = functions::call(function, &arguments)?;
        self.pay(costs::call(function, &arguments, &result))?;
        Ok(result)
    }

    /// A branch of a choice, or an index: the server follows a path there without asking for its beginning.
    fn branch(&mut self, branch: &'v Expr) -> Outcome<Val<'v, D>> {
        let value = self.expr(branch)?;
        if is_path(branch) {
            self.cost = self.cost.saturating_sub(1);
        }
        Ok(value)
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

    pub(super) fn truth(&mut self, expr: &'v Expr) -> Outcome<bool> {
        match self.expr(expr)? {
            Val::Bool(truth) => Ok(truth),
            _ => Err(no_overload()),
        }
    }

    fn build_list(&mut self, elements: &'v [(bool, Expr)]) -> Outcome<Val<'v, D>> {
        self.pay(costs::LIST)?;
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
        self.pay(costs::MAP)?;
        let mut map: Vec<(Val<'v, D>, Val<'v, D>)> = Vec::with_capacity(entries.len());
        for (optional, key, value) in entries {
            let key = self.expr(key)?;
            let value = match (optional, self.expr(value)?) {
                (false, value) => value,
                (true, Val::Optional(Some(value))) => value.as_ref().clone(),
                (true, Val::Optional(None)) => continue,
                (true, _) => return Err(no_overload()),
            };
            // Of a key written twice, the last one stays.
            let mut kept = Vec::with_capacity(map.len());
            for (known, value) in map {
                if !known.equals(&key)? {
                    kept.push((known, value));
                }
            }
            map = kept;
            insert(&mut map, key, value)?;
        }
        Ok(Val::Map(Rc::new(map)))
    }
}

/// Two operands of `&&` or `||`, the second evaluated because the first did not decide.
pub(super) fn merge(left: Outcome<bool>, right: Outcome<bool>, decisive: bool) -> Outcome<bool> {
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

pub(super) fn insert<'v, D: Data<'v>>(
    map: &mut Vec<(Val<'v, D>, Val<'v, D>)>,
    key: Val<'v, D>,
    value: Val<'v, D>,
) -> Outcome<()> {
    if !matches!(key, Val::Text(_) | Val::Int(_) | Val::UInt(_) | Val::Bool(_) | Val::Double(_)) {
        return Err(EvalError::refused("unsupported key type"));
    }
    if find_entry(map, &key)?.is_some() {
        return Err(EvalError::refused("key already exists"));
    }
    map.push((key, value));
    Ok(())
}

pub(super) fn literal<D>(constant: &Constant) -> Val<'_, D> {
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

fn binary<'v, D: Data<'v>>(operator: Operator, left: Val<'v, D>, right: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    use Operator as O;
    let truth = match operator {
        O::Equal | O::NotEqual => left.equals(right)? == (operator == O::Equal),
        O::Less | O::LessEqual | O::Greater | O::GreaterEqual => {
            let order = left.compare(right)?;
            match operator {
                O::Less => order == Some(Ordering::Less),
                O::LessEqual => order.is_some_and(Ordering::is_le),
                O::Greater => order == Some(Ordering::Greater),
                _ => order.is_some_and(Ordering::is_ge),
            }
        }
        O::In => is_in(&left, right)?,
        O::Add if matches!(left, Val::DataList(_) | Val::List(_)) => {
            return functions::lists::concatenate(&left, right);
        }
        O::Add => return functions::arithmetic::add(left, right),
        O::Subtract => return functions::arithmetic::subtract(&left, right),
        O::Multiply | O::Divide | O::Modulo => return functions::arithmetic::multiply(operator, &left, right),
        O::And | O::Or => return Err(no_overload()),
    };
    Ok(Val::Bool(truth))
}

fn is_in<'v, D: Data<'v>>(value: &Val<'v, D>, range: &Val<'v, D>) -> Outcome<bool> {
    match range {
        Val::DataMap(data) => match value {
            Val::Text(key) => Ok(data.get(key).is_some_and(|found| !data.has_fields() || !is_null(found))),
            _ => Err(no_overload()),
        },
        Val::Map(entries) => Ok(find_entry(entries, value)?.is_some()),
        _ => {
            let elements = range.elements().ok_or_else(no_overload)??;
            contains(&elements, value)
        }
    }
}

/// Whether an expression is a path from a variable or from another value: `self.a[0].b`.
fn is_path(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Self_
            | Expr::OldSelf
            | Expr::Variable(_)
            | Expr::Select(..)
            | Expr::OptionalSelect(..)
            | Expr::Index(_)
            | Expr::OptionalIndex(_)
    )
}

/// Whether an expression is a list of constants, which the server makes a table of.
fn is_plain_list(expr: &Expr) -> bool {
    let Expr::Fixed(inner) = expr else { return false };
    let Expr::List(elements) = inner.as_ref() else { return false };
    let is_plain = |e: &Expr| matches!(e, Expr::Constant(c) if !matches!(c, Constant::Null | Constant::Bytes(_)));
    elements.iter().all(|(_, element)| is_plain(element))
}

/// The value of a field; a null in an object with declared fields is none.
pub(super) fn select<'v, D: Data<'v>>(operand: &Val<'v, D>, field: &Field) -> Outcome<Option<Val<'v, D>>> {
    match operand {
        Val::DataMap(data) if data.has_fields() => {
            let found = data.get(&field.plain).map(Val::of).transpose()?;
            Ok(found.filter(|found| !matches!(found, Val::Null)))
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
