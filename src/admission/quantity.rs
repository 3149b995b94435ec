//! Counts, shares and durations in fields.

use crate::yaml::{Scalar, Value};

use super::check::whole;

/// An integer or a share, as rolling updates and health checks take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntOrPercent {
    /// A number of machines.
    Int(i64),
    /// A share of them.
    Percent(i64),
}

/// Reads an integer, or digits followed by `%`: `"5"` in quotes is neither.
pub fn int_or_percent(value: Value<'_>) -> Option<IntOrPercent> {
    if let Some(number) = whole(value) {
        return Some(IntOrPercent::Int(number));
    }
    let text = value.as_str()?;
    let digits = text.strip_suffix('%')?;
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(IntOrPercent::Percent)
}

/// What Go's `IntOrString.IntValue` gives: text that is no integer counts as 0.
pub fn int_value(value: Value<'_>) -> Option<i64> {
    match value.scalar()? {
        Scalar::Str(text) => Some(text.parse().unwrap_or(0)),
        _ => whole(value),
    }
}

/// Reads a Go duration (`1h30m`, `300ms`) as seconds; `None` where Go cannot.
pub fn duration(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    if unsigned == "0" {
        return Some(0.0);
    }
    let mut rest = unsigned;
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        if !number.bytes().any(|byte| byte.is_ascii_digit()) || number.matches('.').count() > 1 {
            return None;
        }
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * scale;
        rest = next;
    }
    // 64 bits of nanoseconds hold no more than about 292 years.
    (seconds < 9.223_372_036e9).then_some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations() {
        assert_eq!(duration("1h30m"), Some(5400.0));
        assert_eq!(duration("1.5s"), Some(1.5));
        assert_eq!(duration("-10s"), Some(-10.0));
        assert_eq!(duration("0"), Some(0.0));
        for bad in ["", "10", "3 days", "1d", "s", "5min", "PT5M", "1.2.3s", "9999999h"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
