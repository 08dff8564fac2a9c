# The verbs of this repository. Each one is safe to run again.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS ?= tests

.PHONY: help venv up down status test test-nodes lint format generate bench lock

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

venv: $(READY) ## Create .venv from the locked requirements

$(READY): requirements/control.lock pyproject.toml requirements/make-venv
	@requirements/make-venv $(VENV)
	@touch $@

up: $(READY) ## Start the local fleet and run the pipeline on it; DATA=my.csv TARGET=price for your own
	@$(BIN)/fleet local up $(if $(DATA),--data "$(DATA)") $(if $(TARGET),--target "$(TARGET)")

down: $(READY) ## Remove all that `make up` made
	@$(BIN)/fleet local down $(if $(KEEP_IMAGES),--keep-images)

status: $(READY) ## Show what of the local fleet is up
	@$(BIN)/fleet local status

test: $(READY) lint ## Run the tests; the end-to-end ones start a fleet of their own and remove it
	@$(BIN)/python -m pytest $(TESTS)

test-nodes: $(READY) ## Run what takes longer: roles by Molecule, faults and verbs on a local fleet, images from nothing
	@$(BIN)/python -m pytest -m 'molecule or long' $(TESTS)

lint: $(READY) ## Check style: Python, YAML, Ansible, Dockerfiles
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/yamllint --strict .
	@PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_CONFIG=ansible/ansible.cfg \
	  ansible-lint --offline -q ansible/*.yml ansible/*/*.yml roles inventories molecule
	@$(BIN)/hadolint images/*/Dockerfile

format: $(READY) ## Format the Python code
	@$(BIN)/ruff check --fix -q .
	@$(BIN)/ruff format -q .

generate: $(READY) ## Write anew what is made from the code and queues.yml: the schema, docs/map.md, READMEs of roles
	@$(BIN)/python -m fleet.spec.schema
	@$(BIN)/python -m fleet.role_docs
	@$(BIN)/fleet explain map --write

bench: $(READY) ## Measure: all benchmarks of tests/bench, or NAME=one
	@$(BIN)/python -m tests.bench $(NAME)

lock: $(READY) ## Resolve the requirements anew, with hashes
	@requirements/lock
