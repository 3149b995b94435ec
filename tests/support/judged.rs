//! What must hold of verdicts, whatever came in.

use std::collections::BTreeMap;

use capi_lint::input::Source;
use capi_lint::judge::{self, Options};
use capi_lint::release::Release;
use capi_lint::report::{Finding, Severity};
use capi_lint::stream::Stream;
use capi_lint::transform::dedupe;

/// The findings of a stream, as `lint` has them before it merges them.
pub fn findings(input: &[u8], options: &Options) -> Vec<Finding> {
    let source = Source { name: "in".into(), bytes: input.to_vec() };
    let streams = [Stream::parse(&source, options.jobs)];
    let release = Release::new(&streams, "default");
    judge::unmerged(&release, options, dedupe::findings(&release))
}

/// The errors, by rule.
pub fn errors(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut errors = BTreeMap::new();
    let counted = findings.iter().filter(|finding| finding.severity == Severity::Error);
    counted.for_each(|finding| *errors.entry(finding.rule.name).or_default() += 1);
    errors
}

/// Says which errors the second stream has that the first had not.
///
/// # Errors
/// In words.
pub fn is_no_worse(before: &[Finding], after: &[Finding]) -> Result<(), String> {
    let (had, has) = (errors(before), errors(after));
    match has.iter().find(|(rule, count)| had.get(*rule).copied().unwrap_or(0) < **count) {
        None => Ok(()),
        Some((rule, count)) => {
            let told: Vec<&String> =
                after.iter().filter(|finding| finding.rule.name == *rule).map(|finding| &finding.message).collect();
            Err(format!("{rule}: {count} for {}: {told:?}", had.get(rule).copied().unwrap_or(0)))
        }
    }
}
