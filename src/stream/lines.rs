//! Numbers of lines: line ends are counted once for each part of a stream, and from there on when asked.
//!
//! It knows nothing of what stands in the lines.

use super::Bytes;

/// Bytes and the line ends in them.
#[derive(Clone, Copy, Debug)]
pub struct LineEnds {
    /// Where the bytes begin.
    pub begin: usize,
    /// How many line ends stand in them.
    count: usize,
}

impl LineEnds {
    const BYTES: usize = 1 << 14;

    /// Those of bytes that stand behind so many others, in small parts.
    pub fn of(bytes: &[u8], from: usize) -> impl Iterator<Item = Self> {
        let places = (from..).step_by(Self::BYTES);
        let count = |part: &[u8]| memchr::memchr_iter(b'\n', part).count();
        places.zip(bytes.chunks(Self::BYTES)).map(move |(begin, part)| Self { begin, count: count(part) })
    }
}

/// How many lines stand before each part of a stream.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Where each part begins, and how many line ends stand before it.
    before: Vec<(usize, usize)>,
}

impl Lines {
    /// The lines of a stream, by the line ends of its parts in order.
    pub fn of<'l>(parts: impl Iterator<Item = &'l LineEnds>) -> Self {
        let mut breaks = 0;
        let before = parts.map(|part| {
            breaks += part.count;
            (part.begin, breaks - part.count)
        });
        Self { before: before.collect() }
    }

    /// The line at an offset, from 1.
    pub fn at(&self, bytes: &Bytes<'_>, offset: usize) -> usize {
        let part = self.before.partition_point(|(begin, _)| *begin <= offset).saturating_sub(1);
        let (begin, before) = self.before.get(part).copied().unwrap_or_default();
        let within = bytes.get(begin..offset).unwrap_or_default();
        before + memchr::memchr_iter(b'\n', within).count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, LineEnds, Lines};

    #[test]
    fn lines_are_counted_over_blocks() {
        let text = (0..9000).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n") + "\n";
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let middle = ends[4321] + 1;
        let whole: Bytes<'_> = [text.as_bytes()].into_iter().collect();
        let halves: Bytes<'_> = [&text.as_bytes()[..middle], &text.as_bytes()[middle..]].into_iter().collect();
        for bytes in [whole, halves] {
            let parts: Vec<LineEnds> = bytes.blocks().flat_map(|(begin, block)| LineEnds::of(block, begin)).collect();
            let lines = Lines::of(parts.iter());
            for (number, end) in ends.iter().enumerate() {
                assert_eq!((lines.at(&bytes, *end), lines.at(&bytes, end + 1)), (number + 1, number + 2));
            }
        }
    }
}
