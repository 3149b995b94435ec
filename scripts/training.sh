#!/usr/bin/env bash
# The work that the profile of a release is made from: every command, on fleets and on all fixtures that are manifests.
#
#   scripts/training.sh BINARY
#
# What is run here is built for speed, what is not is built for size. By one thread: two that count at the same time lose counts.
set -euo pipefail
binary=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R fixtures "$work"
cd "$work"

# Findings are part of the work; what could not be done is not.
run() {
    local status=0
    "$binary" "$@" >out 2>err || status=$?
    if [ "$status" -gt 1 ]; then
        echo "training: capi-lint $* ended with $status" >&2
        cat err >&2
        exit 1
    fi
}

# 900 clusters, made of the three that the chart renders.
for number in $(seq 300); do sed "s/: cluster-/: fleet$number-/" fixtures/render/multi-cluster.yaml; done >fleet.yaml
sed 's/replicas: 3/replicas: 5/' fleet.yaml >next.yaml
# All kinds and all findings, and again under other names.
for file in fixtures/*/*.yaml fixtures/*/*/*.yaml; do
    case $file in fixtures/yaml/* | fixtures/fuzz/*) continue ;; esac
    cat "$file" && printf '\n---\n'
done >fixtures.yaml
for number in $(seq 5); do sed "s/\bname: \([a-z]\)/name: n$number\1/" fixtures.yaml; done >mixed.yaml

run lint --jobs 1 <fleet.yaml
run lint --jobs 1 fleet.yaml
run post-render --jobs 1 --cluster-label cni=calico <fleet.yaml
run diff --jobs 1 fleet.yaml next.yaml
run count --jobs 1 fleet.yaml
run lint --jobs 1 <mixed.yaml
run lint --jobs 1 --format json <fixtures.yaml
run diff --jobs 1 fixtures.yaml mixed.yaml
for file in fixtures/yaml/*.yaml fixtures/rules/*/*.yaml; do run lint --jobs 1 "$file"; done
for file in fixtures/rules/*/pass.yaml fixtures/tour/fleet.yaml; do run post-render --jobs 1 <"$file"; done
for file in fixtures/migrate/*.yaml; do run migrate "$file"; done
run verify --jobs 1 fixtures/tour/fleet.yaml --live fixtures/tour/starting.json
run contexts --jobs 1 fixtures/tour/kubeconfig.yaml --manifests fixtures/tour/fleet.yaml
for command in plan graph report; do run "$command" --jobs 1 fleet.yaml; done
run split --jobs 1 fleet.yaml --by cluster --layout argocd --repo https://git.example.org/fleet --namespace fleet --repo-path fleet \
    --output split
for command in rules version "schema list" "completions bash" "explain dangling-reference" --help; do run $command; done
