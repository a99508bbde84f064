# make setup | demo | test | quick | check | test-cpp | fuzz-cpp | fuzz | bench | wheel; everything happens in .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CPP := $(wildcard cpp/src/* cpp/include/throughtime/*)

.PHONY: setup program bill demo test quick test-cpp test-cpp-threads test-bindings fuzz-cpp fuzz check check-cpp bench wheel format clean
.DELETE_ON_ERROR:

# The program and what its tests and checks need; `program` is without these.
setup: $(VENV)/.developer
program: $(VENV)/.program

# Asked before anything is fetched: without a compiler the engine cannot be built. CMake takes CXX where it is set.
COMPILERS := $(if $(filter default,$(origin CXX)),c++ g++ clang++,$(CXX))
define need_compiler
@for each in $(COMPILERS); do \
  if echo 'int main() {}' | $$each -std=c++17 -fsyntax-only -x c++ - 2>/dev/null; then exit 0; fi; done; \
echo "make: no working C++17 compiler found (tried: $(COMPILERS)). Install one and try again:" \
  "apt install g++ (Debian, Ubuntu), dnf install gcc-c++ (Fedora), xcode-select --install (macOS)" >&2; exit 1
endef

# Wheels only: what has to be built on the spot fails on some machine. The exceptions: $(SOURCES), which comes as a source
# archive alone and needs nothing but setuptools, and this project. Versions are pinned, build tools too, so nothing is
# isolated and no resolver may choose another torch: it goes first.
SOURCES := jieba
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
  -c constraints.txt --only-binary :all: --no-binary $(SOURCES)
BUILD := PATH="$(abspath $(BIN)):$$PATH" $(INSTALL) --no-build-isolation --editable

$(VENV)/.requirements: constraints.txt pyproject.toml
	$(need_compiler)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) torch
	$(INSTALL) scikit-build-core nanobind cmake ninja setuptools
	touch $@

# An editable installation knows the modules that were there when it was made.
MODULES := $(VENV)/.modules-$(shell { find src -name '*.py' | LC_ALL=C sort | cksum | tr ' ' '-'; } 2>/dev/null)
$(MODULES): $(VENV)/.requirements
	rm -f $(VENV)/.modules-*
	touch $@

$(VENV)/.program: $(VENV)/.requirements $(MODULES) CMakeLists.txt $(CPP)
	$(need_compiler)
	$(BUILD) '.[train,bpe,forecast,labels,chinese,scores,insight,demo]'
	touch $@

$(VENV)/.developer: $(VENV)/.program
	$(INSTALL) --no-build-isolation $$($(BIN)/python packaging/extra.py dev)
	touch $@

# The bill of materials: every pinned version, as CycloneDX. Its tools are in an environment of their own.
BILL := build/bill
bill:
	test -x $(BILL)/bin/python || $(PYTHON) -m venv $(BILL)
	$(BILL)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r packaging/bill.txt
	$(BILL)/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type library --output-reproducible \
	  --output-format JSON --output-file build/throughtime.cdx.json constraints.txt

demo: program
	$(BIN)/throughtime demo

test: setup test-cpp
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m "not long"

# What a contributor runs in two minutes: all but the tests marked slow, and not the core's own.
quick: setup
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m "not slow and not long"

# The core by itself, with address and undefined-behaviour sanitizers: tests, and five seconds of fuzzing.
SANITIZED := build/sanitized
test-cpp: setup
	$(BIN)/python cpp/tests/programs.py $(SANITIZED)/programs
	PATH="$(abspath $(BIN)):$$PATH" && cmake -S . -B $(SANITIZED) -G Ninja -DCMAKE_BUILD_TYPE=Debug \
	  -DTHROUGHTIME_SANITIZE=ON >$(SANITIZED)/configure.log && cmake --build $(SANITIZED) -- --quiet && \
	  ctest --test-dir $(SANITIZED) --output-on-failure --parallel 2

# What runs on several threads, with ThreadSanitizer.
RACES := build/threads
test-cpp-threads: setup
	$(BIN)/python cpp/tests/programs.py $(RACES)/programs
	PATH="$(abspath $(BIN)):$$PATH" && cmake -S . -B $(RACES) -G Ninja -DCMAKE_BUILD_TYPE=Debug \
	  -DTHROUGHTIME_SANITIZE=thread >$(RACES)/configure.log && cmake --build $(RACES) -- --quiet && \
	  ctest --test-dir $(RACES) --output-on-failure

# The bindings and the core with the same sanitizers, under the engine's tests, whose arrays lie; then with that of races.
BINDINGS := build/bindings
test-bindings: setup
	mkdir -p $(BINDINGS)
	PATH="$(abspath $(BIN)):$$PATH" && for each in address thread; do \
	  cmake -S . -B $(BINDINGS)/$$each -G Ninja -DCMAKE_BUILD_TYPE=Debug -DSKBUILD=ON -DTHROUGHTIME_SANITIZE=$$each \
	    -DPython_EXECUTABLE="$(abspath $(BIN))/python" \
	    -Dnanobind_DIR="$$($(BIN)/python -m nanobind --cmake_dir)" >$(BINDINGS)/$$each.log && \
	  cmake --build $(BINDINGS)/$$each --target _engine -- --quiet && \
	  $(BIN)/python -m tests.engine.sanitized $$each $(BINDINGS)/$$each || exit 1; done

# Longer: make fuzz-cpp SECONDS=600. An input that breaks the core is saved to run it again.
SECONDS ?= 600
fuzz-cpp: test-cpp
	$(SANITIZED)/cpp/tests/fuzz $(SANITIZED)/programs $(SECONDS) $$(date +%s)

# Coverage-guided fuzzing of what is read from a model folder: make fuzz SECONDS=600. What breaks it is in build/fuzz.
fuzz: setup
	$(INSTALL) atheris
	$(BIN)/python -m tests.fuzz.atheris_load --seconds $(SECONDS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) check-cpp test-cpp test-cpp-threads
	CHECK_PINS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# The C++ source: its format, what clang-tidy knows to be wrong (.clang-tidy), files of at most 400 lines.
CPP_UNITS := $(wildcard cpp/src/*.cpp cpp/tests/*.cpp)
CPP_FILES := $(CPP_UNITS) $(wildcard cpp/src/*.h cpp/tests/*.h cpp/include/throughtime/*.h)
CPP_SYSTEM = $(shell $(BIN)/python -c "import sysconfig as s, nanobind as n; \
  print('-isystem', s.get_paths()['include'], '-isystem', n.include_dir())")
check-cpp: setup
	@$(BIN)/clang-format --dry-run --Werror $(CPP_FILES)
	@wc -l $(CPP_FILES) | awk '$$1 > 400 && $$2 != "total" {print $$2 ": " $$1 " lines, at most 400"; bad = 1} END {exit bad}'
	@printf '%s\n' $(CPP_UNITS) | xargs -P "$$(getconf _NPROCESSORS_ONLN)" -I {} $(BIN)/clang-tidy --quiet {} -- \
	  -std=c++17 -Icpp/include -Icpp/src -Icpp/tests -DTT_ISA=base $(CPP_SYSTEM)

bench: setup
	$(BIN)/python -m benchmarks

# The wheel for this Python and machine, in dist/, tried out where there is neither a compiler nor torch. The portable
# ones are built by cibuildwheel: [tool.cibuildwheel] in pyproject.toml.
wheel: setup
	rm -f dist/throughtime-*.whl
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --wheel-dir dist .
	$(BIN)/python packaging/check_wheel.py dist/throughtime-*.whl

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $(CPP_FILES)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
