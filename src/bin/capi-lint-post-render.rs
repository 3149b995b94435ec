//! capi-lint-post-render: `capi-lint post-render` for Helm flags that take a name and no arguments.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    capi_lint::cli::run_post_render(std::env::args_os())
}
