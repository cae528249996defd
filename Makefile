# `make run` runs Sendmux, `make test` tests it. Both install what they need; the work is done by the scripts in .make/.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run build front setup dev test test-long bench fmt lint audit clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build what changed and run Sendmux on this machine (data in ./data)
	@.make/run

build: ## Build the server and the front end in release mode
	@.make/run build

front: ## Build the front end alone, into target/site
	@.make/front release

setup: ## Install what building and testing need, without building
	@.make/base && .make/wasm-target && .make/test-setup

dev: ## Run a debug build that is rebuilt and restarted on every change
	@.make/dev

test: ## Run all tests: the crates on SQLite and PostgreSQL, then scenarios against the real binary
	@.make/test

test-long: ## The same with the slow ones: crashes at every point, load, many nodes
	@.make/test long

bench: ## Measure throughput, SMTP beside Postfix (parts of it: .make/bench accept|smtp|deliver|memory)
	@.make/bench

fmt: ## Format the Rust sources
	@cargo fmt --all

lint: ## What CI checks before it tests: formatting, clippy, licences and bans
	@.make/lint

audit: ## Check the dependencies for security advisories (SENDMUX_ADVISORY_DB=FOLDER: with a clone of RustSec's)
	@.make/audit

clean: ## Remove everything that was built (not ./data)
	@cargo clean && rm -rf style/node_modules end2end/node_modules end2end/screenshots end2end/results
