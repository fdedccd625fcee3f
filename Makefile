# Every chore of the project. `make` alone lists them; each one sets up the environment in .venv first.
#
#   PYTHON=python3.12    interpreter for a new .venv (default: the first suitable one on PATH)
#   ARGS='-k strip -x'   more arguments for the program that does the work (pytest, the demo, the benchmarks, ...)

PYTHON ?=
ARGS ?=
# Test processes: two keep a small machine busy without starving tests that wait for other programs.
WORKERS ?= 2

BIN := .venv/bin
PY := $(BIN)/python
STAMP := .venv/.installed
CODE := am_core am_dbg telemetry ssh proto stubs tests scripts examples benchmarks

# A checkout that was moved or copied holds an environment that still points to the old place.
ifneq "$(shell cat $(STAMP) 2>/dev/null)" "$(shell pwd -P)"
.PHONY: $(STAMP)
endif

.DEFAULT_GOAL := help
.PHONY: help demo test coverage mutants check lint imports dependencies docs-check shots-check types mypy pyright bench \
	shots snapshots proto docs clean

help: ## list the chores
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

$(STAMP): pyproject.toml constraints.txt scripts/venv.sh
	@scripts/venv.sh $(PYTHON)

demo: $(STAMP) ## watch a small live system of state machines
	@$(BIN)/am-dbg demo $(ARGS)

test: $(STAMP) ## run the tests (ARGS='-k name' for some of them)
	@$(PY) -m pytest -n $(WORKERS) $(ARGS)

coverage: $(STAMP) ## branch coverage of the engine, which must not fall below the limit in pyproject.toml
	@$(PY) -m coverage run -m pytest -q tests/core $(ARGS)
	@$(PY) -m coverage report

mutants: $(STAMP) ## break the resolver and the queue in small ways, and list what their tests do not notice (half an hour)
	@CI=1 $(PY) scripts/mutants.py am_core/resolution/queue.py tests/core/test_core_queue_order.py tests/core/test_core_queue.py
	@CI=1 $(PY) scripts/mutants.py am_core/resolution/relations.py tests/core/test_core_relations.py tests/core/test_core_auto.py \
		tests/core/test_core_resolution.py tests/core/test_core_records.py tests/core/test_core_vectors.py

check: lint imports dependencies docs-check shots-check types ## everything that can be checked without running the product

lint: $(STAMP) ## style and formatting
	$(BIN)/ruff check $(wildcard $(CODE))
	$(BIN)/ruff format --check $(wildcard $(CODE))

imports: $(STAMP) ## who may import whom
	$(BIN)/lint-imports --no-cache --no-logo

dependencies: $(STAMP) ## declared dependencies are the imported ones
	$(BIN)/deptry .

docs-check: $(STAMP) ## generated references are up to date
	$(PY) scripts/gen_docs.py --check

shots-check: $(STAMP) ## the screenshots show what the debugger looks like
	$(PY) scripts/screenshots.py --check

types: mypy pyright ## both type checkers

mypy: $(STAMP)
	$(PY) -m mypy
	$(PY) -m mypy tests/typing
	$(PY) -m mypy examples

pyright: $(STAMP)
	scripts/pyright.sh

bench: $(STAMP) ## measure against other libraries, printed as a table
	@$(PY) -m benchmarks $(ARGS)

shots: $(STAMP) ## take the screenshots anew
	$(PY) scripts/screenshots.py $(ARGS)

snapshots: $(STAMP) ## store what the screens look like now; look at the differences before committing them
	@UPDATE_SNAPSHOTS=1 $(PY) -m pytest -q tests/ui $(ARGS)

proto: ## generate the protobuf code from its .proto file
	scripts/gen_proto.sh

docs: $(STAMP) ## write the generated references
	$(PY) scripts/gen_docs.py

clean: ## remove the environment and everything that can be made again
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
