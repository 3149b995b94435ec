//! Objects that are alike: a fleet renders one template a thousand times, with other names in it.
//!
//! Which words of an object a check reads is found out by watching it ([`words_read`]). Where it had nothing to say and read
//! only words that are the form's own, it has nothing to say about any object that keeps those words, and is not asked again.
//! So the names that tell a fleet's objects apart cost the checks that look at names, and nothing else.
//!
//! What is remembered is bounded, and is never more than that there was nothing to say. The findings are the same with and
//! without, and in the same order: a test holds the two together.

use super::check::Check;
use super::{Judgement, Options, Overheard, Peers, judge, judgements};
use crate::object::Object;
use crate::report::Finding;
use crate::yaml::{PerForm, Words, words_read};

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
        let peers = Overheard { peers, note: || watched.note_all() };
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

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::admission::Gate;
    use crate::input::Source;
    use crate::release::Release;
    use crate::stream::Stream;

    /// A value over lines, so that each scalar ends its own and another word can take its place.
    fn written(value: &Json, indent: usize, out: &mut String) {
        let begin = |out: &mut String| out.extend(["\n", &" ".repeat(indent)]);
        match value {
            Json::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    begin(out);
                    out.extend(["\"", key, "\":"]);
                    written(value, indent + 2, out);
                }
            }
            Json::Array(list) if !list.is_empty() => {
                for value in list {
                    begin(out);
                    out.push('-');
                    written(value, indent + 2, out);
                }
            }
            scalar => out.extend([" ", &scalar.to_string()]),
        }
    }

    /// Where the scalars of a value stand.
    fn scalars(value: &Json, above: &str, found: &mut Vec<String>) {
        let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
        match value {
            Json::Object(map) if !map.is_empty() => {
                map.iter().for_each(|(key, value)| scalars(value, &format!("{above}/{}", escaped(key)), found));
            }
            Json::Array(list) if !list.is_empty() => {
                list.iter().enumerate().for_each(|(n, value)| scalars(value, &format!("{above}/{n}"), found));
            }
            _ => found.push(above.to_owned()),
        }
    }

    /// An object with other words in it: one at a time.
    fn variants(object: &Json) -> Vec<Json> {
        let long = "x".repeat(70);
        let texts =
            ["", "Not A Name", "other", "default", "10.0.0.300/8", "v1.2", "{{ .x }}", "1h", &long].map(Json::from);
        let plain =
            [Json::Null, Json::from(0), Json::from(3), Json::from(1_000_000), Json::from(true), Json::from(false)];
        let mut found = Vec::new();
        scalars(object, "", &mut found);
        let variants = found.iter().flat_map(|place| {
            let others = if object.pointer(place).is_some_and(Json::is_string) { &texts[..] } else { &plain };
            others.iter().map(move |other| {
                let mut variant = object.clone();
                *variant.pointer_mut(place).unwrap() = other.clone();
                variant
            })
        });
        variants.collect()
    }

    /// Judges objects one after the other and each alone; how many were repetitions.
    fn same(objects: &[Json], peers: &dyn Peers, options: &Options) -> usize {
        let mut text = String::new();
        for object in objects {
            text.push_str("---");
            written(object, 0, &mut text);
            text.push('\n');
        }
        let source = Source { name: "objects".to_owned(), bytes: text.into_bytes() };
        let streams = [Stream::parse(&source, 1)];
        let release = Release::new(&streams, "default");
        let mut passed = Passed::default();
        for object in &release.objects {
            let (mut alone, mut together) = (Vec::new(), Vec::new());
            judge(object, peers, options, &mut alone);
            judge_alike(object, peers, options, &mut passed, &mut together);
            assert_eq!(format!("{alone:?}"), format!("{together:?}"), "{}", object.root.document().text());
        }
        release.objects.iter().filter(|object| object.root.document().is_repetition()).count()
    }

    /// Whoever asked the object itself would read words that nobody sees him read.
    #[test]
    fn names_are_asked_of_the_check() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/admission");
        let fields = ["object.name", "object.namespace"];
        for entry in walkdir::WalkDir::new(folder).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let code = text.split("mod tests {").next().unwrap_or_default();
            let asks = fields.iter().any(|field| {
                code.match_indices(field).any(|(at, _)| {
                    let behind = code[at + field.len()..].chars().next();
                    behind.is_none_or(|sign| sign != '(' && sign != '_' && !sign.is_alphanumeric())
                })
            });
            assert!(!asks || entry.file_name() == "check.rs", "{}", entry.path().display());
        }
    }

    #[test]
    fn objects_are_judged_as_if_alone() {
        let all_on = Options { gates: Gate::ALL.into_iter().map(|gate| (gate, true)).collect(), ..Options::default() };
        let old = Options { capi_version: "1.10".parse().unwrap(), ..all_on.clone() };
        let (mut repeated, mut all) = (0, 0);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/admission");
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten() {
            let Ok(bytes) = std::fs::read(entry.path()) else { continue };
            let source = Source { name: "fixtures".to_owned(), bytes };
            let streams = [Stream::parse(&source, 1)];
            let peers = Release::new(&streams, "default");
            for object in &peers.objects {
                let mut object = object.root.to_json();
                object["metadata"]["namespace"] = "default".into();
                let variants = variants(&object);
                // Watched before there is any fault, and after.
                let first = [vec![object.clone(); 6], variants.clone(), vec![object.clone()]].concat();
                let last = [vec![object.clone()], variants, vec![object]].concat();
                for options in [&all_on, &old] {
                    repeated += same(&first, &peers, options) + same(&last, &peers, options);
                    all += first.len() + last.len();
                }
            }
        }
        assert!(repeated > all * 2 / 3, "{repeated} of {all}");
    }
}
