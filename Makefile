# make demo: from a fresh clone to a report. make test: from a fresh clone to green tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint types bench picture pages docs validate calibrate clean

demo: $(VENV)/core
	@$(BIN)/equipoise compile
	@$(BIN)/equipoise run il2-depression

test: $(VENV)/dev
	@$(BIN)/equipoise compile
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev
	$(BIN)/pyright

bench: $(VENV)/dev
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

picture: $(VENV)/dev
	EQUIPOISE_PICTURE=1 $(BIN)/python -m pytest -q tests/engineering/test_browser.py

# Writes the generated pages anew: tables, protocol fields, faults.
pages: $(VENV)/dev
	EQUIPOISE_TABLES=1 $(BIN)/python -m pytest -q tests/docs/test_reference_pages.py tests/docs/test_instruments_page.py \
		tests/docs/test_documentation.py tests/stats/test_coming_page.py tests/stats/test_validation_page.py \
		-k "page_of or the_page_for"

# The documentation site, from docs/ into out/site; a broken link or anchor is an error (with
# --quiet it would pass: mkdocs does not count warnings that it does not print).
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo out/site/index.html

# What takes too long for every change: fuzzing with many examples, every single write failing,
# levels of the mixed model in small samples, the calibration fitted again.
validate: $(VENV)/dev
	@$(BIN)/equipoise compile
	EQUIPOISE_VALIDATE=1 $(BIN)/python -m pytest tests/fuzz tests/validate tests/cli/test_every_write.py \
		tests/patients/test_calibration.py

# Fits the interleukin-2 model to what is published: writes its table of parameters, and
# docs/reference/il2-calibration.md with its figure and JSON. Some minutes.
calibrate: $(VENV)/dev
	$(BIN)/python -m equipoise.patients.calibration il2
	@$(MAKE) --no-print-directory pages

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Equipoise needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	@echo "making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/core: $(VENV)/python pyproject.toml constraints.txt
	@echo "installing the pinned dependencies (about a minute)"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/dev: $(VENV)/core
	@echo "installing the development tools"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(VENV)/docs: $(VENV)/dev
	@echo "installing the tools of the documentation site"
	@$(BIN)/python -m pip install --quiet --editable '.[dev,docs]'
	@touch $@

clean:
	rm -rf $(VENV) out dist .pytest_cache .ruff_cache .hypothesis
