//! Numbers of lines within a text: line ends are counted once for each part of a long one, and from there on when asked.
//!
//! It knows nothing of what stands in the lines.

/// How many line ends stand before each part of a text; nothing for a short one.
#[derive(Debug, Default)]
pub struct Lines(Box<[u32]>);

impl Lines {
    const PART: usize = 1 << 14;

    /// Whether the text is short.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines of a text, and how many line ends it has.
    pub fn of(text: &[u8]) -> (Self, usize) {
        if text.len() <= Self::PART {
            return (Self::default(), count(text));
        }
        let mut before = Vec::with_capacity(text.len() / Self::PART + 1);
        let mut ends = 0;
        for part in text.chunks(Self::PART) {
            before.push(ends as u32);
            ends += count(part);
        }
        (Self(before.into()), ends)
    }

    /// How many line ends stand in the beginning of the text.
    pub fn before(&self, beginning: &[u8]) -> usize {
        let part = beginning.len() / Self::PART;
        let (begin, before) = self.0.get(part).map_or((0, 0), |before| (part * Self::PART, *before as usize));
        before + count(beginning.get(begin..).unwrap_or_default())
    }
}

/// Line ends in some bytes.
pub fn count(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn line_ends_are_counted_to_any_place() {
        for (lines, length) in [(0, 0), (9000, 10), (3, 40_000), (2, Lines::PART - 1)] {
            let text = format!("{}\n", "x".repeat(length)).repeat(lines) + "end";
            let (index, ends) = Lines::of(text.as_bytes());
            assert_eq!(ends, lines);
            let step = (text.len() / 3000).max(1);
            for offset in (0..=text.len()).step_by(step) {
                assert_eq!(index.before(&text.as_bytes()[..offset]), text[..offset].matches('\n').count());
            }
        }
    }
}
