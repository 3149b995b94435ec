//! The names of objects, close together.
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
        let mut names = Names::with_room(2);
        let all = ["a", "", "bc", "é", "a"];
        for name in all {
            names.push(name);
        }
        for (number, name) in all.into_iter().enumerate() {
            assert!(names.is(number, name) && !names.is(number, "b"));
        }
        assert!(!names.is(5, "") && !names.is(5, "a"));
    }
}
