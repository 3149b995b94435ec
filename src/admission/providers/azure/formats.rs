//! Forms of values that Azure sets: resource ids, SSH keys, names.

use crate::base64;

/// Whether Azure's SDK reads the text as the id of a resource.
pub fn is_resource_id(text: &str) -> bool {
    let text = text.strip_prefix("azure://").unwrap_or(text);
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let begins = |name: &str| parts.first().is_some_and(|first| first.eq_ignore_ascii_case(name));
    text.starts_with('/')
        && parts.len() > 1
        && (begins("subscriptions") || begins("providers"))
        && is_path(&parts, Place::Tenant)
}

/// Where in the tree of resources a part of an id stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Tenant,
    Subscription,
    Group,
    Resource,
}

fn is_path(parts: &[&str], place: Place) -> bool {
    let is = |at: usize, name: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(name));
    if parts.is_empty() {
        return true;
    }
    if parts.len() == 1 {
        return !is(0, "subscriptions") && !is(0, "resourceGroups") && place != Place::Group;
    }
    if is(0, "providers") {
        return if parts.len() == 2 || is(2, "providers") {
            matches!(place, Place::Tenant | Place::Subscription) && is_path(&parts[2..], Place::Resource)
        } else {
            parts.len() > 3 && is_path(&parts[4..], Place::Resource)
        };
    }
    let next = if is(0, "resourceGroups") {
        Place::Group
    } else if is(0, "subscriptions") && place == Place::Tenant {
        Place::Subscription
    } else {
        Place::Resource
    };
    is_path(&parts[2..], next)
}

/// Whether a text is base64 of a line as in `authorized_keys`.
pub fn is_ssh_key(text: &str) -> bool {
    // Go's decoder passes over line ends.
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let Some(decoded) = base64::decode(text.as_bytes()) else { return false };
    String::from_utf8_lossy(&decoded).lines().map(str::trim).any(|line| {
        let key_after = |start: &str| {
            let rest = line[start.len()..].trim_start();
            let key = rest.split([' ', '\t']).next().unwrap_or_default();
            base64::decode(key.as_bytes()).is_some_and(|key| is_public_key(&key))
        };
        // Options may stand in front of the type of the key.
        !line.starts_with('#') && (key_after(word(line)) || key_after(&line[..options_and_type(line)]))
    })
}

fn word(line: &str) -> &str {
    line.split([' ', '\t']).next().unwrap_or_default()
}

/// How far options, which may hold quoted blanks, and the type behind them reach.
fn options_and_type(line: &str) -> usize {
    let mut is_quoted = false;
    let end = line
        .bytes()
        .enumerate()
        .find(|(at, byte)| {
            if *byte == b'"' && !line[..*at].ends_with('\\') {
                is_quoted = !is_quoted;
            }
            matches!(byte, b' ' | b'\t') && !is_quoted
        })
        .map_or(line.len(), |(at, _)| at);
    let rest = &line[end..];
    let blank = rest.len() - rest.trim_start().len();
    end + blank + word(rest.trim_start()).len()
}

/// Whether bytes are a public key of a known algorithm: its name, then its parts, each behind its length.
fn is_public_key(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut parts = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let Some((part, tail)) = tail.split_at_checked(u32::from_be_bytes(*length) as usize) else { return false };
        parts.push(part);
        rest = tail;
    }
    let Some((name, parts)) = parts.split_first().filter(|_| rest.is_empty()) else { return false };
    match *name {
        b"ssh-ed25519" => parts.len() == 1 && parts[0].len() == 32,
        b"ssh-rsa"
        | b"ecdsa-sha2-nistp256"
        | b"ecdsa-sha2-nistp384"
        | b"ecdsa-sha2-nistp521"
        | b"sk-ssh-ed25519@openssh.com" => parts.len() == 2,
        b"sk-ecdsa-sha2-nistp256@openssh.com" => parts.len() == 3,
        b"ssh-dss" => parts.len() == 4,
        name => name.ends_with(b"-cert-v01@openssh.com"),
    }
}

/// Whether a text is one or more of letters, digits, `-`, `.`, `_` and what else is named.
pub fn is_word(text: &str, more: &[u8]) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte) || more.contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

/// Whether a text is a name in the DNS, in which underscores may stand.
pub fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    text.len() - text.matches('.').count() <= 255
        && text.parse::<std::net::IpAddr>().is_err()
        && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
}

/// Whether a text is digits with a unit behind them.
pub fn is_count_of(text: &str, unit: char) -> bool {
    text.strip_suffix(unit).is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text has the form of a UUID.
pub fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_resources() {
        for good in [
            "/subscriptions/a/resourceGroups/b/providers/Microsoft.Compute/images/c",
            "azure:///subscriptions/a/resourceGroups/b/providers/Microsoft.ManagedIdentity/userAssignedIdentities/c",
            "/subscriptions/a",
            "/subscriptions/a/providers/b",
        ] {
            assert!(is_resource_id(good), "{good}");
        }
        for bad in ["", "a", "subscriptions/a", "/subscriptions", "/a/b", "/subscriptions/a/resourceGroups/b/c"] {
            assert!(!is_resource_id(bad), "{bad}");
        }
    }

    #[test]
    fn keys_of_ssh() {
        // A made-up key: the name and 32 bytes.
        let wire = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
        let line = |text: &str| {
            const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let mut out = String::new();
            for chunk in text.as_bytes().chunks(3) {
                let bits =
                    chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
                for at in 0..4 {
                    let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize] as char;
                    out.push(if at > chunk.len() { '=' } else { digit });
                }
            }
            out
        };
        assert!(is_ssh_key(&line(&format!("ssh-ed25519 {wire} me@host\n"))));
        assert!(is_ssh_key(&line(&format!("no-pty,command=\"a b\" ssh-ed25519 {wire}"))));
        for bad in ["ssh-ed25519", "ssh-ed25519 AAAA", "hello world"] {
            assert!(!is_ssh_key(&line(bad)), "{bad}");
        }
        assert!(!is_ssh_key(&format!("ssh-ed25519 {wire}")));
    }

    #[test]
    fn names() {
        assert!(is_dns_name("a_b.example.com.") && is_dns_name("a") && !is_dns_name("") && !is_dns_name("-a.b"));
        assert!(is_uuid("5c1ad3c8-0f4e-4ad5-9d8e-2f9bb0a3a9b1") && !is_uuid("5c1ad3c8"));
    }
}
