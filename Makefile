# The two commands of a new machine are `make demo` and `make test`; each makes its own virtual environment.
PYTHON ?= python3
VENV ?= .venv
N ?= 2000
BIN := $(VENV)/bin

.PHONY: demo test test-oldest test-wheel lint clean

$(BIN)/.installed: pyproject.toml setup.py $(wildcard sfhsim/records/*.pyx)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .[test,lint]
	touch $@

demo: $(BIN)/.installed ## Synthetic galaxies in demo/, with pictures; histories of two observed ones; maps of a mock cube.
	$(BIN)/sfhsim generate demo -n $(N) --out demo/dataset --shard-size 8MB --plots
	$(BIN)/sfhsim plot demo --out demo/plots
	$(BIN)/sfhsim inspect demo/dataset --plot demo/plots/sample.png
	$(BIN)/sfhmodel demo --out demo/galaxies
	$(BIN)/sfhsim cube disc --set field.n_x=24 --set field.n_y=24 --set field.pixel_arcsec=0.8 --out demo/cube.fits --overwrite
	$(BIN)/sfhmodel map phangs-muse-hst demo/cube.fits --redshift 0.004 --bins sn:60 --check --out demo/maps.fits --plots demo/maps --overwrite

# Workers' threads that wait for one another by spinning take up to nine tenths of the processor.
test test-oldest test-wheel: export OMP_WAIT_POLICY ?= PASSIVE
test test-oldest test-wheel: export OPENBLAS_THREAD_TIMEOUT ?= 4

test: $(BIN)/.installed ## Every test that this machine can run.
	$(BIN)/python -m pytest -n auto

test-oldest: ## A part of the tests with the oldest versions that pyproject.toml allows.
	VENV=$(VENV) PYTHON=$(PYTHON) .ci/oldest

test-wheel: $(BIN)/.installed ## A wheel, installed and used away from this checkout.
	PYTHON=$(BIN)/python .ci/wheel

lint: $(BIN)/.installed ## Style, contracts on imports, types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

clean:
	rm -rf $(VENV) $(VENV)-oldest demo
