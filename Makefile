# Needs Python 3.11+ with venv, and make: apt-get install python3-venv make
.PHONY: help demo test external bench faults killloop controls format vendor clean

help: ; @sed -n 's/^\([a-z]*\): .venv.*## /make \1: /p' Makefile
demo: .venv/.ready ; @exec .venv/bin/python manage.py demo $(if $(ONCE),--once) ## the whole shop on this machine; ONCE=1 plays its story and ends
test: .venv/.ready ; @exec .venv/bin/python -m deploy.checks ## every check that CI runs
bench: .venv/.ready ; @exec .venv/bin/python -m tests.benchmarks ## figures, each against a peer or a limit in the same run
faults: .venv/.ready ; @exec .venv/bin/python -m pytest -n 4 --dist worksteal -m fault --all-trials ## the fault matrix: trials, failures, worst time to off
killloop: .venv/.ready ; @exec .venv/bin/python -m tests.faults.killloop ## 200 kills of whatever works at a bench, and what they may not cause
controls: .venv/.ready ; @exec .venv/bin/python -m tests.faults.controls ## each safeguard taken away: the tests that cover it must fail
external: .venv/.ready ; @exec .venv/bin/python -m tests.external ## the shop on Debian's own PostgreSQL and Redis, by URL
format: .venv/.ready ; @.venv/bin/ruff format . && .venv/bin/ruff check --fix . ## layout and imports
vendor: .venv/.ready ; @.venv/bin/python -m api.pages.vendoring ## browser files again, from package-lock.json (needs npm)
clean: ; @rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis ## all but the data in var

.venv/.ready: pyproject.toml uv.lock deploy/setup.sh ; @deploy/setup.sh
