# A thin door: presets live in CMakePresets.json, setup in scripts/setup.sh.
REPO ?= .
JOBS ?= $(shell nproc)

.PHONY: help review test fmt check bench clean

help:
	@echo "make review [REPO=path]  set up, build, review a repository (default: this one)"
	@echo "make test                set up, build, run every test and check"
	@echo "make bench               benchmarks, with ratios to peers and limits"
	@echo "make fmt                 format the code"
	@echo "make clean               remove build/"

.PHONY: setup-build setup-test release dev
setup-build:
	@scripts/setup.sh build
setup-test:
	@scripts/setup.sh test

release: setup-build
	@cmake --preset release >/dev/null
	@ninja -C build/release -j$(JOBS) wrench

dev: setup-test
	@cmake --preset dev >/dev/null
	@ninja -C build/dev -j$(JOBS)

review: release
	@build/release/wrench review $(REPO)

test: dev
	@ctest --test-dir build/dev -j$(JOBS) --output-on-failure

check: setup-test
	@scripts/check_format.sh

fmt:
	@scripts/check_format.sh --fix

bench: release
	@ninja -C build/release -j$(JOBS) -k0 $$(ninja -C build/release -t targets all | grep -o '^wrench_[a-z]*_bench:' | tr -d ':' | sort -u)
	@bench/run.py --wrench build/release/wrench

clean:
	@rm -rf build
