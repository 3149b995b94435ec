//! Secrets within texts: lines of YAML, of shell commands and of other files, as far as one can tell them line by line.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{HIDDEN, telling};

/// Whether the text of a document that is no object may hold a Secret: it says so, or is one value of which nothing is known.
pub fn may_hold_secret(text: &str) -> bool {
    !text.contains(':')
        || text.lines().any(|line| {
            let line = line.trim_start_matches(['-', ' ', '{', '"', '\'']);
            line.starts_with("kind") && line.contains("Secret")
        })
}

/// A message of a reader, without the text that it quotes (`invalid type: string "…"`) where that is a whole file, which was
/// perhaps another than was meant, or longer than a message bears. What stands at a known place inside is quoted.
pub fn unquoted(message: &str) -> String {
    const MARK: &str = "string \"";
    const LONGEST_QUOTE: usize = 60;
    let Some((before, rest)) = message.split_once(MARK) else { return message.to_owned() };
    // The quoted text may hold quotes itself; what follows it begins behind the last one.
    let (quoted, behind) = rest.rsplit_once('"').unwrap_or((rest, ""));
    let is_inside = !matches!(before, "invalid type: " | "invalid value: ");
    if is_inside && quoted.len() <= LONGEST_QUOTE { message.to_owned() } else { format!("{before}string{behind}") }
}

/// A text without the secrets in it. Borrowed where there are none.
pub fn masked(text: &str) -> Cow<'_, str> {
    let Some(signs) = Signs::of(text) else { return Cow::Borrowed(text) };
    let is_secret_ahead = |text| signs.has(Sign::Secret) && is_secret_ahead(text);
    let mut out: Option<String> = None;
    let mut mask = Mask::default();
    let mut rest = text;
    let mut done = 0;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        let (whole, behind) = rest.split_at(end);
        let line = whole.trim_end_matches(['\n', '\r']);
        if Mask::begins_document(line) {
            mask = Mask { in_secret: is_secret_ahead(behind), ..Mask::default() };
        } else if done == 0 {
            mask.in_secret = is_secret_ahead(rest);
        }
        match mask.shown(line, signs) {
            None => {
                if let Some(out) = &mut out {
                    out.push_str(whole);
                }
            }
            Some(shown) => {
                let out = out.get_or_insert_with(|| text.get(..done).unwrap_or_default().to_owned());
                out.push_str(shown);
                out.push_str(HIDDEN);
                out.push_str(whole.get(line.len()..).unwrap_or_default());
            }
        }
        done += end;
        rest = behind;
    }
    out.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What must stand somewhere in a text before its lines are looked through for it.
#[derive(Clone, Copy)]
enum Sign {
    PrivateKey,
    Command,
    Url,
    Token,
    Secret,
}

/// The signs that stand in a text, found at memory speed.
#[derive(Clone, Copy)]
struct Signs([bool; 5]);

impl Signs {
    /// `None` where nothing in the text can be a secret: no key, no flag, no command, no token.
    fn of(text: &str) -> Option<Self> {
        static FINDERS: LazyLock<[Finder<'_>; 5]> =
            LazyLock::new(|| ["PRIVATE KEY-----", "passwd", "://", "eyJ", "Secret"].map(Finder::new));
        let text = text.as_bytes();
        let signs = Self(std::array::from_fn(|sign| FINDERS[sign].find(text).is_some()));
        let may_hold_any =
            signs.has(Sign::Command) || signs.has(Sign::Token) || memchr::memchr3(b':', b'=', b'-', text).is_some();
        may_hold_any.then_some(signs)
    }

    fn has(self, sign: Sign) -> bool {
        self.0[sign as usize]
    }
}

/// Whether the document that begins here is a Secret.
fn is_secret_ahead(text: &str) -> bool {
    let lines = text.lines().take_while(|line| !line.trim_start().starts_with("---"));
    lines.into_iter().any(|line| {
        let line = line.trim_start_matches(['-', ' ', '{', '"', '\'']);
        line.strip_prefix("kind")
            .is_some_and(|rest| rest.trim_start_matches([':', ' ', '"', '\'']).starts_with("Secret"))
    })
}

/// What is hidden on the lines to come.
#[derive(Default)]
struct Mask {
    /// The document is a Secret.
    in_secret: bool,
    /// All lines indented deeper than this; with or without the names of keys.
    below: Option<(usize, Below)>,
    /// All lines up to the end of a private key.
    in_key: bool,
    /// The line before says that what follows is one: `name: DB_PASSWORD`, `- --password`.
    announced: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Below {
    /// A text of several lines.
    Text,
    /// A mapping whose keys may be seen.
    Mapping,
}

impl Mask {
    fn begins_document(line: &str) -> bool {
        line.trim_start().starts_with("---") && !line.contains("-----")
    }

    /// How much of a line may be seen, where it is not all of it.
    fn shown<'l>(&mut self, line: &'l str, signs: Signs) -> Option<&'l str> {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        let margin = line.get(..indent).unwrap_or_default();
        if self.in_key {
            self.in_key = !text.contains("-----END");
            return Some(margin);
        }
        if let Some((above, how)) = self.below {
            if text.is_empty() {
                return None;
            }
            let is_item = indent == above && (text == "-" || text.starts_with("- "));
            if indent > above || is_item {
                return if how == Below::Mapping { Self::in_mapping(line, margin) } else { Some(margin) };
            }
            self.below = None;
        }
        if signs.has(Sign::PrivateKey) && text.contains("PRIVATE KEY-----") {
            self.in_key = !text.contains("-----END");
            return Some(margin);
        }
        if signs.has(Sign::Command)
            && ["chpasswd", "htpasswd", "openssl passwd"].iter().any(|command| text.contains(command))
        {
            return Some(margin);
        }
        let announced = std::mem::take(&mut self.announced);
        let item = text.trim_start_matches(['-', ' ']);
        if announced && text.starts_with("- ") && keys(line).next().is_none() {
            return line.get(..line.len() - item.len());
        }
        let flag = item.trim_matches(['"', '\'']);
        self.announced = text.starts_with("- -") && !flag.contains(['=', ' ', ':']) && telling(flag);
        self.by_key(line, indent, announced)
            .or_else(|| of_flag(line))
            .or_else(|| if signs.has(Sign::Url) { of_url(line) } else { None })
            .or_else(|| if signs.has(Sign::Token) { of_jwt(line) } else { None })
    }

    /// A line of a Secret's data: the key is seen.
    fn in_mapping<'l>(line: &'l str, margin: &'l str) -> Option<&'l str> {
        match keys(line).next() {
            Some((_, behind)) if line.get(behind..).is_some_and(|value| !value.trim().is_empty()) => line.get(..behind),
            Some(_) => None,
            None => Some(margin),
        }
    }

    fn by_key<'l>(&mut self, line: &'l str, indent: usize, announced: bool) -> Option<&'l str> {
        let mut announced = announced;
        for (key, behind) in keys(line) {
            let of_secret = self.in_secret && matches!(key, "data" | "stringData");
            let value = line.get(behind..).unwrap_or_default().trim();
            if !(of_secret || telling(key) || key == "content" || announced && key == "value") {
                let word = value.trim_start_matches(['"', '\'']).split(['"', '\'', ',', '}', ' ']).next();
                announced |= matches!(key, "name" | "key") && word.is_some_and(telling);
                self.announced |= announced && matches!(key, "name" | "key");
                continue;
            }
            // A list item's mapping is as deep as what stands behind the dash.
            let dashes = line.get(indent..).map_or(0, |text| text.len() - text.trim_start_matches(['-', ' ']).len());
            let is_mapping = of_secret && value.is_empty();
            if value.is_empty() || value.starts_with(['|', '>']) {
                self.below = Some((indent + dashes, if is_mapping { Below::Mapping } else { Below::Text }));
                return None;
            }
            let is_plain_word = ["true", "false", "null", "~", "{}", "[]"].contains(&value.trim_end_matches(','));
            if !is_plain_word {
                return line.get(..behind);
            }
        }
        None
    }
}

/// The keys on a line, each with where its value begins: `key: value`, `key=value`, `{"key": "value"}`.
pub(super) fn keys(line: &str) -> impl Iterator<Item = (&str, usize)> {
    memchr::memchr2_iter(b':', b'=', line.as_bytes()).filter_map(|at| {
        let behind = line.get(at + 1..)?;
        let is_sign = line.as_bytes().get(at) == Some(&b'=')
            || behind.is_empty()
            || behind.starts_with([' ', '"', '\'', '{', '[']);
        if !is_sign || behind.starts_with('=') {
            return None;
        }
        let before = line.get(..at)?.trim_end_matches([' ', '"', '\'']);
        let key = before.rsplit(['{', '[', ',', ' ', '"', '\'', ';', '(', '&', '?', '\t']).next().unwrap_or_default();
        let key = key.trim_start_matches('-');
        let spaces = behind.len() - behind.trim_start_matches(' ').len();
        (!key.is_empty()).then_some((key, at + 1 + spaces))
    })
}

/// `--token VALUE`, `-u USER:PASSWORD`, `login … -p PASSWORD`.
fn of_flag(line: &str) -> Option<&str> {
    memchr::memchr(b'-', line.as_bytes())?;
    let mut at = 0;
    let mut is_login = false;
    for word in line.split(' ') {
        let end = at + word.len();
        let bare = word.trim_matches(['"', '\'', ',', '[', ']']);
        let next = line.get(end + 1..).unwrap_or_default().trim_start_matches(['"', '\'', ' ', ',']);
        let names_user =
            matches!(bare, "-u" | "--user") && next.split(' ').next().is_some_and(|user| user.contains(':'));
        let is_flag = bare.strip_prefix("--").is_some_and(telling) || is_login && bare == "-p";
        if (is_flag || names_user) && !next.is_empty() {
            return line.get(..end + 1);
        }
        is_login |= bare == "login";
        at = end + 1;
    }
    None
}

/// `https://user:password@host`.
fn of_url(line: &str) -> Option<&str> {
    line.match_indices("://").find_map(|(at, sign)| {
        let start = at + sign.len();
        let authority = line.get(start..)?.split(['/', ' ', '"', '\'', '?', '#']).next()?;
        let (user, _) = authority.rsplit_once('@')?;
        user.contains(':').then(|| line.get(..start)).flatten()
    })
}

/// A signed token stands for itself wherever it is found.
fn of_jwt(line: &str) -> Option<&str> {
    let at = line.find("eyJ")?;
    let token = line.get(at..)?.split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).next()?;
    (token.len() > 40 && token.matches('.').count() == 2).then(|| line.get(..at)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_texts_are_masked_and_nothing_else() {
        for (text, expected) in [
            ("export DB_PASSWORD=abc\n", "export DB_PASSWORD=(hidden)\n"),
            ("echo root:abc | chpasswd", "(hidden)"),
            ("kubeadm join --token abc.def host", "kubeadm join --token (hidden)"),
            ("curl -u me:abc https://x", "curl -u (hidden)"),
            ("url: https://me:abc@host/x\n", "url: https://(hidden)\n"),
            (
                "a:\n  password: |\n    abc\n    def\n  b: c\n",
                "a:\n  password: |\n    (hidden)\n    (hidden)\n  b: c\n",
            ),
            ("- name: DB_PASSWORD\n  value: abc\n", "- name: DB_PASSWORD\n  value: (hidden)\n"),
            ("- {name: DB_PASSWORD, value: abc}", "- {name: DB_PASSWORD, value: (hidden)"),
            ("args:\n- --password\n- abc\n- x\n", "args:\n- --password\n- (hidden)\n- x\n"),
            ("{path: /x, content: abc}", "{path: /x, content: (hidden)"),
            ("{\"token\": \"abc\"}", "{\"token\": (hidden)"),
            (
                "kind: Secret\ndata:\n  a: b\n---\nkind: ConfigMap\ndata:\n  a: b\n",
                "kind: Secret\ndata:\n  a: (hidden)\n---\nkind: ConfigMap\ndata:\n  a: b\n",
            ),
            (
                "a\n-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nb",
                "a\n(hidden)\n(hidden)\n(hidden)\nb",
            ),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
        for text in [
            "tokenSecretRef:\n  name: x\n",
            "# rotate the token daily\n",
            "automountServiceAccountToken: false\n",
            "systemctl restart containerd",
            "image: registry:5000/a\n",
            "https://host/path?a=b",
        ] {
            assert!(matches!(masked(text), Cow::Borrowed(_)), "{text}: {}", masked(text));
        }
    }

    #[test]
    fn readers_quote_nothing() {
        assert_eq!(unquoted("invalid type: string \"a\\\"b\", expected a map"), "invalid type: string, expected a map");
        assert_eq!(unquoted("unknown field `a`"), "unknown field `a`");
        let inside = "complete: invalid type: string \"maybe\", expected a boolean";
        assert_eq!(unquoted(inside), inside);
    }
}
