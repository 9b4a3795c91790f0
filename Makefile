# The index of commands. Each one can be repeated safely; none asks anything.

.DEFAULT_GOAL := help
.PHONY: help up down clean setup build test check bench fmt assets screenshots docs

help: ## Show this list
	@sed -n 's/^\([a-z]*\): .*## /\1\t/p' Makefile | expand -t 13

up: ## Install what is missing, build, start Slipway, push the sample app
	@deploy/up.sh

down: ## Stop all that `make up` started; data stays
	@deploy/down.sh

clean: ## Stop, and remove data, images and the sample
	@deploy/down.sh --purge

setup: ## Install what this machine lacks, start the Docker daemon if none answers
	@deploy/setup.sh

build: ## Build the release programs
	cargo build --release --locked --bin slipwayd --bin slipway

test: setup ## Run every test, on SQLite and PostgreSQL, with real Docker, nginx and git
	@tests/run.sh

check: ## What a change must pass before it is shown: format, lints, tests without Docker
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --locked --lib --bins
	@command -v cargo-deny >/dev/null && cargo deny --all-features check || echo "cargo-deny is not installed: skipped"

bench: setup ## Measure against scripts by hand; ROW=name for one row
	@tests/bench.sh $(ROW)

fmt: ## Format
	cargo fmt --all

assets: ## Bundle the console's scripts from their npm packages
	cd web && npm ci --no-audit --no-fund && npm run --silent build

screenshots: setup ## Draw every page of the console in both themes, into target/screenshots
	cargo build --workspace --locked
	cargo test --workspace --locked --test e2e -- --ignored every_page_is_drawn

docs: ## Write docs/reference anew, from the code
	SLIPWAY_WRITE_DOCS=1 cargo test --workspace --locked --lib --bins --test documents -- the_reference
