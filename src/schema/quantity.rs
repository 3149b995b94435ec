//! Kubernetes quantities (`1.5Gi`, `200m`, `1e3`), as `resource.ParseQuantity` reads them.
//!
//! They keep apart what the server keeps apart: a quantity that fits its fast form can be an integer, one that went through the
//! decimal form never is, even where its value is whole. A missing number is nought (`Mi`), as measured. This module must not know schemas or CEL.

use std::cmp::Ordering;

/// A quantity: `mantissa / 10^scale`.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    mantissa: i128,
    scale: i32,
    /// Whether the server holds it as a 64-bit integer with a decimal scale.
    fast: bool,
}

/// Significant digits that the fast form surely holds.
const FAST_DIGITS: i32 = 18;

struct Parts<'a> {
    negative: bool,
    /// Digits before the point, without leading zeros; `0` where there are none.
    whole: &'a str,
    fraction: &'a str,
    /// The number without its suffix: must hold a digit.
    number: &'a str,
    suffix: &'a str,
}

fn split(text: &str) -> Option<Parts<'_>> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let rest = unsigned.trim_start_matches('0');
    if rest.is_empty() {
        // Only a sign, or only zeros: nought.
        return Some(Parts { negative: false, whole: "0", fraction: "", number: "0", suffix: "" });
    }
    let whole_end = digits(rest);
    let (whole, after) = rest.split_at(whole_end);
    let (fraction, suffix) = match after.strip_prefix('.') {
        Some(after) => after.split_at(digits(after)),
        None => ("", after),
    };
    let number = &text[..text.len() - suffix.len()];
    Some(Parts { negative, whole: if whole.is_empty() { "0" } else { whole }, fraction, number, suffix })
}

/// What a suffix means.
enum Unit {
    Decimal(i32),
    Binary(u32),
}

fn unit(suffix: &str) -> Option<Unit> {
    Some(match suffix {
        "n" => Unit::Decimal(-9),
        "u" => Unit::Decimal(-6),
        "m" => Unit::Decimal(-3),
        "" => Unit::Decimal(0),
        "k" => Unit::Decimal(3),
        "M" => Unit::Decimal(6),
        "G" => Unit::Decimal(9),
        "T" => Unit::Decimal(12),
        "P" => Unit::Decimal(15),
        "E" => Unit::Decimal(18),
        "Ki" => Unit::Binary(10),
        "Mi" => Unit::Binary(20),
        "Gi" => Unit::Binary(30),
        "Ti" => Unit::Binary(40),
        "Pi" => Unit::Binary(50),
        "Ei" => Unit::Binary(60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // The server cuts the exponent to 32 bits.
            Unit::Decimal(exponent.parse::<i64>().ok()? as i32)
        }
    })
}

impl Quantity {
    /// Reads a quantity.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = split(text)?;
        let unit = unit(parts.suffix)?;
        if !parts.number.bytes().any(|b| b.is_ascii_digit()) && parts.suffix.is_empty() && text != parts.number {
            return None;
        }
        Self::fast(&parts, &unit).or_else(|| Self::slow(&parts, &unit))
    }

    /// The form for numbers of few digits.
    fn fast(parts: &Parts<'_>, unit: &Unit) -> Option<Self> {
        let digits = (parts.whole.len() + parts.fraction.len()) as i32;
        let (scale, factor, room) = match unit {
            Unit::Decimal(exponent) => (*exponent, 1_i64, FAST_DIGITS - digits),
            Unit::Binary(exponent) if parts.fraction.is_empty() => {
                (0, 1_i64 << exponent, 15 - digits - (*exponent * 3 / 10) as i32 - 1)
            }
            Unit::Binary(_) => return None,
        };
        let scale = scale.checked_sub(parts.fraction.len() as i32)?;
        if room < 0 || scale < -9 {
            return None;
        }
        let value: i64 = format!("{}{}", parts.whole, parts.fraction).parse().ok()?;
        let value = value.checked_mul(factor)?;
        Some(Self { mantissa: i128::from(if parts.negative { -value } else { value }), scale: -scale, fast: true })
    }

    /// The decimal form: rounded up to nano, binary ones capped at the largest 64-bit integer.
    fn slow(parts: &Parts<'_>, unit: &Unit) -> Option<Self> {
        if !parts.number.bytes().any(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = format!("{}{}", parts.whole, parts.fraction);
        // More digits than 128 bits hold: the tail weighs nothing beside the cap and the rounding.
        let kept = digits.len().min(30);
        let mut mantissa: i128 = digits[..kept].parse().ok()?;
        let mut scale = parts.fraction.len() as i32 - (digits.len() - kept) as i32;
        match unit {
            Unit::Decimal(exponent) => scale = scale.saturating_sub(*exponent),
            Unit::Binary(exponent) => mantissa = mantissa.saturating_mul(1_i128 << exponent),
        }
        if scale > 9 && mantissa != 0 {
            let divisor = power_of_ten(scale - 9);
            mantissa = divisor.map_or(1, |d| mantissa / d + i128::from(mantissa % d != 0));
            scale = 9;
        }
        let mut quantity = Self { mantissa, scale, fast: false };
        let cap = Self { mantissa: i128::from(i64::MAX), scale: 0, fast: false };
        if matches!(unit, Unit::Binary(_)) && quantity.compare(&cap) == Ordering::Greater {
            quantity = cap;
        }
        if parts.negative {
            quantity.mantissa = -quantity.mantissa;
        }
        Some(quantity)
    }

    /// A whole number.
    pub fn from_integer(number: i64) -> Self {
        Self { mantissa: i128::from(number), scale: 0, fast: true }
    }

    /// `-1`, `0` or `1`.
    pub fn sign(&self) -> i64 {
        self.mantissa.signum() as i64
    }

    /// The value, where the server would give it out as an integer.
    pub fn as_integer(&self) -> Option<i64> {
        if !self.fast || self.scale > 0 {
            return None;
        }
        if self.mantissa == 0 {
            return Some(0);
        }
        let value = self.mantissa.checked_mul(power_of_ten(-self.scale)?)?;
        i64::try_from(value).ok()
    }

    /// The value, with the loss that a float brings.
    pub fn as_float(&self) -> f64 {
        let base = self.mantissa as f64;
        if self.scale == 0 { base } else { base * 10_f64.powi(-self.scale) }
    }

    /// Order by value.
    pub fn compare(&self, other: &Self) -> Ordering {
        match self.aligned(other) {
            Some((a, b, _)) => a.cmp(&b),
            None => self.as_float().total_cmp(&other.as_float()),
        }
    }

    /// Sum; `None` where it leaves the range that we compute in.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other)?;
        let mantissa = a.checked_add(b)?;
        Some(Self { mantissa, scale, fast: self.fast && other.fast && i64::try_from(mantissa).is_ok() })
    }

    /// Difference; `None` where it leaves the range that we compute in.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.plus(&Self { mantissa: -other.mantissa, ..*other })
    }

    fn aligned(&self, other: &Self) -> Option<(i128, i128, i32)> {
        let scale = self.scale.max(other.scale);
        let raise = |q: &Self| q.mantissa.checked_mul(power_of_ten(scale.checked_sub(q.scale)?)?);
        Some((raise(self)?, raise(other)?, scale))
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

fn power_of_ten(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q(text: &str) -> Quantity {
        Quantity::parse(text).unwrap_or_else(|| panic!("{text} is a quantity"))
    }

    #[test]
    fn reads_what_the_server_reads() {
        for good in ["0", "1", "1.5Gi", "200m", "1e3", "1E3", ".5", "5.", "-1", "+1Ki", "0.5", "1E", "100E", "Mi", "."]
        {
            assert!(Quantity::parse(good).is_some(), "{good}");
        }
        for bad in ["", "200K", "Three", "1,3G", "1.2.3", "1 G", "1e", "0x1"] {
            assert!(Quantity::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn computes() {
        assert_eq!(q("200M").compare(&q("0.2G")), Ordering::Equal);
        assert_eq!(q("50M").compare(&q("50Mi")), Ordering::Less);
        assert_eq!(q("50k").plus(&q("20")), Some(q("50020")));
        assert_eq!(q("50k").as_integer(), Some(50_000));
        assert_eq!(q("1.0").as_integer(), None);
        assert_eq!(q("9999999999999999999999G").as_integer(), None);
    }
}
