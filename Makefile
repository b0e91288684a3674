# Everything is run through here. Needs Python 3.11 or newer and make; the rest is installed into
# .venv. A recipe that ends in `exec` hands signals straight to the program.

VENV := .venv
PY := $(VENV)/bin/python
SHELL := /bin/sh

.DEFAULT_GOAL := help
.PHONY: test-shares help run test lint lint-docker requirements bench clean venv install install-dev install-ocr

help:
	@echo "make run           set up what is missing, then serve until Ctrl-C (PORT=8001 make run)"
	@echo "make test          the whole suite"
	@echo "make test-shares   the same, two shares of it at a time"
	@echo "make lint          style, types and import contracts"
	@echo "make lint-docker   the Dockerfile, where hadolint is installed"
	@echo "make bench         the measurements that the documents quote"
	@echo "make install-ocr   what a model that reads text in pictures needs"
	@echo "make requirements  compile requirements*.txt from requirements*.in"
	@echo "make clean         remove .venv and caches; var/ stays"

run: install
	@$(PY) manage.py first_run && exec $(PY) manage.py serve

test: install-dev
	@exec $(PY) -m pytest

test-shares: install-dev
	@exec $(PY) -m tests.side_by_side

lint: install-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

lint-docker: install-dev
	@PATH="$$PWD/$(VENV)/bin:$$PATH"; command -v hadolint >/dev/null \
	  || { echo "hadolint is not installed; nothing checked."; exit 0; }; \
	hadolint Dockerfile

# A local version suffix such as +cpu exists in some package indexes only.
requirements: install-dev
	@for one in requirements requirements-dev requirements-ocr; do \
	  $(PY) -m piptools compile --quiet --upgrade --strip-extras --no-header --annotation-style=line \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	    --output-file $$one.txt $$one.in || exit 1; \
	  sed 's/^\(torch==[0-9.]*\)+[a-z0-9.]*/\1/' $$one.txt > $$one.tmp && mv $$one.tmp $$one.txt; \
	done

bench: install-dev
	@exec $(PY) -m benchmarks.gateway

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: venv
	@$(call install_changed,requirements.txt)

install-dev: install
	@$(call install_changed,requirements-dev.txt)

install-ocr: install
	@$(call install_changed,requirements-ocr.txt)

# An environment without a working pip was interrupted while it was made, and is made again.
venv:
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
	  for one in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	    $$one -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	      && { found=$$one; break; }; \
	  done; \
	  [ -n "$$found" ] || { echo "Python 3.11 or newer is needed and none was found." \
	    "Install it (python3.11, or your system's python3), then run make again." >&2; exit 1; }; \
	  $$found -c 'import ensurepip, venv' 2>/dev/null || { echo "$$found lacks its venv module." \
	    "Install it (on Debian and Ubuntu: apt install python3-venv), then run make again." >&2; \
	    exit 1; }; \
	  echo "Making $(VENV) with $$found …"; \
	  $$found -m venv --clear $(VENV); \
	}

# Installs when the file is not the one installed last; the note of it is written at the very end,
# so that an interrupted installation is taken up again.
define install_changed
	set -e; now=$$(cksum < $(1)); noted=$(VENV)/.installed-$(1); \
	[ "$$(cat $$noted 2>/dev/null)" = "$$now" ] || { \
	  echo "Installing $(1) …"; \
	  $(PY) -m pip install --disable-pip-version-check --requirement $(1) || { \
	    echo "" >&2; \
	    echo "Installing $(1) failed; pip's reason is above. If this machine has no network or" >&2; \
	    echo "no free disk space, mend that, or name a mirror (PIP_INDEX_URL) or a folder of" >&2; \
	    echo "wheels (PIP_FIND_LINKS with PIP_NO_INDEX=1), and run make again: it goes on from" >&2; \
	    echo "there." >&2; \
	    exit 1; }; \
	  echo "$$now" > $$noted; }
endef
