# Every target sets up what it needs: a fresh clone wants only git, make and Python 3.11 to 3.13.
#
#   make demo [EXIT=1] [KEEP=1] [TITLES=200]   the sandbox and Airflow; all feeds; then the UI until Ctrl-C
#   make test        unit and end-to-end tests, no campaigns; three at once, since many wait for servers
#   make test-long   scale, kill and soak campaigns
#   make lint        style, types, import rules, generated docs
#   make bench       numbers against other tools
#   make docs        docs/ that are made from code
#   make lock        requirements*.txt from requirements*.in
#   make clean       away with everything that was made

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then echo $$name; break; fi; done)
JOBS ?= 3
PYTEST_ARGS ?=

export PYTHONPATH := $(CURDIR):$(CURDIR)/plugins
# Many images set it. Without compiled files each of our processes starts three times slower, and pytest rewrites each test every time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-long lint bench docs lock clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(READY)

# uv is fast, but knows nothing of pip's configuration: where it finds no index, pip does the work.
$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing requirements into $(VENV)"
	@if { test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv; } \
	 && UV_HTTP_TIMEOUT=60 $(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt -r requirements-dev.txt; then :; \
	 else echo "uv can't install here; going on with pip, which takes longer"; \
	  $(BIN)/python -m pip install --quiet -r requirements.txt -r requirements-dev.txt; fi
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/python -m demo $(if $(EXIT),--exit) $(if $(KEEP),--keep) $(if $(TITLES),--titles $(TITLES))

test: $(READY)
	@$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not long" $(PYTEST_ARGS)

test-long: $(READY)
	@$(BIN)/pytest -m long --timeout 3600 $(PYTEST_ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m docs.build --check

bench: $(READY)
	@$(BIN)/python -m bench

docs: $(READY)
	$(BIN)/python -m docs.build

lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf $(VENV) .demo .sandbox .bench build dist logs *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
