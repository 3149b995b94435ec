//! The parser for everything: it takes what Go's reader takes and refuses what that refuses. Slower than
//! [`super::block`], which is for what charts emit.
//!
//! A grammar over [`super::scan`]'s tokens with a stack of its own, so that deep nesting cannot overflow ours. Aliases and
//! merge keys are left as references here; [`super::expand`] puts the content in.

use super::build::{Builder, Properties, Written};
use super::error::{Problem, SyntaxError};
use super::scan::{Kind, Scanner, Token};
use super::tape::{Node, Style, Tag};
use super::{expand, lex, text};

/// What the parser writes besides nodes.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Where text begins that Go's reader never looks at, because the document has ended before it.
    pub ignored: Option<usize>,
    /// An infinity or not-a-number was written: an error, unless a later entry hides it.
    pub not_finite: bool,
    /// It was the fast parser.
    pub is_fast: bool,
}

/// Parses one document onto the end of `nodes`; node indexes count from where it begins.
pub(super) fn parse(text: &str, start: usize, nodes: &mut Vec<Node>) -> Result<Outcome> {
    let base = nodes.len();
    let mut parser = Parser {
        text,
        scanner: Scanner::new(text, start),
        build: Builder::new(text, nodes),
        states: Vec::new(),
        handles: Vec::new(),
        end: start,
    };
    let ignored = parser.document()?;
    let Builder { aliases, has_merge, not_finite, .. } = parser.build;
    if !aliases.is_empty() || has_merge {
        let raw = nodes.split_off(base);
        expand::expand(text, &raw, &aliases, nodes)?;
    }
    Ok(Outcome { ignored, not_finite, is_fast: false })
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

struct Parser<'t, 'n> {
    text: &'t str,
    scanner: Scanner<'t>,
    build: Builder<'t, 'n>,
    states: Vec<State>,
    handles: Vec<(String, String)>,
    /// Behind the last token that belongs to the node in hand.
    end: usize,
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
        self.ignored()
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
                self.build.close(self.end);
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
            return self.build.alias(token.span);
        }
        let properties = self.properties()?;
        token = self.scanner.peek()?;
        let (style, state) = match token.kind {
            Kind::BlockEntry if indentless => (Style::BlockSeq, State::IndentlessSeq),
            Kind::Scalar(style, indent) => {
                self.take(token);
                let tag = properties.tag.unwrap_or(Tag::None);
                return self.build.scalar(Written { span: token.span, style, tag, indent }, properties);
            }
            Kind::FlowSeqStart => (Style::FlowSeq, State::FlowSeq { first: true }),
            Kind::FlowMapStart => (Style::FlowMap, State::FlowMapKey { first: true }),
            Kind::BlockSeqStart if block => (Style::BlockSeq, State::BlockSeq),
            Kind::BlockMapStart if block => (Style::BlockMap, State::BlockMapKey),
            _ if properties.any => return self.build.nothing(properties, self.end),
            Kind::FlowEntry => return fail(token, Problem::StrayCharacter(',')),
            Kind::FlowSeqEnd => return fail(token, Problem::StrayCharacter(']')),
            Kind::FlowMapEnd => return fail(token, Problem::StrayCharacter('}')),
            Kind::StreamEnd => return self.unclosed(token, Problem::MissingValue),
            _ => return fail(token, Problem::MissingValue),
        };
        if token.kind != Kind::BlockEntry {
            self.take(token);
        }
        self.build.open(style, token.span.start, properties.anchor)?;
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
                self.build.close(self.end);
                Ok(())
            }
            _ => fail(token, Problem::BadIndentation),
        }
    }

    fn indentless_seq(&mut self) -> Result<()> {
        let token = self.scanner.peek()?;
        if token.kind != Kind::BlockEntry {
            self.build.close(self.end);
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
                self.build.close(self.end);
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
                self.build.close(self.end);
                Ok(())
            }
            Kind::Key => {
                self.states.push(State::FlowSeq { first: false });
                self.scanner.skip();
                self.build.open(Style::FlowMap, token.span.start, None)?;
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
                self.build.close(self.end);
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

    fn absent(&mut self) -> Result<()> {
        self.build.nothing(Properties::default(), self.end)
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
