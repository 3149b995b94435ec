//! Base64 of the standard alphabet, padded, as Go's `base64.StdEncoding` reads and writes it: the API server, Helm and Go's
//! YAML all decode with it, so what it refuses they refuse. Line breaks are skipped. It knows nothing of what it decodes.

/// The bytes that a text stands for; `None` where Go refuses it.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut count, mut padding) = (0_u32, 0_u32, 0_u32);
    for byte in text.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        group = group << 6 | u32::from(six);
        count += 1;
        if count == 4 {
            bytes.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, count) = (0, 0);
        }
    }
    match (count, padding) {
        (0, 0) => {}
        (2, 2) => bytes.push((group >> 4) as u8),
        (3, 1) => bytes.extend_from_slice(&[(group >> 10) as u8, (group >> 2) as u8]),
        _ => return None,
    }
    Some(bytes)
}

/// Up to three bytes as four letters.
pub fn encode(chunk: &[u8]) -> [u8; 4] {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
    let letter = |at: usize| if at > chunk.len() { b'=' } else { LETTERS[(bits >> (18 - 6 * at) & 63) as usize] };
    [letter(0), letter(1), letter(2), letter(3)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (bytes, letters) in [(&b"Man"[..], b"TWFu"), (b"Ma", b"TWE="), (b"M", b"TQ==")] {
            assert_eq!(&encode(bytes), letters);
            assert_eq!(decode(letters).as_deref(), Some(bytes));
        }
        assert_eq!(decode(b"aGVs\r\nbG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode(b"").as_deref(), Some(&b""[..]));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for bad in ["a*", "TWE", "TQ=", "TQ=A", "T", "TWFu=", "TW Fu", "TW-_"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }
}
