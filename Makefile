# Two commands for everybody: `make run` and `make test`.  The rest is for those who change the code.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LINTED := src tests bench tools

# The webmail, built from web/ into the package.
WEB    := src/posthouse/http/assets/index.html

.PHONY: run test check bench bench-web cyrus format lock docs dist clean web

run: $(VENV)/.compiled $(WEB)
	$(BIN)/posthouse demo

test: $(VENV)/.dev $(VENV)/.compiled $(WEB)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(TESTS)

check: $(VENV)/.dev web/node_modules/.installed
	$(BIN)/ruff format --check $(LINTED)
	$(BIN)/ruff check $(LINTED)
	cd web && npm run -s check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_rfc.py
	$(BIN)/python tools/check_sizes.py
	$(BIN)/python tools/check_lock.py
	$(BIN)/python tools/generate_docs.py --check

bench: $(VENV)/.dev
	$(BIN)/python -m bench

bench-web: $(VENV)/.dev $(WEB)
	$(BIN)/python -m bench web

# Email/get of the corpus beside what Debian's Cyrus says of it; needs its packages cyrus-common and cyrus-caldav.
cyrus: $(VENV)/.dev
	$(BIN)/python -m pytest -s tests/integration/test_jmap_cyrus.py

format: $(VENV)/.dev
	$(BIN)/ruff format $(LINTED)
	$(BIN)/ruff check --fix $(LINTED)

docs: $(VENV)/.dev
	$(BIN)/python tools/generate_docs.py

dist: $(VENV)/.dev $(WEB)
	$(BIN)/python -m build

# Exact versions with hashes; no index address is written into them.
lock: $(VENV)/.dev
	$(BIN)/pip-compile -q --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --extra dev -o requirements-dev.lock pyproject.toml

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml requirements.lock
	@echo "Installing Posthouse into $(VENV) ..."
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

# A node starts in half the time: Python writes bytecode by itself only where it may (PYTHONDONTWRITEBYTECODE).
$(VENV)/.compiled: $(VENV)/.installed $(shell find src -name '*.py')
	$(BIN)/python -m compileall -q src
	touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing the development tools ..."
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

web: $(WEB)

web/node_modules/.installed: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "The webmail is built with Node.js 20 or newer and npm; install them first." >&2; exit 1; }
	@echo "Installing what builds the webmail ..."
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(WEB): web/node_modules/.installed web/index.html web/vite.config.js $(shell find web/src web/public -type f)
	cd web && npm run -s build -- --logLevel warn

clean:
	rm -rf $(VENV) .venv-api web/node_modules src/posthouse/http/assets build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
