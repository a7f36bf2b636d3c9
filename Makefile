# make run    opens the app           make check   checks in a minute what needs no real process
# make test   checks everything       make bench   measures (python -m tests.benchmarks --help)
# make thorough   checks what takes long: strangers' policies, lessons read slowly, random keys, a fork loop, mutants
# make soak   a fork loop for ten minutes: memory, screen and the way out stay as they were
# make screenshots   draws screenshots/*.svg, in a quiet minute (ARGS="inspect small": only these)
# make recordings  records every lesson anew, for those who have no Linux
# make site   builds a folder for a web server: every lesson as a page that plays it, and handouts
# make mutants   tries small changes of the code that tests should notice (python -m tests.scripts.mutants --help)
# make profile   says where the time goes: kernel process, frames, simulation (python -m tests.scripts.profile --help)
# make docs   writes docs/reference.md from the code, in every language
# make elsewhere   runs the tests that need no real process with what macOS, and then what Windows, lacks taken away
# make interpreters   tries what depends on the version of Python with each one that is here, in an environment of its own
# make messages   brings the catalogues of other languages up to date
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# What fails on a busy machine is tried once more, alone: it passes only if it passes then. Both tries are on record.
AGAIN := $(BIN)/python -m pytest --last-failed --last-failed-no-failures none

# An editable installation compiles nothing. Where Python may not write bytecode, every start would compile all again.
COMPILE := $(BIN)/python -m compileall -q sandbox

VERSIONED := tests/pure/test_interpreter.py tests/pure/test_waits.py tests/pure/test_program.py \
	tests/commands/test_portable.py tests/real/test_stepping.py tests/real/test_programs.py

.PHONY: run check test thorough elsewhere elsewhere-macos elsewhere-windows interpreters soak mutants recordings site docs screenshots messages bench profile clean

run: $(VENV)/run
	@$(BIN)/ossandbox || test $$? -eq 130  # who leaves with ctrl+c has not failed
	@echo 'Its commands: $(BIN)/ossandbox --help. In this shell just "ossandbox" after: . $(BIN)/activate'

check: $(VENV)/test
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --package sandbox --cache-dir .mypy_cache/darwin
	$(BIN)/mypy --platform win32 --package sandbox --cache-dir .mypy_cache/win32
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --quiet -m "not thorough" --numprocesses 3 --dist worksteal tests/pure

test: $(VENV)/test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "(patient or not real) and not thorough" --numprocesses 3 --dist loadfile || $(AGAIN)
	$(BIN)/python -m pytest -m "real and not patient and not thorough" || $(AGAIN)

thorough: $(VENV)/test
	$(BIN)/python -m pytest -m thorough
	$(BIN)/python -m tests.scripts.mutants --sample 40 --least 85

recordings: $(VENV)/test
	$(BIN)/python -m tests.scripts.recordings

site: $(VENV)/test
	$(BIN)/python -m tests.scripts.site

docs: $(VENV)/test
	$(BIN)/python -m tests.scripts.reference

elsewhere: elsewhere-macos elsewhere-windows

elsewhere-macos elsewhere-windows: elsewhere-%: $(VENV)/test
	OSSANDBOX_ELSEWHERE=$* $(BIN)/python -m pytest -p tests.support.elsewhere_tests -o timeout_method=thread \
		-o timeout=900 -m "not real and not thorough" --numprocesses 3 --dist loadfile tests/pure tests/commands tests/tui

# Those that do not start are passed over. Where pyenv has some: PYENV_VERSION=3.12.1:3.13.0 make interpreters
interpreters:
	for version in 3.11 3.12 3.13 3.14; do \
		python$$version -c "" 2>/dev/null || { echo "python$$version is not here"; continue; }; \
		$(MAKE) PYTHON=python$$version VENV=$(VENV)-$$version $(VENV)-$$version/test || exit 1; \
		$(VENV)-$$version/bin/python -m pytest -m "not thorough" $(VERSIONED) || exit 1; \
	done

mutants: $(VENV)/test
	$(BIN)/python -m tests.scripts.mutants $(ARGS)

soak: $(VENV)/test
	OSSANDBOX_SOAK_S=600 $(BIN)/python -m pytest -s tests/faults/test_soak.py

screenshots: $(VENV)/run
	TEXTUAL_COLOR_SYSTEM=truecolor $(BIN)/python -m tests.scripts.screenshots $(ARGS)

messages: $(VENV)/test
	$(BIN)/python -m tests.scripts.messages

profile: $(VENV)/test
	$(BIN)/python -m tests.scripts.profile $(ARGS)

bench: $(VENV)/test
	$(BIN)/python -m tests.benchmarks --out bench.json

$(VENV)/run: pyproject.toml constraints.txt
	@echo 'Installing ossandbox and what it needs into $(VENV): half a minute, once.'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	$(COMPILE)
	touch $@

$(VENV)/test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[test]'
	$(COMPILE) tests
	touch $@ $(VENV)/run

clean:
	rm -rf $(VENV) $(VENV)-3.*
