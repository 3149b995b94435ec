#!/usr/bin/env bash
# tests/e2e.rs against a real management plane of this machine (scripts/plane.sh), with the real Helm 3 and Helm 4.
# Where the plane's programs cannot be had, says why and ends with 0.
#   PLANE_CACHE  folder of the built programs, kept from run to run (default target/plane)
set -euo pipefail
cd "$(dirname "$0")/.."
export PLANE_CACHE=${PLANE_CACHE:-$PWD/target/plane}
skip() { echo "e2e: skipped: $*" >&2; exit 0; }

command -v go >/dev/null || skip "no Go to build the management plane with"
if ! command -v "${ETCD:-etcd}" >/dev/null; then
    apt-get install -y -qq etcd-server >/dev/null 2>&1 || skip "no etcd, and Debian's etcd-server cannot be installed"
fi
scripts/plane.sh build || skip "the management plane cannot be built here"
scripts/helm-tools.sh 3 >/dev/null || true
scripts/helm-tools.sh 4 >/dev/null || true
"${CARGO:-cargo}" test --locked --test e2e --no-run
plane=$PWD/target/e2e-plane
trap 'scripts/plane.sh stop "$plane"' EXIT
scripts/plane.sh start "$plane"
export CAPI_LINT_PLANE=$plane/kubeconfig KUBECTL=$PLANE_CACHE/kubectl
"${CARGO:-cargo}" test --locked --test e2e -- --nocapture --test-threads=2
