# `make demo` and `make test` set up .venv when first called, and again only when the lock or pyproject.toml changes.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
SPARK_INSTALLED := .venv/installed-spark
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

.PHONY: help demo spark test test-long bench bench-serving bench-start bench-store chaos soak fuzz ablation pictures lock clean

help:
	@echo "make demo          simulate leads, train, compare with the rules, score: the whole path in a minute"
	@echo "make test          all tests, with ruff and mypy"
	@echo "make spark         add Spark to the environment (450 MB; it needs a Java runtime, 17 or later)"
	@echo "make test-long     the tests that take about a minute each: a bento away from the checkout, the shortest faults of make chaos"
	@echo "make bench         speed, memory and quality beside the peers, and the page about it (half an hour)"
	@echo "make fuzz          10,000 bad requests and schemathesis over every route, against two services (needs PostgreSQL)"
	@echo "make bench-serving the service beside a constant, a bare endpoint and MLflow's server"
	@echo "make bench-start   from the command to the first score, and memory, here and in the bento's own environment"
	@echo "make bench-store   an interaction of a lead with a long history, and the worklist of a million interactions"
	@echo "make chaos         kill, fill, set back and swap under steady traffic: verdicts on what was kept (needs PostgreSQL, faketime)"
	@echo "make soak          a day of traffic in ten minutes: memory, and every logged score again (needs PostgreSQL, faketime)"
	@echo "make ablation      what each group of features brings on bpic2012"
	@echo "make pictures      run the notebooks, train, serve, and refresh the pictures of the README (needs chromium)"
	@echo "make lock          refresh requirements.lock with the newest versions that pyproject.toml allows"
	@echo "make clean         remove the environment and all caches"

demo: $(INSTALLED)
	@$(BIN)/leadheat demo

# As many tests at a time as there are processors; those of one file one after the other, for they share what they set up. What Python
# compiles is kept, for the tests start hundreds of processes.
test: $(INSTALLED)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

# Apart from all else, for it is as large as everything else together.
spark: $(SPARK_INSTALLED)

$(SPARK_INSTALLED): $(INSTALLED) requirements-spark.lock
	@$(PIP) install --no-build-isolation --requirement requirements-spark.lock
	@touch $@

test-long: $(INSTALLED)
	@$(BIN)/python -m pytest -m long

bench: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks.run

fuzz: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks.chaos.fuzz

bench-serving: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks.serving.run

bench-start: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks.serving.start

bench-store: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks.serving.store

chaos: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks.chaos.run

soak: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks.chaos.soak

ablation: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks.ablation

pictures: $(INSTALLED)
	@$(BIN)/python -m tests.notebooks
	@$(BIN)/python -m tests.paged

# Some systems ship Python without ensurepip; their own pip can then put one into the environment.
# setuptools is in the lock, so that the build needs no isolated environment of its own.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "leadheat needs Python 3.11 or later, but $(PYTHON) is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	@echo "Installing into .venv (a few minutes, once) ..."
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { $(PYTHON) -m venv --without-pip .venv && $(PYTHON) -m pip --quiet --python $(BIN)/python install pip; }
	@$(PIP) install --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Resolved with the oldest Python that is supported, so that one list serves them all; the service's is a part of it.
lock:
	@rm -rf build/lock && python3.11 -m venv build/lock
	@build/lock/bin/python -m pip -qq install --editable ".[dev]"
	@grep "^#" requirements.lock > build/lock/new
	@build/lock/bin/python -m pip freeze --all --exclude pip --exclude-editable >> build/lock/new
	@mv build/lock/new requirements.lock && rm -rf build/lock
	@python3.11 -m venv build/lock && build/lock/bin/python -m pip -qq install --upgrade pip
	@build/lock/bin/python -m pip -qq install --constraint requirements.lock --group serving
	@grep "^#" requirements-serving.lock > build/lock/new
	@build/lock/bin/python -m pip freeze --all --exclude pip --exclude setuptools >> build/lock/new
	@mv build/lock/new requirements-serving.lock && rm -rf build/lock

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
