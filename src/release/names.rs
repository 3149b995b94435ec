//! The names of all objects, close together.
//!
//! What a reference leads to is compared with the name here: where it stands in the text, megabytes away, it would have to come
//! from memory each time. It knows nothing of what bears the names.

/// Names by number.
#[derive(Clone, Debug, Default)]
pub struct Names {
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Names {
    /// Nothing yet, with room for so many.
    pub fn with_room(names: usize) -> Self {
        const USUAL_LENGTH: usize = 24;
        Self { text: Vec::with_capacity(names * USUAL_LENGTH), ends: Vec::with_capacity(names) }
    }

    /// Adds a name.
    pub fn push(&mut self, name: &str) {
        self.text.extend_from_slice(name.as_bytes());
        self.ends.push(self.text.len() as u32);
    }

    /// Adds those of another list behind its own.
    pub fn append(&mut self, other: &Self) {
        let before = self.text.len() as u32;
        self.text.extend_from_slice(&other.text);
        self.ends.extend(other.ends.iter().map(|end| before + end));
    }

    /// Whether the name of a number is this one.
    pub fn is(&self, number: usize, name: &str) -> bool {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        let own = self.ends.get(number).and_then(|end| self.text.get(start..*end as usize));
        own == Some(name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_are_known_by_their_numbers() {
        let (mut one, mut other) = (Names::default(), Names::with_room(2));
        for name in ["a", "", "bc"] {
            one.push(name);
        }
        for name in ["é", "a"] {
            other.push(name);
        }
        one.append(&other);
        for (number, name) in ["a", "", "bc", "é", "a"].into_iter().enumerate() {
            assert!(one.is(number, name) && !one.is(number, "b"));
        }
        assert!(!one.is(5, "") && !one.is(5, "a"));
    }
}
