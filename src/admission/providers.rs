//! The webhooks of infrastructure providers, one file each.

use super::check::Check;

/// Judges an object of an infrastructure provider.
pub fn judge(_check: &mut Check<'_, '_>) {}
