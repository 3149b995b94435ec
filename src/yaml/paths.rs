//! Where paths of keys lead in documents of one form: it is the same in all of them, so that it is found out once and asked for
//! again and again.
//!
//! It remembers, a bounded number of answers on each thread, and finds out nothing itself.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use super::value::Value;

/// What leads from a value to another below it: a lasting list of keys, of which it is remembered where it leads, or one key.
pub trait Path {
    /// The value to which it leads.
    fn lead(self, from: Value<'_>) -> Option<Value<'_>>;
}

impl Path for &'static [&'static str] {
    fn lead(self, from: Value<'_>) -> Option<Value<'_>> {
        from.at(self)
    }
}

impl<const N: usize> Path for &'static [&'static str; N] {
    fn lead(self, from: Value<'_>) -> Option<Value<'_>> {
        from.at(self)
    }
}

/// A list of keys of which nothing is remembered: made up on the spot, or seldom asked for.
#[derive(Clone, Copy, Debug)]
pub struct Once<'k>(pub &'k [&'k str]);

impl Path for Once<'_> {
    fn lead(self, from: Value<'_>) -> Option<Value<'_>> {
        from.below(self.0)
    }
}

impl Path for &str {
    fn lead(self, from: Value<'_>) -> Option<Value<'_>> {
        from.get(self)
    }
}

/// A form by its number: no other one ever has it. The forms beyond all numbers have none, and are not remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FormNumber(u32);

impl FormNumber {
    /// For a form that no other document has.
    pub(super) const NONE: Self = Self(0);

    /// A number that no form has yet.
    pub(super) fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| last.checked_add(1));
        last.map_or(Self::NONE, |last| Self(last + 1))
    }
}

/// A path from a node of a form: one lasting list of keys is told from another by where it lies.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Question {
    /// The form's number and the node's.
    from: u64,
    keys: usize,
    length: usize,
}

#[derive(Clone, Copy)]
struct Answer {
    question: Question,
    to: Option<u32>,
}

/// As many as the rules about objects of a few kinds ask for.
const REMEMBERED: usize = 512;

const NOTHING: Answer = Answer { question: Question { from: 0, keys: 0, length: 0 }, to: None };

thread_local! {
    static KNOWN: [Cell<Answer>; REMEMBERED] = const { [const { Cell::new(NOTHING) }; REMEMBERED] };
}

/// The node to which a path of keys leads from a node; where it is not known yet, it is found out.
#[inline]
pub(super) fn follow(
    form: FormNumber,
    from: u32,
    keys: &'static [&'static str],
    find_out: impl FnOnce() -> Option<u32>,
) -> Option<u32> {
    if form == FormNumber::NONE {
        return find_out();
    }
    let from = u64::from(form.0) << 32 | u64::from(from);
    let question = Question { from, keys: keys.as_ptr() as usize, length: keys.len() };
    // The greater half of a product hangs on all bits of what is multiplied.
    let mixed = (from ^ (question.keys as u64).rotate_left(20)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    KNOWN.with(|known| {
        let slot = &known[mixed as usize % REMEMBERED];
        let answer = slot.get();
        if answer.question == question {
            return answer.to;
        }
        let to = find_out();
        slot.set(Answer { question, to });
        to
    })
}

#[cfg(test)]
mod tests {
    use super::{FormNumber, REMEMBERED, follow};

    #[test]
    fn an_answer_is_that_to_the_question() {
        let forms: Vec<FormNumber> = (0..REMEMBERED * 2).map(|_| FormNumber::new()).collect();
        let paths: [&'static [&'static str]; 4] = [&["spec"], &["spec", "replicas"], &["metadata"], &[]];
        let asked = |number: usize| {
            let (form, from, keys) = (forms[number / 4], number as u32 % 3, paths[number % 4]);
            (form, from, keys, (!number.is_multiple_of(5)).then_some(number as u32))
        };
        for _ in 0..2 {
            for number in 0..REMEMBERED * 8 {
                let (form, from, keys, to) = asked(number);
                assert_eq!(follow(form, from, keys, || to), to);
                // The same question again has the same answer, and needs nobody to find it out.
                assert_eq!(follow(form, from, keys, || panic!("it was found out")), to);
            }
        }
        assert_eq!(follow(FormNumber::NONE, 0, paths[0], || Some(1)), Some(1));
        assert_eq!(follow(FormNumber::NONE, 0, paths[0], || Some(2)), Some(2));
    }
}
