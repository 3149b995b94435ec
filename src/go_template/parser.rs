//! Tokens become pieces, with Go's checks: functions and variables must exist, blocks must end.

use serde_json::Value as Json;

use super::lexer::Token;
use super::{Functions, Node, Operand, Pipeline, TemplateError, functions};

/// Blocks nested deeper than this are refused.
const MAX_DEPTH: usize = 200;

pub struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    functions: Functions,
    variables: Vec<String>,
    loops: usize,
    depth: usize,
}

/// How a list of nodes ended.
#[derive(Debug, PartialEq)]
enum Ending {
    Text,
    End,
    Else,
    /// `else if` or `else with`: the rest of the action stands there to be read.
    ElseIf(String),
}

type Parse<T> = Result<T, TemplateError>;

fn error<T>(why: impl Into<String>) -> Parse<T> {
    Err(TemplateError(why.into()))
}

impl Parser {
    pub fn new(tokens: Vec<Token>, functions: Functions) -> Self {
        Self { tokens: tokens.into_iter().peekable(), functions, variables: vec![String::new()], loops: 0, depth: 0 }
    }

    /// Parses a whole template.
    pub fn template(mut self) -> Parse<Vec<Node>> {
        match self.list()? {
            (nodes, Ending::Text) => Ok(nodes),
            (_, Ending::End) => error("`end` without a block"),
            _ => error("`else` without `if`"),
        }
    }

    fn list(&mut self) -> Parse<(Vec<Node>, Ending)> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return error("nested too deep");
        }
        let mut nodes = Vec::new();
        let ending = loop {
            match self.tokens.next() {
                None => break Ending::Text,
                Some(Token::Text(text)) => nodes.push(Node::Text(text)),
                Some(_) => {
                    if let Some(ending) = self.action(&mut nodes)? {
                        break ending;
                    }
                }
            }
        };
        self.depth -= 1;
        Ok((nodes, ending))
    }

    fn action(&mut self, nodes: &mut Vec<Node>) -> Parse<Option<Ending>> {
        self.blanks();
        let keyword = match self.tokens.peek() {
            Some(Token::Word(word)) => word.clone(),
            _ => String::new(),
        };
        match keyword.as_str() {
            "end" => {
                self.tokens.next();
                self.close()?;
                Ok(Some(Ending::End))
            }
            "else" => self.otherwise().map(Some),
            "if" | "with" => {
                self.tokens.next();
                let node = self.branch(&keyword)?;
                nodes.push(node);
                Ok(None)
            }
            "range" | "define" | "block" | "template" | "break" | "continue" => {
                self.tokens.next();
                self.other(&keyword)?;
                nodes.push(Node::Other);
                Ok(None)
            }
            _ => {
                let pipeline = self.pipeline(false)?;
                self.close()?;
                nodes.push(Node::Output(pipeline));
                Ok(None)
            }
        }
    }

    fn otherwise(&mut self) -> Parse<Ending> {
        self.tokens.next();
        self.blanks();
        match self.tokens.peek() {
            Some(Token::Word(word)) if word == "if" || word == "with" => {
                let word = word.clone();
                self.tokens.next();
                Ok(Ending::ElseIf(word))
            }
            _ => self.close().map(|()| Ending::Else),
        }
    }

    fn branch(&mut self, keyword: &str) -> Parse<Node> {
        let scope = self.variables.len();
        let condition = self.pipeline(false)?;
        self.close()?;
        let (then, ending) = self.list()?;
        let otherwise = match ending {
            Ending::End => Vec::new(),
            Ending::Text => return error(format!("`{keyword}` without `end`")),
            Ending::ElseIf(next) if next == keyword => vec![self.branch(&next)?],
            Ending::ElseIf(next) => return error(format!("`else {next}` inside `{keyword}`")),
            Ending::Else => match self.list()? {
                (nodes, Ending::End) => nodes,
                _ => return error(format!("`{keyword}` without `end`")),
            },
        };
        self.variables.truncate(scope);
        Ok(match keyword {
            "if" => Node::If { condition, then, otherwise },
            _ => Node::With { value: condition, then, otherwise },
        })
    }

    fn other(&mut self, keyword: &str) -> Parse<()> {
        let scope = self.variables.len();
        match keyword {
            "break" | "continue" if self.loops == 0 => return error(format!("`{keyword}` outside `range`")),
            "break" | "continue" => return self.close(),
            "define" | "block" | "template" => {
                self.blanks();
                let Some(Token::Quoted(_)) = self.tokens.next() else {
                    return error(format!("`{keyword}` without a name"));
                };
                self.blanks();
                if keyword == "block" || (keyword == "template" && self.tokens.peek() != Some(&Token::Close)) {
                    self.pipeline(false)?;
                }
                self.close()?;
                if keyword == "template" {
                    return Ok(());
                }
            }
            _ => {
                self.pipeline(true)?;
                self.close()?;
            }
        }
        self.loops += usize::from(keyword == "range");
        let mut ending = self.list()?.1;
        self.loops -= usize::from(keyword == "range");
        if keyword == "range" && ending == Ending::Else {
            ending = self.list()?.1;
        }
        self.variables.truncate(scope);
        if ending == Ending::End { Ok(()) } else { error(format!("`{keyword}` without `end`")) }
    }

    fn close(&mut self) -> Parse<()> {
        self.blanks();
        match self.tokens.next() {
            Some(Token::Close) => Ok(()),
            _ => error("an action holds more than it should"),
        }
    }

    fn blanks(&mut self) {
        while self.tokens.next_if_eq(&Token::Space).is_some() {}
    }

    fn pipeline(&mut self, in_range: bool) -> Parse<Pipeline> {
        self.blanks();
        let declares = self.declaration(in_range)?;
        let mut commands = Vec::new();
        loop {
            self.blanks();
            let command = self.command()?;
            if command.is_empty() {
                return error("a value is missing in an action");
            }
            if !commands.is_empty() && matches!(command.first(), Some(Operand::Literal(_))) {
                return error("a constant cannot stand behind `|`");
            }
            if command.len() > 1 && matches!(command.first(), Some(Operand::Literal(_))) {
                return error("a constant takes no arguments");
            }
            commands.push(command);
            self.blanks();
            if self.tokens.next_if_eq(&Token::Pipe).is_none() {
                break;
            }
        }
        // A variable exists behind its declaration only.
        self.variables.extend(declares.iter().cloned());
        Ok(Pipeline { declares: declares.into_iter().next(), commands })
    }

    /// Reads `$x :=`, `$x =` and, in loops, `$i, $x :=`.
    fn declaration(&mut self, in_range: bool) -> Parse<Vec<String>> {
        let mut ahead = self.tokens.clone();
        let mut names = Vec::new();
        loop {
            let Some(Token::Variable(name)) = ahead.next() else { return Ok(Vec::new()) };
            names.push(name);
            while ahead.next_if_eq(&Token::Space).is_some() {}
            match ahead.next() {
                Some(Token::Declare) => break,
                Some(Token::Assign) => {
                    if let Some(name) = names.iter().find(|name| !self.variables.contains(name)) {
                        return error(format!("the variable ${name} is not defined"));
                    }
                    break;
                }
                Some(Token::Comma) if in_range && names.len() == 1 => {
                    while ahead.next_if_eq(&Token::Space).is_some() {}
                }
                _ => return Ok(Vec::new()),
            }
        }
        self.tokens = ahead;
        Ok(names)
    }

    fn command(&mut self) -> Parse<Vec<Operand>> {
        let mut words = Vec::new();
        loop {
            self.blanks();
            match self.tokens.peek() {
                None | Some(Token::Close | Token::Pipe | Token::Right) => return Ok(words),
                _ => {}
            }
            let operand = self.operand()?;
            words.push(operand);
            match self.tokens.peek() {
                None | Some(Token::Space | Token::Close | Token::Pipe | Token::Right) => {}
                Some(_) => return error("a blank is missing between two values"),
            }
        }
    }

    fn operand(&mut self) -> Parse<Operand> {
        let token = self.tokens.next();
        let operand = match token {
            Some(Token::Dot) => return Ok(Operand::Field(Vec::new())),
            Some(Token::Field(name)) => Operand::Field(self.chain(vec![name])),
            Some(Token::Variable(name)) => {
                if !self.variables.contains(&name) {
                    return error(format!("the variable ${name} is not defined"));
                }
                Operand::Variable(name, self.chain(Vec::new()))
            }
            Some(Token::Word(name)) => match name.as_str() {
                "true" => Operand::Literal(Json::Bool(true)),
                "false" => Operand::Literal(Json::Bool(false)),
                "nil" => Operand::Literal(Json::Null),
                _ if functions::exists(&name, self.functions) => Operand::Function(name),
                _ => return error(format!("there is no function {name:?}")),
            },
            Some(Token::Number(text)) => Operand::Literal(
                text.parse::<i64>()
                    .map(Json::from)
                    .or_else(|_| text.parse::<f64>().map(Json::from))
                    .unwrap_or(Json::Null),
            ),
            Some(Token::Quoted(text)) => Operand::Literal(Json::String(text)),
            Some(Token::Left) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return error("nested too deep");
                }
                let pipeline = self.pipeline(false)?;
                self.depth -= 1;
                self.blanks();
                let Some(Token::Right) = self.tokens.next() else { return error("`)` is missing") };
                Operand::Group(Box::new(pipeline), self.chain(Vec::new()))
            }
            _ => return error("an action holds a sign that does not belong there"),
        };
        Ok(operand)
    }

    fn chain(&mut self, mut names: Vec<String>) -> Vec<String> {
        while let Some(Token::Field(name)) = self.tokens.next_if(|token| matches!(token, Token::Field(_))) {
            names.push(name);
        }
        names
    }
}
