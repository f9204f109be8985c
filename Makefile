# Everything a person types. `make demo` and `make test` set up what they need from nothing.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.9
# The first interpreter that is new enough; override with `make PYTHON=/path/to/python3.12 setup`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
export AIRFLOW_HOME ?= $(CURDIR)/.airflow
export AIRFLOW__CORE__LOAD_EXAMPLES := False

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint format bench docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## create .venv with the locked packages

$(STAMP): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "Sanyan needs Python 3.11, 3.12 or 3.13; none was found on PATH. Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 2; fi
	@echo "Setting up .venv with $(PYTHON) (about a minute the first time) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --require-hashes requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

demo: $(STAMP) ## two simulated weeks through real Airflow to alerts and GEP inputs
	@$(BIN)/sanyan demo

test: $(STAMP) ## the tests, without the long tortures
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: $(STAMP) ## the tests with the long tortures, and with other random examples every time
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --hypothesis-profile search

lint: $(STAMP) ## ruff, mypy, import floors, stale generated files; checks and never repairs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

format: $(STAMP) ## repair formatting (people only; CI never does)
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(STAMP) ## speed and memory as ratios against named peers in the same run
	@$(BIN)/python -m tests.bench

docs: $(STAMP) ## the pages that are written from the code
	@$(BIN)/sanyan docs indicators
	@$(BIN)/sanyan docs sky

lock: $(STAMP) ## renew requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet -o requirements.lock

clean: ## remove the environment and everything generated
	rm -rf $(VENV) .venv-bench .airflow var build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
