# Everything happens in .venv and .venv-audit; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
AUDIT := .venv-audit
BIN := $(VENV)/bin
MUTANTS := .venv-mutants
EXAMPLES ?= 60
SCRIPTS ?= 5
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test proof mutants bench example sbom audit lock clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/run ## Set up, run the whole job on the embedded sandbox, and say where the reports lie
	$(BIN)/ri-report demo

test: $(VENV)/test ## Set up, check style and types, and pass the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto

proof: $(VENV)/test ## Set up and search for what breaks the laws; EXAMPLES=2000 SCRIPTS=100 for longer
	RI_REPORT_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -n auto tests/rules/test_laws.py tests/rules/test_hours.py
	RI_REPORT_EXAMPLES=$(SCRIPTS) $(BIN)/pytest -n auto tests/matrix/test_any_faults.py tests/matrix/test_kills.py

mutants: $(MUTANTS)/made ## Print how many wrong versions of the rules the tests notice (takes three quarters of an hour)
	$(MUTANTS)/bin/python -m tests.benchmarks.mutants

bench: $(VENV)/run ## Set up and print how fast it is, as ratios within one run
	$(BIN)/python -m tests.benchmarks

example: $(VENV)/run ## Make the committed example anew, with the picture in the README (needs Chromium)
	rm -rf reports/demo && $(BIN)/ri-report demo --format html,xlsx,json
	mkdir -p reports/example
	cp reports/demo/ri-report.html reports/demo/ri-report.xlsx reports/demo/report.json reports/example
	chmod 644 reports/example/*
	chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,1560 \
		--user-data-dir=$$(mktemp -d) --screenshot=reports/example/page.png \
		file://$(CURDIR)/reports/example/ri-report.html

sbom: $(AUDIT)/made ## Write build/sbom.json: the software bill of materials (CycloneDX) of what is locked
	$(AUDIT)/bin/python -m tests.dependencies.sbom

audit: $(AUDIT)/made ## Look for known vulnerabilities of what is locked, where their database can be reached
	$(AUDIT)/bin/python -m tests.dependencies.audit

lock: ## Resolve the locked versions anew
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate pyproject.toml --group build --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate pyproject.toml --group build --extra test --constraint requirements.lock \
		--output-file requirements-test.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate requirements-audit.in --output-file requirements-audit.lock

clean: ## Remove the environment and the caches
	rm -rf $(VENV) $(AUDIT) $(MUTANTS) mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/run: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-build-isolation --no-deps -e .
	touch $@

$(MUTANTS)/made: requirements-test.lock
	$(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-test.lock
	$(MUTANTS)/bin/python -m pip --disable-pip-version-check --quiet install mutmut==3.8.1
	touch $@

$(VENV)/test: $(VENV)/run requirements-test.lock
	$(PIP) install --require-hashes -r requirements-test.lock
	touch $@

# What looks at the dependencies stays apart from them.
$(AUDIT)/made: requirements-audit.lock
	$(PYTHON) -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	touch $@
