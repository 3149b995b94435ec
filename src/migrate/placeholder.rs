//! What stands for an action of a chart's template while the template is migrated: words that no manifest holds.
//!
//! The tables know nothing of templates. Where one of them changes the form of a value that is not known yet, the word says
//! so, and `templates` writes an action that makes the new form of it.

/// An action as a value, or within one.
pub(super) const WORD: &str = "CapiLintAction";
/// An action alone below its key that writes the key's value.
pub(super) const BLOCK: &str = "CapiLintBlock";
/// An action that is the whole of an `apiVersion`; [`VERSION_TAIL`] stands behind it.
pub(super) const VERSION: &str = "CapiLintVersion";
/// Makes of an `apiVersion` what a conversion can split.
pub(super) const VERSION_TAIL: &str = "/v1";
/// A duration from an action, now in seconds.
pub(super) const SECONDS: &str = "CapiLintSeconds";
/// A mapping of arguments from an action, now a list.
pub(super) const ARGUMENTS: &str = "CapiLintArguments";
/// The same, from an action below the key.
pub(super) const ARGUMENTS_BLOCK: &str = "CapiLintListBlock";
/// Ends the number behind a word.
pub(super) const END: char = 'x';

/// The word for a duration from an action; a unit may stand behind it.
pub(super) fn seconds(text: &str) -> Option<String> {
    let behind = text.strip_prefix(WORD)?;
    let (number, unit) = behind.split_once(END)?;
    let is_unit = unit.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (number.bytes().all(|byte| byte.is_ascii_digit()) && is_unit).then(|| format!("{SECONDS}{behind}"))
}

/// The word for arguments from an action that writes all of them.
pub(super) fn arguments(text: &str) -> Option<String> {
    let of = |word: &str, new: &str| {
        let behind = text.strip_prefix(word)?;
        behind.ends_with(END).then(|| format!("{new}{behind}"))
    };
    of(WORD, ARGUMENTS).or_else(|| of(BLOCK, ARGUMENTS_BLOCK))
}

/// Whether an action stands in a text.
pub(super) fn is_one(text: &str) -> bool {
    text.contains(WORD) || text.contains(BLOCK)
}
