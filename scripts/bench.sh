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
    : "${cat:=$best}"
    printf '%-34s %10d us  %8.2f x cat\n' "$label" "$best" "$(echo "$best $cat" | awk '{print $1 / ($2 ? $2 : 1)}')"
    last=$best
}
echo "$clusters clusters, $(grep -c '^kind:' "$fleet") documents, $(stat -c %s "$fleet") bytes, best of $runs"
cat=
measure "cat through a pipe" "cat $fleet | cat"
measure "capi-lint post-render" "cat $fleet | $bin post-render"; post=$last
measure "capi-lint lint" "cat $fleet | $bin lint"; lint=$last
measure "capi-lint count" "cat $fleet | $bin count"
if [ -x "$tools/kubeconform" ] && command -v python3 >/dev/null; then
    # The same structural facts as JSON Schemas, as kubeconform takes them (strict about nothing but types and required).
    python3 - schemas "$work/schemas" <<'PY'
import glob, json, os, sys
source, target = sys.argv[1:]
os.makedirs(target, exist_ok=True)
for provider in ("core", "docker", "kubeadm-bootstrap", "kubeadm-control-plane"):
    release = sorted(os.listdir(f"{source}/{provider}"), key=lambda name: [int(n) for n in name.lstrip("v").split(".")])[-1]
    for path in glob.glob(f"{source}/{provider}/{release}/*.json"):
        facts = json.load(open(path))
        name = f"{facts['kind'].lower()}_{facts['version']}.json"
        json.dump(facts["schema"], open(f"{target}/{name}", "w"))
PY
    measure "kubeconform" "cat $fleet | $tools/kubeconform -summary -n 2 -schema-location '$work/schemas/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json'"
    echo "lint takes 1/$(echo "$last $lint" | awk '{printf "%.0f", $1 / $2}') of kubeconform's time"
fi
runs=1
measure "helm template" "$helm template fleet charts/multi-cluster --set env=dev --set environments.dev.clusterCount=$clusters"
echo "post-render takes $(echo "$post $last" | awk '{printf "%.1f", 100 * $1 / $2}') % of helm template"
