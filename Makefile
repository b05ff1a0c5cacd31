# Two commands matter: `make demo` and `make test`. Each sets up everything it needs inside this folder (.venv, target/)
# and in the ordinary caches of cargo, pip and Maven. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# One after the other: each step already uses every core, and the runners' last lines stay in order.
.NOTPARALLEL:

export CARGO_TARGET_DIR ?= $(CURDIR)/target
PYTHON := $(CURDIR)/.venv/bin/python
export PYTHONPATH := $(CURDIR)/python/src
export TF_CPP_MIN_LOG_LEVEL ?= 2
export KERAS_BACKEND := tensorflow

PEER := target/peer
STAMPS := target/stamps
DEMO := target/demo
MODELS := numbers tables days
# A wish of the caller wins; else the library of the wheel in .venv. Looked up when a recipe runs, since .venv may be new.
TENSORFLOW = $${STREAMGRAD_TENSORFLOW:-$$(echo $(CURDIR)/.venv/lib/python3.*/site-packages/tensorflow/libtensorflow_cc.so.2)}
MAVEN := mvn --quiet --batch-mode -f java/pom.xml -Dstreamgrad.native=$(CARGO_TARGET_DIR)/release
# Maven resets the colour, whatever it was told about colours.
PLAIN := | sed --unbuffered 's/\x1b\[0m//g'
# Maven says only what went wrong; of surefire the results are wanted too.
SUREFIRE := MAVEN_OPTS="$(MAVEN_OPTS) -Dorg.slf4j.simpleLogger.log.org.apache.maven.plugin.surefire.SurefireMojo=info"

## help: this list
.PHONY: help
help:
	@sed -n 's/^## //p' Makefile | awk -F': ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

## demo: a Flink job learns from the 336,776 flights of 2013
.PHONY: demo
demo: check-machine .venv native java $(DEMO)/events.csv $(DEMO)/days.bundle/bundle.json
	@echo "Learning from the flights of 2013: each is predicted at its scheduled departure and learned when it lands."
	@echo "The lines are of the model days; base rate is the logloss of the running rate of late flights alone."
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" java -jar java/examples/target/streamgrad-examples.jar \
	    $(DEMO)/events.csv $(DEMO) $(MODELS:%=$(DEMO)/%.bundle)
	@$(PYTHON) examples/flights/plot.py $(DEMO)
	@printf '\nIn %s: learning-curve.png, summary.json, predictions.csv, parameters.safetensors\n' $(DEMO)

$(DEMO)/events.csv: examples/flights/prepare.py python/requirements.lock | .venv
	@echo "preparing the flights (once)"
	@$(PYTHON) examples/flights/prepare.py $@

# Their names and their order are those of prepare.py; a new exporter may write them differently. The last one is the demo's own.
$(DEMO)/days.bundle/bundle.json: examples/flights/model.py examples/flights/prepare.py python/requirements.lock \
    $(shell find python/src -name '*.py' 2>/dev/null) | .venv
	@echo "exporting the models from Keras (once)"
	@mkdir -p $(DEMO)
	@$(PYTHON) examples/flights/model.py $(DEMO)

## clicks: ten million made-up clicks, learned with embedding tables that grow and forget
.PHONY: clicks
CLICKS ?= 10000000
clicks: check-machine .venv target/clicks.bundle/bundle.json
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" cargo run --quiet --release --locked --example clicks -- target/clicks.bundle $(CLICKS)

target/clicks.bundle/bundle.json: examples/clicks/model.py python/requirements.lock $(shell find python/src -name '*.py' 2>/dev/null) | .venv
	@echo "exporting the model of the clicks from Keras (once)"
	@$(PYTHON) examples/clicks/model.py target/clicks.bundle

## wine: a model trained offline predicts in Flink, and is replaced while the job runs
.PHONY: wine
wine: check-machine .venv native java
	@rm -rf target/wine && $(PYTHON) examples/wine/model.py target/wine
	@# The better model comes once the job has told of 200 wines, however long it took to start.
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" java -cp java/examples/target/streamgrad-examples.jar \
	    dev.streamgrad.examples.wine.WineJob target/wine/wine.csv target/wine/models 600 | while IFS= read -r line; do \
	        echo "$$line"; \
	        if [[ $$line == *" 200 wines, "* ]]; then mv target/wine/better target/wine/models/2; fi; \
	    done

## test: every check and every test that ends in minutes
.PHONY: test
test: check-machine
	@.ci/beside peer "native rust-tests"
	@.ci/beside test-java "checks test-rust"
	@$(MAKE) --no-print-directory test-python

## check-machine: what this machine lacks, and how to get it
.PHONY: check-machine
check-machine:
	@.ci/machine

# The virtual environment is right when it was made from this very lock file; the copy inside tells.
.PHONY: .venv
.venv:
	@cmp -s python/requirements.lock .venv/requirements.lock || { \
	    echo "setting up .venv (TensorFlow's wheel is large; once)"; \
	    test -x .venv/bin/python || "$$(.ci/python)" -m venv .venv; \
	    $(PYTHON) -m pip install --quiet --disable-pip-version-check -r python/requirements.lock; \
	    cp python/requirements.lock .venv/requirements.lock; }

## native: libstreamgrad.so and libstreamgrad.a, optimised
.PHONY: native
native:
	@test -e $(CARGO_TARGET_DIR)/release/libstreamgrad.so || echo "building the library (some minutes, once)"
	@cargo build --quiet --release --locked --lib --features arrow

## command: the program streamgrad, optimised
.PHONY: command
COMMAND := $(CARGO_TARGET_DIR)/release/streamgrad
command:
	@test -e $(COMMAND) || echo "building the command (some minutes, once)"
	@cargo build --quiet --release --locked --features cli --bin streamgrad

## peer: what Keras computes, for the tests to compare with
.PHONY: peer
peer: .venv $(STAMPS)/peer
# The longest first, two at a time: each is TensorFlow with a core of its own.
PEERS := fixtures optimizers examples transforms embedding metrics tables ancestor saved_models codecs graphs ragged command bindings flights wine
$(STAMPS)/peer: $(wildcard tests/peer/*.py) $(shell find python/src -name '*.py' 2>/dev/null) python/requirements.lock
	@echo "peer: Keras computes what the tests compare with"
	@mkdir -p $(PEER) $(STAMPS)
	@printf '%s\n' $(PEERS) | xargs -P 2 -I {} bash -c \
	    '$(PYTHON) tests/peer/{}.py $(PEER) >$(PEER)/{}.log 2>&1 || { cat $(PEER)/{}.log; exit 1; }'
	@touch $@

# cargo knows when the library is stale; the file's own time tells who depends on it whether it changed.
LIBRARY := $(CARGO_TARGET_DIR)/release/libstreamgrad.so
$(LIBRARY): native
	@:

## header: include/streamgrad.h, from the source of the C ABI
.PHONY: header
header:
	@STREAMGRAD_WRITE_HEADER=1 cargo test --quiet --locked --test header

## types: the tables of docs/types.md, from the code
.PHONY: types
types: native .venv
	@STREAMGRAD_WRITE_TYPES=1 cargo test --quiet --locked --all-features --test types
	@STREAMGRAD_WRITE_TYPES=1 $(MAVEN) -pl streamgrad,streamgrad-flink -Dtest=TypesPageTest -Dsurefire.failIfNoSpecifiedTests=false test

## install: command, header, libraries, files for pkg-config and CMake below PREFIX (and DESTDIR)
.PHONY: install install-files install-command
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
CMAKEDIR = $(LIBDIR)/cmake/streamgrad
LIBRARIES ?= $(CARGO_TARGET_DIR)/release
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
ABI := $(shell sed -n 's/^\#define SG_ABI //p' include/streamgrad.h)
install: native install-files install-command
install-command: command
	@install -D -m 755 $(COMMAND) $(DESTDIR)$(BINDIR)/streamgrad
install-files:
	@install -d $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(LIBDIR)/pkgconfig
	@install -m 644 include/streamgrad.h $(DESTDIR)$(INCLUDEDIR)
	@install -m 644 $(LIBRARIES)/libstreamgrad.a $(DESTDIR)$(LIBDIR)
	@install -m 755 $(LIBRARIES)/libstreamgrad.so $(DESTDIR)$(LIBDIR)/libstreamgrad.so.$(VERSION)
	@ln -sf libstreamgrad.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libstreamgrad.so.$(ABI)
	@ln -sf libstreamgrad.so.$(ABI) $(DESTDIR)$(LIBDIR)/libstreamgrad.so
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	    packages/streamgrad.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/streamgrad.pc
	@install -d $(DESTDIR)$(CMAKEDIR)
	@for file in streamgrad-config streamgrad-config-version; do \
	    sed -e 's|@INCLUDE@|'"$$(realpath -sm --relative-to=$(CMAKEDIR) $(INCLUDEDIR))"'|' -e 's|@VERSION@|$(VERSION)|' -e 's|@ABI@|$(ABI)|' \
	        packages/$$file.cmake.in >$(DESTDIR)$(CMAKEDIR)/$$file.cmake; \
	done

## package: everything that is published, in target/package; the library in it needs glibc 2.28
.PHONY: package
package: check-machine
	@packages/build.sh

## java: the jars
.PHONY: java
java: $(STAMPS)/java
$(STAMPS)/java: $(LIBRARY) $(shell find java -name target -prune -o -type f -print 2>/dev/null)
	@mkdir -p $(STAMPS)
	@echo "building the jars"
	@$(MAVEN) package -DskipTests $(PLAIN)
	@touch $@

## checks: licences, what may not be in the repository
.PHONY: checks
checks: .venv
	@$(PYTHON) .ci/licences.py

# What test-rust runs.
.PHONY: rust-tests
rust-tests:
	@cargo test --quiet --locked --all-features --no-run

.PHONY: test-rust test-java test-python
## test-rust: unit, integration and documentation tests
test-rust: peer native
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" cargo test --quiet --locked --all-features

## test-java: the core, Flink and the demo in a MiniCluster
test-java: peer native
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" $(SUREFIRE) $(MAVEN) verify $(PLAIN)
	@mkdir -p $(STAMPS) && touch $(STAMPS)/java

# Python uses one core: two processes, a file each at a time, first those that run the demo and the README.
HALVES := -n 2 --dist loadfile --no-loadscope-reorder
## test-python: the exporter, the README's examples
test-python: peer java
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" $(PYTHON) -m pytest --disable-warnings -c python/pyproject.toml $(HALVES) $(wildcard tests/*.py) python/tests

## test-long: soak tests, millions of steps, an older TensorFlow, Maven's TensorFlow, all packages, a real Flink cluster (an hour)
.PHONY: test-long
test-long: check-machine peer native java $(DEMO)/events.csv $(DEMO)/days.bundle/bundle.json
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" cargo test --release --locked -- --ignored
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" $(MAVEN) package -pl streamgrad -Plong
	@tests/older_tensorflow.sh
	@packages/build.sh
	@tests/packages.sh
	@tests/demo.sh
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" tests/cluster.sh
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" tests/failover.sh

## fuzz: a minute of bytes that nobody wrote for each decoder (FUZZ_SECONDS=600: ten); a nightly Rust for this alone
.PHONY: fuzz
FUZZ_SECONDS ?= 60
FUZZERS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
# What breaks a decoder is in fuzz/artifacts; it becomes a test in fuzz/seeds. Not so a timeout within the crate parquet's
# skip_till_depth, which docs/records.md names: fuzz on.
fuzz:
	@cargo +nightly --version >/dev/null 2>&1 || { echo "There is no nightly Rust: rustup toolchain install nightly --profile minimal" >&2; exit 1; }
	@cargo fuzz --version >/dev/null 2>&1 || { echo "There is no cargo-fuzz: cargo install cargo-fuzz --locked" >&2; exit 1; }
	@for target in $(FUZZERS); do \
	    echo "$$target: $(FUZZ_SECONDS) s"; \
	    mkdir -p fuzz/corpus/$$target; \
	    cargo +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
	        -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -print_final_stats=1 -verbosity=0 || exit 1; \
	done

## bench: the measured goals, written to benches/results.json and benches/RESULTS.md
.PHONY: bench
bench: check-machine peer native java
	@STREAMGRAD_TENSORFLOW="$(TENSORFLOW)" $(PYTHON) benches/run.py

## fmt: format Rust and Python
.PHONY: fmt
fmt: .venv
	@cargo fmt
	@$(PYTHON) -m ruff check --quiet --fix .
	@$(PYTHON) -m ruff format --quiet .

## lint: formatting, clippy, links in the documentation, ruff, mypy
.PHONY: lint lint-rust lint-python
lint: lint-rust lint-python
lint-rust:
	cargo fmt --check
	cargo clippy --quiet --locked --all-targets -- -D warnings
	cargo clippy --quiet --locked --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps --all-features
lint-python: .venv
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy --config-file python/pyproject.toml python/src

## clean: everything that was built here; .venv and the caches of cargo, pip and Maven stay
.PHONY: clean
clean:
	@rm -rf target java/target java/*/target
