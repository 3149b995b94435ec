#!/bin/sh
# Helm 4 runs this with a release on standard input. It becomes capi-lint: the one in bin/ of this folder, else the one on
# PATH. `exec`, so that Helm is capi-lint's parent: Helm swallows a plugin's standard error, and `--host helm4` has
# capi-lint write a refusal to that of its parent.
tool=$HELM_PLUGIN_DIR/bin/capi-lint
if [ -x "$tool" ]; then
    exec "$tool" post-render --host helm4 "$@"
elif command -v capi-lint >/dev/null; then
    exec capi-lint post-render --host helm4 "$@"
fi

message="capi-lint-post-render: there is no capi-lint on PATH, nor in $HELM_PLUGIN_DIR/bin; nothing was checked"
echo "$message" >&2
seen=/proc/$PPID/fd/2
# Not into a file: Helm, which has its own position there, would write over it.
if [ -p "$seen" ] || [ -c "$seen" ]; then
    echo "$message" >>"$seen"
elif [ -c /dev/tty ]; then
    echo "$message" 2>/dev/null >/dev/tty
fi
exit 2
