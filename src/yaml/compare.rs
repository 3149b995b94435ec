//! Are two trees the same, and if not, where do they differ.
//!
//! Key order, comments, quoting and indentation do not count: two trees are the same when Kubernetes reads the same from
//! them.

use std::fmt::Write;

use super::tape::push_key;
use super::{Kind, Value};

/// Whether Kubernetes reads the same from two values.
pub fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    let mut none = Vec::new();
    differences(a, b, &|_| false, 1, &mut none);
    none.is_empty()
}

/// The paths at which two values differ, the first `limit` of them; paths that `ignore` names do not count.
pub fn differences(a: Value<'_>, b: Value<'_>, ignore: &dyn Fn(&str) -> bool, limit: usize, out: &mut Vec<String>) {
    walk(a, b, &mut String::new(), ignore, limit, out);
}

fn walk(
    a: Value<'_>,
    b: Value<'_>,
    path: &mut String,
    ignore: &dyn Fn(&str) -> bool,
    limit: usize,
    out: &mut Vec<String>,
) {
    if out.len() >= limit {
        return;
    }
    match (a.kind(), b.kind()) {
        (Kind::Map, Kind::Map) => {
            for entry in a.entries() {
                let key = entry.key().unwrap_or_default();
                below(path, &key, |path| match b.get(&key) {
                    Some(other) => walk(entry, other, path, ignore, limit, out),
                    None => note(path, ignore, limit, out),
                });
            }
            for entry in b.entries() {
                let key = entry.key().unwrap_or_default();
                if a.get(&key).is_none() {
                    below(path, &key, |path| note(path, ignore, limit, out));
                }
            }
        }
        (Kind::Seq, Kind::Seq) => {
            let (mut left, mut right) = (a.items(), b.items());
            let mut position = 0_usize;
            loop {
                let length = path.len();
                let _ = write!(path, "[{position}]");
                match (left.next(), right.next()) {
                    (Some(a), Some(b)) => walk(a, b, path, ignore, limit, out),
                    (None, None) => {
                        path.truncate(length);
                        break;
                    }
                    _ => note(path, ignore, limit, out),
                }
                path.truncate(length);
                position += 1;
            }
        }
        (Kind::Scalar, Kind::Scalar) if a.scalar() == b.scalar() => {}
        _ => note(path, ignore, limit, out),
    }
}

fn below(path: &mut String, key: &str, then: impl FnOnce(&mut String)) {
    let length = path.len();
    push_key(path, key);
    then(path);
    path.truncate(length);
}

fn note(path: &str, ignore: &dyn Fn(&str) -> bool, limit: usize, out: &mut Vec<String>) {
    if out.len() < limit && !ignore(path) {
        out.push(path.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn paths(a: &str, b: &str, limit: usize) -> Vec<String> {
        let (a, b) = (yaml::parse(a).unwrap(), yaml::parse(b).unwrap());
        let mut out = Vec::new();
        differences(a.root().unwrap(), b.root().unwrap(), &|path| path == "ignored", limit, &mut out);
        out
    }

    #[test]
    fn differences_are_paths_up_to_a_limit() {
        assert_eq!(paths("{a: 1, b: [x, {c: 2}], ignored: 1}", "{b: [x, {c: '2'}, y]}", 9), ["a", "b[1].c", "b[2]"]);
        assert_eq!(paths("{a: 1, b: 2, c: 3}", "{}", 2), ["a", "b"]);
        assert_eq!(paths("{}", "{a: 1, b: 2, c: 3}", 2), ["a", "b"]);
    }
}
