//! From what is written to what is checked: macros become loops over an accumulator, operators become calls. The server
//! checks and prices this form, so that a price can only be the same if the form is.

use super::super::CelError;
use super::super::parser::{Ast, Constant, Operator};

/// A node of the expanded expression. Its number is unique in the expression.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Literal(Constant),
    Name(String),
    Select {
        operand: Box<Node>,
        field: String,
        test_only: bool,
    },
    OptionalSelect {
        operand: Box<Node>,
        field: String,
    },
    Call {
        target: Option<Box<Node>>,
        function: String,
        arguments: Vec<Node>,
    },
    /// Elements, each with whether it was written `?e`.
    List(Vec<(bool, Node)>),
    Map(Vec<(bool, Node, Node)>),
    Fold(Box<Fold>),
}

/// A loop, or (over nothing) a name for a value.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    pub(super) range: Node,
    pub(super) first: String,
    pub(super) second: Option<String>,
    pub(super) accumulator: String,
    pub(super) start: Node,
    pub(super) condition: Node,
    pub(super) step: Node,
    pub(super) result: Node,
}

/// The accumulator of macros; no rule can name it.
pub(super) const ACCUMULATOR: &str = "@result";
/// The variable of a loop over nothing.
const UNUSED: &str = "#unused";

impl Fold {
    /// Whether it only gives a value a name.
    pub(super) fn is_binding(&self) -> bool {
        self.first == UNUSED
    }
}

type Outcome<T> = Result<T, CelError>;

/// Expands an expression; gives the number of nodes too.
pub(super) fn expand(ast: &Ast) -> Outcome<(Node, usize)> {
    let mut expander = Expander { next: 0 };
    let node = expander.node(ast)?;
    Ok((node, expander.next))
}

struct Expander {
    next: usize,
}

fn operator(operator: Operator) -> &'static str {
    use Operator as O;
    match operator {
        O::And => "_&&_",
        O::Or => "_||_",
        O::Equal => "_==_",
        O::NotEqual => "_!=_",
        O::Less => "_<_",
        O::LessEqual => "_<=_",
        O::Greater => "_>_",
        O::GreaterEqual => "_>=_",
        O::In => "@in",
        O::Add => "_+_",
        O::Subtract => "_-_",
        O::Multiply => "_*_",
        O::Divide => "_/_",
        O::Modulo => "_%_",
    }
}

impl Expander {
    fn make(&mut self, kind: Kind) -> Node {
        self.next += 1;
        Node { id: self.next - 1, kind }
    }

    fn call(&mut self, function: &str, arguments: Vec<Node>) -> Node {
        self.make(Kind::Call { target: None, function: function.to_owned(), arguments })
    }

    fn name(&mut self, name: &str) -> Node {
        self.make(Kind::Name(name.to_owned()))
    }

    fn literal(&mut self, constant: Constant) -> Node {
        self.make(Kind::Literal(constant))
    }

    fn accumulator(&mut self) -> Node {
        self.name(ACCUMULATOR)
    }

    fn nodes(&mut self, asts: &[Ast]) -> Outcome<Vec<Node>> {
        asts.iter().map(|ast| self.node(ast)).collect()
    }

    fn boxed(&mut self, ast: &Ast) -> Outcome<Box<Node>> {
        Ok(Box::new(self.node(ast)?))
    }

    fn node(&mut self, ast: &Ast) -> Outcome<Node> {
        let kind = match ast {
            Ast::Constant(constant) => Kind::Literal(constant.clone()),
            Ast::Name(name) => Kind::Name(name.clone()),
            Ast::Select { operand, field, optional: false } => {
                Kind::Select { operand: self.boxed(operand)?, field: field.clone(), test_only: false }
            }
            Ast::Select { operand, field, optional: true } => {
                Kind::OptionalSelect { operand: self.boxed(operand)?, field: field.clone() }
            }
            Ast::Index { operand, index, optional } => {
                let arguments = vec![self.node(operand)?, self.node(index)?];
                return Ok(self.call(if *optional { "_[?_]" } else { "_[_]" }, arguments));
            }
            Ast::Not(operand) => {
                let arguments = vec![self.node(operand)?];
                return Ok(self.call("!_", arguments));
            }
            Ast::Negate(operand) => {
                let arguments = vec![self.node(operand)?];
                return Ok(self.call("-_", arguments));
            }
            Ast::Binary(sign, left, right) => {
                let arguments = vec![self.node(left)?, self.node(right)?];
                return Ok(self.call(operator(*sign), arguments));
            }
            Ast::Conditional(condition, then, otherwise) => {
                let arguments = vec![self.node(condition)?, self.node(then)?, self.node(otherwise)?];
                return Ok(self.call("_?_:_", arguments));
            }
            Ast::List(elements) => {
                let elements: Outcome<Vec<_>> =
                    elements.iter().map(|(optional, e)| Ok((*optional, self.node(e)?))).collect();
                Kind::List(elements?)
            }
            Ast::Map(entries) => {
                let entries: Outcome<Vec<_>> =
                    entries.iter().map(|(optional, k, v)| Ok((*optional, self.node(k)?, self.node(v)?))).collect();
                Kind::Map(entries?)
            }
            Ast::Call { target, name, arguments } => return self.written_call(target.as_deref(), name, arguments),
        };
        Ok(self.make(kind))
    }

    fn written_call(&mut self, target: Option<&Ast>, name: &str, arguments: &[Ast]) -> Outcome<Node> {
        let Some(receiver) = target else {
            if let ("has", [only]) = (name, arguments) {
                let Ast::Select { operand, field, optional: false } = only else {
                    return Err(CelError::Unknown("has() takes a field, as in has(self.name)".to_owned()));
                };
                let operand = self.boxed(operand)?;
                return Ok(self.make(Kind::Select { operand, field: field.clone(), test_only: true }));
            }
            let arguments = self.nodes(arguments)?;
            return Ok(self.call(name, arguments));
        };
        if let Some(node) = self.macro_call(receiver, name, arguments)? {
            return Ok(node);
        }
        let kind = Kind::Call {
            target: Some(self.boxed(receiver)?),
            function: name.to_owned(),
            arguments: self.nodes(arguments)?,
        };
        Ok(self.make(kind))
    }

    fn macro_call(&mut self, target: &Ast, name: &str, arguments: &[Ast]) -> Outcome<Option<Node>> {
        Ok(Some(match (name, arguments.len()) {
            ("all" | "exists" | "exists_one" | "filter", 2) | ("map", 2 | 3) => {
                let range = self.node(target)?;
                self.one_variable(range, name, arguments)?
            }
            (
                "all" | "exists" | "existsOne" | "exists_one" | "transformList" | "transformMap" | "transformMapEntry",
                3,
            )
            | ("transformList" | "transformMap" | "transformMapEntry", 4) => {
                self.two_variables(target, name, arguments)?
            }
            ("optMap" | "optFlatMap", 2) => self.optional_map(target, name == "optMap", arguments)?,
            ("sortBy", 2) => self.sort_by(target, arguments)?,
            _ => return Ok(None),
        }))
    }

    fn one_variable(&mut self, range: Node, name: &str, arguments: &[Ast]) -> Outcome<Node> {
        let first = variable(name, &arguments[0])?;
        let parts = match (name, &arguments[1..]) {
            ("all" | "exists" | "exists_one", [predicate]) => self.quantifier(name, predicate)?,
            ("filter", [predicate]) => {
                let element = self.name(&first);
                let filter = self.node(predicate)?;
                self.gather(element, Some(filter))
            }
            (_, [filter, transform]) => {
                let (filter, transform) = (self.node(filter)?, self.node(transform)?);
                self.gather(transform, Some(filter))
            }
            (_, rest) => {
                let transform = self.nodes(rest)?.pop().ok_or_else(|| no_variable(name))?;
                self.gather(transform, None)
            }
        };
        Ok(self.fold(range, first, None, parts))
    }

    fn two_variables(&mut self, target: &Ast, name: &str, arguments: &[Ast]) -> Outcome<Node> {
        let (first, second) = (variable(name, &arguments[0])?, variable(name, &arguments[1])?);
        if first == second {
            return Err(no_variable(name));
        }
        let range = self.node(target)?;
        let rest = &arguments[2..];
        let parts = if let ("all" | "exists" | "existsOne" | "exists_one", [predicate]) = (name, rest) {
            self.quantifier(name, predicate)?
        } else {
            let mut rest = self.nodes(rest)?;
            let transform = rest.pop().ok_or_else(|| no_variable(name))?;
            let filter = rest.pop();
            if name == "transformList" {
                self.gather(transform, filter)
            } else {
                let key = (name == "transformMap").then(|| self.name(&first));
                self.insert(key, transform, filter)
            }
        };
        Ok(self.fold(range, first, Some(second), parts))
    }

    fn quantifier(&mut self, name: &str, predicate: &Ast) -> Outcome<[Node; 4]> {
        let predicate = self.node(predicate)?;
        Ok(match name {
            "all" => {
                let so_far = vec![self.accumulator()];
                let both = vec![self.accumulator(), predicate];
                [
                    self.literal(Constant::Bool(true)),
                    self.call("@not_strictly_false", so_far),
                    self.call("_&&_", both),
                    self.accumulator(),
                ]
            }
            "exists" => {
                let so_far = vec![self.accumulator()];
                let not = vec![self.call("!_", so_far)];
                let either = vec![self.accumulator(), predicate];
                [
                    self.literal(Constant::Bool(false)),
                    self.call("@not_strictly_false", not),
                    self.call("_||_", either),
                    self.accumulator(),
                ]
            }
            _ => {
                let more = vec![self.accumulator(), self.literal(Constant::Int(1))];
                let counted = vec![predicate, self.call("_+_", more), self.accumulator()];
                let one = vec![self.accumulator(), self.literal(Constant::Int(1))];
                [
                    self.literal(Constant::Int(0)),
                    self.literal(Constant::Bool(true)),
                    self.call("_?_:_", counted),
                    self.call("_==_", one),
                ]
            }
        })
    }

    /// A list of what is made of each element.
    fn gather(&mut self, made: Node, filter: Option<Node>) -> [Node; 4] {
        let single = self.make(Kind::List(vec![(false, made)]));
        let longer = vec![self.accumulator(), single];
        let step = self.call("_+_", longer);
        let start = self.make(Kind::List(Vec::new()));
        self.filtered(start, step, filter)
    }

    /// A map of what is made of each entry.
    fn insert(&mut self, key: Option<Node>, made: Node, filter: Option<Node>) -> [Node; 4] {
        let mut arguments = vec![self.accumulator()];
        arguments.extend(key);
        arguments.push(made);
        let step = self.call("cel.@mapInsert", arguments);
        let start = self.make(Kind::Map(Vec::new()));
        self.filtered(start, step, filter)
    }

    fn filtered(&mut self, start: Node, step: Node, filter: Option<Node>) -> [Node; 4] {
        let step = match filter {
            None => step,
            Some(filter) => {
                let choice = vec![filter, step, self.accumulator()];
                self.call("_?_:_", choice)
            }
        };
        [start, self.literal(Constant::Bool(true)), step, self.accumulator()]
    }

    fn fold(&mut self, range: Node, first: String, second: Option<String>, parts: [Node; 4]) -> Node {
        let [start, condition, step, result] = parts;
        let accumulator = ACCUMULATOR.to_owned();
        self.make(Kind::Fold(Box::new(Fold { range, first, second, accumulator, start, condition, step, result })))
    }

    fn bind(&mut self, name: &str, value: Node, result: Node) -> Node {
        let range = self.make(Kind::List(Vec::new()));
        let condition = self.literal(Constant::Bool(false));
        let step = self.name(name);
        self.make(Kind::Fold(Box::new(Fold {
            range,
            first: UNUSED.to_owned(),
            second: None,
            accumulator: name.to_owned(),
            start: value,
            condition,
            step,
            result,
        })))
    }

    fn optional_map(&mut self, target: &Ast, wrap: bool, arguments: &[Ast]) -> Outcome<Node> {
        let name = variable("optMap", &arguments[0])?;
        let member = |function: &str, target: Node| Kind::Call {
            target: Some(Box::new(target)),
            function: function.to_owned(),
            arguments: Vec::new(),
        };
        let (asked, taken) = (self.node(target)?, self.node(target)?);
        let condition = self.make(member("hasValue", asked));
        let value = self.make(member("value", taken));
        let body = self.node(&arguments[1])?;
        let bound = self.bind(&name, value, body);
        let then = if wrap { self.optional("of", vec![bound]) } else { bound };
        let otherwise = self.optional("none", Vec::new());
        Ok(self.call("_?_:_", vec![condition, then, otherwise]))
    }

    fn optional(&mut self, function: &str, arguments: Vec<Node>) -> Node {
        self.call(&format!("optional.{function}"), arguments)
    }

    fn sort_by(&mut self, target: &Ast, arguments: &[Ast]) -> Outcome<Node> {
        const INPUT: &str = "@__sortBy_input__";
        let value = self.node(target)?;
        let range = self.name(INPUT);
        let keys = self.one_variable(range, "map", arguments)?;
        let kind = Kind::Call {
            target: Some(Box::new(self.name(INPUT))),
            function: "@sortByAssociatedKeys".to_owned(),
            arguments: vec![keys],
        };
        let sorted = self.make(kind);
        Ok(self.bind(INPUT, value, sorted))
    }
}

fn variable(name: &str, ast: &Ast) -> Outcome<String> {
    match ast {
        Ast::Name(variable) => Ok(variable.clone()),
        _ => Err(no_variable(name)),
    }
}

fn no_variable(name: &str) -> CelError {
    CelError::Unknown(format!("{name}() takes variable names first, each another one"))
}
