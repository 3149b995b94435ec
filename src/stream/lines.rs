//! Numbers of lines: counted once for each part of a stream, and from there on when asked.
//!
//! It knows nothing of what stands in the lines.

use super::Bytes;
use crate::threads;

/// How many lines stand before each part of a stream.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Where each part begins, and how many line ends stand before it.
    before: Vec<(usize, usize)>,
}

impl Lines {
    const PART: usize = 1 << 14;

    /// Counts the lines of a stream, on so many threads.
    pub fn count(bytes: &Bytes<'_>, jobs: usize) -> Self {
        let parts: Vec<(usize, &[u8])> = bytes
            .blocks()
            .flat_map(|(begin, block)| (begin..).step_by(Self::PART).zip(block.chunks(Self::PART)))
            .collect();
        let counts = threads::in_parts(&parts, jobs, 1, |_, parts| {
            parts.iter().map(|(_, part)| memchr::memchr_iter(b'\n', part).count()).collect::<Vec<_>>()
        });
        let mut breaks = 0;
        let before = parts.iter().zip(counts.into_iter().flatten()).map(|((begin, _), count)| {
            breaks += count;
            (*begin, breaks - count)
        });
        Self { before: before.collect() }
    }

    /// The line at an offset, from 1.
    pub fn at(&self, bytes: &Bytes<'_>, offset: usize) -> usize {
        let part = self.before.partition_point(|(begin, _)| *begin <= offset).saturating_sub(1);
        let (begin, before) = self.before.get(part).copied().unwrap_or_default();
        let within = bytes.get(begin..offset.min(bytes.len())).unwrap_or_default();
        before + memchr::memchr_iter(b'\n', within).count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Lines};

    #[test]
    fn lines_are_counted_over_blocks() {
        let text = (0..9000).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n") + "\n";
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let middle = ends[4321] + 1;
        let whole: Bytes<'_> = [text.as_bytes()].into_iter().collect();
        let halves: Bytes<'_> = [&text.as_bytes()[..middle], &text.as_bytes()[middle..]].into_iter().collect();
        for bytes in [whole, halves] {
            let lines = Lines::count(&bytes, 2);
            for (number, end) in ends.iter().enumerate() {
                assert_eq!((lines.at(&bytes, *end), lines.at(&bytes, end + 1)), (number + 1, number + 2));
            }
        }
    }
}
