//! Documents that repeat one another: a template rendered a thousand times gives the same lines with other names in them.
//!
//! Where every line of a document is, byte for byte, that of one read before, or differs from it in nothing but a plain word
//! (or quoted text) behind its key, the nodes are the same too, and only stand elsewhere. Anything else is parsed as if
//! nothing had come before. What this gives and what the parsers give is the same to the byte; a test holds them together.

use super::tape::{ALIASED, KEY_ALIASED, Node, Span, Style, Tag, Tape, VERBATIM};
use super::{Parsed, SyntaxError};

/// So many documents are remembered: objects of a few kinds may take turns.
const REMEMBERED: usize = 8;

/// Longer documents are not worth remembering: few of them are alike.
const LONGEST: usize = 1 << 16;

/// After so many documents that repeated nothing, only one in `SELDOM` is remembered.
const PATIENCE: u32 = 4;
const SELDOM: u32 = 16;

/// Reads the documents of a stream one after the other.
#[derive(Debug, Default)]
pub struct Reader<'t> {
    known: Vec<Known<'t>>,
    /// The one that makes room next.
    oldest: usize,
    /// Documents since one was a repetition.
    misses: u32,
    /// How far each line of the document in hand is from where it was; room.
    shifts: Vec<u32>,
}

/// A document that was read.
#[derive(Debug)]
struct Known<'t> {
    text: &'t [u8],
    nodes: Vec<Node>,
    /// For each node, which shift its key, the start and the end of its value take.
    places: Vec<[u32; 3]>,
    lines: Vec<Line>,
}

/// A line of a document that was read.
#[derive(Clone, Copy, Debug)]
struct Line {
    start: u32,
    /// Behind its line break.
    end: u32,
    /// Where a word begins that another may take the place of, and reaches to the line's end; 0 where there is none.
    word: u32,
}

impl<'t> Reader<'t> {
    /// As [`super::parse`].
    pub fn parse(&mut self, text: &'t str, tape: &mut Tape) -> Result<Parsed, SyntaxError> {
        let base = tape.nodes.len();
        for known in &self.known {
            if known.is_repeated(text.as_bytes(), &mut self.shifts) {
                self.misses = 0;
                tape.nodes.extend(
                    known.nodes.iter().zip(&known.places).map(|(node, place)| moved(node, *place, &self.shifts)),
                );
                return Ok(Parsed { nodes: base..tape.nodes.len(), duplicates: Vec::new(), ignored: None });
            }
        }
        let parsed = super::parse(text, tape)?;
        self.misses = self.misses.saturating_add(1);
        let is_due = self.misses <= PATIENCE || self.misses.is_multiple_of(SELDOM);
        let nodes = tape.nodes.get(base..).unwrap_or_default();
        if is_due && text.len() <= LONGEST && is_regular(&parsed, nodes) {
            self.remember(Known::new(text.as_bytes(), nodes));
        }
        Ok(parsed)
    }

    fn remember(&mut self, known: Known<'t>) {
        if self.known.len() < REMEMBERED {
            self.known.push(known);
        } else {
            self.known[self.oldest] = known;
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
    }
}

/// Whether no word of a document has a say in more than its own place.
fn is_regular(parsed: &Parsed, nodes: &[Node]) -> bool {
    let is_alias = |node: &Node| node.flags & (ALIASED | KEY_ALIASED) != 0;
    parsed.duplicates.is_empty() && parsed.ignored.is_none() && !nodes.iter().any(is_alias)
}

/// A node at its place in a repetition.
#[inline]
fn moved(node: &Node, [key, start, end]: [u32; 3], shifts: &[u32]) -> Node {
    let by = |at: u32| shifts.get(at as usize).copied().unwrap_or_default();
    let (key, start, end) = (by(key), by(start), by(end));
    Node {
        key: Span { start: node.key.start.wrapping_add(key), end: node.key.end.wrapping_add(key) },
        value: Span { start: node.value.start.wrapping_add(start), end: node.value.end.wrapping_add(end) },
        ..*node
    }
}

impl<'t> Known<'t> {
    fn new(text: &'t [u8], nodes: &[Node]) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text).map(|at| at + 1).chain([text.len()]) {
            if end > start {
                lines.push(Line { start: start as u32, end: end as u32, word: 0 });
            }
            start = end;
        }
        for node in nodes {
            let number = line_of(&lines, node.value.start);
            if let Some(line) = lines.get_mut(number).filter(|line| is_word(text, node, line)) {
                line.word = node.value.start;
            }
        }
        let last = lines.len() as u32;
        let shift = |at: u32| {
            let number = line_of(&lines, at);
            // What stands behind the word moves with the next line.
            let is_behind = lines.get(number).is_some_and(|line| line.word != 0 && at > line.word);
            number as u32 + u32::from(is_behind)
        };
        // Behind the shifts of the lines and of the text's end stands one of zero, for keys that are none.
        let key = |node: &Node| if node.styles.key() == Style::Absent { last + 1 } else { shift(node.key.start) };
        let places = nodes.iter().map(|node| [key(node), shift(node.value.start), shift(node.value.end)]).collect();
        Self { text, nodes: nodes.to_vec(), places, lines }
    }

    /// Whether a text repeats this one; how far its lines are from where they were goes to `shifts`.
    fn is_repeated(&self, text: &[u8], shifts: &mut Vec<u32>) -> bool {
        shifts.clear();
        if u32::try_from(text.len()).is_err() {
            return false;
        }
        let mut at = 0_usize;
        for line in &self.lines {
            let (start, end, word) = (line.start as usize, line.end as usize, line.word as usize);
            shifts.push((at as u32).wrapping_sub(line.start));
            if text.get(at..at + (end - start)) == self.text.get(start..end) {
                at += end - start;
                continue;
            }
            if word == 0 || text.get(at..at + (word - start)) != self.text.get(start..word) {
                return false;
            }
            at += word - start;
            let Some(length) = text.get(at..).and_then(|rest| word_length(rest, self.text[word])) else { return false };
            at += length;
            // The line ends as the other one did: with a break, or with the text.
            if self.text[end - 1] == b'\n' {
                if text.get(at) != Some(&b'\n') {
                    return false;
                }
                at += 1;
            }
        }
        shifts.push((at as u32).wrapping_sub(self.text.len() as u32));
        shifts.push(0);
        at == text.len()
    }
}

/// The line in which an offset lies; behind the last for the end of the text.
fn line_of(lines: &[Line], at: u32) -> usize {
    lines.partition_point(|line| line.end <= at)
}

/// Whether a node is a word (or text in quotes) that ends its line, and that another word may take the place of.
fn is_word(text: &[u8], node: &Node, line: &Line) -> bool {
    let (start, end) = (node.value.start as usize, node.value.end as usize);
    let line_end = line.end as usize - usize::from(text.get(line.end as usize - 1) == Some(&b'\n'));
    node.flags & VERBATIM != 0
        && node.tags.value() == Tag::None
        && node.tags.key() == Tag::None
        && start > line.start as usize
        && end == line_end
        && text.get(start..end).is_some_and(|word| word_length(word, word[0]) == Some(word.len()))
}

/// The length of the word at the start of `text`: letters, digits and a few signs, none of which means anything to YAML there;
/// in quotes, where `first` is one, also blanks and what else needs no escape.
fn word_length(text: &[u8], first: u8) -> Option<usize> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
    if matches!(first, b'"' | b'\'') {
        let rest = text.strip_prefix(&[first])?;
        let is_quoted = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
        let length = rest.iter().position(|byte| !is_quoted(*byte))?;
        return (rest[length] == first).then_some(length + 2);
    }
    let length = text.iter().position(|byte| !is_inner(*byte)).unwrap_or(text.len());
    (length > 0 && text[0].is_ascii_alphanumeric()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads texts one after the other, and each by itself.
    fn same(texts: &[String]) -> usize {
        let mut reader = Reader::default();
        let mut tape = Tape::new();
        let mut repeated = 0;
        for text in texts {
            let mut alone = Tape::new();
            let expected = crate::yaml::parse(text, &mut alone);
            let from = tape.len();
            let given = reader.parse(text, &mut tape);
            match (expected, given) {
                (Ok(expected), Ok(given)) => {
                    assert_eq!(tape.nodes[given.nodes], alone.nodes[..], "{text}");
                    assert_eq!((expected.duplicates, expected.ignored), (given.duplicates, given.ignored), "{text}");
                    repeated += usize::from(reader.misses == 0);
                }
                (Err(expected), Err(given)) => assert_eq!((expected, from), (given, tape.len()), "{text}"),
                (expected, given) => panic!("{text}: {expected:?}, {given:?}"),
            }
        }
        repeated
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
