#!/usr/bin/env bash
# Builds the release twice, in two folders, and compares the bytes. Needs eight minutes for each, of which half are for the profile.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for copy in one two/further/down; do
    mkdir -p "$work/$copy"
    git -C "$root" archive HEAD | tar -x -C "$work/$copy"
    (
        cd "$work/$copy"
        CARGO_TARGET_DIR=$work/target scripts/release.sh >"$work/$copy/where"
    )
    mv "$(cat "$work/$copy/where")" "$work/$copy/built"
    rm -rf "$work/target"
done
for binary in capi-lint capi-lint-post-render; do
    sha256sum "$work/one/built/$binary" "$work/two/further/down/built/$binary" | sed "s|$work/||"
    cmp "$work/one/built/$binary" "$work/two/further/down/built/$binary"
done
echo "the same bytes"
