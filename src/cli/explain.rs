//! `capi-lint explain` and `capi-lint rules`: the manual, from the doc comments of the rules.

use std::io::{self, Write};

use anyhow::bail;
use clap::ValueEnum;

use super::Outcome;
use crate::rules;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A rule, such as conflicting-duplicate; without it all rules are listed
    rule: Option<String>,
}

/// Arguments of `rules`.
#[derive(Debug, clap::Args)]
pub struct RulesArgs {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// A line each.
    #[default]
    Text,
    /// For programs.
    Json,
    /// The manual as one Markdown page.
    Markdown,
}

/// Prints a rule's manual page.
///
/// # Errors
/// A rule that does not exist.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let Some(name) = &args.rule else { return rules(&RulesArgs { format: ListFormat::Text }) };
    let Some(rule) = rules::all().find(|rule| rule.name == name) else {
        let near = crate::schema::suggest::nearest(name, rules::all().map(|rule| rule.name));
        match near {
            Some(near) => bail!("there is no rule '{name}'; did you mean '{near}'?"),
            None => bail!("there is no rule '{name}'; capi-lint rules lists them"),
        }
    };
    let mut out = io::stdout().lock();
    write!(out, "{}", rules::page(rule))?;
    Ok(Outcome::Clean)
}

/// Prints the list of rules.
///
/// # Errors
/// When standard output cannot be written.
pub fn rules(args: &RulesArgs) -> anyhow::Result<Outcome> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        ListFormat::Text => {
            let width = rules::all().map(|rule| rule.name.len()).max().unwrap_or(0);
            for rule in rules::all() {
                writeln!(
                    out,
                    "{:width$}  {:7}  {:10}  {}",
                    rule.name,
                    rule.severity,
                    rule.provenance,
                    rules::summary(rule)
                )?;
            }
        }
        ListFormat::Json => {
            let list: Vec<_> = rules::all()
                .map(|rule| {
                    serde_json::json!({"name": rule.name, "severity": rule.severity, "provenance": rule.provenance,
                        "summary": rules::summary(rule), "manual": rule.manual})
                })
                .collect();
            writeln!(out, "{:#}", serde_json::json!({"version": 1, "rules": list}))?;
        }
        ListFormat::Markdown => write!(out, "{}", rules::manual())?,
    }
    out.flush()?;
    Ok(Outcome::Clean)
}
