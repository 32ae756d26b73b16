SHELL := /bin/bash -o pipefail
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What llama.cpp has for pictures and sound is not needed. For a GPU say, for example,
#   make demo CMAKE_ARGS="-DGGML_CUDA=on -DLLAVA_BUILD=OFF"
CMAKE_ARGS ?= -DLLAVA_BUILD=OFF
export CMAKE_ARGS

.PHONY: demo test lint docs package benchmark fuzz soak clean

demo: $(VENV)/.installed
	$(BIN)/starcoder-lsp models get smollm2-135m
	@echo
	$(BIN)/starcoder-lsp complete examples/fibonacci.py

test: $(VENV)/.tested lint
	$(BIN)/pytest

lint: $(VENV)/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The tables of docs/settings.md come from the declarations of the settings.
docs: $(VENV)/.installed
	$(BIN)/python -P -m starcoder_lsp.settings.reference docs/settings.md

package:
	PYTHON=$(PYTHON) bash .ci/package

benchmark: $(VENV)/.installed
	$(BIN)/python benchmarks/startup.py

# New random input for a minute, or as long as you say; docs/reliability.md says more:
#   make fuzz FUZZ="--target sessions --seconds 600"
fuzz: $(VENV)/.tested
	PYTHONPATH=tests $(BIN)/python -P -m fuzz $(FUZZ)

# make soak SOAK="--minutes 480"
soak: $(VENV)/.installed
	$(BIN)/starcoder-lsp models get smollm2-135m
	$(BIN)/python benchmarks/soak.py $(SOAK)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Debian's Python has no ensurepip without python3-venv; its pip can fill a bare venv.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV) 2>/dev/null \
	  || ( rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) \
	       && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip )

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(call install,.)
	@touch $@

$(VENV)/.tested: pyproject.toml | $(BIN)/python
	$(call install,.[dev])
	@touch $(VENV)/.installed $@

# pip shows nothing while it compiles: of its log, print what is a step forward.
define install
	@echo "Installing. llama.cpp is compiled from its source once: about 5 minutes on 2 cores."
	@$(BIN)/python -m pip install --verbose --no-input -e '$(1)' 2>&1 \
	  | tee $(VENV)/install.log \
	  | { grep --line-buffered -oE '^ *\[[0-9]+/[0-9]+\]|^Collecting [^ ]+|^Successfully installed' || true; } \
	  || { tail -n 40 $(VENV)/install.log; echo "The whole log: $(VENV)/install.log"; exit 1; }
endef
