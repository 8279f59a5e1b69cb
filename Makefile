# Everything a newcomer needs: `make help`. Only Python 3.11 or later and git have to be there.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
TARIKH_TEST_DATA ?= $(wildcard ../shared/data)
export TARIKH_TEST_DATA

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench campaigns mutants

help:  ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.synced  ## create .venv from the lock file

demo: setup  ## start everything with invented patients on http://127.0.0.1:8000
	@$(RUN)/tarikh demo

test: setup  ## run all tests
	$(RUN)/python -m pytest -n 2 tests $(ARGS)

bench: setup  ## print figures as JSON lines (ONLY=name for one)
	@$(RUN)/python -m tests.bench $(ONLY)

campaigns: setup  ## try for long to make the log lose, lie or remember (ONLY=name, SEED=n)
	@$(RUN)/python -m tests.campaigns $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED))

mutants: setup  ## change the domain in every small way and see whether its tests notice (ONLY='domain.items*')
	@uv=$$(command -v uv || echo $(VENV)-uv/bin/uv); \
	"$$uv" run --quiet --frozen --group mutants mutmut run $(ONLY); \
	"$$uv" run --quiet --frozen --group mutants mutmut results

# One line for each tool that has an opinion; all are asked, even when one of them complains.
CHECKS := lint format types imports catalogs container workflows

check: setup  ## ask every linter and checker
	@failed=; for check in $(CHECKS); do \
	  echo "== $$check"; $(MAKE) --no-print-directory check-$$check || failed="$$failed $$check"; \
	done; test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

.PHONY: $(CHECKS:%=check-%)
check-lint:
	@$(RUN)/ruff check .
check-format:
	@$(RUN)/ruff format --check .
check-types:
	@$(RUN)/mypy
check-imports:
	@$(RUN)/lint-imports --no-logo
check-catalogs:
	@$(RUN)/python -m locales.check
check-container:
	@$(RUN)/hadolint docker/Dockerfile
	@$(RUN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker/compose.yml docker/compose.tls.yml
check-workflows:
	@$(RUN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(RUN)/check-jsonschema --quiet --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	@$(RUN)/zizmor --offline --quiet --no-progress --persona=pedantic .github/workflows

# Asks a real nginx, which is no Python package, and is therefore not part of `check`.
.PHONY: check-nginx
check-nginx: setup
	@$(RUN)/python -m pytest tests/docker/nginx.py

# uv is taken from PATH where it is there, else fetched into a folder of its own. It trusts the certificates
# that it brings; behind a proxy that signs by itself only those of the machine will do.
$(VENV)/.synced: pyproject.toml uv.lock
	@uv=$$(command -v uv || echo $(VENV)-uv/bin/uv); \
	if ! test -x "$$uv"; then \
	  $(PYTHON) -m venv $(VENV)-uv && $(VENV)-uv/bin/python -m pip install --quiet --disable-pip-version-check uv; \
	fi && \
	{ "$$uv" sync --quiet --frozen || "$$uv" sync --quiet --frozen --system-certs; } && \
	touch $@
