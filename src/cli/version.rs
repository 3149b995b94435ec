//! `capi-lint version`: the version, and what is bundled.

use std::io::{self, Write};

use clap::ValueEnum;

use super::Outcome;

/// Arguments of `version`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    format: VersionFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum VersionFormat {
    /// Lines.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Prints the version.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = io::stdout().lock();
    match args.format {
        VersionFormat::Text => writeln!(out, "capi-lint {version}")?,
        VersionFormat::Json => writeln!(out, "{}", serde_json::json!({"version": version}))?,
    }
    Ok(Outcome::Clean)
}
