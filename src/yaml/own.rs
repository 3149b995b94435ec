//! The words that a document has in place of its form's: all that is kept of a text that repeats another.
//!
//! It knows their number and what they are, and nothing of where they stand or what they mean.

/// Words, one behind the other, with where each ends.
#[derive(Clone, Debug, Default, Eq)]
pub(super) struct OwnWords {
    /// Nothing where there are no words. Else how many letters a number takes, then a number for where the first word begins and
    /// for where each ends, and then the words: all in one piece, so that whoever looks for a word goes to one place.
    packed: Box<str>,
    /// Of which of the form's words there are others, a bit for each.
    changed: u64,
}

impl PartialEq for OwnWords {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Two empty texts, of which most documents have one, are not compared: that they stand nowhere takes its time.
        self.changed == other.changed && (self.is_empty() || self.packed == other.packed)
    }
}

/// Bits of a number that a letter stands for: letters of ASCII, so that what they stand among is still text.
const BITS: usize = 7;

/// Numbers below this one take a letter, those below its square two, and so on.
const LETTERS: usize = 1 << BITS;

/// Words while they are put together; the room is used again.
#[derive(Debug, Default)]
pub(super) struct Collected {
    text: Vec<u8>,
    ends: Vec<usize>,
    changed: u64,
    packed: Vec<u8>,
}

impl Collected {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.changed = 0;
    }

    /// Adds what stands in place of the form's word of a number, greater than those before. Of a form with more words than there
    /// are bits all words are added, or none.
    #[inline]
    pub(super) fn push(&mut self, number: usize, word: &[u8]) {
        self.text.extend_from_slice(word);
        self.ends.push(self.text.len());
        self.changed |= 1_u64.checked_shl(number as u32).unwrap_or(u64::MAX);
    }

    /// All that were added; `None` where they are no text.
    pub(super) fn words(&mut self) -> Option<OwnWords> {
        if self.ends.is_empty() {
            return Some(OwnWords::default());
        }
        let begin = |letters: usize| 1 + letters * (1 + self.ends.len());
        let is_enough = |letters: &usize| begin(*letters) + self.text.len() < LETTERS.pow(*letters as u32);
        // A text of more than four letters' numbers is longer than any that repeats another.
        let letters = (1..4).find(is_enough).unwrap_or(4);
        let begin = begin(letters);
        self.packed.clear();
        self.packed.push(letters as u8);
        let mut pack = |mut number: usize| {
            for _ in 0..letters {
                self.packed.push((number & (LETTERS - 1)) as u8);
                number >>= BITS;
            }
        };
        pack(begin);
        self.ends.iter().for_each(|end| pack(begin + end));
        self.packed.extend_from_slice(&self.text);
        Some(OwnWords { packed: std::str::from_utf8(&self.packed).ok()?.into(), changed: self.changed })
    }
}

impl OwnWords {
    /// Whether all words are the form's.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.changed == 0
    }

    /// A bit for each of the form's words in place of which there are others; all of them where it has more than there are bits.
    #[inline]
    pub(super) fn changed(&self) -> u64 {
        self.changed
    }

    /// All words, one behind the other.
    pub(super) fn text(&self) -> &str {
        self.packed.get(self.bound(0)..).unwrap_or_default()
    }

    /// The word in place of the form's word of a number, of so many; `None` where that stands.
    #[inline]
    pub(super) fn get(&self, number: usize, of: usize) -> Option<&str> {
        let place = if of > u64::BITS as usize {
            if self.changed == 0 {
                return None;
            }
            number
        } else {
            if self.changed >> number & 1 == 0 {
                return None;
            }
            (self.changed & !(u64::MAX << number)).count_ones() as usize
        };
        self.packed.get(self.bound(place)..self.bound(place + 1))
    }

    /// Where so many words end.
    #[inline]
    fn bound(&self, words: usize) -> usize {
        let packed = self.packed.as_bytes();
        match packed.first() {
            Some(1) => packed.get(1 + words).copied().unwrap_or_default().into(),
            Some(letters) => {
                let letters = usize::from(*letters);
                let number = packed.get(1 + words * letters..).unwrap_or_default().iter().take(letters);
                number.rev().fold(0, |number, letter| number << BITS | usize::from(*letter))
            }
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_given_back_whatever_their_number_and_length() {
        let mut collected = Collected::default();
        for count in [0_usize, 1, 2, 63, 64, 65, 300] {
            for length in [0, 1, 5, 300, 40_000] {
                let word = |number: usize| format!("é{number}{}", "a".repeat(length / count.max(1)));
                collected.clear();
                (0..count).for_each(|number| collected.push(number, word(number).as_bytes()));
                let words = collected.words().expect("text");
                assert_eq!(words.text(), (0..count).map(word).collect::<String>());
                assert_eq!(words.is_empty(), count == 0);
                for number in 0..count {
                    assert_eq!(words.get(number, count), Some(word(number).as_str()));
                }
                assert_eq!(Some(words), collected.words());
            }
        }
    }

    #[test]
    fn words_of_the_form_are_not_there() {
        let mut collected = Collected::default();
        collected.push(2, b"two");
        collected.push(5, b"");
        let words = collected.words().expect("text");
        let all: Vec<_> = (0..7).map(|number| words.get(number, 7)).collect();
        assert_eq!(all, [None, None, Some("two"), None, None, Some(""), None]);
        collected.push(6, b"\xff");
        assert_eq!(collected.words(), None);
    }
}
