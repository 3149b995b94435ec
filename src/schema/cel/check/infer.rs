//! The type checker: which type each part of an expression has, and which overloads each call may mean.

use std::rc::Rc;

use super::super::CelError;
use super::super::parser::Constant;
use super::super::resolve::type_named;
use super::declared::{Declared, Shape};
use super::expand::{Fold, Kind, Node};
use super::overloads::{Functions, OPEN, Overload};
use super::types::{Bindings, Type, most_general};

/// What the checker found out, by the numbers of the nodes.
#[derive(Debug)]
pub(super) struct Types {
    pub(super) of: Vec<Type>,
    pub(super) overloads: Vec<Vec<String>>,
    /// What looks like a method or a field and is a name with dots: `optional.of`, `google.protobuf.Duration`.
    pub(super) dotted: Vec<Option<String>>,
    pub(super) uses_old_self: bool,
}

type Outcome<T> = Result<T, CelError>;

/// Finds the types of an expression of so many nodes, in which these variables have a value.
pub(super) fn infer(root: &Node, count: usize, variables: &[(&str, Type)], functions: &Functions) -> Outcome<Types> {
    let scope = variables.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
    let found = Types {
        of: vec![Type::Error; count],
        overloads: vec![Vec::new(); count],
        dotted: vec![None; count],
        uses_old_self: false,
    };
    let mut checker = Checker { functions, bindings: Bindings::default(), scope, globals: variables.len(), found };
    checker.check(root)?;
    let Checker { bindings, mut found, .. } = checker;
    for ty in &mut found.of {
        *ty = bindings.resolve(ty, true);
    }
    Ok(found)
}

struct Checker<'f> {
    functions: &'f Functions,
    bindings: Bindings,
    scope: Vec<(String, Type)>,
    /// How many names stand at the beginning of the scope that are not of a macro.
    globals: usize,
    found: Types,
}

fn fail(message: String) -> CelError {
    CelError::Type(message)
}

impl Checker<'_> {
    fn check(&mut self, node: &Node) -> Outcome<Type> {
        let ty = match &node.kind {
            Kind::Literal(constant) => literal(constant),
            Kind::Name(name) => self.variable(name).ok_or_else(|| undeclared(name))?,
            Kind::Select { operand, field, test_only } => {
                let name = if *test_only { None } else { self.qualified(node) };
                if let Some(ty) = name.as_deref().and_then(type_of_name) {
                    self.found.dotted[node.id] = name;
                    ty
                } else {
                    let selected = self.select(operand, field, false)?;
                    if *test_only { Type::Bool } else { selected }
                }
            }
            Kind::OptionalSelect { operand, field } => self.select(operand, field, true)?,
            Kind::Call { target, function, arguments } => self.call(node, target.as_deref(), function, arguments)?,
            Kind::List(elements) => self.list(elements)?,
            Kind::Map(entries) => self.map(entries)?,
            Kind::Fold(fold) => self.fold(fold)?,
        };
        let ty = self.bindings.resolve(&ty, false);
        self.found.of[node.id] = ty.clone();
        Ok(ty)
    }

    fn variable(&mut self, name: &str) -> Option<Type> {
        if let Some(at) = self.scope.iter().rposition(|(known, _)| known == name) {
            self.found.uses_old_self |= at < self.globals && name == "oldSelf";
            return Some(self.scope[at].1.clone());
        }
        type_of_name(name)
    }

    /// `a.b.c`, where it begins with no variable.
    fn qualified(&self, node: &Node) -> Option<String> {
        match &node.kind {
            Kind::Name(name) if !self.scope.iter().any(|(known, _)| known == name) => Some(name.clone()),
            Kind::Select { operand, field, test_only: false } => Some(format!("{}.{field}", self.qualified(operand)?)),
            _ => None,
        }
    }

    fn select(&mut self, operand: &Node, field: &str, optional: bool) -> Outcome<Type> {
        let operand = self.check(operand)?;
        let (target, was_optional) = operand.unwrap_optional();
        let result = match &target {
            Type::Map(pair) => pair.1.clone(),
            Type::Object(declared) => {
                let Shape::Object(fields) = &declared.shape else { return Ok(Type::Dyn) };
                let found = fields.get(field).or_else(|| fields.get(&format!("__{field}__")));
                found.map(Declared::ty).ok_or_else(|| no_field(field, fields.keys()))?
            }
            Type::Parameter(_) => {
                self.bindings.assign(&[Type::Dyn], std::slice::from_ref(&target));
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            other => return Err(fail(format!("a value of type {other} has no field `{field}`"))),
        };
        Ok(if optional || was_optional { Type::optional(result) } else { result })
    }

    fn call(&mut self, node: &Node, target: Option<&Node>, function: &str, arguments: &[Node]) -> Outcome<Type> {
        let mut given = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            given.push(self.check(argument)?);
        }
        let functions = self.functions;
        if let Some(target) = target {
            let space = self.qualified(target).map(|space| format!("{space}.{function}"));
            if let Some((name, overloads)) = space.and_then(|name| functions.find(&name).map(|found| (name, found))) {
                let result = self.overload(node, &name, overloads, false, &given);
                self.found.dotted[node.id] = Some(name);
                return result;
            }
            given.insert(0, self.check(target)?);
        }
        let overloads = functions.find(function).ok_or_else(|| undeclared(&format!("{function}()")))?;
        self.overload(node, function, overloads, target.is_some(), &given)
    }

    fn overload(
        &mut self,
        node: &Node,
        function: &str,
        overloads: &[Overload],
        is_method: bool,
        given: &[Type],
    ) -> Outcome<Type> {
        let mut result: Option<Type> = None;
        for overload in overloads.iter().filter(|overload| overload.is_method == is_method) {
            let open: [Type; OPEN] = std::array::from_fn(|_| self.bindings.fresh());
            let takes: Vec<Type> = overload.takes.iter().map(|ty| instance(ty, &open)).collect();
            if !self.bindings.assign(given, &takes) {
                continue;
            }
            self.found.overloads[node.id].push(overload.name.clone());
            let gives = self.bindings.resolve(&instance(&overload.gives, &open), false);
            result = Some(match result {
                None => gives,
                Some(Type::Dyn) => Type::Dyn,
                Some(before) if gives.is(&before) => before,
                Some(_) => Type::Dyn,
            });
        }
        result.ok_or_else(|| {
            let types: Vec<String> = given.iter().map(|ty| self.bindings.resolve(ty, true).to_string()).collect();
            no_overload(function, is_method, &types)
        })
    }

    fn list(&mut self, elements: &[(bool, Node)]) -> Outcome<Type> {
        let mut joined = None;
        for (optional, element) in elements {
            let ty = self.check(element)?;
            let ty = if *optional { unwrapped(&ty)? } else { ty };
            joined = Some(self.join(joined, ty));
        }
        Ok(Type::list(joined.unwrap_or_else(|| self.bindings.fresh())))
    }

    fn map(&mut self, entries: &[(bool, Node, Node)]) -> Outcome<Type> {
        let (mut keys, mut values) = (None, None);
        for (optional, key, value) in entries {
            let key = self.check(key)?;
            keys = Some(self.join(keys, key));
            let ty = self.check(value)?;
            let ty = if *optional { unwrapped(&ty)? } else { ty };
            values = Some(self.join(values, ty));
        }
        let keys = keys.unwrap_or_else(|| self.bindings.fresh());
        Ok(Type::map(keys, values.unwrap_or_else(|| self.bindings.fresh())))
    }

    /// The one type of the elements of a literal; whether they may differ is said by `literals`.
    fn join(&mut self, before: Option<Type>, ty: Type) -> Type {
        let Some(before) = before else { return ty };
        if self.bindings.assign(std::slice::from_ref(&before), std::slice::from_ref(&ty)) {
            most_general(&before, &ty)
        } else {
            Type::Dyn
        }
    }

    fn fold(&mut self, fold: &Fold) -> Outcome<Type> {
        let range = self.check(&fold.range)?;
        let start = self.check(&fold.start)?;
        let depth = self.scope.len();
        self.scope.push((fold.accumulator.clone(), start.clone()));
        let range = self.bindings.resolve(&range, false);
        let two = fold.second.is_some();
        let (first, second) = match &range {
            Type::List(element) if two => (Type::Int, element.as_ref().clone()),
            Type::List(element) => (element.as_ref().clone(), Type::Dyn),
            Type::Map(pair) => pair.as_ref().clone(),
            Type::Dyn | Type::Error | Type::Parameter(_) => {
                self.bindings.assign(&[Type::Dyn], std::slice::from_ref(&range));
                (Type::Dyn, Type::Dyn)
            }
            other => return Err(fail(format!("a value of type {other} is no list and no map to go through"))),
        };
        self.scope.push((fold.first.clone(), first));
        if let Some(name) = &fold.second {
            self.scope.push((name.clone(), second));
        }
        let condition = self.check(&fold.condition)?;
        self.expect(&Type::Bool, &condition)?;
        let step = self.check(&fold.step)?;
        self.expect(&start, &step)?;
        self.scope.truncate(depth + 1);
        let result = self.check(&fold.result)?;
        self.scope.truncate(depth);
        Ok(result)
    }

    fn expect(&mut self, wanted: &Type, given: &Type) -> Outcome<()> {
        if self.bindings.assign(std::slice::from_ref(wanted), std::slice::from_ref(given)) {
            return Ok(());
        }
        Err(fail(format!("a {given} where a {wanted} is wanted")))
    }
}

fn literal(constant: &Constant) -> Type {
    match constant {
        Constant::Null => Type::Null,
        Constant::Bool(_) => Type::Bool,
        Constant::Int(_) => Type::Int,
        Constant::UInt(_) => Type::UInt,
        Constant::Double(_) => Type::Double,
        Constant::Str(_) => Type::Text,
        Constant::Bytes(_) => Type::Bytes,
    }
}

/// `string`, `int` …, which are values too.
fn type_of_name(name: &str) -> Option<Type> {
    type_named(name).map(|_| Type::OfType(Rc::new(Type::Dyn)))
}

/// The type of an overload with its own unknown types.
fn instance(ty: &Type, open: &[Type; OPEN]) -> Type {
    match ty {
        Type::Parameter(number) => open.get(*number as usize).cloned().unwrap_or(Type::Dyn),
        Type::List(inner) => Type::list(instance(inner, open)),
        Type::Optional(inner) => Type::optional(instance(inner, open)),
        Type::OfType(inner) => Type::OfType(Rc::new(instance(inner, open))),
        Type::Map(pair) => Type::map(instance(&pair.0, open), instance(&pair.1, open)),
        other => other.clone(),
    }
}

fn unwrapped(ty: &Type) -> Outcome<Type> {
    match ty {
        Type::Optional(inner) => Ok(inner.as_ref().clone()),
        Type::Dyn => Ok(Type::Dyn),
        other => Err(fail(format!("`?` wants an optional value, and this is a {other}"))),
    }
}

fn undeclared(name: &str) -> CelError {
    CelError::Unknown(format!("`{name}` is not declared"))
}

fn no_field<'f>(field: &str, known: impl Iterator<Item = &'f String>) -> CelError {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let near = crate::schema::suggest::nearest(field, known.iter().copied());
    CelError::Field { name: field.to_owned(), near: near.map(str::to_owned) }
}

/// What a call with arguments of these types says.
fn no_overload(function: &str, is_method: bool, types: &[String]) -> CelError {
    let word = function.trim_matches('_');
    let call = match (function, types) {
        ("_?_:_", [_, then, otherwise]) => format!("a choice between {then} and {otherwise}"),
        ("_[_]" | "_[?_]", [target, index]) => format!("{target}[{index}]"),
        ("@in", [value, range]) => format!("{value} in {range}"),
        (_, [left, right]) if function.starts_with('_') => format!("{left} {word} {right}"),
        (_, [only]) if function.ends_with('_') => format!("{word}{only}"),
        (_, [target, rest @ ..]) if is_method => format!("{target}.{function}({})", rest.join(", ")),
        _ => format!("{function}({})", types.join(", ")),
    };
    fail(format!("there is no `{call}`"))
}
