#!/usr/bin/env bash
# Measures capi-lint beside its peers in one run, and writes the table into docs/benchmarks.md.
#
#   CLUSTERS=10000 RUNS=5 BIN=$(scripts/release.sh)/capi-lint scripts/bench.sh
#
# BIN is what is measured, by default what `cargo build --release` has built; beside another BIN that gets a row of its own.
# Ratios are what counts: seconds belong to the machine, and so does what else runs on it. `wall` is what a user waits,
# `cpu` is user and system time of all processes of the pipeline. Each is minimum / median / maximum of RUNS runs; ratios are of
# the medians; what takes a tenth of a second and less is run three times as often. LARGE=1 adds 100,000 clusters, 200 MB of the
# corpus and a stream of 1 GB.
set -euo pipefail
cd "$(dirname "$0")/.."
clusters=${CLUSTERS:-10000}
runs=${RUNS:-5}
often=$((runs * 3))
plain=$PWD/target/release/capi-lint
bin=${BIN:-$plain}
shared=${CAPI_LINT_SHARED:-$PWD/../shared}
work=$PWD/target/bench
report=docs/benchmarks.md
tools=$PWD/target/tools
mkdir -p "$work"
[ "${PEERS:-}" = no ] || scripts/bench-peers.sh || true
helm=$(scripts/helm-tools.sh 3)
rows=$work/rows
: >"$rows"

render() { "$helm" template fleet charts/multi-cluster --set env=dev --set environments.dev.clusterCount="$1"; }
# A fleet of any size; beyond what Helm renders in reasonable time it is ten of a tenth under other names.
fleet() {
    local file=$work/fleet-$1.yaml
    if [ ! -s "$file" ]; then
        if [ "$1" -le 10000 ]; then
            render "$1" >"$file.part"
        else
            fleet $(($1 / 10)) >/dev/null
            for part in 0 1 2 3 4 5 6 7 8 9; do sed "s/\bdev-\([0-9]\)/dev$part-\1/" "$work/fleet-$(($1 / 10)).yaml"; done >"$file.part"
        fi
        mv "$file.part" "$file"
    fi
    echo "$file"
}

# measure NAME TIMES COMMAND: sets wall_NAME and cpu_NAME (median, in microseconds) and adds a row.
measure() {
    local name=$1 times=$2 label=$3 command=$4 TIMEFORMAT='%3R %3U %3S'
    local out=$work/times-$name
    : >"$out"
    for _ in $(seq "$times"); do
        # Not by a shell of its own, whose start would be measured too.
        { time eval "$command" >/dev/null 2>&1 || true; } 2>>"$out"
    done
    local wall cpu
    wall=$(awk '{print $1}' "$out" | sort -n | awk '{v[NR] = $1} END {printf "%.3f / %.3f / %.3f", v[1], v[int((NR + 1) / 2)], v[NR]}')
    cpu=$(awk '{print $2 + $3}' "$out" | sort -n | awk '{v[NR] = $1} END {printf "%.3f / %.3f / %.3f", v[1], v[int((NR + 1) / 2)], v[NR]}')
    declare -g "wall_$name=$(echo "$wall" | cut -d' ' -f3)" "cpu_$name=$(echo "$cpu" | cut -d' ' -f3)"
    echo "| $label | $wall | $cpu |" | tee -a "$rows" >&2
}
# in_turn FILE ONE OTHER: the median of how many times as long ONE takes as OTHER right after it, and the least and the greatest; FILE is
# their standard input. No shell starts them: bash takes as long as a tenth of what is measured here, and where it has just kept
# both processors busy Linux often puts both threads on one of them for some milliseconds.
in_turn() {
    command -v python3 >/dev/null || { echo "?"; return; }
    python3 - "$((often * 7))" "$@" <<'PY'
import statistics, subprocess, sys, time
times, file, *commands = sys.argv[1:]
def took(command):
    with open(file, "rb") as source:
        begin = time.perf_counter()
        subprocess.run(command.split(), stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begin
for command in commands:
    took(command)
ratios = sorted(took(commands[0]) / took(commands[1]) for _ in range(int(times)))
print(f"{statistics.median(ratios):.3g} ({ratios[0]:.3g} to {ratios[-1]:.3g})")
PY
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (b > 0) printf "%.3g", a / b; else printf "?"}'; }
# The greatest memory of a command, in bytes; empty without GNU time.
memory() { command -v /usr/bin/time >/dev/null && { /usr/bin/time -f %M bash -c "exec $1" 2>&1 >/dev/null | tail -1 | awk '{print $1 * 1024}'; } || true; }
goals=$work/goals
: >"$goals"
goal() { echo "| $1 | $2 | $3 |" | tee -a "$goals" >&2; }

file=$(fleet "$clusters")
size=$(stat -c %s "$file")
documents=$(grep -c '^kind:' "$file")
head="$clusters clusters, $documents documents, $size bytes"
echo "$head" >&2

measure cat "$often" "\`cat\` through a pipe" "cat $file | cat"
measure lint "$often" "\`capi-lint lint\`" "cat $file | $bin lint"
measure lint1 "$often" "\`capi-lint lint --jobs 1\`" "cat $file | $bin lint --jobs 1"
measure lint_file "$often" "\`capi-lint lint\`, the file as standard input" "$bin lint <$file"
measure lint1_file "$often" "\`capi-lint lint --jobs 1\`, the file as standard input" "$bin lint --jobs 1 <$file"
if [ -x "$plain" ] && [ "$plain" != "$bin" ]; then
    measure plain "$often" "\`capi-lint lint\`, the file as standard input, as \`cargo install\` builds it" "$plain lint <$file"
fi
measure post "$often" "\`capi-lint post-render\`" "cat $file | $bin post-render | cat"
measure count "$often" "\`capi-lint count\`" "cat $file | $bin count"
other=$work/other-$clusters.yaml
sed 's/replicas: 3/replicas: 5/' "$file" >"$other"
measure diff "$often" "\`capi-lint diff\` of two such fleets" "$bin diff $file $other"
measure helm 1 "\`helm template\`" "$helm template fleet charts/multi-cluster --set env=dev --set environments.dev.clusterCount=$clusters"
goal "post-render, of \`helm template\`'s time" "4 %" "$(ratio "$(ratio "$wall_post" "$wall_helm")" 0.01) % (cpu $(ratio "$(ratio "$cpu_post" "$cpu_helm")" 0.01) %)"
goal "post-render, times \`cat\`" "5" "$(ratio "$wall_post" "$wall_cat") (cpu $(ratio "$cpu_post" "$cpu_cat"))"
goal "diff, times lint" "2" "$(ratio "$wall_diff" "$wall_lint") (cpu $(ratio "$cpu_diff" "$cpu_lint"))"
goal "two threads against one, $clusters clusters, in turn, no shell" "1.7" "$(in_turn "$file" "$bin lint --jobs 1" "$bin lint")"
goal "two threads against one, $clusters clusters, medians of the rows above" "none set" "$(ratio "$wall_lint1_file" "$wall_lint_file")"
goal "two threads against one, beside \`cat\`" "none set" "$(ratio "$wall_lint1" "$wall_lint")"
goal "memory of lint, times the input" "3" "$(ratio "$(memory "$bin lint <$file")" "$size")"
goal "memory of post-render, times the input" "3" "$(ratio "$(memory "$bin post-render <$file")" "$size")"

# The same facts as JSON Schemas, as the peers take them (strict about nothing but types and required).
schemas=$work/schemas
if command -v python3 >/dev/null; then
    python3 - schemas "$schemas" <<'PY'
import glob, json, os, sys
source, target = sys.argv[1:]
os.makedirs(target, exist_ok=True)
for provider in sorted(os.listdir(source)):
    if not os.path.isdir(f"{source}/{provider}"):
        continue
    number = lambda name: [int(n) if n.isdigit() else 0 for n in name.lstrip("v").replace("-", ".").split(".")]
    release = sorted(os.listdir(f"{source}/{provider}"), key=number)[-1]
    for path in glob.glob(f"{source}/{provider}/{release}/*.json"):
        facts = json.load(open(path))
        if "schema" in facts:
            json.dump(facts["schema"], open(f"{target}/{facts['kind'].lower()}_{facts['version']}.json", "w"))
PY
fi
conform="$tools/kubeconform -summary -n 2 -ignore-missing-schemas -schema-location '$schemas/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json'"
small=$(fleet 3)
measure small 20 "\`capi-lint lint\`, 21 objects" "for i in 1 2 3 4 5 6 7 8 9 10; do $bin lint <$small; done"
goal "21 objects, whole process" "4 ms" "$(awk -v t="$wall_small" 'BEGIN {printf "%.1f ms", t * 100}')"
if [ -x "$tools/kubeconform" ] && [ -d "$schemas" ]; then
    measure conform "$runs" "kubeconform, schemas alone" "cat $file | $conform"
    measure conform_file "$runs" "kubeconform, the file as standard input" "$conform <$file"
    measure conform_small 5 "kubeconform, 21 objects (ten times)" "for i in 1 2 3 4 5 6 7 8 9 10; do $conform <$small; done"
    goal "lint, kubeconform's time by, the file as standard input of both" "100" "$(ratio "$wall_conform_file" "$wall_lint_file") (cpu $(ratio "$cpu_conform_file" "$cpu_lint_file"))"
    goal "lint, kubeconform's time by, both behind \`cat\`" "100" "$(ratio "$wall_conform" "$wall_lint") (cpu $(ratio "$cpu_conform" "$cpu_lint"))"
    goal "21 objects, kubeconform's time by" "5" "$(ratio "$wall_conform_small" "$wall_small")"
fi
if [ -x "$tools/kubectl-validate" ] && [ -d "$shared/crds" ]; then
    thousand=$(fleet 1000)
    crds=$work/crds && mkdir -p "$crds"
    find "$shared/crds" -name '*.yaml' -exec cp -n {} "$crds" \; 2>/dev/null || true
    measure kubectl 1 "kubectl-validate, 1,000 clusters" "timeout 300 $tools/kubectl-validate $thousand --local-crds $crds"
fi
if [ -x "$tools/dyff" ]; then
    thousand=$(fleet 1000)
    sed 's/replicas: 3/replicas: 5/' "$thousand" >"$work/other.yaml"
    measure dyff 1 "dyff, two of 1,000 clusters (stopped after 120 s)" "timeout 120 $tools/dyff between $thousand $work/other.yaml"
fi

sizes="10 100 1000 10000"
[ "${LARGE:-}" ] && sizes="$sizes 100000"
growth=$work/growth
: >"$growth"
for number in $sizes; do
    one=$(fleet "$number")
    measure "grow_$number" "$runs" "\`capi-lint lint\`, $number clusters" "$bin lint <$one"
    wall=wall_grow_$number cpu=cpu_grow_$number
    awk -v n="$number" -v d="$(grep -c '^kind:' "$one")" -v w="${!wall}" -v c="${!cpu}" \
        'BEGIN {printf "| %d | %d | %.2f | %.2f |\n", n, d, w * 1e6 / d, c * 1e6 / d}' | tee -a "$growth" >&2
done
if [ "${LARGE:-}" ]; then
    measure large1 "$runs" "\`capi-lint lint --jobs 1\`, 100000 clusters" "$bin lint --jobs 1 <$(fleet 100000)"
    goal "two threads against one, 100,000 clusters, medians of the rows above" "1.7" "$(ratio "$wall_large1" "$wall_grow_100000")"
fi
if [ "${LARGE:-}" ] && [ -d "$shared/corpus" ]; then
    corpus=$work/corpus.yaml once=$work/once
    if [ ! -s "$corpus" ]; then
        find "$shared/corpus" -name '*.yaml' -not -path '*/chart/*' -not -path '*/values/*' | sort | while read -r one; do cat "$one"; echo; echo ---; done >"$once"
        while [ "$(stat -c %s "$corpus" 2>/dev/null || echo 0)" -lt 200000000 ]; do cat "$once" >>"$corpus"; done
    fi
    measure once "$often" "\`capi-lint lint\`, the corpus once ($(stat -c %s "$once") bytes)" "$bin lint --quiet <$once"
    [ -x "$tools/kubeconform" ] && measure conform_once "$runs" "kubeconform, the same" "$conform <$once" &&
        goal "the corpus once, kubeconform's time by" "none set" "$(ratio "$wall_conform_once" "$wall_once") (cpu $(ratio "$cpu_conform_once" "$cpu_once"))"
    measure corpus "$runs" "\`capi-lint lint\`, 200 MB of the corpus" "$bin lint --quiet <$corpus"
    [ -x "$tools/kubeconform" ] && measure conform_corpus 1 "kubeconform, the same" "$conform <$corpus" &&
        goal "the corpus, kubeconform's time by" "60" "$(ratio "$wall_conform_corpus" "$wall_corpus") (cpu $(ratio "$cpu_conform_corpus" "$cpu_corpus"))"
    huge=$(fleet 100000)
    # Three such fleets, each under names of its own: the same objects thrice would be a report of a million findings.
    more() { sed "s/\bdev\([0-9]\)-/$1\1-/" "$huge"; }
    status=$( (ulimit -v 4194304; { cat "$huge"; more eins; more zwei | head -c 260000000; } | "$bin" lint --quiet >/dev/null 2>&1; echo $?) )
    goal "1 GB in 4 GB of address space" "works" "$([ "$status" -le 1 ] && echo works || echo "exit code $status")"
fi

# The table goes between the marks; what is written by hand stays.
{
    sed '/<!-- table -->/q' "$report"
    echo
    echo "Machine: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs), $(nproc) threads; load $(cut -d' ' -f1 /proc/loadavg) at the end. Versions: $("$bin" --version), Helm $("$helm" version --template '{{.Version}}'), $(rustc --version 2>/dev/null | cut -d' ' -f1,2)."
    echo "$head; $runs runs; seconds, minimum / median / maximum."
    echo
    echo "| work | wall | cpu |"
    echo "|---|---|---|"
    cat "$rows"
    echo
    echo "| goal | at most (or least) | reached |"
    echo "|---|---|---|"
    cat "$goals"
    echo
    echo "Growth, in microseconds a document:"
    echo
    echo "| clusters | documents | wall | cpu |"
    echo "|---|---|---|---|"
    cat "$growth"
    echo
    sed -n '/<!-- end of table -->/,$p' "$report"
} >"$work/report.md"
mv "$work/report.md" "$report"
