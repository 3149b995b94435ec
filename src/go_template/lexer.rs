//! A template's text as pieces: plain text, and the tokens of each action.

use super::TemplateError;

/// A token inside an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Plain text between actions.
    Text(String),
    /// `{{`
    Open,
    /// `}}`
    Close,
    /// `.` alone.
    Dot,
    /// `.name`, directly behind something else or not.
    Field(String),
    /// `$` or `$name`
    Variable(String),
    /// A function, keyword or constant.
    Word(String),
    /// A number.
    Number(String),
    /// A string or character, decoded.
    Quoted(String),
    /// `(`
    Left,
    /// `)`
    Right,
    /// `|`
    Pipe,
    /// `:=`
    Declare,
    /// `=`
    Assign,
    /// `,`
    Comma,
    /// Blanks; they tell `.a .b` from `.a.b`.
    Space,
}

fn error<T>(why: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError(why.into()))
}

/// Cuts a template into tokens.
pub fn lex(text: &str) -> Result<Vec<Token>, TemplateError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut trims = false;
    while let Some(at) = rest.find("{{") {
        let (plain, action) = rest.split_at(at);
        let mut action = &action[2..];
        let mut plain = if trims { plain.trim_start_matches(BLANK) } else { plain };
        if action.starts_with('-') && action[1..].starts_with(BLANK) {
            plain = plain.trim_end_matches(BLANK);
            action = &action[1..];
        }
        if !plain.is_empty() {
            tokens.push(Token::Text(plain.to_owned()));
        }
        let inner = action.trim_start_matches(BLANK);
        // A comment must touch the delimiters, or their trim markers.
        let is_comment = action.starts_with("/*") || (inner.starts_with("/*") && rest[at + 2..].starts_with('-'));
        let end = if is_comment { comment(inner)? } else { tokenize(action, &mut tokens)? };
        trims = end.1;
        rest = end.0;
    }
    let plain = if trims { rest.trim_start_matches(BLANK) } else { rest };
    if !plain.is_empty() {
        tokens.push(Token::Text(plain.to_owned()));
    }
    Ok(tokens)
}

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

fn comment(text: &str) -> Result<(&str, bool), TemplateError> {
    let Some(end) = text.find("*/") else { return error("a comment does not end") };
    let rest = &text[end + 2..];
    if let Some(rest) = rest.strip_prefix("}}") {
        return Ok((rest, false));
    }
    match rest.starts_with(BLANK).then(|| rest.trim_start_matches(BLANK)).and_then(|rest| rest.strip_prefix("-}}")) {
        Some(rest) => Ok((rest, true)),
        None => error("a comment must fill its action"),
    }
}

/// Reads the tokens of an action; gives what follows it and whether it trims the text behind it.
fn tokenize<'t>(action: &'t str, tokens: &mut Vec<Token>) -> Result<(&'t str, bool), TemplateError> {
    tokens.push(Token::Open);
    let mut rest = action;
    loop {
        let Some(first) = rest.chars().next() else { return error("an action does not end: `}}` is missing") };
        if BLANK.contains(&first) {
            let trimmed = rest.trim_start_matches(BLANK);
            if let Some(after) = trimmed.strip_prefix("-}}") {
                tokens.push(Token::Close);
                return Ok((after, true));
            }
            tokens.push(Token::Space);
            rest = trimmed;
            continue;
        }
        if let Some(after) = rest.strip_prefix("}}") {
            tokens.push(Token::Close);
            return Ok((after, false));
        }
        let (token, after) = token(rest, first)?;
        tokens.push(token);
        rest = after;
    }
}

fn token(rest: &str, first: char) -> Result<(Token, &str), TemplateError> {
    let simple = |token, length: usize| Ok((token, &rest[length..]));
    match first {
        '(' => simple(Token::Left, 1),
        ')' => simple(Token::Right, 1),
        '|' => simple(Token::Pipe, 1),
        ',' => simple(Token::Comma, 1),
        '=' => simple(Token::Assign, 1),
        ':' if rest.starts_with(":=") => simple(Token::Declare, 2),
        '"' | '\'' => quoted(rest, first),
        '`' => match rest[1..].find('`') {
            Some(end) => Ok((Token::Quoted(rest[1..=end].to_owned()), &rest[end + 2..])),
            None => error("a raw string does not end"),
        },
        '$' => {
            let name = word(&rest[1..]);
            Ok((Token::Variable(name.to_owned()), &rest[1 + name.len()..]))
        }
        '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            let name = word(&rest[1..]);
            let token = if name.is_empty() { Token::Dot } else { Token::Field(name.to_owned()) };
            terminated(token, &rest[1 + name.len()..])
        }
        _ if first.is_ascii_digit() || matches!(first, '+' | '-' | '.') => number(rest),
        _ if first.is_alphabetic() || first == '_' => {
            let name = word(rest);
            terminated(Token::Word(name.to_owned()), &rest[name.len()..])
        }
        _ => error(format!("unexpected {first:?} in an action")),
    }
}

/// Words and fields end at a blank or a sign.
fn terminated(token: Token, rest: &str) -> Result<(Token, &str), TemplateError> {
    match rest.chars().next() {
        None => Ok((token, rest)),
        Some(next) if BLANK.contains(&next) || matches!(next, '.' | ',' | '|' | ':' | '(' | ')' | '=') => {
            Ok((token, rest))
        }
        Some(_) if rest.starts_with("}}") => Ok((token, rest)),
        Some(next) => error(format!("unexpected {next:?} in an action")),
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

fn number(rest: &str) -> Result<(Token, &str), TemplateError> {
    let end = rest
        .char_indices()
        .skip(1)
        .find(|(at, c)| {
            let is_sign =
                matches!(c, '+' | '-') && rest[..*at].ends_with(['e', 'E', 'p', 'P']) && !rest.starts_with("0x");
            !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_') && !is_sign
        })
        .map_or(rest.len(), |(at, _)| at);
    let text = &rest[..end];
    let plain = text.trim_start_matches(['+', '-']).replace('_', "");
    let is_number = plain.parse::<f64>().is_ok() && plain.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)].iter().any(|(prefix, radix)| {
            plain.strip_prefix(prefix).is_some_and(|digits| u64::from_str_radix(digits, *radix).is_ok())
        });
    if is_number { Ok((Token::Number(text.to_owned()), &rest[end..])) } else { error(format!("{text:?} is no number")) }
}

fn quoted(rest: &str, quote: char) -> Result<(Token, &str), TemplateError> {
    let mut decoded = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((Token::Quoted(decoded), &rest[at + 1..])),
            '\n' => break,
            '\\' => match chars.next() {
                Some((_, 'n')) => decoded.push('\n'),
                Some((_, 't')) => decoded.push('\t'),
                Some((_, 'r')) => decoded.push('\r'),
                Some((_, escaped @ ('\\' | '"' | '\''))) => decoded.push(escaped),
                // Other escapes do not matter to names; they stay as written.
                Some((_, other @ ('a' | 'b' | 'f' | 'v' | 'x' | 'u' | 'U' | '0'..='7'))) => {
                    decoded.extend(['\\', other]);
                }
                _ => return error("a string holds an unknown escape"),
            },
            _ => decoded.push(c),
        }
    }
    error("a string does not end")
}
