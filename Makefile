# make setup | demo | test | check | bench; everything happens in .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CPP := $(wildcard cpp/src/* cpp/include/throughtime/*)

.PHONY: setup demo test check bench format clean
.DELETE_ON_ERROR:

setup: $(VENV)/.installed

# torch first, exactly as pinned: no later step may choose another. Build tools are pinned too, so no isolated build.
$(VENV)/.requirements: constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch -c constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt scikit-build-core nanobind cmake ninja
	touch $@

$(VENV)/.installed: $(VENV)/.requirements CMakeLists.txt $(CPP)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  --no-build-isolation --editable '.[train,bpe,dev]'
	touch $@

demo: setup
	$(BIN)/throughtime demo

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

bench: setup
	$(BIN)/python -m benchmarks

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
