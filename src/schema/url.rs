//! URLs as Go's `net/url` reads them: the format `uri` of CRDs and CEL's `url()`.
//!
//! Go follows RFC 3986 loosely, and the API server with it: a space in the path passes, an absolute path is a URI. This module
//! must not know schemas or CEL.

use std::net::IpAddr;

/// A parsed URL; what CEL can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Lower case; empty where there is none.
    pub scheme: String,
    /// With port, and with brackets around an IPv6 address.
    pub host: String,
    /// The path as it is written in a URL.
    pub escaped_path: String,
    /// Behind the question mark, as written.
    pub query: String,
    /// Everything else, for comparison.
    whole: String,
}

/// Which part of a URL a character stands in: each escapes others.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Query,
    Fragment,
}

/// Whether the text is an absolute URI or an absolute path.
pub fn is_request_uri(text: &str) -> bool {
    parse_reference(text, true).is_some()
}

impl Url {
    /// Reads an absolute URI or an absolute path, with a fragment where it has one.
    pub fn parse(text: &str) -> Option<Self> {
        parse_reference(text, true)?;
        let (reference, fragment) = text.split_once('#').unwrap_or((text, ""));
        unescape(fragment, Part::Fragment)?;
        let mut url = parse_reference(reference, false)?;
        text.clone_into(&mut url.whole);
        Some(url)
    }

    /// Host without port and brackets, and the port.
    pub fn host_and_port(&self) -> (&str, &str) {
        let (host, port) = match self.host.rfind(':') {
            Some(at) if is_optional_port(&self.host[at..]) => (&self.host[..at], &self.host[at + 1..]),
            _ => (self.host.as_str(), ""),
        };
        (host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host), port)
    }

    /// The query's keys with their values, in order of first appearance. What is not well escaped is left out, as in Go.
    pub fn query_values(&self) -> Vec<(String, Vec<String>)> {
        let mut values: Vec<(String, Vec<String>)> = Vec::new();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(key), Some(value)) = (unescape(key, Part::Query), unescape(value, Part::Query)) else { continue };
            let key = String::from_utf8_lossy(&key).into_owned();
            let value = String::from_utf8_lossy(&value).into_owned();
            match values.iter_mut().find(|(known, _)| *known == key) {
                Some((_, list)) => list.push(value),
                None => values.push((key, vec![value])),
            }
        }
        values
    }
}

fn parse_reference(text: &str, absolute: bool) -> Option<Url> {
    if text.bytes().any(|b| b < b' ' || b == 0x7f) || (text.is_empty() && absolute) {
        return None;
    }
    let mut url = Url {
        scheme: String::new(),
        host: String::new(),
        escaped_path: String::new(),
        query: String::new(),
        whole: text.to_owned(),
    };
    if text == "*" {
        "*".clone_into(&mut url.escaped_path);
        return Some(url);
    }
    let (scheme, rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (mut rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    query.clone_into(&mut url.query);
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Some(url);
        }
        if absolute || rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return None;
        }
    }
    let may_have_host = !scheme.is_empty() || (!absolute && !rest.starts_with("///"));
    if let Some(after) = rest.strip_prefix("//").filter(|_| may_have_host) {
        let end = after.find('/').unwrap_or(after.len());
        url.host = parse_authority(&url.scheme, &after[..end])?;
        rest = &after[end..];
    }
    let decoded = unescape(rest, Part::Path)?;
    url.escaped_path = if is_well_encoded(rest) { rest.to_owned() } else { escape_path(&decoded) };
    Some(url)
}

fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' => return (at > 0).then(|| (&text[..at], &text[at + 1..])),
            _ => return Some(("", text)),
        }
    }
    Some(("", text))
}

fn parse_authority(scheme: &str, authority: &str) -> Option<String> {
    let Some((user, host)) = authority.rsplit_once('@') else { return parse_host(scheme, authority) };
    let host = parse_host(scheme, host)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
    if !user.bytes().all(allowed) {
        return None;
    }
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    unescape(name, Part::User)?;
    unescape(password, Part::User)?;
    Some(host)
}

fn parse_host(scheme: &str, host: &str) -> Option<String> {
    let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match host.rfind('[') {
        Some(0) => {
            let end = host.rfind(']')?;
            let port = &host[end + 1..];
            if !is_optional_port(port) {
                return None;
            }
            let name = &host[1..end];
            let name = match name.find("%25") {
                Some(zone) => {
                    lossy(unescape(&name[..zone], Part::Host)?) + &lossy(unescape(&name[zone..], Part::Zone)?)
                }
                None => lossy(unescape(name, Part::Host)?),
            };
            let (address, _) = super::ip::parse_with_zone(&name)?;
            matches!(address, IpAddr::V6(_)).then(|| format!("[{name}]{port}"))
        }
        Some(_) => None,
        None => {
            if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
                let strict = scheme == "http" || scheme == "https";
                if !is_optional_port(&host[if strict { first } else { last }..]) {
                    return None;
                }
            }
            unescape(host, Part::Host).map(lossy)
        }
    }
}

fn is_optional_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
}

fn must_escape(b: u8, part: Part) -> bool {
    match b {
        b if b.is_ascii_alphanumeric() => false,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'[' | b']' | b'<'
        | b'>' | b'"'
            if matches!(part, Part::Host | Part::Zone) =>
        {
            false
        }
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => b == b'?',
            Part::User => matches!(b, b'@' | b'/' | b'?' | b':'),
            Part::Fragment => false,
            Part::Query | Part::Host | Part::Zone => true,
        },
        b'!' | b'(' | b')' | b'*' => part != Part::Fragment,
        _ => true,
    }
}

/// The bytes that an escaped text stands for; `None` where an escape is none, or a host holds what no host may.
fn unescape(text: &str, part: Part) -> Option<Vec<u8>> {
    let in_host = matches!(part, Part::Host | Part::Zone);
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        at += 1;
        match b {
            b'%' => {
                let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
                let value = (digit(at)? * 16 + digit(at + 1)?) as u8;
                let is_percent = value == b'%';
                if part == Part::Host && value < 0x80 && !is_percent {
                    return None;
                }
                if part == Part::Zone && !is_percent && value != b' ' && must_escape(value, Part::Host) {
                    return None;
                }
                out.push(value);
                at += 2;
            }
            b'+' if part == Part::Query => out.push(b' '),
            _ if in_host && b < 0x80 && must_escape(b, part) => return None,
            _ => out.push(b),
        }
    }
    Some(out)
}

fn is_well_encoded(path: &str) -> bool {
    path == "*" || path.bytes().all(|b| b"!$&'()*+,;=:@[]%".contains(&b) || !must_escape(b, Part::Path))
}

fn escape_path(path: &[u8]) -> String {
    let mut out = String::new();
    for &b in path {
        if must_escape(b, Part::Path) {
            out.push_str(&format!("%{b:02X}"));
        } else {
            out.push(char::from(b));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_uri() {
        for good in [
            "/a",
            "https://x",
            "https://x:80/a b",
            "mailto:a@b",
            "http://[::1]:80/",
            "*",
            "http://",
            "http:///",
            "x:",
            "http://a%C3/",
        ] {
            assert!(is_request_uri(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "../a",
            "https://a:b:c/",
            ":a",
            "http://a b/",
            "http://[1.2.3.4]/",
            "/%zz",
            "http://a:8x/",
            "/a\n",
        ] {
            assert!(!is_request_uri(bad), "{bad}");
        }
    }

    #[test]
    fn parts() {
        let url = Url::parse("https://user:pass@[::1]:80/path with?k=1&k=2&l#frag").expect("a url");
        assert_eq!((url.scheme.as_str(), url.host.as_str()), ("https", "[::1]:80"));
        assert_eq!(url.host_and_port(), ("::1", "80"));
        assert_eq!(url.escaped_path, "/path%20with");
        assert_eq!(url.query_values().len(), 2);
    }
}
