#!/bin/sh
# Renders charts/multi-cluster into fixtures/render/, as Helm 3 prints it and as Helm 4 passes it to a post-renderer.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
chart=$root/charts/multi-cluster
fixtures=$root/fixtures/render
helm3=$("$root/scripts/helm-tools.sh" 3)
helm4=$("$root/scripts/helm-tools.sh" 4)

"$helm3" template multi-cluster "$chart" >"$fixtures/multi-cluster.yaml"

# A plugin that keeps what it is given.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/plugins/keep"
cat >"$work/plugins/keep/plugin.yaml" <<PLUGIN
apiVersion: v1
type: postrenderer/v1
name: keep
version: 0.1.0
runtime: subprocess
runtimeConfig:
  platformCommand:
    - command: tee
      args: ["$fixtures/multi-cluster-helm4.yaml"]
PLUGIN
HELM_PLUGINS=$work/plugins HELM_DATA_HOME=$work HELM_CACHE_HOME=$work HELM_CONFIG_HOME=$work \
    "$helm4" template multi-cluster "$chart" --post-renderer keep >/dev/null
