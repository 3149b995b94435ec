#!/bin/sh
# Helm runs this for `helm capi-lint …`. It becomes capi-lint: the one in bin/ of this folder, else the one on PATH.
tool=$HELM_PLUGIN_DIR/bin/capi-lint
if [ -x "$tool" ]; then
    exec "$tool" "$@"
elif command -v capi-lint >/dev/null; then
    exec capi-lint "$@"
fi
echo "there is no capi-lint on PATH, nor in $HELM_PLUGIN_DIR/bin" >&2
exit 2
