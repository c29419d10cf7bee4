# Every target installs its own set-up first (Debian packages, through apt; with sudo where not root) and says so.
# Usage: make help

PREFIX ?= /usr/local
DESTDIR ?=
SHELL := /bin/bash
# Models and reports land here; both are git-ignored.
MODELS ?= models
REPORT ?= capacity-report
# The revision that bench-compare and bench-gate hold the working tree against.
BASE ?= HEAD

.DEFAULT_GOAL := help
.PHONY: help build capacity test test-long bench bench-compare bench-gate install wheel coverage sanitize lint clean

help: ## what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  variables: PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) MODELS=$(MODELS) REPORT=$(REPORT) BASE=$(BASE) ARGS="

build: ## the release build of the libraries and the tool
	@scripts/setup.sh build
	swift build -c release

capacity: ## measure this machine: roofs, kernels, real models; writes $(REPORT)/
	@scripts/capacity.sh "$(MODELS)" "$(REPORT)" $(ARGS)

test: ## every test, the sanitizers and the installed library; at most 25 minutes on 2 cores
	@scripts/test.sh

test-long: ## make test, then the long sweeps, fuzzing and soaks
	@scripts/test.sh --long

bench: ## kernels beside the roofs, in minutes; ARGS=--all for every format and shape
	@scripts/setup.sh build
	@scripts/bench.sh $(ARGS)

bench-compare: ## the working tree against revision BASE, interleaved: changes, p, effect sizes
	@scripts/setup.sh build
	@scripts/bench-pair.sh compare "$(BASE)" $(ARGS)

bench-gate: ## fail if a kernel row is more than 2 % slower than in BASE (default: the last commit)
	@scripts/setup.sh build
	@scripts/bench-pair.sh gate "$(BASE)" $(ARGS)

install: ## headers for C and C++, libgobi.so.1, gobi.pc, CMake config and the tool into DESTDIR/PREFIX
	@scripts/setup.sh build
	@scripts/install.sh "$(DESTDIR)" "$(PREFIX)"

wheel: ## the Python package with the library inside, into dist/
	@scripts/setup.sh models
	@scripts/wheel.sh

coverage: ## line coverage of Sources/Inference and Sources/CKernels, at least 85 %
	@scripts/setup.sh test
	@scripts/coverage.sh

sanitize: ## the tests under address, undefined-behaviour and thread sanitizers
	@scripts/setup.sh test
	@scripts/sanitize.sh

lint: ## layering and format
	@scripts/check-layers.sh
	swift format lint -r --strict Sources Tests Package.swift Benchmarks

clean: ## remove what was built
	rm -rf .build .build-* dist
	-git worktree prune
