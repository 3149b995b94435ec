//! Versions as the webhooks read them: strict semantic versions, and the tolerant reading of some fields.

/// A parsed version; pre-release and build are checked, not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    /// A pre-release comes before its release.
    pub is_release: bool,
}

/// Reads `1.34.0-rc.1+build`, without a leading `v`.
pub fn parse(text: &str) -> Option<Version> {
    let mut parts = text.splitn(3, '.');
    let (major, minor, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
    let (patch, pre) = rest.split_once('-').map_or((rest, None), |(patch, pre)| (patch, Some(pre)));
    let identifiers = |text: &str, is_pre: bool| {
        text.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !(is_pre
                    && part.len() > 1
                    && part.starts_with('0')
                    && part.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    if !pre.is_none_or(|pre| identifiers(pre, true)) || !build.is_none_or(|build| identifiers(build, false)) {
        return None;
    }
    Some(Version { major: digits(major)?, minor: digits(minor)?, patch: digits(patch)?, is_release: pre.is_none() })
}

/// Reads a version whose leading `v` a defaulting webhook adds anyway.
pub fn kubernetes(text: &str) -> Option<Version> {
    parse(text.strip_prefix('v').unwrap_or(text))
}

/// Reads `v1`, `1.2` and leading zeros too.
pub fn tolerant(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 && parts.last().is_some_and(|last| last.contains(['+', '-'])) {
        return None;
    }
    parts.resize(3, "0".to_owned());
    parse(&parts.join("."))
}

fn without_zeros(part: &str) -> String {
    if part.len() < 2 {
        return part.to_owned();
    }
    let trimmed = part.trim_start_matches('0');
    if trimmed.starts_with(|first: char| first.is_ascii_digit()) { trimmed.to_owned() } else { format!("0{trimmed}") }
}

fn digits(text: &str) -> Option<u64> {
    let is_canonical = text == "0" || !text.starts_with('0');
    (is_canonical && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// What the author of a refused version probably meant.
pub fn suggestion(text: &str) -> String {
    match tolerant(text) {
        Some(version) if !text.contains(['+', '-']) => {
            format!("write all three numbers: v{}.{}.{}", version.major, version.minor, version.patch)
        }
        _ => "write MAJOR.MINOR.PATCH with a leading v, such as v1.34.2".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_versions() {
        for good in ["1.34.0", "1.34.0-rc.1", "1.34.0+rke2r1", "1.34.0-a.0+b.01"] {
            assert!(parse(good).is_some(), "{good}");
        }
        for bad in ["1.34", "v1.34.0", "01.3.0", "1.34.0-", "1.34.0-01", "1.34.0_1", "", "1.x.0", "1.2.3.4"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        assert!(kubernetes("v1.34.0").is_some() && kubernetes("vv1.34.0").is_none());
    }

    #[test]
    fn tolerant_versions() {
        for good in ["1.34", "v1", "1.034.2", " 1.2.3", "v1.8.6-eksbuild.1"] {
            assert!(tolerant(good).is_some(), "{good}");
        }
        for bad in ["1.34-rc.1", "latest", "", "1.x"] {
            assert!(tolerant(bad).is_none(), "{bad}");
        }
    }
}
