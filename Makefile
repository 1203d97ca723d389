# Everything below needs git, make and Python 3.11 or newer; the rest is installed into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
# compiled once here rather than by the first command, or by every one where Python may not write
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt

.PHONY: demo demo-stop4b demo-zee demo-graphs notebooks test check bench format clean

demo: .venv/installed  ## Z -> ee, 100 variations, on a local Dask of two workers, and its resolution
	$(BIN)/hepcol run zee zee-fcc -p variations=100 --executor dask --workers 2 -o demo --force
	$(BIN)/hepcol fit demo

demo-stop4b: .venv/installed-stats  ## the stop four-body search: objects, all systematics, yields, limits
	$(BIN)/hepcol run stop4b stop4b-objects -o demo-stop4b --force
	$(BIN)/hepcol yields demo-stop4b
	$(BIN)/hepcol fit demo-stop4b --model histfactory

demo-zee: .venv/installed  ## Z -> ee of PHYSLITE with every systematic, calibration from the peak, and a page of it all
	$(BIN)/hepcol run zee_atlas zee-atlas zee-atlas-data --dataset zee -p in_situ=true -p scale_factors=zee-atlas --executor dask --workers 2 -o demo-zee --force
	$(BIN)/hepcol insitu demo-zee
	$(BIN)/hepcol report demo-zee

demo-graphs: .venv/installed  ## graphs of the large-R jets of QCD and of W' -> WZ, and how similar they are to those of QCD
	$(BIN)/hepcol run jet_graphs jets-qcd -p edges=knn -p k=7 -o demo-graphs/qcd --force
	$(BIN)/hepcol run jet_graphs jets-wprime -p edges=knn -p k=7 -p reference=demo-graphs/qcd -o demo-graphs/wprime --force

notebooks: .venv/installed-dev  ## make the notebooks anew from the scripts beside them, and execute them
	$(BIN)/jupytext --to ipynb --execute notebooks/*.py

test: .venv/installed-dev  ## every test, the files of tests on two processes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: .venv/installed-dev  ## ruff, formatting, mypy strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-dev  ## hepcol beside what it is compared with, 70 minutes; BENCH_ARGS=--quick: 12 minutes
	$(BIN)/hepcol bench zee $(BENCH_ARGS)
	$(BIN)/hepcol bench egamma $(BENCH_ARGS)
	$(BIN)/hepcol bench zee_atlas $(BENCH_ARGS)
	$(BIN)/hepcol bench stop4b $(BENCH_ARGS)
	$(BIN)/hepcol bench graphs $(BENCH_ARGS)
	$(BIN)/hepcol bench scaling $(BENCH_ARGS)

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/bin/uv:
	@test -n "$(PYTHON)" || { echo "make: no python3 found; Python 3.11 or newer is needed (PYTHON=/path/to/python3.11)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv

.venv/installed: .venv/bin/uv pyproject.toml constraints.txt
	$(UV) --editable .
	@touch $@

.venv/installed-stats: .venv/installed
	$(UV) --editable '.[stats]'
	@touch $@

# pythia8mc has no source build worth waiting for, so only its wheel is taken
.venv/installed-dev: .venv/installed
	$(UV) --only-binary pythia8mc --editable '.[batch,graphs,rdf,s3,samples,stats]' --group dev --group integration
	@touch $@

clean:
	rm -rf .venv demo demo-stop4b demo-zee demo-graphs bench build dist .pytest_cache .mypy_cache .ruff_cache
