SHELL := /bin/bash -o pipefail
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# LLAVA_BUILD is llama.cpp's support for pictures and sound. To build for a GPU, run
#   make demo CMAKE_ARGS="-DGGML_CUDA=on -DLLAVA_BUILD=OFF"
CMAKE_ARGS ?= -DLLAVA_BUILD=OFF
export CMAKE_ARGS

# The seed of the random examples of `make fresh`; `make fresh SEED=7` repeats a run.
ifndef SEED
SEED := $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
endif

VSCODE := editors/vscode

.PHONY: demo test vscode editor-test fresh mutants fuzz soak remote-test lint docs package benchmark clean

demo: $(VENV)/.installed
	@echo "Downloading a small model (98 MB), and converting it to a faster format:"
	$(BIN)/starcoder-lsp models get smollm2-135m
	@echo
	@echo "Completing the line at the cursor's mark in examples/fibonacci.py:"
	$(BIN)/starcoder-lsp complete examples/fibonacci.py

# A failure of the last line is an old fault that nobody has met before: it is reported with
# its seed, and does not stop a change that has nothing to do with it.
test: $(VENV)/.tested lint vscode
	$(BIN)/pytest
	$(MAKE) fresh SEED=$(SEED) || echo "New random examples fail: make fresh SEED=$(SEED) repeats them."

# Check the types and run the unit tests of the extension for VS Code, if there is Node.
vscode:
	@if node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then \
	  $(MAKE) --no-print-directory $(VSCODE)/node_modules/.package-lock.json \
	  && npm --prefix $(VSCODE) run --silent check && npm --prefix $(VSCODE) run --silent test; \
	else echo "Skipped the tests of $(VSCODE): they need Node 20 or newer."; fi

$(VSCODE)/node_modules/.package-lock.json: $(VSCODE)/package-lock.json
	npm --prefix $(VSCODE) ci --ignore-scripts --silent

# Drive the plugins in all editors that are on this machine, and name those that are not:
# docs/editors.md lists the variables. VS Code takes minutes to install, the first time.
editor-test: $(VENV)/.tested
	$(BIN)/pytest -rs tests/editors
	bash $(VSCODE)/e2e/run

# Run the property tests with new random examples; `make test` always has the same ones.
fresh: $(VENV)/.tested
	$(BIN)/pytest -q -m hypothesis --hypothesis-profile=fresh --hypothesis-seed=$(SEED)

# Change the core in thousands of ways, one at a time, and count the changes that the unit
# tests notice: docs/mutation-testing.md. `mutmut run` continues an interrupted run.
mutants: $(VENV)/.mutants
	rm -rf mutants
	nice $(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results --all true | $(BIN)/python tests/mutation_score.py

lint: $(VENV)/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The tables of docs/settings.md and the settings of the VS Code extension come from the
# declarations of the settings.
docs: $(VENV)/.installed
	$(BIN)/python -P -m starcoder_lsp.settings.reference docs/settings.md
	$(BIN)/python -P -m starcoder_lsp.settings.vscode editors/vscode/package.json

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

# The remote engine on real servers. That of llama-cpp-python is always there; llama-server
# is taken from LLAMA_SERVER or the path, and vLLM from the interpreter VLLM_PYTHON with a
# model in STARCODER_HF_MODEL, a folder of a StarCoder2 as on Hugging Face.
remote-test: $(VENV)/.tested
	$(BIN)/pytest -q -rs tests/engine/test_remote_servers.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis mutants

# Without python3-venv, Debian's Python has no ensurepip; its pip can fill a bare venv.
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

$(VENV)/.mutants: pyproject.toml | $(BIN)/python
	$(call install,.[dev,mutants])
	@touch $(VENV)/.installed $(VENV)/.tested $@

# pip shows nothing while it compiles, so print the lines of its log that show progress.
define install
	@echo "Installing. This compiles llama.cpp once, which takes about 5 minutes on 2 cores."
	@$(BIN)/python -m pip install --verbose --no-input -e '$(1)' 2>&1 \
	  | tee $(VENV)/install.log \
	  | { grep --line-buffered -oE '^ *\[[0-9]+/[0-9]+\]|^Collecting [^ ]+|^Successfully installed' || true; } \
	  || { tail -n 40 $(VENV)/install.log; echo "Full log: $(VENV)/install.log"; exit 1; }
endef
