# Every target first sets the machine up. That takes half a second if nothing is missing.
# PYTHON is the Python of .venv, PORT the port of `make run` and SPEED its simulated seconds a second.
# ARGS are further arguments.
# By default PYTHON is the version that Google runs (dev/release/__init__.py), if it is installed.
PYTHON ?= $(shell python3.12 -c "import ensurepip" 2>/dev/null && echo python3.12 || echo python3)
BIN := .venv/bin
# Some images set it. Every process that a test starts would compile all packages again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help bootstrap run test test-fast coverage mutate soak bench check setup-check audit lock sbom \
	firebase pin-images check-infra provider-schema format clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## Set up what is missing: .venv, packages, Java, Firestore emulator
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || { \
		echo "PYTHON must be Python 3.11 or newer, as in \`make PYTHON=python3.12\`." >&2; exit 1; }
	@$(PYTHON) dev/set_up.py

run: bootstrap ## Serve everything on http://127.0.0.1:8080 (PORT=N SPEED=60)
	@$(BIN)/python -m dev run $(if $(SPEED),--speed $(SPEED))

test: bootstrap ## Run the tests (ARGS="-k name")
	@$(BIN)/python -m pytest -n 2 $(ARGS)

# Leaves out the tests of browser, staff API, load, drills, random histories, faults and tools, and
# every test that is marked slow. Tries fewer random examples.
SLOW := channels cli dev drills firebase load public sandbox stateful
FAST = $(filter-out $(SLOW:%=tests/%/),$(wildcard tests/*/ tests/test_*.py))
test-fast: bootstrap ## Run the fast tests, for the daily work (ARGS="-k name")
	@HYPOTHESIS_PROFILE=fast $(BIN)/python -m pytest -n 2 -m "not slow" --ignore=tests/functions/api $(FAST) $(ARGS)

# Without Hypothesis: the result must not depend on random examples.
coverage: bootstrap ## Test shared/domain; fail if a branch is not covered
	@$(BIN)/python -m pytest -n 2 -m "not hypothesis" tests/domain \
		--cov=shared/domain --cov-branch --cov-fail-under=100 --cov-report=term-missing $(ARGS)

# On a copy in mutants/, with a few random examples that are the same each time (docs/testing.md).
mutate: bootstrap ## Change shared/domain bit by bit; list changes that no test notices (ARGS=ledger.registers)
	@HYPOTHESIS_PROFILE=mutate $(BIN)/mutmut run "shared.domain.$(ARGS)*"
	@$(BIN)/mutmut results

soak: bootstrap ## Test for some two hours: 10,000 runs of the machine, load under kill -9, drills
	@HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n 2 --dist worksteal --show-capture=no \
		tests/stateful tests/load tests/drills tests/functions/api/test_openapi_conformance.py \
		tests/public/test_auth_emulator.py $(ARGS)

bench: bootstrap ## Measure everything against its floor (ARGS="webhook --quick")
	@$(BIN)/python -m dev.benchmarks $(ARGS)

check: bootstrap ## Lint, formatting, types, imports, known vulnerabilities
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@test -n "$(SKIP_AUDIT)" || $(BIN)/python -m dev.dependencies.audit

setup-check: bootstrap ## Set up a fresh clone with the oldest and the newest pip
	@$(BIN)/python -m dev.dependencies.setup_check

audit: bootstrap ## Look every package up among known vulnerabilities, or fail
	@$(BIN)/python -m dev.dependencies.audit --strict

# Other packages keep their versions, except with ARGS=--upgrade or ARGS=--upgrade-package=NAME.
lock: bootstrap ## Pin the packages of pyproject.toml, with hashes, and list the licenses
	@$(BIN)/python -m dev.dependencies.lock $(ARGS)
	@$(PYTHON) dev/set_up.py
	@$(BIN)/python -m dev licenses

sbom: bootstrap ## Install requirements.txt in build/deployed, and list it in build/sbom.cdx.json
	@$(BIN)/uv sync --quiet --frozen --inexact --group release
	@$(PYTHON) -m venv --clear build/deployed
	@build/deployed/bin/pip install --quiet --requirement requirements.txt
	@build/deployed/bin/python -c "import main"
	@build/deployed/bin/pip uninstall --quiet --yes pip setuptools
	@$(BIN)/cyclonedx-py environment --output-reproducible --output-file build/sbom.cdx.json \
		build/deployed/bin/python

firebase: bootstrap ## Fetch firebase-tools by npm, for the tests that try firebase.json
	@$(BIN)/python -m dev.local.firebase_tools

pin-images: bootstrap ## Pin the images of cloudbuild.yaml by digest (needs Docker with buildx)
	@$(BIN)/python -m dev.release.images

provider-schema: bootstrap ## Compare the copied schema of Terraform's Google provider with its source
	@$(BIN)/python -m dev.infra.provider_schema --check

check-infra: bootstrap ## Check the format of infra/, test its plan, and scan it with checkov (needs Terraform)
	@command -v terraform >/dev/null || { echo "Terraform is missing: install version 1.11 or newer" \
		"(https://developer.hashicorp.com/terraform/install) and try again." >&2; exit 1; }
	@terraform fmt -check -diff -recursive infra
	@$(BIN)/python -m pytest -q tests/infra
	@test -x build/checkov/bin/checkov || $(PYTHON) -m venv build/checkov
	@build/checkov/bin/pip install --quiet checkov==3.3.30
	@build/checkov/bin/checkov --directory infra --framework terraform --compact --quiet --skip-download

format: bootstrap ## Correct what ruff can correct
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format

clean: ## Remove what the tools left behind, .venv apart
	@rm -rf build htmlcov mutants .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
