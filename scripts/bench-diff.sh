#!/usr/bin/env bash
# diff of a large fleet with a version bump beside dyff and lint, in one run. dyff is measured on 250, 500 and 1,000 clusters and
# scaled to CLUSTERS (10,000) by its own growth: the factor from 500 to 1,000 clusters, again for each doubling. Ratios are
# what counts: the seconds belong to the machine. BIN names another capi-lint, RUNS (3) the runs of which the best
# counts.
set -euo pipefail
cd "$(dirname "$0")/.."
clusters=${CLUSTERS:-10000}
runs=${RUNS:-3}
bin=${BIN:-$PWD/target/release/capi-lint}
helm=$(scripts/helm-tools.sh 3)
work=target/bench
tools=$PWD/target/tools
mkdir -p "$work" "$tools"
if [ ! -x "$tools/dyff" ] && command -v go >/dev/null; then
    GOBIN=$tools GOFLAGS= go install github.com/homeport/dyff/cmd/dyff@latest
fi

# Two renders of the course's chart, the second one a patch release up.
fleet() { # clusters
    local old=$work/fleet-$1.yaml new=$work/fleet-$1-bumped.yaml
    [ -s "$old" ] || "$helm" template fleet charts/multi-cluster --set env=dev --set environments.dev.clusterCount="$1" > "$old"
    [ -s "$new" ] || sed -E 's/(version: v[0-9]+\.[0-9]+)\.[0-9]+/\1.99/' "$old" > "$new"
}

measure() { # command -> $last and $cpu (all processors together), in milliseconds, the best of $runs
    local best= spent= real user system
    for _ in $(seq "$runs"); do
        read -r real user system < <({ TIMEFORMAT='%3R %3U %3S'; time bash -c "$1" >/dev/null 2>&1; } 2>&1 | tr -d .)
        real=$((10#$real)) user=$((10#$user)) system=$((10#$system))
        if [ -z "$best" ] || [ "$real" -lt "$best" ]; then best=$real; fi
        if [ -z "$spent" ] || [ $((user + system)) -lt "$spent" ]; then spent=$((user + system)); fi
    done
    last=$best cpu=$spent
}
row() { printf '%-44s %9d ms  %9d ms of processors\n' "$1" "$last" "$cpu"; }

for number in 250 500 1000 "$clusters"; do fleet "$number"; done
echo "$clusters clusters with a version bump, $(grep -c '^kind:' "$work/fleet-$clusters.yaml") documents a side, best of $runs"
measure "$bin lint $work/fleet-$clusters.yaml"; lint=$last lint_cpu=$cpu; row "capi-lint lint, one side"
measure "$bin diff --summary $work/fleet-$clusters.yaml $work/fleet-$clusters-bumped.yaml"; diff=$last diff_cpu=$cpu; row "capi-lint diff --summary"
measure "$bin diff $work/fleet-$clusters.yaml $work/fleet-$clusters-bumped.yaml"; row "capi-lint diff, all changes"
printf 'output of --summary: %s bytes\n' "$("$bin" diff --summary "$work/fleet-$clusters.yaml" "$work/fleet-$clusters-bumped.yaml" | wc -c)"
echo "$diff $lint $diff_cpu $lint_cpu" | awk '{printf "diff takes %.2f times the lint of one side, %.2f by processor time\n", $1 / $2, $3 / $4}'
measure "$bin diff --summary $work/fleet-1000.yaml $work/fleet-1000-bumped.yaml"; own=$last own_cpu=$cpu; row "capi-lint diff --summary, 1,000 clusters"
[ -x "$tools/dyff" ] || { echo "no dyff here: no comparison"; exit 0; }
runs=1
for number in 250 500 1000; do
    measure "$tools/dyff between --omit-header $work/fleet-$number.yaml $work/fleet-$number-bumped.yaml"
    row "dyff between, $number clusters"
    half=${full:-$last} half_cpu=${full_cpu:-$cpu}
    full=$last full_cpu=$cpu
done
compare() { # label, dyff on 500 and 1,000 clusters, capi-lint on 1,000 and all
    echo "$2 $3 $4 $5 $clusters" | awk -v label="$1" '{
        growth = $2 / $1; scaled = $2 * growth ^ (log($5 / 1000) / log(2))
        printf "%s: dyff takes %.0f times as long on 1,000 clusters, and %.0f times on %d by its growth of %.2f a doubling\n", label, $2 / $3, scaled / $4, $5, growth
    }'
}
compare "by the clock" "$half" "$full" "$own" "$diff"
compare "by processor time" "$half_cpu" "$full_cpu" "$own_cpu" "$diff_cpu"
