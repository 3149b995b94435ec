#!/usr/bin/env bash
# The work that the profile of a release is made from: every command, on fleets and on all fixtures that are manifests.
#
#   scripts/training.sh BINARY
#
# What is run here is built for speed, what is not is built for size. One thread, and addresses that do not move where that can
# be had: the same binary counts the same, twice.
set -euo pipefail
binary=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

still=()
if setarch --addr-no-randomize true 2>/dev/null; then still=(setarch --addr-no-randomize); fi
# Findings are part of the work; what could not be done is not.
run() {
    local status=0
    "${still[@]}" "$binary" "$@" >"$work/out" 2>"$work/err" || status=$?
    if [ "$status" -gt 1 ]; then
        echo "training: capi-lint $* ended with $status" >&2
        cat "$work/err" >&2
        exit 1
    fi
}

# 900 clusters, made of the three that the chart renders.
for number in $(seq 300); do sed "s/: cluster-/: fleet$number-/" fixtures/render/multi-cluster.yaml; done >"$work/fleet.yaml"
sed 's/replicas: 3/replicas: 5/' "$work/fleet.yaml" >"$work/next.yaml"
# All kinds and all findings, and again under other names.
for file in fixtures/*/*.yaml fixtures/*/*/*.yaml; do
    case $file in fixtures/yaml/* | fixtures/fuzz/*) continue ;; esac
    cat "$file" && printf '\n---\n'
done >"$work/fixtures.yaml"
for number in $(seq 5); do sed "s/\bname: \([a-z]\)/name: n$number\1/" "$work/fixtures.yaml"; done >"$work/mixed.yaml"

run lint --jobs 1 <"$work/fleet.yaml"
run lint --jobs 1 "$work/fleet.yaml"
run post-render --jobs 1 --cluster-label cni=calico <"$work/fleet.yaml"
run diff --jobs 1 "$work/fleet.yaml" "$work/next.yaml"
run count --jobs 1 "$work/fleet.yaml"
run lint --jobs 1 <"$work/mixed.yaml"
run lint --jobs 1 --format json <"$work/fixtures.yaml"
run diff --jobs 1 "$work/fixtures.yaml" "$work/mixed.yaml"
for file in fixtures/yaml/*.yaml fixtures/rules/*/*.yaml; do run lint --jobs 1 "$file"; done
for file in fixtures/rules/*/pass.yaml fixtures/tour/fleet.yaml; do run post-render --jobs 1 <"$file"; done
for file in fixtures/migrate/*.yaml; do run migrate "$file"; done
run verify fixtures/tour/fleet.yaml --live fixtures/tour/starting.json
run contexts fixtures/tour/kubeconfig.yaml --manifests fixtures/tour/fleet.yaml
for command in plan graph report; do run "$command" "$work/fleet.yaml"; done
run split "$work/fleet.yaml" --by cluster --layout argocd --repo https://git.example.org/fleet --namespace fleet --repo-path fleet \
    --output "$work/split"
for command in rules version "schema list" "completions bash" "explain dangling-reference" --help; do run $command; done
