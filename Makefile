# Two commands are enough: `make demo` runs the main job, `make test` the tests.
# Both need Python 3.11 or newer with venv, and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BLUEZ_VM ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/nightcramp/bluez-vm
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: help demo setup test test-bluez lint benchmark model clean

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: setup  ## Record a night from an emulated sensor; simulate, analyse and report a study.
	$(BIN)/nightcramp demo --out demo

setup: $(VENV)/.installed  ## Make .venv with .venv/bin/nightcramp in it.

test: $(VENV)/.installed-dev  ## Run the whole test suite.
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

test-bluez: $(VENV)/.installed-dev $(BLUEZ_VM)/disk.img  ## Test the link on a real kernel and bluetoothd (qemu).
	PYTHONPATH=. $(BIN)/python tests/bluez_vm/run.py $(BLUEZ_VM)

$(BLUEZ_VM)/disk.img:
	PYTHON=$(abspath $(BIN))/python bash tests/bluez_vm/build_image.sh $(BLUEZ_VM)

lint: $(VENV)/.installed-dev  ## Style, types and import rules.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin
	$(BIN)/lint-imports

benchmark: $(VENV)/.installed-dev  ## Time analyze against its peers and draw the picture.
	$(BIN)/python -m benchmarks

model: $(VENV)/.installed-dev  ## Train the shipped classifier again.
	$(BIN)/nightcramp train --out models/nightcramp.onnx

clean:  ## Remove everything that was made here.
	rm -rf $(VENV) demo benchmarks/.peers benchmarks/results .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nightcramp needs Python 3.11 or newer; try: make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Python lacks venv: install it first (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.installed: $(VENV)/.pip pyproject.toml constraints.txt
	@echo "installing nightcramp into $(VENV) (about a minute)"
	$(PIP) install --constraint constraints.txt --editable '.[emulator,app]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what tests and checks need"
	$(PIP) install --constraint constraints.txt --editable '.[train,emulator,mcap,pdf,app,cluster,large]' --group test --group lint
	@touch $@
