//! Objects by a hash: sorted, with the place of each beginning at hand, so that a look-up does not search.

use crate::grouped::Grouped;
use crate::threads;

/// Hashes that a thread must have to be worth its while; each looks at all of them.
const HASHES_PER_THREAD: usize = 1 << 13;

/// Numbers of objects by a hash of theirs.
#[derive(Debug, Default)]
pub struct Index {
    /// A power of two of them, each with the hashes that begin alike.
    shards: Vec<Shard>,
    /// Bits of a hash by which entries are found, and those among them by which they are in one shard.
    bits: u32,
    within: u32,
    /// For each object: whether an earlier one has its hash; empty where that holds of none.
    is_later: Vec<bool>,
}

/// The objects whose hashes begin with some bits.
#[derive(Debug)]
struct Shard {
    /// The end of each hash, and the object: by how the hash goes on, and sorted among those that go on alike.
    entries: Grouped<(u32, u32)>,
    /// Objects whose hash an earlier one has.
    later: Vec<u32>,
}

impl Shard {
    /// Those of all hashes of which `place` gives the bits by which they are found here, below `places`.
    fn new(hashes: &(impl Iterator<Item = u64> + Clone), places: usize, place: impl Fn(u64) -> Option<usize>) -> Self {
        let entry = |(number, hash): (u32, u64)| Some((place(hash)?, (hash as u32, number)));
        let mut entries = Grouped::new(places, &(0..).zip(hashes.clone()).filter_map(&entry));
        let mut later = Vec::new();
        entries.change_several(|alike| {
            alike.sort_unstable();
            later.extend(alike.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1));
        });
        Self { entries, later }
    }
}

impl Index {
    /// An index of so many objects by their hashes, numbered as those stand, made on at most `jobs` threads.
    pub fn new(count: usize, hashes: &(impl Iterator<Item = u64> + Clone + Sync), jobs: usize) -> Self {
        let bits = (count.max(2) as u64).ilog2();
        let of_shards = (jobs.clamp(1, count / HASHES_PER_THREAD + 1) as u64).ilog2().min(bits);
        let within = bits - of_shards;
        let shards = threads::in_turn(1 << of_shards, jobs, |shard| {
            Shard::new(hashes, 1 << within, |hash| {
                let place = (hash >> (u64::BITS - bits)) as usize;
                (place >> within == shard).then_some(place & ((1 << within) - 1))
            })
        });
        let mut is_later = Vec::new();
        for object in shards.iter().flat_map(|shard| &shard.later) {
            is_later.resize(count, false);
            is_later[*object as usize] = true;
        }
        Self { shards, bits, within, is_later }
    }

    /// Whether no earlier object has the hash of an object.
    pub fn is_first(&self, number: u32) -> bool {
        self.is_later.get(number as usize).is_none_or(|is_later| !is_later)
    }

    /// The objects of a hash, in order. Others may have the same, or nearly the same: whoever asks compares.
    pub fn of(&self, hash: u64) -> impl DoubleEndedIterator<Item = u32> + '_ {
        let place = hash.checked_shr(u64::BITS - self.bits).unwrap_or(0) as usize;
        let shard = self.shards.get(place >> self.within);
        let alike = shard.map_or(&[][..], |shard| shard.entries.of(place & ((1 << self.within) - 1)));
        let from = alike.partition_point(|(key, _)| *key < hash as u32);
        let to = alike.partition_point(|(key, _)| *key <= hash as u32);
        alike.get(from..to).unwrap_or_default().iter().map(|(_, number)| *number)
    }

    /// The hashes that several objects share, or nearly share, with those objects.
    pub fn shared(&self) -> impl Iterator<Item = &[(u32, u32)]> {
        let with_any = self.shards.iter().filter(|shard| !shard.later.is_empty());
        let alike = with_any.flat_map(|shard| (0..1 << self.within).map(|place| shard.entries.of(place)));
        alike.flat_map(|alike| alike.chunk_by(|a, b| a.0 == b.0)).filter(|run| run.len() > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (size, jobs) in [(0, 1), (1, 1), (2, 1), (3, 1), (100, 1), (1000, 2), (40_000, 1), (40_000, 2), (40_000, 7)]
        {
            let hashes: Vec<_> = (0..size).map(|number| hash(number / 2)).collect();
            let index = Index::new(hashes.len(), &hashes.iter().copied(), jobs);
            assert!((0..size as u32).all(|number| index.is_first(number) == (number % 2 == 0)));
            for number in 0..size / 2 {
                assert_eq!(index.of(hash(number)).collect::<Vec<_>>(), [2 * number as u32, 2 * number as u32 + 1]);
            }
            assert_eq!(index.of(hash(size + 7)).count(), 0);
            assert_eq!(index.shared().count() as u64, size / 2);
        }
    }
}
