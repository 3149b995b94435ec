//! URLs as Go's net/url reads them, which takes nearly everything.

/// The parts of a URL that webhooks look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'t> {
    /// What stands before the colon, or nothing.
    pub scheme: &'t str,
    /// What follows it, without query and fragment.
    pub rest: &'t str,
}

/// Reads a URL; `None` where Go cannot.
pub fn parse(text: &str) -> Option<Url<'_>> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7F) {
        return None;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = scheme(text)?;
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    if !is_escaped(fragment) {
        return None;
    }
    let is_opaque = !scheme.is_empty() && !rest.starts_with('/');
    if is_opaque {
        return Some(Url { scheme, rest });
    }
    if !rest.starts_with('/') && rest.split('/').next().is_some_and(|first| first.contains(':')) {
        return None;
    }
    let has_host = rest.starts_with("//") && (!scheme.is_empty() || !rest.starts_with("///"));
    let path = if has_host {
        let authority = rest[2..].split('/').next().unwrap_or_default();
        if !is_authority(authority) {
            return None;
        }
        &rest[2 + authority.len()..]
    } else {
        rest
    };
    is_escaped(path).then_some(Url { scheme, rest })
}

/// Whether a text names hosts that need no proxy: `*`, an address, a block, host and port, or a domain.
pub fn is_no_proxy(text: &str) -> bool {
    let host_and_port = || {
        let (host, _) = text.rsplit_once(':')?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        (bare.is_some() || !host.contains([':', '[', ']'])).then_some(())
    };
    text == "*"
        || text.parse::<std::net::IpAddr>().is_ok()
        || super::cluster::is_cidr(text)
        || host_and_port().is_some()
        || crate::schema::validate::names::is_dns_subdomain(text.strip_prefix('.').unwrap_or(text))
}

fn scheme(text: &str) -> Option<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => return Some((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Some(("", text))
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let is_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    let port = match host.strip_prefix('[') {
        Some(inner) => match inner.rsplit_once(']') {
            Some((_, port)) => port,
            None => return false,
        },
        None => host.find(':').map_or("", |at| &host[at..]),
    };
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    let is_host = |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    user.bytes().all(is_user) && is_escaped(user) && is_port && host.bytes().all(is_host) && is_escaped(host)
}

/// Whether each `%` begins an escape.
fn is_escaped(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|rest| rest.as_bytes().get(..2).is_some_and(|escape| escape.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_takes_nearly_everything() {
        for good in [
            "",
            "a b",
            "http://proxy:3128",
            "proxy",
            "//host/path",
            "http://[::1]:80/",
            "data:,AAAA",
            "1.2.3.4/a:b",
            "host:80/a%zz",
        ] {
            assert!(parse(good).is_some(), "{good}");
        }
        for bad in [":a", "http://a:b/", "http://a b/", "http://a/%zz", "http://%zz", "1.2.3.4:80", "a\u{7f}"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn hosts_without_proxy() {
        for good in ["*", "10.0.0.0/8", "10.0.0.1", ".svc", "a.b:80", "[::1]:80", "a:"] {
            assert!(is_no_proxy(good), "{good}");
        }
        for bad in ["a_b", "-a", "a b", ".", "A"] {
            assert!(!is_no_proxy(bad), "{bad}");
        }
    }
}
