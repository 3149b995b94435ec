//! The scanning that both parsers share: quoted scalars and block scalars.
//!
//! What is here is easily gotten wrong in two ways, so it exists once. It must not know what a scalar stands for.

use memchr::{memchr, memchr2, memchr3};

use super::error::{Problem, SyntaxError};
use super::text;

/// Whether the bytes at the start of a line are `---` or `...` as markers.
pub fn is_marker(bytes: &[u8]) -> bool {
    (bytes.starts_with(b"---") || bytes.starts_with(b"...")) && is_blank_or_end(bytes, 3)
}

/// Whether a space, a tab, a line break or the end stands at `at`.
pub fn is_blank_or_end(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None | Some(b' ' | b'\t' | b'\n' | b'\r') => true,
        Some(0xC2 | 0xE2) => text::line_break(&bytes[at..]).is_some(),
        Some(_) => false,
    }
}

/// From an opening quote to the offset behind its closing one.
pub fn quoted(bytes: &[u8], start: usize) -> Result<usize, SyntaxError> {
    let quote = bytes[start];
    let mut at = start + 1;
    loop {
        let rest = &bytes[at..];
        let step = if quote == b'"' { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) };
        let Some(step) = step else {
            check_lines(bytes, at, bytes.len(), start)?;
            return Err(SyntaxError::new(start, Problem::OpenQuote(char::from(quote))));
        };
        check_lines(bytes, at, at + step, start)?;
        at += step;
        match bytes[at] {
            b'\\' => at = escape(bytes, at)?,
            _ if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            _ => return Ok(at + 1),
        }
    }
}

/// As [`quoted`], with the common way first.
pub fn quoted_end(bytes: &[u8], start: usize) -> Result<usize, SyntaxError> {
    quoted_verbatim(bytes, start).map_or_else(|| quoted(bytes, start), Ok)
}

/// From an opening quote to the offset behind its closing one, where all between is ASCII on one line without an escape.
#[inline]
pub fn quoted_verbatim(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = *bytes.get(start)?;
    let step = bytes
        .get(start + 1..)?
        .iter()
        .position(|&byte| byte == quote || !matches!(byte, b'\t' | b' '..=b'~') || byte == b'\\' && quote == b'"')?;
    let end = start + 1 + step;
    let is_end = bytes[end] == quote && !(quote == b'\'' && bytes.get(end + 1) == Some(&quote));
    is_end.then_some(end + 1)
}

/// Lines inside quotes must not begin with a document marker.
fn check_lines(bytes: &[u8], from: usize, to: usize, quote: usize) -> Result<(), SyntaxError> {
    let check = |at: usize| {
        if is_marker(&bytes[at..]) {
            return Err(SyntaxError::new(at, Problem::SeparatorInQuotes).began(quote));
        }
        Ok(())
    };
    // Behind an escaped line break, which `escape` skipped, a line begins as well.
    let breaks: [&[u8]; 5] = [b"\n", b"\r", b"\xC2\x85", b"\xE2\x80\xA8", b"\xE2\x80\xA9"];
    if from > quote + 1 && breaks.iter().any(|line_break| bytes[..from].ends_with(line_break)) {
        check(from)?;
    }
    let mut at = from;
    while let Some(step) = memchr2(b'\n', b'\r', &bytes[at..to]) {
        at += step + 1;
        check(at)?;
    }
    // The three line breaks beyond ASCII.
    for lead in memchr::memchr2_iter(0xC2, 0xE2, &bytes[from..to]).map(|step| from + step) {
        if let Some((length, _)) = text::line_break(&bytes[lead..]) {
            check(lead + length)?;
        }
    }
    Ok(())
}

fn escape(bytes: &[u8], at: usize) -> Result<usize, SyntaxError> {
    let digits = match bytes.get(at + 1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(&byte) if text::simple_escape(byte).is_some() => return Ok(at + 2),
        Some(_) => {
            if let Some((length, _)) = text::line_break(&bytes[at + 1..]) {
                return Ok(at + 1 + length);
            }
            let character = std::str::from_utf8(&bytes[at + 1..]).ok().and_then(|rest| rest.chars().next());
            return Err(SyntaxError::new(at, Problem::UnknownEscape(character)));
        }
        None => return Err(SyntaxError::new(at, Problem::UnknownEscape(None))),
    };
    let hexadecimal = bytes.get(at + 2..at + 2 + digits).unwrap_or_default();
    if hexadecimal.is_empty() || !hexadecimal.iter().all(u8::is_ascii_hexdigit) {
        return Err(SyntaxError::new(at, Problem::BadHexEscape));
    }
    let value = hexadecimal.iter().fold(0_u32, |value, &byte| value << 4 | char::from(byte).to_digit(16).unwrap_or(0));
    if char::from_u32(value).is_none() {
        return Err(SyntaxError::new(at, Problem::BadUnicodeEscape));
    }
    Ok(at + 2 + digits)
}

/// A block scalar, scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockScalar {
    /// Behind the last line break that counts.
    pub end: usize,
    /// Start of the line where reading goes on.
    pub next: usize,
    /// Column of the content, where an indicator gives it; else 0.
    pub indent: u8,
}

/// Scans a block scalar from its `|` or `>`; `parent` is the column of the collection it stands in, -1 at the root.
pub fn block_scalar(bytes: &[u8], start: usize, parent: i64) -> Result<BlockScalar, SyntaxError> {
    let header = text::header(&bytes[start..]);
    let mut at = start + header.length;
    let header_end = at;
    if bytes[start..at].contains(&b'0') {
        return Err(SyntaxError::new(at - 1, Problem::ZeroIndicator).began(start));
    }
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    if bytes.get(at) == Some(&b'#') {
        at = text::line_end(bytes, at);
    }
    match text::line_break(&bytes[at..]) {
        Some((length, _)) => at += length,
        None if at < bytes.len() => return Err(SyntaxError::new(at, Problem::BadBlockHeader).began(start)),
        None => {}
    }
    let explicit = if header.indicator > 0 { parent.max(0) as usize + usize::from(header.indicator) } else { 0 };
    let marked = u8::try_from(explicit).map_err(|_| SyntaxError::new(start, Problem::IndicatorTooDeep))?;

    let least = usize::try_from(parent + 1).unwrap_or(0).max(1);
    let (mut line, mut column) = skip_empty(bytes, at, explicit, start)?;
    let indent = if explicit > 0 { explicit } else { column.1.max(least) };
    let mut end = header_end;
    while column.0 == indent && line + column.0 < bytes.len() {
        at = content_end(bytes, line + column.0);
        end = at;
        (line, column) = skip_empty(bytes, at, indent, start)?;
    }
    if header.chomp == Some(b'+') && line > end {
        end = line;
    }
    Ok(BlockScalar { end, next: line, indent: marked })
}

/// Behind the line break that ends the line at `at`.
fn content_end(bytes: &[u8], at: usize) -> usize {
    let end = match memchr3(b'\n', b'\r', 0xC2, &bytes[at..]) {
        // The common line: ends in `\n`, and has no byte in it that could begin another break.
        Some(step) if bytes[at + step] == b'\n' && memchr(0xE2, &bytes[at..at + step]).is_none() => at + step,
        _ => text::line_end(bytes, at),
    };
    end + text::line_break(&bytes[end..]).map_or(0, |(length, _)| length)
}

/// Skips empty lines. Gives the start of the line where it stopped, that line's indentation (as far as `indent`, if that is
/// known), and the largest indentation seen.
fn skip_empty(bytes: &[u8], at: usize, indent: usize, scalar: usize) -> Result<(usize, (usize, usize)), SyntaxError> {
    let most = if indent == 0 { usize::MAX } else { indent };
    let mut line = at;
    let mut deepest = 0;
    loop {
        let column = bytes[line..].iter().take(most).take_while(|&&byte| byte == b' ').count();
        deepest = deepest.max(column);
        let rest = &bytes[line + column..];
        if column < most && rest.first() == Some(&b'\t') {
            return Err(SyntaxError::new(line + column, Problem::TabIndent).began(scalar));
        }
        match text::line_break(rest) {
            Some((length, _)) => line += column + length,
            None => return Ok((line, (column, deepest))),
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Eight bytes from `at` on, the first lowest.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// Offset of the next `\n`, `:` or `#`, or the end. For the short stretches of keys and values a call to `memchr` costs more
/// than looking at eight bytes at a time.
#[inline]
pub fn find_stop(bytes: &[u8], mut at: usize) -> usize {
    let has = |word: u64, byte: u8| {
        let other = word ^ (ONES * u64::from(byte));
        other.wrapping_sub(ONES) & !other & HIGH
    };
    while let Some(word) = word(bytes, at) {
        let found = has(word, b'\n') | has(word, b':') | has(word, b'#');
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'\n' | b':' | b'#')) {
        at += 1;
    }
    at
}

/// Offset of the next byte that is no space, or the end.
#[inline]
pub fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        let other = word ^ (ONES * 0x20);
        if other != 0 {
            return at + other.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// What a byte is at the start of a plain scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It begins one.
    Fine,
    /// It begins something else, or nothing.
    Never,
    /// Only with something other than a blank behind it.
    IfFollowed,
    /// It may begin `.inf`.
    Number,
}

/// What each byte is there.
pub const PLAIN_START: [Start; 256] = {
    let mut table = [Start::Fine; 256];
    let mut at = 0;
    while at < table.len() {
        table[at] = match at as u8 {
            b'&' | b'*' | b'!' | b'@' | b'`' | b'%' | b',' | b']' | b'}' | b'{' | b'[' | b'|' | b'>' | b'#' | b'"'
            | b'\'' => Start::Never,
            b'-' | b'?' | b':' => Start::IfFollowed,
            b'.' | b'+' => Start::Number,
            _ => Start::Fine,
        };
        at += 1;
    }
    table
};
