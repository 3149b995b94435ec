//! `capi-lint completions`: what a shell needs to complete arguments.

use std::io::{self, Write};

use clap_complete::Shell;

use super::Outcome;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell, such as bash: capi-lint completions bash > /etc/bash_completion.d/capi-lint
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "capi-lint", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Outcome::Clean)
}
