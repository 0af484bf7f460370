# Everything that is done with the project. `make` alone lists it.
BIN := .venv/bin
RUNNABLE := .venv/installed-local
INSTALLED := .venv/installed-development

# An environment that was moved with its folder counts as not installed: its scripts name the old path.
ifneq ($(shell cat $(RUNNABLE) 2>/dev/null),$(CURDIR))
.PHONY: $(RUNNABLE)
endif
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

.DEFAULT_GOAL := help
.PHONY: help run test test-fast chaos chaos-unlocks load bench bench-check bench-size bench-live scale lint format install frontend docs lock restore psql redis-cli compose-secrets clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=/path/to/python3 chooses the Python (>= 3.11) of the environment."

# The shell makes way for Python, and Python ends with this make, even if make is killed.
run: $(RUNNABLE) ## Start everything here, with its own servers; DEMO=1 adds players, PORT=8001, LOGS=1; Ctrl-C stops it
	@exec $(BIN)/python -m dev.run $$PPID

test: $(INSTALLED) ## Check the style and run every test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-fast: $(INSTALLED) ## Run the tests that need no server
	$(BIN)/python -m pytest tests/unit

chaos: $(INSTALLED) ## Break everything under load, and see that all adds up (CHAOS_MINUTES=10)
	$(BIN)/python -m tests.chaos

chaos-unlocks: $(INSTALLED) ## Unlock ten thousand achievements while everything dies, and hold each to account (CHAOS_UNLOCKS=10000)
	$(BIN)/python -m tests.chaos.many_unlocks

load: $(INSTALLED) ## Load updates, sockets, cache and database by locust, and hold every answer to account (LOAD_USERS=50 LOAD_SECONDS=60)
	$(BIN)/python -m tests.load

bench: $(INSTALLED) ## Measure this machine: rates as ratios to a bare Flask app (BENCH="--only reads")
	$(BIN)/python -m bench $(BENCH)

bench-check: $(INSTALLED) ## Measure the short rows, and fail if a ratio is a fifth below bench/results/reference.json
	$(BIN)/python -m bench --check $(BENCH)

bench-size: $(INSTALLED) ## Measure 1,000 to a million players, ten boards, a board that is lost, and what is stored (takes a quarter of an hour)
	$(BIN)/python -m bench --only boards storage refill players $(BENCH)

scale: $(INSTALLED) ## Fill boards of up to a million players again, and measure (SCALE="--players 200000")
	$(BIN)/python -m bench.scale $(SCALE)

bench-live: $(INSTALLED) ## Measure the live socket beside Node's ws, with up to 10,000 viewers (LIVE="--short")
	@if command -v npm >/dev/null; then cd bench/ws && npm ci --no-audit --no-fund; else echo "No Node: without ws."; fi
	$(BIN)/python -m bench.live $(LIVE)

lint: $(INSTALLED) ## Check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

format: $(INSTALLED) ## Mend what can be mended by a program
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(INSTALLED) ## Make the environment .venv, or bring it up to date

$(RUNNABLE): requirements/local.txt pyproject.toml
	@python=$$(sh dev/find_python.sh "$(PYTHON)") && "$$python" -m dev.install local

$(INSTALLED): requirements/development.txt pyproject.toml
	@python=$$(sh dev/find_python.sh "$(PYTHON)") && "$$python" -m dev.install development

frontend: ## Compile the page's script anew (needs Node 18 or newer)
	cd web/pages/frontend && npm ci --no-audit --no-fund && npm run build

docs: $(INSTALLED) ## Make docs/configuration.md anew from the settings' descriptions
	$(BIN)/python -m dev.configuration_page

lock: ## Lock the requirements anew; UPGRADE=1 takes the newest versions
	sh dev/lock.sh $(if $(UPGRADE),--upgrade)

restore: $(RUNNABLE) ## Restore a backup into the `make run` of this folder, while that is stopped (FILE=…, REPLACE=1)
	@exec $(BIN)/python -m dev.restore $(if $(REPLACE),--replace) -- "$(FILE)"

psql: $(RUNNABLE) ## Open psql on the running database
	@exec $(BIN)/python -m dev.consoles psql

redis-cli: $(RUNNABLE) ## Open valkey-cli or redis-cli on the running Valkey
	@exec $(BIN)/python -m dev.consoles redis-cli

compose-secrets: ## Make the secrets that docker-compose.yml reads, where missing
	@sh dev/compose_secrets.sh

clean: ## Remove the environment and all caches; the data in .data stays
	rm -rf .venv *.egg-info build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
