# costspan: everything a contributor runs. Needs only Python 3.11+, make and the package registries.
#
#   PYTHON=python3.12         the interpreter of every environment
#   VENVS=.venv               the folder of the environments
#   WORKERS=2                 processes that run tests side by side
#   PYTEST_ARGS="-k streams"  more arguments for pytest
#   MATRIX_PAIRS="..."        the version pairs of "make matrix"
#   BENCH_ARGS="--only parts" a part of "make bench" alone
#   PEERS="bench-official"    the environments of "make peers"
#   JUDGES="mlflow"           the judges of "make judges"; of "make matrix" it is mlflow alone, or none
#   PARTS="otelcol"           what "make parts" builds, out of otelcol, jaeger and influxd
#   WRITE_DOCS=1              "make peers", "make servers", "make judges" and "make bench" write their tables into docs/
#   LOAD_SECONDS=60           how long each test of load lasts in "make load" and "make servers"
#   UPGRADE=--upgrade         "make pins" takes what is newest, not only what the *.in files ask for
#
# An environment NAME is VENVS/NAME, made from tests/requirements/NAME.txt, and made again when that
# file, pyproject.toml or PYTHON changes: "make env NAME=NAME".
.POSIX:

PYTHON = python3
VENVS = .venv
WORKERS = 2
PYTEST_ARGS =
BENCH_ARGS =
MATRIX_PAIRS = openai1.109-anthropic0.93 openai2.54-anthropic1.17 openai3.54-anthropic2.12
BENCH_PEERS = official openllmetry openinference
PEERS = bench-official peer-official-older peer-logfire peer-logfire-older bench-openllmetry peer-openllmetry-older \
	bench-openinference peer-openinference-older peer-openlit peer-openlit-older peer-frameworks peer-frameworks-older
JUDGES = mlflow phoenix
MATRIX_JUDGES = mlflow
PARTS = otelcol jaeger
LOAD_SECONDS = 2
UPGRADE =
AIMOCK = 1.43

PINS = tests/requirements
NAME = test
READY = $(VENVS)/$(NAME)/.ready
UV = UV_PYTHON_DOWNLOADS=never $(VENVS)/uv/bin/uv
RUN = $(VENVS)/$(NAME)/bin
SERVERS = COSTSPAN_COLLECTOR=$$PWD/$(VENVS)/parts/otelcol COSTSPAN_JAEGER=$$PWD/$(VENVS)/parts/jaeger \
	COSTSPAN_CHDB=$$PWD/$(VENVS)/chdb/bin/python COSTSPAN_INFLUXDB2=$$PWD/$(VENVS)/parts/influxd \
	COSTSPAN_COMPOSE=$$(echo $$PWD/$(VENVS)/compose/lib/python*/site-packages/compose/docker-compose)
COMPILE = $(UV) pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make pins" $(UPGRADE)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-8s %s\n' "$$name" "$$what"; done

demo: ## the main job, with a user's dependencies only
	@$(MAKE) -s env NAME=demo
	@$(VENVS)/demo/bin/python examples/demo.py

test: lint types ## lint, types, import contracts and all tests on the newest versions
	@$(RUN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

lint: env ## ruff and the import contracts
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/lint-imports --no-logo

types: env ## mypy --strict on src
	@$(RUN)/mypy

dashboards: env ## the dashboards and recording rules of collector-config/grafana, out of their code
	@$(RUN)/python collector-config/grafana/source

# A pipe hides pytest's exit status from sh, so it goes through a file.
matrix: aimock auto servers browser ## tests/matrix on every pair of openai and anthropic versions, aimock, auto, servers, browser and a judge
	@$(MAKE) -s judges JUDGES="$(MATRIX_JUDGES)" WRITE_DOCS=
	@failed=; mkdir -p $(VENVS)/matrix; rm -f $(VENVS)/matrix/*; \
	for pair in $(MATRIX_PAIRS); do \
		printf '\n=== %s\n' "$$pair"; log=$(VENVS)/matrix/$$pair; echo 1 >"$$log.status"; \
		$(MAKE) -s env NAME="pair-$$pair" && { \
			COSTSPAN_MATRIX=all $(VENVS)/pair-$$pair/bin/python -m pytest tests/matrix -q -n $(WORKERS) $(PYTEST_ARGS); \
			echo $$? >"$$log.status"; } 2>&1 | tee "$$log.log"; \
	done; \
	printf '\n=== summary\n'; \
	for pair in $(MATRIX_PAIRS); do \
		log=$(VENVS)/matrix/$$pair; [ "$$(cat "$$log.status")" = 0 ] || failed="$$failed $$pair"; \
		printf '%-28s %s\n' "$$pair" "$$(tail -n 1 "$$log.log" 2>/dev/null | tr -d = | grep . || echo 'not run')"; \
	done; \
	[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

# Servers of others that read OTLP, each in an environment of its own: some hundred megabytes.
judges: env ## tests/judges: what Phoenix and MLflow read of our spans
	@found=; for name in $(JUDGES); do \
		if $(MAKE) -s env NAME="judge-$$name"; then found="$$found $$name=$$PWD/$(VENVS)/judge-$$name"; \
		else echo "skipped: the judge $$name, as it could not be installed"; fi; \
	done; \
	[ -z "$$found" ] || { printf '\n=== judges:%s\n' "$$found"; export COSTSPAN_JUDGES="$${found# }"; \
		$(RUN)/python -m pytest tests/judges -q $(PYTEST_ARGS) && \
		{ [ -z "$(WRITE_DOCS)" ] || WRITE_DOCS=1 $(RUN)/python -m tests.judges; }; }

# ClickHouse's engine in a Python of its own, some hundred megabytes, and InfluxDB where its daemon is installed.
databases: env ## tests/databases: the queries of collector-config/clickhouse and influxdb
	@$(MAKE) -s env NAME=chdb || echo 'skipped: ClickHouse, as chdb could not be installed'
	@printf '\n=== databases\n'
	@$(SERVERS) $(RUN)/python -m pytest tests/databases -q $(PYTEST_ARGS)

# A model server that comes by npm; where there is no npm, this says so and goes on.
aimock: env
	@if command -v npm >/dev/null 2>&1; then \
		[ -d $(VENVS)/aimock/node_modules ] || npm install --silent --no-save --no-package-lock \
			--prefix $(VENVS)/aimock @copilotkit/aimock@$(AIMOCK); \
		printf '\n=== aimock\n'; \
		COSTSPAN_AIMOCK=$$PWD/$(VENVS)/aimock $(RUN)/python -m pytest tests/third_party -q $(PYTEST_ARGS); \
	else echo 'skipped: aimock, as there is no npm'; fi

# The collector's decoder of OTLP JSON, which is Go; where there is no Go, this says so and goes on.
decoder: env
	@if command -v go >/dev/null 2>&1; then \
		(cd tests/export/collector_decoder && go build -o "$$OLDPWD/$(VENVS)/otlp-decoder" .) && \
		printf '\n=== decoder\n' && \
		COSTSPAN_OTLP_DECODER=$$PWD/$(VENVS)/otlp-decoder $(RUN)/python -m pytest tests/export/test_otlp.py -q $(PYTEST_ARGS); \
	else echo 'skipped: the decoder of the collector, as there is no go'; fi

# Programs as opentelemetry-instrument starts them, with opentelemetry-distro installed and without.
auto: env ## tests/zero_code: opentelemetry-instrument and declarative configuration
	@$(MAKE) -s env NAME=auto
	@$(MAKE) -s env NAME=auto-bare
	@printf '\n=== auto\n'
	@COSTSPAN_AUTO=$$PWD/$(VENVS) $(RUN)/python -m pytest tests/zero_code -q -n $(WORKERS) $(PYTEST_ARGS)

# Minutes, the first time; what cannot be had here is named, and its tests skip.
parts: env ## the OpenTelemetry Collector and Jaeger (and InfluxDB, if PARTS asks), built from their Go modules into VENVS/parts
	@$(RUN)/python -m tests.servers.build $(VENVS)/parts $(PARTS)

servers: env ## all of collector-config: a collector and a Jaeger where "make parts" left them, ClickHouse where "make databases" did
	@$(MAKE) -s env NAME=compose || echo 'skipped: the compose files, as Docker Compose could not be installed'
	@printf '\n=== servers\n'
	@export COSTSPAN_LOAD_SECONDS=$(LOAD_SECONDS) WRITE_DOCS="$(WRITE_DOCS)"; \
	$(SERVERS) $(RUN)/python -m pytest tests/servers tests/databases -q -n $(WORKERS) $(PYTEST_ARGS) && \
	$(SERVERS) $(RUN)/python -m pytest tests/dashboards -m collector -q $(PYTEST_ARGS)

load: env ## what a collector takes at full load, for LOAD_SECONDS each, with the figures
	@COSTSPAN_LOAD_SECONDS=$(LOAD_SECONDS) $(SERVERS) \
		$(RUN)/python -m pytest tests/servers/test_load.py -q -n 0 -o log_cli=true -o log_cli_level=INFO $(PYTEST_ARGS)

# The page of reports as a browser shows it; where there is no Chromium, this says so and goes on.
browser: ## tests/report/page: the page of reports in Chromium
	@if command -v chromium >/dev/null 2>&1; then \
		$(MAKE) -s env NAME=browser && printf '\n=== browser\n' && \
		$(VENVS)/browser/bin/python -m pytest tests/report/page -q -n $(WORKERS) $(PYTEST_ARGS); \
	else echo 'skipped: the page in a browser, as there is no chromium'; fi

# Alone on the machine, as its processes take turns; each peer has an interpreter of its own, with costspan in it too.
bench: env ## tests/benchmarks: the figures of the design, beside those of the peers
	@peers=; for peer in $(BENCH_PEERS); do \
		$(MAKE) -s env NAME="bench-$$peer" || exit 1; \
		peers="$$peers $$peer=$$PWD/$(VENVS)/bench-$$peer/bin/python"; \
	done; \
	COSTSPAN_BENCH_PEERS="$${peers# }" WRITE_DOCS="$(WRITE_DOCS)" $(RUN)/python -m tests.benchmarks $(BENCH_ARGS)

# Each release of a peer has an interpreter of its own, with costspan in it too.
peers: env ## tests/peers: what the spans of other instrumentations cost, held to what was served
	@pythons=; for name in $(PEERS); do \
		$(MAKE) -s env NAME="$$name" || exit 1; \
		pythons="$$pythons $$name=$$PWD/$(VENVS)/$$name/bin/python"; \
	done; \
	COSTSPAN_PEERS="$${pythons# }" WRITE_DOCS="$(WRITE_DOCS)" $(RUN)/python -m tests.peers --workers $(WORKERS)

proof: ## everything: test, minutes of kill -9, 1,000,000 odd lines, 100,000 calls without a leak, a folder of 10 GB, matrix, peers, judges, databases, demo and bench
	@$(MAKE) test
	@COSTSPAN_TORTURE_SECONDS=120 $(RUN)/python -m pytest tests/export/test_torture.py -q -o timeout=0
	@COSTSPAN_LEAK_CALLS=100000 $(RUN)/python -m pytest tests/instrumentation/test_leaks.py -q -o timeout=0
	@COSTSPAN_FUZZ_LINES=1000000 $(RUN)/python -m pytest tests/export/test_reader.py -q -o timeout=0
	@COSTSPAN_FOLDER_GB=10 $(RUN)/python -m pytest tests/report/test_big_folder.py -q -o timeout=0 -o log_cli=true -o log_cli_level=INFO
	@$(MAKE) decoder
	@$(MAKE) parts PARTS="otelcol jaeger influxd"
	@$(MAKE) databases
	@$(MAKE) matrix WRITE_DOCS=1
	@$(MAKE) load LOAD_SECONDS=60
	@$(MAKE) peers
	@$(MAKE) judges WRITE_DOCS=1
	@$(MAKE) demo
	@$(MAKE) bench WRITE_DOCS=1

pins: $(VENVS)/uv/.ready ## remake tests/requirements/*.txt from the *.in files and pyproject.toml
	@for name in uv build; do $(COMPILE) -o $(PINS)/$$name.txt $(PINS)/$$name.in || exit 1; done
	@for file in $(PINS)/test.in $(PINS)/demo.in $(PINS)/browser.in $(PINS)/auto*.in $(PINS)/pair-*.in $(PINS)/bench-*.in $(PINS)/peer-*.in; do \
		case "$$file" in */peer-*) freed="--overrides $(PINS)/overrides.txt";; *) freed=;; esac; \
		$(COMPILE) $$freed -o "$${file%.in}.txt" pyproject.toml "$$file" || exit 1; done
	@for file in $(PINS)/judge-*.in $(PINS)/chdb.in $(PINS)/compose.in; do $(COMPILE) -o "$${file%.in}.txt" "$$file" || exit 1; done

clean: ## remove environments, caches and builds
	rm -rf $(VENVS) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

env: $(READY)

$(READY): $(VENVS)/uv/.ready $(PINS)/$(NAME).txt $(PINS)/build.txt pyproject.toml
	@echo "making $(VENVS)/$(NAME)"
	@$(UV) venv --quiet --clear --python $(VENVS)/uv/bin/python $(VENVS)/$(NAME)
	@$(UV) pip install --quiet --python $(RUN)/python --no-deps --require-hashes -r $(PINS)/$(NAME).txt
	@$(UV) pip install --quiet --python $(RUN)/python --no-deps --build-constraints $(PINS)/build.txt -e .
	@touch $@

$(VENVS)/uv/.ready: $(VENVS)/.python $(PINS)/uv.txt
	@echo "making $(VENVS)/uv"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("costspan needs Python 3.11+: make PYTHON=python3.12 ...")'
	@rm -rf $(VENVS)/uv
	@$(PYTHON) -m venv $(VENVS)/uv
	@$(VENVS)/uv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $(PINS)/uv.txt
	@touch $@

# Holds the name of the interpreter; rewritten, and so newer than the environments, only when it changes.
$(VENVS)/.python: always
	@mkdir -p $(VENVS)
	@echo '$(PYTHON)' | cmp -s - $@ || echo '$(PYTHON)' >$@

always:

.PHONY: help demo test lint types dashboards matrix judges databases aimock decoder auto parts servers load browser bench peers proof pins clean env always
