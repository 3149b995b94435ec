//! Text and actions, and the words of an action.

use serde_json::Value as Json;

use super::Failure;

/// A piece of a template.
#[derive(Debug, PartialEq)]
pub enum Piece<'t> {
    /// Printed as it is.
    Text(&'t str),
    /// What stands between the braces.
    Action(&'t str),
}

/// A word of an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// A name: a function or a keyword.
    Name(String),
    /// `.`, or `.a.b` as one chain that begins with a blank before it.
    Field(Vec<String>),
    /// `$name`.
    Variable(String),
    /// `.a` glued to what stands before it: `$x.a`, `(…).a`.
    Chain(Vec<String>),
    /// A string, number, truth value or nil.
    Literal(Json),
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `|`.
    Pipe,
    /// `:=`.
    Declare,
    /// `=`.
    Assign,
    /// `,`.
    Comma,
}

fn refused<T>(what: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(what.into()))
}

/// Splits a template; blanks that `{{-` and `-}}` eat are gone, comments too.
pub fn pieces(template: &str) -> Result<Vec<Piece<'_>>, Failure> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut trims = false;
    loop {
        let Some(at) = rest.find("{{") else {
            pieces.push(Piece::Text(if trims { rest.trim_start() } else { rest }));
            return Ok(pieces);
        };
        let (mut text, action) = (&rest[..at], &rest[at + 2..]);
        if trims {
            text = text.trim_start();
        }
        let trims_before = action.starts_with('-') && action[1..].starts_with(char::is_whitespace);
        if trims_before {
            text = text.trim_end();
        }
        pieces.push(Piece::Text(text));
        let action = if trims_before { action[1..].trim_start() } else { action };
        let end = end_of_action(action)?;
        let mut inside = &action[..end];
        trims = inside.ends_with('-') && inside[..inside.len() - 1].ends_with(char::is_whitespace);
        if trims {
            inside = inside[..inside.len() - 1].trim_end();
        }
        let inside = inside.trim();
        if !(inside.starts_with("/*") && inside.ends_with("*/")) {
            pieces.push(Piece::Action(inside));
        }
        rest = &action[end + 2..];
    }
}

/// Where an action ends; braces in strings do not end it.
fn end_of_action(action: &str) -> Result<usize, Failure> {
    if action.trim_start().starts_with("/*") {
        let Some(close) = action.find("*/") else { return refused("a comment is not closed") };
        return action[close..].find("}}").map_or_else(|| refused("an action is not closed"), |at| Ok(close + at));
    }
    let bytes = action.as_bytes();
    let mut at = 0;
    let mut quote = None;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, byte @ (b'"' | b'`')) => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    refused("an action is not closed")
}

/// The words of an action.
pub fn words(action: &str) -> Result<Vec<Word>, Failure> {
    let mut words = Vec::new();
    let mut rest = action;
    let mut glued = false;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
            glued = false;
            continue;
        }
        let (word, length) = word(rest, first, glued)?;
        glued = matches!(word, Word::Close | Word::Variable(_) | Word::Field(_));
        words.push(word);
        rest = &rest[length..];
    }
    Ok(words)
}

fn word(rest: &str, first: char, glued: bool) -> Result<(Word, usize), Failure> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let name_length = |text: &str| text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    Ok(match first {
        '(' => (Word::Open, 1),
        ')' => (Word::Close, 1),
        '|' => (Word::Pipe, 1),
        ',' => (Word::Comma, 1),
        ':' if rest.starts_with(":=") => (Word::Declare, 2),
        '=' => (Word::Assign, 1),
        '"' => string(rest)?,
        '`' => {
            let Some(end) = rest[1..].find('`') else { return refused("a string is not closed") };
            (Word::Literal(rest[1..=end].into()), end + 2)
        }
        '$' => {
            let length = name_length(&rest[1..]);
            (Word::Variable(rest[1..=length].to_owned()), length + 1)
        }
        '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            let mut keys = Vec::new();
            let mut at = 0;
            while rest[at..].starts_with('.') {
                let length = name_length(&rest[at + 1..]);
                if length == 0 {
                    break;
                }
                keys.push(rest[at + 1..at + 1 + length].to_owned());
                at += 1 + length;
            }
            let length = at.max(1);
            (if glued { Word::Chain(keys) } else { Word::Field(keys) }, length)
        }
        '-' | '+' | '.' | '0'..='9' => {
            let length = rest.find(|c: char| !(is_name(c) || matches!(c, '.' | '-' | '+'))).unwrap_or(rest.len());
            (Word::Literal(number(&rest[..length])?), length)
        }
        _ if is_name(first) => {
            let length = name_length(rest);
            let word = match &rest[..length] {
                "true" => Word::Literal(true.into()),
                "false" => Word::Literal(false.into()),
                "nil" => Word::Literal(Json::Null),
                name => Word::Name(name.to_owned()),
            };
            (word, length)
        }
        _ => return refused(format!("an action holds '{first}'")),
    })
}

fn number(text: &str) -> Result<Json, Failure> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(number.into());
    }
    text.parse::<f64>().map_or_else(|_| refused(format!("'{text}' is no number")), |number| Ok(number.into()))
}

fn string(rest: &str) -> Result<(Word, usize), Failure> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((Word::Literal(text.into()), at + 1)),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(other @ ('"' | '\\' | '\'')) => text.push(other),
                other => return Err(Failure::Unknown(format!("the escape {other:?}"))),
            },
            other => text.push(other),
        }
    }
    refused("a string is not closed")
}
