#!/usr/bin/env bash
# Builds the two binaries as they are released, and prints the folder that holds them.
#
#   TARGET=aarch64-unknown-linux-gnu   what to build for; by default this machine
#   PROFILE=FILE                       by this profile instead of one that is made: the same bytes as those that were built by it
#   PROFILE=no                         without one
#
# Static where that can be had: against glibc where there is a libc.a, else against musl where Rust has that. (musl's allocator has
# one lock and gives everything back at once: `lint` takes twice as long, docs/benchmarks.md.)
# By a profile: built once so that it counts where it passes, run over scripts/training.sh, and built again by these counts. That
# needs rustup's llvm-tools, and a target that runs here; where one is missing the build is one without a profile, and says so. The
# profile is left beside the binaries: capi-lint.profdata.
set -euo pipefail
shopt -s inherit_errexit
given=${PROFILE:-}
[ "${given:-no}" = no ] || given=$(realpath "$given")
cd "$(dirname "$0")/.."
say() { echo "release: $*" >&2; }

host=$(rustc -vV | sed -n 's/^host: //p')
target=${TARGET:-$host}
folder=${CARGO_TARGET_DIR:-$PWD/target}
# The folders of this machine do not belong into a binary.
flags="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
if [ "$target" = "$host" ] && [[ $host = *-linux-gnu ]]; then
    musl=${host%-gnu}-musl
    if [[ $(cc -print-file-name=libc.a 2>/dev/null) = /* ]]; then
        flags+=" -Ctarget-feature=+crt-static"
    elif [ -z "${TARGET:-}" ] && [ -d "$(rustc --print target-libdir --target "$musl" 2>/dev/null)" ]; then
        target=$musl
    fi
fi

# build TARGET_DIR FLAGS ARGUMENTS…: the binaries, into TARGET_DIR/$target/release.
build() {
    local into=$1 more=$2
    shift 2
    RUSTFLAGS="$flags $more" cargo build --release --locked --target "$target" --target-dir "$into" "$@" >&2
}

# Prints the path of a profile; nothing where none can be made.
profile() {
    local work=$folder/profile
    local counting=$work/build/$target/release/capi-lint
    local merge
    merge=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
    [ -x "$merge" ] || timeout 300 rustup component add llvm-tools >&2 || true
    [ -x "$merge" ] || { say "no profile: rustup component add llvm-tools" && return 0; }
    build "$work/build" -Cprofile-generate --bin capi-lint || { say "no profile: $target cannot count" && return 0; }
    LLVM_PROFILE_FILE=/dev/null "$counting" --version >&2 || { say "no profile: $target does not run here" && return 0; }
    rm -rf "$work/counts" && mkdir "$work/counts"
    LLVM_PROFILE_FILE=$(realpath "$work")/counts/%m.profraw scripts/training.sh "$counting" >&2
    "$merge" merge --sparse --output "$work/capi-lint.profdata" "$work"/counts/*.profraw >&2
    realpath "$work/capi-lint.profdata"
}

case $given in
    no) profile= ;;
    '') profile=$(profile) ;;
    *) profile=$given ;;
esac
named=
if [ -n "$profile" ]; then
    # The path of a profile is part of what is built; so it hangs on the profile alone (and TMPDIR).
    named=${TMPDIR:-/tmp}/capi-lint-$(cksum <"$profile" | cut -d' ' -f1).profdata
    rm -f "$named" && cp "$profile" "$named"
    trap 'rm -f "$named"' EXIT
fi
build "$folder" "${named:+-Cprofile-use=$named}" --bins
built=$(realpath "$folder/$target/release")
rm -f "$built/capi-lint.profdata"
[ -z "$named" ] || cp "$named" "$built/capi-lint.profdata"
echo "$built"
