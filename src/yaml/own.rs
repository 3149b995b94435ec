//! The words that a document has in place of its form's: all that is kept of a text that repeats another.
//!
//! It knows their number and what they are, and nothing of where they stand or what they mean.

/// Words, one behind the other, with where each ends.
#[derive(Clone, Debug, Default, Eq)]
pub(super) struct OwnWords {
    text: Box<str>,
    ends: Ends,
    /// Of which of the form's words there are others, a bit for each.
    changed: u64,
}

impl PartialEq for OwnWords {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Two empty texts, of which most documents have one, are not compared: that they stand nowhere takes its time.
        self.changed == other.changed && (self.is_empty() || self.text == other.text && self.ends == other.ends)
    }
}

/// Where words end in the text that holds them: in the document itself where they are few and short, so that whoever looks at it
/// has them at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ends {
    Few([u8; Self::FEW]),
    Many(Box<[u16]>),
}

impl Default for Ends {
    fn default() -> Self {
        Self::Few([0; Self::FEW])
    }
}

impl Ends {
    const FEW: usize = 23;

    fn of(ends: &[u16]) -> Self {
        let mut few = [0; Self::FEW];
        let is_short = ends.last().is_none_or(|end| u8::try_from(*end).is_ok());
        if !is_short || ends.len() > few.len() {
            return Self::Many(ends.into());
        }
        few.iter_mut().zip(ends).for_each(|(few, end)| *few = *end as u8);
        Self::Few(few)
    }

    #[inline]
    fn at(&self, place: usize) -> usize {
        match self {
            Self::Few(few) => few.get(place).copied().unwrap_or_default().into(),
            Self::Many(many) => many.get(place).copied().unwrap_or_default().into(),
        }
    }
}

/// Words while they are put together; the room is used again.
#[derive(Debug, Default)]
pub(super) struct Collected {
    text: String,
    ends: Vec<u16>,
    changed: u64,
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
    pub(super) fn push(&mut self, number: usize, word: &str) {
        self.text.push_str(word);
        self.ends.push(self.text.len() as u16);
        self.changed |= 1_u64.checked_shl(number as u32).unwrap_or(u64::MAX);
    }

    pub(super) fn words(&self) -> OwnWords {
        OwnWords { text: self.text.as_str().into(), ends: Ends::of(&self.ends), changed: self.changed }
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
        &self.text
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
        let begin = place.checked_sub(1).map_or(0, |before| self.ends.at(before));
        self.text.get(begin..self.ends.at(place))
    }
}
