//! How far two names are apart; which one was meant is for `schema::suggest`.

/// Bytes up to which a text is a name that somebody may have misspelt; comparing takes the product of both lengths.
const LONGEST_NAME: usize = 1024;

/// The number of letters to insert, remove, replace or swap with their neighbour; `None` above the limit.
pub fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    if a.len().max(b.len()) > LONGEST_NAME || Letters::of(a).differ_from(Letters::of(b)) > limit {
        return None;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before_last: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = before_last.clone();
    for (i, left) in a.iter().enumerate() {
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(left != right);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                best = best.min(before_last[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        (before_last, last, row) = (last, row, before_last);
    }
    last.last().copied().filter(|distance| *distance <= limit)
}

/// Which letters stand in a name, however often: names that are near one another have most of them in common, and most names are
/// not.
#[derive(Clone, Copy)]
struct Letters([u64; 2]);

impl Letters {
    fn of(name: &str) -> Self {
        let mut letters = [0; 2];
        name.bytes().filter(u8::is_ascii).for_each(|byte| letters[usize::from(byte >> 6)] |= 1 << (byte & 63));
        Self(letters)
    }

    /// At least so many letters of one are to be inserted, removed or replaced to make the other of it.
    fn differ_from(self, other: Self) -> usize {
        let more =
            |one: Self, other: Self| one.0.iter().zip(other.0).map(|(one, other)| (one & !other).count_ones()).sum();
        let (here, there): (u32, u32) = (more(self, other), more(other, self));
        here.max(there) as usize
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
        assert_eq!(distance("abcd", "bad", 2), Some(2));
        assert_eq!(distance("é", "e", 1), Some(1));
        assert_eq!(distance("replicas", "replicsa", 1), Some(1));
        assert_eq!(distance("replicas", "rplicass", 1), None);
    }

    #[test]
    fn few_letters_in_common_never_hide_what_is_near() {
        let names = ["", "a", "ab", "ba", "abc", "cab", "bca", "aabb", "bbaa", "abab", "é", "éa", "aé"];
        for a in names {
            for b in names {
                let far = distance(a, b, usize::MAX).expect("no limit");
                for limit in 0..5 {
                    assert_eq!(distance(a, b, limit), Some(far).filter(|far| *far <= limit), "{a} {b} {limit}");
                }
            }
        }
    }
}
