#!/usr/bin/env bash
# A real Cluster API management plane on loopback, without containers: etcd, kube-apiserver, and CAPI's core, kubeadm
# bootstrap, kubeadm control plane and Dev/Docker managers with all their webhooks. The Dev provider's in-memory backend
# makes machines that come up, roll and go without any infrastructure.
#
#   scripts/plane.sh build        build the programs (once; about half an hour on two cores)
#   scripts/plane.sh start DIR    start a plane whose data, keys, logs and process ids lie in DIR; writes DIR/kubeconfig
#   scripts/plane.sh stop DIR     end its processes by their ids
#
# Environment:
#   PLANE_CACHE  folder of the built programs (default target/plane)
#   ETCD         etcd to run (default: the one in PATH; Debian's package is etcd-server)
#   LIFE         seconds that the plane lives at most (default 3600); it then stops by itself
# Versions are pinned in tests/e2e/*/go.mod. Everything listens on 127.0.0.1.
set -euo pipefail
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bin=${PLANE_CACHE:-$root/target/plane}
etcd=${ETCD:-etcd}
life=${LIFE:-3600}
kubernetes=v1.36.3
gates=ClusterTopology=true,MachinePool=true
managers=(core bootstrap control-plane dev)

say() { echo "plane: $*" >&2; }

# Go package and folder of manifests of each manager.
package() {
    case $1 in
        core) echo sigs.k8s.io/cluster-api ;;
        bootstrap) echo sigs.k8s.io/cluster-api/bootstrap/kubeadm ;;
        control-plane) echo sigs.k8s.io/cluster-api/controlplane/kubeadm ;;
        dev) echo sigs.k8s.io/cluster-api/test/infrastructure/docker ;;
    esac
}

build() {
    mkdir -p "$bin"
    local program
    for program in "${managers[@]}"; do
        [ -x "$bin/$program-manager" ] && continue
        say "building the $program manager"
        go build -C "$root/tests/e2e/cluster-api" -trimpath -ldflags '-s -w' -o "$bin/$program-manager" "$(package "$program")"
    done
    local stamp="-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes"
    stamp+=" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
    stamp+=" -X k8s.io/component-base/version.gitTreeState=clean"
    for program in kube-apiserver kubectl; do
        [ -x "$bin/$program" ] && continue
        say "building $program $kubernetes"
        go build -C "$root/tests/e2e/kubernetes" -trimpath -ldflags "$stamp" -o "$bin/$program" "k8s.io/kubernetes/cmd/$program"
    done
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# background DIR NAME PROGRAM ARGUMENTS…: starts a program that ends with the plane; its id goes to DIR/NAME.pid.
background() {
    local dir=$1 name=$2
    shift 2
    setsid timeout --signal=TERM --kill-after=10 "$life" "$@" >"$dir/$name.log" 2>&1 </dev/null &
    echo $! >"$dir/$name.pid"
}

# until_ready DIR NAME COMMAND…: waits for the command to succeed while the process NAME lives.
until_ready() {
    local dir=$1 name=$2
    shift 2
    for _ in $(seq 1 480); do
        "$@" >/dev/null 2>&1 && return 0
        if ! kill -0 "$(cat "$dir/$name.pid")" 2>/dev/null; then break; fi
        sleep 0.25
    done
    say "$name did not get ready; the end of $dir/$name.log:"
    tail -n 5 "$dir/$name.log" >&2
    stop "$dir"
    return 1
}

start_server() {
    local dir=$1 client peer port token
    client=$(free_port) peer=$(free_port) port=$(free_port)
    token=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
    (umask 077; echo "$token,admin,admin,system:masters" >"$dir/pki/tokens.csv")
    openssl genrsa -out "$dir/pki/sa.key" 2048 2>/dev/null
    background "$dir" etcd "$etcd" --name plane --data-dir "$dir/etcd" --unsafe-no-fsync \
        --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
        --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
        --initial-cluster "plane=http://127.0.0.1:$peer"
    background "$dir" kube-apiserver "$bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$client" \
        --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$port" --cert-dir "$dir/pki" \
        --endpoint-reconciler-type none --service-cluster-ip-range 10.0.0.0/24 \
        --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$dir/pki/sa.key" \
        --service-account-signing-key-file "$dir/pki/sa.key" --token-auth-file "$dir/pki/tokens.csv" \
        --authorization-mode AlwaysAllow --disable-admission-plugins ServiceAccount \
        --enable-priority-and-fairness=false --profiling=false
    (umask 077; cat >"$dir/kubeconfig" <<END
apiVersion: v1
kind: Config
current-context: plane
clusters: [{name: plane, cluster: {server: "https://127.0.0.1:$port", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: "$token"}}]
contexts: [{name: plane, context: {cluster: plane, user: admin, namespace: default}}]
END
    )
    until_ready "$dir" kube-apiserver "${kubectl[@]}" get namespace default
}

# The folder config/ of a manager's sources in Go's module cache.
manifests() {
    go list -C "$root/tests/e2e/cluster-api" -f '{{.Dir}}' "$(package "$1")"
}

# install DIR MANAGER PORT: its CRDs, with conversion by its webhook, and its webhook configurations.
install() {
    local dir=$1 manager=$2 port=$3 config authority crd
    config=$(manifests "$manager")/config
    authority=$(base64 -w0 <"$dir/pki/tls.crt")
    "${kubectl[@]}" create -f "$config/crd/bases" >/dev/null
    for crd in $("${kubectl[@]}" create -f "$config/crd/bases" --dry-run=client -o name); do
        # The labels say which contract the versions follow; kustomize adds them upstream.
        "${kubectl[@]}" label "$crd" cluster.x-k8s.io/v1beta1=v1beta1 cluster.x-k8s.io/v1beta2=v1beta2 >/dev/null
        "${kubectl[@]}" patch "$crd" --type merge --patch '{"spec": {"conversion": {"strategy": "Webhook", "webhook":
            {"conversionReviewVersions": ["v1"], "clientConfig":
            {"url": "https://127.0.0.1:'"$port"'/convert", "caBundle": "'"$authority"'"}}}}}' >/dev/null
    done
    # In place of the Service, the port where the manager listens; each manager's configurations get names of their own.
    sed -e "s/^  name: \(mutating\|validating\)-webhook-configuration/  name: $manager-\1/" \
        -e '/^    service:$/d' -e '/^      name: webhook-service$/d' -e '/^      namespace: system$/d' \
        -e "s|^      path: \(.*\)|    url: https://127.0.0.1:$port\1\n    caBundle: $authority|" \
        "$config/webhook/manifests.yaml" >"$dir/$manager-webhooks.yaml"
}

start() {
    local dir=$1 manager port health
    for program in "${managers[@]/%/-manager}" kube-apiserver kubectl; do
        [ -x "$bin/$program" ] || { say "$bin/$program is missing; run 'scripts/plane.sh build' first"; return 1; }
    done
    command -v "$etcd" >/dev/null || { say "no etcd here (Debian: apt-get install etcd-server)"; return 1; }
    rm -rf "$dir"
    mkdir -p "$dir/pki"
    dir=$(cd "$dir" && pwd)
    kubectl=("$bin/kubectl" --kubeconfig "$dir/kubeconfig")
    start_server "$dir"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=plane -addext subjectAltName=IP:127.0.0.1 \
        -keyout "$dir/pki/tls.key" -out "$dir/pki/tls.crt" 2>/dev/null
    for manager in "${managers[@]}"; do
        port=$(free_port)
        install "$dir" "$manager" "$port"
        echo "$port" >"$dir/$manager.port"
    done
    for manager in "${managers[@]}"; do
        health=$(free_port)
        POD_NAMESPACE=default POD_NAME=$manager POD_UID=$manager POD_IP=127.0.0.1 background "$dir" "$manager" \
            "$bin/$manager-manager" --kubeconfig "$dir/kubeconfig" --feature-gates "$gates" \
            --webhook-port "$(cat "$dir/$manager.port")" --webhook-cert-dir "$dir/pki" \
            --diagnostics-address 127.0.0.1:0 --insecure-diagnostics --health-addr "127.0.0.1:$health"
        until_ready "$dir" "$manager" curl -fsS "http://127.0.0.1:$health/readyz"
        # Only now: a webhook that nobody answers would refuse what the managers write at their start.
        "${kubectl[@]}" create -f "$dir/$manager-webhooks.yaml" >/dev/null
    done
    say "ready; KUBECONFIG=$dir/kubeconfig"
}

stop() {
    local dir=$1 file pid
    for file in "$dir"/{dev,control-plane,bootstrap,core,kube-apiserver,etcd}.pid; do
        [ -e "$file" ] || continue
        pid=$(cat "$file")
        # The id is that of timeout(1), which passes the signal on; an id that went to another program is left alone.
        if grep -qa timeout "/proc/$pid/cmdline" 2>/dev/null; then
            kill -TERM "$pid" 2>/dev/null || true
            for _ in $(seq 1 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        fi
        rm -f "$file"
    done
}

case "${1:-}:${2:-}" in
    build:) build ;;
    start:?*) start "$2" ;;
    stop:?*) stop "$2" ;;
    *) sed -n '2,/^set /{/^#/p}' "$0"; exit 2 ;;
esac
