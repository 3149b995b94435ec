#!/usr/bin/env bash
# Hostile input in the sizes of issue 10, with an optimised binary; writes the table in docs/reliability.md.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked --profile bench-quick --bin capi-lint
# One suite at a time: times of runs side by side say nothing.
CAPI_LINT_HOSTILE=full CAPI_LINT_RECORD=1 CAPI_LINT_BIN="$PWD/target/bench-quick/capi-lint" \
    cargo test --locked --test hostile -- --nocapture --test-threads 1
