#!/usr/bin/env bash
# Makes dist/: the tarball, the Helm plugins, the profile, their checksums. The same commit and profile give the same bytes.
#
#   TARGET=x86_64-unknown-linux-musl   what to build for; by default this machine (scripts/release.sh)
#   BINARIES=DIR                       package the binaries in DIR instead of building them
#   PROFILE=FILE                       build by this profile (scripts/release.sh)
#   GZIP_LEVEL=1                       quicker, larger
#   DIST=DIR                           where it goes, by default dist
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
dist=${DIST:-$root/dist}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
# Time stands still, or the bytes would differ: that of the commit.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH=$epoch

if [ -n "${BINARIES:-}" ]; then
    target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
else
    BINARIES=$(scripts/release.sh)
    # Its folder is target/TARGET/release: without a libc.a it is another target than that of the machine.
    target=$(basename "$(dirname "$BINARIES")")
fi
tool() { cargo run --quiet --locked --example dist -- "$@"; }

rm -rf "$dist"
mkdir -p "$dist"
name=capi-lint-$version-$target
stage=$dist/$name
mkdir -p "$stage"
cp "$BINARIES/capi-lint" "$BINARIES/capi-lint-post-render" LICENSE NOTICE README.md CHANGELOG.md "$stage/"
cp -R docs "$stage/docs"
tool man "$stage/man"
cargo metadata --format-version 1 --locked --filter-platform "$target" | tool notices "$target" > "$stage/THIRD-PARTY"
tool completions "$stage/completions"

pack() { # folder in dist, file
    tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX,go-w' --format=ustar \
        -C "$dist/$(dirname "$1")" -cf - "$(basename "$1")" | gzip "-${GZIP_LEVEL:-9}n" > "$dist/$2"
}

# A plugin brings its binary along, so that `helm plugin install FOLDER` is all there is to do.
for plugin in helm3 helm4-cli helm4-post-render; do
    folder=$dist/plugins/$plugin
    mkdir -p "$folder/bin"
    cp "plugins/$plugin/plugin.yaml" "plugins/$plugin/run.sh" LICENSE NOTICE "$stage/THIRD-PARTY" "$folder/"
    cp "$BINARIES/capi-lint" "$folder/bin/"
    pack "plugins/$plugin" "capi-lint-$plugin-$version-$target.tar.gz"
done
pack "$name" "$name.tar.gz"
profile=$BINARIES/capi-lint.profdata
[ ! -f "$profile" ] || gzip -9nc "$profile" > "$dist/$name.profdata.gz"
(cd "$dist" && sha256sum -- *.gz > SHA256SUMS)
(cd "$dist" && cat SHA256SUMS && du -h -- "$name/capi-lint" *.gz)
