# The course's commands. A fresh clone needs Python 3.11 or newer and make, nothing else.
# `make` on its own lists them.

PYTHON ?= python3
BIN    := .venv/bin
ENV    := .venv/.installed
SITE   := _build/html/index.html
PORT   ?= 8000

NBVAL  := --nbval --nbval-current-env --nbval-cell-timeout=600 --nbval-sanitize-with=tests/nbval.cfg

.PHONY: help book test notebooks serve lab benchmark figures student grade pdf lint repository lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' Makefile | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(ENV): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "The course needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

book: $(ENV) ## build the book into _build/html
	$(BIN)/jupyter-book build . -n -W --keep-going
	@echo
	@echo "The book is ready. Open $(CURDIR)/$(SITE) in a browser, or type: make serve"

test: book ## run every test: helper package, notebooks, site
	TQDM_DISABLE=1 OMP_NUM_THREADS=1 $(BIN)/pytest $(NBVAL) -n 2 --dist loadfile --no-loadscope-reorder notebooks tests

notebooks: $(ENV) ## run the chapters again, in place (ONLY=notebooks/01_linear_model.ipynb for one)
	$(BIN)/python scripts/notebooks.py $(ONLY)
	$(BIN)/python scripts/chapters.py
	$(BIN)/python scripts/exercises.py

serve: book ## show the book at http://localhost:8000 (PORT=... for another port)
	$(BIN)/python -m http.server --bind localhost --directory _build/html $(PORT)

lab: $(ENV) ## open the chapters in JupyterLab
	$(BIN)/jupyter lab notebooks

benchmark: $(ENV) ## time the helper package's training against the published loop, on one thread
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python scripts/benchmark.py

figures: $(ENV) ## make the welcome page's figures again, the live one included
	$(BIN)/python scripts/figures.py
	$(BIN)/python -m tms_utils.live playground > book/live/playground.html

student: $(ENV) ## write the chapters without solutions into _build/student
	$(BIN)/python scripts/student.py

grade: $(ENV) ## mark a handed-in notebook or a folder of them: make grade FILE=handed-in.ipynb
	$(BIN)/python scripts/grade.py "$(FILE)" $(if $(JSON),--json "$(JSON)")

pdf: book ## print the whole book into _build/toy-models-of-superposition.pdf (needs Chromium or Chrome)
	$(BIN)/python scripts/pdf.py

lint: $(ENV) ## run every pre-commit hook on every file
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

repository: $(ENV) ## point every link at your fork: make repository URL=https://github.com/you/fork
	$(BIN)/python scripts/repository.py $(URL)

lock: $(ENV) ## resolve requirements.in into requirements.txt (UPGRADE=--upgrade for newer versions)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make lock" $(UPGRADE) requirements.in -o requirements.txt

clean: ## remove the built book and the environment
	rm -rf _build build .venv *.egg-info
