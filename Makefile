# Every target first makes the machine ready; that takes a moment where nothing is missing.
# PYTHON chooses the Python that makes .venv, PORT where `make run` listens, ARGS what pytest gets.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help bootstrap run test soak check format clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## Fetch what is missing: .venv, packages, Java, Firestore emulator
	@$(PYTHON) dev/bootstrap.py

run: bootstrap ## Serve everything on http://127.0.0.1:8080 (PORT=N)
	@$(BIN)/python -m dev run

test: bootstrap ## Run the tests (ARGS="-k name")
	@$(BIN)/python -m pytest -n 2 $(ARGS)

soak: bootstrap ## Test for some two hours: 10,000 runs of the machine, load under kill -9, drills
	@HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n 2 --dist worksteal --show-capture=no \
		tests/machine tests/load tests/drills $(ARGS)

check: bootstrap ## Lint, formatting, types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: bootstrap ## Mend what ruff can mend
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format

clean: ## Remove what the tools left behind, .venv apart
	@rm -rf build htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
