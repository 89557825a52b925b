# `make` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PY := .venv/bin/python
PORT ?= 3000
DB ?=
CUSTOMER ?= alice
SCOPE ?=
ORDER ?=
ARCH ?= x86_64

# An environment is made anew when its lock is newer than the stamp in it. A lock names every package, hence --no-deps.
# make_venv: folder, lock
define make_venv
echo "setup: $(1) from $(2)" >&2
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=…")'
rm -rf $(1)
$(PYTHON) -m venv $(1)
$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $(2)
touch $(1)/.stamp
endef

.venv/.stamp: requirements/dev.txt
	@$(call make_venv,.venv,$<)

.venv-sam/.stamp: requirements/sam.txt
	@$(call make_venv,.venv-sam,$<)

.venv-semgrep/.stamp: requirements/semgrep.txt
	@$(call make_venv,.venv-semgrep,$<)

.PHONY: setup
setup: .venv/.stamp ## Make the development environment (.venv) from its lock
