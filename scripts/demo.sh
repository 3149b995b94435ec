#!/usr/bin/env bash
# The main job, shown: a fleet chart through capi-lint, and a bad one refused.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/target/release/capi-lint
show() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }

if helm=$(scripts/helm-tools.sh 3); then
    fleet() { "$helm" template fleet charts/multi-cluster "$@"; }
    command="helm template fleet charts/multi-cluster"
else
    echo "No Helm here: the demo runs on a rendered stream." >&2
    fleet() { cat fixtures/render/multi-cluster.yaml; }
    command="cat fixtures/render/multi-cluster.yaml"
fi

show "$command | capi-lint"
fleet | "$bin"

show "$command | capi-lint count"
fleet | "$bin" count

show "$command | capi-lint post-render --cluster-label cni=calico | head -n 14"
fleet > target/fleet.yaml
"$bin" post-render --cluster-label cni=calico < target/fleet.yaml > target/fleet.labelled.yaml
head -n 14 target/fleet.labelled.yaml

show "capi-lint post-render < fixtures/render/multi-cluster-bad.yaml"
if "$bin" post-render < fixtures/render/multi-cluster-bad.yaml > target/bad.yaml; then
    echo "the bad release went through" >&2
    exit 1
fi
if [ -s target/bad.yaml ]; then
    echo "a refused release left something on standard output" >&2
    exit 1
fi

if [ -n "${helm:-}" ]; then
    show "helm template fleet charts/multi-cluster --post-renderer capi-lint --post-renderer-args post-render | grep -c cluster-name"
    "$helm" template fleet charts/multi-cluster --post-renderer "$bin" --post-renderer-args post-render | grep -c cluster.x-k8s.io/cluster-name
fi
echo
echo "demo: done"
