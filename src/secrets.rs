//! Which values must never be printed: the data of Secrets, fields whose names say that they hold one, and texts that spell one
//! out (a password in a command, a private key, a Secret written into a ConfigMap).
//!
//! Every output that shows source text or values asks here first, and every message passes through [`Values::scrub`]. Names of
//! keys are shown, values are not.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::object::Object;
use crate::report::Finding;
use crate::yaml::Value;

mod text;

pub use text::{masked, may_hold_secret, unquoted};

/// Printed in place of a value that is nobody's business.
pub const HIDDEN: &str = "(hidden)";

/// Parts of field names that say that the value is a secret. Compared in lower case without separators.
const TELLING: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "token",
    "privatekey",
    "secretkey",
    "accesskey",
    "apikey",
    "certificatekey",
    "encryptionkey",
    "keydata",
    "clientsecret",
    "sharedsecret",
    "connectionstring",
    "authorization",
    "credential",
    "cloudinit",
    "userdata",
    "dockerconfigjson",
    "lastappliedconfiguration",
];

/// Names that are telling as a whole only.
const TELLING_WHOLE: &[&str] = &["secret", "pass", "pwd", "auth", "tlskey", "kubeconfig", "sshkey"];

/// Ends of names that refer to a secret and hold none.
const REFERENCES: &[&str] =
    &["ref", "refs", "from", "name", "names", "namespace", "kind", "file", "path", "url", "type"];

/// Whether the value at a path of an object is not to be shown.
pub fn hides(object: &Object<'_>, path: &str) -> bool {
    let in_secret = object.is("", "Secret")
        && ["data", "stringData"]
            .iter()
            .any(|field| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])));
    in_secret || path.is_empty() && object.is("", "Secret") || names_secret(path) || is_named_secret(object.root, path)
}

/// Whether a line of source, shown for something else on it, holds a value that is not to be shown: a neighbour in a mapping
/// written on one line, or the first field of a mapping.
pub fn hides_line(object: Option<&Object<'_>>, line: &str) -> bool {
    let in_secret = object.is_some_and(|object| object.is("", "Secret"));
    let of_secret = |key: &str| in_secret && matches!(key, "data" | "stringData");
    text::keys(line).any(|(key, _)| of_secret(key)) || matches!(masked(line), Cow::Owned(_))
}

/// Whether the last name on a path says that what it holds is a secret.
fn names_secret(path: &str) -> bool {
    let last = last_name(path);
    telling(last) || last == "content" && path.contains("files[")
}

/// The last key of a path, without the numbers of list items behind it.
fn last_name(path: &str) -> &str {
    let mut path = path;
    while let Some((before, number)) = path.strip_suffix(']').and_then(|path| path.rsplit_once('[')) {
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return number.trim_matches('"');
        }
        path = before;
    }
    path.rsplit('.').next().unwrap_or_default()
}

/// Whether a name says that what it names is a secret.
pub fn is_telling(name: &str) -> bool {
    telling(name)
}

/// A value at a path as it may be printed; the path alone is known of where it stands.
pub fn shown<'t>(path: &str, text: &'t str) -> Cow<'t, str> {
    if names_secret(path) { Cow::Borrowed(HIDDEN) } else { masked(text) }
}

fn telling(name: &str) -> bool {
    let (mut short, mut long) = ([0; 64], Vec::new());
    let room = if name.len() <= short.len() {
        &mut short[..]
    } else {
        long.resize(name.len(), 0);
        &mut long[..]
    };
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
    let length = room.iter_mut().zip(letters).map(|(place, letter)| *place = letter).count();
    let name = &room[..length];
    let ends_with = |end: &&str| end.as_bytes().last() == name.last() && name.ends_with(end.as_bytes());
    let is_reference = REFERENCES.iter().any(ends_with);
    !is_reference && (TELLING_WHOLE.iter().any(|whole| name == whole.as_bytes()) || holds_telling_part(name))
}

/// Whether one of [`TELLING`] stands anywhere in a name. Every key of every object that something is said about is asked.
fn holds_telling_part(name: &[u8]) -> bool {
    static BY_LETTER: LazyLock<[Vec<&[u8]>; 256]> = LazyLock::new(|| {
        let begin_with = |letter: u8| TELLING.iter().map(|part| part.as_bytes()).filter(move |part| part[0] == letter);
        std::array::from_fn(|letter| begin_with(letter as u8).collect())
    });
    let by_letter = &*BY_LETTER;
    let mut rests = (0..name.len()).map(|from| &name[from..]);
    rests
        .any(|rest| by_letter[rest[0] as usize].iter().any(|part| rest.get(1) == part.get(1) && rest.starts_with(part)))
}

/// Whether a field says where a secret is kept, and so holds none: `kubeConfig: {secretRef: {name: demo-kubeconfig}}`.
fn refers(name: &str, field: Value<'_>) -> bool {
    (field.is_map() || field.is_seq()) && ["Ref", "Refs", "From"].iter().any(|end| name.ends_with(end))
}

/// Whether what stands beside the value at a path says that it is a secret: `{name: DB_PASSWORD, value: …}`, or in a list of
/// arguments `--password` before it.
fn is_named_secret(root: Value<'_>, path: &str) -> bool {
    if let Some(parent) = path.strip_suffix(".value") {
        return at(root, parent).is_some_and(names_itself_secret);
    }
    let item = path.strip_suffix(']').and_then(|path| path.rsplit_once('['));
    let Some((list, Ok(number))) = item.map(|(list, number)| (list, number.parse::<usize>())) else { return false };
    let before = number.checked_sub(1).and_then(|before| at(root, list)?.items().nth(before)?.as_str());
    before.is_some_and(|flag| is_telling_flag(&flag))
}

/// The value at a path whose keys are plain words.
fn at<'v>(root: Value<'v>, path: &str) -> Option<Value<'v>> {
    let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
    steps.into_iter().try_fold(root, |value, step| match step.strip_suffix(']') {
        Some(number) => value.items().nth(number.parse().ok()?),
        None => value.get(step),
    })
}

fn is_telling_flag(flag: &str) -> bool {
    flag.starts_with('-') && !flag.contains('=') && telling(flag)
}

fn names_itself_secret(mapping: Value<'_>) -> bool {
    let mut names = ["name", "key"].into_iter().filter_map(|key| mapping.get(key)?.as_str());
    names.any(|name| telling(&name))
}

/// Whether a mapping such as `{name: DB_PASSWORD, value: …}` says that its value is a secret.
pub fn has_telling_name(mapping: &Json) -> bool {
    ["name", "key"].into_iter().filter_map(|key| mapping.get(key)?.as_str()).any(telling)
}

/// Whether an argument stands behind a flag such as `--password`.
pub fn follows_telling_flag(arguments: &[Json], number: usize) -> bool {
    let before = number.checked_sub(1).and_then(|before| arguments.get(before)?.as_str());
    before.is_some_and(is_telling_flag)
}

/// Values that must not be printed, to be taken out of messages.
#[derive(Clone, Debug, Default)]
pub struct Values {
    pieces: Vec<String>,
}

/// Shorter pieces of a secret are found in messages by chance.
const SHORTEST_PIECE: usize = 4;

/// As much of a piece stands for all of it: messages cut values short.
const TELLTALE: usize = 12;

/// Pieces of one value: a message quotes its beginning.
const PIECES_OF_VALUE: usize = 100;

/// Pieces of one object.
const MOST_PIECES: usize = 5000;

/// Bytes up to which a text is looked through for secrets in it.
const LONGEST_TEXT: usize = 1 << 20;

impl Values {
    /// Those of an object.
    pub fn of(object: &Object<'_>) -> Self {
        let mut values = Self::default();
        let is_secret = object.is("", "Secret");
        for field in object.root.entries() {
            let name = field.key().unwrap_or_default();
            if is_secret && matches!(&*name, "data" | "stringData") {
                values.collect_all(field);
            } else {
                values.collect(field, telling(&name));
            }
        }
        values
    }

    /// Whatever stands in a value.
    fn collect_all(&mut self, value: Value<'_>) {
        for child in value.children() {
            self.collect_all(child);
        }
        if let Some(content) = value.as_str() {
            self.add(&content);
        }
    }

    fn collect(&mut self, value: Value<'_>, hidden: bool) {
        if value.is_map() {
            let (mut has_path, mut has_content, mut is_variable) = (false, false, false);
            for field in value.entries() {
                match field.key().as_deref() {
                    Some("path") => has_path = true,
                    Some("content") => has_content = true,
                    Some("name" | "key") => is_variable |= field.as_str().is_some_and(|name| telling(&name)),
                    _ => {}
                }
            }
            let is_file = has_path && has_content;
            // Unless it says itself which part of it is the secret.
            let hidden = hidden && !value.entries().any(|field| field.key().is_some_and(|name| telling(&name)));
            for field in value.entries() {
                let name = field.key().unwrap_or_default();
                let own = telling(&name) || is_file && name == "content" || is_variable && name == "value";
                self.collect(field, own || hidden && !refers(&name, field));
            }
        } else if value.is_seq() {
            let mut after_flag = false;
            for item in value.items() {
                self.collect(item, hidden || after_flag);
                after_flag = item.as_str().is_some_and(|flag| is_telling_flag(&flag));
            }
        } else if let Some(content) = value.as_str() {
            if hidden {
                self.add(&content);
            } else if content.len() > LONGEST_TEXT {
                // Messages quote values; nothing quotes a megabyte.
            } else if let Cow::Owned(masked) = masked(&content) {
                // What the mask takes away, line by line.
                for (line, masked) in content.lines().zip(masked.lines()).filter(|(line, masked)| line != masked) {
                    let shown = masked.strip_suffix(HIDDEN).unwrap_or_default();
                    self.add(line.strip_prefix(shown).unwrap_or(line));
                }
            }
        }
    }

    /// Those of a text that could not be read, on the line where reading ended.
    pub fn around(text: &str, offset: usize) -> Self {
        let mut values = Self::default();
        let (before, behind) = text.split_at_checked(offset).unwrap_or((text, ""));
        let start = memchr::memrchr(b'\n', before.as_bytes()).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', behind.as_bytes()).map_or(text.len(), |at| before.len() + at);
        let line = text.get(start..end).unwrap_or_default();
        if line.len() > LONGEST_TEXT || !hides_line(None, line) && !may_hold_secret(text) {
            return values;
        }
        let behind = line.split_once(':').map_or(line, |(_, behind)| behind);
        for word in behind.split(|c: char| c.is_whitespace() || ",[]{}".contains(c)) {
            values.add(word.trim_matches(|c: char| !c.is_alphanumeric()));
        }
        values
    }

    fn add(&mut self, content: &str) {
        // Messages may escape what stands between.
        let pieces = content.split(['\n', '\r', '"', '\'', '\\', '\t']).map(str::trim);
        let left = MOST_PIECES.saturating_sub(self.pieces.len()).min(PIECES_OF_VALUE);
        self.pieces.extend(pieces.filter(|piece| piece.len() >= SHORTEST_PIECE).take(left).map(str::to_owned));
    }

    /// A message without them.
    pub fn scrub<'m>(&self, message: &'m str) -> Cow<'m, str> {
        let mut gone: Vec<Range<usize>> = Vec::new();
        let pairs = Pairs::of(message);
        for piece in &self.pieces {
            let end = piece.char_indices().nth(TELLTALE).map_or(piece.len(), |(end, _)| end);
            let telltale = piece.get(..end).unwrap_or_default();
            if !pairs.may_hold(telltale) {
                continue;
            }
            for (at, _) in message.match_indices(telltale) {
                let alike = message[at..].bytes().zip(piece.bytes()).take_while(|(a, b)| a == b).count();
                let mut end = at + alike;
                while !message.is_char_boundary(end) {
                    end -= 1;
                }
                gone.push(at..end);
            }
        }
        if gone.is_empty() {
            return Cow::Borrowed(message);
        }
        gone.sort_by_key(|range| (range.start, usize::MAX - range.end));
        let (mut text, mut at) = (String::with_capacity(message.len()), 0);
        for range in gone {
            if range.start >= at {
                text.push_str(message.get(at..range.start).unwrap_or_default());
                text.push_str(HIDDEN);
            }
            at = at.max(range.end);
        }
        text.push_str(message.get(at..).unwrap_or_default());
        Cow::Owned(text)
    }

    /// Takes them out of all that a finding says. A fix that would show one is not shown.
    pub fn scrub_finding(&self, finding: &mut Finding) {
        if self.pieces.is_empty() {
            return;
        }
        if let Cow::Owned(message) = self.scrub(&finding.message) {
            finding.message = message;
        }
        if let Some(Cow::Owned(suggestion)) = finding.suggestion.as_deref().map(|text| self.scrub(text)) {
            finding.suggestion = Some(suggestion);
        }
        if finding.fix.iter().any(|edit| matches!(self.scrub(&edit.text), Cow::Owned(_))) {
            finding.fix.clear();
        }
    }
}

/// Which bytes stand behind which in a text, as far as a few bits can tell: an object may have thousands of secrets, and nearly
/// none of them stands in a message.
struct Pairs([u64; 64]);

impl Pairs {
    fn of(text: &str) -> Self {
        let mut pairs = Self([0; 64]);
        Self::places(text).for_each(|(word, bit)| pairs.0[word] |= 1 << bit);
        pairs
    }

    /// Whether another text may stand in it; where it says no, it does not.
    fn may_hold(&self, part: &str) -> bool {
        Self::places(part).all(|(word, bit)| self.0[word] >> bit & 1 == 1)
    }

    fn places(text: &str) -> impl Iterator<Item = (usize, u32)> {
        text.as_bytes().windows(2).map(|pair| (usize::from(pair[0] & 63), u32::from(pair[1] & 63)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_bytes_tell_what_does_not_stand_there() {
        let pairs = Pairs::of("expected a number, got 'correct horse batt…'");
        assert!(pairs.may_hold("correct") && pairs.may_hold("batt…") && pairs.may_hold("x") && pairs.may_hold(""));
        assert!(!pairs.may_hold("horses") && !pairs.may_hold("zebra"));
    }

    #[test]
    fn names_tell() {
        for path in [
            "spec.users[0].passwd",
            "spec.tokens[1]",
            "data[\"api.token\"]",
            "spec.files[0].content",
            "a.clientKeyData",
        ] {
            assert!(names_secret(path), "{path}");
        }
        for path in
            ["spec.identityRef.name", "spec.tokenSecretRef", "spec.files[0].path", "spec.replicas", "spec.passwordFrom"]
        {
            assert!(!names_secret(path), "{path}");
        }
    }

    #[test]
    fn messages_lose_secrets_whole_and_cut_short() {
        let mut values = Values::default();
        values.add("correct horse battery staple");
        assert_eq!(values.scrub("expected a number, got 'correct horse batt…'"), "expected a number, got '(hidden)…'");
        assert_eq!(values.scrub("nothing here"), "nothing here");
    }
}
