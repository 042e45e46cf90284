# The only list of commands; CI calls the same. Everything is built into .venv.
# Setting up talks on stderr: what `bench` and `crash` print on stdout is data.
# `make demo` and `make test` set themselves up on a machine with Python 3.11+ and Rust.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The interpreter of the virtual environment; the first of these that there is.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
ROUNDS ?= 30
SEED ?= 7

VENV := .venv
BIN := $(VENV)/bin
MATURIN := env -u CONDA_PREFIX -u MAKEFLAGS VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/maturin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What the project and its extra `dev` need, as pip takes them.
define LIBRARIES
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
print(*project["dependencies"], *project["optional-dependencies"]["dev"])
endef
export LIBRARIES
RUST := $(shell find crates -type f \( -name '*.rs' -o -name Cargo.toml \)) Cargo.toml Cargo.lock
# All of Rust is built with the features of the extension: then its libraries serve tests and
# extension alike, and are compiled once.
# It is not told of make's jobs: it would take their number for its own.
CARGO := env -u MAKEFLAGS -u MFLAGS cargo
CARGO_ALL := --release --workspace --features pyo3/extension-module --quiet

.PHONY: help build test lint lint-rust lint-python test-rust test-python demo bench crash wheel

help:
	@echo 'make build   set up .venv with everything, the extension in release mode'
	@echo 'make test    all tests of Rust and Python, lint, types, layers, stubs, docs'
	@echo 'make lint    the part of test that runs nothing'
	@echo 'make demo    a year of flights, end to end'
	@echo 'make bench   all benchmarks; make bench-NAME runs benchmarks/NAME.py'
	@echo 'make crash   kill -9 campaign; ROUNDS=$(ROUNDS) SEED=$(SEED)'
	@echo 'make wheel   a wheel to distribute, in dist/'

build: $(VENV)/.built

$(BIN)/python:
	@missing() { echo "missing: $$1; get it with: $$2" >&2; exit 1; }; \
	[ -n '$(PYTHON)' ] \
	    || missing 'Python 3.11 or newer' 'apt install python3 python3-venv, or https://www.python.org/downloads'; \
	'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || missing 'Python 3.11 or newer ($(PYTHON) is older)' 'apt install python3.11 python3.11-venv, or name one: make PYTHON=...'; \
	'$(PYTHON)' -c 'import venv, ensurepip' 2> /dev/null \
	    || missing 'the venv module of $(PYTHON)' 'apt install python3-venv'; \
	command -v cargo > /dev/null \
	    || missing 'Rust (cargo)' "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"; \
	command -v cc > /dev/null \
	    || missing 'a C linker (cc)' 'apt install build-essential, or on macOS xcode-select --install'
	@'$(PYTHON)' -m venv $(VENV)

# The project and its libraries, editable; again when they change, not at every line of Rust.
# Libraries of Python come down while those of Rust are compiled.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo 'setting up $(VENV): libraries, and the extension in release mode' >&2
	@$(PIP) 'maturin>=1.9,<2' >&2
	@$(PIP) $$($(BIN)/python -c "$$LIBRARIES") >&2 & \
	    $(MATURIN) develop --release --skip-install >&2; wait $$!
	@$(MATURIN) develop --release --extras dev >&2
	@touch $@ $(VENV)/.built

$(VENV)/.built: $(RUST) | $(VENV)/.installed
	@$(MATURIN) develop --release --skip-install >&2
	@touch $@

$(VENV)/.flights: $(VENV)/.installed
	@$(MATURIN) develop --release --extras dev,flights >&2
	@touch $@ $(VENV)/.built

# What takes both cores runs alone; what takes one runs beside it.
lint: $(VENV)/.built
	@$(MAKE) --no-print-directory --jobs=2 lint-rust lint-python

test: $(VENV)/.built
	@$(MAKE) --no-print-directory --jobs=2 test-rust lint-python
	@$(MAKE) --no-print-directory test-python

lint-rust:
	$(CARGO) fmt --check
	$(CARGO) clippy $(CARGO_ALL) --all-targets -- -D warnings

lint-python:
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mypy.stubtest headwater._native

test-rust: lint-rust
	$(CARGO) test $(CARGO_ALL)

test-python:
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

demo: $(VENV)/.built $(VENV)/.flights
	$(BIN)/python -m examples.flights

bench: $(patsubst benchmarks/%.py,bench-%,$(shell grep -l __main__ benchmarks/*.py))

bench-%: $(VENV)/.built
	@$(BIN)/python benchmarks/$*.py

crash: $(VENV)/.built
	@$(BIN)/python tests/crash/campaign.py --rounds $(ROUNDS) --seed $(SEED)

wheel: $(VENV)/.built
	$(MATURIN) build --profile dist --out dist
