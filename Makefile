# make demo   the main job: a fleet chart through capi-lint, good and bad
# make test   all tests
# make lint   formatting, and clippy with warnings as errors
# make parity agreement with the recorded verdicts of real servers (needs ../shared)
# make bench  post-render beside cat, helm template and kubeconform
# make e2e    a real management plane, with the real Helm 3 and Helm 4
# make schemas  schemas/ anew from CRDs (needs ../shared)
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: demo test lint parity bench schemas oracle-goldens e2e

CARGO ?= cargo
BIN := target/release/capi-lint

demo:
	$(CARGO) build --release --locked
	scripts/demo.sh

test:
	-scripts/helm-tools.sh 3 >/dev/null
	-scripts/helm-tools.sh 4 >/dev/null
	$(CARGO) test --locked

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

parity:
	$(CARGO) test --locked --test parity --test planes --test admission -- --nocapture

bench:
	$(CARGO) build --release --locked
	scripts/bench.sh

e2e:
	scripts/e2e.sh

schemas:
	CAPI_LINT_UPDATE_SCHEMAS=1 $(CARGO) test --locked --test schemas
