//! From words to a tree.

use serde_json::Value as Json;

use super::Failure;
use super::lex::{self, Piece, Word};

/// A node of a template.
#[derive(Debug)]
pub enum Node {
    /// Printed as it is.
    Text(String),
    /// Evaluated and printed, unless it only sets a variable.
    Print(Pipeline),
    /// The first branch whose condition holds, else the last part.
    If(Vec<(Pipeline, Vec<Node>)>, Vec<Node>),
    /// With the value as the dot, where it is not empty.
    With(Pipeline, Vec<Node>, Vec<Node>),
    /// Once per item.
    Range(Pipeline, Vec<Node>, Vec<Node>),
}

/// Commands, each given the result of the one before as its last argument.
#[derive(Debug)]
pub struct Pipeline {
    /// Variables that take the result.
    pub variables: Vec<String>,
    /// The commands.
    pub commands: Vec<Vec<Operand>>,
}

/// One word of a command.
#[derive(Debug)]
pub enum Operand {
    /// A function's name.
    Function(String),
    /// Below the dot.
    Field(Vec<String>),
    /// A variable, and below it.
    Variable(String, Vec<String>),
    /// As written.
    Literal(Json),
    /// A pipeline in parentheses, and below its result.
    Nested(Pipeline, Vec<String>),
}

/// Parses a template.
pub fn parse(template: &str) -> Result<Vec<Node>, Failure> {
    let pieces = lex::pieces(template)?;
    let mut parser = Parser { pieces: &pieces, at: 0 };
    let (nodes, end) = parser.nodes()?;
    match end {
        None => Ok(nodes),
        Some(end) => Err(Failure::Refused(format!("'{}' without a beginning", end.first))),
    }
}

struct Parser<'p, 't> {
    pieces: &'p [Piece<'t>],
    at: usize,
}

/// `end` or `else`, with what follows it.
struct End {
    first: String,
    rest: Vec<Word>,
}

impl Parser<'_, '_> {
    /// Nodes up to `end`, `else` or the end of the template.
    fn nodes(&mut self) -> Result<(Vec<Node>, Option<End>), Failure> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.get(self.at) {
            self.at += 1;
            let action = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text((*text).to_owned()));
                    continue;
                }
                Piece::Action(action) => action,
            };
            let words = lex::words(action)?;
            let first = match words.first() {
                Some(Word::Name(name)) => name.as_str(),
                _ => "",
            };
            match first {
                "end" | "else" => {
                    let end = End { first: first.to_owned(), rest: words[1..].to_vec() };
                    return Ok((nodes, Some(end)));
                }
                "if" => nodes.push(self.condition(&words[1..])?),
                "with" | "range" => nodes.push(self.scope(first == "range", &words[1..])?),
                "define" | "template" | "block" | "break" | "continue" => {
                    return Err(Failure::Unknown(format!("the action {first}")));
                }
                _ => nodes.push(Node::Print(whole_pipeline(&words)?)),
            }
        }
        Ok((nodes, None))
    }

    fn condition(&mut self, words: &[Word]) -> Result<Node, Failure> {
        let mut branches = Vec::new();
        let mut words = words.to_vec();
        loop {
            let pipeline = whole_pipeline(&words)?;
            let (body, end) = self.nodes()?;
            branches.push((pipeline, body));
            let Some(end) = end else { return Err(Failure::Refused("an if without end".into())) };
            match (end.first.as_str(), end.rest.first()) {
                ("end", _) => return Ok(Node::If(branches, Vec::new())),
                (_, None) => {
                    let (rest, _) = self.nodes()?;
                    return Ok(Node::If(branches, rest));
                }
                (_, Some(Word::Name(name))) if name == "if" => words = end.rest[1..].to_vec(),
                _ => return Err(Failure::Refused("an else with something behind it".into())),
            }
        }
    }

    fn scope(&mut self, is_range: bool, words: &[Word]) -> Result<Node, Failure> {
        let pipeline = whole_pipeline(words)?;
        let (body, end) = self.nodes()?;
        let rest = match end {
            None => return Err(Failure::Refused("a block without end".into())),
            Some(end) if end.first == "else" && end.rest.is_empty() => self.nodes()?.0,
            Some(end) if end.first == "else" => return Err(Failure::Unknown("else with".into())),
            Some(_) => Vec::new(),
        };
        Ok(if is_range { Node::Range(pipeline, body, rest) } else { Node::With(pipeline, body, rest) })
    }
}

fn whole_pipeline(words: &[Word]) -> Result<Pipeline, Failure> {
    let (pipeline, used) = pipeline(words)?;
    if used < words.len() {
        return Err(Failure::Refused("an action has a ) too many".into()));
    }
    Ok(pipeline)
}

/// A pipeline up to `)` or the end; with the number of words it took.
fn pipeline(words: &[Word]) -> Result<(Pipeline, usize), Failure> {
    let (variables, mut at) = declaration(words);
    let mut commands = vec![Vec::new()];
    while let Some(word) = words.get(at) {
        at += 1;
        let operand = match word {
            Word::Close => {
                at -= 1;
                break;
            }
            Word::Pipe => {
                commands.push(Vec::new());
                continue;
            }
            Word::Open => {
                let (inner, used) = pipeline(&words[at..])?;
                at += used;
                if words.get(at) != Some(&Word::Close) {
                    return Err(Failure::Refused("a ( is not closed".into()));
                }
                at += 1;
                Operand::Nested(inner, chain(words, &mut at))
            }
            Word::Name(name) => Operand::Function(name.clone()),
            Word::Field(keys) => Operand::Field(keys.clone()),
            Word::Variable(name) => Operand::Variable(name.clone(), chain(words, &mut at)),
            Word::Literal(value) => Operand::Literal(value.clone()),
            other => return Err(Failure::Refused(format!("{other:?} stands where a value should"))),
        };
        if let Some(command) = commands.last_mut() {
            command.push(operand);
        }
    }
    if commands.iter().any(Vec::is_empty) {
        return Err(Failure::Refused("a command is missing".into()));
    }
    Ok((Pipeline { variables, commands }, at))
}

fn chain(words: &[Word], at: &mut usize) -> Vec<String> {
    match words.get(*at) {
        Some(Word::Chain(keys)) => {
            *at += 1;
            keys.clone()
        }
        _ => Vec::new(),
    }
}

/// `$x :=`, `$i, $x :=`, `$x =`.
fn declaration(words: &[Word]) -> (Vec<String>, usize) {
    match words {
        [Word::Variable(name), Word::Declare | Word::Assign, ..] => (vec![name.clone()], 2),
        [Word::Variable(first), Word::Comma, Word::Variable(second), Word::Declare | Word::Assign, ..] => {
            (vec![first.clone(), second.clone()], 4)
        }
        _ => (Vec::new(), 0),
    }
}
