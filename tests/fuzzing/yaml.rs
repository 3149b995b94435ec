//! The fast parser, the other parser, the reader of repetitions and Go's reader make the same of any text.

use std::mem::discriminant;

use capi_lint::yaml::{self, Document, Parser, Reader, SyntaxError, Value};

use super::engine::{Shape, Target};
use super::go::{self, Go};
use super::mutate::Random;
use super::seeds;

/// Both parsers alone; with [`Yaml::with_go`] also Go's.
pub struct Yaml {
    go: Option<(Go, Go)>,
}

impl Yaml {
    /// Without Go, but where `FUZZ_GO` is set.
    pub fn new() -> Self {
        let wanted = std::env::var_os("FUZZ_GO").is_some();
        let go = if wanted { Go::start(&["once"]).zip(Go::start(&["often"])) } else { None };
        Self { go }
    }
}

type Read = Result<Document, SyntaxError>;

/// Whether two readings are the same, node by node.
fn same(one: &Read, other: &Read) -> bool {
    match (one, other) {
        (Ok(a), Ok(b)) => a.duplicates() == b.duplicates() && a.ignored() == b.ignored() && same_nodes(a, b),
        (Err(a), Err(b)) => a == b,
        _ => false,
    }
}

fn same_nodes(one: &Document, other: &Document) -> bool {
    let placed = |value: Value<'_>| (value.end_index(), value.span(), value.key_span());
    let made = |value: Value<'_>| (value.style(), value.tag(), value.is_aliased());
    one.len() == other.len()
        && one.text() == other.text()
        && one.text_len() == other.text().len()
        && (0..one.len() as u32).all(|index| match (one.value(index), other.value(index)) {
            (Some(a), Some(b)) => {
                placed(a) == placed(b) && made(a) == made(b) && a.key() == b.key() && a.raw() == b.raw()
            }
            _ => false,
        })
}

fn shape(text: &str, read: &Read) -> Shape {
    match read {
        Err(error) => Shape::of(("refused", discriminant(&error.problem), error.began.is_some())),
        Ok(document) => {
            let nodes = (0..document.len() as u32).filter_map(|index| document.value(index));
            let kinds = nodes.fold(0_u64, |kinds, value| {
                kinds | 1 << value.style() as u64 | 1 << (16 + value.tag() as u64) | u64::from(value.is_aliased()) << 32
            });
            let twice = (document.duplicates().len().min(2), document.ignored().is_some());
            Shape::of((yaml::is_fast(text), document.len().checked_ilog2(), twice, kinds))
        }
    }
}

impl Target for Yaml {
    fn name(&self) -> &'static str {
        "yaml"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut own = seeds::files(&seeds::repository("fixtures/yaml"), &["yaml"], 2000);
        own.extend(seeds::files(&seeds::repository("fixtures/fuzz/yaml"), &["txt"], 2000));
        let documents = seeds::documents(&seeds::manifests(1 << 18), 600);
        // The tricky cases count as much as the rest.
        let times = documents.len() / own.len().max(1) + 1;
        let mut all = documents;
        (0..times).for_each(|_| all.extend(own.iter().cloned()));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        seeds::YAML
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Shape(0)) };
        let either = yaml::parse_by(text, Parser::Either);
        let fallback = yaml::parse_by(text, Parser::Fallback);
        if either != fallback {
            return Err(format!("the two parsers differ\n{either:?}\n{fallback:?}"));
        }
        // As a repetition of itself, and of another text with other words in it.
        let mut random = Random::of(input);
        let varied = vary(text, &mut random);
        let mut reader = Reader::default();
        for text in [text, &varied, text] {
            let read = reader.parse(text);
            let alone = yaml::parse(text);
            if !same(&read, &alone) {
                return Err(format!("read as a repetition, it differs\n{read:?}\n{alone:?}\n{text:?}"));
            }
        }
        Ok(shape(text, &either))
    }

    fn check_batch(&mut self, inputs: &[Vec<u8>]) -> Vec<(usize, String)> {
        let Some((once, thorough)) = &mut self.go else { return Vec::new() };
        let answers = once.ask(inputs);
        let mut wrong = Vec::new();
        for (number, (input, theirs)) in inputs.iter().zip(answers).enumerate() {
            let ours = go::answer(input);
            if go::same(&ours, &theirs) || go::is_stricter(input) {
                continue;
            }
            let theirs = thorough.ask(std::slice::from_ref(input)).pop().unwrap_or_default();
            if theirs != "ambiguous" && !go::same(&ours, &theirs) {
                let what = match (&*ours, &*theirs) {
                    ("refused", _) => "Go reads what is refused here",
                    (_, "refused") => "Go refuses what is read here",
                    _ => "Go reads something else",
                };
                wrong.push((number, format!("{what}\nours {ours}\nGo   {theirs}")));
            }
        }
        wrong
    }
}

/// The text with other words in a few places.
fn vary(text: &str, random: &mut Random) -> String {
    const WORDS: &[&str] = &["x", "longer-word", "0x1f", "null", "1", "'q'", "\"a b\"", "", "-", "a: b", "é", "a #b"];
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for _ in 0..=random.below(3) {
        let at = random.below(lines.len());
        if let Some((before, _)) = lines[at].rsplit_once(' ') {
            lines[at] = format!("{before} {}", random.pick(WORDS));
        }
    }
    lines.join("\n")
}
