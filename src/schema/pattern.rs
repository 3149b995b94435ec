//! Go's regular expressions (RE2 syntax) on the `regex` crate.
//!
//! The two engines agree on what a match is but not on the spelling: the crate reads `[` inside a class as a nested class, `&&`
//! as an intersection, `\d \s \w \b` by Unicode, and takes much that Go refuses. So a pattern is read by Go's grammar here and
//! written anew for the crate. This module must not know schemas; a pattern that Go refuses is an error, never a guess.

use std::fmt;
use std::fmt::Write as _;

use regex::{Regex, RegexBuilder};

/// Go's bounds: repetition counts, also multiplied over nested ones, and nesting of groups.
const MAX_REPEAT: u32 = 1000;
const MAX_DEPTH: usize = 1000;
/// Memory for one compiled pattern. Go has a bound of the same order.
const SIZE_LIMIT: usize = 64 << 20;

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// Go refuses it; the words say why.
    Syntax(&'static str),
    /// Go may take it, this program does not: too large, or a Unicode class that it does not know.
    NotSupported(String),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(why) => write!(f, "not a regular expression of Go (RE2): {why}"),
            Self::NotSupported(why) => write!(f, "regular expression not supported here: {why}"),
        }
    }
}

impl std::error::Error for PatternError {}

/// A compiled pattern. Like Go's, it searches: without `^` and `$` it matches anywhere.
#[derive(Clone, Debug)]
pub struct GoPattern {
    regex: Regex,
}

impl GoPattern {
    /// Compiles a pattern written in Go's syntax.
    pub fn compile(pattern: &str) -> Result<Self, PatternError> {
        let translated = Translator::new(pattern).translate()?;
        let regex = RegexBuilder::new(&translated)
            .size_limit(SIZE_LIMIT)
            .nest_limit(4 * MAX_DEPTH as u32)
            .build()
            .map_err(|error| PatternError::NotSupported(error.to_string()))?;
        Ok(Self { regex })
    }

    /// Whether the text holds a match.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The leftmost match.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.regex.find(text).map(|found| found.as_str())
    }

    /// All matches that do not overlap, from left to right; as in Go, none empty right behind another.
    pub fn find_all<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.regex.find_iter(text).map(|found| found.as_str())
    }
}

/// What the last thing read was, for the repetition operators.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// Nothing that can be repeated.
    Nothing,
    /// Something that can; with the product of the repetitions in it.
    Atom(u32),
    /// A repetition: may not be repeated again.
    Repeated(u32),
}

impl Last {
    fn weight(self) -> u32 {
        match self {
            Self::Nothing => 1,
            Self::Atom(weight) | Self::Repeated(weight) => weight,
        }
    }
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
    /// Weights of the enclosing groups so far.
    groups: Vec<u32>,
    weight: u32,
    last: Last,
}

type Outcome<T> = Result<T, PatternError>;

fn refuse<T>(why: &'static str) -> Outcome<T> {
    Err(PatternError::Syntax(why))
}

impl<'p> Translator<'p> {
    fn new(pattern: &'p str) -> Self {
        Self { rest: pattern, out: String::new(), groups: Vec::new(), weight: 1, last: Last::Nothing }
    }

    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        self.rest.strip_prefix(prefix).map(|rest| self.rest = rest).is_some()
    }

    fn atom(&mut self) {
        self.last = Last::Atom(1);
    }

    fn translate(mut self) -> Outcome<String> {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.take();
                    self.out.push('|');
                    self.last = Last::Nothing;
                }
                '.' | '^' | '$' => {
                    self.take();
                    self.out.push(c);
                    self.atom();
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.take();
                    self.repeat(&c.to_string(), 1)?;
                }
                '{' => self.counted()?,
                '\\' => self.escape()?,
                _ => {
                    self.take();
                    self.literal(c);
                }
            }
        }
        if self.groups.is_empty() { Ok(self.out) } else { refuse("missing closing )") }
    }

    fn literal(&mut self, c: char) {
        push_char(&mut self.out, u32::from(c));
        self.atom();
    }

    fn open(&mut self) -> Outcome<()> {
        self.take();
        if self.groups.len() >= MAX_DEPTH {
            return refuse("nested too deeply");
        }
        if self.eat("?") {
            if self.rest.starts_with("P<") || self.rest.starts_with('<') {
                self.name()?;
                self.out.push('(');
            } else if self.flags()? {
                // Flags alone, for the rest of the enclosing group.
                return Ok(());
            }
        } else {
            self.out.push('(');
        }
        self.groups.push(self.weight);
        self.weight = 1;
        self.last = Last::Nothing;
        Ok(())
    }

    fn name(&mut self) -> Outcome<()> {
        self.eat("P");
        self.eat("<");
        let Some((name, rest)) = self.rest.split_once('>') else { return refuse("invalid named capture") };
        let is_word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_word {
            return refuse("invalid named capture");
        }
        self.rest = rest;
        Ok(())
    }

    /// `(?i-s)` and `(?i-s:`; true for the former.
    fn flags(&mut self) -> Outcome<bool> {
        let (mut on, mut off) = (String::new(), String::new());
        let (mut negative, mut any) = (false, false);
        loop {
            match self.take() {
                Some(c @ ('i' | 'm' | 's' | 'U')) => {
                    // The crate refuses a flag written twice; Go does not mind, and off wins over on.
                    on.retain(|known| known != c);
                    off.retain(|known| known != c || negative);
                    let list = if negative { &mut off } else { &mut on };
                    if !list.contains(c) {
                        list.push(c);
                    }
                    any = true;
                }
                Some('-') if !negative => {
                    negative = true;
                    any = false;
                }
                Some(end @ (':' | ')')) => {
                    if negative && !any {
                        return refuse("missing flag after -");
                    }
                    let dash = if off.is_empty() { "" } else { "-" };
                    let alone = end == ')';
                    if alone && on.is_empty() && off.is_empty() {
                        self.out.push_str("(?:)");
                    } else {
                        let _ = write!(self.out, "(?{on}{dash}{off}{end}");
                    }
                    return Ok(alone);
                }
                _ => return refuse("invalid or unsupported syntax after (?"),
            }
        }
    }

    fn close(&mut self) -> Outcome<()> {
        self.take();
        let Some(outer) = self.groups.pop() else { return refuse("unexpected )") };
        self.out.push(')');
        self.last = Last::Atom(self.weight);
        self.weight = self.weight.max(outer);
        Ok(())
    }

    fn repeat(&mut self, operator: &str, times: u32) -> Outcome<()> {
        let weight = match self.last {
            Last::Nothing => return refuse("missing argument to repetition operator"),
            Last::Repeated(_) => return refuse("invalid nested repetition operator"),
            Last::Atom(weight) => weight.saturating_mul(times.max(1)),
        };
        if weight > MAX_REPEAT {
            return refuse("invalid repeat count");
        }
        self.out.push_str(operator);
        if self.eat("?") {
            self.out.push('?');
        }
        self.last = Last::Repeated(if times == 0 { 1 } else { weight });
        self.weight = self.weight.max(self.last.weight());
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,3}`; anything else is a literal brace.
    fn counted(&mut self) -> Outcome<()> {
        let Some((bounds, rest)) = self.rest[1..].split_once('}') else {
            self.take();
            self.literal('{');
            return Ok(());
        };
        let (low, high) = bounds.split_once(',').map_or((bounds, None), |(low, high)| (low, Some(high)));
        let (Some(low), Some(high)) =
            (number(low), high.map_or(Some(None), |h| if h.is_empty() { Some(None) } else { number(h).map(Some) }))
        else {
            self.take();
            self.literal('{');
            return Ok(());
        };
        if low > MAX_REPEAT || high.is_some_and(|high| high > MAX_REPEAT || low > high) {
            return refuse("invalid repeat count");
        }
        let open_end = high.is_none() && bounds.contains(',');
        let operator = match high {
            Some(high) => format!("{{{low},{high}}}"),
            None if open_end => format!("{{{low},}}"),
            None => format!("{{{low}}}"),
        };
        self.rest = rest;
        self.repeat(&operator, high.unwrap_or(low))
    }

    fn escape(&mut self) -> Outcome<()> {
        if self.eat("\\Q") {
            let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            quoted.chars().for_each(|c| self.literal(c));
            self.rest = rest;
            return Ok(());
        }
        let assertion = match self.rest.as_bytes().get(1) {
            Some(b'A') => Some(r"\A"),
            Some(b'z') => Some(r"\z"),
            Some(b'b') => Some(r"(?-u:\b)"),
            Some(b'B') => Some(r"(?-u:\B)"),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.rest = &self.rest[2..];
            self.out.push_str(assertion);
            self.atom();
            return Ok(());
        }
        let mut class = String::new();
        if self.named_class(&mut class)? {
            let _ = write!(self.out, "[{class}]");
        } else {
            let c = self.escaped_char()?;
            push_char(&mut self.out, c);
        }
        self.atom();
        Ok(())
    }

    /// `\d`, `\pN`, `\p{Greek}` and their negations, written as an item of a class.
    fn named_class(&mut self, class: &mut String) -> Outcome<bool> {
        let mut chars = self.rest.chars();
        chars.next();
        let Some(letter) = chars.next() else { return Ok(false) };
        let perl = match letter {
            'd' => "0-9",
            'D' => "[^0-9]",
            's' => r"\t\n\x0C\r ",
            'S' => r"[^\t\n\x0C\r ]",
            'w' => "0-9A-Za-z_",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => {
                self.rest = chars.as_str();
                class.push_str(&self.unicode_class(letter == 'P')?);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        class.push_str(perl);
        self.rest = chars.as_str();
        Ok(true)
    }

    fn unicode_class(&mut self, negated: bool) -> Outcome<String> {
        let name = if self.eat("{") {
            let Some((name, rest)) = self.rest.split_once('}') else { return refuse("invalid character class range") };
            self.rest = rest;
            name.to_owned()
        } else {
            self.take().map(String::from).unwrap_or_default()
        };
        let (negated, name) = match name.strip_prefix('^') {
            Some(name) => (!negated, name),
            None => (negated, name.as_str()),
        };
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' '));
        let letter = if negated { 'P' } else { 'p' };
        // Go knows general categories and scripts, and no other property.
        let known = |kind: &str| Regex::new(&format!("\\p{{{kind}{name}}}")).is_ok();
        if plain && ["any", "ascii", "assigned"].contains(&name.to_ascii_lowercase().as_str()) {
            return Ok(format!("\\{letter}{{{name}}}"));
        }
        // Scripts go by their names there, not by their four-letter codes; these names have four letters.
        let short = ["ahom", "cham", "kawi", "lisu", "modi", "newa", "thai", "toto"];
        let kinds: &[&str] = if name.len() == 4 && !short.contains(&name.to_ascii_lowercase().as_str()) {
            &["gc="]
        } else {
            &["gc=", "sc="]
        };
        match kinds.iter().find(|kind| plain && known(kind)) {
            Some(kind) => Ok(format!("\\{letter}{{{kind}{name}}}")),
            None => refuse("invalid character class range"),
        }
    }

    /// An escape that stands for one character; the backslash is not yet read.
    fn escaped_char(&mut self) -> Outcome<u32> {
        self.take();
        let Some(c) = self.take() else { return refuse("trailing backslash at end of expression") };
        Ok(match c {
            'a' => 7,
            'f' => 12,
            't' => 9,
            'n' => 10,
            'r' => 13,
            'v' => 11,
            'x' => self.hexadecimal()?,
            '1'..='7' if !self.rest.starts_with(|next| ('0'..='7').contains(&next)) => {
                return refuse("invalid escape sequence (there are no backreferences)");
            }
            '0'..='7' => {
                let mut value = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.rest.chars().next().and_then(|next| next.to_digit(8)) else { break };
                    self.take();
                    value = value * 8 + digit;
                }
                value
            }
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => u32::from(c),
            _ => return refuse("invalid escape sequence"),
        })
    }

    fn hexadecimal(&mut self) -> Outcome<u32> {
        const INVALID: &str = "invalid escape sequence";
        let digits = if self.eat("{") {
            let Some((digits, rest)) = self.rest.split_once('}') else { return refuse(INVALID) };
            self.rest = rest;
            digits
        } else {
            let Some((digits, rest)) = self.rest.split_at_checked(2) else { return refuse(INVALID) };
            self.rest = rest;
            digits
        };
        let significant = digits.trim_start_matches('0');
        if digits.is_empty() || significant.len() > 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return refuse(INVALID);
        }
        let value = u32::from_str_radix(significant, 16).unwrap_or(0);
        if value > u32::from(char::MAX) { refuse(INVALID) } else { Ok(value) }
    }

    fn class(&mut self) -> Outcome<()> {
        const MISSING: &str = "missing closing ]";
        self.take();
        let mut class = String::from("[");
        if self.eat("^") {
            class.push('^');
        }
        let mut first = true;
        loop {
            match self.rest.chars().next() {
                None => return refuse(MISSING),
                Some(']') if !first => break,
                _ => {}
            }
            first = false;
            if self.posix_class(&mut class)? || (self.rest.starts_with('\\') && self.named_class(&mut class)?) {
                continue;
            }
            let low = self.class_char()?;
            let is_range = self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1;
            let high = if is_range {
                self.take();
                self.class_char()?
            } else {
                low
            };
            if high < low {
                return refuse("invalid character class range");
            }
            push_range(&mut class, low, high);
        }
        self.take();
        class.push(']');
        self.out.push_str(&class);
        self.atom();
        Ok(())
    }

    fn class_char(&mut self) -> Outcome<u32> {
        if self.rest.starts_with('\\') {
            return self.escaped_char();
        }
        self.take().map_or_else(|| refuse("missing closing ]"), |c| Ok(u32::from(c)))
    }

    /// `[:alpha:]`; without its end, `[` is a literal.
    fn posix_class(&mut self, class: &mut String) -> Outcome<bool> {
        let Some((name, rest)) = self.rest.strip_prefix("[:").and_then(|after| after.split_once(":]")) else {
            return Ok(false);
        };
        let (negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
        let ranges = match name {
            "alnum" => "0-9A-Za-z",
            "alpha" => "A-Za-z",
            "ascii" => r"\x00-\x7F",
            "blank" => r"\t ",
            "cntrl" => r"\x00-\x1F\x7F",
            "digit" => "0-9",
            "graph" => "\\x21-\\x7E",
            "lower" => "a-z",
            "print" => "\\x20-\\x7E",
            "punct" => r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E",
            "space" => r"\t\n\x0B\x0C\r ",
            "upper" => "A-Z",
            "word" => "0-9A-Za-z_",
            "xdigit" => "0-9A-Fa-f",
            _ => return refuse("invalid character class range"),
        };
        if negated {
            let _ = write!(class, "[^{ranges}]");
        } else {
            class.push_str(ranges);
        }
        self.rest = rest;
        Ok(true)
    }
}

/// A decimal number as Go reads it in repetitions: no leading zero, and no more than fits.
fn number(text: &str) -> Option<u32> {
    let well_formed =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    well_formed.then(|| text.parse().unwrap_or(u32::MAX))
}

/// Writes one character for the crate. A surrogate is none: it matches nothing.
fn push_char(out: &mut String, c: u32) {
    match char::from_u32(c) {
        Some(c) if c.is_ascii_alphanumeric() => out.push(c),
        Some(_) => {
            let _ = write!(out, "\\x{{{c:X}}}");
        }
        None => out.push_str(r"[^\x{0}-\x{10FFFF}]"),
    }
}

/// Writes a range of a class, leaving out the surrogates.
fn push_range(out: &mut String, low: u32, high: u32) {
    for (low, high) in [(low, high.min(0xD7FF)), (low.max(0xE000), high)] {
        if low <= high {
            let _ =
                if low == high { write!(out, "\\x{{{low:X}}}") } else { write!(out, "\\x{{{low:X}}}-\\x{{{high:X}}}") };
        }
    }
    if low >= 0xD800 && high <= 0xDFFF {
        out.push_str(r"[^\x{0}-\x{10FFFF}]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        GoPattern::compile(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}")).is_match(text)
    }

    #[test]
    fn perl_classes_are_ascii() {
        assert!(matches(r"^\d$", "7") && !matches(r"^\d$", "٧"));
        assert!(!matches(r"^\s$", "\u{b}") && matches(r"^[[:space:]]$", "\u{b}"));
        assert!(matches(r"^\w$", "a") && !matches(r"^\w$", "ä") && matches(r"^\W$", "ä"));
        assert!(matches(r"ä\b", "äb") || matches(r"\bb", "äb"));
    }

    #[test]
    fn what_the_crate_would_misread() {
        assert!(matches(r"^[-_[A-Za-z0-9]+$", "a[b"));
        assert!(matches(r"^[a&&b]+$", "&ab") && matches(r"^[a~~b]+$", "~"));
        assert!(matches("^a{,2}$", "a{,2}") && matches("^{$", "{") && matches("^a{2$", "a{2"));
        assert!(matches(r"^\Qa.b\E+$", "a.bbb") && !matches(r"^\Qa.b\E$", "axb"));
        assert!(matches("^a$", "a") && !matches("^a$", "a\n"));
        assert!(matches(r"^[]a]$", "]") && matches(r"^[^]a]$", "b"));
        assert!(matches(r"^\pN\p{Greek}\P{^L}$", "1αx"));
        assert!(matches("^(?:#| )+$", "# "));
    }

    #[test]
    fn what_go_refuses() {
        for bad in [
            "(?=a)",
            r"\1",
            r"\C",
            r"\Z",
            "a**",
            "a{1001}",
            "(a{100}){100}",
            "a{3,2}",
            "*",
            "(|*)",
            "[b-a]",
            "(",
            ")",
            "[a",
            r"\",
            "(?P<>a)",
            "(?x)a",
            r"\p{Alphabetic}",
            "[[:foo:]]",
            r"\u0041",
            r"[\b]",
            "(?i-)a",
            r"\x{110000}",
        ] {
            assert!(matches!(GoPattern::compile(bad), Err(PatternError::Syntax(_))), "{bad}");
        }
    }
}
