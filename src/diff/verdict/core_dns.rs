//! Which versions of CoreDNS can follow one another: the chain that CAPI 1.13 and 1.14 know (corefile-migration 1.0.34).

/// The first version of the chain.
pub const FIRST: &str = "1.1.3";
/// The last one.
pub const LAST: &str = "1.14.6";

/// All versions of the chain, in order: major, minor, and the patch releases.
const CHAIN: &[(u64, u64, &[u64])] = &[
    (1, 1, &[3, 4]),
    (1, 2, &[0, 1, 2, 3, 4, 5, 6]),
    (1, 3, &[0, 1]),
    (1, 4, &[0]),
    (1, 5, &[0, 1, 2]),
    (1, 6, &[0, 1, 2, 3, 4, 5, 6, 7, 9]),
    (1, 7, &[0, 1]),
    (1, 8, &[0, 3, 4, 5, 6, 7]),
    (1, 9, &[0, 1, 2, 3, 4]),
    (1, 10, &[0, 1]),
    (1, 11, &[0, 1, 3, 4]),
    (1, 12, &[0, 1, 2, 3, 4]),
    (1, 13, &[0, 1, 2]),
    (1, 14, &[0, 1, 2, 3, 4, 6]),
];

/// Major, minor, patch.
pub type Number = (u64, u64, u64);

/// Whether CoreDNS can go from one version to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migration {
    /// It can.
    Possible,
    /// It would go down.
    Down,
    /// Nothing is known of the version in use.
    UnknownStart,
    /// Nothing is known of the version it should go to.
    UnknownTarget,
}

/// The version in an image's tag: `v1.11.3-eksbuild.1`, `1.12`.
pub fn version(tag: &str) -> Option<Number> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let end = tag.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(tag.len());
    let mut parts = tag.get(..end)?.split('.').map(str::parse);
    let major = parts.next()?.ok()?;
    let mut next = || parts.next().map_or(Some(0), Result::ok);
    Some((major, next()?, next()?))
}

/// Whether a migration is known.
pub fn migration(from: Number, to: Number) -> Migration {
    let knows = |(major, minor, patch): Number| {
        CHAIN.iter().any(|(a, b, patches)| (*a, *b) == (major, minor) && patches.contains(&patch))
    };
    if !knows(from) {
        Migration::UnknownStart
    } else if to < from {
        Migration::Down
    } else if knows(to) {
        Migration::Possible
    } else {
        Migration::UnknownTarget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_hold_versions() {
        assert_eq!(version("v1.11.3-eksbuild.1"), Some((1, 11, 3)));
        assert_eq!(version("1.8.6_vmware.2"), Some((1, 8, 6)));
        assert_eq!(version("v1.12"), Some((1, 12, 0)));
        assert_eq!(version("latest"), None);
    }

    #[test]
    fn core_dns_goes_up_along_the_chain() {
        assert_eq!(migration((1, 8, 6), (1, 11, 3)), Migration::Possible);
        assert_eq!(migration((1, 11, 3), (1, 11, 3)), Migration::Possible);
        assert_eq!(migration((1, 11, 3), (1, 10, 1)), Migration::Down);
        assert_eq!(migration((1, 11, 3), (1, 11, 9)), Migration::UnknownTarget);
        assert_eq!(migration((1, 11, 2), (1, 12, 0)), Migration::UnknownStart);
    }
}
