#!/usr/bin/env bash
# Builds the release twice, in two folders, and compares the bytes. Needs a few minutes for each.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for copy in one two/further/down; do
    mkdir -p "$work/$copy"
    git -C "$root" archive HEAD | tar -x -C "$work/$copy"
    (
        cd "$work/$copy"
        # As scripts/dist.sh: where the sources and the registry stand is nobody's business.
        RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
            cargo build --quiet --release --locked --bins --target-dir "$work/target"
    )
    mv "$work/target/release" "$work/$copy/built"
    rm -rf "$work/target"
done
for binary in capi-lint capi-lint-post-render; do
    sha256sum "$work/one/built/$binary" "$work/two/further/down/built/$binary" | sed "s|$work/||"
    cmp "$work/one/built/$binary" "$work/two/further/down/built/$binary"
done
echo "the same bytes"
