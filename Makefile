# Every target makes .venv when it is needed; a second call does nothing.
# uv is used where it is on the PATH, else python3 -m venv and pip: the same lock either way.

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
create = uv venv --quiet --allow-existing --python python3 $(VENV)
install = VIRTUAL_ENV=$(VENV) uv pip install --quiet --compile-bytecode
else
create = python3 -m venv $(VENV)
install = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: demo test year lint bench serve clean lock help

help:
	@echo "make demo   build a registry of synthetic patients and show what a coordinator sees"
	@echo "make test   run every check there is"
	@echo "make year   live a year of days with 2,000 patients: minutes, and not part of make test"
	@echo "make lint   the fast checks only: style, types, import contracts"
	@echo "make bench  measure speed and memory against hand-written code"
	@echo "make clean  remove what the other targets made"

demo: $(VENV)/.runtime
	@$(BIN)/hepwatch demo

test: lint
	@$(BIN)/python -m pytest -n 2 --dist worksteal

year: $(VENV)/.development
	@$(BIN)/python -m pytest -m year --durations=1

lint: $(VENV)/.development
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.development
	@$(BIN)/python -m tests.benchmarks

serve:
	@echo "hepwatch has no web pages yet; the command line does everything: $(BIN)/hepwatch --help"

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Needs uv on the PATH; only who changes a dependency runs it.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --group build --output-file requirements.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --all-extras --group dev --output-file requirements-dev.lock pyproject.toml

$(VENV)/.runtime: requirements.lock pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hepwatch needs Python 3.11 or newer; python3 is " + sys.version)'
	@echo "setting up $(VENV) (once)"
	@$(create)
	@$(install) --require-hashes -r requirements.lock
	@$(install) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q scheduler
	@touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.runtime
	@$(install) --require-hashes -r requirements-dev.lock
	@touch $@
