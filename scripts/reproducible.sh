#!/usr/bin/env bash
# Builds the release twice, in two folders, and compares the bytes. The second time it is built by the profile that was made the first
# time: no two are the same, since hashes are not. PROFILE=FILE has both built by one that is there. Ten minutes, or seven.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
profile=${PROFILE:-}

for copy in one two/further/down; do
    mkdir -p "$work/$copy"
    git -C "$root" archive HEAD | tar -x -C "$work/$copy"
    (
        cd "$work/$copy"
        PROFILE=$profile CARGO_TARGET_DIR=$work/target scripts/release.sh >"$work/$copy/where"
    )
    mv "$(cat "$work/$copy/where")" "$work/$copy/built"
    [ -n "$profile" ] || profile=$work/one/built/capi-lint.profdata
    [ -f "$profile" ] || profile=no
    rm -rf "$work/target"
done
for binary in capi-lint capi-lint-post-render; do
    sha256sum "$work/one/built/$binary" "$work/two/further/down/built/$binary" | sed "s|$work/||"
    cmp "$work/one/built/$binary" "$work/two/further/down/built/$binary"
done
echo "the same bytes"
