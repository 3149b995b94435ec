//! CEL's grammar: from tokens to a tree of names.
//!
//! This module must not know which names exist: `resolve` looks them up.

use super::CelError;
use super::lexer::{Token, tokens};

/// A literal value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Str(String),
    Bytes(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// An expression as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ast {
    Constant(Constant),
    Name(String),
    Select {
        operand: Box<Ast>,
        field: String,
        optional: bool,
    },
    Index {
        operand: Box<Ast>,
        index: Box<Ast>,
        optional: bool,
    },
    Call {
        target: Option<Box<Ast>>,
        name: String,
        arguments: Vec<Ast>,
    },
    /// Elements, each with whether it was written `?e`.
    List(Vec<(bool, Ast)>),
    Map(Vec<(bool, Ast, Ast)>),
    Not(Box<Ast>),
    Negate(Box<Ast>),
    Binary(Operator, Box<Ast>, Box<Ast>),
    Conditional(Box<Ast>, Box<Ast>, Box<Ast>),
}

/// Deeper nesting than anyone writes; the server's parser has a bound of the same order.
const MAX_DEPTH: usize = 100;

/// Links of a chain, as the server's parser bounds them.
const MAX_LINKS: usize = 250;

/// Characters of an expression, as the server bounds them.
const MAX_LENGTH: usize = 100_000;

/// The levels of `||` and `&&`.
const LOGICAL_LEVELS: usize = 2;

/// Words that are no identifiers.
pub(super) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Parses an expression.
pub(super) fn parse(text: &str) -> Result<Ast, CelError> {
    if text.chars().count() > MAX_LENGTH {
        return Err(CelError::syntax(
            0,
            format!("longer than {MAX_LENGTH} characters, the most that the server takes"),
        ));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, end: text.len() };
    let ast = parser.expression()?;
    if parser.at < parser.tokens.len() { Err(parser.unexpected()) } else { Ok(ast) }
}

/// Terms of one logical operator as a tree that is no deeper than it must be: any number of them may follow each other. The
/// server builds it so too.
fn balanced(operator: Operator, mut terms: Vec<Ast>) -> Option<Ast> {
    if terms.len() <= 1 {
        return terms.pop();
    }
    let right = terms.split_off(terms.len().div_ceil(2));
    let (left, right) = (balanced(operator, terms)?, balanced(operator, right)?);
    Some(Ast::Binary(operator, Box::new(left), Box::new(right)))
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    end: usize,
}

impl Parser {
    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(offset, _)| *offset)
    }

    fn unexpected(&self) -> CelError {
        let what = match self.tokens.get(self.at) {
            None => "the expression ends too early".to_owned(),
            Some((_, Token::Sign(sign))) => format!("unexpected `{sign}`"),
            Some((_, Token::Name(name))) => format!("unexpected `{name}`"),
            Some(_) => "unexpected literal".to_owned(),
        };
        CelError::syntax(self.offset(), what)
    }

    fn peek_sign(&self) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some((_, Token::Sign(sign))) => Some(sign),
            _ => None,
        }
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.peek_sign() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), CelError> {
        if self.eat(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expression(&mut self) -> Result<Ast, CelError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(CelError::syntax(self.offset(), "nested too deeply".to_owned()));
        }
        let condition = self.binary(0)?;
        let ast = if self.eat("?") {
            let then = self.binary(0)?;
            self.expect(":")?;
            let otherwise = self.expression()?;
            Ast::Conditional(Box::new(condition), Box::new(then), Box::new(otherwise))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(ast)
    }

    /// The operator at hand, if it binds at this level: `||`, `&&`, relations, sums, products.
    fn operator(&self, level: usize) -> Option<Operator> {
        use Operator as O;
        let levels: [&[(&str, O)]; 5] = [
            &[("||", O::Or)],
            &[("&&", O::And)],
            &[
                ("==", O::Equal),
                ("!=", O::NotEqual),
                ("<=", O::LessEqual),
                (">=", O::GreaterEqual),
                ("<", O::Less),
                (">", O::Greater),
            ],
            &[("+", O::Add), ("-", O::Subtract)],
            &[("*", O::Multiply), ("/", O::Divide), ("%", O::Modulo)],
        ];
        if level == 2 && matches!(self.tokens.get(self.at), Some((_, Token::Name(name))) if name == "in") {
            return Some(O::In);
        }
        let sign = self.peek_sign()?;
        levels[level].iter().find(|(text, _)| *text == sign).map(|(_, operator)| *operator)
    }

    fn binary(&mut self, level: usize) -> Result<Ast, CelError> {
        if level == 5 {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        if level < LOGICAL_LEVELS {
            let mut terms = vec![left];
            let mut operator = None;
            while let Some(found) = self.operator(level) {
                self.at += 1;
                operator = Some(found);
                terms.push(self.binary(level + 1)?);
            }
            return balanced(operator.unwrap_or(Operator::And), terms).ok_or_else(|| self.unexpected());
        }
        let mut links = 0;
        while let Some(operator) = self.operator(level) {
            self.link(&mut links)?;
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = Ast::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    /// One link more of a chain, such as `a.b.c` or `1 + 2 + 3`: each stands deeper in the tree than the one before.
    fn link(&self, links: &mut usize) -> Result<(), CelError> {
        *links += 1;
        if *links > MAX_LINKS {
            return Err(CelError::syntax(self.offset(), "nested too deeply".to_owned()));
        }
        Ok(())
    }

    fn unary(&mut self) -> Result<Ast, CelError> {
        let Some(sign @ ("!" | "-")) = self.peek_sign() else { return self.member() };
        if sign == "-" && matches!(self.tokens.get(self.at + 1), Some((_, Token::Int(_) | Token::Double(_)))) {
            return self.member();
        }
        let mut odd = false;
        while self.eat(sign) {
            odd = !odd;
        }
        let operand = Box::new(self.member()?);
        Ok(match (sign, odd) {
            // Two signs take each other back, whatever stands behind them.
            (_, false) => *operand,
            ("!", true) => Ast::Not(operand),
            (_, true) => Ast::Negate(operand),
        })
    }

    fn member(&mut self) -> Result<Ast, CelError> {
        let mut ast = self.primary()?;
        let mut links = 0;
        loop {
            if matches!(self.peek_sign(), Some("." | "[")) {
                self.link(&mut links)?;
            }
            if self.eat(".") {
                let optional = self.eat("?");
                let field = self.field()?;
                ast = if !optional && self.eat("(") {
                    let arguments = self.arguments(")")?;
                    Ast::Call { target: Some(Box::new(ast)), name: field, arguments }
                } else {
                    Ast::Select { operand: Box::new(ast), field, optional }
                };
            } else if self.eat("[") {
                let optional = self.eat("?");
                let index = Box::new(self.expression()?);
                self.expect("]")?;
                ast = Ast::Index { operand: Box::new(ast), index, optional };
            } else {
                return Ok(ast);
            }
        }
    }

    fn field(&mut self) -> Result<String, CelError> {
        let found = match self.tokens.get(self.at) {
            // Fields may bear reserved words, but not the words of the grammar.
            Some((_, Token::Name(name))) if !["in", "true", "false", "null"].contains(&name.as_str()) => name.clone(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(found)
    }

    fn arguments(&mut self, end: &str) -> Result<Vec<Ast>, CelError> {
        let mut arguments = Vec::new();
        if self.eat(end) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if self.eat(end) {
                return Ok(arguments);
            }
            self.expect(",")?;
        }
    }

    fn primary(&mut self) -> Result<Ast, CelError> {
        if self.eat("(") {
            let ast = self.expression()?;
            self.expect(")")?;
            return Ok(ast);
        }
        if self.eat("[") {
            return self.list();
        }
        if self.eat("{") {
            return self.map();
        }
        if self.eat("-") {
            return self.negative_literal();
        }
        let dotted = self.eat(".");
        if dotted && !matches!(self.tokens.get(self.at), Some((_, Token::Name(_)))) {
            return Err(self.unexpected());
        }
        let Some((_, token)) = self.tokens.get(self.at) else { return Err(self.unexpected()) };
        let constant = match token {
            Token::Int(value) => {
                let value = i64::try_from(*value)
                    .map_err(|_| CelError::syntax(self.offset(), "integer out of range".to_owned()))?;
                Constant::Int(value)
            }
            Token::UInt(value) => Constant::UInt(*value),
            Token::Double(value) => Constant::Double(*value),
            Token::Str(value) => Constant::Str(value.clone()),
            Token::Bytes(value) => Constant::Bytes(value.clone()),
            Token::Name(name) => return self.named(name.clone()),
            Token::Sign(_) => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Ast::Constant(constant))
    }

    fn negative_literal(&mut self) -> Result<Ast, CelError> {
        let constant = match self.tokens.get(self.at) {
            Some((_, Token::Int(value))) => 0_i64
                .checked_sub_unsigned(*value)
                .map(Constant::Int)
                .ok_or_else(|| CelError::syntax(self.offset(), "integer out of range".to_owned()))?,
            Some((_, Token::Double(value))) => Constant::Double(-value),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Ast::Constant(constant))
    }

    fn named(&mut self, name: String) -> Result<Ast, CelError> {
        let constant = match name.as_str() {
            "true" => Some(Constant::Bool(true)),
            "false" => Some(Constant::Bool(false)),
            "null" => Some(Constant::Null),
            "in" => return Err(self.unexpected()),
            _ => None,
        };
        if RESERVED.contains(&name.as_str()) || name == "while" {
            return Err(CelError::syntax(self.offset(), format!("`{name}` is a reserved word")));
        }
        self.at += 1;
        if let Some(constant) = constant {
            return Ok(Ast::Constant(constant));
        }
        if self.eat("(") {
            let arguments = self.arguments(")")?;
            return Ok(Ast::Call { target: None, name, arguments });
        }
        Ok(Ast::Name(name))
    }

    fn list(&mut self) -> Result<Ast, CelError> {
        let mut elements = Vec::new();
        while !self.eat("]") {
            let optional = self.eat("?");
            elements.push((optional, self.expression()?));
            if !self.eat(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(Ast::List(elements))
    }

    fn map(&mut self) -> Result<Ast, CelError> {
        let mut entries = Vec::new();
        while !self.eat("}") {
            let optional = self.eat("?");
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((optional, key, self.expression()?));
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Ast::Map(entries))
    }
}
