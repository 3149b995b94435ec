//! Text to tokens, for the fallback parser: the rules of YAML 1.1 as Go's reader applies them, quirks included.
//!
//! Tokens come with what indentation and the one-line keys imply (mapping starts, block ends, key marks). This module must
//! not build anything; [`super::fallback`] does.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::error::{Problem, SyntaxError};
use super::tape::{Span, Style};
use super::{MAX_DEPTH, lex, text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    StreamEnd,
    /// `%YAML`, and whether its version is one that Go's reader takes.
    Version(bool),
    /// `%TAG`: index into [`Scanner::tags`].
    TagDirective(u32),
    DocumentStart,
    DocumentEnd,
    BlockSeqStart,
    BlockMapStart,
    BlockEnd,
    FlowSeqStart,
    FlowSeqEnd,
    FlowMapStart,
    FlowMapEnd,
    FlowEntry,
    BlockEntry,
    Key,
    Value,
    Alias,
    Anchor,
    /// Index into [`Scanner::tags`].
    Tag(u32),
    Scalar(Style, u8),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Span,
}

/// A place where a key might have begun, should a `:` follow on the same line.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token: usize,
    at: usize,
    index: usize,
    line: usize,
    column: i64,
}

/// A key must end within as many characters.
const LONGEST_KEY: usize = 1024;

pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Characters, lines and columns passed: keys are limited in characters, indentation counts them too.
    index: usize,
    line: usize,
    column: i64,
    flow_level: usize,
    indent: i64,
    indents: Vec<i64>,
    key_allowed: bool,
    keys: Vec<SimpleKey>,
    keys_by_token: FxHashMap<usize, usize>,
    queue: VecDeque<Token>,
    taken: usize,
    open_flow: Vec<usize>,
    /// Handle and suffix of tags; handle and prefix of tag directives.
    pub tags: Vec<(String, String)>,
}

type Result<T> = std::result::Result<T, SyntaxError>;

impl<'a> Scanner<'a> {
    /// `start` is behind a byte order mark, if there is one.
    pub fn new(text: &'a str, start: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: start,
            index: 0,
            line: 0,
            column: 0,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            keys_by_token: FxHashMap::default(),
            queue: VecDeque::new(),
            taken: 0,
            open_flow: Vec::new(),
            tags: Vec::new(),
        }
    }

    pub fn peek(&mut self) -> Result<Token> {
        loop {
            if let Some(&head) = self.queue.front() {
                let undecided = match self.keys_by_token.get(&self.taken) {
                    Some(&level) => self.key_is_valid(level)?,
                    None => false,
                };
                if !undecided {
                    return Ok(head);
                }
            }
            self.fetch()?;
        }
    }

    pub fn skip(&mut self) {
        if self.queue.pop_front().is_some() {
            self.taken += 1;
        }
    }

    /// Where the innermost open bracket stands.
    pub fn open_bracket(&self) -> Option<usize> {
        self.open_flow.last().copied()
    }

    fn error<T>(&self, problem: Problem) -> Result<T> {
        Err(SyntaxError::new(self.at, problem))
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn blank_ahead(&self, ahead: usize) -> bool {
        lex::is_blank_or_end(self.bytes, self.at + ahead)
    }

    /// Moves on, counting characters and lines.
    fn advance(&mut self, to: usize) {
        while self.at < to {
            let rest = &self.bytes[self.at..];
            if let Some((length, _)) = text::line_break(rest) {
                self.at += length;
                self.index += if rest.starts_with(b"\r\n") { 2 } else { 1 };
                self.line += 1;
                self.column = 0;
            } else {
                self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8);
                self.index += 1;
                self.column += 1;
            }
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.queue.push_back(Token { kind, span: Span { start: start as u32, end: end as u32 } });
    }

    /// A token of `length` bytes here.
    fn take(&mut self, kind: Kind, length: usize) {
        let start = self.at;
        self.advance(start + length);
        self.push(kind, start, self.at);
    }

    fn fetch(&mut self) -> Result<()> {
        self.skip_blanks();
        self.unroll(self.column);
        let Some(byte) = self.byte(0) else { return self.stream_end() };
        if self.column == 0 {
            if byte == b'%' {
                return self.directive();
            }
            if lex::is_marker(&self.bytes[self.at..]) {
                self.unroll(-1);
                self.remove_key()?;
                self.key_allowed = false;
                self.take(if byte == b'-' { Kind::DocumentStart } else { Kind::DocumentEnd }, 3);
                return Ok(());
            }
        }
        let flow = self.flow_level > 0;
        match byte {
            b'[' => self.flow_start(Kind::FlowSeqStart),
            b'{' => self.flow_start(Kind::FlowMapStart),
            b']' => self.flow_end(Kind::FlowSeqEnd),
            b'}' => self.flow_end(Kind::FlowMapEnd),
            b',' => {
                self.remove_key()?;
                self.key_allowed = true;
                self.take(Kind::FlowEntry, 1);
                Ok(())
            }
            b'-' if self.blank_ahead(1) => self.block_entry(),
            b'?' if flow || self.blank_ahead(1) => self.explicit_key(),
            b':' if flow || self.blank_ahead(1) => self.value(),
            b'*' => self.anchor(Kind::Alias),
            b'&' => self.anchor(Kind::Anchor),
            b'!' => self.tag(),
            b'|' if !flow => self.block_scalar(Style::Literal),
            b'>' if !flow => self.block_scalar(Style::Folded),
            b'\'' => self.quoted(Style::SingleQuoted),
            b'"' => self.quoted(Style::DoubleQuoted),
            b'\t' => self.error(Problem::TabIndent),
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => self.error(Problem::StrayCharacter(char::from(byte))),
            _ => self.plain(),
        }
    }

    /// Blanks, comments and line breaks up to the next token.
    fn skip_blanks(&mut self) {
        loop {
            while self.byte(0) == Some(b' ')
                || (self.byte(0) == Some(b'\t') && (self.flow_level > 0 || !self.key_allowed))
            {
                self.at += 1;
                self.index += 1;
                self.column += 1;
            }
            if self.byte(0) == Some(b'#') {
                self.advance(text::line_end(self.bytes, self.at));
            }
            let Some((length, _)) = text::line_break(&self.bytes[self.at..]) else { return };
            self.advance(self.at + length);
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    fn key_is_valid(&mut self, level: usize) -> Result<bool> {
        let Some(key) = self.keys.get_mut(level).filter(|key| key.possible) else { return Ok(false) };
        if key.line < self.line || key.index + LONGEST_KEY < self.index {
            if key.required {
                return Err(SyntaxError::new(key.at, Problem::MissingColon));
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_key(&mut self) -> Result<()> {
        if !self.key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column;
        self.remove_key()?;
        let token = self.taken + self.queue.len();
        let level = self.keys.len() - 1;
        self.keys[level] = SimpleKey {
            possible: true,
            required,
            token,
            at: self.at,
            index: self.index,
            line: self.line,
            column: self.column,
        };
        self.keys_by_token.insert(token, level);
        Ok(())
    }

    fn remove_key(&mut self) -> Result<()> {
        let Some(key) = self.keys.last_mut().filter(|key| key.possible) else { return Ok(()) };
        if key.required {
            return Err(SyntaxError::new(key.at, Problem::MissingColon));
        }
        key.possible = false;
        self.keys_by_token.remove(&key.token);
        Ok(())
    }

    /// Opens a block collection at `column` if it is deeper than the last; its start goes before token `before`.
    fn roll(&mut self, column: i64, before: Option<usize>, kind: Kind, at: usize) -> Result<()> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(SyntaxError::new(at, Problem::TooDeep));
        }
        let token = Token { kind, span: Span { start: at as u32, end: at as u32 } };
        match before {
            Some(number) => self.queue.insert(number.saturating_sub(self.taken), token),
            None => self.queue.push_back(token),
        }
        Ok(())
    }

    fn unroll(&mut self, column: i64) {
        while self.flow_level == 0 && self.indent > column {
            self.push(Kind::BlockEnd, self.at, self.at);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn stream_end(&mut self) -> Result<()> {
        self.unroll(-1);
        self.remove_key()?;
        // The end counts as another line, so that no key can span it.
        self.line += 1;
        self.key_allowed = false;
        self.push(Kind::StreamEnd, self.at, self.at);
        Ok(())
    }

    fn flow_start(&mut self, kind: Kind) -> Result<()> {
        self.save_key()?;
        self.keys.push(SimpleKey { token: self.taken + self.queue.len(), ..SimpleKey::default() });
        self.open_flow.push(self.at);
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return self.error(Problem::TooDeep);
        }
        self.key_allowed = true;
        self.take(kind, 1);
        Ok(())
    }

    fn flow_end(&mut self, kind: Kind) -> Result<()> {
        self.remove_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.open_flow.pop();
            if let Some(key) = self.keys.pop() {
                self.keys_by_token.remove(&key.token);
            }
        }
        self.key_allowed = false;
        self.take(kind, 1);
        Ok(())
    }

    fn block_entry(&mut self) -> Result<()> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return self.error(Problem::StrayDash);
            }
            self.roll(self.column, None, Kind::BlockSeqStart, self.at)?;
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.take(Kind::BlockEntry, 1);
        Ok(())
    }

    fn explicit_key(&mut self) -> Result<()> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return self.error(Problem::StrayQuestionMark);
            }
            self.roll(self.column, None, Kind::BlockMapStart, self.at)?;
        }
        self.remove_key()?;
        self.key_allowed = self.flow_level == 0;
        self.take(Kind::Key, 1);
        Ok(())
    }

    fn value(&mut self) -> Result<()> {
        let level = self.keys.len() - 1;
        if self.key_is_valid(level)? {
            let key = self.keys[level];
            let token = Token { kind: Kind::Key, span: Span { start: key.at as u32, end: key.at as u32 } };
            self.queue.insert(key.token.saturating_sub(self.taken), token);
            self.roll(key.column, Some(key.token), Kind::BlockMapStart, key.at)?;
            self.keys[level].possible = false;
            self.keys_by_token.remove(&key.token);
            self.key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return self.error(Problem::NestedColon);
                }
                self.roll(self.column, None, Kind::BlockMapStart, self.at)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.take(Kind::Value, 1);
        Ok(())
    }

    fn anchor(&mut self, kind: Kind) -> Result<()> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.at;
        let length = self.bytes[start + 1..].iter().take_while(|&&byte| is_word(byte)).count();
        let follows = matches!(self.byte(1 + length), Some(b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'));
        if length == 0 || !(follows || self.blank_ahead(1 + length)) {
            return self.error(Problem::BadAnchor);
        }
        self.advance(start + 1 + length);
        self.push(kind, start + 1, self.at);
        Ok(())
    }

    fn block_scalar(&mut self, style: Style) -> Result<()> {
        self.remove_key()?;
        self.key_allowed = true;
        let scalar = lex::block_scalar(self.bytes, self.at, self.indent)?;
        self.push(Kind::Scalar(style, scalar.indent), self.at, scalar.end);
        self.advance(scalar.next);
        Ok(())
    }

    fn quoted(&mut self, style: Style) -> Result<()> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.at;
        let end = lex::quoted(self.bytes, start)?;
        self.advance(end);
        self.push(Kind::Scalar(style, 0), start, end);
        Ok(())
    }

    fn plain(&mut self) -> Result<()> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.at;
        let mut end = start;
        let mut over_lines = false;
        // Only blanks stand before `at` on its line once a line break was passed, so bytes count columns then.
        let mut line_start = None;
        let mut at = start;
        let least = self.indent + 1;
        loop {
            let at_margin = line_start == Some(at) || (line_start.is_none() && self.column == 0 && at == start);
            if (at_margin && lex::is_marker(&self.bytes[at..])) || self.bytes.get(at) == Some(&b'#') {
                break;
            }
            let word = self.plain_word(at);
            if word > at {
                (at, end) = (word, word);
                over_lines = false;
            }
            let blanks = at;
            while let Some(&byte) = self.bytes.get(at) {
                if let Some((length, _)) = text::line_break(&self.bytes[at..]) {
                    at += length;
                    line_start = Some(at);
                    over_lines = true;
                } else if byte == b'\t' && over_lines && line_start.is_some_and(|line| ((at - line) as i64) < least) {
                    return Err(SyntaxError::new(at, Problem::TabIndent).began(start));
                } else if matches!(byte, b' ' | b'\t') {
                    at += 1;
                } else {
                    break;
                }
            }
            let column = line_start.map_or(i64::MAX, |line| (at - line) as i64);
            if at == blanks || (self.flow_level == 0 && over_lines && column < least) {
                break;
            }
        }
        if end == start {
            let character = self.text[start..].chars().next().unwrap_or(' ');
            return self.error(Problem::StrayCharacter(character));
        }
        self.push(Kind::Scalar(Style::Plain, 0), start, end);
        self.advance(at);
        if over_lines {
            self.key_allowed = true;
        }
        Ok(())
    }

    /// Behind the non-blank characters of a plain scalar that begin at `at`.
    fn plain_word(&self, mut at: usize) -> usize {
        while !lex::is_blank_or_end(self.bytes, at) {
            match self.bytes[at] {
                b':' if lex::is_blank_or_end(self.bytes, at + 1) => break,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' if self.flow_level > 0 => break,
                _ => at += 1,
            }
        }
        at
    }

    fn directive(&mut self) -> Result<()> {
        self.unroll(-1);
        self.remove_key()?;
        self.key_allowed = false;
        let start = self.at;
        let end = text::line_end(self.bytes, start);
        let line = &self.text[start..end];
        let comment =
            if line.starts_with("%YAML") { line.find('#') } else { line.find(" #").or_else(|| line.find("\t#")) };
        let content = match comment {
            Some(comment) => &line[..comment],
            None => line,
        };
        let mut words = content.split([' ', '\t']).filter(|word| !word.is_empty());
        let kind = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("%YAML"), Some(version), None, None) if is_version(version) => {
                Kind::Version(matches!(version, "1.1" | "01.1" | "1.01" | "01.01"))
            }
            (Some("%TAG"), Some(handle), Some(prefix), None) if is_tag_handle(handle) => {
                let Some(prefix) = tag_uri(prefix) else { return self.error(Problem::BadDirective) };
                self.tags.push((handle.to_owned(), prefix));
                Kind::TagDirective(self.tags.len() as u32 - 1)
            }
            _ => return self.error(Problem::BadDirective),
        };
        self.advance(end);
        self.push(kind, start, end);
        Ok(())
    }

    fn tag(&mut self) -> Result<()> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.at;
        let (handle, suffix, end) = self.tag_parts(start).ok_or(SyntaxError::new(start, Problem::BadTag))?;
        if !lex::is_blank_or_end(self.bytes, end) {
            return self.error(Problem::BadTag);
        }
        self.tags.push((handle, suffix));
        self.advance(end);
        self.push(Kind::Tag(self.tags.len() as u32 - 1), start, end);
        Ok(())
    }

    /// Handle, suffix and end of the tag at `start`.
    fn tag_parts(&self, start: usize) -> Option<(String, String, usize)> {
        let uri_end = |from: usize| from + self.bytes[from..].iter().take_while(|&&byte| is_uri(byte)).count();
        if self.bytes.get(start + 1) == Some(&b'<') {
            let end = uri_end(start + 2);
            let closed = self.bytes.get(end) == Some(&b'>') && end > start + 2;
            return if closed { Some((String::new(), tag_uri(&self.text[start + 2..end])?, end + 1)) } else { None };
        }
        let word = start + 1 + self.bytes[start + 1..].iter().take_while(|&&byte| is_word(byte)).count();
        if self.bytes.get(word) == Some(&b'!') {
            let end = uri_end(word + 1);
            let suffix = tag_uri(&self.text[word + 1..end])?;
            return (end > word + 1).then(|| (self.text[start..=word].to_owned(), suffix, end));
        }
        let end = uri_end(word);
        let suffix = tag_uri(&self.text[start + 1..end])?;
        // `!` alone: no handle at all.
        if suffix.is_empty() { Some((String::new(), "!".to_owned(), end)) } else { Some(("!".to_owned(), suffix, end)) }
    }
}

/// Two numbers of up to two digits.
fn is_version(version: &str) -> bool {
    let is_number = |text: &str| matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    version.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_uri(byte: u8) -> bool {
    is_word(byte) || b";/?:@&=+$,.!~*'()[]%".contains(&byte)
}

fn is_tag_handle(handle: &str) -> bool {
    let inner = handle.strip_prefix('!').map(|rest| rest.strip_suffix('!').unwrap_or(rest));
    handle == "!" || (handle.ends_with('!') && inner.is_some_and(|inner| inner.bytes().all(is_word)))
}

/// A tag's text with its `%41` escapes read.
fn tag_uri(raw: &str) -> Option<String> {
    if !raw.bytes().all(is_uri) {
        return None;
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}
