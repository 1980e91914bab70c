# `make app` installs and opens the app; `make test` installs the test requirements and runs the tests.
# The first interpreter that works and is new enough; python3.11 is the one that is tested.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV   ?= .venv
BIN    := $(VENV)/bin
HOST   ?= 127.0.0.1
PORT   ?= 7860
TESTS  ?= tests
# Two files at a time: the browser waits much, and two cores are what the smallest machines have. In the order of folders,
# browser first: else files of few tests, which are the longest, come last, and one core waits for the other.
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: app test check format screenshots clean

app: $(VENV)/.installed
	HOST=$(HOST) PORT=$(PORT) $(BIN)/python app.py

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(TESTS) $(PYTEST_ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: $(VENV)/.installed-dev
	$(BIN)/python docs/take_screenshots.py

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Stillroom needs Python 3.11 or 3.12 with venv, and found neither." \
		"Install one (Debian: apt-get install python3 python3-venv), or set PYTHON=/path/to/python3.11."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# seqeval comes as source alone; built the old way, without wheel, it takes the newest build tools without what they need.
$(VENV)/.installed-dev: requirements-dev.txt requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 -r requirements-dev.txt
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
