//! Documents that repeat one another: a template rendered a thousand times gives the same lines with other names in them.
//!
//! Where a document is, byte for byte, one that was read before, or differs from it in nothing but plain words (or quoted
//! texts) that end their lines, the nodes are the same too, and only stand elsewhere: both share one [`Form`]. Anything else is
//! parsed as if nothing had come before. What this gives and what the parsers give is the same to the byte; a test holds them
//! together.

use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::own::{Collected, OwnWords, Pack, Place};
use super::paths::FormNumber;
use super::tape::{ALIASED, KEY_ALIASED, Node, Room, Tag, VERBATIM};
use super::view::{Document, Form, Word};
use super::{Parser, RawDocument, Read, SyntaxError};

/// So many documents are remembered: objects of a few kinds may take turns.
const REMEMBERED: usize = 16;

/// Longer documents are not worth looking for words in them: few of them are alike. Places in shorter ones are kept in 16 bits.
const LONGEST: usize = u16::MAX as usize;

/// After so many documents that repeated nothing, only one in `SELDOM` is remembered.
const PATIENCE: u32 = 4;
const SELDOM: u32 = 16;

/// Reads the documents of a stream one after the other.
#[derive(Debug, Default)]
pub struct Reader {
    known: Vec<Arc<Form>>,
    /// The one that was repeated last.
    latest: usize,
    /// Which one was repeated behind each: what is rendered cluster by cluster comes in the same order again.
    next: [u8; REMEMBERED],
    /// The one that makes room next.
    oldest: usize,
    /// Documents since one was a repetition.
    misses: u32,
    /// The words of the document in hand that are others than those of the one that it repeats.
    own: Collected,
    /// Texts that were parsed, by their hashes: a later document may have the very same.
    texts: FxHashMap<u64, Arc<Form>>,
    /// Whether the last document had one of them.
    is_known_text: bool,
    /// Those that others have parsed too.
    shared: Arc<Texts>,
    room: Room,
}

/// Texts that any of several readers parsed, by their hashes: what one of them has read no other reads again, and what has the
/// same text is known by the same form, whoever read it.
#[derive(Debug, Default)]
pub struct Texts(Mutex<FxHashMap<u64, Arc<Form>>>);

impl Texts {
    /// The form of a text, which becomes that of `found` where none was known.
    fn form(&self, hash: u64, bytes: &[u8], found: Option<&Arc<Form>>) -> Option<Arc<Form>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let form = match found {
            Some(found) => Some(&*known.entry(hash).or_insert_with(|| Arc::clone(found))),
            None => known.get(&hash),
        };
        form.filter(|form| form.text.as_bytes() == bytes).map(Arc::clone)
    }
}

/// What a document was found to be, before the words of all that are read together are in one piece.
struct Found {
    form: Arc<Form>,
    /// Its own words; `None` for the one of which the form was made.
    own: Option<Place>,
}

impl Found {
    /// Another document of a form.
    fn again(form: Arc<Form>, own: Place) -> Self {
        Self { form, own: Some(own) }
    }

    fn parsed(self, own: &Arc<Pack>) -> Document {
        match self.own {
            Some(place) => Document::of_form(self.form, OwnWords::of(own, place)),
            None => Document::first(self.form),
        }
    }
}

impl Reader {
    /// One that is told what the others read.
    pub fn among(texts: &Arc<Texts>) -> Self {
        Self { shared: Arc::clone(texts), ..Self::default() }
    }

    /// As [`super::parse`].
    pub fn parse(&mut self, text: &str) -> Result<Document, SyntaxError> {
        self.found(text.as_bytes()).map(|found| found.parsed(&self.own.packed()))
    }

    /// As [`super::parse`], of documents of a stream, in order; they may be no text. Those that repeat a text are one, and need not
    /// be looked at for that.
    pub fn parse_all(
        &mut self,
        documents: &[RawDocument],
        stream: &[u8],
    ) -> impl Iterator<Item = Result<Document, SyntaxError>> + use<> {
        let found = documents.iter().map(|document| document.bytes(stream).and_then(|bytes| self.found(bytes)));
        let found: Vec<_> = found.collect();
        let own = self.own.packed();
        found.into_iter().map(move |found| found.map(|found| found.parsed(&own)))
    }

    /// What a document is found to be.
    fn found(&mut self, bytes: &[u8]) -> Result<Found, SyntaxError> {
        // Mostly it repeats the one that the last document did, or the one that came behind it the last time; or its text is known
        // as the last one's was.
        let likely = [self.latest, self.next[self.latest].into()];
        let of_likely = |reader: &mut Self| likely.into_iter().find_map(|number| reader.repeated(number, bytes));
        if !self.is_known_text
            && let Some(found) = of_likely(self)
        {
            return Ok(found);
        }
        let hash = FxBuildHasher.hash_one(bytes);
        let was_known = self.is_known_text;
        self.is_known_text = false;
        if let Some(form) = self.known_text(hash, bytes) {
            self.is_known_text = true;
            return Ok(Found::again(form, Place::default()));
        }
        if was_known && let Some(found) = of_likely(self) {
            return Ok(found);
        }
        let others = (0..self.known.len()).filter(|number| !likely.contains(number));
        if let Some(found) = others.into_iter().find_map(|number| self.repeated(number, bytes)) {
            return Ok(found);
        }
        let text = super::as_text(bytes)?;
        self.misses = self.misses.saturating_add(1);
        let read = super::read(text, &mut self.room, Parser::Either)?;
        let is_due = self.misses <= PATIENCE || self.misses.is_multiple_of(SELDOM);
        let nodes = &self.room.nodes;
        let form = if is_due && text.len() <= LONGEST && is_regular(&read, nodes) {
            let form = Arc::new(Form::of(text, nodes, read));
            self.remember(Arc::clone(&form));
            form
        } else {
            Arc::new(Form::alone(text, nodes, read))
        };
        if form.oddities.is_none() {
            // Another reader may have read it at the same time.
            let known = self.shared.form(hash, bytes, Some(&form));
            self.texts.insert(hash, known.unwrap_or_else(|| Arc::clone(&form)));
        }
        Ok(Found { form, own: None })
    }

    /// The form of a text that was parsed before.
    fn known_text(&mut self, hash: u64, bytes: &[u8]) -> Option<Arc<Form>> {
        if let Some(form) = self.texts.get(&hash).filter(|form| form.text.as_bytes() == bytes) {
            return Some(Arc::clone(form));
        }
        let form = self.shared.form(hash, bytes, None)?;
        self.texts.insert(hash, Arc::clone(&form));
        Some(form)
    }

    /// The document, where it repeats a form of a number.
    fn repeated(&mut self, number: usize, bytes: &[u8]) -> Option<Found> {
        let form = self.known.get(number).filter(|form| form.is_repeated(bytes, &mut self.own))?;
        let own = self.own.pack()?;
        self.misses = 0;
        self.next[self.latest] = number as u8;
        self.latest = number;
        Some(Found::again(Arc::clone(form), own))
    }

    /// Keeps a form, of a document of which another may come.
    fn remember(&mut self, form: Arc<Form>) {
        if self.known.len() < REMEMBERED {
            self.known.push(form);
        } else {
            self.known[self.oldest] = form;
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
    }
}

/// Whether no word of a document has a say in more than its own place.
fn is_regular(read: &Read, nodes: &[Node]) -> bool {
    let is_alias = |node: &Node| node.flags & (ALIASED | KEY_ALIASED) != 0;
    read.oddities.is_none() && !nodes.iter().any(is_alias)
}

impl Form {
    /// The form of a document that none repeats but with the very same text.
    pub(super) fn alone(text: &str, nodes: &[Node], read: Read) -> Self {
        Self {
            text: text.into(),
            nodes: nodes.into(),
            words: Box::default(),
            places: Box::default(),
            line_ends: OnceLock::new(),
            number: FormNumber::NONE,
            oddities: read.oddities,
            is_unusual: read.is_unusual,
        }
    }

    /// The form of a document that is not longer than [`LONGEST`].
    fn of(text: &str, nodes: &[Node], Read { oddities, is_unusual }: Read) -> Self {
        let words = (0..).zip(nodes).filter(|(_, node)| is_word(text.as_bytes(), node));
        let word = |(number, node): (u32, &Node)| Word {
            start: node.value.start as u16,
            end: node.value.end as u16,
            node: number,
        };
        let words: Box<[Word]> = words.map(word).collect();
        let before = |at: u32| words.partition_point(|word| u32::from(word.end) <= at) as u16;
        let places = nodes.iter().map(|node| (before(node.value.start), before(node.value.end))).collect();
        let number = FormNumber::new();
        let (text, nodes) = (text.into(), nodes.into());
        Self { text, nodes, words, places, line_ends: OnceLock::new(), number, oddities, is_unusual }
    }

    /// Its line ends, which are the same in all documents that have it; `None` where the text is so long that they are better
    /// counted part by part.
    pub(super) fn line_ends(&self) -> Option<u32> {
        let count = || memchr::memchr_iter(b'\n', self.text.as_bytes()).count() as u32;
        (self.text.len() <= LONGEST).then(|| *self.line_ends.get_or_init(count))
    }

    /// Whether a text repeats this one; the words in which it differs are found in `own` then.
    fn is_repeated(&self, bytes: &[u8], own: &mut Collected) -> bool {
        let formed = self.text.as_bytes();
        if bytes.len() > LONGEST {
            return false;
        }
        own.clear();
        // Where the comparison stands in either text, and the first word that does not lie behind it.
        let (mut at, mut formed_at, mut number) = (0_usize, 0_usize, 0);
        // Words that have been looked at, of forms that have too many to tell which ones are others.
        let mut told = 0;
        loop {
            let same = common_start(bytes.get(at..).unwrap_or_default(), formed.get(formed_at..).unwrap_or_default());
            (at, formed_at) = (at + same, formed_at + same);
            if at == bytes.len() && formed_at == formed.len() {
                break;
            }
            // They part in a word, or behind it where the other one goes on.
            while self.words.get(number).is_some_and(|word| usize::from(word.end) < formed_at) {
                number += 1;
            }
            let Some(word) = self.words.get(number) else { return false };
            let (start, end) = (usize::from(word.start), usize::from(word.end));
            if formed_at < start {
                return false;
            }
            let begin = at - (formed_at - start);
            let Some(length) = bytes.get(begin..).and_then(|rest| word_length(rest, formed[start])) else {
                return false;
            };
            (at, formed_at) = (begin + length, end);
            self.keep_words(told..number, own);
            own.push(number, bytes.get(begin..at).unwrap_or_default());
            number += 1;
            told = number;
        }
        if told > 0 {
            self.keep_words(told..self.words.len(), own);
        }
        true
    }

    /// Adds words that are the form's to those of a document, where the form has too many of them to tell which are.
    fn keep_words(&self, numbers: Range<usize>, own: &mut Collected) {
        if self.words.len() <= u64::BITS as usize {
            return;
        }
        for (number, word) in numbers.clone().zip(self.words.get(numbers).unwrap_or_default()) {
            own.push(number, self.text.as_bytes().get(word.start.into()..word.end.into()).unwrap_or_default());
        }
    }
}

/// How many bytes two texts have in common from their start.
#[inline]
fn common_start(a: &[u8], b: &[u8]) -> usize {
    let word =
        |bytes: &[u8], at: usize| -> Option<u128> { bytes.get(at..at + 16)?.try_into().ok().map(u128::from_le_bytes) };
    let mut at = 0;
    // Two words at once, as long as nothing differs.
    while let (Some(one), Some(other)) = (a.get(at..at + 32), b.get(at..at + 32)) {
        if one != other {
            break;
        }
        at += 32;
    }
    while let (Some(one), Some(other)) = (word(a, at), word(b, at)) {
        let different = one ^ other;
        if different != 0 {
            return at + different.trailing_zeros() as usize / 8;
        }
        at += 16;
    }
    let rest = a.get(at..).unwrap_or_default().iter().zip(b.get(at..).unwrap_or_default());
    at + rest.take_while(|(one, other)| one == other).count()
}

/// Whether a node is a word (or text in quotes) that ends its line, and that another word may take the place of.
fn is_word(text: &[u8], node: &Node) -> bool {
    let (start, end) = (node.value.start as usize, node.value.end as usize);
    let ends_line = text.get(end).is_none_or(|byte| *byte == b'\n');
    let begins_line = start == 0 || text.get(start - 1) == Some(&b'\n');
    node.flags & VERBATIM != 0
        && node.tags.value() == Tag::None
        && node.tags.key() == Tag::None
        && ends_line
        && !begins_line
        && text
            .get(start..end)
            .is_some_and(|word| word.first().is_some_and(|first| word_length(word, *first) == Some(word.len())))
}

/// What a word consists of that stands in no quotes.
const IS_INNER: [bool; 256] = {
    let mut is_inner = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        is_inner[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
        byte += 1;
    }
    is_inner
};

/// The length of the word at the start of `text`: letters, digits and a few signs, none of which means anything to YAML there;
/// in quotes, where `first` is one, also blanks and what else needs no escape.
fn word_length(text: &[u8], first: u8) -> Option<usize> {
    if matches!(first, b'"' | b'\'') {
        let rest = text.strip_prefix(&[first])?;
        let is_quoted = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
        let length = rest.iter().position(|byte| !is_quoted(*byte))?;
        return (rest[length] == first).then_some(length + 2);
    }
    let length = text.iter().position(|byte| !IS_INNER[*byte as usize]).unwrap_or(text.len());
    (length > 0 && text[0].is_ascii_alphanumeric()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads texts one after the other, and each by itself.
    fn same(texts: &[String]) -> usize {
        let mut reader = Reader::default();
        let mut repeated = 0;
        for text in texts {
            match (crate::yaml::parse(text), reader.parse(text)) {
                (Ok(expected), Ok(given)) => {
                    assert_eq!(seen(&expected), seen(&given), "{text}");
                    assert_eq!(expected.form.oddities, given.form.oddities, "{text}");
                    repeated += usize::from(reader.misses == 0);
                }
                (Err(expected), Err(given)) => assert_eq!(expected, given, "{text}"),
                (expected, given) => panic!("{text}: {expected:?}, {given:?}"),
            }
        }
        repeated
    }

    /// All that can be seen of a document.
    fn seen(document: &Document) -> Vec<String> {
        let values = (0..document.len() as u32).filter_map(|index| document.value(index));
        let pieces: String = document.pieces().collect();
        let text = format!("{:?}", (document.text(), pieces, document.text_len()));
        let seen = values.map(|value| {
            format!(
                "{:?}",
                (
                    (value.end_index(), value.style(), value.tag(), value.span(), value.raw(), value.scalar()),
                    (value.key_writing(), value.key_span(), value.key(), value.as_str(), value.is_null()),
                    (value.is_aliased(), value.key_is_aliased(), value.path()),
                )
            )
        });
        seen.chain([text]).collect()
    }

    /// Documents as one reader gives them.
    fn read(texts: &[String]) -> Vec<Document> {
        let mut reader = Reader::default();
        texts.iter().filter_map(|text| reader.parse(text).ok()).collect()
    }

    #[test]
    fn texts_are_compared_whatever_they_repeat() {
        let text = |name: &str, end: &str| format!("kind: A\nname: {name}\nlist: [a, b]\nend: {end}\n");
        let words = ["a", "b", "aa", "\"q\"", "a b", "x"];
        let texts: Vec<String> = words.iter().flat_map(|name| words.map(|end| text(name, end))).collect();
        let backwards: Vec<String> = texts.iter().rev().cloned().collect();
        let (some, others) = (read(&texts), read(&backwards));
        for one in &some {
            for other in some.iter().chain(&others) {
                assert_eq!(one.has_text_of(other), one.text() == other.text(), "{}{}", one.text(), other.text());
            }
        }
    }

    #[test]
    fn a_place_in_the_form_is_found_in_what_repeats_it() {
        let texts = ["a: x\nb: longer\nc: [1]\n", "a: other\nb: b\nc: [1]\n"].map(str::to_owned);
        let read = read(&texts);
        let formed = read[1].formed();
        for at in 0..=texts[0].len() {
            let Some(place) = read[1].place_of(at) else { continue };
            // What stands behind it is the same to the end of the line, unless a word comes first.
            let rest = |text: &str, at: usize| text[at..].chars().next().filter(|next| !next.is_alphanumeric());
            assert_eq!(rest(formed.text(), at), rest(&texts[1], place), "{at}");
        }
        let places = [0, 5, 15, texts[0].len()].map(|at| read[1].place_of(at));
        assert_eq!(places, [Some(0), Some(9), Some(14), Some(texts[1].len())]);
        assert_eq!(read[1].place_of(9), None);
    }

    #[test]
    fn a_text_that_stood_before_is_found_again() {
        let texts: Vec<String> = (0..100).map(|number| format!("key-{number}: {{a: [1, 2]}}\n")).collect();
        let twice: Vec<String> = texts.iter().chain(&texts).cloned().collect();
        let read = read(&twice);
        let (once, again) = read.split_at(texts.len());
        assert!(once.iter().zip(again).all(|(one, other)| one.is_like(other) && one.text() == other.text()));
        assert!(once.iter().chain(again).all(|document| document.shared_text().is_some()));
        let alone = super::super::parse(&texts[0]).expect("a document");
        assert!(alone.shared_text().is_none());
    }

    #[test]
    fn what_comes_in_turns_is_recognized() {
        let kinds = (0..12).map(|kind| format!("kind: Kind{kind}\nkey-{kind}:\n  name: NAME\n  list: [a, {kind}]\n"));
        let kinds: Vec<String> = kinds.collect();
        let texts =
            (0..50).flat_map(|cluster| kinds.iter().map(move |kind| kind.replace("NAME", &format!("c{cluster}"))));
        // The first cluster's are new, and of the second one's those that came when nothing had repeated anything for long.
        assert!(same(&texts.collect::<Vec<_>>()) >= 48 * 12);
    }

    #[test]
    fn repetitions_are_read_as_if_alone() {
        let template = "# Source: a\nkind: NAME\nspec:\n  - name: NAME\n    list: [a, b]\n    text: |\n      NAME\n  - \"NAME\"\n  -  NAME\nend: NAME";
        let words = [
            "a",
            "b",
            "longer-word",
            "1",
            "0x1f",
            "null",
            "~",
            "-1",
            "-",
            "- x",
            ".inf",
            "a: b",
            "a #c",
            "a ",
            "",
            "'q'",
            "\"q\"",
            "\"q\\n\"",
            "a\nb: c",
            "a\n  b",
            "*a",
            "&a b",
            "!x y",
            "a:",
            "?",
            "{}",
            "[x]",
            "|",
            "é",
            "a\tb",
            "---",
            "a\r",
        ];
        let mut texts: Vec<String> = words.iter().map(|word| template.replace("NAME", word)).collect();
        for word in words {
            texts.push(template.replacen("NAME", word, 1));
            texts.push(template.replacen("end: NAME", &format!("end: {word}"), 1));
            texts.push(template.replacen("-  NAME", &format!("-  {word}\n"), 1));
            texts.push(template.replacen("\"NAME\"", word, 1));
        }
        let twice: Vec<String> = texts.iter().cloned().chain(texts.iter().rev().cloned()).collect();
        assert!(same(&twice) > 20);
    }

    #[test]
    fn more_words_than_a_document_keeps_bits_for() {
        let text = |changed: &[usize]| -> String {
            let word = |number: usize| if changed.contains(&number) { "another" } else { "word" };
            let lines = |number| format!("key-{number}: {{a: 1}}\nof-{number}:\n  name: {}-{number}\n", word(number));
            (0..100).map(lines).collect()
        };
        let texts: Vec<String> =
            [&[][..], &[0], &[63], &[64], &[99], &[3, 62, 65], &[], &[63, 64]].map(text).into_iter().collect();
        assert_eq!(same(&texts), texts.len() - 1);
    }

    #[test]
    fn words_that_differ_are_found() {
        let texts = ["name: a\nof: same\nkind: Cluster\n", "name: b\nof: same\nkind: Cluster\n"];
        let mut reader = Reader::default();
        let read = texts.map(|text| reader.parse(text).expect("a document"));
        let [Some(one), Some(other)] = [read[0].root(), read[1].root()] else { panic!("no roots") };
        assert!(read[0].is_like(&read[1]));
        for (one, other) in [(one, other), (other, one)] {
            let mut differing = Vec::new();
            assert!(one.has_shape_of(other, &mut differing));
            assert_eq!(differing, [1]);
        }
        // What is the same in both is read from one place.
        let place = |value: super::super::Value<'_>| value.get("of").map(|value| value.raw().as_ptr());
        assert_eq!(place(one), place(other));
    }

    #[test]
    fn fixtures_are_read_as_if_alone() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        for entry in walkdir::WalkDir::new(fixtures).sort_by_file_name().into_iter().flatten() {
            let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
            let raw: Vec<_> = crate::yaml::split(text.as_bytes()).collect();
            let texts = raw.iter().filter_map(|raw| raw.text(text.as_bytes()).ok());
            // Each once more with another word in it.
            let texts =
                texts.flat_map(|text| [text.to_owned(), text.replace("cluster", "other"), text.replace('1', "no")]);
            same(&texts.collect::<Vec<_>>());
        }
    }
}
