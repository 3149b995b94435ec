//! capi-lint: arguments in, exit code out. Everything else is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    capi_lint::cli::run(std::env::args_os())
}
