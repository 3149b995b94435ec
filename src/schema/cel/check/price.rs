//! Ranges of sizes and of costs, and how they grow. Nothing overflows: what is too large is the largest there is.

/// How large something can be, or how much it can cost: at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) min: u64,
    pub(super) max: u64,
}

/// Looking through a string costs this much of its length.
pub(super) const TRAVERSAL: f64 = 0.1;
/// Matching costs this much of the pattern's length, for each unit of the text's cost.
pub(super) const PATTERN: f64 = 0.25;
/// A list, a map.
pub(super) const LIST: u64 = 10;
pub(super) const MAP: u64 = 30;

impl Range {
    pub(super) const NOTHING: Self = Self::fixed(0);
    /// What is not known.
    pub(super) const UNKNOWN: Self = Self { min: 0, max: u64::MAX };

    pub(super) const fn fixed(size: u64) -> Self {
        Self { min: size, max: size }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    /// Times a factor, rounded up.
    pub(super) fn by(self, factor: f64) -> Self {
        let scale = |number: u64| (number as f64 * factor).ceil() as u64;
        Self { min: scale(self.min), max: scale(self.max) }
    }

    /// The range that holds both.
    pub(super) fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}
