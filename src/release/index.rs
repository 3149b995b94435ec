//! Objects by a hash: sorted, with the place of each beginning at hand, so that a look-up does not search.

/// Numbers of objects by a hash of theirs.
#[derive(Debug, Default)]
pub struct Index {
    /// The end of each hash, and the object: sorted by how the hash begins, and among those that begin alike by this.
    entries: Vec<(u32, u32)>,
    /// Where the entries begin whose hash begins with these bits; and where the last ones end.
    begins: Vec<u32>,
    shift: u32,
    /// For each object: whether an earlier one has its hash; empty where that holds of none.
    is_later: Vec<bool>,
}

impl Index {
    /// An index of so many objects by their hashes, numbered as those stand.
    pub fn new(count: usize, hashes: impl Iterator<Item = u64> + Clone) -> Self {
        let bits = (count.max(2) as u64).ilog2();
        let shift = u64::BITS - bits;
        let mut begins = vec![0_u32; (1 << bits) + 1];
        for hash in hashes.clone() {
            begins[(hash >> shift) as usize + 1] += 1;
        }
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        // Each goes to its place among all; the few that begin alike are sorted then.
        let mut next = begins.clone();
        let mut entries = vec![(0, 0); count];
        for (number, hash) in (0..).zip(hashes) {
            let at = &mut next[(hash >> shift) as usize];
            entries[*at as usize] = (hash as u32, number);
            *at += 1;
        }
        let mut is_later = Vec::new();
        for place in begins.windows(2) {
            let alike = &mut entries[place[0] as usize..place[1] as usize];
            alike.sort_unstable();
            for pair in alike.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
                is_later.resize(count, false);
                is_later[pair[1].1 as usize] = true;
            }
        }
        Self { entries, begins, shift, is_later }
    }

    /// Whether no earlier object has the hash of an object.
    pub fn is_first(&self, number: u32) -> bool {
        self.is_later.get(number as usize).is_none_or(|is_later| !is_later)
    }

    /// The objects of a hash, in order. Others may have the same, or nearly the same: whoever asks compares.
    pub fn of(&self, hash: u64) -> impl DoubleEndedIterator<Item = u32> + '_ {
        let alike = self.alike((hash >> self.shift.min(u64::BITS - 1)) as usize);
        let from = alike.partition_point(|(key, _)| *key < hash as u32);
        let to = alike.partition_point(|(key, _)| *key <= hash as u32);
        alike.get(from..to).unwrap_or_default().iter().map(|(_, number)| *number)
    }

    /// The hashes that several objects share, or nearly share, with those objects.
    pub fn shared(&self) -> impl Iterator<Item = &[(u32, u32)]> {
        let alike = (0..self.begins.len().saturating_sub(1)).map(|begin| self.alike(begin));
        alike.flat_map(|alike| alike.chunk_by(|a, b| a.0 == b.0)).filter(|run| run.len() > 1)
    }

    /// The entries whose hash begins with some bits.
    fn alike(&self, begin: usize) -> &[(u32, u32)] {
        let bound = |at: usize| self.begins.get(at).map_or(0, |at| *at as usize);
        self.entries.get(bound(begin)..bound(begin.saturating_add(1))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for size in [0, 1, 2, 3, 100, 1000] {
            let hashes: Vec<_> = (0..size).map(|number| hash(number / 2)).collect();
            let index = Index::new(hashes.len(), hashes.iter().copied());
            assert!((0..size as u32).all(|number| index.is_first(number) == (number % 2 == 0)));
            for number in 0..size / 2 {
                assert_eq!(index.of(hash(number)).collect::<Vec<_>>(), [2 * number as u32, 2 * number as u32 + 1]);
            }
            assert_eq!(index.of(hash(size + 7)).count(), 0);
            assert_eq!(index.shared().count() as u64, size / 2);
        }
    }
}
