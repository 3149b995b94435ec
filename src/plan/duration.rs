//! Durations as people write and read them: `90s`, `3m`, `1h30m`; `51 s`, `9 min`, `5 h`.

use std::time::Duration;

/// Reads `90s`, `3m`, `1h30m`, `500ms`; a number alone is seconds.
///
/// # Errors
/// Anything else, with what to write.
pub fn parse(text: &str) -> Result<Duration, String> {
    let fault = || format!("'{text}' is no duration; write 90s, 3m or 1h30m");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(fault)?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let factor = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(fault()),
        };
        let seconds = number.parse::<f64>().map_err(|_| fault())? * factor;
        total = total.saturating_add(Duration::try_from_secs_f64(seconds).map_err(|_| fault())?);
        rest = tail;
    }
    if text.is_empty() { Err(fault()) } else { Ok(total) }
}

/// `51 s`, `9 min`, `2 min 30 s`, `5 h`, `1 h 40 min`; rounded to what one would say.
pub fn text(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, rest) => format!("{rest} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_told() {
        let told = |input: &str| parse(input).map(text);
        assert_eq!(told("3m").as_deref(), Ok("3 min"));
        assert_eq!(told("1h30m").as_deref(), Ok("1 h 30 min"));
        assert_eq!(told("90").as_deref(), Ok("1 min 30 s"));
        assert_eq!(told("500ms").as_deref(), Ok("1 s"));
        for wrong in ["", "m", "3 minutes", "1d", "-3m", "1e400h"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
