//! capi-lint-post-render: the same as `capi-lint post-render`, for Helm flags that take no arguments.
#![forbid(unsafe_code)]
fn main() {}
