# `make help` says what there is. Needs Python 3.11 or newer and make; Mosquitto is used where it is installed.

PYTHON ?= python3
VENV := .venv
IN_VENV := $(VENV)/bin/python
PORT ?=
# Debian keeps it where the PATH of ordinary users does not look.
MOSQUITTO ?= $(shell command -v mosquitto || \
	ls /usr/sbin/mosquitto /usr/local/sbin/mosquitto /opt/homebrew/sbin/mosquitto 2>/dev/null | head -n 1)
# `make VENV_FLAGS=--system-site-packages` for compiled modules of the distribution (a Pi Zero has no wheels).
VENV_FLAGS ?=
PIP_FLAGS ?=

# A stamp is written after its work is done: what was interrupted is done again.
CREATED := $(VENV)/.stamp-created
INSTALLED := $(VENV)/.stamp-installed
BROKER := $(if $(strip $(MOSQUITTO)),,$(VENV)/.stamp-amqtt)
TOOLS := $(VENV)/.stamp-tools

TEST_SECRET := only-for-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz
CHECKED := $(wildcard deploy fabomatic members machines telemetry)
LANGUAGES := $(sort it $(notdir $(wildcard locale/*)))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help run demo test lint bench messages

help: ## What there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) $(BROKER) ## The lab: broker, worker and web server on http://127.0.0.1:8000 (PORT=... for another port)
	@exec $(IN_VENV) -m deploy.run --mosquitto "$(MOSQUITTO)" $(if $(PORT),--port $(PORT))

demo: $(INSTALLED) $(BROKER) ## An invented lab with simulated boards, beside the real one and apart from it
	@exec $(IN_VENV) -m deploy.run --demo --mosquitto "$(MOSQUITTO)" $(if $(PORT),--port $(PORT))

test: $(TOOLS) ## All tests, on PostgreSQL too where it is installed (ARGS="-k name" for some)
	@mkdir -p var
	SECRET_KEY=$(TEST_SECRET) $(IN_VENV) -m $(if $(ARGS),pytest $(ARGS),tests.run_all)

lint: $(TOOLS) ## Style, formatting and types
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	SECRET_KEY=$(TEST_SECRET) $(IN_VENV) -m mypy $(CHECKED)

bench: $(TOOLS) ## How fast it answers (ARGS=... are passed on)
	SECRET_KEY=$(TEST_SECRET) $(IN_VENV) -m tests.bench $(ARGS)

messages: $(TOOLS) ## Collects the sentences to translate and compiles the translations (needs gettext)
	@command -v msgfmt >/dev/null || { echo "gettext is missing: apt install gettext" >&2; exit 1; }
	@mkdir -p locale
	SECRET_KEY=$(TEST_SECRET) $(IN_VENV) manage.py makemessages $(LANGUAGES:%=--locale %) --no-location --no-wrap \
		--ignore=.venv --ignore=var --ignore=tests --ignore=staticfiles
	SECRET_KEY=$(TEST_SECRET) $(IN_VENV) manage.py compilemessages --ignore=.venv --ignore=var

$(CREATED):
	@command -v $(PYTHON) >/dev/null || \
		{ echo "Python is missing ($(PYTHON)): apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, this is `$(PYTHON) --version`:" \
		"make PYTHON=/path/to/a/newer/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV_FLAGS) $(VENV)
	@touch $@

$(INSTALLED): requirements.txt $(CREATED)
	$(IN_VENV) -m pip install --quiet $(PIP_FLAGS) -r requirements.txt
	@touch $@

$(VENV)/.stamp-amqtt: requirements-amqtt.txt $(INSTALLED)
	$(IN_VENV) -m pip install --quiet $(PIP_FLAGS) -r requirements-amqtt.txt
	@touch $@

$(TOOLS): requirements-dev.txt requirements-postgresql.txt requirements-amqtt.txt $(INSTALLED)
	$(IN_VENV) -m pip install --quiet $(PIP_FLAGS) -r requirements-dev.txt
	@touch $@
