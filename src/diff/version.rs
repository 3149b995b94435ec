//! Kubernetes versions as CAPI compares them.

/// `v1.32.8`, with a pre-release where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// 1.
    pub major: u64,
    /// 32.
    pub minor: u64,
    /// 8.
    pub patch: u64,
    /// Behind the dash.
    pub pre: String,
}

impl Version {
    /// A version with or without the leading `v`; build metadata is read and dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
        let mut parts = numbers.split('.').map(|part| part.parse::<u64>().ok());
        let version = Self { major: parts.next()??, minor: parts.next()??, patch: parts.next()??, pre: pre.to_owned() };
        parts.next().is_none().then_some(version)
    }

    /// Whether it is lower, pre-releases left out of the comparison.
    pub fn is_below(&self, other: &Self) -> bool {
        (self.major, self.minor, self.patch) < (other.major, other.minor, other.patch)
    }

    /// How many minor versions it lies above another; negative below it. `None` across majors.
    pub fn minors_above(&self, other: &Self) -> Option<i64> {
        let apart = i128::from(self.minor) - i128::from(other.minor);
        (self.major == other.major).then(|| i64::try_from(apart).unwrap_or(if apart > 0 { i64::MAX } else { i64::MIN }))
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_compare() {
        let version = |text| Version::parse(text).unwrap();
        assert_eq!(version("v1.34.1").minors_above(&version("1.32.8")), Some(2));
        assert!(version("v1.31.9").is_below(&version("v1.32.0-rc.1+build")));
        assert_eq!(Version::parse("v1.34"), None);
    }
}
