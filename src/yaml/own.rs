//! The words that a document has in place of its form's: all that is kept of a text that repeats another.
//!
//! It knows their number and what they are, and nothing of where they stand or what they mean.

use std::sync::Arc;

/// The words of one document among those of others.
#[derive(Clone, Debug, Default, Eq)]
pub(super) struct OwnWords {
    /// In which they are packed, or would be; nothing for the document of which the form was made.
    pack: Option<Arc<Pack>>,
    place: Place,
}

/// Words of documents that were read together, one document's behind the other's: how many letters a number takes, then numbers
/// for where the first word begins and where each ends, and then the words. So whoever looks for a word goes to one place, and no
/// document has to ask for memory of its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pack(Box<str>);

/// Where the words of a document are packed, and which they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    begin: u32,
    end: u32,
    /// Of which of the form's words there are others, a bit for each.
    changed: u64,
}

impl PartialEq for OwnWords {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Two empty texts, of which most documents have one, are not compared: that they stand nowhere takes its time.
        self.changed() == other.changed() && (self.is_empty() || self.packed() == other.packed())
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
    /// Those of the documents before.
    packed: Vec<u8>,
}

impl Collected {
    /// Begins with another document.
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

    /// Packs all words that were added; `None` where they are more than letters, digits and signs.
    pub(super) fn pack(&mut self) -> Option<Place> {
        if self.ends.is_empty() {
            return Some(Place::default());
        }
        if !self.text.is_ascii() {
            return None;
        }
        let from = u32::try_from(self.packed.len()).ok()?;
        let begin = |letters: usize| 1 + letters * (1 + self.ends.len());
        let is_enough = |letters: &usize| begin(*letters) + self.text.len() < LETTERS.pow(*letters as u32);
        // A text of more than four letters' numbers is longer than any that repeats another.
        let letters = (1..4).find(is_enough).unwrap_or(4);
        let begin = begin(letters);
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
        Some(Place { begin: from, end: u32::try_from(self.packed.len()).ok()?, changed: self.changed })
    }

    /// What was packed since the last time.
    pub(super) fn packed(&mut self) -> Arc<Pack> {
        // All of it is ASCII.
        let packed = std::str::from_utf8(&self.packed).unwrap_or_default().into();
        self.packed.clear();
        Arc::new(Pack(packed))
    }
}

impl OwnWords {
    /// Those at a place of a pack.
    pub(super) fn of(pack: &Arc<Pack>, place: Place) -> Self {
        Self { pack: Some(Arc::clone(pack)), place }
    }

    /// Whether it is another document than the one of which the form was made.
    pub(super) fn is_of_repetition(&self) -> bool {
        self.pack.is_some()
    }

    /// Whether all words are the form's.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.place.changed == 0
    }

    /// A bit for each of the form's words in place of which there are others; all of them where it has more than there are bits.
    #[inline]
    pub(super) fn changed(&self) -> u64 {
        self.place.changed
    }

    /// All words, one behind the other.
    pub(super) fn text(&self) -> &str {
        self.packed().and_then(|packed| packed.get(bound(packed, 0)..)).unwrap_or_default()
    }

    /// The word in place of the form's word of a number, of so many; `None` where that stands.
    #[inline]
    pub(super) fn get(&self, number: usize, of: usize) -> Option<&str> {
        let changed = self.changed();
        let place = if of > u64::BITS as usize {
            if changed == 0 {
                return None;
            }
            number
        } else {
            if changed >> number & 1 == 0 {
                return None;
            }
            (changed & !(u64::MAX << number)).count_ones() as usize
        };
        let packed = self.packed()?;
        packed.get(bound(packed, place)..bound(packed, place + 1))
    }

    /// Its words as they are packed.
    #[inline]
    fn packed(&self) -> Option<&str> {
        self.pack.as_ref()?.0.get(self.place.begin as usize..self.place.end as usize)
    }
}

/// Where so many words end that are packed.
#[inline]
fn bound(packed: &str, words: usize) -> usize {
    let packed = packed.as_bytes();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_given_back_whatever_their_number_and_length() {
        let mut collected = Collected::default();
        let all = [0_usize, 1, 2, 63, 64, 65, 300].map(|count| [0, 1, 5, 300, 40_000].map(|length| (count, length)));
        let word =
            |(count, length): (usize, usize), number: usize| format!("{number}{}", "a".repeat(length / count.max(1)));
        let places = all.as_flattened().iter().map(|document| {
            collected.clear();
            (0..document.0).for_each(|number| collected.push(number, word(*document, number).as_bytes()));
            collected.pack().expect("letters")
        });
        let places: Vec<_> = places.collect();
        let pack = collected.packed();
        for (document, place) in all.as_flattened().iter().zip(places) {
            let words = OwnWords::of(&pack, place);
            assert_eq!(words.text(), (0..document.0).map(|number| word(*document, number)).collect::<String>());
            assert_eq!(words.is_empty(), document.0 == 0);
            for number in 0..document.0 {
                assert_eq!(words.get(number, document.0), Some(word(*document, number).as_str()));
            }
            // The same once more, in another pack.
            collected.clear();
            (0..document.0).for_each(|number| collected.push(number, word(*document, number).as_bytes()));
            let place = collected.pack().expect("letters");
            assert_eq!(words, OwnWords::of(&collected.packed(), place));
        }
    }

    #[test]
    fn words_of_the_form_are_not_there() {
        let mut collected = Collected::default();
        collected.push(2, b"two");
        collected.push(5, b"");
        let place = collected.pack().expect("letters");
        let words = OwnWords::of(&collected.packed(), place);
        let all: Vec<_> = (0..7).map(|number| words.get(number, 7)).collect();
        assert_eq!(all, [None, None, Some("two"), None, None, Some(""), None]);
        collected.push(6, b"\xff");
        assert_eq!(collected.pack(), None);
    }
}
