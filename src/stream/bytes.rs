//! The bytes of a stream: one block for what was read whole, several for what was parsed while it was being read.
//!
//! A document stands in one block. It knows nothing of documents itself.

use std::ops::Range;

/// Bytes in blocks, counted over all of them.
#[derive(Clone, Debug, Default)]
pub struct Bytes<'a> {
    /// Each with the place of its first byte.
    blocks: Vec<(usize, &'a [u8])>,
}

impl<'a> FromIterator<&'a [u8]> for Bytes<'a> {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(blocks: I) -> Self {
        let mut begin = 0;
        let placed = blocks.into_iter().map(|block| {
            begin += block.len();
            (begin - block.len(), block)
        });
        Self { blocks: placed.collect() }
    }
}

impl<'a> Bytes<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |(begin, block)| begin + block.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The blocks, each with the place of its first byte.
    pub fn blocks(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        self.blocks.iter().copied()
    }

    /// The block in which a byte stands, and the place of its first byte; the last one for what lies behind it.
    pub fn block_at(&self, offset: usize) -> (usize, &'a [u8]) {
        let behind = self.blocks.partition_point(|(begin, _)| *begin <= offset);
        behind.checked_sub(1).and_then(|number| self.blocks.get(number)).copied().unwrap_or_default()
    }

    /// Bytes that stand in one block; `None` where they do not.
    pub fn get(&self, range: Range<usize>) -> Option<&'a [u8]> {
        let (begin, block) = self.block_at(range.start);
        block.get(range.start - begin..range.end.checked_sub(begin)?)
    }

    /// Bytes as slices, one for each block that they stand in.
    pub fn pieces(&self, range: Range<usize>) -> impl Iterator<Item = &'a [u8]> {
        let first = self.blocks.partition_point(|(begin, block)| begin + block.len() <= range.start);
        let touched = self.blocks.get(first..).unwrap_or_default().iter();
        touched.take_while(move |(begin, _)| *begin < range.end).filter_map(move |(begin, block)| {
            block.get(range.start.saturating_sub(*begin)..block.len().min(range.end - begin))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn bytes_are_the_same_whatever_the_blocks() {
        let all = b"0123456789";
        for cuts in [vec![], vec![10], vec![3, 10], vec![1, 2, 7, 10], vec![5, 5, 10]] {
            let mut start = 0;
            let blocks = cuts.iter().map(|end| {
                let block = &all[start..*end];
                start = *end;
                block
            });
            let bytes: Bytes<'_> = blocks.collect();
            let length = cuts.last().copied().unwrap_or_default();
            assert_eq!((bytes.len(), bytes.is_empty()), (length, length == 0));
            for from in 0..=length {
                for to in from..=length {
                    assert_eq!(bytes.pieces(from..to).collect::<Vec<_>>().concat(), &all[from..to]);
                    if let Some(part) = bytes.get(from..to) {
                        assert_eq!(part, &all[from..to]);
                    }
                }
                if from < length {
                    assert_eq!(bytes.get(from..from + 1), Some(&all[from..=from]));
                }
            }
            assert_eq!(bytes.get(length..length + 1), None);
        }
    }
}
