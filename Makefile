# `make help` says what each target does. Needs Python 3.11 to 3.14, git and make; everything else
# comes into .venv and frontend/node_modules.

PYTHON_IN_VENV := .venv/bin/python
NPM := $(PYTHON_IN_VENV) .ci/build_frontend.py npm
# Arguments for the target's command: make run ARGS="gpt2 --port 9000"
ARGS ?=
# Where `make test-real` keeps its models; 1.6 GB.
REAL ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lm-debugger-real

.DEFAULT_GOAL := help
.PHONY: help run test test-real bench install setup setup-dev page lint types audit versions format screenshots clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: install ## set up and serve; ARGS="gpt2 --port 9000" go to `lm-debugger serve`
	@exec .venv/bin/lm-debugger serve $(ARGS)

test: ## set up and run every check and test; ARGS="tests/engine -k trace" go to pytest
	@.ci/test $(ARGS)

test-real: setup-dev ## the engine on two real models, fetched once; ARGS="-k gemma3" go to pytest
	@$(PYTHON_IN_VENV) -m tests.real.weights "$(REAL)"
	@HF_HUB_OFFLINE=1 LM_DEBUGGER_REAL="$(REAL)" $(PYTHON_IN_VENV) -m pytest -q -o timeout=1800 tests/real $(ARGS)

bench: setup-dev ## speed beside the bare forward pass, about twenty minutes; ARGS="--size medium"
	@HF_HUB_OFFLINE=1 $(PYTHON_IN_VENV) -W ignore -m tests.benchmarks.speed $(ARGS)

install: setup page ## set up only; leaves .venv/bin/lm-debugger

setup:
	@.ci/setup run

setup-dev:
	@.ci/setup dev

page: setup
	@$(PYTHON_IN_VENV) .ci/build_frontend.py

lint: setup-dev ## style of Python, of the front end and of the Dockerfile, and the direction of imports
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/hadolint Dockerfile
	$(NPM) run lint

types: setup-dev ## types of Python and of the front end, and of the API between them
	.venv/bin/mypy
	$(NPM) run typecheck
	$(NPM) run types:check

audit: setup-dev ## known vulnerabilities in the pinned versions; needs a network
	@$(PYTHON_IN_VENV) .ci/audit.py

versions: setup-dev ## a part of the tests with the oldest and the newest transformers allowed; ARGS=lowest
	@HF_HUB_OFFLINE=1 $(PYTHON_IN_VENV) .ci/versions.py $(ARGS)

format: setup-dev ## bring Python and the front end into the one format
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	$(NPM) run format

screenshots: setup-dev page ## pictures of the page in its states, into test-results/
	SCREENSHOTS=test-results CHROMIUM="$$(.ci/chromium)" $(PYTHON_IN_VENV) -m pytest -q tests/web

clean: ## remove everything that these targets made
	rm -rf .venv frontend/node_modules server/lm_debugger/web dist build test-results
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find server tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +
