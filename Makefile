# Two commands: `make demo` makes a picture from nothing, `make test` checks everything.
# Each builds its own environment; constraints.txt holds the versions that were tested.

PYTHON ?= python3
INSTALL = -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test clean

demo:
	$(PYTHON) -m venv .venv
	.venv/bin/python $(INSTALL) .
	if [ -e demo/report.json ]; then rm -rf demo; fi
	.venv/bin/taue generate --subject "a red apple" --background "a beach at sunset" --seed 7 --out demo

test:
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python $(INSTALL) -e '.[test]'
	.venv-test/bin/ruff format --check .
	.venv-test/bin/ruff check .
	.venv-test/bin/pyright --pythonpath .venv-test/bin/python
	tests/install_readers.sh
	.venv-test/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

clean:
	rm -rf .venv .venv-test dist .pytest_cache .ruff_cache
