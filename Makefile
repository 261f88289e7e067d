# Two commands: `make demo` and `make test`. Both set up .venv first, with the exact versions of constraints.txt.
# Its modules are compiled when they are installed: else, where Python may write no bytecode, each job's start would take twice as long.
PYTHON ?= python3
BIN := .venv/bin
CORES ?= all

.PHONY: demo test check-demo lint constraints help
.DEFAULT_GOAL := help

help:
	@echo "make demo         set up, run the whole workflow on embedded data, write reports/demo/index.html"
	@echo "make test         set up, run the tests: all but those of the finished demo"
	@echo "make check-demo   the tests of what \`make demo\` left in this checkout"
	@echo "make lint         the checks that pre-commit runs, and Snakemake's"
	@echo "make constraints  solve the newest exact versions into constraints.txt"

demo: .venv/.installed
	@$(BIN)/snakemake --cores $(CORES)
	@echo && echo "The report: $(CURDIR)/reports/demo/index.html"

test: .venv/.installed
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check-demo: .venv/.installed
	@$(BIN)/python -m pytest -m demo tests/test_demo.py

lint: .venv/.installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy saccade
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint text

constraints: .venv/.installed
	$(BIN)/uv pip compile --quiet --system-certs --upgrade --no-header --no-annotate --all-extras pyproject.toml -o constraints.txt

.venv/.installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) isn't installed: install Python 3.11 or newer, or say make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Setting up .venv (about 6 GB, most of it torch; a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --system-certs --python $(BIN)/python --constraint constraints.txt --editable '.[test,lint]' || { \
	  command -v cc >/dev/null || echo "No C compiler was found; a package without a wheel for this Python needs one. On Debian and Ubuntu: apt-get install gcc python3-dev"; \
	  exit 1; }
	@touch $@
