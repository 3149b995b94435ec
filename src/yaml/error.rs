//! Why a document cannot be read, in words for a person.

use std::fmt;

/// A document that Kubernetes' reader refuses (or that goes beyond a limit of ours).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where in the document's text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub problem: Problem,
    /// Where the thing began that is wrong, if that is another place: the opening quote, the open bracket.
    pub began: Option<usize>,
}

impl SyntaxError {
    pub(super) fn new(offset: usize, problem: Problem) -> Self {
        Self { offset, problem, began: None }
    }

    pub(super) fn began(self, began: usize) -> Self {
        Self { began: Some(began), ..self }
    }

    /// What to type instead, where that is plain.
    pub fn help(&self) -> Option<&'static str> {
        self.problem.help()
    }
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// A control character, NUL among them.
    ControlCharacter(char),
    /// 4 GiB or more in one document.
    TooLarge,
    /// Collections nested beyond [`super::MAX_DEPTH`].
    TooDeep,
    /// A tab in the indentation.
    TabIndent,
    /// A character that starts nothing: `@`, `` ` ``, `%`.
    StrayCharacter(char),
    /// `key: value: more`.
    NestedColon,
    /// A line without `:` where a key is due.
    MissingColon,
    /// `- item` where no list can begin.
    StrayDash,
    /// `? key` where no key can begin.
    StrayQuestionMark,
    /// The indentation fits no open mapping or list.
    BadIndentation,
    /// A quote that is never closed.
    OpenQuote(char),
    /// `---` or `...` at the start of a line inside quotes.
    SeparatorInQuotes,
    /// A backslash sequence that YAML does not know.
    UnknownEscape(Option<char>),
    /// `\x`, `\u`, `\U` without enough hexadecimal digits.
    BadHexEscape,
    /// An escape for half a surrogate pair, or beyond Unicode.
    BadUnicodeEscape,
    /// Text behind `|` or `>`.
    BadBlockHeader,
    /// A block scalar's indentation given as 0.
    ZeroIndicator,
    /// A block scalar's indentation given explicitly, and deeper than 255 columns.
    IndicatorTooDeep,
    /// Neither `,` nor the closing bracket.
    MissingComma(char),
    /// A bracket that is never closed.
    OpenBracket(char),
    /// A value is due and something else stands there.
    MissingValue,
    /// An alias to an anchor that is not defined above.
    UnknownAnchor(String),
    /// An alias inside its own anchor.
    SelfReference(String),
    /// Aliases that multiply the document.
    ExcessiveAliasing,
    /// `&` or `*` without a proper name.
    BadAnchor,
    /// A tag that cannot be read.
    BadTag,
    /// A tag whose `!handle!` nobody declared.
    UnknownTagHandle,
    /// A `%` directive that cannot be read, or stands without `---`.
    BadDirective,
    /// A mapping or a list as a key.
    CollectionAsKey,
    /// `null`, or a number beyond 63 bits, as a key.
    KeyRefused,
    /// A block scalar with an explicit indentation as a key: Kubernetes' reader takes it, we do not.
    BlockKey,
    /// `<<` with something that is no mapping.
    BadMerge,
    /// The text is not what its tag says.
    TagMismatch,
    /// Infinity or not-a-number.
    NotFinite,
    /// Something other than a comment behind `---`.
    TextAfterSeparator,
}

impl Problem {
    /// What to type instead, where that is plain.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotUtf8 => "save the file as UTF-8",
            Self::ControlCharacter(_) => "remove it, or write it as an escape inside double quotes: \"\\x07\"",
            Self::TabIndent => "indent with spaces",
            Self::StrayCharacter(_) | Self::NestedColon => "put the value in quotes",
            Self::MissingColon => "write `key: value`, or put the text on the line of its key",
            Self::StrayDash => "start the list on a line of its own, below its key",
            Self::BadIndentation => "align the line with the entries it belongs to",
            Self::OpenQuote(_) | Self::SeparatorInQuotes => "close the quote",
            Self::UnknownEscape(_) | Self::BadHexEscape => {
                "write `\\\\` for a backslash, or use single quotes, where a backslash is a backslash"
            }
            Self::BadUnicodeEscape => "write the character itself, or one escape of the form `\\U0001F600`",
            Self::BadBlockHeader => "begin the text on the next line, indented",
            Self::MissingComma(_) | Self::OpenBracket(_) => "check the brackets, braces and commas",
            Self::TextAfterSeparator => "put `---` on a line of its own",
            Self::BadDirective => "remove the line that begins with `%`",
            Self::ExcessiveAliasing => "write the repeated parts out, or template them",
            Self::BlockKey => "write the key on one line, in quotes",
            Self::KeyRefused | Self::TagMismatch => "put it in quotes, without a tag",
            _ => return None,
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("these bytes are not UTF-8"),
            Self::ControlCharacter('\0') => f.write_str("a NUL byte: this is binary data, not YAML"),
            Self::ControlCharacter(character) => {
                write!(f, "control character U+{:04X} is not allowed in YAML", *character as u32)
            }
            Self::TooLarge => f.write_str("one document of 4 GiB or more"),
            Self::TooDeep => write!(f, "nested more than {} levels deep", super::MAX_DEPTH),
            Self::TabIndent => f.write_str("a tab where YAML wants spaces for indentation"),
            Self::StrayCharacter(character) => write!(f, "a value cannot begin with `{character}`"),
            Self::NestedColon => f.write_str("a second `: ` on the line: YAML takes it for a mapping inside a value"),
            Self::MissingColon => f.write_str(
                "this line is no `key: value`: its `:` is missing (or stands on another line, or too far away)",
            ),
            Self::StrayDash => f.write_str("a list item cannot begin here"),
            Self::StrayQuestionMark => f.write_str("a `? key` cannot begin here"),
            Self::BadIndentation => f.write_str("this line's indentation fits nothing above it"),
            Self::OpenQuote(quote) => write!(f, "the quote {quote} is never closed"),
            Self::SeparatorInQuotes => f.write_str("a document separator inside quotes: the quote is never closed"),
            Self::UnknownEscape(Some(character)) => write!(f, "`\\{character}` is no escape that YAML knows"),
            Self::UnknownEscape(None) => f.write_str("a backslash with nothing behind it"),
            Self::BadHexEscape => f.write_str("the escape needs more hexadecimal digits"),
            Self::BadUnicodeEscape => {
                f.write_str("the escape is no character (half of a surrogate pair, or beyond Unicode)")
            }
            Self::BadBlockHeader => f.write_str("text behind `|` or `>`"),
            Self::ZeroIndicator => f.write_str("an indentation of 0 is not allowed behind `|` or `>`"),
            Self::IndicatorTooDeep => f.write_str("an explicit indentation beyond column 255"),
            Self::MissingComma(close) => write!(f, "expected `,` or `{close}`"),
            Self::OpenBracket(open) => write!(f, "the `{open}` is never closed"),
            Self::MissingValue => f.write_str("expected a value here"),
            Self::UnknownAnchor(name) => write!(f, "`*{name}` refers to an anchor that is not defined above it"),
            Self::SelfReference(name) => write!(f, "`*{name}` stands inside its own anchor"),
            Self::ExcessiveAliasing => {
                f.write_str("aliases multiply this document beyond what Kubernetes' reader accepts")
            }
            Self::BadAnchor => f.write_str("`&` or `*` needs a name of letters, digits, `-` and `_`"),
            Self::BadTag => f.write_str("this tag cannot be read"),
            Self::UnknownTagHandle => f.write_str("nobody declared this tag's `!handle!`"),
            Self::BadDirective => {
                f.write_str("a `%` directive that cannot be read, or has no `---` behind it in its document")
            }
            Self::CollectionAsKey => {
                f.write_str("a mapping or a list stands as a key (an unquoted `{{ … }}`, perhaps)")
            }
            Self::KeyRefused => {
                f.write_str("Kubernetes cannot take this as a key: it is read as null or as a huge number")
            }
            Self::BlockKey => f.write_str("a block scalar with an explicit indentation stands as a key"),
            Self::BadMerge => f.write_str("`<<` wants a mapping, or a list of mappings"),
            Self::TagMismatch => f.write_str("the value is not what its tag says"),
            Self::NotFinite => f.write_str("infinity and not-a-number cannot be sent to Kubernetes"),
            Self::TextAfterSeparator => {
                f.write_str("text behind the document separator `---`: kubectl refuses the stream here")
            }
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for SyntaxError {}
