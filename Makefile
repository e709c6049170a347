# The virtual environment is made when it is missing; a stamp file says that it is up to date.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Tests start processes of their own and wait for them: somewhat more than there are cores.
TEST_PROCESSES ?= 3

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format docs bench clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Install the gateway into .venv (command: .venv/bin/gateway)

$(STAMP): pyproject.toml gateway/__init__.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

demo: ## Show the main job end to end on sample records
	@test -x $(BIN)/gateway || $(MAKE) --no-print-directory $(VENV)/.demo
	@$(BIN)/gateway demo

# The demo needs no development tools: fewer packages, a quicker start on a fresh machine.
$(VENV)/.demo: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

test: $(STAMP) ## Run the tests (PostgreSQL too when GATEWAY_TEST_POSTGRES is set)
	@$(BIN)/pytest -q -n $(TEST_PROCESSES) --dist worksteal

lint: $(STAMP) ## Check format, style, types and the direction of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(STAMP) ## Write the references in docs/ from the source
	@$(BIN)/python -m gateway.configuration.reference > docs/configuration.md
	@$(BIN)/python -m gateway.cli.reference > docs/commands.md

bench: $(STAMP) ## Measure conversion and durable throughput on this machine
	@$(BIN)/gateway bench

clean: ## Remove what tools leave behind, keep the environment
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
