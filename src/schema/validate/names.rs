//! What Kubernetes takes for a name: of objects, namespaces, labels, annotations. Pure grammar.

/// Letters, digits and `-` in lower case, a letter or digit at both ends.
fn is_label_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let end = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    end(bytes.first())
        && end(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// A DNS-1123 label: a namespace.
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_label_text(text)
}

/// A DNS-1123 subdomain: labels with dots between them, 253 characters at most. The name of an object.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && is_dotted(text)
}

/// What a byte is in a name with dots, and at the same time how a name stands that has been read up to it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Part {
    /// A letter in lower case, or a digit: a label begins and ends with one.
    Inner,
    Hyphen,
    /// A dot; or nothing has been read yet.
    Dot,
    /// No part of a name; or it is none any more.
    Other,
}

/// What every byte is.
const PARTS: [Part; 256] = {
    let mut parts = [Part::Other; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() {
            parts[byte as usize] = Part::Inner;
        }
        byte += 1;
    }
    parts[b'-' as usize] = Part::Hyphen;
    parts[b'.' as usize] = Part::Dot;
    parts
};

/// How a name stands that stood so, behind a byte of each kind.
const NEXT: [[Part; 4]; 4] = {
    use Part::{Dot, Hyphen, Inner, Other};
    [
        [Inner, Hyphen, Dot, Other],
        [Inner, Hyphen, Other, Other],
        [Inner, Other, Other, Other],
        [Other, Other, Other, Other],
    ]
};

/// As [`is_dns_subdomain`], of any length.
pub(super) fn is_dotted(text: &str) -> bool {
    let part = |byte: &u8| PARTS[*byte as usize];
    let (Some(first), Some(last)) = (text.as_bytes().first(), text.as_bytes().last()) else { return false };
    // Mostly it is one label, and no byte of it hangs on the one before.
    let most = text.bytes().fold(0, |most, byte| most | PARTS[byte as usize] as u8);
    if most <= Part::Hyphen as u8 {
        return part(first) == Part::Inner && part(last) == Part::Inner;
    }
    let end = text.bytes().fold(Part::Dot, |part, byte| NEXT[part as usize][PARTS[byte as usize] as usize]);
    end == Part::Inner
}

/// What can stand in a URL: the name of a role, or of an object within an object.
pub fn is_path_segment(text: &str) -> bool {
    !matches!(text, "." | "..") && !text.contains(['/', '%'])
}

/// A DNS-1035 label: like a DNS-1123 one, but a letter comes first.
pub fn is_dns_1035_label(text: &str) -> bool {
    is_dns_label(text) && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

/// The part of a label's key behind the prefix: 1 to 63 letters, digits, `-`, `_`, `.`, with a letter or digit at both ends.
fn is_key_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let end = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= 63
        && end(bytes.first())
        && end(bytes.last())
        && bytes.iter().fold(true, |all, byte| all & IS_OF_KEY[*byte as usize])
}

/// Letters, digits, `-`, `_` and `.`.
const IS_OF_KEY: [bool; 256] = {
    let mut is_of_key = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        is_of_key[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        byte += 1;
    }
    is_of_key
};

/// A label's key, or a finalizer: an optional subdomain and `/`, then a name.
pub fn is_qualified_name(text: &str) -> bool {
    match memchr::memchr(b'/', text.as_bytes()) {
        Some(at) => is_dns_subdomain(&text[..at]) && is_key_name(&text[at + 1..]),
        None => is_key_name(text),
    }
}

/// A label's value: empty, or like the name part of a key.
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_key_name(text)
}

/// A name such as the server makes of a beginning.
pub fn made_up(beginning: &str) -> String {
    const KEPT: usize = 58;
    beginning.chars().take(KEPT).chain("x7x7x".chars()).collect()
}

/// A beginning for generated names, to which the server adds five characters: it may end in a `-`.
pub fn is_name_beginning(text: &str) -> bool {
    match text.strip_suffix('-') {
        // The server puts an `a` in place of the last two characters and looks at that.
        Some(rest) if !rest.is_empty() => {
            let kept: String = rest.chars().take(rest.chars().count() - 1).chain(['a']).collect();
            is_dns_subdomain(&kept)
        }
        _ => is_dns_subdomain(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects() {
        for good in ["a", "a-b", "a.b", "0", "10.0.0.1"] {
            assert!(is_dns_subdomain(good), "{good}");
        }
        for bad in ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "é"] {
            assert!(!is_dns_subdomain(bad), "{bad}");
        }
        assert!(is_dns_subdomain(&"a".repeat(253)) && !is_dns_subdomain(&"a".repeat(254)));
        assert!(
            is_name_beginning("a-")
                && is_name_beginning("a--b-")
                && !is_name_beginning("-")
                && !is_name_beginning("AB-")
        );
    }

    #[test]
    fn keys_and_values_of_labels() {
        for good in ["a", "A.b_c-d", "example.com/a"] {
            assert!(is_qualified_name(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a/b/c", "-a", "Example.com/a", "a b"] {
            assert!(!is_qualified_name(bad), "{bad}");
        }
        assert!(is_label_value("") && is_label_value("v1.34.0") && !is_label_value("v1+x") && !is_label_value("a b"));
        assert!(is_label_value(&"x".repeat(63)) && !is_label_value(&"x".repeat(64)));
    }
}
