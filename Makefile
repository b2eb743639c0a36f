# Every command of the project. Each sets up what it needs first; the second time that takes no time.
# PYTHON=/path/to/python picks the interpreter; otherwise the first of these that is 3.11 or newer.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
# A lock names everything, so nothing is resolved: a pip that looks for `name[extra]` beside the locked `name` takes the newest and fails.
LOCKED := --no-deps --require-hashes -r
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11)
CODE := manifests clients eventbus cluster sources sensors tocsin
DATA ?= .tocsin
KILLS ?= 300
OTHERS ?= 60
PAIRS ?= 2500
SOAK ?= 180
SEED ?= 1
EDITS ?= 500
FUZZ_SECONDS ?= 60
ORACLE_ROUNDS ?= 10

.PHONY: help run test servers check bench chaos edits fuzz oracle fmt clean

help:
	@echo "make run     start the service on examples/quickstart/ and show a request to send it"
	@echo "make test    every test"
	@echo "make check   format, lint, types, import contracts, generated files"
	@echo "make bench   benchmarks: a table, and build/bench.json        (BENCH='--quick' for some minutes' worth)"
	@echo "make chaos   harm the service in every way again and again, and count   (KILLS=$(KILLS) OTHERS=$(OTHERS) PAIRS=$(PAIRS) SOAK=$(SOAK) SEED=$(SEED))"
	@echo "make edits   edit and pause under load, and count             (EDITS=$(EDITS) SEED=$(SEED))"
	@echo "make fuzz    coverage-guided fuzzing of the parsers           (FUZZ_SECONDS=$(FUZZ_SECONDS) each)"
	@echo "make oracle  rules and whole sensors against the original's own code, new questions each time (ORACLE_ROUNDS=$(ORACLE_ROUNDS))"
	@echo "make fmt     format the code"
	@echo "make clean   remove everything that was made here, the data of the quickstart included"

run: $(VENV)/.base
	@($(BIN)/python examples/quickstart/request/send.py --when-ready --of $$$$ &); exec $(BIN)/tocsin run examples/quickstart --data $(DATA)

test: $(VENV)/.dev servers
	$(BIN)/python -m pytest $(TESTS)

# Real servers for the tests, kept in a cache outside the checkout; what cannot be had on this machine is named.
servers: $(VENV)/.dev
	@PYTHONPATH=tests $(BIN)/python -m servers

check: $(VENV)/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/unit -k "repository"

bench: $(VENV)/.dev
	@mkdir -p build
	PYTHONPATH=tests $(BIN)/python -m benchmarks --output build/bench.json $(BENCH)

chaos: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m chaos --kills $(KILLS) --others $(OTHERS) --seed $(SEED) --pairs $(PAIRS) --soak $(SOAK)

# Good and broken edits and pauses while senders go on; nothing else is harmed.
edits: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m chaos --kills 0 --others 0 --pairs 0 --soak 0 --edits $(EDITS) --seed $(SEED)

fuzz: $(VENV)/.fuzz
	@shopt -s nullglob; for program in tests/fuzz/fuzz_*.py; do \
		echo "$$program"; $(BIN)/python "$$program" -max_total_time=$(FUZZ_SECONDS); \
	done

oracle: $(VENV)/.dev
	@for round in $$(seq $(ORACLE_ROUNDS)); do \
		ORACLE_SEED=$$((RANDOM * 32768 + RANDOM)) $(BIN)/python -m pytest -q -p no:cacheprovider tests/oracle/test_languages_oracle.py tests/oracle/test_sensors_oracle.py tests/oracle/test_hooks_oracle.py; \
	done

fmt: $(VENV)/.dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf $(VENV) build dist *.egg-info .tocsin .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. Each stamp is written when its step succeeded, so a step that was cut off is done again.

$(VENV)/.made:
	@for python in $(CANDIDATES); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [[ -z "$${found:-}" ]]; then \
		echo "Tocsin needs Python 3.11 or newer; none of these is: $(CANDIDATES). Install one, or name it: make PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
		package=$$("$$found" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		if [[ $$(id -u) == 0 ]] && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$$package"; \
		else \
			echo "$$found has no venv module; install it (Debian and Ubuntu: apt-get install $$package) and run make again" >&2; \
			exit 1; \
		fi; \
	fi; \
	"$$found" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.base: $(VENV)/.made requirements.lock pyproject.toml
	$(PIP) install $(LOCKED) requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements-dev.lock
	$(PIP) install $(LOCKED) requirements-dev.lock
	@$(PIP) check
	@touch $@

$(VENV)/.fuzz: $(VENV)/.dev
	$(PIP) install $$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["fuzz"])')
	@touch $@
