# Two commands: `make demo` makes a picture from nothing, `make test` checks everything.
# Each builds its own environment; constraints.txt holds the versions that were tested.

PYTHON ?= python3
INSTALL = -m pip install --quiet --disable-pip-version-check -c constraints.txt
INSTALL_STUDIO = $(INSTALL:constraints.txt=constraints-studio.txt)
SPREAD = --numprocesses auto --maxprocesses 4 --dist worksteal
# Each environment is pip's work on one core.
MAKEFLAGS += --jobs=2

.DEFAULT_GOAL := test
.PHONY: demo studio studio-environment test quick lint docs fuzz faults sdist clean environment

demo:
	$(PYTHON) -m venv .venv
	.venv/bin/python $(INSTALL) .
	if [ -e demo/report.json ]; then rm -rf demo; fi
	.venv/bin/taue generate --subject "a red apple" --background "a beach at sunset" --seed 7 --out demo

# The page in the browser. Its libraries want some of ours older, so it has an environment of its own.
studio: studio-environment
	.venv-studio/bin/taue studio

studio-environment: .venv-studio/installed

.venv-studio/installed: pyproject.toml constraints-studio.txt src/taue/__init__.py
	$(PYTHON) -m venv .venv-studio
	.venv-studio/bin/python $(INSTALL_STUDIO) -e '.[studio]'
	touch $@

test: lint studio-environment
	tests/install_readers.sh
	.venv-test/bin/python -m pytest $(SPREAD)

# What takes no 0.4 s a test: under a minute on two cores, once everything is installed.
quick: environment
	.venv-test/bin/python -m pytest $(SPREAD) -m "not slow"

lint: environment
	.venv-test/bin/ruff format --check .
	.venv-test/bin/ruff check .
	.venv-test/bin/pyright --pythonpath .venv-test/bin/python

# Every command and file format under odd input, many times more than in the suite.
fuzz: environment
	TAUE_FUZZ=10000 TAUE_FUZZ_PROCESSES=300 .venv-test/bin/python -m pytest tests/test_fuzz.py

# What kills, full disks and jumping clocks do to a batch (as root: a disk of its own, another user).
faults: environment
	PYTHONPATH=src .venv-test/bin/python -m benchmarks.faults docs/batch-faults.json

# The pages that are drawn from the code; a test says if they are behind it.
docs: environment
	.venv-test/bin/python docs/generate_architecture.py
	.venv-test/bin/python docs/generate_equations.py
	.venv-test/bin/python docs/generate_schema.py

# The source distribution is whole: unpacked elsewhere, its own tests pass.
sdist: environment
	rm -rf dist/unpacked dist/taue-*.tar.gz
	.venv-test/bin/python -m hatchling build -t sdist
	mkdir -p dist/unpacked
	tar -xzf dist/taue-*.tar.gz -C dist/unpacked --strip-components 1
	cd dist/unpacked && PYTHONPATH=$$PWD/src ../../.venv-test/bin/python -m pytest $(SPREAD) -m "not slow"

# Installed anew when the requirements or the version change; `make clean` begins with nothing.
environment: .venv-test/installed

.venv-test/installed: pyproject.toml constraints.txt src/taue/__init__.py
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python $(INSTALL) -e '.[test]'
	touch $@

clean:
	rm -rf .venv .venv-test .venv-studio dist .pytest_cache .ruff_cache
