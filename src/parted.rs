//! Lists in the parts in which threads made them: to put the parts into one list would be to copy them all.
//!
//! It knows nothing of what stands in the lists.

use std::ops::Range;

/// A list in parts.
#[derive(Clone, Debug)]
pub struct Parted<T> {
    parts: Vec<Vec<T>>,
    /// The number of each part's first item.
    begins: Vec<usize>,
    count: usize,
    /// Of how many parts an item is one, if all are of one length: a product takes less time than a quotient.
    parts_of_item: f64,
}

impl<T> Default for Parted<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<T> From<Vec<Vec<T>>> for Parted<T> {
    fn from(mut parts: Vec<Vec<T>>) -> Self {
        parts.retain(|part| !part.is_empty());
        let mut begins = Vec::with_capacity(parts.len());
        let mut count = 0;
        for part in &parts {
            begins.push(count);
            count += part.len();
        }
        let mut parted = Self { parts, begins, count, parts_of_item: 0.0 };
        parted.measure();
        parted
    }
}

impl<T> Parted<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds those of another list behind its own.
    pub fn append(&mut self, other: Self) {
        let count = self.count;
        self.parts.extend(other.parts);
        self.begins.extend(other.begins.into_iter().map(|begin| begin + count));
        self.count += other.count;
        self.measure();
    }

    fn measure(&mut self) {
        self.parts_of_item = self.parts.len() as f64 / self.count.max(1) as f64;
    }

    /// The item of a number.
    pub fn get(&self, number: usize) -> Option<&T> {
        let part = self.part_of(number)?;
        self.parts.get(part)?.get(number - self.begins[part])
    }

    /// A part, and the number of its first item; nothing where there are not so many parts. Empty ones do not count.
    pub fn part(&self, part: usize) -> (usize, &[T]) {
        self.begins.get(part).zip(self.parts.get(part)).map_or((0, &[]), |(begin, part)| (*begin, part))
    }

    /// The part in which the item of a number stands. Threads share their work evenly, so that it is mostly where it would be if
    /// all parts were of one length.
    #[inline]
    pub fn part_of(&self, number: usize) -> Option<usize> {
        let begins = self.begins.as_slice();
        let likely = (number as f64 * self.parts_of_item) as usize;
        let is_in = |part: &usize| {
            begins.get(*part).is_some_and(|begin| *begin <= number)
                && begins.get(part + 1).is_none_or(|next| number < *next)
        };
        let near = [likely, likely.wrapping_sub(1), likely + 1].into_iter().find(is_in);
        near.or_else(|| begins.partition_point(|begin| *begin <= number).checked_sub(1))
    }

    /// The number of the first item that is not what those before it are; as of slices.
    pub fn partition_point(&self, is: impl Fn(&T) -> bool) -> usize {
        let part = self.parts.partition_point(|part| part.last().is_none_or(&is));
        let Some(items) = self.parts.get(part) else { return self.count };
        self.begins[part] + items.partition_point(is)
    }

    /// Items that stand in one part; none where they do not.
    pub fn range(&self, numbers: Range<usize>) -> &[T] {
        let Some(part) = self.part_of(numbers.start) else { return &[] };
        let begin = self.begins[part];
        let items = self.parts.get(part).and_then(|part| part.get(numbers.start - begin..numbers.end - begin));
        items.unwrap_or_default()
    }

    /// The items of some numbers, in order.
    pub fn between(&self, numbers: Range<usize>) -> impl Iterator<Item = &T> {
        self.parts.iter().zip(&self.begins).flat_map(move |(part, begin)| {
            let within = |number: usize| number.saturating_sub(*begin).min(part.len());
            &part[within(numbers.start)..within(numbers.end)]
        })
    }

    /// All of them, in order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.parts.iter().flatten()
    }

    /// All of them, in slices none of which is longer than that.
    pub fn slices(&self, longest: usize) -> impl Iterator<Item = &[T]> {
        self.parts.iter().flat_map(move |part| part.chunks(longest.max(1)))
    }
}

/// Goes through a list in parts.
pub type Iter<'l, T> = std::iter::Flatten<std::slice::Iter<'l, Vec<T>>>;

impl<'l, T> IntoIterator for &'l Parted<T> {
    type Item = &'l T;
    type IntoIter = Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::Parted;

    #[test]
    fn items_are_found_whatever_the_parts() {
        let uneven = vec![(0..90).collect(), vec![90], vec![91], vec![92], (93..100).collect()];
        let few = [vec![], vec![vec![]], vec![vec![0, 1, 2]], vec![vec![], vec![0], vec![], vec![1, 2], vec![]]];
        for parts in few.into_iter().chain([uneven]) {
            let count = parts.iter().map(Vec::len).sum::<usize>();
            let list = Parted::from(parts);
            assert_eq!((list.len(), list.is_empty()), (count, count == 0));
            assert!(list.iter().copied().eq(0..count));
            assert!((0..count).all(|number| list.get(number) == Some(&number)));
            assert!((0..count).all(|number| {
                let (first, items) = list.part(list.part_of(number).expect("a part"));
                items[number - first] == number
            }));
            assert_eq!((list.get(count), list.part(count + 1)), (None, (0, &[][..])));
            assert!((0..=count).all(|from| list.between(from..count).copied().eq(from..count)));
            assert!((0..=count).all(|number| list.partition_point(|item| *item < number) == number));
            assert!(
                (0..count)
                    .all(|number| list.range(number..number + 1) == [number] && list.range(number..number).is_empty())
            );
            for longest in 0..4 {
                let slices: Vec<_> = list.slices(longest).collect();
                assert!(slices.iter().all(|slice| slice.len() <= longest.max(1)));
                assert!(slices.concat().into_iter().eq(0..count));
            }
        }
    }
}
