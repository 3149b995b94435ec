//! Which values must never be printed: the data of Secrets, and fields whose names say that they hold one.
//!
//! Every output that shows source text asks here first. Names of keys are shown, values are not.

use crate::object::Object;

/// Parts of field names that say that the value is a secret. Compared in lower case without separators.
const TELLING: &[&str] = &[
    "password",
    "passwd",
    "token",
    "privatekey",
    "secretkey",
    "accesskey",
    "apikey",
    "credential",
    "cloudinit",
    "userdata",
];

/// Whether the value at a path of an object is not to be shown.
pub fn hides(object: &Object<'_>, path: &str) -> bool {
    let in_secret = object.is("", "Secret")
        && ["data", "stringData"]
            .iter()
            .any(|field| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])));
    in_secret || path.is_empty() && object.is("", "Secret") || names_secret(path)
}

/// Whether a line of source, shown for something else on it, holds a value that is not to be shown: a neighbour in a mapping
/// written on one line, or the first field of a mapping.
pub fn hides_line(object: Option<&Object<'_>>, line: &str) -> bool {
    let in_secret = object.is_some_and(|object| object.is("", "Secret"));
    line.match_indices(':').filter_map(|(at, _)| line.get(..at)).any(|before| {
        let before = before.trim_end_matches([' ', '"', '\'']);
        let key = before.rsplit(['{', '[', ',', ' ', '"', '\'']).next().unwrap_or_default();
        names_secret(key) || key == "content" || in_secret && matches!(key, "data" | "stringData")
    })
}

/// Whether the text of a document that could not be parsed may hold a Secret.
pub fn may_hold_secret(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches(['-', ' ', '{', '"', '\'']);
        line.starts_with("kind") && line.contains("Secret")
    })
}

fn names_secret(path: &str) -> bool {
    let last = path.rsplit(['.', '[']).next().unwrap_or_default();
    let name: String = last.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    // A reference names a secret and holds none.
    let is_reference = ["ref", "from", "name", "secretname"].iter().any(|end| name.ends_with(end));
    let in_file = name == "content" && path.contains("files[");
    !is_reference && (in_file || TELLING.iter().any(|part| name.contains(part)))
}
