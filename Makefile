# `make` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PY := .venv/bin/python
SAM := SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam
SEMGREP := .venv-semgrep/bin/semgrep

PORT ?= 3000
DB ?=
CUSTOMER ?= alice
SCOPE ?=
ORDER ?=
DAY ?=
STACK ?=
FILE ?=
ARCH ?= x86_64
UPGRADE ?=
export REQUIRE_ALL ?=

# The DynamoDB of what runs here (make serve, make sam-local), unless a stack or another one is named.
running = $(shell $(PY) -c 'import json; print(json.load(open(".data/running.json"))["database"])' 2>/dev/null)
endpoint = $(or $(DYNAMODB_ENDPOINT),$(running),$(error nothing runs here: `make serve`, or name STACK=… or DYNAMODB_ENDPOINT=…))
where = $(if $(STACK),--stack $(STACK),--endpoint $(endpoint))

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Environments. The stamp of one is a copy of the lock that it was made from; it is made anew when they differ. A lock
# names every package, so pip need not resolve anything (--no-deps).
# make_venv: folder, lock
define make_venv
if cmp -s $(2) $(1)/.stamp; then touch $(1)/.stamp; exit; fi; \
echo "setup: making $(1) from $(2)" >&2; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make … PYTHON=…")'; \
rm -rf $(1); \
$(PYTHON) -m venv $(1); \
$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $(2); \
cp $(2) $(1)/.stamp
endef

.venv/.stamp: requirements/dev.txt
	@$(call make_venv,.venv,$<)
# The checkout layer is on the path of this environment's Python, as it is in Lambda.
	@echo "$(CURDIR)/layers/checkout" > "$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/checkout.pth"

.venv-sam/.stamp: requirements/sam.txt
	@$(call make_venv,.venv-sam,$<)

.venv-semgrep/.stamp: requirements/semgrep.txt
	@$(call make_venv,.venv-semgrep,$<)

.venv-localstripe/.stamp: requirements/localstripe.txt
	@$(call make_venv,.venv-localstripe,$<)

.venv-mutation/.stamp: requirements/mutation.txt
	@$(call make_venv,.venv-mutation,$<)

.PHONY: setup
setup: .venv/.stamp ## Make the development environment (.venv) from its lock

# Running

.PHONY: demo serve token jwks sam-local load-products
demo: setup ## Play the whole checkout over HTTP against the local runtime
	@$(PY) -m local.demo

serve: setup ## Keep the local runtime up: PORT=3000, DB=dynamodb-local or DYNAMODB_ENDPOINT=…
	@$(PY) -m local.serve --port $(PORT) $(if $(DB),--db $(DB))

token: setup ## Print a token for the local runtime: CUSTOMER=alice SCOPE="…"
	@$(PY) -m local.token --customer "$(CUSTOMER)" $(if $(SCOPE),--scope "$(SCOPE)")

jwks: setup ## Print the key set that verifies those tokens, as the Jwks of a test stage
	@$(PY) -m local.keys

sam-local: setup .venv-sam/.stamp ## Run the functions in containers with `sam local start-api` on PORT=3000
	@$(PY) -m local.sam_local --port $(PORT)

load-products: setup ## Load FILE=products.json into the table of STACK=…, or of what runs here
	@$(PY) -m tools.load_products $(where) $(if $(FILE),--file $(FILE))

# Checking

.PHONY: test verify explore soak mutate e2e trace openapi audit-verify reconcile lint
test: setup trace ## Run the tests; what the machine lacks is skipped, with REQUIRE_ALL=1 it fails
	@$(PY) -m pytest

verify: export REQUIRE_ALL := 1
verify: setup .venv-sam/.stamp .venv-localstripe/.stamp trace ## Install what is missing, run every test with coverage, then lint
	@$(PY) -m local.install_missing
	@$(PY) -m pytest --cov --cov-report=term
	@$(PY) -m tests.exploration
	@$(MAKE) lint

explore: setup ## Walk every schedule of requests at once, and every fault: QUICK=1 a part, ONLY='paid:' some, REPLAY='…' one
	@$(PY) -m tests.exploration $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)') $(if $(REPLAY),--replay '$(REPLAY)')

soak: setup ## Traffic, kills and faults on DynamoDB Local for SECONDS (300), then the rules
	@$(PY) -m tests.soak $(if $(SECONDS),--seconds $(SECONDS))

mutate: .venv-mutation/.stamp ## Change the code place by place and see whether a test notices: ONLY=orders a module; takes an hour or more
	@.venv-mutation/bin/python -m tests.mutation $(if $(ONLY),--only $(ONLY))

e2e: setup ## Run the end-to-end suite against BASE_URL=…, by default a local runtime of its own
	@$(PY) -m pytest tests/e2e

trace: setup ## Print requirement -> tasks -> tests and fail where one is missing
	@$(PY) -m tools.trace_requirements

openapi: setup ## Write specs/openapi.json anew, from the template, the models and the refusals
	@$(PY) -m tools.make_openapi

audit-verify: setup ## Check every audit trail, or ORDER=ord_…'s, of STACK=… or of what runs here
	@$(PY) -m tools.verify_audit $(if $(ORDER),--order $(ORDER)) $(where)

reconcile: setup ## Compare payments and charges of DAY=2026-01-31 (today by default), of STACK=… or of what runs here
	@$(PY) -m tools.reconcile $(if $(DAY),--day $(DAY)) $(where)

lint: setup .venv-sam/.stamp .venv-semgrep/.stamp ## Formatting, types, import rules, template and security checks
	$(PY) -m ruff check --no-cache
	$(PY) -m ruff format --no-cache --check
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	$(SAM) validate --lint
	.venv/bin/cfn-lint template.yaml
	$(PY) -m bandit --quiet --recursive --severity-level medium --configfile pyproject.toml functions layers local tools
	$(SEMGREP) --test --metrics=off --disable-version-check --quiet security/semgrep
	$(SEMGREP) scan --metrics=off --disable-version-check --quiet --error --config security/semgrep

# Building

.PHONY: build lock clean
build: setup .venv-sam/.stamp ## Build for Lambda with `sam build`: ARCH=x86_64 or arm64
	@find functions -name __pycache__ -prune -exec rm -r {} +
	@ARCH=$(ARCH) PYTHON=$(abspath $(PY)) $(SAM) build --parameter-overrides Architecture=$(ARCH)

compile := .venv/bin/uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url \
	--no-emit-find-links $(if $(UPGRADE),--upgrade)
lambda := --python-version 3.13 --python-platform x86_64-manylinux_2_28
development := --universal --python-version 3.11

lock: setup ## Write the locks anew: UPGRADE=1 takes the newest versions
	$(compile) $(lambda) layers/dependencies/requirements.in --output-file layers/dependencies/requirements.txt
	$(compile) $(lambda) layers/stripe/requirements.in --output-file layers/stripe/requirements.txt
	$(compile) $(lambda) local/containers/runtime.in --output-file local/containers/runtime.txt
	$(compile) $(development) requirements/dev.in --output-file requirements/dev.txt
	$(compile) $(development) requirements/sam.in --output-file requirements/sam.txt
	$(compile) $(development) requirements/semgrep.in --output-file requirements/semgrep.txt
	$(compile) $(development) requirements/localstripe.in --output-file requirements/localstripe.txt
	$(compile) $(development) requirements/mutation.in --output-file requirements/mutation.txt

clean: ## Remove environments, builds and caches; data in .data/ stays
	rm -rf .venv .venv-sam .venv-semgrep .venv-localstripe .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find functions layers local tools tests -name __pycache__ -prune -exec rm -r {} +
