//! The parser for everything: it takes what Go's reader takes and refuses what that refuses. Slower than
//! [`super::block`], which is for what charts emit.
//!
//! A grammar over [`super::scan`]'s tokens with a stack of its own, so that deep nesting cannot overflow ours. Aliases and
//! merge keys are left as references here; [`super::expand`] puts the content in.

use rustc_hash::FxHashMap;

use super::error::{Problem, SyntaxError};
use super::scalar::{self, Key, Validity};
use super::scan::{Kind, Scanner, Token};
use super::tape::{ALIASED, KEY_ALIASED, KEY_NEEDS_DECODING, Node, Pair, Span, Style, Tag};
use super::{MAX_DEPTH, expand, lex, text};

/// What the parser writes besides nodes.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Where text begins that Go's reader never looks at, because the document has ended before it.
    pub ignored: Option<usize>,
    /// An infinity or not-a-number was written: an error, unless a later entry hides it.
    pub not_finite: bool,
}

/// Set on nodes that stand for an alias until they are expanded; `value.start` is the index of the use.
pub(super) const REFERENCE: u8 = 8;
/// Set on the value of a `<<` key until it is expanded.
pub(super) const MERGE: u8 = 16;

/// One `*name`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alias {
    /// The node that the anchor names.
    pub target: u32,
    /// The alias itself, in the text.
    pub span: Span,
}

/// Parses one document onto the end of `nodes`; node indexes count from where it begins.
pub(super) fn parse(text: &str, start: usize, nodes: &mut Vec<Node>) -> Result<Outcome> {
    let base = nodes.len();
    let mut parser = Parser {
        text,
        scanner: Scanner::new(text, start),
        nodes,
        base,
        states: Vec::new(),
        frames: Vec::new(),
        anchors: FxHashMap::default(),
        aliases: Vec::new(),
        handles: Vec::new(),
        end: start,
        has_merge: false,
        not_finite: false,
    };
    let ignored = parser.document()?;
    let (aliases, has_merge, not_finite) = (std::mem::take(&mut parser.aliases), parser.has_merge, parser.not_finite);
    if !aliases.is_empty() || has_merge {
        let raw = nodes.split_off(base);
        expand::expand(text, &raw, &aliases, nodes)?;
    }
    Ok(Outcome { ignored, not_finite })
}

#[derive(Clone, Copy, Debug)]
enum State {
    BlockSeq,
    IndentlessSeq,
    BlockMapKey,
    BlockMapValue,
    FlowSeq { first: bool },
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMapKey { first: bool },
    FlowMapValue,
    FlowMapNoValue,
}

/// A scalar as it came, before it is known whether it is a key or a value.
#[derive(Clone, Copy)]
struct Written {
    span: Span,
    style: Style,
    tag: Tag,
    indent: u8,
}

#[derive(Clone, Copy)]
struct EntryKey {
    span: Span,
    style: Style,
    tag: Tag,
    flags: u8,
}

struct Frame {
    node: u32,
    is_map: bool,
    key: Option<EntryKey>,
}

#[derive(Clone, Copy)]
enum Target {
    Node(u32),
    Key(Written),
}

/// Anchor and tag before a node.
#[derive(Clone, Copy, Default)]
struct Properties<'a> {
    any: bool,
    anchor: Option<&'a str>,
    tag: Option<Tag>,
    /// `!` and `!!merge` leave `<<` a merge key.
    merge: bool,
}

struct Parser<'t, 'n> {
    text: &'t str,
    scanner: Scanner<'t>,
    nodes: &'n mut Vec<Node>,
    base: usize,
    states: Vec<State>,
    frames: Vec<Frame>,
    anchors: FxHashMap<&'t str, Target>,
    aliases: Vec<Alias>,
    handles: Vec<(String, String)>,
    /// Behind the last token that belongs to the node in hand.
    end: usize,
    has_merge: bool,
    not_finite: bool,
}

type Result<T> = std::result::Result<T, SyntaxError>;

fn fail<T>(token: Token, problem: Problem) -> Result<T> {
    Err(SyntaxError::new(token.span.start as usize, problem))
}

impl<'t> Parser<'t, '_> {
    fn document(&mut self) -> Result<Option<usize>> {
        let mut token = self.scanner.peek()?;
        let explicit = matches!(token.kind, Kind::Version(_) | Kind::TagDirective(_) | Kind::DocumentStart);
        if token.kind == Kind::StreamEnd {
            return Ok(None);
        }
        if explicit {
            token = self.directives()?;
            if token.kind != Kind::DocumentStart {
                return fail(token, Problem::BadDirective);
            }
            self.take(token);
            token = self.scanner.peek()?;
        }
        let absent = matches!(
            token.kind,
            Kind::Version(_) | Kind::TagDirective(_) | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd
        );
        if explicit && absent {
            self.absent()?;
        } else {
            self.node(true, false)?;
            while let Some(state) = self.states.pop() {
                self.step(state)?;
            }
        }
        Ok(self.ignored()?)
    }

    fn directives(&mut self) -> Result<Token> {
        let mut version = false;
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                Kind::Version(true) if !version => version = true,
                Kind::Version(_) => return fail(token, Problem::BadDirective),
                Kind::TagDirective(index) => {
                    let directive = self.scanner.tags[index as usize].clone();
                    if self.handles.iter().any(|(handle, _)| *handle == directive.0) {
                        return fail(token, Problem::BadDirective);
                    }
                    self.handles.push(directive);
                }
                _ => return Ok(token),
            }
            self.take(token);
        }
    }

    /// What stands behind the document and is never read.
    fn ignored(&mut self) -> Result<Option<usize>> {
        let token = self.scanner.peek()?;
        let mut at = match token.kind {
            Kind::StreamEnd => return Ok(None),
            Kind::DocumentEnd => token.span.end as usize,
            _ => return Ok(Some(token.span.start as usize)),
        };
        let bytes = self.text.as_bytes();
        while at < bytes.len() {
            let blank = bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            at += blank;
            let end = text::line_end(bytes, at);
            if at < end && bytes[at] != b'#' && !lex::is_marker(&bytes[at..]) {
                return Ok(Some(at));
            }
            at = end + text::line_break(&bytes[end..]).map_or(0, |(length, _)| length);
        }
        Ok(None)
    }

    fn take(&mut self, token: Token) {
        self.end = self.end.max(token.span.end as usize);
        self.scanner.skip();
    }

    fn step(&mut self, state: State) -> Result<()> {
        match state {
            State::BlockSeq => self.block_seq(),
            State::IndentlessSeq => self.indentless_seq(),
            State::BlockMapKey => self.block_map_key(),
            State::BlockMapValue => self.block_map_value(),
            State::FlowSeq { first } => self.flow_seq(first),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => {
                self.close();
                Ok(())
            }
            State::FlowMapKey { first } => self.flow_map_key(first),
            State::FlowMapValue => self.flow_map_value(),
            State::FlowMapNoValue => self.absent(),
        }
    }

    /// Parses one node: a scalar or an alias at once, a collection's start for the states to go on with.
    fn node(&mut self, block: bool, indentless: bool) -> Result<()> {
        let mut token = self.scanner.peek()?;
        if token.kind == Kind::Alias {
            self.take(token);
            return self.alias(token.span);
        }
        let properties = self.properties()?;
        token = self.scanner.peek()?;
        let (style, state) = match token.kind {
            Kind::BlockEntry if indentless => (Style::BlockSeq, State::IndentlessSeq),
            Kind::Scalar(style, indent) => {
                self.take(token);
                let tag = properties.tag.unwrap_or(Tag::None);
                return self.scalar(Written { span: token.span, style, tag, indent }, properties);
            }
            Kind::FlowSeqStart => (Style::FlowSeq, State::FlowSeq { first: true }),
            Kind::FlowMapStart => (Style::FlowMap, State::FlowMapKey { first: true }),
            Kind::BlockSeqStart if block => (Style::BlockSeq, State::BlockSeq),
            Kind::BlockMapStart if block => (Style::BlockMap, State::BlockMapKey),
            _ if properties.any => return self.nothing(properties),
            Kind::FlowEntry => return fail(token, Problem::StrayCharacter(',')),
            Kind::FlowSeqEnd => return fail(token, Problem::StrayCharacter(']')),
            Kind::FlowMapEnd => return fail(token, Problem::StrayCharacter('}')),
            Kind::StreamEnd => return self.unclosed(token, Problem::MissingValue),
            _ => return fail(token, Problem::MissingValue),
        };
        if token.kind != Kind::BlockEntry {
            self.take(token);
        }
        self.open(style, token.span.start, properties.anchor)?;
        self.states.push(state);
        Ok(())
    }

    /// The input ended inside a flow collection: that is what to say.
    fn unclosed<T>(&self, token: Token, otherwise: Problem) -> Result<T> {
        match self.scanner.open_bracket() {
            Some(open) if token.kind == Kind::StreamEnd => {
                let bracket = char::from(self.text.as_bytes()[open]);
                Err(SyntaxError::new(open, Problem::OpenBracket(bracket)))
            }
            _ => fail(token, otherwise),
        }
    }

    fn properties(&mut self) -> Result<Properties<'t>> {
        let mut properties = Properties::default();
        let (mut anchored, mut tagged) = (false, false);
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                Kind::Anchor if !anchored => {
                    anchored = true;
                    properties.anchor = self.text.get(token.span.range());
                }
                Kind::Tag(index) if !tagged => {
                    tagged = true;
                    let (handle, suffix) = self.scanner.tags[index as usize].clone();
                    let name = self.tag_name(token, &handle, &suffix)?;
                    properties.merge = name == "!" || name == "tag:yaml.org,2002:merge";
                    properties.tag = Some(tag(&name));
                }
                _ => return Ok(properties),
            }
            properties.any = true;
            self.take(token);
        }
    }

    fn tag_name(&self, token: Token, handle: &str, suffix: &str) -> Result<String> {
        if handle.is_empty() {
            return Ok(suffix.to_owned());
        }
        let declared = self.handles.iter().find(|(known, _)| known == handle).map(|(_, prefix)| prefix.as_str());
        let prefix = match (declared, handle) {
            (Some(prefix), _) => prefix,
            (None, "!") => "!",
            (None, "!!") => "tag:yaml.org,2002:",
            (None, _) => return fail(token, Problem::UnknownTagHandle),
        };
        Ok(format!("{prefix}{suffix}"))
    }

    fn block_seq(&mut self) -> Result<()> {
        let token = self.scanner.peek()?;
        match token.kind {
            Kind::BlockEntry => {
                self.take(token);
                self.states.push(State::BlockSeq);
                match self.scanner.peek()?.kind {
                    Kind::BlockEntry | Kind::BlockEnd => self.absent(),
                    _ => self.node(true, false),
                }
            }
            Kind::BlockEnd => {
                self.scanner.skip();
                self.close();
                Ok(())
            }
            _ => fail(token, Problem::BadIndentation),
        }
    }

    fn indentless_seq(&mut self) -> Result<()> {
        let token = self.scanner.peek()?;
        if token.kind != Kind::BlockEntry {
            self.close();
            return Ok(());
        }
        self.take(token);
        self.states.push(State::IndentlessSeq);
        match self.scanner.peek()?.kind {
            Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => self.absent(),
            _ => self.node(true, false),
        }
    }

    fn block_map_key(&mut self) -> Result<()> {
        let token = self.scanner.peek()?;
        match token.kind {
            Kind::Key => {
                self.take(token);
                self.states.push(State::BlockMapValue);
                match self.scanner.peek()?.kind {
                    Kind::Key | Kind::Value | Kind::BlockEnd => self.absent(),
                    _ => self.node(true, true),
                }
            }
            Kind::BlockEnd => {
                self.scanner.skip();
                self.close();
                Ok(())
            }
            _ => fail(token, Problem::BadIndentation),
        }
    }

    fn block_map_value(&mut self) -> Result<()> {
        let token = self.scanner.peek()?;
        self.states.push(State::BlockMapKey);
        if token.kind != Kind::Value {
            return self.absent();
        }
        self.take(token);
        match self.scanner.peek()?.kind {
            Kind::Key | Kind::Value | Kind::BlockEnd => self.absent(),
            _ => self.node(true, true),
        }
    }

    fn flow_seq(&mut self, first: bool) -> Result<()> {
        let mut token = self.scanner.peek()?;
        if token.kind != Kind::FlowSeqEnd && !first {
            if token.kind != Kind::FlowEntry {
                return self.unclosed(token, Problem::MissingComma(']'));
            }
            self.take(token);
            token = self.scanner.peek()?;
        }
        match token.kind {
            Kind::FlowSeqEnd => {
                self.take(token);
                self.close();
                Ok(())
            }
            Kind::Key => {
                self.states.push(State::FlowSeq { first: false });
                self.scanner.skip();
                self.open(Style::FlowMap, token.span.start, None)?;
                self.states.push(State::FlowPairKey);
                Ok(())
            }
            _ => {
                self.states.push(State::FlowSeq { first: false });
                self.node(false, false)
            }
        }
    }

    fn flow_pair_key(&mut self) -> Result<()> {
        let token = self.scanner.peek()?;
        self.states.push(State::FlowPairValue);
        match token.kind {
            Kind::Value | Kind::FlowEntry | Kind::FlowSeqEnd => {
                self.take(token);
                self.absent()
            }
            _ => self.node(false, false),
        }
    }

    fn flow_pair_value(&mut self) -> Result<()> {
        let token = self.scanner.peek()?;
        self.states.push(State::FlowPairEnd);
        if token.kind == Kind::Value {
            self.take(token);
            if !matches!(self.scanner.peek()?.kind, Kind::FlowEntry | Kind::FlowSeqEnd) {
                return self.node(false, false);
            }
        }
        self.absent()
    }

    fn flow_map_key(&mut self, first: bool) -> Result<()> {
        let mut token = self.scanner.peek()?;
        if token.kind != Kind::FlowMapEnd && !first {
            if token.kind != Kind::FlowEntry {
                return self.unclosed(token, Problem::MissingComma('}'));
            }
            self.take(token);
            token = self.scanner.peek()?;
        }
        match token.kind {
            Kind::FlowMapEnd => {
                self.take(token);
                self.close();
                Ok(())
            }
            Kind::Key => {
                self.states.push(State::FlowMapKey { first: false });
                self.scanner.skip();
                self.states.push(State::FlowMapValue);
                match self.scanner.peek()?.kind {
                    Kind::Value | Kind::FlowEntry | Kind::FlowMapEnd => self.absent(),
                    _ => self.node(false, false),
                }
            }
            _ => {
                self.states.push(State::FlowMapKey { first: false });
                self.states.push(State::FlowMapNoValue);
                self.node(false, false)
            }
        }
    }

    fn flow_map_value(&mut self) -> Result<()> {
        let token = self.scanner.peek()?;
        if token.kind == Kind::Value {
            self.take(token);
            if !matches!(self.scanner.peek()?.kind, Kind::FlowEntry | Kind::FlowMapEnd) {
                return self.node(false, false);
            }
        }
        self.absent()
    }

    // From here on: writing nodes.

    fn absent(&mut self) -> Result<()> {
        self.nothing(Properties::default())
    }

    /// A scalar of which nothing was written, but perhaps its tag.
    fn nothing(&mut self, properties: Properties<'t>) -> Result<()> {
        let span = Span { start: self.end as u32, end: self.end as u32 };
        let tag = properties.tag.unwrap_or(Tag::None);
        self.scalar(Written { span, style: Style::Absent, tag, indent: 0 }, properties)
    }

    fn expects_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_map && frame.key.is_none())
    }

    fn scalar(&mut self, written: Written, properties: Properties<'t>) -> Result<()> {
        if self.expects_key() {
            if let Some(name) = properties.anchor {
                self.anchors.insert(name, Target::Key(written));
            }
            return self.key(written, properties.merge);
        }
        let raw = self.text.get(written.span.range()).unwrap_or_default();
        match scalar::validity(raw, written.style, written.tag, written.indent) {
            Validity::Fine => {}
            Validity::Mismatch => return Err(SyntaxError::new(written.span.start as usize, Problem::TagMismatch)),
            Validity::NotFinite => self.not_finite = true,
        }
        if let Some(name) = properties.anchor {
            self.anchors.insert(name, Target::Node(self.next_index()));
        }
        self.push(written.span, written.style, written.tag, written.indent, 0);
        Ok(())
    }

    fn key(&mut self, written: Written, merge_tag: bool) -> Result<()> {
        let at = written.span.start as usize;
        let refuse = |problem| Err(SyntaxError::new(at, problem));
        if written.indent > 0 {
            return refuse(Problem::BlockKey);
        }
        let quoted = matches!(written.style, Style::SingleQuoted | Style::DoubleQuoted);
        let margin = u32::from(quoted);
        let span = Span { start: written.span.start + margin, end: written.span.end - margin };
        let raw = self.text.get(span.range()).unwrap_or_default();
        let flags = match scalar::key(raw, written.style, written.tag) {
            Key::Text(text) if text == raw => 0,
            Key::Text(_) => KEY_NEEDS_DECODING,
            Key::Refused => return refuse(Problem::KeyRefused),
            Key::Mismatch => return refuse(Problem::TagMismatch),
        };
        let plain = written.style == Style::Plain && written.tag == Tag::None;
        let is_merge = (plain || merge_tag) && text::decode_inner(raw, written.style, 0) == "<<";
        let flags = if is_merge { flags | MERGE } else { flags };
        self.has_merge |= is_merge;
        // An absent key would look like none at all.
        let style = if written.style == Style::Absent { Style::DoubleQuoted } else { written.style };
        if let Some(frame) = self.frames.last_mut() {
            frame.key = Some(EntryKey { span, style, tag: written.tag, flags });
        }
        Ok(())
    }

    fn alias(&mut self, span: Span) -> Result<()> {
        let name = self.text.get(span.range()).unwrap_or_default();
        let at = span.start as usize - 1;
        let Some(&target) = self.anchors.get(name) else {
            return Err(SyntaxError::new(at, Problem::UnknownAnchor(name.to_owned())));
        };
        if self.expects_key() {
            let written = match target {
                Target::Key(written) => written,
                Target::Node(index) => self.scalar_at(index).ok_or(SyntaxError::new(at, Problem::CollectionAsKey))?,
            };
            return self.key_from_alias(written);
        }
        match target {
            Target::Key(written) => {
                self.push(written.span, written.style, written.tag, written.indent, ALIASED);
            }
            Target::Node(target) => {
                let use_index = self.aliases.len() as u32;
                self.aliases.push(Alias { target, span });
                let reference = Span { start: use_index, end: use_index };
                self.push(reference, Style::Absent, Tag::None, 0, REFERENCE);
            }
        }
        Ok(())
    }

    fn key_from_alias(&mut self, written: Written) -> Result<()> {
        self.key(written, false)?;
        // An alias is never a merge key, whatever it names.
        if let Some(key) = self.frames.last_mut().and_then(|frame| frame.key.as_mut()) {
            key.flags = key.flags & !MERGE | KEY_ALIASED;
        }
        Ok(())
    }

    /// The scalar at a node, through aliases of aliases.
    fn scalar_at(&self, mut index: u32) -> Option<Written> {
        loop {
            let node = self.nodes.get(self.base + index as usize)?;
            if node.flags & REFERENCE != 0 {
                index = self.aliases.get(node.value.start as usize)?.target;
                continue;
            }
            let style = node.styles.value();
            let collection = matches!(style, Style::BlockMap | Style::FlowMap | Style::BlockSeq | Style::FlowSeq);
            let written = Written { span: node.value, style, tag: node.tags.value(), indent: node.indent };
            return (!collection).then_some(written);
        }
    }

    fn next_index(&self) -> u32 {
        (self.nodes.len() - self.base) as u32
    }

    fn push(&mut self, value: Span, style: Style, tag: Tag, indent: u8, flags: u8) {
        let key = self.frames.last_mut().and_then(|frame| frame.key.take());
        let next = self.next_index() + 1;
        let (key, key_style, key_tag, key_flags) =
            key.map_or((Span::default(), Style::Absent, Tag::None, 0), |key| (key.span, key.style, key.tag, key.flags));
        self.nodes.push(Node {
            key,
            value,
            next,
            styles: Pair::<Style>::new(style, key_style),
            tags: Pair::<Tag>::new(tag, key_tag),
            flags: flags | key_flags,
            indent,
        });
    }

    fn open(&mut self, style: Style, start: u32, anchor: Option<&'t str>) -> Result<()> {
        if self.expects_key() {
            return Err(SyntaxError::new(start as usize, Problem::CollectionAsKey));
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(SyntaxError::new(start as usize, Problem::TooDeep));
        }
        let node = self.next_index();
        if let Some(name) = anchor {
            self.anchors.insert(name, Target::Node(node));
        }
        self.push(Span { start, end: start }, style, Tag::None, 0, 0);
        let is_map = matches!(style, Style::BlockMap | Style::FlowMap);
        self.frames.push(Frame { node, is_map, key: None });
        Ok(())
    }

    fn close(&mut self) {
        let next = self.next_index();
        let Some(frame) = self.frames.pop() else { return };
        if let Some(node) = self.nodes.get_mut(self.base + frame.node as usize) {
            node.value.end = self.end as u32;
            node.next = next;
        }
    }
}

/// What a tag does to a scalar.
fn tag(name: &str) -> Tag {
    match name.strip_prefix("tag:yaml.org,2002:") {
        Some("int") => Tag::Int,
        Some("float") => Tag::Float,
        Some("bool") => Tag::Bool,
        Some("null") => Tag::Null,
        Some("binary") => Tag::Binary,
        Some("timestamp") => Tag::Timestamp,
        _ => Tag::Str,
    }
}
