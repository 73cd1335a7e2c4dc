PYTHON ?= python3
BIN := .venv/bin
REGISTRY ?= .demo/registry
PORT ?= 50051
WORKERS ?= 2
STORE ?= .demo/live
ADMIN_PORT ?= 50052

.PHONY: help install referees demo test check serve preview fuzz bench bench-full soak lock messages proto clean

help:  ## Print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed  ## Make .venv with the command vitrina, from the hashed lock

.venv/installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Vitrina needs Python 3.11 or later; call: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "installing from requirements/dev.txt (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

referees: .venv-referees/installed .venv-rectools/installed  ## The libraries that benchmarks/accuracy.py asks the same (gigabytes)

.venv-%/installed: requirements/%.txt
	@$(PYTHON) -m venv .venv-$* && .venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

demo: install  ## Train on a real year of groceries, serve it, ask it, print the lists
	@$(BIN)/vitrina demo

test: install  ## Run every test, in as many processes as there are cores
	@$(BIN)/python -m pytest -n auto --no-loadscope-reorder

check: install  ## Lint, types, floors, proto, generated code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/buf lint proto
	@$(BIN)/python proto/generate.py --check

serve: install  ## Serve the demo's bundle on PORT with WORKERS processes, operators on ADMIN_PORT, events kept in STORE
	@$(BIN)/vitrina serve --registry $(REGISTRY) --port $(PORT) --workers $(WORKERS) --admin-port $(ADMIN_PORT) --as-of last --open --store $(STORE)

preview: install  ## Look through the demo's lists in a browser, on this machine only
	@$(BIN)/vitrina preview --registry $(REGISTRY) --photos .demo/packshots

fuzz: install  ## Fuzz what reads bytes from outside, ten minutes
	@$(BIN)/python tests/fuzz/fuzz.py -max_total_time=600

bench: install  ## Measure rules, training, the engine, swaps, a server and accuracy beside named rivals; plots and tables
	@$(call measure,rules train engine opening server plots tables)
	@$(BIN)/python benchmarks/accuracy.py --quick

bench-full: install referees  ## All benchmarks: every data set and library, events, campaigns, overload, photos, sessions, tuning; hours
	@$(call measure,$(filter-out plots tables machine made session_oracles images_plot soak,$(basename $(notdir $(wildcard benchmarks/*.py)))) plots tables)

measure = failed=; for one in $(1); do echo "== $$one"; $(BIN)/python benchmarks/$$one.py || failed="$$failed $$one"; done; \
  [ -z "$$failed" ] || { echo "not measured:$$failed"; exit 1; }

soak: install  ## Ten minutes of everything at once on the front inside Envoy, ten of swaps under load, rolling restarts, 220 kills of what records events, properties searched anew, ten of fuzzing
	@$(BIN)/python benchmarks/soak.py
	@VITRINA_SWAP_S=600 VITRINA_SWAPS=benchmarks/results/swaps.json $(BIN)/python -m pytest tests/server/test_swapping.py -k under_load -s
	@VITRINA_ROLLS=8 $(BIN)/python -m pytest tests/server/test_workers.py -k rolling
	@VITRINA_KILLS=220 VITRINA_TRIALS=benchmarks/results/kills.json $(BIN)/python -m pytest tests/server/test_kills.py -s
	@$(BIN)/python -m pytest -n auto --no-loadscope-reorder -m hypothesis --hypothesis-profile=search
	@$(MAKE) fuzz

lock:  ## Resolve pyproject.toml into requirements/*.txt again
	@$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" -o requirements/serve.txt
	@$(BIN)/uv pip compile -q pyproject.toml --extra train --extra images --extra letters --extra demo --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" -o requirements/train.txt
	@$(BIN)/uv pip compile -q pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" -o requirements/dev.txt
	@for one in referees rectools; do $(BIN)/uv pip compile -q requirements/$$one.in --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" -o requirements/$$one.txt; done

messages:  ## Compile the sentences of src/vitrina/locales/*/LC_MESSAGES/vitrina.po
	@$(BIN)/pybabel --quiet compile -d src/vitrina/locales -D vitrina

proto:  ## Generate src/vitrina/v1 from proto/ again
	@$(BIN)/python proto/generate.py

clean:  ## Remove .venv, the demo's data and bundles, caches
	@rm -rf .venv .venv-referees .venv-rectools .demo benchmarks/.cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
