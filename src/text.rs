//! Small helpers on text: how far two names are apart (which one was meant is for `schema::suggest`), and which line a byte is in.

use crate::threads;

/// Bytes up to which a text is a name that somebody may have misspelt; comparing takes the product of both lengths.
const LONGEST_NAME: usize = 1024;

/// The number of letters to insert, remove, replace or swap with their neighbour; `None` above the limit.
pub fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    if a.len().max(b.len()) > LONGEST_NAME {
        return None;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(left != right);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|distance| *distance <= limit)
}

/// Numbers of lines: counted once for each block of a source, and from there on when asked.
#[derive(Clone, Debug)]
pub struct Lines {
    before: Vec<usize>,
}

impl Lines {
    const BLOCK: usize = 1 << 14;

    /// Counts the lines of a text, on so many threads.
    pub fn count(bytes: &[u8], jobs: usize) -> Self {
        let blocks: Vec<&[u8]> = bytes.chunks(Self::BLOCK).collect();
        let counts = threads::in_parts(&blocks, jobs, 1, |_, blocks| {
            blocks.iter().map(|block| memchr::memchr_iter(b'\n', block).count()).collect::<Vec<_>>()
        });
        let mut breaks = 0;
        let before = counts.into_iter().flatten().map(|count| {
            breaks += count;
            breaks - count
        });
        Self { before: before.collect() }
    }

    /// The line at an offset, from 1.
    pub fn at(&self, bytes: &[u8], offset: usize) -> usize {
        // An offset at the very end may lie behind the last block.
        let block = (offset / Self::BLOCK).min(self.before.len().saturating_sub(1));
        let within = bytes.get(block * Self::BLOCK..offset).unwrap_or_default();
        self.before.get(block).copied().unwrap_or_default() + memchr::memchr_iter(b'\n', within).count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn letters_that_differ_are_counted_up_to_the_limit() {
        assert_eq!(distance("", "ab", 2), Some(2));
        assert_eq!(distance("ab", "ba", 1), Some(1));
        assert_eq!(distance("abc", "abd", 1), Some(1));
        assert_eq!(distance("abc", "xyz", 2), None);
    }
}
