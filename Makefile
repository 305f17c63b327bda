# Each target does its own set-up, on a machine with make and Python >= 3.11.
# `make PYTHON=python3.12 VENV=.venv312 test` chooses another Python and another folder.

VENV    ?= .venv
PYTHON  ?=
WORKERS ?= 2
FLOOR   ?= 95

BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
STAMPS  := $(VENV)/stamps
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-slow test-lowest check format docs screenshots bench bench-lesson pin \
    clean FORCE

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(STAMPS)/base  ## the notebook replayed, every number compared; pictures in glassnet-demo/
	$(BIN)/glassnet demo

lab: $(STAMPS)/lab  ## a page in the browser on which a network trains before your eyes
	$(BIN)/glassnet lab

# the coverage is told also where a test failed
test: $(STAMPS)/test  ## the fast tests, with branch coverage
	@tools/chromium.sh
	@$(BIN)/coverage erase
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --cov --cov-report= || failed=1; \
	echo "Branch coverage of all of glassnet:"; \
	$(BIN)/coverage report; \
	echo "Branch coverage of core, engines and training, at least $(FLOOR) %:"; \
	$(BIN)/coverage report --fail-under=$(FLOOR) \
	    --include='src/glassnet/core/*,src/glassnet/engines/*,src/glassnet/training/*' \
	    && test -z "$$failed"

# pytest's status 5 says that no test is marked slow
test-slow: $(STAMPS)/test  ## the tests marked slow
	@tools/chromium.sh
	$(BIN)/python -m pytest -m slow -n $(WORKERS) || [ $$? -eq 5 ]

# old releases use what newer ones of theirs deprecate: not ours to mend, so no error here
test-lowest:  ## the fast tests with every dependency at its declared lower bound (.venv-lowest)
	@tools/chromium.sh
	@tools/venv.sh .venv-lowest "$(PYTHON)"
	.venv-lowest/bin/python tools/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip --disable-pip-version-check install --quiet \
	    --constraint .venv-lowest/lowest.txt --editable . --group test
	.venv-lowest/bin/python -m pytest -m "not slow" -n $(WORKERS) -W ignore::DeprecationWarning

CHECKS := check-format check-lint check-types check-floors check-spelling
.PHONY: $(CHECKS)

# all of them run, also where one fails, so that one look shows everything
check: $(STAMPS)/check  ## format, lint, types, floors, spelling
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)

check-format: $(STAMPS)/check
	$(BIN)/ruff format --check
check-lint: $(STAMPS)/check
	$(BIN)/ruff check
check-types: $(STAMPS)/check
	$(BIN)/mypy
check-floors: $(STAMPS)/check
	$(BIN)/lint-imports
check-spelling: $(STAMPS)/check
	$(BIN)/codespell

format: $(STAMPS)/check  ## put the code in order: ruff format, ruff check --fix
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# built anew each time: a page that was kept is a page that was not run
docs: $(STAMPS)/docs  ## the documentation, every block executed: docs/_build/html/index.html
	$(BIN)/sphinx-build -E -W --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

# SCREENSHOTS=FOLDER takes them at 768, 1280 and 1920 there, to look at, and leaves the docs alone.
screenshots: $(STAMPS)/test  ## six pictures of the lab for the documentation: docs/_static/lab/
	@tools/chromium.sh --needed
	$(BIN)/python -m tools.screenshots $(SCREENSHOTS)

# An environment of its own: the peers are large, and hold mpmath to an older version than the tests.
# BENCH='--quick' shows in two minutes that it runs; BENCH=--help tells the rest.
bench: .venv-bench/ready  ## glassnet beside its peers, in one run: benchmarks/results/
	.venv-bench/bin/python -m benchmarks $(BENCH)

bench-lesson: $(STAMPS)/bench  ## the notebook's plain loop and the walkthrough, timed
	$(BIN)/python -m pytest benchmarks -o addopts= -p no:cacheprovider --benchmark-only \
	    --benchmark-group-by=group --benchmark-columns=median,iqr,rounds

.venv-bench/ready: pyproject.toml constraints.txt benchmarks/peers.txt
	@tools/venv.sh .venv-bench "$(PYTHON)"
	@echo "Installing glassnet and its peers into .venv-bench: once, a few minutes"
	@grep -v -i '^mpmath==' constraints.txt > .venv-bench/constraints.txt
	@.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet \
	    --constraint .venv-bench/constraints.txt --constraint benchmarks/peers.txt \
	    --editable '.[bench]'
	@touch $@

pin:  ## write constraints.txt anew: the newest versions that fit pyproject.toml
	@tools/venv.sh .venv-pin "$(PYTHON)"
	.venv-pin/bin/python -m pip --disable-pip-version-check install --quiet --upgrade . --group dev
	echo '# The versions that development uses, written by `make pin`.' > constraints.txt
	.venv-pin/bin/python -m pip freeze --exclude glassnet | LC_ALL=C sort --ignore-case >> constraints.txt
	rm -rf .venv-pin

clean:  ## remove what was made, the environments too
	rm -rf $(VENV) .venv-lowest .venv-pin build dist docs/_build docs/jupyter_execute \
	    .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks \
	    .coverage .coverage.* htmlcov glassnet-demo
	find src tests benchmarks docs tools -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# ---- set-up: run again only where pyproject.toml or constraints.txt changed

$(BIN)/python: FORCE
	@tools/venv.sh $(VENV) "$(PYTHON)"

$(STAMPS)/base: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing glassnet and what it needs into $(VENV): once, about a minute"
	@$(PIP) --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/lab: $(STAMPS)/base
	@echo "Installing what the lab needs into $(VENV): once, about half a minute"
	@$(PIP) --editable '.[lab]'
	@touch $@

$(STAMPS)/test $(STAMPS)/check $(STAMPS)/docs $(STAMPS)/bench: $(STAMPS)/%: $(STAMPS)/base
	@echo "Installing the tools of '$*' into $(VENV): once, about half a minute"
	@$(PIP) --group $*
	@touch $@
