# Two lines matter: `make demo` and `make test`. Each sets up what it needs.
VENV ?= .venv
PORT ?= 8000
SPEED ?= 1
KILLS ?= 50
SEED ?= 1
PY = $(VENV)/bin/python
# Compile once, whatever the environment says: each worker and each process that a test starts imports the program.
export PYTHONDONTWRITEBYTECODE =
READY = $(VENV)/.ready

.PHONY: demo test slow check bench soak mutate docs lock clean

demo: $(READY)  ## a living Batch account, Slack and Teams on one page
	@$(VENV)/bin/batchbot demo --port $(PORT) --speed $(SPEED)

test: $(READY)  ## the tests but for the slow ones; ARGS are pytest's
	$(PY) -m pytest -n auto --dist worksteal -m "not slow" $(ARGS)

slow: $(READY)  ## the program as a process, the page in a browser, kills, days of simulated accounts
	$(PY) -m pytest -n auto --dist loadgroup -m slow $(ARGS)

check: $(READY)  ## linters, types, all tests, and the property tests with many more examples
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PY) -m pytest -n auto --dist loadgroup --hypothesis-profile=ci
	$(PY) -m pytest -n auto --timeout 3600 --hypothesis-profile=check tests/cards/test_properties.py

bench: $(READY)  ## measured figures, ratios taken side by side
	$(PY) -m bench

soak: $(READY)  ## the program is killed at random while trouble goes on: all is told, in time, once; KILLS=1000 SEED=2
	$(PY) -m tests.soak --kills $(KILLS) --seed $(SEED)
	$(PY) -m tests.soak --kills $(KILLS) --seed $(SEED) --load piled
	$(PY) -m tests.soak --kills $(KILLS) --seed $(SEED) --operations
	BATCHBOT_KILLS=$(KILLS) $(PY) -m pytest -n auto tests/requests/test_killed_operations.py tests/operations/test_killed_adder.py

mutate: $(READY)  ## faults put into the program one by one: the share that the tests notice, within 30 minutes; SEED=7
	$(PY) -m tests.mutate $(if $(SEED),--seed $(SEED))

docs: $(READY)  ## what is made from the code: docs/reference.md, docs/causes.md, manifest.yaml
	$(VENV)/bin/batchbot reference > docs/reference.md
	$(VENV)/bin/batchbot manifest > manifest.yaml
	$(VENV)/bin/batchbot causes > docs/causes.md

lock:  ## pin anew; needs uv
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra dev --extra bench --extra mutate pyproject.toml -o constraints.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra postgresql --extra mcp --extra keyvault --extra events --constraints constraints.txt pyproject.toml -o deploy/requirements.txt
	echo "python-qpid-proton>=0.40" | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--constraints constraints.txt - -o .ci/amqp.txt

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): constraints.txt pyproject.toml
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(PY) -m pip install -qq --disable-pip-version-check --no-deps -e .
	@touch $@
