# Every target first makes the machine ready; that takes a moment where nothing is missing.
# PYTHON chooses the Python that makes .venv, PORT where `make run` listens, ARGS what pytest gets.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help bootstrap run test coverage soak bench check audit lock sbom firebase format clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## Fetch what is missing: .venv, packages, Java, Firestore emulator
	@$(PYTHON) dev/bootstrap.py

run: bootstrap ## Serve everything on http://127.0.0.1:8080 (PORT=N)
	@$(BIN)/python -m dev run

test: bootstrap ## Run the tests (ARGS="-k name")
	@$(BIN)/python -m pytest -n 2 $(ARGS)

# Of the examples that stand in the tests: what Hypothesis happens to draw must not decide it.
coverage: bootstrap ## Test the pure ring; fail where a branch of it is not covered
	@$(BIN)/python -m pytest -n 2 -m "not hypothesis" tests/core \
		--cov=shared/core --cov-branch --cov-fail-under=100 --cov-report=term-missing $(ARGS)

soak: bootstrap ## Test for some two hours: 10,000 runs of the machine, load under kill -9, drills
	@HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n 2 --dist worksteal --show-capture=no \
		tests/machine tests/load tests/drills tests/functions/api/test_any_call.py \
		tests/public/test_auth_emulator.py $(ARGS)

bench: bootstrap ## Measure everything against its floor (ARGS="webhook --quick")
	@$(BIN)/python -m dev.bench $(ARGS)

check: bootstrap ## Lint, formatting, types, known vulnerabilities
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m dev.supply.audit

audit: bootstrap ## Look every package up among known vulnerabilities, or fail
	@$(BIN)/python -m dev.supply.audit --strict

# What stands is kept, unless ARGS says otherwise: --upgrade, or --upgrade-package NAME.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(ARGS)

lock: bootstrap ## Pin what the *.in files ask for, with hashes, and list the licences
	@$(BIN)/pip install --quiet --requirement dev/tools.txt
	@$(LOCK) requirements.in --output-file requirements.txt
	@$(LOCK) requirements-dev.in --constraint requirements.txt --output-file requirements-dev.txt
	@$(LOCK) dev/tools.in --constraint requirements-dev.txt --output-file dev/tools.txt
	@$(LOCK) dev/java.in --output-file dev/java.txt
	@$(PYTHON) dev/bootstrap.py
	@$(BIN)/python -m dev.supply.licences

sbom: bootstrap ## Make build/deployed of requirements.txt alone, and its list build/sbom.cdx.json
	@$(BIN)/pip install --quiet --requirement dev/tools.txt
	@$(PYTHON) -m venv --clear build/deployed
	@build/deployed/bin/pip install --quiet --requirement requirements.txt
	@build/deployed/bin/python -c "import main"
	@build/deployed/bin/pip uninstall --quiet --yes pip setuptools
	@$(BIN)/cyclonedx-py environment --output-reproducible --output-file build/sbom.cdx.json \
		build/deployed/bin/python

firebase: bootstrap ## Fetch firebase-tools by npm, for the tests that try firebase.json
	@$(BIN)/python -m dev.firebase

format: bootstrap ## Mend what ruff can mend
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format

clean: ## Remove what the tools left behind, .venv apart
	@rm -rf build htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
