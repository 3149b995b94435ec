//! E-mail addresses as Go's `net/mail.ParseAddress` reads them: the format `email` of CRDs.
//!
//! More is taken than a mail server would take (`Jo <jo@x>`, comments, groups of one), since the API server takes it too.

use std::net::IpAddr;

/// Whether the text is one address.
pub fn is_address(text: &str) -> bool {
    let mut reader = Reader { rest: text };
    reader.address(true) == Some(1) && reader.skip_comments() && reader.rest.is_empty()
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        self.rest.strip_prefix(c).map(|rest| self.rest = rest).is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Space and comments; false where a comment does not end.
    fn skip_comments(&mut self) -> bool {
        self.skip_space();
        while self.eat('(') {
            if !self.comment() {
                return false;
            }
            self.skip_space();
        }
        true
    }

    /// The rest of a comment, its opening bracket already read.
    fn comment(&mut self) -> bool {
        let mut depth = 1_u32;
        while depth > 0 {
            let Some(c) = self.peek() else { return false };
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '\\' => {
                    let escaped = self.peek().map_or(0, char::len_utf8);
                    self.rest = &self.rest[escaped..];
                }
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
        }
        true
    }

    /// One mailbox or one group; how many mailboxes it holds.
    fn address(&mut self, groups: bool) -> Option<usize> {
        self.skip_space();
        self.peek()?;
        let start = *self;
        if self.mailbox().is_some() {
            self.skip_space();
            if self.eat('(') && !self.comment() {
                return None;
            }
            return Some(1);
        }
        *self = start;
        if self.peek() != Some('<') {
            self.phrase()?;
        }
        self.skip_space();
        if groups && self.eat(':') {
            return self.group();
        }
        (self.eat('<') && self.mailbox().is_some() && self.eat('>')).then_some(1)
    }

    fn group(&mut self) -> Option<usize> {
        self.skip_space();
        if self.eat(';') {
            return self.skip_comments().then_some(0);
        }
        let mut members = 0;
        loop {
            self.skip_space();
            members += self.address(false)?;
            if !self.skip_comments() {
                return None;
            }
            if self.eat(';') {
                return self.skip_comments().then_some(members);
            }
            if !self.eat(',') {
                return None;
            }
        }
    }

    /// `local@domain`.
    fn mailbox(&mut self) -> Option<()> {
        self.skip_space();
        if self.peek()? == '"' {
            self.quoted().filter(|held| *held)?;
        } else {
            self.atom(false)?;
        }
        if !self.eat('@') {
            return None;
        }
        self.skip_space();
        if self.peek()? == '[' { self.literal_domain() } else { self.atom(false).map(|_| ()) }
    }

    fn phrase(&mut self) -> Option<()> {
        let mut words = 0;
        loop {
            if words > 0 && !self.skip_comments() {
                return None;
            }
            self.skip_space();
            let Some(first) = self.peek() else { break };
            let before = *self;
            let word = if first == '"' { self.quoted().map(|_| true) } else { self.atom(true).map(is_readable) };
            match word {
                Some(true) => words += 1,
                // An encoded word in a character set that the server cannot read ends the phrase, behind the word.
                Some(false) => break,
                None => {
                    *self = before;
                    break;
                }
            }
        }
        (words > 0).then_some(())
    }

    /// A quoted string; whether it holds anything.
    fn quoted(&mut self) -> Option<bool> {
        let mut chars = self.rest.char_indices();
        chars.next();
        let (mut escaped, mut held) = (false, false);
        for (at, c) in chars {
            match c {
                _ if escaped => {
                    if !is_visible(c) && !is_space(c) {
                        return None;
                    }
                    escaped = false;
                    held = true;
                }
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(held);
                }
                '\\' => escaped = true,
                _ if is_visible(c) || is_space(c) => held = true,
                _ => return None,
            }
        }
        None
    }

    /// An atom with dots; where `loose`, the dots may stand anywhere.
    fn atom(&mut self, loose: bool) -> Option<&'a str> {
        let end = self.rest.find(|c| !is_atom_text(c)).unwrap_or(self.rest.len());
        let (atom, rest) = self.rest.split_at(end);
        let well_formed = loose || !(atom.starts_with('.') || atom.ends_with('.') || atom.contains(".."));
        if atom.is_empty() || !well_formed {
            return None;
        }
        self.rest = rest;
        Some(atom)
    }

    /// `[10.0.0.1]`.
    fn literal_domain(&mut self) -> Option<()> {
        let (domain, rest) = self.rest.strip_prefix('[')?.split_once(']')?;
        domain.parse::<IpAddr>().ok()?;
        self.rest = rest;
        Some(())
    }
}

/// Whether a word of a phrase is none that is encoded in a character set foreign to Go (`=?koi8-r?q?…?=`).
fn is_readable(word: &str) -> bool {
    let Some(inner) = word.strip_prefix("=?").and_then(|w| w.strip_suffix("?=")) else { return true };
    let mut parts = inner.splitn(3, '?');
    let (Some(charset), Some(encoding), Some(text)) = (parts.next(), parts.next(), parts.next()) else { return true };
    let well_formed =
        word.len() >= 8 && !charset.is_empty() && ["q", "Q", "b", "B"].contains(&encoding) && !text.contains('?');
    !well_formed
        || !is_decodable(encoding, text)
        || ["utf-8", "iso-8859-1", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
}

/// Whether the inner text of an encoded word follows its encoding; otherwise Go takes the whole for a plain word.
fn is_decodable(encoding: &str, text: &str) -> bool {
    if encoding.eq_ignore_ascii_case("b") {
        let digits = text.trim_end_matches('=');
        return text.len() % 4 == 0
            && text.len() - digits.len() <= 2
            && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    }
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, b)| match b {
        b'=' => hex(bytes.get(at + 1)) && hex(bytes.get(at + 2)),
        _ => (b' '..=b'~').contains(b),
    })
}

fn is_space(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn is_visible(c: char) -> bool {
    ('!'..='~').contains(&c) || !c.is_ascii()
}

fn is_atom_text(c: char) -> bool {
    is_visible(c) && !matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | '\\' | ',' | '"')
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses() {
        for good in [
            "jo@x",
            "Jo <jo@x.org>",
            "\"a b\"@x",
            "jo@[10.0.0.1]",
            "jo@x (Jo)",
            "Jo D. <jo@x>",
            " jo@x ",
            "g: jo@x;",
            "ä@ö",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "", "jo", "jo@", "@x", "jo@x.", ".jo@x", "j..o@x", "a@x, b@x", "jo@[x]", "Jo <jo@x", "g:;", "jo@x (",
            "a b@x",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
