//! Durations as Go reads them (`1h15m30.918273645s`), in whole seconds as v1beta2 wants them.

const NANOSECONDS: i128 = 1_000_000_000;

/// The whole seconds of a duration, fractions cut off, at most what 32 bits hold; `None` where Go refuses it.
pub fn seconds(text: &str) -> Option<i32> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len()));
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len()));
        total += nanoseconds(number, unit)?;
        rest = tail;
    }
    // Go counts nanoseconds in 64 bits, and takes one more below zero.
    if total > i128::from(i64::MAX) + i128::from(negative) {
        return None;
    }
    let whole = total / NANOSECONDS;
    let signed = if negative { -whole } else { whole };
    Some(i32::try_from(signed).unwrap_or(if negative { i32::MIN } else { i32::MAX }))
}

fn nanoseconds(number: &str, unit: &str) -> Option<i128> {
    let scale: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => NANOSECONDS,
        "m" => 60 * NANOSECONDS,
        "h" => 3_600 * NANOSECONDS,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
    let mut result = whole.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.bytes() {
        // Below a nanosecond nothing can change the seconds.
        place /= 10;
        result += i128::from(digit - b'0') * place;
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn reads_what_go_reads() {
        for (text, expected) in [
            ("0", 0),
            ("0s", 0),
            ("5m", 300),
            ("5m0s", 300),
            ("1h15m30.918273645s", 4530),
            ("300s", 300),
            ("1.5h", 5400),
            (".5m", 30),
            ("999ms", 0),
            ("-1.9s", -1),
            ("+2s", 2),
            ("2540400h", i32::MAX),
            ("3µs", 0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in ["", "-", "5", "5 m", "m", ".s", "1..5s", "5d", "5M", "s5", "1h 5m", "5m ", "9999999999h", "ten"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
