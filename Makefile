# Needs Python 3.11 or newer, make, and a package registry that pip can reach. Everything lands in .venv.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.14,\
  $(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
# Without compiling at once: most of what is installed is never imported, and this saves seconds.
INSTALL := $(BIN)/python -m pip -qq --disable-pip-version-check install --no-compile
JOBS ?= 2

.PHONY: help demo test check lint docs bench clean

help:
	@echo "make demo    install, then investigate a recorded incident that ships with the project"
	@echo "make test    install with the development tools, then run the tests"
	@echo "make check   lint, types, import contracts, generated docs, then the tests (what CI runs)"
	@echo "make docs    write docs/cli.md anew from --help"
	@echo "make bench   time start-up and the scan of a generated cluster"
	@echo "make clean   remove .venv and every cache"

demo: $(VENV)/.base
	$(BIN)/kubelore investigate "The payments app keeps restarting, why?" --snapshot example:memory-limit --no-record

test: $(VENV)/.dev
	$(BIN)/pytest -n $(JOBS)

check: lint
	@$(MAKE) --no-print-directory test

lint: $(VENV)/.dev
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python docs/make_cli.py --check

docs: $(VENV)/.dev
	$(BIN)/python docs/make_cli.py

bench: $(VENV)/.base
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/scan.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer found; hint: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "hint: on Debian and Ubuntu, venv is a package of its own: apt install python3-venv" >&2; exit 1; }

# The stamps say which pyproject.toml is installed, so a second run starts at once.
$(VENV)/.base: pyproject.toml | $(BIN)/python
	@echo "installing kubelore into $(VENV) (about 20 seconds)"
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "installing the development tools"
	@$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['dev'], sep='\n')" > $(VENV)/dev.txt
	@$(INSTALL) -r $(VENV)/dev.txt
	@touch $@
