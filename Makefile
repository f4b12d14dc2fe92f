# The commands of the project; `make help` lists them. Works with GNU make 3.81 (macOS) as well.
PYTHON ?= python3
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links
ARGS ?=

.PHONY: help run test check bench chaos lock

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: ## Start Fleetwell on this machine, with a demo fleet the first time; Ctrl-C stops it
	@$(PYTHON) tools/venv.py run
	@exec $(BIN)/python -m fleet.run

test: ## Run the tests; ARGS="tests/commands -k unlock" for some of them
	@$(PYTHON) tools/venv.py dev
	@$(BIN)/python tools/chromium.py
	@$(BIN)/python tools/run_tests.py $(ARGS)

check: ## Check style, types, imports, settings, migrations, templates, locks
	@$(PYTHON) tools/venv.py dev
	@$(BIN)/python tools/check.py

bench: ## Measure the figures in benchmarks/results; ARGS="startup" for one of them
	@$(PYTHON) tools/venv.py dev
	@$(BIN)/python -m benchmarks $(ARGS)

SECONDS ?= 300
SEED ?=

chaos: ## Kill, freeze and cut off everything under load, and look for a broken promise; SECONDS=300 SEED=7
	@$(PYTHON) tools/venv.py dev
	@$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

lock: ## Bring the pinned, hashed requirements up to date with requirements*.in
	@$(PYTHON) tools/venv.py dev
	$(COMPILE) --upgrade requirements-uv.in -o requirements-uv.txt
	$(COMPILE) --upgrade requirements-dev.in -o requirements-dev.txt
	$(COMPILE) --constraint requirements-dev.txt requirements.in -o requirements.txt
