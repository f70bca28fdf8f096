# SPDX-License-Identifier: Apache-2.0
# The commands of the project. Each sets up what it needs; a second run does nothing twice.
.PHONY: help demo test test-all bench wheel lint format clean

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## build, launch a server, run the tour and print what it did
	@tools/setup.sh && tools/build.sh
	@.venv/bin/python examples/demo.py build/demo/pagerank.png

test: ## the tests: C++, Python, sanitized C++, fuzz corpora, lint
	@tools/test.sh

test-all: ## everything: also slow tests, TSan, Python under ASan, minutes of fuzzing
	@tools/test.sh --all

bench: ## the benchmarks, beside the floor of the machine
	@tools/setup.sh && tools/build.sh
	@.venv/bin/python tests/bench/run.py

wheel: ## a wheel in dist/ that carries the server and its libraries
	@tools/setup.sh
	@tools/wheel.sh

lint: ## formatters, linters, arrows between rooms
	@tools/setup.sh --tests
	@.venv/bin/python tools/lint.py

format: ## let the formatters rewrite the sources
	@tools/setup.sh --tests
	@git ls-files '*.h' '*.cpp' | xargs clang-format-14 -i
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .

clean: ## remove what was built; .venv/ stays
	rm -rf build dist client/*.egg-info client/unity/bin client/unity/*.so
