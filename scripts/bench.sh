#!/usr/bin/env bash
# post-render and lint of a large fleet beside cat, helm template and kubeconform, in one run. Ratios are what counts: the
# seconds belong to the machine. CLUSTERS=10000 RUNS=3 by default.
set -euo pipefail
cd "$(dirname "$0")/.."
clusters=${CLUSTERS:-10000}
runs=${RUNS:-3}
bin=$PWD/target/release/capi-lint
helm=$(scripts/helm-tools.sh 3)
work=target/bench
mkdir -p "$work"
fleet=$work/fleet-$clusters.yaml
render() { "$helm" template fleet charts/multi-cluster --set env=dev --set environments.dev.clusterCount="$clusters"; }
[ -s "$fleet" ] || render > "$fleet"

# kubeconform, built once by the Go module proxy, with our own CRDs' groups skipped where it has no schema.
tools=$PWD/target/tools
if [ ! -x "$tools/kubeconform" ] && command -v go >/dev/null; then
    GOBIN=$tools GOFLAGS= go install github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0 2>/dev/null || true
fi

measure() { # label, command
    local label=$1; shift
    local best=
    for _ in $(seq "$runs"); do
        local start end
        start=$(date +%s%N); bash -c "$*" >/dev/null 2>&1 || true; end=$(date +%s%N)
        local took=$(( (end - start) / 1000 ))
        if [ -z "$best" ] || [ "$took" -lt "$best" ]; then best=$took; fi
    done
    printf '%-34s %10d us  %8.2f x cat\n' "$label" "$best" "$(echo "$best $cat" | awk '{print $1 / ($2 ? $2 : 1)}')"
    last=$best
}
echo "$clusters clusters, $(grep -c '^kind:' "$fleet") documents, $(stat -c %s "$fleet") bytes, best of $runs"
cat=1
measure "cat through a pipe" "cat $fleet | cat"; cat=$last
measure "capi-lint post-render" "cat $fleet | $bin post-render"; post=$last
measure "capi-lint lint" "cat $fleet | $bin lint"; lint=$last
measure "capi-lint count" "cat $fleet | $bin count"
if [ -x "$tools/kubeconform" ] && [ -d "${CAPI_LINT_BENCH_SCHEMAS:-/nonexistent}" ]; then
    measure "kubeconform" "cat $fleet | $tools/kubeconform -strict -summary -n 2 -schema-location '$CAPI_LINT_BENCH_SCHEMAS/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json'"
    echo "lint is $(echo "$last $lint" | awk '{printf "%.0f", $1 / $2}') x as fast as kubeconform"
elif [ -x "$tools/kubeconform" ]; then
    measure "kubeconform (no CRD schemas: skips)" "cat $fleet | $tools/kubeconform -ignore-missing-schemas -summary -n 2 -schema-location /nonexistent"
fi
runs=1
measure "helm template" "$helm template fleet charts/multi-cluster --set env=dev --set environments.dev.clusterCount=$clusters"
echo "post-render takes $(echo "$post $last" | awk '{printf "%.1f", 100 * $1 / $2}') % of helm template"
