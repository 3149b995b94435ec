//! Items by numbers: all in one list, those of a number one behind the other, so that none of them asks for memory of its own.
//!
//! It knows nothing of what the items are, nor what the numbers count.

/// Items of some numbers.
#[derive(Clone, Debug)]
pub struct Grouped<T> {
    items: Vec<T>,
    /// Where those of each number begin; and where the last ones end.
    begins: Vec<u32>,
}

impl<T> Default for Grouped<T> {
    fn default() -> Self {
        Self { items: Vec::new(), begins: Vec::new() }
    }
}

impl<T: Clone> Grouped<T> {
    /// Items of numbers below `count`; those of one number stay in order.
    pub fn new(count: usize, items: &(impl Iterator<Item = (usize, T)> + Clone)) -> Self {
        // How many there are of a number stands two places on, so that it has moved to where the next ones begin when all are there.
        let mut begins = vec![0_u32; count + 2];
        items.clone().for_each(|(number, _)| begins[number + 2] += 1);
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        let length = begins[count + 1] as usize;
        let mut all = items.clone().next().map_or_else(Vec::new, |(_, some)| vec![some; length]);
        items.clone().for_each(|(number, item)| {
            let next = &mut begins[number + 1];
            all[*next as usize] = item;
            *next += 1;
        });
        begins.pop();
        Self { items: all, begins }
    }
}

impl<T> Grouped<T> {
    /// Those of a number.
    #[inline]
    pub fn of(&self, number: usize) -> &[T] {
        let bound = |number: usize| self.begins.get(number).map_or(0, |at| *at as usize);
        self.items.get(bound(number)..bound(number.saturating_add(1))).unwrap_or_default()
    }

    /// Calls `change` with those of each number, where there are several.
    pub fn change_several(&mut self, mut change: impl FnMut(&mut [T])) {
        for bounds in self.begins.windows(2).filter(|bounds| bounds[1] - bounds[0] > 1) {
            change(&mut self.items[bounds[0] as usize..bounds[1] as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Grouped;

    #[test]
    fn items_stand_under_their_numbers_in_order() {
        let items = [(2, 'a'), (0, 'b'), (2, 'c'), (3, 'd'), (0, 'e')];
        let mut grouped = Grouped::new(5, &items.into_iter());
        let all = |grouped: &Grouped<char>| (0..7).map(|number| grouped.of(number).to_vec()).collect::<Vec<_>>();
        assert_eq!(all(&grouped), [vec!['b', 'e'], vec![], vec!['a', 'c'], vec!['d'], vec![], vec![], vec![]]);
        grouped.change_several(<[char]>::reverse);
        assert_eq!(all(&grouped)[..4], [vec!['e', 'b'], vec![], vec!['c', 'a'], vec!['d']]);
        assert!(Grouped::<u8>::new(0, &std::iter::empty()).of(usize::MAX).is_empty());
        assert!(Grouped::<u8>::default().of(0).is_empty());
    }
}
