//! The `format` of strings, as the API server checks it for custom resources (1.36).
//!
//! What a format means there is what Kubernetes' `strfmt` does, not what its name promises: `duration` takes `3 days`, `ipv4`
//! takes leading zeros, `hostname` refuses most names with a dot, and a format that the server does not know checks nothing.
//! This module must not know schemas; bounds of number formats are for the caller to apply where the type is a number.

use std::sync::OnceLock;

use regex::Regex;

use super::cel::time;
use super::{email, ip, url};

/// A format of strings that the server checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 24 hexadecimal digits.
    BsonObjectId,
    /// Base64 of the standard alphabet, padded, not empty.
    Byte,
    /// A network, leading zeros allowed.
    Cidr,
    /// A card number with right checksum.
    CreditCard,
    /// `2006-01-02`.
    Date,
    /// `2006-01-02T15:04:05Z`.
    DateTime,
    /// Go's durations, and Scala's.
    Duration,
    /// What `net/mail` takes.
    Email,
    /// `#fff`, `ffffff`.
    HexColor,
    /// See the module's head.
    Hostname,
    /// An IPv4 address, or an IPv6 one that ends in dots.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// Either of the two.
    Isbn,
    /// Ten digits with right checksum.
    Isbn10,
    /// Thirteen digits with right checksum.
    Isbn13,
    /// A lower-case DNS subdomain.
    LongName,
    /// A hardware address of 6, 8 or 20 bytes.
    Mac,
    /// `rgb(0, 0, 0)`.
    RgbColor,
    /// A lower-case DNS label.
    ShortName,
    /// `123-45-6789`.
    Ssn,
    /// An absolute URI or path.
    Uri,
    /// Any version; hyphens may be missing.
    Uuid,
    /// Version 3.
    Uuid3,
    /// Version 4.
    Uuid4,
    /// Version 5.
    Uuid5,
}

impl Format {
    /// The format of this name; `None` where the server checks nothing (unknown ones, `password`). Hyphens do not count.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.replace('-', "").as_str() {
            "bsonobjectid" => Self::BsonObjectId,
            "byte" => Self::Byte,
            "cidr" => Self::Cidr,
            "creditcard" => Self::CreditCard,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "duration" => Self::Duration,
            "email" => Self::Email,
            "hexcolor" => Self::HexColor,
            "hostname" => Self::Hostname,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "isbn" => Self::Isbn,
            "isbn10" => Self::Isbn10,
            "isbn13" => Self::Isbn13,
            "k8slongname" => Self::LongName,
            "mac" => Self::Mac,
            "rgbcolor" => Self::RgbColor,
            "k8sshortname" => Self::ShortName,
            "ssn" => Self::Ssn,
            "uri" => Self::Uri,
            "uuid" => Self::Uuid,
            "uuid3" => Self::Uuid3,
            "uuid4" => Self::Uuid4,
            "uuid5" => Self::Uuid5,
            _ => return None,
        })
    }

    /// Whether a text has this format.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::BsonObjectId => text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()),
            Self::Byte => is_base64(text),
            Self::Cidr => ip::is_sloppy_cidr(text),
            Self::CreditCard => is_credit_card(text),
            Self::Date => time::parse_date(text).is_some(),
            Self::DateTime => is_date_time(text),
            Self::Duration => parse_duration(text).is_some(),
            Self::Email => email::is_address(text),
            Self::HexColor => {
                let digits = text.strip_prefix('#').unwrap_or(text);
                matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
            }
            Self::Hostname => is_hostname(text),
            Self::Ipv4 => text.contains('.') && ip::parse_sloppy(text).is_some(),
            Self::Ipv6 => text.contains(':') && text.parse::<std::net::IpAddr>().is_ok(),
            Self::Isbn => is_isbn10(text) || is_isbn13(text),
            Self::Isbn10 => is_isbn10(text),
            Self::Isbn13 => is_isbn13(text),
            Self::LongName => text.len() <= 253 && text.split('.').all(is_short_name),
            Self::Mac => is_mac(text),
            Self::RgbColor => is_rgb_color(text),
            Self::ShortName => text.len() <= 63 && is_short_name(text),
            Self::Ssn => text.len() == 11 && is_ssn(text.as_bytes()),
            Self::Uri => url::is_request_uri(text),
            Self::Uuid => is_uuid(text, None, false),
            Self::Uuid3 => is_uuid(text, Some(b'3'), false),
            Self::Uuid4 => is_uuid(text, Some(b'4'), true),
            Self::Uuid5 => is_uuid(text, Some(b'5'), true),
        }
    }
}

/// Whether a text passes a format given by name; a format that the server does not check passes everything.
pub fn check(format: &str, text: &str) -> bool {
    Format::named(format).is_none_or(|format| format.accepts(text))
}

/// A duration of the format `duration`, in nanoseconds: Go's (`1h30m`) or else Scala's (`3 days`), which is found anywhere in
/// the text.
pub fn parse_duration(text: &str) -> Option<i64> {
    static WORDS: OnceLock<Option<Regex>> = OnceLock::new();
    const SECOND: i64 = 1_000_000_000;
    const UNITS: [(i64, &[&str], &str); 8] = [
        (1, &["ns"], "nano"),
        (1_000, &["us", "µs"], "micro"),
        (1_000_000, &["ms"], "milli"),
        (SECOND, &["s"], "sec"),
        (60 * SECOND, &["m"], "min"),
        (3_600 * SECOND, &["h", "hr"], "hour"),
        (86_400 * SECOND, &["d"], "day"),
        (7 * 86_400 * SECOND, &["w", "wk"], "week"),
    ];
    if let Some(duration) = time::parse_duration(text) {
        return Some(duration);
    }
    let words = WORDS.get_or_init(|| Regex::new(r"([0-9]+)[\t\n\x0C\r ]*([A-Za-zµ]+)").ok()).as_ref()?;
    let mut total = None;
    for found in words.captures_iter(text) {
        let number: i64 = found[1].parse().ok()?;
        let unit = found[2].to_lowercase();
        for (factor, short, long) in UNITS {
            if short.iter().any(|s| *s == unit) || unit.starts_with(long) {
                total = Some(total.unwrap_or(0_i64).wrapping_add(number.wrapping_mul(factor)));
            }
        }
    }
    total
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    !text.is_empty()
        && text.len() % 4 == 0
        && padding <= 2
        && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    time::parse_date(date).is_some() && is_time_of_day(time)
}

/// `15:04:05`, a fraction after any one character, `z` or `+01:00`.
fn is_time_of_day(time: &str) -> bool {
    let bytes = time.as_bytes();
    let two_digits = |at: usize| bytes.get(at..at + 2).filter(|pair| pair.iter().all(u8::is_ascii_digit));
    let (Some(hour), Some(minute), Some(second)) = (two_digits(0), two_digits(3), two_digits(6)) else { return false };
    if bytes[2] != b':' || bytes[5] != b':' || hour > b"23" || minute > b"59" || second > b"59" {
        return false;
    }
    let is_zone = |zone: &str| {
        let b = zone.as_bytes();
        zone == "z"
            || (b.len() == 6
                && matches!(b[0], b'+' | b'-')
                && b[3] == b':'
                && [1, 2, 4, 5].iter().all(|at| b[*at].is_ascii_digit()))
    };
    let rest = &time[8..];
    if is_zone(rest) {
        return true;
    }
    let mut chars = rest.chars();
    // The separator is any character but a line feed.
    if chars.next().is_none_or(|c| c == '\n') {
        return false;
    }
    let fraction = chars.as_str();
    let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    zone.len() < fraction.len() && is_zone(zone)
}

fn is_short_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_hostname(text: &str) -> bool {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    // One alternative each: a label without dots, not anchored at its end; labels with dots, not anchored at their beginning.
    let pattern = PATTERN.get_or_init(|| {
        let sign = r"a-zA-Z0-9\p{S}\p{L}";
        let label = format!(r"[{sign}](?:-?[{sign}]{{0,62}})?");
        let dotted = format!(r"(?:[{sign}](?:[\-{sign}]{{0,61}}[{sign}])?\.)+[a-zA-Z\p{{L}}]{{2,63}}");
        Regex::new(&format!(r"^(?:{label}|{dotted})$")).ok()
    });
    pattern.as_ref().is_some_and(|p| p.is_match(text))
        && text.len() <= 255
        && text.split('.').all(|label| label.len() <= 63)
}

fn is_mac(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |part: &[u8], size: usize| part.len() == size && part.iter().all(u8::is_ascii_hexdigit);
    match bytes.get(2) {
        Some(separator @ (b':' | b'-')) => {
            let mut groups = bytes.split(|b| b == separator);
            let count = groups.clone().count();
            matches!(count, 6 | 8 | 20) && groups.all(|group| hex(group, 2))
        }
        _ if text.contains('.') => {
            let mut groups = bytes.split(|b| *b == b'.');
            let count = groups.clone().count();
            matches!(count, 3 | 4 | 10) && groups.all(|group| hex(group, 4))
        }
        _ => [12, 16, 40].into_iter().any(|size| hex(bytes, size)),
    }
}

fn is_rgb_color(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("rgb(").and_then(|t| t.strip_suffix(')')) else { return false };
    let parts: Vec<&str> = inner.split(',').map(|part| part.trim_matches(['\t', '\n', '\x0c', '\r', ' '])).collect();
    let is_part = |part: &&str| {
        let canonical = *part == "0" || (!part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit()));
        canonical && part.parse::<u8>().is_ok()
    };
    parts.len() == 3 && parts.iter().all(is_part)
}

fn is_ssn(text: &[u8]) -> bool {
    let is_separator = |b: u8| b == b'-' || b == b' ';
    text.iter().enumerate().all(|(at, b)| if matches!(at, 3 | 6) { is_separator(*b) } else { b.is_ascii_digit() })
}

fn is_uuid(text: &str, version: Option<u8>, variant: bool) -> bool {
    let mut rest = text.as_bytes();
    let mut digits = Vec::with_capacity(32);
    for (at, size) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b"-").unwrap_or(rest);
        }
        let Some((group, after)) = rest.split_at_checked(size) else { return false };
        digits.extend_from_slice(group);
        rest = after;
    }
    rest.is_empty()
        && digits.iter().all(u8::is_ascii_hexdigit)
        && version.is_none_or(|version| digits[12] == version)
        && (!variant || matches!(digits[16].to_ascii_lowercase(), b'8' | b'9' | b'a' | b'b'))
}

fn without_separators(text: &str) -> Vec<u8> {
    text.bytes().filter(|b| !matches!(b, b'\t' | b'\n' | 0x0c | b'\r' | b' ' | b'-')).collect()
}

fn is_isbn10(text: &str) -> bool {
    let signs = without_separators(text);
    let Some((last, digits)) = signs.split_last().filter(|(_, digits)| digits.len() == 9) else { return false };
    let check = match last {
        b'X' => 10,
        b if b.is_ascii_digit() => u32::from(b - b'0'),
        _ => return false,
    };
    digits.iter().all(u8::is_ascii_digit)
        && (digits.iter().zip(1..).map(|(d, weight)| weight * u32::from(d - b'0')).sum::<u32>() + 10 * check) % 11 == 0
}

fn is_isbn13(text: &str) -> bool {
    let digits = without_separators(text);
    digits.len() == 13
        && digits.iter().all(u8::is_ascii_digit)
        && digits.iter().zip([1, 3].into_iter().cycle()).map(|(d, weight)| weight * u32::from(d - b'0')).sum::<u32>()
            % 10
            == 0
}

fn is_credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter(char::is_ascii_digit).filter_map(|c| c.to_digit(10)).collect();
    let prefix = |size: usize| digits.iter().take(size).fold(0, |number, digit| number * 10 + digit);
    let issued = match digits.len() {
        13 => prefix(1) == 4,
        14 => matches!(prefix(3), 300..=305) || matches!(prefix(2), 36 | 38),
        15 => matches!(prefix(2), 34 | 37) || matches!(prefix(4), 2131 | 1800),
        16 => prefix(1) == 4 || matches!(prefix(2), 51..=55 | 35) || prefix(4) == 6011 || prefix(2) == 65,
        _ => false,
    };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, d)| if at % 2 == 1 { d * 2 / 10 + d * 2 % 10 } else { *d }).sum();
    issued && sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprises() {
        assert!(check("duration", "3 days") && check("duration", "PT5M") && !check("duration", "soon"));
        assert!(check("ipv4", "010.000.000.001") && !check("ipv4", "::1"));
        assert!(!check("hostname", "a.b") && check("hostname", "a.bc"));
        assert!(check("ip", "whatever") && check("password", "") && check("nonsense", "x"));
        assert!(check("date-time", "2020-01-02T03:04:05Z") && !check("date-time", "2020-01-02 03:04:05"));
    }
}
