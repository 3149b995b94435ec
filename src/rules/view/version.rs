//! Kubernetes versions, as far as rules compare them.

use std::fmt;

/// Major, minor and patch; pre-releases and build marks are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// `1`.
    pub major: u32,
    /// `34` in `v1.34.2`.
    pub minor: u32,
    /// `2` in `v1.34.2`; 0 where it is not given.
    pub patch: u32,
}

impl Version {
    /// Reads `v1.34.2`, `1.34.2`, `v1.34`, `v1.34.2+rke2r1`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split(['-', '+']).next().unwrap_or_default();
        let mut parts = text.split('.');
        let mut number = || parts.next().map(|part| part.parse::<u32>().ok());
        let (major, minor, patch) = (number()??, number()??, number().unwrap_or(Some(0))?);
        parts.next().is_none().then_some(Self { major, minor, patch })
    }

    /// By how many minors this one is ahead of another; negative where it is behind. `None` across majors.
    pub fn minors_ahead_of(self, other: Self) -> Option<i64> {
        (self.major == other.major).then(|| i64::from(self.minor) - i64::from(other.minor))
    }

    /// `v1.34`.
    pub fn minor_text(self) -> String {
        format!("v{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn forms() {
        let version = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(version("v1.34.2").as_deref(), Some("v1.34.2"));
        assert_eq!(version("1.34.2+k3s1").as_deref(), Some("v1.34.2"));
        assert_eq!(version("v1.34").as_deref(), Some("v1.34.0"));
        assert_eq!(version("latest"), None);
        assert_eq!(version("v1.34.2.1"), None);
    }
}
