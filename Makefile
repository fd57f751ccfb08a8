# make demo       install into .venv, then go the whole way once on generated shapes (two minutes)
# make test       all tests            make test-fast   the quick ones
# make check      format, lint, types, import rule
# make browser-packages   what browser tests need from npm, into .venv/npm
# make help-pages renew docs/help      make clean       remove .venv and caches

PYTHON ?= $(firstword $(foreach name,python3.14 python3.13 python3.12 python3.11 python3 python,\
	$(shell $(name) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $(name))))
BIN := .venv/bin
WORKERS ?= 2
NO_VENV = Python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv

.PHONY: demo test test-fast check browser-packages help-pages clean

demo: .venv/installed
	$(BIN)/portrayal demo --out demo

test: .venv/installed-dev browser-packages
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal

test-fast: .venv/installed-dev browser-packages
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal -m "not slow"

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/test_layers.py

browser-packages: .venv/installed-dev
	$(BIN)/python scripts/browser_packages.py

help-pages: .venv/installed
	$(BIN)/python scripts/help_pages.py

clean:
	rm -rf .venv build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Portrayal needs Python 3.11 or newer; none was found. Name one: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { echo "$(NO_VENV)"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
