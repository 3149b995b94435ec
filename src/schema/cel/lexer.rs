//! CEL's tokens.
//!
//! This module must not know what an expression means; it only says where a word begins and what a literal stands for.

use super::CelError;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name; also the reserved words, which fields may bear.
    Name(String),
    Int(u64),
    UInt(u64),
    Double(f64),
    Str(String),
    Bytes(Vec<u8>),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// The longer ones first.
const SIGNS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":", "+", "*",
    "/", "%",
];

/// Cuts an expression into tokens, each with the offset of its first byte.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, CelError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at = skip_blank(text, at);
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let (token, size) = if let Some(found) = literal_text(rest, at)? {
            found
        } else if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            number(rest, at)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Name(rest[..end].to_owned()), end)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(CelError::syntax(at, format!("unexpected {first:?}")));
        };
        tokens.push((at, token));
        at += size;
    }
}

fn skip_blank(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text[at..].trim_start_matches(['\t', ' ', '\r', '\n', '\x0c']);
        at = text.len() - rest.len();
        if !rest.starts_with("//") {
            return at;
        }
        at += rest.find('\n').unwrap_or(rest.len());
    }
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), CelError> {
    let bad = |what: &str| CelError::syntax(at, format!("{what} is out of range"));
    let unsigned = |end: usize| rest[end..].starts_with(['u', 'U']);
    if let Some(hex) = rest.strip_prefix("0x") {
        let end = hex.bytes().take_while(u8::is_ascii_hexdigit).count();
        if end > 0 {
            let value = u64::from_str_radix(&hex[..end], 16).map_err(|_| bad(&rest[..end + 2]))?;
            let end = end + 2;
            return Ok(if unsigned(end) { (Token::UInt(value), end + 1) } else { (Token::Int(value), end) });
        }
    }
    let digits = |from: usize| rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(0);
    let mut end = whole;
    if rest[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    if end > whole {
        let value: f64 = rest[..end].parse().map_err(|_| bad(&rest[..end]))?;
        return if value.is_finite() { Ok((Token::Double(value), end)) } else { Err(bad(&rest[..end])) };
    }
    let value: u64 = rest[..end].parse().map_err(|_| bad(&rest[..end]))?;
    Ok(if unsigned(end) { (Token::UInt(value), end + 1) } else { (Token::Int(value), end) })
}

/// A string or bytes literal, where one begins here.
fn literal_text(rest: &str, at: usize) -> Result<Option<(Token, usize)>, CelError> {
    let prefix = rest.bytes().take(2).take_while(|b| b"rRbB".contains(b)).count();
    let letters = rest[..prefix].to_ascii_lowercase();
    let body = &rest[prefix..];
    let Some(quote) = body.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Ok(None) };
    if !["", "r", "b", "br"].contains(&letters.as_str()) {
        return Ok(None);
    }
    let (raw, bytes) = (letters.contains('r'), letters.contains('b'));
    let triple = quote.to_string().repeat(3);
    let fence = if body.starts_with(&triple) { triple.as_str() } else { &triple[..1] };
    let mut out = Vec::new();
    let mut inner = &body[fence.len()..];
    loop {
        if let Some(after) = inner.strip_prefix(fence) {
            let size = rest.len() - after.len();
            return Ok(Some((finish(out, bytes, at)?, size)));
        }
        match inner.chars().next() {
            None => return Err(CelError::syntax(at, "string is not closed".to_owned())),
            Some('\n' | '\r') if fence.len() == 1 => {
                return Err(CelError::syntax(at, "line break in a string".to_owned()));
            }
            // Line breaks of all kinds are line feeds there, before anything else is made of them.
            Some('\r') => {
                out.push(b'\n');
                inner = inner[1..].strip_prefix('\n').unwrap_or(&inner[1..]);
            }
            Some('\\') if !raw => {
                inner = escape(&inner[1..], bytes, &mut out).ok_or_else(|| {
                    CelError::syntax(rest.len() - inner.len() + at, "unknown escape in a string".to_owned())
                })?;
            }
            Some(c) => {
                out.extend_from_slice(&inner.as_bytes()[..c.len_utf8()]);
                inner = &inner[c.len_utf8()..];
            }
        }
    }
}

fn finish(out: Vec<u8>, bytes: bool, at: usize) -> Result<Token, CelError> {
    if bytes {
        return Ok(Token::Bytes(out));
    }
    String::from_utf8(out).map(Token::Str).map_err(|_| CelError::syntax(at, "string is not text".to_owned()))
}

/// Reads what stands behind a backslash; gives what follows.
fn escape<'t>(rest: &'t str, bytes: bool, out: &mut Vec<u8>) -> Option<&'t str> {
    let c = rest.chars().next()?;
    let simple = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' | '\'' | '"' | '`' | '?' => c as u8,
        _ => 0,
    };
    if simple != 0 {
        out.push(simple);
        return Some(&rest[1..]);
    }
    let (from, size, radix) = match c {
        'x' | 'X' => (1, 2, 16),
        'u' if !bytes => (1, 4, 16),
        'U' if !bytes => (1, 8, 16),
        '0'..='3' => (0, 3, 8),
        _ => return None,
    };
    let digits = rest.get(from..from + size)?;
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = u32::from_str_radix(digits, radix).ok()?;
    if bytes {
        out.push(value as u8);
    } else {
        let mut buffer = [0; 4];
        out.extend_from_slice(char::from_u32(value)?.encode_utf8(&mut buffer).as_bytes());
    }
    Some(&rest[from + size..])
}
