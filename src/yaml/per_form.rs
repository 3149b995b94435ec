//! What is found out once for documents that repeat one another, instead of for each.
//!
//! It remembers, a bounded number of answers or as many as there are forms that several documents have, and finds out nothing
//! itself.

use rustc_hash::FxHashMap;

use super::view::{Document, Words, words_read};

/// What was found out about forms of documents, so that it is found out once for all that repeat one another: about the last few,
/// and about those that several documents have.
#[derive(Debug)]
pub struct PerForm<'a, T> {
    last: Vec<(&'a Document, T)>,
    latest: usize,
    shared: FxHashMap<usize, T>,
}

impl<T> Default for PerForm<'_, T> {
    fn default() -> Self {
        Self { last: Vec::new(), latest: 0, shared: FxHashMap::default() }
    }
}

impl<'a, T> PerForm<'a, T> {
    /// So many forms are compared one by one.
    const LAST: usize = 8;

    /// What is known of a document's form, or what is found out now. It must not depend on the document's words.
    pub fn get(&mut self, document: &'a Document, find_out: impl FnOnce() -> T) -> &mut T {
        let turn = (self.latest..self.last.len()).chain(0..self.latest);
        let known = turn.into_iter().find(|at| self.last.get(*at).is_some_and(|(other, _)| other.is_like(document)));
        self.latest = match known {
            Some(at) => at,
            None if self.last.len() < Self::LAST => {
                self.last.push((document, find_out()));
                self.last.len() - 1
            }
            None if document.shares_form() => {
                return self.shared.entry(document.form_address()).or_insert_with(find_out);
            }
            None => {
                let next = (self.latest + 1) % Self::LAST;
                self.last[next] = (document, find_out());
                next
            }
        };
        &mut self.last[self.latest].1
    }
}

/// What was found out about documents, so that it is found out once for all that have the words on which it hangs.
#[derive(Debug)]
pub struct PerWords<'a, T>(PerForm<'a, Option<(T, Words)>>);

impl<T> Default for PerWords<'_, T> {
    fn default() -> Self {
        Self(PerForm::default())
    }
}

impl<'a, T: Clone> PerWords<'a, T> {
    /// What is known of a document like this, or what is found out now. It may hang on nothing but the document, and must not
    /// hold places in its text.
    pub fn get(&mut self, document: &'a Document, find_out: impl Fn(&Document) -> T) -> T {
        if !document.is_repetition() {
            return find_out(document);
        }
        let known = self.0.get(document, || {
            let watched = document.watched();
            let mut found = None;
            let words = words_read(|| found = Some(find_out(&watched)));
            found.filter(|_| document.keeps(words)).map(|found| (found, words))
        });
        match known {
            Some((found, words)) if document.keeps(*words) => found.clone(),
            _ => find_out(document),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::Reader;
    use super::*;

    #[test]
    fn what_hangs_on_the_same_words_is_found_out_once() {
        let text = |name: &str, size: &str| format!("name: {name}\nsize: {size}\nlist: [a, b]\n");
        let sizes = ["s", "s", "s", "m", "s", "l", "s"];
        let texts: Vec<String> = (0..).zip(sizes).map(|(number, size)| text(&format!("n{number}"), size)).collect();
        let mut reader = Reader::default();
        let documents: Vec<_> = texts.iter().map(|text| reader.parse(text).expect("a document")).collect();
        let asked = Cell::new(0);
        let size = |document: &Document| {
            asked.set(asked.get() + 1);
            let size = document.root().and_then(|root| root.get("size")?.as_str().map(std::borrow::Cow::into_owned));
            size.unwrap_or_default()
        };
        let mut known = PerWords::default();
        let found: Vec<String> = documents.iter().map(|document| known.get(document, size)).collect();
        assert_eq!(found, sizes);
        // The first one, one that is remembered, and those with other words.
        assert_eq!(asked.get(), 4);
    }
}
