# make demo   the main job: a fleet chart through capi-lint, good and bad
# make test   all tests
# make lint   formatting, and clippy with warnings as errors
# make parity agreement with the recorded verdicts of real servers (needs ../shared)
# make bench  lint, post-render and diff of a release beside cat, helm template and kubeconform
# make release  the binaries as they are released: static, built by a profile
# make dist   dist/: tarball, Helm plugins, checksums (TARGET=x86_64-unknown-linux-musl)
# make docs   the generated pages of docs/ and the output in README.md anew
# make msrv   that the oldest promised Rust compiles it (needs rustup)
# make corpus the verdict on hundreds of foreign streams, counted into docs/corpus.md (needs ../shared)
# make fuzz   the fuzzer, FUZZ_SECONDS (60) a target, half of it with a fresh seed
# make e2e    a real management plane, with the real Helm 3 and Helm 4
# make hostile  hostile input in full size, measured into docs/reliability.md
# make deny   licences, sources and bans of all dependencies (cargo-deny, where it is installed; tests/supply.rs else)
# make reproducible  two release builds in two folders, compared
# make schemas  schemas/ anew from CRDs (needs ../shared)
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: demo test lint parity bench release dist docs msrv corpus schemas oracle-goldens fuzz e2e hostile deny reproducible

CARGO ?= cargo
BIN := target/release/capi-lint

demo:
	$(CARGO) build --release --locked
	scripts/demo.sh

test:
	-scripts/helm-tools.sh 3 >/dev/null
	-scripts/helm-tools.sh 4 >/dev/null
	-scripts/test-tools.sh >/dev/null
	$(CARGO) test --locked

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

parity:
	$(CARGO) test --locked --test parity --test planes --test admission -- --nocapture

bench:
	$(CARGO) build --release --locked
	built=$$(scripts/release.sh) && BIN=$$built/capi-lint scripts/bench.sh

release:
	scripts/release.sh

dist:
	scripts/dist.sh

docs:
	CAPI_LINT_RECORD=1 $(CARGO) test --locked --test docs --test rules

# The compiler comes by rustup; where it cannot be had, that is said and no failure.
msrv:
	@version=$$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml); \
	installed() { rustup toolchain list 2>/dev/null | grep -o "^$$version[^ ]*" | head -n 1; }; \
	[ -n "$$(installed)" ] || timeout 300 rustup toolchain install "$$version" --profile minimal 2>/dev/null || true; \
	if [ -n "$$(installed)" ]; then CARGO_TARGET_DIR=target/msrv cargo "+$$(installed)" check --locked --all-targets; \
	else echo "msrv: Rust $$version cannot be had here; not checked"; fi

corpus:
	CAPI_LINT_RECORD=1 $(CARGO) test --locked --test rules -- no_false_alarm --nocapture

FUZZ_SECONDS ?= 60
fuzz:
	$(CARGO) build --locked --profile fuzz --example fuzz
	for seed in 10 "$$(date +%s)"; do \
	  target/fuzz/examples/fuzz --seconds $$(($(FUZZ_SECONDS) / 2)) --seed "$$seed"; \
	done

e2e:
	scripts/e2e.sh

schemas:
	CAPI_LINT_UPDATE_SCHEMAS=1 $(CARGO) test --locked --test schemas

hostile:
	scripts/hostile.sh

# Advisories need a copy of the database from the network; the rest does not.
deny:
	@if command -v cargo-deny >/dev/null; then \
		cargo-deny --offline check licenses bans sources; \
		cargo-deny --offline check advisories || echo "deny: no advisory database here; cargo deny fetch brings one"; \
	else echo "deny: cargo-deny is not installed (cargo install --locked cargo-deny); tests/supply.rs checks the same"; fi
	$(CARGO) test --locked --test supply

reproducible:
	scripts/reproducible.sh
