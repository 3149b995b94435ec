//! Semantic versions as CEL's `semver()` reads them.

use std::cmp::Ordering;

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Semver {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    pre: Vec<Identifier>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    // Numbers come before words.
    Number(u64),
    Word(String),
}

impl Semver {
    /// Reads a version, strictly.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (major, minor, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
        let (patch, pre) = rest.split_once('-').map_or((rest, None), |(patch, pre)| (patch, Some(pre)));
        let is_word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if build.is_some_and(|build| !build.split('.').all(is_word)) {
            return None;
        }
        let pre: Option<Vec<Identifier>> = pre.into_iter().flat_map(|pre| pre.split('.')).map(identifier).collect();
        Some(Self { major: number(major)?, minor: number(minor)?, patch: number(patch)?, pre: pre? })
    }

    /// Reads a version with a `v` before it, with zeros before its numbers or with only one or two of them.
    pub(super) fn parse_loosely(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts: Vec<String> = text
            .splitn(3, '.')
            .map(|part| {
                let stripped = if part.len() > 1 { part.trim_start_matches('0') } else { part };
                let zero = part.len() > 1 && !stripped.starts_with(|c: char| c.is_ascii_digit());
                format!("{}{stripped}", if zero { "0" } else { "" })
            })
            .collect();
        if parts.len() < 3 && parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return None;
        }
        parts.resize(3, "0".to_owned());
        Self::parse(&parts.join("."))
    }

    /// Precedence; what follows `+` does not count.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let numbers = |v: &Self| (v.major, v.minor, v.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.pre.cmp(&other.pre),
        })
    }
}

fn number(text: &str) -> Option<u64> {
    let well_formed =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    well_formed.then(|| text.parse().ok())?
}

fn identifier(text: &str) -> Option<Identifier> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return number(text).map(Identifier::Number);
    }
    let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_word.then(|| Identifier::Word(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_forms() {
        let v = |text| Semver::parse(text).expect("a version");
        assert_eq!(v("1.2.3-alpha.1").compare(&v("1.2.3-alpha.beta")), Ordering::Less);
        assert_eq!(v("1.2.3").compare(&v("1.2.3-rc.1")), Ordering::Greater);
        assert!(
            Semver::parse("v1.0.0").is_none() && Semver::parse("01.0.0").is_none() && Semver::parse("1.0").is_none()
        );
        assert_eq!(Semver::parse_loosely("v01.01"), Semver::parse("1.1.0"));
    }
}
