# `make run` and `make test` are all that a machine with Python 3.11 or newer needs.

.DEFAULT_GOAL := help
.PHONY: help run test lint format docs bench bench-micro bench-macro bench-growth bench-docs clean

VENV := .venv
BIN := $(VENV)/bin

# The first Python that is new enough; `make PYTHON=/path/to/python` overrules the search.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# What `make test` hands to trial.
TESTS ?= tests

# What `make bench` measures, and how often.
BENCH ?=
ROUNDS ?= 5
JSON ?=

help:
	@echo 'make run     start the gateway on etc/smtpgate.toml (mail goes to var/mail)'
	@echo 'make test    run the tests (TESTS=tests.test_config for some of them)'
	@echo 'make lint    ruff and mypy'
	@echo 'make format  let ruff rewrite what it can'
	@echo 'make docs    build the documentation into docs/_build/html'
	@echo 'make bench   measure (BENCH="micro macro/tls" some of it, JSON=FILE to compare later)'
	@echo 'make bench-docs   measure again what docs/performance.rst shows'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'smtpgate needs Python 3.11 or newer, and none was found.' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'Python cannot make virtual environments here; on Debian: apt-get install python3-venv' >&2; exit 1; }

# A stamp for each set of packages: a second run installs nothing.
$(VENV)/.run: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.run $@

run: $(VENV)/.run
	$(BIN)/smtpgate start --config etc/smtpgate.toml

test: $(VENV)/.dev
	PYTHONPATH=$(CURDIR) $(BIN)/trial --temp-directory=_trial_temp $(TESTS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

# BENCH names rooms and benchmarks, ROUNDS how often each is measured.
bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(BENCH) --rounds $(ROUNDS) $(if $(JSON),--json $(JSON))

bench-micro bench-macro bench-growth: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(@:bench-%=%) --rounds $(ROUNDS) $(if $(JSON),--json $(JSON))

bench-docs: $(VENV)/.dev
	$(BIN)/python -m benchmarks micro growth --full --rounds $(ROUNDS) --rst docs/performance

clean:
	rm -rf $(VENV) build *.egg-info docs/_build _trial_temp* .mypy_cache .ruff_cache
