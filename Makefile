# Needs python3 >= 3.11 with its venv module, make and git; all else is installed by the targets themselves.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard web/translations/*/LC_MESSAGES/messages.po))
ENGLISH := web/translations/en/LC_MESSAGES/messages.po
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
	--generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group build

.PHONY: help run test check bench lock fix catalogue clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/runtime $(CATALOGUES) ## set up what is missing, then serve the demo campaign on this machine
	@$(BIN)/binome serve --demo

test: $(VENV)/development $(CATALOGUES) ## set up what is missing, then run every check and every test
	@$(call need,a Chromium,[ -x "$${BINOME_CHROMIUM:-$$(command -v chromium)}" ],chromium,BINOME_CHROMIUM=/path/to/chromium make test)
	@$(call need,the PostgreSQL server programs,$(BIN)/python -c "from tests.postgres import binaries; binaries()" 2>/dev/null,postgresql,put the folder that holds initdb on the PATH)
	@$(MAKE) --no-print-directory check
	@echo '== tests'
	@$(BIN)/pytest -q --dist worksteal -n "$$($(BIN)/python -c 'import os; print(len(os.sched_getaffinity(0)))')"
	@echo '== all checks and all tests passed'

check: $(VENV)/development $(CATALOGUES) ## style, types, import rules, templates, migrations
	@echo '== style' && $(BIN)/ruff check && $(BIN)/ruff format --check
	@echo '== types' && $(BIN)/mypy
	@echo '== imports' && $(BIN)/lint-imports --no-logo
	@echo '== templates' && $(BIN)/djlint web/templates --lint --quiet
	@echo '== migrations' && $(BIN)/binome db check

bench: $(VENV)/development $(CATALOGUES) ## measure against the promises of speed
	@$(BIN)/python -m tests.benchmarks

fix: $(VENV)/development ## repair and lay out the code as `make check` wants it
	@$(BIN)/ruff check --fix; $(BIN)/ruff format

lock: $(VENV)/development ## take the newest parts that pyproject.toml allows into the lock files
	@$(LOCK) --output-file requirements.lock
	@$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

catalogue: $(VENV)/development ## bring the texts of the code that have no English yet into the English catalogue
	@$(BIN)/pybabel --quiet extract --mapping web/translations/babel.cfg --keywords N_ --keywords lazy_gettext \
		--no-location --sort-output --output $(VENV)/messages.pot states workflow notifications web
	@$(BIN)/pybabel --quiet update --input-file $(VENV)/messages.pot --output-file $(ENGLISH) --locale en --width 120 \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	@sed -i.bak -E '/^"(Project-Id|Report-Msgid|POT-Creation|PO-Revision|Last-Translator|Language-Team|Generated-By)/d' \
		$(ENGLISH) && rm $(ENGLISH).bak

clean: ## remove what the targets made; asks before removing the instance folder with its data
	@rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache $(CATALOGUES)
	@find states workflow notifications web tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ -e instance ]; then \
		printf 'Remove instance/ with its database? [y/N] '; read -r answer; \
		case "$$answer" in [yY]*) rm -rf instance;; *) echo 'kept instance/';; esac; fi

# The virtual environment. A stamp file tells which lock it holds, so that a second call costs nothing.

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo 'Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { echo 'Python needs its venv module (on Debian: apt-get install python3-venv)' >&2; exit 1; }

$(VENV)/runtime: requirements.lock pyproject.toml | $(BIN)/python
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/development: requirements-dev.lock pyproject.toml | $(BIN)/python
	@$(call install,requirements-dev.lock)
	@touch $@ $(VENV)/runtime

%.mo: %.po | $(VENV)/runtime
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

# install(lock file): its parts, each checked against its hash, then the project itself; counts while one waits.
define install
{ $(BIN)/python -m pip install --no-input --progress-bar off --require-hashes -r $(1) \
  && $(BIN)/python -m pip install --no-input --quiet --no-deps --no-build-isolation --editable . \
  && echo DONE; } > $(VENV)/install.log 2>&1 & \
total=$$(grep -c '==' $(1)); \
while kill -0 $$! 2>/dev/null; do \
  if grep -q '^Installing' $(VENV)/install.log; then step='unpacking'; else \
    step="fetching $$(grep -cE '^(Collecting|Requirement already)' $(VENV)/install.log) of $$total"; fi; \
  [ "$$step" = "$$said" ] || { if [ -t 1 ]; then printf '\r\033[KInstalling the parts of $(1): %s' "$$step"; \
    elif [ "$${step%% *}" != "$${said%% *}" ]; then echo "Installing the parts of $(1): $$step"; fi; }; \
  said="$$step"; sleep 1; done; \
[ ! -t 1 ] || printf '\r\033[K'; \
grep -q '^DONE' $(VENV)/install.log || { tail -n 20 $(VENV)/install.log >&2; exit 1; }
endef

# need(what, test, Debian package, other way): fails with the way to get it where it cannot be installed from here.
define need
have() { $(2); }; \
if ! have && command -v apt-get >/dev/null; then \
  as=''; [ "$$(id -u)" = 0 ] || as='sudo -n'; \
  echo 'Installing $(1) (package $(3))'; \
  $$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(3) >/dev/null; \
fi; \
have || { echo 'The tests need $(1), and nothing here could install it. On Debian or Ubuntu: apt-get install $(3). Elsewhere: $(4).' >&2; exit 1; }
endef
