# SPDX-License-Identifier: Apache-2.0
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
# Test processes side by side, and anything more for pytest: make test PYTEST_ARGS='-k lock'
JOBS ?= 2
PYTEST_ARGS ?=
FUZZ_SECONDS ?= 60
PYTEST = $(BIN)/pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)
# An ordinary user runs what needs other owners as the root of a user namespace; see tests/conftest.py.
AS_OWNER = [[ $$(id -u) == 0 ]] || unshare --user --map-root-user --map-auto $(PYTEST) -m owners
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

.PHONY: help install install-service install-dev test test-fast lint fuzz demo bench schema schemas docs lock-examples requirements clean
.PHONY: system-packages system-packages-test system-packages-bench

help: ## show the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

install: $(VENV)/.runtime ## put packhouse into .venv/bin, with the system packages it needs

install-service: $(VENV)/.service ## the same with what packhouse serve needs

install-dev: $(VENV)/.dev ## the same with what tests and checks need

test: lint ## the whole test suite: checks, unit, integration and whole builds
	@$(AS_OWNER)
	$(PYTEST)

test-fast: install-dev ## what needs neither a mirror nor minutes
	@$(AS_OWNER)
	$(PYTEST) -m "not e2e and not network"

lint: install-dev ## style, types and shell scripts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	shellcheck --external-sources .ci/run scripts/*.sh actions/*/*.sh

fuzz: $(VENV)/.fuzz ## feed the loader of descriptions made-up input for FUZZ_SECONDS (60)
	@mkdir -p fuzz-out
	cd fuzz-out && PYTHONPATH=.. $(abspath $(BIN))/python ../tests/fuzz/fuzz_loader.py \
	  -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=20 -rss_limit_mb=1500

demo: install ## build an example from git, sign, publish, fetch and verify it, in demo-out/
	scripts/demo.sh $(abspath $(BIN))/packhouse demo-out

bench: install-dev system-packages-bench ## compare with mmdebstrap and KIWI, watch 2,000 repositories
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/describe.py
	$(BIN)/python benchmarks/watch.py
	$(BIN)/python benchmarks/schedules.py
	$(BIN)/python benchmarks/pages.py
	$(BIN)/python benchmarks/scaling.py

schemas: install ## write the JSON Schemas of our files anew
	$(BIN)/packhouse schema --out docs/schema

schema: install-dev ## compile the descriptions' grammar and table from their sources
	$(BIN)/python -m runner.description.schema.compiler

docs: schema ## write all pages of docs/ that are made from tables anew
	$(BIN)/python -m runner.description.schema.reference docs/reference
	$(BIN)/python -m runner.description.rules.document > docs/rules.md
	$(BIN)/python -m runner.cli.kiwi.document > docs/kiwi-command-line.md
	$(BIN)/python -m runner.service.config.reference > docs/configuration.md

lock-examples: install ## resolve the examples' committed locks anew
	$(BIN)/packhouse lock examples/debian-rootfs --update

requirements: install-dev ## pin all dependencies anew, with hashes (UPGRADE=1 for newer versions)
	scripts/pin-requirements.sh $(BIN)/uv $(if $(UPGRADE),--upgrade)

clean: ## remove what the other targets made here
	rm -rf $(VENV) demo-out bench-out fuzz-out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

system-packages:
	@scripts/system-packages.sh

system-packages-test:
	@scripts/system-packages.sh --test

system-packages-bench:
	@scripts/system-packages.sh --test --bench

$(VENV)/.created: | system-packages
	python=$$(scripts/find-python.sh) && "$$python" -m venv --clear $(VENV)
	@touch $@

# The package itself comes last, in place, and pip fetches nothing for it that is not pinned.
$(VENV)/.runtime: requirements/runtime.txt pyproject.toml $(VENV)/.created | system-packages
	$(PIP) install --require-hashes --requirement requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.service: requirements/service.txt $(VENV)/.runtime
	$(PIP) install --require-hashes --requirement requirements/service.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime | system-packages-test
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@

$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.runtime
	$(PIP) install --require-hashes --requirement requirements/fuzz.txt
	@touch $@
