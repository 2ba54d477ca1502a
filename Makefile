PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PRESET ?= quick
PYTEST_OPTIONS ?=

CORE_VENV := .venv-core
CORE_STAMP := $(CORE_VENV)/.ready
CORE_TESTS ?= tests/analysis tests/fronts tests/pages tests/results tests/tables/own tests/advise/test_advisor.py \
	tests/formats/test_arrow_texts.py tests/predictors/models tests/simulation/test_kernel.py \
	tests/simulation/test_run.py tests/study/test_study.py tests/study/test_device_sets.py tests/runs/test_run.py \
	tests/test_extras.py tests/test_plug_ins.py

.PHONY: help setup benchmark test test-all test-core test-gpu bench evidence docs lint format news clean

help:
	@echo "make benchmark   run the quick benchmark and write its HTML report; PRESET=good runs longer"
	@echo "make test        run the tests"
	@echo "make test-all    run the tests, the slow ones too"
	@echo "make test-core   run tests of the core without extras, with the newest libraries; CORE_TESTS=tests runs all"
	@echo "make test-gpu    run the tests of what computes with CUDA"
	@echo "make bench       measure speed (pytest-benchmark)"
	@echo "make evidence    rebuild the pages and figures of what searches come to, from reports/results"
	@echo "make docs        build the documentation, docs/build/html/index.html"
	@echo "make lint        ruff, mypy and the import contracts"
	@echo "make news        show what the fragments in news/ say of the next version"
	@echo "make setup       only make the environment $(VENV)"

setup: $(STAMP)

# torch first and pinned: another request for it may take a build with gigabytes of GPU libraries.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

benchmark: $(STAMP)
	$(BIN)/hwbench benchmark --preset $(PRESET)

test: $(STAMP)
	$(BIN)/python -m pytest -m "not slow" --ignore tests/benchmarks -n auto $(PYTEST_OPTIONS)

test-all: $(STAMP)
	$(BIN)/python -m pytest --ignore tests/benchmarks -n auto $(PYTEST_OPTIONS)

# An environment of its own, in which no extra keeps the core from the newest pandas and scikit-learn.
$(CORE_STAMP): pyproject.toml
	test -x $(CORE_VENV)/bin/python || $(PYTHON) -m venv $(CORE_VENV)
	$(CORE_VENV)/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable '.[test]'
	touch $@

test-core: $(CORE_STAMP)
	HWBENCH_TEST_CORE=1 $(CORE_VENV)/bin/python -m pytest -m "not slow" -n auto $(CORE_TESTS) $(PYTEST_OPTIONS)

test-gpu: $(STAMP)
	$(BIN)/python -m pytest -m gpu tests/test_gpu.py tests/test_gpu_recipes.py $(PYTEST_OPTIONS)

bench: $(STAMP)
	$(BIN)/python -m pytest --benchmark-only tests/benchmarks

evidence: $(STAMP)
	$(BIN)/python reports/search_evidence.py
	$(BIN)/python reports/live_evidence.py
	$(BIN)/python reports/compress_evidence.py

docs: $(STAMP)
	HWBENCH_RUN_TOUR=1 $(BIN)/python -m sphinx -q -W --keep-going docs docs/build/html
	@echo "docs/build/html/index.html"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

news: $(STAMP)
	$(BIN)/towncrier build --draft

clean:
	rm -rf $(VENV) $(CORE_VENV) build dist runs docs/build docs/generated
