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

##@ Start

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n%s\n%s\n' \
		'Each makes the environment that it needs first. That, and `make build`, need a package index: the network.' \
		'What else is missing, it says, and what to do.'

# Says what is going on for as long as the command that follows runs.
step = $(PY) -m local.progress "$(1)"

# Environments. The stamp of one is a copy of the lock that it was made from; it is made anew when they differ. A lock
# names every package, so pip need not resolve anything (--no-deps).
# make_venv: folder, lock
define make_venv
if cmp -s $(2) $(1)/.stamp; then touch $(1)/.stamp; exit; fi; \
echo "setup: making $(1) from $(2)" >&2; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make … PYTHON=…")'; \
rm -rf $(1); \
$(PYTHON) -m venv $(1); \
$(1)/bin/python -m pip install --disable-pip-version-check --progress-bar off --no-deps --require-hashes \
	--requirement $(2) | $(PYTHON) tools/count_packages.py $(2); \
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

.venv-benchmarks/.stamp: requirements/benchmarks.txt
	@$(call make_venv,.venv-benchmarks,$<)

.venv-mutation/.stamp: requirements/mutation.txt
	@$(call make_venv,.venv-mutation,$<)

.venv-plots/.stamp: requirements/plots.txt
	@$(call make_venv,.venv-plots,$<)

.PHONY: setup
setup: .venv/.stamp ## Make the development environment (.venv) from its lock

##@ Run

.PHONY: demo serve token jwks sam-local screenshots
demo: setup ## Play the whole checkout over HTTP, with a crash and its recovery: STEP=1 waits for a key
	@$(PY) -m local.demo $(if $(STEP),--step)

serve: .known-port setup ## Keep the local runtime and its console up: PORT=3000, DB=dynamodb-local (needs Java 17 and npm), DYNAMODB_ENDPOINT=…
	@$(PY) -m tools.make_docs || true
	@$(PY) -m local.serve --port $(PORT) $(if $(DB),--db $(DB))

token: setup ## Print a token for the local runtime: CUSTOMER=alice SCOPE="…"
	@$(PY) -m local.token --customer "$(CUSTOMER)" $(if $(SCOPE),--scope "$(SCOPE)")

jwks: setup ## Print the key set that verifies those tokens, as the Jwks of a test stage
	@$(PY) -m local.keys

sam-local: .known-port setup .venv-sam/.stamp ## Run the functions in containers with `sam local start-api` on PORT=3000: needs Docker, Java 17 and npm
	@$(PY) -m local.sam_local --port $(PORT)

screenshots: setup ## Write docs/images/*.png, the console in a browser: needs Chromium, or root on Debian to install it
	@$(PY) -m tools.take_screenshots

# What a command is given wrongly is said before a minute goes into its environment.
.known-port:
	@$(PYTHON) -m local.port --port $(PORT)

##@ Check

# In as many processes as there are processors; who runs out of tests takes over another's.
at_once := -n auto --dist worksteal

.PHONY: test verify explore soak mutate bench e2e trace lint
test: setup trace ## Run the tests; what the machine lacks is skipped, with REQUIRE_ALL=1 it fails
	@$(PY) -m pytest $(at_once)

verify: export REQUIRE_ALL := 1
verify: setup .venv-sam/.stamp .venv-localstripe/.stamp trace ## Install what is missing (needs root on Debian), run every test with coverage, then lint
	@$(PY) -m local.install_missing
	@$(PY) -m tools.make_docs
	@$(PY) -m pytest $(at_once) --cov --cov-report=term --durations=15
	@$(PY) -m tests.exploration
	@$(MAKE) lint

explore: setup ## Walk every schedule of requests at once, and every fault: QUICK=1 a part, ONLY='paid:' some, REPLAY='…' one
	@$(PY) -m tests.exploration $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)') $(if $(REPLAY),--replay '$(REPLAY)')

soak: setup ## Traffic, kills and faults on DynamoDB Local for SECONDS (300), then the rules: needs Java 17 and npm
	@$(PY) -m tests.soak $(if $(SECONDS),--seconds $(SECONDS))

mutate: .known-module .venv-mutation/.stamp ## Change the code place by place and see whether a test notices: ONLY=orders a module, LISTED=1 known survivors too; takes an hour or more
	@.venv-mutation/bin/python -m tests.mutation $(if $(ONLY),--only $(ONLY)) $(if $(LISTED),--listed)

.known-module:
	@$(PYTHON) -m tests.mutation.modules $(if $(ONLY),--only $(ONLY))

bench: .known-question setup .venv-benchmarks/.stamp .venv-sam/.stamp ## Measure everything, under 15 minutes: QUICK=1 a little of it, ONLY=cost one part: needs Java 17, npm and redis-server
	@$(PY) -m benchmarks $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

.known-question:
	@$(PYTHON) -m benchmarks.questions $(if $(ONLY),--only $(ONLY))

e2e: setup ## Run the end-to-end suite against BASE_URL=…, which needs to be up, by default a local runtime of its own
	@$(PY) -m pytest tests/e2e

trace: setup ## Print requirement -> tasks -> tests and fail where one is missing
	@$(PY) -m tools.trace_requirements

lint: setup .venv-sam/.stamp .venv-semgrep/.stamp ## Formatting, types, import rules, template and security checks
	@$(call step,lint 1 of 9: rules) $(PY) -m ruff check --no-cache
	@$(call step,lint 2 of 9: formatting) $(PY) -m ruff format --no-cache --check
	@$(call step,lint 3 of 9: types) $(PY) -m mypy
	@$(call step,lint 4 of 9: imports) .venv/bin/lint-imports --no-cache
	@SAM_CLI_TELEMETRY=0 $(call step,lint 5 of 9: the template as SAM reads it) .venv-sam/bin/sam validate --lint
	@$(call step,lint 6 of 9: the template as CloudFormation reads it) .venv/bin/cfn-lint template.yaml docs/how-to/webhooks/stack.yaml
	@$(call step,lint 7 of 9: security of Python) $(PY) -m bandit --quiet --recursive --severity-level medium \
		--configfile pyproject.toml functions layers local tools benchmarks
	@$(call step,lint 8 of 9: rules of security find what they are for) $(SEMGREP) --test --metrics=off \
		--disable-version-check --quiet security/semgrep
	@$(call step,lint 9 of 9: rules of security) $(SEMGREP) scan --metrics=off --disable-version-check --quiet --error \
		--config security/semgrep

##@ Look after what runs here, or STACK=…, which needs AWS credentials and a region

.PHONY: load-products audit-verify reconcile
load-products: setup ## Load FILE=products.json into the table of products
	@$(PY) -m tools.load_products $(where) $(if $(FILE),--file $(FILE))

audit-verify: setup ## Check every audit trail, or ORDER=ord_…'s
	@$(PY) -m tools.verify_audit $(if $(ORDER),--order $(ORDER)) $(where)

reconcile: setup ## Compare payments and charges of DAY=2026-01-31, by default today
	@$(PY) -m tools.reconcile $(if $(DAY),--day $(DAY)) $(where)

##@ Make what is made from the code

.PHONY: dashboard diagrams openapi client
dashboard: setup .venv-plots/.stamp ## Draw the dashboard from SECONDS=60 of local traffic into docs/images/dashboard.svg
	@mkdir -p .data docs/images
	@$(PY) -m tools.record_dashboard --seconds $(or $(SECONDS),60) > .data/dashboard.json
	@$(call step,dashboard: drawing) .venv-plots/bin/python tools/plot_dashboard.py .data/dashboard.json docs/images/dashboard.svg

diagrams: setup ## Make the diagrams of the documents anew, from the template, the state machines and a real run
	@$(PY) -m tools.describe_template
	@$(PY) -m tools.draw_transitions
	@$(PY) -m tools.draw_payment

openapi: setup ## Write web/openapi.json anew: play its examples, take the rest from template, models and refusals
	@$(PY) -m tests.e2e.examples

client: setup ## Generate clients/python anew, from web/openapi.json
	@$(PY) -m tools.make_client

##@ Build

.PHONY: build docs lock clean
docs: setup ## Make the page at /docs: needs npm the first time
	@$(PY) -m tools.make_docs

build: .known-arch setup .venv-sam/.stamp ## Build for Lambda with `sam build`: ARCH=x86_64 or arm64
	@$(PY) -m tools.make_docs || true
	@find functions -name __pycache__ -prune -exec rm -r {} +
	@ARCH=$(ARCH) PYTHON=$(abspath $(PY)) $(SAM) build --parameter-overrides Architecture=$(ARCH)
	@$(PY) -m local.compile_layers

.known-arch:
	@case "$(ARCH)" in x86_64 | arm64) ;; *) echo "build: Lambda runs on ARCH=x86_64 or arm64." >&2; exit 2 ;; esac

compile := .venv/bin/uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url \
	--no-emit-find-links $(if $(UPGRADE),--upgrade)
lambda := --python-version 3.13 --python-platform x86_64-manylinux_2_28
development := --universal --python-version 3.11

lock: setup ## Write the locks anew, UPGRADE=1 with the newest versions: needs a package index
	@$(call step,lock 1 of 11: layers/dependencies/requirements.txt) $(compile) $(lambda) layers/dependencies/requirements.in --output-file layers/dependencies/requirements.txt
	@$(call step,lock 2 of 11: layers/stripe/requirements.txt) $(compile) $(lambda) layers/stripe/requirements.in --output-file layers/stripe/requirements.txt
	@$(call step,lock 3 of 11: layers/tokens/requirements.txt) $(compile) $(lambda) layers/tokens/requirements.in --output-file layers/tokens/requirements.txt
	@$(call step,lock 4 of 11: local/containers/runtime.txt) $(compile) $(lambda) local/containers/runtime.in --output-file local/containers/runtime.txt
	@$(call step,lock 5 of 11: requirements/dev.txt) $(compile) $(development) requirements/dev.in --output-file requirements/dev.txt
	@$(call step,lock 6 of 11: requirements/sam.txt) $(compile) $(development) requirements/sam.in --output-file requirements/sam.txt
	@$(call step,lock 7 of 11: requirements/semgrep.txt) $(compile) $(development) requirements/semgrep.in --output-file requirements/semgrep.txt
	@$(call step,lock 8 of 11: requirements/localstripe.txt) $(compile) $(development) requirements/localstripe.in --output-file requirements/localstripe.txt
	@$(call step,lock 9 of 11: requirements/mutation.txt) $(compile) $(development) requirements/mutation.in --output-file requirements/mutation.txt
	@$(call step,lock 10 of 11: requirements/benchmarks.txt) $(compile) $(development) requirements/benchmarks.in --output-file requirements/benchmarks.txt
	@$(call step,lock 11 of 11: requirements/plots.txt) $(compile) $(development) requirements/plots.in --output-file requirements/plots.txt

clean: ## Remove environments, builds and caches; data in .data/ stays
	rm -rf .venv .venv-sam .venv-semgrep .venv-localstripe .venv-mutation .venv-plots .venv-benchmarks .aws-sam web/docs .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find functions layers local tools tests benchmarks -name __pycache__ -prune -exec rm -r {} +
