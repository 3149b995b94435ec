//! The fast parser, for what charts and tools write: block style, scalars over any number of lines, flow collections.
//!
//! One pass, no allocation but the tape's own growth. What it does not take (anchors, tags, `? key`, directives, errors of
//! all kinds) it gives up at once, and [`super::fallback`] reads that document from its start. What it takes, both read
//! alike to the byte; a test holds them together. So it must never guess: in doubt it gives up.

use memchr::memchr;

use super::MAX_DEPTH;
use super::lex::{self, PLAIN_START, Start};
use super::scalar::{self, Key, Validity};
use super::tape::{KEY_NEEDS_DECODING, Node, Pair, Span, Style, Tag, VERBATIM};
use super::text;

/// The document is for the fallback parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GiveUp;

type Result<T> = std::result::Result<T, GiveUp>;

/// Flow collections nested deeper than this are left to the other parser (these recurse here).
const FLOW_DEPTH: usize = 64;

/// A key with its colon must fit into as many characters; bytes are a safe measure.
const LONGEST_KEY: usize = 1024;

/// Parses one document onto the end of `nodes`. The text has no control characters and no line breaks but LF and CRLF.
pub(super) fn parse(text: &str, start: usize, nodes: &mut Vec<Node>, frames: &mut Vec<Frame>) -> Result<()> {
    frames.clear();
    let base = nodes.len();
    let mut parser =
        Parser { text, bytes: text.as_bytes(), nodes, base, frames, end: start, pending: None, ahead: (usize::MAX, 0) };
    parser.document(start)
}

/// An open block collection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    column: usize,
    node: u32,
    is_seq: bool,
}

#[derive(Clone, Copy)]
struct EntryKey {
    span: Span,
    style: Style,
    flags: u8,
}

impl EntryKey {
    /// The same, for a value whose text is its bytes.
    #[inline]
    fn verbatim(self, value_is: bool) -> Self {
        Self { flags: self.flags | if value_is { VERBATIM } else { 0 }, ..self }
    }
}

const NO_KEY: EntryKey = EntryKey { span: Span { start: 0, end: 0 }, style: Style::Absent, flags: 0 };

struct Parser<'t, 'n> {
    text: &'t str,
    bytes: &'t [u8],
    nodes: &'n mut Vec<Node>,
    base: usize,
    frames: &'n mut Vec<Frame>,
    /// Behind the last token.
    end: usize,
    /// The last node is a key or a dash without a value so far; it may follow on the next line.
    pending: Option<usize>,
    /// Start of a line that was looked at already, and of what stands on it.
    ahead: (usize, usize),
}

fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

impl Parser<'_, '_> {
    fn document(&mut self, start: usize) -> Result<()> {
        let mut line = start;
        while let Some((at, column)) = self.next_content(line)? {
            line = self.line(at, column)?;
        }
        while let Some(frame) = self.frames.pop() {
            self.close(frame);
        }
        Ok(())
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        // The end of the text ends lines as well.
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    #[inline]
    fn is_blank(&self, at: usize) -> bool {
        matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r')
    }

    #[inline]
    fn next_line(&self, at: usize) -> usize {
        memchr(b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |step| at + step + 1)
    }

    #[inline]
    fn skip_spaces(&self, at: usize) -> usize {
        // Mostly there is one, or none.
        if self.byte(at) != b' ' {
            return at;
        }
        if self.byte(at + 1) != b' ' {
            return at + 1;
        }
        lex::skip_spaces(self.bytes, at)
    }

    /// The first line from `line` on that has more than blanks and a comment: where that begins, and at which column.
    #[inline]
    fn next_content(&self, mut line: usize) -> Result<Option<(usize, usize)>> {
        loop {
            let at = if line == self.ahead.0 { self.ahead.1 } else { lex::skip_spaces(self.bytes, line) };
            match self.bytes.get(at) {
                None => return Ok(None),
                Some(b'\n') => line = at + 1,
                Some(b'\r') => line = at + 2,
                Some(b'#') => line = self.next_line(at),
                Some(b'\t') => return Err(GiveUp),
                Some(b'-' | b'.' | b'%')
                    if at == line && (self.bytes[at] == b'%' || lex::is_marker(&self.bytes[at..])) =>
                {
                    return Err(GiveUp);
                }
                Some(_) => return Ok(Some((at, at - line))),
            }
        }
    }

    /// Reads what begins on a line, and gives the start of the line where reading goes on.
    fn line(&mut self, at: usize, column: usize) -> Result<usize> {
        let dash = self.bytes[at] == b'-' && self.is_blank(at + 1);
        if let Some(node) = self.pending.take() {
            let Some(top) = self.frames.last() else { return Err(GiveUp) };
            if column > top.column || (dash && column == top.column && !top.is_seq) {
                return self.begin(Some(node), at, column, dash);
            }
        } else if self.frames.is_empty() {
            return if self.nodes.len() == self.base { self.begin(None, at, column, dash) } else { Err(GiveUp) };
        }
        while let Some(&frame) = self.frames.last() {
            if frame.column < column || (frame.column == column && frame.is_seq == dash) {
                break;
            }
            // A mapping does not end for a dash at its own column: that is an error.
            if frame.column == column && dash {
                return Err(GiveUp);
            }
            self.frames.pop();
            self.close(frame);
        }
        match self.frames.last() {
            Some(top) if top.column == column && dash => self.item(at, column),
            Some(top) if top.column == column => {
                let (key, colon) = self.key(at)?.ok_or(GiveUp)?;
                self.entry(key, colon, column)
            }
            _ => Err(GiveUp),
        }
    }

    /// Reads a node that begins on a line of its own, into the node that waits for it (or as the root).
    fn begin(&mut self, waiting: Option<usize>, at: usize, column: usize, dash: bool) -> Result<usize> {
        if dash {
            self.open(waiting, NO_KEY, Style::BlockSeq, at, column)?;
            return self.item(at, column);
        }
        if let Some((key, colon)) = self.key(at)? {
            self.open(waiting, NO_KEY, Style::BlockMap, at, column)?;
            return self.entry(key, colon, column);
        }
        match (waiting, self.frames.last().copied()) {
            (Some(node), Some(top)) => self.value(at, top.column, Some(node), NO_KEY),
            _ if matches!(self.bytes[at], b'{' | b'[') => {
                let next = self.value(at, 0, None, NO_KEY)?;
                // Nothing may follow a flow collection at the root.
                if self.next_content(next)?.is_some() { Err(GiveUp) } else { Ok(self.bytes.len()) }
            }
            _ => Err(GiveUp),
        }
    }

    /// Reads a list item from its dash.
    fn item(&mut self, mut dash: usize, mut column: usize) -> Result<usize> {
        loop {
            self.end = dash + 1;
            let at = self.skip_spaces(dash + 1);
            match self.byte(at) {
                b'\t' => return Err(GiveUp),
                b'\n' | b'\r' | b'#' => {
                    self.wait(NO_KEY);
                    return Ok(self.next_line(at.min(self.bytes.len())));
                }
                _ => {}
            }
            let inner = column + (at - dash);
            if self.bytes[at] == b'-' && self.is_blank(at + 1) {
                self.open(None, NO_KEY, Style::BlockSeq, at, inner)?;
                (dash, column) = (at, inner);
                continue;
            }
            return match self.key(at)? {
                Some((key, colon)) => {
                    self.open(None, NO_KEY, Style::BlockMap, at, inner)?;
                    self.entry(key, colon, inner)
                }
                None => self.value(at, column, None, NO_KEY),
            };
        }
    }

    /// Reads what stands behind a key's colon.
    #[inline]
    fn entry(&mut self, key: EntryKey, colon: usize, column: usize) -> Result<usize> {
        self.end = colon + 1;
        let at = self.skip_spaces(colon + 1);
        match self.byte(at) {
            b'\t' => Err(GiveUp),
            b'\n' | b'\r' | b'#' => {
                self.wait(key);
                Ok(self.next_line(at.min(self.bytes.len())))
            }
            _ => self.value(at, column, None, key),
        }
    }

    /// Reads a scalar or a flow collection that begins at `at`, inside a collection at column `parent`.
    fn value(&mut self, at: usize, parent: usize, waiting: Option<usize>, key: EntryKey) -> Result<usize> {
        match self.bytes[at] {
            quote @ (b'"' | b'\'') => {
                let end = self.quoted(at, waiting, key, quote)?;
                self.finish_line(end)
            }
            header @ (b'|' | b'>') => {
                let scalar = lex::block_scalar(self.bytes, at, parent as i64).map_err(|_| GiveUp)?;
                let style = if header == b'|' { Style::Literal } else { Style::Folded };
                self.scalar(waiting, key, span(at, scalar.end), style, scalar.indent);
                Ok(scalar.next)
            }
            b'{' | b'[' => {
                let end = self.flow(at, waiting, key, 0)?;
                self.finish_line(end)
            }
            _ => {
                let (end, next, is_one_line) = self.plain(at, parent)?;
                self.scalar(waiting, key.verbatim(is_one_line), span(at, end), Style::Plain, 0);
                Ok(next)
            }
        }
    }

    /// Only blanks and a comment may follow on the line.
    fn finish_line(&self, end: usize) -> Result<usize> {
        let mut at = end;
        while matches!(self.bytes.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        match self.bytes.get(at) {
            None => Ok(at),
            Some(b'\n') => Ok(at + 1),
            Some(b'\r') => Ok(at + 2),
            Some(b'#') => Ok(self.next_line(at)),
            Some(_) => Err(GiveUp),
        }
    }

    /// Whether a plain scalar can begin here, in block context.
    #[inline]
    fn check_plain_start(&self, at: usize) -> Result<()> {
        match PLAIN_START[self.bytes[at] as usize] {
            Start::Fine => Ok(()),
            Start::Never => Err(GiveUp),
            Start::IfFollowed if self.is_blank(at + 1) => Err(GiveUp),
            Start::IfFollowed | Start::Number => self.check_finite(at),
        }
    }

    /// `.inf` and the like are errors; what could be one is for the other parser to look at.
    fn check_finite(&self, at: usize) -> Result<()> {
        let rest = match self.bytes[at] {
            b'.' => &self.text[at..],
            b'+' | b'-' if self.byte(at + 1) == b'.' => &self.text[at..],
            _ => return Ok(()),
        };
        let word = rest.split([' ', '\t', '\n', '\r', ',', ']', '}']).next().unwrap_or_default();
        if scalar::validity(word, Style::Plain, Tag::None, 0) == Validity::Fine { Ok(()) } else { Err(GiveUp) }
    }

    /// Reads a quoted value; gives the offset behind its closing quote.
    fn quoted(&mut self, at: usize, waiting: Option<usize>, key: EntryKey, quote: u8) -> Result<usize> {
        let style = if quote == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
        let (end, is_verbatim) = if let Some(end) = lex::quoted_verbatim(self.bytes, at) {
            (end, true)
        } else {
            let end = lex::quoted(self.bytes, at).map_err(|_| GiveUp)?;
            let inner = self.text.get(at + 1..end - 1).ok_or(GiveUp)?;
            (end, text::is_verbatim(inner, style))
        };
        self.scalar(waiting, key.verbatim(is_verbatim), span(at, end), style, 0);
        Ok(end)
    }

    /// Reads a plain scalar over all its lines: its end, the start of the next line that is not its own, and whether it is
    /// all on one line.
    #[inline]
    fn plain(&mut self, at: usize, parent: usize) -> Result<(usize, usize, bool)> {
        self.check_plain_start(at)?;
        let mut from = at;
        loop {
            let (end, stop) = self.plain_line(from)?;
            if self.bytes.get(stop) == Some(&b'#') {
                return Ok((end, self.next_line(stop), from == at));
            }
            let mut line = (stop + 1).min(self.bytes.len());
            let first = line;
            self.ahead = (line, lex::skip_spaces(self.bytes, line));
            // Empty lines belong to the scalar only if more of it follows.
            let more = loop {
                let content = if line == first { self.ahead.1 } else { lex::skip_spaces(self.bytes, line) };
                match self.bytes.get(content) {
                    None | Some(b'#') => break None,
                    Some(b'\n') => line = content + 1,
                    Some(b'\r') => line = content + 2,
                    Some(b'\t') => return Err(GiveUp),
                    Some(_) if content - line > parent => break Some(content),
                    Some(_) => break None,
                }
            };
            match more {
                Some(content) => from = content,
                None => return Ok((end, first, from == at)),
            }
        }
    }

    /// One line of a plain scalar: the end of its text, and where the line or a comment stopped it.
    #[inline]
    fn plain_line(&self, from: usize) -> Result<(usize, usize)> {
        let mut at = from;
        let stop = loop {
            at = lex::find_stop(self.bytes, at);
            match self.byte(at) {
                b'\n' => break at,
                b':' if self.is_blank(at + 1) => return Err(GiveUp),
                b'#' if matches!(self.bytes[at - 1], b' ' | b'\t') => break at,
                _ => at += 1,
            }
        };
        let mut end = stop;
        while end > from && matches!(self.bytes[end - 1], b' ' | b'\t' | b'\r') {
            end -= 1;
        }
        Ok((end, stop))
    }

    /// Reads a key and finds its colon; `None` where the line is no entry of a mapping.
    #[inline]
    fn key(&self, at: usize) -> Result<Option<(EntryKey, usize)>> {
        match self.bytes[at] {
            b'"' | b'\'' => self.quoted_key(at),
            b'{' | b'[' | b'|' | b'>' => Ok(None),
            _ => {
                let Some((end, colon)) = self.plain_key(at) else { return Ok(None) };
                self.check_plain_start(at)?;
                if colon - at > LONGEST_KEY || &self.bytes[at..end] == b"<<" {
                    return Err(GiveUp);
                }
                let span = span(at, end);
                let flags = if scalar::key_may_resolve(&self.bytes[at..end]) { self.key_flags(span)? } else { 0 };
                Ok(Some((EntryKey { span, style: Style::Plain, flags }, colon)))
            }
        }
    }

    /// End and colon of a plain key.
    #[inline]
    fn plain_key(&self, start: usize) -> Option<(usize, usize)> {
        let mut at = start;
        loop {
            at = lex::find_stop(self.bytes, at);
            match self.byte(at) {
                b'\n' => return None,
                b'#' if at > start && matches!(self.bytes[at - 1], b' ' | b'\t') => return None,
                b':' if self.is_blank(at + 1) => break,
                _ => at += 1,
            }
        }
        let mut end = at;
        while end > start && matches!(self.bytes[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        Some((end, at))
    }

    fn quoted_key(&self, at: usize) -> Result<Option<(EntryKey, usize)>> {
        let end = lex::quoted_end(self.bytes, at).map_err(|_| GiveUp)?;
        let colon = self.skip_spaces(end);
        if self.byte(colon) != b':' || !self.is_blank(colon + 1) {
            return Ok(None);
        }
        Ok(Some((self.quoted_entry_key(at, end, colon)?, colon)))
    }

    /// The key in the quotes from `at` to `end`, all on one line with its colon.
    fn quoted_entry_key(&self, at: usize, end: usize, colon: usize) -> Result<EntryKey> {
        let inner = &self.bytes[at + 1..end - 1];
        if colon - at > LONGEST_KEY || memchr(b'\n', inner).is_some() {
            return Err(GiveUp);
        }
        let double = self.bytes[at] == b'"';
        let escaped = memchr(if double { b'\\' } else { b'\'' }, inner).is_some();
        let style = if double { Style::DoubleQuoted } else { Style::SingleQuoted };
        let flags = if escaped { KEY_NEEDS_DECODING } else { 0 };
        Ok(EntryKey { span: span(at + 1, end - 1), style, flags })
    }

    /// Whether a plain key is read as anything but its own text.
    fn key_flags(&self, key: Span) -> Result<u8> {
        let raw = self.text.get(key.range()).ok_or(GiveUp)?;
        match scalar::key(raw, Style::Plain, Tag::None) {
            Key::Text(text) if text == raw => Ok(0),
            Key::Text(_) => Ok(KEY_NEEDS_DECODING),
            Key::Refused | Key::Mismatch => Err(GiveUp),
        }
    }

    /// Reads a flow collection; gives the offset behind its closing bracket.
    fn flow(&mut self, start: usize, waiting: Option<usize>, key: EntryKey, depth: usize) -> Result<usize> {
        if depth >= FLOW_DEPTH {
            return Err(GiveUp);
        }
        let is_map = self.bytes[start] == b'{';
        let (style, close) = if is_map { (Style::FlowMap, b'}') } else { (Style::FlowSeq, b']') };
        let node = self.put(waiting, key, span(start, start), style, 0);
        let mut at = self.flow_blanks(start + 1)?;
        while self.byte(at) != close {
            let key = if is_map {
                let (key, colon) = self.flow_key(at)?;
                self.end = colon + 1;
                at = self.flow_blanks(colon + 1)?;
                key
            } else {
                NO_KEY
            };
            let end = self.flow_value(at, key, depth)?;
            at = self.flow_blanks(end)?;
            if self.byte(at) == b',' {
                at = self.flow_blanks(at + 1)?;
            } else if self.byte(at) != close {
                return Err(GiveUp);
            }
        }
        let next = (self.nodes.len() - self.base) as u32;
        self.nodes[node].value.end = at as u32 + 1;
        self.nodes[node].next = next;
        self.end = at + 1;
        Ok(at + 1)
    }

    fn flow_value(&mut self, at: usize, key: EntryKey, depth: usize) -> Result<usize> {
        match self.byte(at) {
            b'{' | b'[' => self.flow(at, None, key, depth + 1),
            quote @ (b'"' | b'\'') => self.quoted(at, None, key, quote),
            _ => {
                let end = self.flow_plain(at)?;
                self.scalar(None, key.verbatim(true), span(at, end), Style::Plain, 0);
                Ok(end)
            }
        }
    }

    fn flow_key(&self, at: usize) -> Result<(EntryKey, usize)> {
        let quoted = matches!(self.byte(at), b'"' | b'\'');
        let end = if quoted { lex::quoted_end(self.bytes, at).map_err(|_| GiveUp)? } else { self.flow_plain(at)? };
        let colon = self.skip_spaces(end);
        if self.byte(colon) != b':' || colon - at > LONGEST_KEY {
            return Err(GiveUp);
        }
        if quoted {
            return Ok((self.quoted_entry_key(at, end, colon)?, colon));
        }
        let span = span(at, end);
        if &self.bytes[at..end] == b"<<" {
            return Err(GiveUp);
        }
        let flags = if scalar::key_may_resolve(&self.bytes[at..end]) { self.key_flags(span)? } else { 0 };
        Ok((EntryKey { span, style: Style::Plain, flags }, colon))
    }

    /// The end of a plain scalar in flow context, on one line.
    fn flow_plain(&self, start: usize) -> Result<usize> {
        if start >= self.bytes.len() || self.byte(start) == b':' || self.byte(start) == b'?' {
            return Err(GiveUp);
        }
        self.check_plain_start(start)?;
        let mut at = start;
        loop {
            match self.byte(at) {
                b',' | b'[' | b']' | b'{' | b'}' | b'\n' | b'\r' => break,
                b'?' => return Err(GiveUp),
                b':' if self.is_blank(at + 1) => break,
                b'#' if matches!(self.bytes[at - 1], b' ' | b'\t') => break,
                _ => at += 1,
            }
        }
        while matches!(self.bytes[at - 1], b' ' | b'\t') {
            at -= 1;
        }
        Ok(at)
    }

    /// Blanks, line breaks and comments inside a flow collection.
    fn flow_blanks(&self, mut at: usize) -> Result<usize> {
        loop {
            match self.bytes.get(at) {
                Some(b' ' | b'\t' | b'\r') => at += 1,
                Some(b'#') => at += memchr(b'\n', &self.bytes[at..]).ok_or(GiveUp)?,
                Some(b'\n') => {
                    at += 1;
                    let is_marked = self.bytes.get(at) == Some(&b'%') || lex::is_marker(&self.bytes[at..]);
                    at = lex::skip_spaces(self.bytes, at);
                    // Where a plain scalar might go on, tabs in the next line's indentation can be an error.
                    if is_marked || self.bytes.get(at) == Some(&b'\t') {
                        return Err(GiveUp);
                    }
                }
                Some(_) => return Ok(at),
                None => return Err(GiveUp),
            }
        }
    }

    // From here on: writing nodes.

    /// A key or dash whose value may follow on the next line.
    fn wait(&mut self, key: EntryKey) {
        let node = self.put(None, key, span(self.end, self.end), Style::Absent, 0);
        self.pending = Some(node);
    }

    #[inline]
    fn scalar(&mut self, waiting: Option<usize>, key: EntryKey, value: Span, style: Style, indent: u8) {
        self.end = value.end as usize;
        self.put(waiting, key, value, style, indent);
    }

    /// Writes a node, or what was missing of the one that waited. Gives its place.
    #[inline]
    fn put(&mut self, waiting: Option<usize>, key: EntryKey, value: Span, style: Style, indent: u8) -> usize {
        if let Some(place) = waiting {
            let node = &mut self.nodes[place];
            node.value = value;
            node.styles = Pair::<Style>::new(style, node.styles.key());
            node.flags |= key.flags;
            node.indent = indent;
            return place;
        }
        let place = self.nodes.len();
        self.nodes.push(Node {
            key: key.span,
            value,
            next: (place - self.base) as u32 + 1,
            styles: Pair::<Style>::new(style, key.style),
            tags: Pair::<Tag>::NONE,
            flags: key.flags,
            indent,
        });
        place
    }

    fn open(&mut self, waiting: Option<usize>, key: EntryKey, style: Style, at: usize, column: usize) -> Result<()> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(GiveUp);
        }
        let place = self.put(waiting, key, span(at, at), style, 0);
        self.frames.push(Frame { column, node: place as u32, is_seq: style == Style::BlockSeq });
        Ok(())
    }

    #[inline]
    fn close(&mut self, frame: Frame) {
        let next = (self.nodes.len() - self.base) as u32;
        let node = &mut self.nodes[frame.node as usize];
        node.value.end = self.end as u32;
        node.next = next;
    }
}
