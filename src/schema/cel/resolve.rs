//! From names to meanings: variables become slots, function names become functions, macros become loops, constant patterns are
//! compiled. What does not exist on the server is an error here, so that a rule is never passed over in silence.

use crate::schema::pattern::GoPattern;

use super::CelError;
use super::functions::{Function, Style};
use super::parser::{Ast, Constant, Operator};

/// A field name as written and as it stands in the object.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// `x__dash__y`: how a map's key would be written.
    pub(super) written: Box<str>,
    /// `x-y`: how the field of an object with declared fields is called.
    pub(super) plain: Box<str>,
}

/// What a loop makes of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    /// `filter`: the elements themselves.
    Filter,
    /// `map` and `transformList`.
    List,
    /// `transformMap`: the same keys.
    Map,
    /// `transformMapEntry`: one-entry maps, merged.
    MapEntries,
    SortBy,
}

/// A macro over a list or a map.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    pub(super) range: Expr,
    /// Slot of the first variable; a second one follows it.
    pub(super) slot: usize,
    pub(super) two: bool,
    pub(super) filter: Option<Expr>,
    pub(super) body: Expr,
}

/// An expression ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Constant(Constant),
    /// A list, a map or a conversion of constants: the server works it out once, when it compiles the rule.
    Fixed(Box<Expr>),
    Type(&'static str),
    Self_,
    OldSelf,
    Variable(usize),
    Select(Box<Expr>, Field),
    Has(Box<Expr>, Field),
    OptionalSelect(Box<Expr>, Field),
    Index(Box<(Expr, Expr)>),
    OptionalIndex(Box<(Expr, Expr)>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
    Binary(Operator, Box<(Expr, Expr)>),
    Conditional(Box<(Expr, Expr, Expr)>),
    List(Box<[(bool, Expr)]>),
    Map(Box<[(bool, Expr, Expr)]>),
    /// `text.matches('…')` with a constant pattern, and its kin.
    Pattern(Function, Box<[Expr]>, Box<GoPattern>),
    Call(Function, Box<[Expr]>),
    Loop(Box<Loop>),
    /// `list.all(x, list.exists_one(y, x.f == y.f))`: no two elements alike, or alike in a field. The rule of every list with
    /// keys, so it need not look at each pair by name.
    Unique(Box<Expr>, Option<Field>),
    /// `optMap` (true) and `optFlatMap`: the value, the slot and the body.
    Optional(bool, Box<(Expr, Expr)>, usize),
}

/// Resolves a parsed expression.
pub(super) fn resolve(ast: &Ast) -> Result<(Expr, bool), CelError> {
    let mut resolver = Resolver { scope: Vec::new(), old_self: false };
    let expr = resolver.expr(ast)?;
    Ok((expr, resolver.old_self))
}

struct Resolver {
    scope: Vec<String>,
    old_self: bool,
}

type Outcome<T> = Result<T, CelError>;

const TYPES: [&str; 18] = [
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "optional_type",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "net.IP",
    "net.CIDR",
    "kubernetes.Quantity",
    "kubernetes.URL",
    "kubernetes.Semver",
];

/// The name of a type that is a value too.
pub(super) fn type_named(name: &str) -> Option<&'static str> {
    TYPES.iter().find(|known| **known == name).copied()
}

impl Resolver {
    fn boxed(&mut self, ast: &Ast) -> Outcome<Box<Expr>> {
        Ok(Box::new(self.expr(ast)?))
    }

    fn pair(&mut self, a: &Ast, b: &Ast) -> Outcome<Box<(Expr, Expr)>> {
        Ok(Box::new((self.expr(a)?, self.expr(b)?)))
    }

    fn expr(&mut self, ast: &Ast) -> Outcome<Expr> {
        Ok(match ast {
            Ast::Constant(constant) => Expr::Constant(constant.clone()),
            Ast::Name(name) => {
                self.variable(name).ok_or_else(|| CelError::Unknown(format!("undeclared name `{name}`")))?
            }
            Ast::Select { operand, field, optional } => {
                if let Some(name) = qualified(ast).filter(|_| !*optional && !self.begins_with_variable(operand)) {
                    return type_named(&name)
                        .map(Expr::Type)
                        .ok_or_else(|| CelError::Unknown(format!("undeclared name `{name}`")));
                }
                let operand = self.boxed(operand)?;
                let field = field_name(field);
                if *optional { Expr::OptionalSelect(operand, field) } else { Expr::Select(operand, field) }
            }
            Ast::Index { operand, index, optional } => {
                let pair = self.pair(operand, index)?;
                if *optional { Expr::OptionalIndex(pair) } else { Expr::Index(pair) }
            }
            Ast::Not(operand) => Expr::Not(self.boxed(operand)?),
            Ast::Negate(operand) => Expr::Negate(self.boxed(operand)?),
            Ast::Binary(Operator::And, a, b) => Expr::And(self.pair(a, b)?),
            Ast::Binary(Operator::Or, a, b) => Expr::Or(self.pair(a, b)?),
            Ast::Binary(operator, a, b) => Expr::Binary(*operator, self.pair(a, b)?),
            Ast::Conditional(a, b, c) => Expr::Conditional(Box::new((self.expr(a)?, self.expr(b)?, self.expr(c)?))),
            Ast::List(elements) => {
                let elements: Outcome<Vec<_>> =
                    elements.iter().map(|(optional, e)| Ok((*optional, self.expr(e)?))).collect();
                fixed(Expr::List(elements?.into()))
            }
            Ast::Map(entries) => {
                let entries: Outcome<Vec<_>> =
                    entries.iter().map(|(optional, k, v)| Ok((*optional, self.expr(k)?, self.expr(v)?))).collect();
                fixed(Expr::Map(entries?.into()))
            }
            Ast::Call { target, name, arguments } => self.call(target.as_deref(), name, arguments)?,
        })
    }

    fn variable(&mut self, name: &str) -> Option<Expr> {
        if let Some(slot) = self.scope.iter().rposition(|known| known == name) {
            return Some(Expr::Variable(slot));
        }
        match name {
            "self" => Some(Expr::Self_),
            "oldSelf" => {
                self.old_self = true;
                Some(Expr::OldSelf)
            }
            _ => type_named(name).map(Expr::Type),
        }
    }

    /// Whether the chain of selections begins with something that has a value, so that it is no qualified name.
    fn begins_with_variable(&self, ast: &Ast) -> bool {
        match ast {
            Ast::Name(name) => name == "self" || name == "oldSelf" || self.scope.contains(name),
            Ast::Select { operand, .. } => self.begins_with_variable(operand),
            _ => true,
        }
    }

    fn call(&mut self, target: Option<&Ast>, name: &str, arguments: &[Ast]) -> Outcome<Expr> {
        if target.is_none() && name == "has" && arguments.len() == 1 {
            return match &arguments[0] {
                Ast::Select { operand, field, optional: false } => {
                    Ok(Expr::Has(self.boxed(operand)?, field_name(field)))
                }
                _ => Err(CelError::Unknown("has() takes a field, as in has(self.name)".to_owned())),
            };
        }
        if let Some(target) = target {
            if let Some(space) = qualified(target).filter(|_| !self.begins_with_variable(target)) {
                return self.function(Style::Global, &format!("{space}.{name}"), None, arguments);
            }
            if let Some(alike) = uniqueness(target, name, arguments) {
                let field = if let Alike::In(field) = alike { Some(field_name(field)) } else { None };
                return Ok(Expr::Unique(self.boxed(target)?, field));
            }
            if let Some(expr) = self.macro_call(target, name, arguments)? {
                return Ok(expr);
            }
            return self.function(Style::Method, name, Some(target), arguments);
        }
        self.function(Style::Global, name, None, arguments)
    }

    fn function(&mut self, style: Style, name: &str, target: Option<&Ast>, arguments: &[Ast]) -> Outcome<Expr> {
        let given = arguments.len();
        let function = Function::find(style, name, given)
            .ok_or_else(|| CelError::Unknown(format!("undeclared function `{name}` with {given} argument(s)")))?;
        let resolved: Outcome<Vec<Expr>> =
            target.into_iter().chain(arguments).map(|argument| self.expr(argument)).collect();
        let resolved: Box<[Expr]> = resolved?.into();
        if function.takes_pattern()
            && let Some(Expr::Constant(Constant::Str(pattern))) = resolved.get(1)
        {
            let pattern = GoPattern::compile(pattern).map_err(CelError::Pattern)?;
            return Ok(Expr::Pattern(function, resolved, Box::new(pattern)));
        }
        Ok(fixed(Expr::Call(function, resolved)))
    }

    /// `list.all(x, …)` and its kin; `None` where name and arguments make no macro.
    fn macro_call(&mut self, target: &Ast, name: &str, arguments: &[Ast]) -> Outcome<Option<Expr>> {
        use LoopKind as K;
        let names: Vec<&str> =
            arguments.iter().map_while(|a| if let Ast::Name(name) = a { Some(name.as_str()) } else { None }).collect();
        let (kind, variables, filtered) = match (name, arguments.len()) {
            ("all", 2) => (K::All, 1, false),
            ("exists", 2) => (K::Exists, 1, false),
            ("exists_one", 2) => (K::ExistsOne, 1, false),
            ("filter", 2) => (K::Filter, 1, false),
            ("map", 2) => (K::List, 1, false),
            ("map", 3) => (K::List, 1, true),
            ("sortBy", 2) => (K::SortBy, 1, false),
            ("all", 3) => (K::All, 2, false),
            ("exists", 3) => (K::Exists, 2, false),
            ("existsOne" | "exists_one", 3) => (K::ExistsOne, 2, false),
            ("transformList", 3) => (K::List, 2, false),
            ("transformList", 4) => (K::List, 2, true),
            ("transformMap", 3) => (K::Map, 2, false),
            ("transformMap", 4) => (K::Map, 2, true),
            ("transformMapEntry", 3) => (K::MapEntries, 2, false),
            ("transformMapEntry", 4) => (K::MapEntries, 2, true),
            ("optMap" | "optFlatMap", 2) => {
                let Some(variable) = names.first() else { return Err(no_variable(name)) };
                let value = self.expr(target)?;
                self.scope.push((*variable).to_owned());
                let body = self.expr(&arguments[1]);
                self.scope.pop();
                return Ok(Some(Expr::Optional(name == "optMap", Box::new((value, body?)), self.scope.len())));
            }
            _ => return Ok(None),
        };
        if names.len() < variables || (variables == 2 && names[0] == names[1]) {
            return Err(no_variable(name));
        }
        let range = self.expr(target)?;
        let slot = self.scope.len();
        self.scope.extend(names[..variables].iter().map(|name| (*name).to_owned()));
        let inner = self.loop_parts(&arguments[variables..], filtered);
        self.scope.truncate(slot);
        let (filter, body) = inner?;
        Ok(Some(Expr::Loop(Box::new(Loop { kind, range, slot, two: variables == 2, filter, body }))))
    }

    fn loop_parts(&mut self, rest: &[Ast], filtered: bool) -> Outcome<(Option<Expr>, Expr)> {
        Ok(match rest {
            [filter, body] if filtered => (Some(self.expr(filter)?), self.expr(body)?),
            [body, ..] => (None, self.expr(body)?),
            [] => return Err(CelError::Unknown("macro without a body".to_owned())),
        })
    }
}

/// Whether an expression is a constant to the server.
pub(super) fn is_constant(expr: &Expr) -> bool {
    matches!(expr, Expr::Constant(_) | Expr::Type(_) | Expr::Fixed(_))
}

/// Marks what is made of constants alone.
fn fixed(expr: Expr) -> Expr {
    let is_fixed = match &expr {
        Expr::List(elements) => elements.iter().all(|(optional, element)| !optional && is_constant(element)),
        Expr::Map(entries) => {
            entries.iter().all(|(optional, key, value)| !optional && is_constant(key) && is_constant(value))
        }
        Expr::Call(function, arguments) => function.is_conversion() && arguments.iter().all(is_constant),
        _ => false,
    };
    if is_fixed { Expr::Fixed(Box::new(expr)) } else { expr }
}

/// In what the elements of a list may not be alike.
enum Alike<'a> {
    Whole,
    In(&'a str),
}

/// Whether a call says that the elements of a list differ from each other, and in which field; see [`Expr::Unique`].
fn uniqueness<'a>(target: &'a Ast, name: &str, arguments: &'a [Ast]) -> Option<Alike<'a>> {
    let (Ast::Name(x), Ast::Call { target: Some(range), name: inner, arguments: rest }) =
        (arguments.first()?, arguments.get(1)?)
    else {
        return None;
    };
    let (Ast::Name(y), Ast::Binary(Operator::Equal, left, right)) = (rest.first()?, rest.get(1)?) else { return None };
    let sizes = (name, inner.as_str(), arguments.len(), rest.len()) == ("all", "exists_one", 2, 2);
    let root = qualified(target)?;
    let root = root.split('.').next()?;
    if !sizes || **range != *target || x == y || root == x || root == y {
        return None;
    }
    let part = |ast: &'a Ast| match ast {
        Ast::Name(name) => Some((name.as_str(), None)),
        Ast::Select { operand, field, optional: false } => match operand.as_ref() {
            Ast::Name(name) => Some((name.as_str(), Some(field.as_str()))),
            _ => None,
        },
        _ => None,
    };
    let ((first, field), (second, same)) = (part(left)?, part(right)?);
    let both = (first == x && second == y) || (first == y && second == x);
    (both && field == same).then_some(field.map_or(Alike::Whole, Alike::In))
}

fn no_variable(name: &str) -> CelError {
    CelError::Unknown(format!("{name}() takes variable names first, each another one"))
}

/// `a.b.c`, where the expression is only that.
fn qualified(ast: &Ast) -> Option<String> {
    match ast {
        Ast::Name(name) => Some(name.clone()),
        Ast::Select { operand, field, optional: false } => Some(format!("{}.{field}", qualified(operand)?)),
        _ => None,
    }
}

fn field_name(written: &str) -> Field {
    Field { written: written.into(), plain: unescape(written).into() }
}

/// Takes Kubernetes' escapes of field names back: `__dash__`, `__namespace__`. What is no such escape stays.
fn unescape(written: &str) -> String {
    let mut out = String::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("__") {
        out.push_str(before);
        let inner = after.split_once("__").filter(|(word, _)| !word.is_empty() && !word.contains('_'));
        let plain = match inner {
            Some(("underscores", _)) => "__",
            Some(("dot", _)) => ".",
            Some(("dash", _)) => "-",
            Some(("slash", _)) => "/",
            Some((word, "")) if before.is_empty() && out.is_empty() => word,
            _ => "",
        };
        let (text, remaining) = match inner {
            Some((_, behind)) if !plain.is_empty() => (plain, behind),
            _ => ("__", after),
        };
        out.push_str(text);
        rest = remaining;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn field_names() {
        for (written, plain) in [
            ("name", "name"),
            ("a__dash__b", "a-b"),
            ("__namespace__", "namespace"),
            ("a__dot__b__slash__c", "a.b/c"),
            ("a__underscores__b", "a__b"),
            ("a__b", "a__b"),
        ] {
            assert_eq!(unescape(written), plain);
        }
    }
}
