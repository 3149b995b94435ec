#!/usr/bin/env bash
# Puts the programs that read capi-lint's output into target/tools/consumers, for the tests, and prints that folder: schemas
# and parsers of the report formats (npm, PyPI), pre-commit, and the schemas of CI files. What cannot be had is left out, and the
# tests that want it say so.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
tools=${CARGO_TARGET_DIR:-$root/target}/tools/consumers
mkdir -p "$tools"
say() { echo "test-tools: $*" >&2; }

# SARIF's schema, a TAP parser, GitLab's report as types, Markdown as GitHub renders it, GitHub's own escaping of annotations.
if command -v npm >/dev/null && [ ! -d "$tools/node_modules/typescript" ]; then
    [ -f "$tools/package.json" ] || echo '{"name": "consumers", "private": true}' > "$tools/package.json"
    (cd "$tools" && npm install --silent --no-audit --no-fund --ignore-scripts \
        @microsoft/jest-sarif@1.0.0-beta.0 tap-parser@18 codeclimate-types@0.3.1 typescript@5 marked@16 @actions/core@1 >&2) \
        || say "npm could not install the parsers"
fi

if command -v python3 >/dev/null && [ ! -x "$tools/venv/bin/pre-commit" ]; then
    { python3 -m venv "$tools/venv" \
        && "$tools/venv/bin/pip" install --quiet --disable-pip-version-check pre-commit check-jsonschema xmlschema >&2; } \
        || say "pip could not install pre-commit and the validators"
fi

# The JUnit XSD of Jenkins' xunit plugin, which comes with the source of pytest.
if [ -x "$tools/venv/bin/pip" ] && [ ! -f "$tools/junit-10.xsd" ]; then
    work=$(mktemp -d "$tools/.junit.XXXXXX")
    if "$tools/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$work" \
            'pytest>=8,<10' >&2; then
        tar -xzf "$work"/pytest-*.tar.gz -C "$work" --wildcards '*/junit-10.xsd' \
            && mv "$work"/pytest-*/testing/example_scripts/junit-10.xsd "$tools/"
    else
        say "pip could not download the source of pytest"
    fi
    rm -rf "$work"
fi
echo "$tools"
