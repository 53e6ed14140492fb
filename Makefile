# The course's commands. A fresh clone needs Python 3.11 or newer and make, nothing else.
# `make` on its own lists them. Three tiers of tests: check at every save, test at every push, claims every week.

PYTHON ?= python3
BIN    := .venv/bin
ENV    := .venv/.installed
SITE   := _build/html/index.html
PORT   ?= 8000
SEEDS  ?= 100 200
LENGTH ?= 1

CHAPTERS := notebooks/[0-9][0-9]_*.ipynb
CODE     := scripts tests tms_utils $(CHAPTERS)
NBVAL    := --nbval --nbval-current-env --nbval-cell-timeout=600 --nbval-sanitize-with=tests/nbval.cfg
QUIETLY  := TQDM_DISABLE=1 OMP_NUM_THREADS=1

# A file's name or a title may hold quotes, backticks and dollar signs. It reaches the scripts as it is, in the
# environment: neither make nor the shell looks into it.
export COURSE_FILE  := $(value FILE)
export COURSE_JSON  := $(value JSON)
export COURSE_OUT   := $(value OUT)
export COURSE_NAME  := $(value NAME)
export COURSE_JOBS  := $(value JOBS)
export COURSE_CELL  := $(value CELL)
export COURSE_EXERCISES := $(value EXERCISES)
export COURSE_TITLE := $(value TITLE)
export COURSE_COURSE := $(value COURSE)
export COURSE_URL := $(value URL)
export COURSE_DOMAIN := $(value DOMAIN)
unexport FILE JSON OUT NAME JOBS CELL EXERCISES COURSE TITLE URL DOMAIN

.PHONY: help book check test claims style chapter notebooks refresh serve lab benchmark figures student grade gradescope \
        classroom pdf lint repository lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' Makefile | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(ENV): requirements.txt pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || \
	  { echo "There is no command $(PYTHON) here. Name a Python 3.11 or newer, such as: make PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "The course needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" --version 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	@echo "First use: an environment of its own, in .venv. pip fetches PyTorch and the other packages of requirements.txt."
	@echo "It says nothing while it does: five minutes, or more on a slow line; up to 3 GB on Linux, 1 GB elsewhere."
	"$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt || \
	  { echo "pip could not fetch the packages: is this machine online? (It says above what it missed.)"; \
	    echo "Then type the same command again; what has been fetched is kept."; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

book: $(ENV) ## build the book into _build/html
	$(BIN)/jupyter-book build . -n -W --keep-going
	@echo
	@echo "The book is ready. Open $(CURDIR)/$(SITE) in a browser, or type: make serve"

style: $(ENV)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE) || { echo "Type: .venv/bin/ruff format $(CODE)"; exit 1; }
	$(BIN)/codespell
	$(BIN)/python scripts/rules.py

check: style ## at every save: style, the chapters' rules, tests without browser or kernel (under 90 s)
	$(QUIETLY) $(BIN)/pytest -p no:nbval -n 2 --dist loadfile tests/package tests/chapters

test: style book ## run every test: helper package, chapters, site, tools
	$(QUIETLY) $(BIN)/pytest $(NBVAL) -n 2 --dist loadfile --no-loadscope-reorder --durations=25 $(CHAPTERS) tests

claims: $(ENV) ## the chapters with other seeds: the same verdicts? (SEEDS="100 200" ONLY=05 LENGTH=2 UNTRAINED=1)
	$(QUIETLY) $(BIN)/python scripts/claims.py --seeds $(SEEDS) --length $(LENGTH) $(if $(ONLY),--only $(ONLY)) $(if $(UNTRAINED),--untrained)

chapter: $(ENV) ## begin a new chapter: make chapter TITLE="A trial"
	@test -n "$$COURSE_TITLE" || { echo 'A chapter needs a title: make chapter TITLE="A trial"'; exit 2; }
	@$(BIN)/python scripts/skeleton.py -- "$$COURSE_TITLE"

notebooks: $(ENV) ## run the chapters again, in place (ONLY=notebooks/01_linear_model.ipynb for one)
	$(BIN)/python scripts/notebooks.py $(ONLY)

refresh: $(ENV) ## without running: bootstrap cells, **Time** lines and small pictures (ONLY=... for one)
	$(BIN)/python scripts/notebooks.py --refresh $(ONLY)

serve: book ## show the book at http://localhost:8000 (PORT=... for another port)
	@$(BIN)/python -c 'import socket, sys; socket.create_server(("localhost", int(sys.argv[1]))).close()' "$(PORT)" 2>/dev/null || \
	  { echo "Port $(PORT) is in use. Take another one: make serve PORT=8001"; exit 1; }
	$(BIN)/python -m http.server --bind localhost --directory _build/html $(PORT)

lab: $(ENV) ## open the chapters in JupyterLab
	$(BIN)/jupyter lab notebooks

benchmark: $(ENV) ## time the helper package's training against the published loop, on one thread
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python scripts/benchmark.py

figures: $(ENV) ## make the welcome page's figures again
	$(BIN)/python scripts/figures.py

student: $(ENV) ## write the chapters without solutions into _build/student
	$(BIN)/python scripts/student.py

grade: $(ENV) ## mark a handed-in notebook or a folder of them: make grade FILE=../hand-ins OUT=../marks (JOBS=2 CELL=300)
	@test -n "$$COURSE_FILE" || { echo "Say what to mark, a notebook or a folder: make grade FILE=../hand-ins OUT=../marks"; exit 2; }
	@$(BIN)/python scripts/grade.py $${COURSE_JSON:+--json "$$COURSE_JSON"} $${COURSE_OUT:+--out "$$COURSE_OUT"} \
	  $${COURSE_NAME:+--name "$$COURSE_NAME"} $${COURSE_JOBS:+--jobs "$$COURSE_JOBS"} \
	  $${COURSE_CELL:+--cell "$$COURSE_CELL"} $${COURSE_EXERCISES:+--exercises "$$COURSE_EXERCISES"} \
	  $${COURSE_COURSE:+--course "$$COURSE_COURSE"} -- "$$COURSE_FILE"

gradescope: $(ENV) ## write _build/gradescope.zip, an autograder to upload to Gradescope
	$(BIN)/python scripts/services.py gradescope

classroom: $(ENV) ## write a workflow that marks for GitHub Classroom into _build/classroom
	$(BIN)/python scripts/services.py classroom

pdf: book ## print the book, once with answers and once without (needs Chromium or Chrome; ONLY=05 for one chapter)
	$(BIN)/python scripts/pdf.py $(ONLY)

lint: $(ENV) ## run every pre-commit hook on every file
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

repository: $(ENV) ## point every link at your fork: make repository URL=https://github.com/you/fork (DOMAIN=...)
	@$(BIN)/python scripts/repository.py $${COURSE_DOMAIN:+--domain="$$COURSE_DOMAIN"} $${COURSE_URL:+-- "$$COURSE_URL"}

lock: $(ENV) ## resolve requirements.in into requirements.txt (UPGRADE=--upgrade for newer versions)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make lock" $(UPGRADE) requirements.in -o requirements.txt

clean: ## remove the built book and the environment
	rm -rf _build build .venv *.egg-info
