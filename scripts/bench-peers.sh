#!/usr/bin/env bash
# Builds the programs that `make bench` measures beside capi-lint into target/tools, through the Go module proxy. What cannot
# be built is said and left out; the table then has no row for it.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/target/tools
mkdir -p "$tools"
peers=(
    kubeconform github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
    kubectl-validate sigs.k8s.io/kubectl-validate@v0.0.4
    dyff github.com/homeport/dyff/cmd/dyff@v1.10.2
)
if ! command -v go >/dev/null; then
    echo "bench-peers: no go: only what lies in target/tools is measured" >&2
    exit 0
fi
for ((i = 0; i < ${#peers[@]}; i += 2)); do
    [ -x "$tools/${peers[i]}" ] && continue
    GOBIN=$tools GOFLAGS=-trimpath go install "${peers[i + 1]}" 2>"$tools/${peers[i]}.log" ||
        echo "bench-peers: ${peers[i]} could not be built (see target/tools/${peers[i]}.log)" >&2
done
