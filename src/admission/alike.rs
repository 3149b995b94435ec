//! Objects that are alike: a fleet renders one template a thousand times, with other names in it.
//!
//! Which words of an object a check reads is found out by watching it ([`words_read`]). Where it had nothing to say and read
//! only words that are the form's own, it has nothing to say about any object that keeps those words, and is not asked again.
//! So the names that tell a fleet's objects apart cost the checks that look at names, and nothing else.
//!
//! What is remembered is bounded, and is never more than that there was nothing to say. The findings are the same with and
//! without, and in the same order: a test holds the two together.

use super::check::Check;
use super::{Judgement, Options, Peers, judge, judgements};
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::{Document, PerForm, Words, words_read};

/// What objects passed, by the forms of their documents. All must be judged with the same options.
#[derive(Debug, Default)]
pub struct Passed<'a>(PerForm<'a, Known>);

/// So many objects of a form are watched: in the first one another word may stand than in most.
const WATCHED: u8 = 4;

/// What is known of a form.
#[derive(Debug)]
struct Known {
    /// The words that say of which kind the object is, and by that, which checks there are.
    kind: Words,
    /// The checks, each with the words on which it hangs that it has nothing to say.
    judgements: Vec<(Judgement, Words)>,
    /// How many objects were watched.
    watched: u8,
}

impl Known {
    fn of(object: &Object<'_>) -> Self {
        let document = object.root.document().watched();
        let root = document.root();
        let kind = words_read(|| {
            for key in ["apiVersion", "kind"] {
                let _ = root.and_then(|root| root.get(key)).map(|value| value.raw());
            }
        });
        let kind = if object.root.document().keeps(kind) { kind } else { Words::ALL };
        let judgements = judgements(object).map(|judgement| (judgement, Words::ALL)).collect();
        Self { kind, judgements, watched: 0 }
    }

    /// Judges an object, and learns what it passes.
    fn watch(&mut self, object: &Object<'_>, peers: &dyn Peers, options: &Options, out: &mut Vec<Finding>) {
        let document = object.root.document();
        let watched = document.watched();
        let Some(root) = watched.root() else { return judge(object, peers, options, out) };
        let twin = Object { root, ..object.clone() };
        let peers = Watched { peers, document: &watched };
        for (judgement, words) in self.judgements.iter_mut().filter(|(_, words)| !document.keeps(*words)) {
            let before = out.len();
            let read = words_read(|| judgement(&mut Check { object: &twin, peers: &peers, options, out }));
            if out.len() == before && document.keeps(read) {
                *words = read;
            }
        }
        self.watched += 1;
    }
}

/// Who asks for another object hangs on more than the words of his own.
struct Watched<'r> {
    peers: &'r dyn Peers,
    document: &'r Document<'r>,
}

impl Peers for Watched<'_> {
    fn find(
        &self,
        from: &Object<'_>,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&Object<'_>> {
        self.document.note_all();
        self.peers.find(from, group, kind, namespace, name)
    }
}

/// As [`judge`], remembering what passed.
pub fn judge_alike<'a>(
    object: &Object<'a>,
    peers: &dyn Peers,
    options: &Options,
    passed: &mut Passed<'a>,
    out: &mut Vec<Finding>,
) {
    let document = object.root.document();
    // Of a document that repeats none it is not known whether any will repeat it; and items of a list have no form of their own.
    if !document.is_repetition() || object.root.index() != 0 {
        return judge(object, peers, options, out);
    }
    let known = passed.0.get(document, || Known::of(object));
    if !document.keeps(known.kind) {
        return judge(object, peers, options, out);
    }
    if known.watched < WATCHED {
        return known.watch(object, peers, options, out);
    }
    let mut check = Check { object, peers, options, out };
    for (judgement, words) in &known.judgements {
        if !document.keeps(*words) {
            judgement(&mut check);
        }
    }
}
