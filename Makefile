# Needs Python 3.11 or newer, pip and make. Every target does its own set-up.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# The first interpreter that is new enough; `make PYTHON=/path/to/python3.12 …` chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
HOST ?=
PORT ?=
ARGS ?=

BENCHES := vad stream_cost acoustic_cost mixes_table live_prompts speech_rate live_sessions live_capacity clap_device clap_learns clap_labels clap_memory

.PHONY: help setup run test check format bench accuracy docs clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | \
		while IFS='|' read -r name what; do printf '%-14s %s\n' "$$name" "$$what"; done
	@echo
	@echo 'Variables: HOST, PORT (run); ARGS (run: flags of `tingqing serve`; test: flags of pytest); PYTHON.'

setup: $(STAMP) ## Create .venv and install everything, development tools included

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed, and was not found. Try: make PYTHON=/path/to/python3' >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cpu,dev,evaluate]'
	@touch $@

run: $(STAMP) ## Start the server and serve the page (HOST, PORT)
	$(BIN)/tingqing serve $(strip $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT)) $(ARGS))

test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest $(ARGS)

check: $(STAMP) ## Format, lint, types, direction of imports, size of files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_sizes.py
	$(BIN)/python tools/check_client_layers.py

format: $(STAMP) ## Rewrite the sources as `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## Run the benchmarks (minutes; some need real audio, see bench/)
	@for name in $(BENCHES); do echo "== $$name"; $(BIN)/python bench/$$name.py || exit 1; done
	@echo "== clap"; $(BIN)/tingqing bench clap

accuracy: $(STAMP) ## Write docs/accuracy.md again (minutes; needs real audio, see bench/)
	$(BIN)/python bench/accuracy.py

docs: $(STAMP) ## Write the generated documents again (AsyncAPI, schemas of label files and sounds)
	$(BIN)/tingqing schema asyncapi --output docs/asyncapi.json
	$(BIN)/tingqing schema labels --output labels/schema.json
	$(BIN)/tingqing schema sounds --output labels/sounds/schema.json

clean: ## Remove what was built; the environment too
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find server tests bench tools -name __pycache__ -type d -exec rm -rf {} +
