//! Points in time and durations as Go reads and writes them.
//!
//! Why of our own: CEL needs little of a calendar, and exactly Go's spelling. No clock is read here, and no time zone but fixed
//! offsets is known.

use std::fmt;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A point in time, with the offset from UTC that it was written in.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds behind the second.
    pub nanos: u32,
    /// Seconds east of UTC.
    pub offset: i32,
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.instant() == other.instant()
    }
}

/// A date of the proleptic Gregorian calendar and the time of that day.
#[derive(Clone, Copy, Debug)]
pub struct Civil {
    /// The year, 1 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// Sunday is 0.
    pub weekday: i64,
    /// From 0.
    pub day_of_year: i64,
}

/// Reads a duration as `time.ParseDuration` does (`1h30m`, `-1.5s`, `0`), in nanoseconds.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole_end = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = rest.split_at(whole_end);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(after.bytes().take_while(u8::is_ascii_digit).count()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit_end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let unit: u64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut part = whole.checked_mul(unit)?;
        if !fraction.is_empty() {
            let digits = &fraction[..fraction.len().min(18)];
            let scale = 10_f64.powi(digits.len() as i32);
            part = part.checked_add((digits.parse::<u64>().ok()? as f64 * (unit as f64 / scale)) as u64)?;
        }
        total = total.checked_add(part).filter(|total| *total <= 1 << 63)?;
        rest = after;
    }
    if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() }
}

/// Writes a duration as CEL's `string()` does: in seconds.
pub fn duration_text(nanos: i64) -> String {
    let whole = nanos / SECOND;
    let fraction = nanos % SECOND;
    format!("{}s", whole as f64 + fraction as f64 / SECOND as f64)
}

/// Reads `2006-01-02`, in days since 1970-01-01.
pub fn parse_date(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    let well_formed = b.len() == 10 && b[4] == b'-' && b[7] == b'-';
    let number = |range: std::ops::Range<usize>| digits(text.get(range)?);
    if !well_formed {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=last).contains(&day).then(|| days_from_civil(year, month, day))
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

impl Timestamp {
    /// Reads RFC 3339 as Go does.
    pub fn parse(text: &str) -> Option<Self> {
        let time = Self::parse_local(text)?;
        let zone = time.1;
        let offset = if zone == "Z" {
            0
        } else {
            let sign = match zone.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            if zone.len() != 6 || zone.as_bytes()[3] != b':' {
                return None;
            }
            let (hours, minutes) = (digits(zone.get(1..3)?)?, digits(zone.get(4..6)?)?);
            if hours > 24 || minutes > 59 {
                return None;
            }
            sign * (hours * 3600 + minutes * 60) as i32
        };
        Some(Self { seconds: time.0.seconds - i64::from(offset), offset, ..time.0 })
    }

    /// Reads a date with time, and gives what stands behind it.
    fn parse_local(text: &str) -> Option<(Self, &str)> {
        let days = parse_date(text.get(..10)?)?;
        let clock = text.get(10..)?.strip_prefix('T')?;
        let (hour, rest) = clock.split_once(':')?;
        let (minute, rest) = rest.split_once(':')?;
        let (second, mut rest) = rest.split_at_checked(2)?;
        let (hour_number, minute_number, second_number) = (digits(hour)?, digits(minute)?, digits(second)?);
        let in_range =
            hour.len() <= 2 && minute.len() == 2 && hour_number < 24 && minute_number < 60 && second_number < 60;
        if !in_range {
            return None;
        }
        let mut nanos = 0;
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            let end = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let kept = &fraction[..end.min(9)];
            nanos = kept.parse::<u32>().ok()? * 10_u32.pow(9 - kept.len() as u32);
            rest = &fraction[end..];
        }
        let seconds = days * DAY + hour_number * 3600 + minute_number * 60 + second_number;
        Some((Self { seconds, nanos, offset: 0 }, rest))
    }

    /// Reads a value of the format `date-time` as the server hands it to CEL: RFC 3339, or without a zone.
    pub fn parse_date_time(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self { seconds: 0, nanos: 0, offset: 0 });
        }
        Self::parse(text).or_else(|| Self::parse_local(text).filter(|(_, zone)| zone.is_empty()).map(|(time, _)| time))
    }

    /// Reads a value of the format `date`.
    pub fn parse_day(text: &str) -> Option<Self> {
        Some(Self { seconds: parse_date(text)? * DAY, nanos: 0, offset: 0 })
    }

    /// Whether the year is one of 1 to 9999.
    pub fn is_in_range(self) -> bool {
        (-62_135_596_800..=253_402_300_799).contains(&self.seconds)
    }

    /// Nanoseconds since 1970, for comparison.
    pub fn instant(self) -> i128 {
        i128::from(self.seconds) * i128::from(SECOND) + i128::from(self.nanos)
    }

    /// The point that lies a duration later; `None` outside of the years 1 to 9999.
    pub fn plus(self, nanos: i128) -> Option<Self> {
        let instant = self.instant() + nanos;
        let seconds = i64::try_from(instant.div_euclid(i128::from(SECOND))).ok()?;
        let nanos = instant.rem_euclid(i128::from(SECOND)) as u32;
        let later = Self { seconds, nanos, ..self };
        later.is_in_range().then_some(later)
    }

    /// Calendar date and time of day at an offset from UTC in seconds.
    pub fn civil(self, offset: i64) -> Civil {
        let local = self.seconds + offset;
        let (days, clock) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            weekday: (days + 4).rem_euclid(7),
            day_of_year: days - days_from_civil(year, 1, 1),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil(i64::from(self.offset));
        write!(f, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second)?;
        if self.nanos > 0 {
            write!(f, ".{}", format!("{:09}", self.nanos).trim_end_matches('0'))?;
        }
        if self.offset == 0 {
            return f.write_str("Z");
        }
        let minutes = self.offset.abs() / 60;
        write!(f, "{}{:02}:{:02}", if self.offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    }
}

/// Days since 1970-01-01 (Howard Hinnant's algorithm: years begin in March, eras have 400 of them).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h30m"), Some(5_400 * SECOND));
        assert_eq!(parse_duration("-1.5s"), Some(-1_500_000_000));
        assert_eq!(parse_duration("2562047h"), Some(2_562_047 * 3_600 * SECOND));
        assert_eq!(parse_duration("-9223372036854775808ns"), Some(i64::MIN));
        for bad in ["", "1", "s", "1d", "2562048h", "1 s", ".s", "--1s"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        assert_eq!(duration_text(1_500_000_000), "1.5s");
    }

    #[test]
    fn timestamps() {
        let time = Timestamp::parse("2020-02-29T23:59:59.5+02:00").expect("a timestamp");
        assert_eq!(time.to_string(), "2020-02-29T23:59:59.5+02:00");
        assert_eq!(time.civil(0).hour, 21);
        assert!(Timestamp::parse("2021-02-29T00:00:00Z").is_none());
        assert_eq!(parse_date("1970-01-01"), Some(0));
        assert_eq!(civil_from_days(days_from_civil(1, 1, 1)), (1, 1, 1));
    }
}
